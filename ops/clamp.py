"""Rows that keep numbers within bounds, and quotients rounded to whole numbers."""

from ops.kinds import composite, pointwise
from ops.row import boolean, floating, real

composite("clamp(input, min: Tensor | None = None, max: Tensor | None = None)", run="clamp_tensor", aliases=("clip",),
          inplace=True, out=True, exceptions={"node_name": "the bounds of both kinds share a row"},
          samples="clamp_tensor", onnx="Clip",
          doc="The same with bounds that broadcast with input. Where min is above max, max.")
composite("clamp(input, min: Number | None = None, max: Number | None = None)", overload="number", run="clamp_number",
          out_rule="exact", inplace=True,
          out=True, exceptions={"node_name": "one bound is the row clamp_min or clamp_max"}, samples="clamp",
          onnx="Clip",
          doc="input, min where it is smaller and max where it is larger. At least one bound.")
pointwise("_clamp(input, min: Operand, max: Operand)", types=real, fitting_numbers=("min", "max"),
          body="minimum(maximum(input, min), max)",
          private=True,
          method=False, node="ClampBackward1", samples="none", onnx="Clip",
          grad={"input": "where(input >= min, where(input <= max, g, 0), 0)",
                "min": "where(min < max, where(input < min, g, 0), 0)",
                "max": "where(max < min, g, where(input > max, g, 0))"}, doc="input between two bounds.")
pointwise("clamp_min(input, min: Operand)", types=boolean + real, fitting_numbers=("min",),
          body="maximum(input, min)", onnx="Clip",
          grad={"input": "where(input >= min, g, 0)", "min": "where(input < min, g, 0)"},
          node="ClampMinBackward1", number_nodes={"min": "ClampMinBackward0"},
          doc="input, min where it is smaller.")
pointwise("clamp_max(input, max: Operand)", types=boolean + real, fitting_numbers=("max",),
          body="minimum(input, max)", onnx="Clip",
          grad={"input": "where(input <= max, g, 0)", "max": "where(input > max, g, 0)"},
          node="ClampMaxBackward1", number_nodes={"max": "ClampMaxBackward0"},
          doc="input, max where it is larger.")
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
composite("nan_to_num(input, nan: Number | None = None, posinf: Number | None = None, neginf: Number | None = None)",
          inplace=True, out=True, out_rule="exact", samples="nan_to_num",
          exceptions={"complex_tangent": "PyTorch's is that of a real function, and there is no gradient to compare"},
          doc="input with numbers for NaN (0) and the infinities (the dtype's largest and smallest number).")
pointwise("_nan_to_num(input, nan: Number, posinf: Number, neginf: Number)", types=floating, private=True, method=False,
          body="where(isnan(input), nan, where(isinf(input), where(input > 0, posinf, neginf), input))",
          grad={"input": "where(isfinite(input), g, 0)"}, node="NanToNumBackward0", samples="none",
          doc="input with numbers for NaN and the infinities.")
