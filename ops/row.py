"""What a row of the table is. Topic files build rows with the functions of `kinds`; the generator reads them.

A row states facts only. Variants (function, method, in-place, `out=`, operators) are derived from its kind.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

floating = ("float16", "bfloat16", "float32", "float64")
complex_ = ("complex64", "complex128")
half_complex = ("complex32",)  # computed as complex64, by the rows that say so
integral = ("uint8", "int8", "int16", "int32", "int64")
boolean = ("bool",)
real = integral + floating
number = real + complex_
every = boolean + number


@dataclass
class Row:
    """One operation, in PyTorch's public call form.

    signature   "name(argument, argument: Type = default, *, ...)"; a bare argument is a Tensor
    overload    tells rows of one public name apart ("" for the first)
    body        pointwise: the formula of one element
    map, combine, start, finish   reduction: of an element, of two accumulators a and b, neutral value, of a over n
    layout      view: the function of native/tensor/layout.h that gives the result's sizes, strides and offset
    run         kernel: the function in rl::kernels; composite: the function in rl::compose
    grad        input -> formula of its gradient in g (gradient of the output), y (output) and the arguments; or all
                inputs -> one formula that gives the gradients of each, empty where bit i of `need` is not set
    graph       input -> the formula used instead when the gradient itself is to be differentiated
    returns     names of the results where there are several
    """

    kind: str
    signature: str
    overload: str = ""
    types: tuple[str, ...] = every
    body: str = ""
    map: str = ""
    combine: str = ""
    start: str = ""
    finish: str = ""
    layout: str = ""
    run: str = ""
    grad: dict[str | tuple[str, ...], str] = field(default_factory=dict)
    graph: dict[str | tuple[str, ...], str] = field(default_factory=dict)
    returns: tuple[str, ...] = ()
    undifferentiable: tuple[str, ...] = ()  # results without gradient (indices); y where there is one
    operator: str = ""  # Python's symbol: "+", "@", ...
    reversed_operator: str = ""
    narrow_reversed: str = ""  # what the operator is for a number and a 16-bit tensor on its right
    # the methods that `x op y`, with something else on the left `y op x`, and `x op= y` are for __torch_function__,
    # where these are not the row's own, Python's reflected one and the row's in-place one
    operator_methods: tuple[str, str, str] = ("", "", "")
    node: str = ""  # PyTorch's name of the backward node, where it is not derived from the row's
    # condition on a call -> that name where it holds: in_place, number(operand), dims(input) > 2, count(dim) != 1,
    # bias is None
    nodes: dict[str, str] = field(default_factory=dict)
    function: bool = True
    method: bool = True
    inplace: bool = False
    out: bool = False
    # dtypes of out=: "" any that the result converts to (else RuntimeError; "type_error": TypeError), "exact" the
    # result's own, "exact_weight" that too unless the last operand is a number or 0-d, "truth" bool or uint8
    out_rule: str = ""
    private: bool = False  # offered to formulas and the dispatch hook, under a leading underscore in PyTorch's style
    bool_output: bool = False
    bool_inputs: tuple[str, ...] = ()
    holomorphic: bool = True  # False: the gradient formulas hold for complex numbers as they stand
    integers_to_float: bool = False
    integers_to_int64: bool = False
    floating_only: bool = False
    widens: bool = False  # kernel: 16-bit floats go in as float32, and the results are rounded once
    ends_at_integers: bool = False  # no history for a result without gradients; other rows refuse one
    constant: tuple[str, ...] = ()  # inputs that no derivative is known by: those that want a gradient are refused
    underivable: bool = False  # no derivative is known: the result wants a gradient, and asking for it raises
    exact_number: str = ""  # an operand: with 16-bit floats, its number or 0-d tensor is not rounded to the dtype first
    fitting_numbers: tuple[str, ...] = ()  # operands whose numbers must fit the dtype, as parameters always do
    negated: tuple[str, ...] = ()  # numbers that the formula gets with the sign changed; an integer wraps
    narrow_body: dict[str, str] = field(default_factory=dict)  # 16-bit dtype -> formula on bits, where float32 fails
    number_body: dict[str, str] = field(default_factory=dict)  # operand -> the formula used where it is a number
    numbers_alone: bool = False  # takes numbers in the place of all its tensors
    complex_gradient: bool = True  # False: complex numbers are computed, but not where a gradient is asked for
    like: str = ""  # pointwise: the operand whose shape, strides and dtype the result has, not what all come to
    # pointwise: "no_bool" refuses bool operands, "no_bool_number" bools of which one is a number, "one_dtype" tensors
    # of several dtypes; "bools_as_int64" computes bools as whole numbers; "elements" wants numbers to fit the dtype,
    # unless it has 16 bits
    dtype_rule: str = ""
    aliases: tuple[str, ...] = ()  # other names of the same functions and methods; "_special_" marks rushlight.special
    legacy: tuple[str, ...] = ()  # the order of arguments of an older call form: add(input, alpha, other)
    multi_view: bool = False
    parts: str = ""  # pointwise, view: "real" makes the parts' dtype of a complex one, "complex" the reverse
    bounds: bool = False  # view: the layout may leave the storage and is checked
    tolerance: float = 0.0  # extra relative tolerance of the generated tests, with a reason in the doc
    onnx: str = ""
    samples: str = ""  # name of a sample generator in tests/table/samples.py, where the kind's own does not fit
    # "property: words of the case" in the generated tests -> why it does not hold
    exceptions: dict[str, str] = field(default_factory=dict)
    doc: str = ""
    file: str = ""
    line: int = 0
    family: str = ""


TABLE: list[Row] = []


def add_row(kind: str, signature: str, **fields: Any) -> Row:
    """Appends a row to the table, noting the file and line it stands in."""
    frame = sys._getframe(2)  # inspect.stack() takes 10 s for all rows once PyTorch's modules are loaded
    path = Path(frame.f_code.co_filename)
    fields.setdefault("doc", "")
    row = Row(kind=kind, signature=signature, file=f"ops/{path.name}", line=frame.f_lineno, family=path.stem, **fields)
    row.doc = " ".join(row.doc.split())
    TABLE.append(row)
    return row
