"""Rows that keep numbers within bounds, and quotients rounded to whole numbers."""

from ops.kinds import composite, pointwise
from ops.row import boolean, every, floating, real

composite("clamp(input, min: Tensor | None = None, max: Tensor | None = None)", run="clamp_tensor", aliases=("clip",),
          inplace=True, out=True, samples="clamp_tensor", onnx="Clip",
          doc="The same with bounds that broadcast with input. Where min is above max, max.")
composite("clamp(input, min: Number | None = None, max: Number | None = None)", overload="number", run="clamp_number",
          out_rule="exact", inplace=True,
          out=True, samples="clamp", onnx="Clip",
          doc="input, min where it is smaller and max where it is larger. At least one bound.")
pointwise("_clamp(input, min: Operand, max: Operand)", types=real, fitting_numbers=("min", "max"),
          body="minimum(maximum(input, min), max)",
          private=True,
          method=False, node="ClampBackward0", nodes={"number(min)": "ClampBackward1"}, samples="none", onnx="Clip",
          grad={"input": "where(input >= min, where(input <= max, g, 0), 0)",
                "min": "where(min < max, where(input < min, g, 0), 0)",
                "max": "where(max < min, g, where(input > max, g, 0))"}, doc="input between two bounds.")
for _bound, _body, _kept, _cut, _where in (
    ("min", "maximum(input, min)", "input >= min", "input < min", "smaller"),
    ("max", "minimum(input, max)", "input <= max", "input > max", "larger"),
):
    # clamp with one bound is a row of its own, for its name in a graph.
    for _name, _nodes, _public in (
        (f"clamp_{_bound}", (f"Clamp{_bound.title()}Backward1", f"Clamp{_bound.title()}Backward0"), True),
        (f"_clamp_by_{_bound}", ("ClampBackward0", "ClampBackward1"), False),
    ):
        pointwise(f"{_name}(input, {_bound}: Operand)", types=boolean + real, fitting_numbers=(_bound,),
                  dtype_rule="no_bool_number", body=_body, node=_nodes[0],
                  grad={"input": f"where({_kept}, g, 0)", _bound: f"where({_cut}, g, 0)"},
                  nodes={f"number({_bound})": _nodes[1]}, private=not _public, method=_public,
                  samples="" if _public else "none", onnx="Clip", doc=f"input, {_bound} where it is {_where}.")
composite("div(input: Operand, other: Operand, *, rounding_mode: str | None)", overload="mode", run="div_mode",
          aliases=("true_divide", "divide"), inplace=True, out=True, samples="div_mode", onnx="Div",
          exceptions={"node_name": "rounding_mode None is the row div",
                      "meta": "PyTorch orders the memory of a rounded quotient otherwise on meta"},
          doc="The quotient; rounded to zero for rounding_mode 'trunc', down for 'floor', not at all for None.")
pointwise("_div_trunc(input: Operand, other: Operand)", types=real, body="div_trunc(input, other)",
          dtype_rule="divides", exact_number="other",
          private=True, method=False, node="DivBackward2", samples="none",
          grad={"input": "zeros_like(g)", "other": "zeros_like(g)"}, doc="The quotient, rounded to zero.")
pointwise("_div_floor(input: Operand, other: Operand)", types=real, body="_div_floor(input, other)",
          dtype_rule="divides", exact_number="other",
          private=True, method=False, node="DivBackward2", samples="none",
          grad={"input": "zeros_like(g)", "other": "zeros_like(g)"}, doc="The quotient, rounded down.")
composite("nan_to_num(input, nan: float | None = None, posinf: float | None = None, neginf: float | None = None)",
          types=every, inplace=True, out=True, out_rule="exact", samples="nan_to_num",
          exceptions={"complex_tangent": "PyTorch's is that of a real function, and there is no gradient to compare"},
          doc="input with numbers for NaN (0) and the infinities (the dtype's largest and smallest number).")
pointwise("_nan_to_num(input, nan: Number, posinf: Number, neginf: Number)", types=floating, private=True, method=False,
          body="where(isnan(input), nan, where(isinf(input), where(input > 0, posinf, neginf), input))",
          grad={"input": "where(isfinite(input), g, 0)"}, node="NanToNumBackward0", samples="none",
          doc="input with numbers for NaN and the infinities.")
