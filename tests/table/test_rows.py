"""Every row against PyTorch: values, types, shapes, memory and errors. One item is one property of one row."""

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl
from codegen.operations import has_inplace
from codegen.table import COMPILED, Operation
from tests.table.arrays import Sample, mask, numbers
from tests.table.compare import (
    DTYPES,
    LAYOUTS,
    TABLE,
    TESTED,
    Cases,
    Check,
    MissingDtype,
    Properties,
    all_same,
    arguments,
    attempt,
    both,
    caller,
    function,
    name_of,
    results,
)
from tests.table.samples import AWKWARD, BROADCAST, REFUSED, of_shapes, samples

PROPERTIES = Properties()
PYTHON = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
    "@": operator.matmul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMBERS = (True, 2, -1, 1.5)


def pointwise(o: Operation) -> bool:
    return o.row.kind == "pointwise"


def dimensional(o: Operation) -> bool:
    """A reduction, or a kernel called like one."""
    return not o.row.samples and not pointwise(o)


def computed(o: Operation) -> bool:
    """A row whose calls take tensors of any layout and give new tensors."""
    return o.row.kind in ("pointwise", "reduction", "kernel", "composite")


def several(o: Operation) -> bool:
    return pointwise(o) and len(o.inputs) > 1


def successful(o: Operation, dtype: str = "float32") -> list[tuple[Sample, Any]]:
    """Samples that PyTorch takes, with its results."""
    tried = [(s, both(o, s, dtype)[1]) for s in samples(o)]
    return [(s, r) for s, r in tried if not isinstance(r, Exception)]


# ------------------------------------------------------------------ values and types


@PROPERTIES.of(lambda o: True)
def values(o: Operation, case: Cases) -> None:
    for dtype, sample in itertools.product(DTYPES, samples(o)):
        with case(f"{dtype} {sample}"):
            all_same(*both(o, sample, dtype), o.row.tolerance)


@PROPERTIES.of(several)
def promotion(o: Operation, case: Cases) -> None:
    """Pairs of dtypes, with and without dimensions; Python numbers of each kind in each place."""
    free = [i for i, p in enumerate(o.inputs) if p.name not in o.row.bool_inputs]
    shapes = list(itertools.product(((3,), ()), repeat=2))
    for (a, b), (s, t) in itertools.product(itertools.product(COMPILED, repeat=2), shapes):
        dtypes, sizes = [a] * len(o.inputs), [s] * len(o.inputs)
        dtypes[free[-1]], sizes[free[-1]] = b, t
        args = [mask(*n) if i not in free else numbers(*n, seed=i) for i, n in enumerate(sizes)]
        with case(f"{a}{list(s)} {b}{list(t)}"):
            all_same(*both(o, Sample(tuple(args)), dtypes), o.row.tolerance)
    for dtype, number, place in itertools.product(COMPILED, NUMBERS, free):
        args = list(of_shapes(o, [(3,)]).args)
        if o.inputs[place].type == "Operand":
            args[place] = number
            with case(f"{dtype} and {number}"):
                all_same(*both(o, Sample(tuple(args)), dtype), o.row.tolerance)


@PROPERTIES.of(lambda o: any(p.type == "Number" for p in o.parameters) and o.row.kind == "pointwise")
def scalars(o: Operation, case: Cases) -> None:
    for dtype, number, p in itertools.product(COMPILED, NUMBERS, o.parameters):
        if p.type == "Number":
            with case(f"{dtype} {p.name}={number}"):
                all_same(*both(o, Sample(of_shapes(o, [(3,)]).args, {p.name: number}), dtype), o.row.tolerance)


@PROPERTIES.of(lambda o: dimensional(o) and "dtype" in o.signature.names())
def result_dtype(o: Operation, case: Cases) -> None:
    sample = samples(o)[0]
    dtypes = DTYPES if o.row.widens else COMPILED
    for dtype, wanted in itertools.product(dtypes, dtypes):

        def call(m: Any, dtype: str = dtype, wanted: str = wanted) -> Any:
            args, kwargs = arguments(m, sample, dtype)
            return function(m, o)(*args, **kwargs, dtype=getattr(m, wanted))

        with case(f"{dtype} as {wanted}"):
            all_same(attempt(lambda: call(rl)), attempt(lambda: call(pt)))


# ------------------------------------------------------------------ shapes


@PROPERTIES.of(several)
def broadcasting(o: Operation, case: Cases) -> None:
    for shapes in BROADCAST + REFUSED:
        with case(f"{shapes}"):
            all_same(*both(o, of_shapes(o, shapes), "float64"), o.row.tolerance)


@PROPERTIES.of(lambda o: pointwise(o) or dimensional(o))
def empty_and_0d(o: Operation, case: Cases) -> None:
    shapes: tuple[tuple[int, ...], ...] = ((), (0,), (2, 0, 3), (0, 2), (1, 1))
    takes_dim = "dim" in o.signature.names()
    for dtype, shape in itertools.product(DTYPES, shapes):
        sample = of_shapes(o, [shape]) if pointwise(o) else Sample((numbers(*shape),))
        dims = (0, -1, 1) if len(shape) != 1 or dtype == "float32" else (0, -1)
        for s in [Sample((*sample.args, d)) for d in dims] if takes_dim else [sample]:
            with case(f"{dtype} {s}"):
                all_same(*both(o, s, dtype), o.row.tolerance)


@PROPERTIES.of(computed)
def layouts(o: Operation, case: Cases) -> None:
    """Transposed, strided, expanded and shifted memory gives the same values, in PyTorch's strides."""
    for dtype, layout, sample in itertools.product(("float32", "int64"), LAYOUTS, samples(o)):
        with case(f"{dtype} {layout} {sample}"):
            all_same(*both(o, sample, dtype, layout), o.row.tolerance, layout=True)


@PROPERTIES.of(lambda o: o.row.kind == "view")
def view_strides(o: Operation, case: Cases) -> None:
    """Views of any layout have PyTorch's strides and share memory with their base."""
    for layout, sample in itertools.product(("plain", *LAYOUTS), samples(o)):
        with case(f"{layout} {sample}"):
            mine, theirs = both(o, sample, "float32", layout)
            all_same(mine, theirs, layout=True)
            if not isinstance(theirs, Exception):
                args, kwargs = arguments(rl, sample, "float32", layout)
                y = caller(rl, o, sample)(*args, **kwargs)
                assert y.storage_offset() == theirs.storage_offset()
                assert y.untyped_storage().data_ptr() == args[0].untyped_storage().data_ptr()


@PROPERTIES.of(lambda o: o.row.kind != "creation")
def meta(o: Operation, case: Cases) -> None:
    """On the meta device the shapes, dtypes and strides are PyTorch's, and nothing is computed."""
    for dtype, layout, sample in itertools.product(("float32", "bool"), ("plain", "transposed"), samples(o)):
        with case(f"{dtype} {layout} {sample}"):
            mine, theirs = both(o, sample, dtype, layout, device="meta")
            if isinstance(both(o, sample, dtype, layout)[1], Exception):
                # An error in the values is not seen on meta, nor that PyTorch lacks a kernel.
                assert isinstance(mine, Exception) or not isinstance(theirs, Exception)
            else:
                all_same(mine, theirs, layout=True)


# ------------------------------------------------------------------ awkward numbers


@PROPERTIES.of(lambda o: "float32" in o.dtypes and (pointwise(o) or dimensional(o)))
def awkward(o: Operation, case: Cases) -> None:
    """Infinities, NaN, both zeros, denormals, ties."""
    with np.errstate(all="ignore"):
        grid = np.array(list(itertools.product(AWKWARD, repeat=len(o.inputs) if len(o.inputs) < 3 else 1))).T
    if pointwise(o):
        columns = [grid[i % len(grid)] for i in range(len(o.inputs))]
        made = [
            Sample(tuple(c > 0 if p.name in o.row.bool_inputs else c for c, p in zip(columns, o.inputs, strict=True)))
        ]
    else:
        made = [Sample((x, *((d,) if "dim" in o.signature.names() else ()))) for x in _rows_of_note() for d in (0, 1)]
    for dtype, sample in itertools.product(("float32", "float64"), made):
        with case(f"{dtype} {sample}"):
            mine, theirs = both(o, sample, dtype)
            all_same(mine, theirs, o.row.tolerance)
            for a, b in zip(results(mine), results(theirs), strict=True) if pointwise(o) else ():
                a, b = (x.numpy().view(x.numpy().real.dtype) for x in (a, b))
                zero = b == 0
                assert (np.signbit(a[zero]) == np.signbit(b[zero])).all(), "a zero has another sign"


def _rows_of_note() -> list[np.ndarray]:
    nan, inf = np.nan, np.inf
    return [
        np.array(rows)
        for rows in (
            [[nan, 1.0], [2.0, nan]],
            [[inf, -inf], [inf, 1.0]],
            [[1.0, 1.0], [1.0, 0.0]],
            [[-0.0, 0.0], [-0.0, -0.0]],
        )
    ]


# ------------------------------------------------------------------ writing: in place, out=


@PROPERTIES.of(has_inplace)
def in_place(o: Operation, case: Cases) -> None:
    """The in-place form: values, types that do not fit, self that is too small, version, layouts of self."""
    calls = [
        (dtypes, shapes, "plain") for dtypes in itertools.product(COMPILED, repeat=2) for shapes in ([(3, 4), (4,)],)
    ]
    calls += [
        (("float32", "float32"), shapes, "plain") for shapes in ([(4,), (3, 4)], [(1,), (3,)], [(0,), (1,)], [(), ()])
    ]
    calls += [(("float64", "float64"), [(3, 4), (4,)], layout) for layout in LAYOUTS]
    for (a, b), shapes, layout in calls:
        dtypes = [a] + [b] * (len(o.inputs) - 1)
        with case(f"{a} {b} {shapes} {layout}"):
            _in_place(o, of_shapes(o, shapes), dtypes, layout)
    if len(o.inputs) > 1 and o.inputs[1].type == "Operand":
        for dtype, number in itertools.product(COMPILED, NUMBERS):
            with case(f"{dtype} and {number}"):
                _in_place(
                    o,
                    Sample((numbers(3, 4), number, *of_shapes(o, [(3, 4)]).args[2:])),
                    [dtype] * len(o.inputs),
                    "plain",
                )


def _in_place(o: Operation, sample: Sample, dtypes: list[str], layout: str) -> None:
    def call(m: Any) -> Any:
        (x, *rest), _ = arguments(m, sample, dtypes, layout)
        before = x._version
        y = getattr(x, o.name + "_")(*rest)
        assert y is x, "the result is another object"
        assert y._version == before + 1, "the version was not raised by one"
        return y

    all_same(attempt(lambda: call(rl)), attempt(lambda: call(pt)), o.row.tolerance, layout=True)


@PROPERTIES.of(lambda o: o.row.kind == "inplace")
def writes_self(o: Operation, case: Cases) -> None:
    for dtype, layout, sample in itertools.product(DTYPES, ("plain", *LAYOUTS), samples(o)):

        def call(m: Any, dtype: str = dtype, layout: str = layout, sample: Sample = sample) -> Any:
            (x, *rest), kwargs = arguments(m, sample, dtype, layout)
            before = x._version
            y = getattr(x, o.name)(*rest, **kwargs)
            assert y is x and y._version == before + 1
            return y

        with case(f"{dtype} {layout} {sample}"):
            all_same(attempt(lambda: call(rl)), attempt(lambda: call(pt)))


def _with_out(
    o: Operation, sample: Sample, make: Callable[[Any, list[Any], Any], Any], grad: bool = False
) -> Callable[[Any], Any]:
    """A call that writes into what `make(m, arguments, shape)` gives for each result."""

    def call(m: Any) -> Any:
        args, kwargs = arguments(m, sample, "float32", leaves=[] if grad else None)
        expected = results(both(o, sample, "float32")[1])
        outs = tuple(make(m, args, r) for r in expected)
        y = caller(m, o, sample)(*args, **kwargs, out=outs if len(outs) > 1 else outs[0])
        assert all(a is b for a, b in zip(results(y), outs, strict=True)), "the result is not out"
        return (*(x.to(m.float32) if x.dtype is m.float64 else x for x in outs), m.tensor([x._version for x in outs]))

    return call


def _empty(m: Any, shape: Any, like: Any) -> Any:
    return m.zeros(shape, dtype=getattr(m, name_of(like.dtype)))


OUTS: dict[str, Callable[[Any, list[Any], Any], Any]] = {
    "fresh": lambda m, args, r: _empty(m, 0, r),
    "right shape": lambda m, args, r: _empty(m, tuple(r.shape), r),
    "wrong shape": lambda m, args, r: _empty(m, (7,), r),
    "strided": lambda m, args, r: _empty(m, (*r.shape, 2), r)[..., 0],
    "transposed": lambda m, args, r: _empty(m, tuple(r.shape)[::-1], r).permute(tuple(range(r.dim()))[::-1]),
    "wider": lambda m, args, r: m.zeros(tuple(r.shape), dtype=m.float64 if r.is_floating_point() else m.int64),
    "narrower": lambda m, args, r: m.zeros(tuple(r.shape), dtype=m.int64 if r.is_floating_point() else m.bool),
    "requires grad": lambda m, args, r: m.zeros(tuple(r.shape), requires_grad=True),
    "expanded": lambda m, args, r: _empty(m, (1,), r).expand(*r.shape, 3)[..., 0] if r.dim() else _empty(m, (), r),
    "meta": lambda m, args, r: m.zeros(tuple(r.shape), device="meta"),
    "a list": lambda m, args, r: [1.0],
}


@PROPERTIES.of(lambda o: o.row.out and "float32" in o.dtypes)
def out(o: Operation, case: Cases) -> None:
    sample = successful(o)[0][0]
    for label, make in OUTS.items():
        with case(label):
            call = _with_out(o, sample, make)
            mine, theirs = attempt(lambda call=call: call(rl)), attempt(lambda call=call: call(pt))
            if label == "wider" and isinstance(theirs, Exception):
                continue  # ours converts into any dtype that holds the result; some rows of PyTorch do not
            if label in ("expanded", "meta") and isinstance(mine, RuntimeError):
                continue  # ours always refuses; some rows of PyTorch write one place many times, or nothing
            all_same(mine, theirs, o.row.tolerance, layout=True)
    with case("gradient asked for"):
        call = _with_out(o, sample, OUTS["right shape"], grad=True)
        all_same(attempt(lambda: call(rl)), attempt(lambda: call(pt)), o.row.tolerance)
    with case("warning"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _with_out(o, sample, OUTS["wrong shape"])(rl)
        assert [w.category for w in caught][:1] == [UserWarning] and o.name in str(caught[0].message)


@PROPERTIES.of(lambda o: pointwise(o) and o.row.out)
def out_over_input(o: Operation, case: Cases) -> None:
    """out may be an input; it may not overlap one in part."""
    places = {
        "the same": lambda x: x[:4],
        "shifted": lambda x: x[1:5],
        "apart": lambda x: x[4:8],
    }
    for label, place in places.items():

        def call(m: Any, place: Callable[[Any], Any] = place) -> Any:
            memory = m.from_numpy(numbers(8))
            rest, _ = arguments(m, of_shapes(o, [(4,)]), "float64")
            return function(m, o)(memory[:4], *rest[1:], out=place(memory))

        with case(label):
            all_same(attempt(lambda call=call: call(rl)), attempt(lambda call=call: call(pt)), o.row.tolerance)


# ------------------------------------------------------------------ forms and errors


@PROPERTIES.of(lambda o: True)
def forms(o: Operation, case: Cases) -> None:
    """Function, method, operator and keywords give the same; the forms that PyTorch has are there."""
    for name, mine, theirs in (
        (o.name, rl, pt),
        (o.name, rl.Tensor, pt.Tensor),
        (o.name + "_", rl.Tensor, pt.Tensor),
    ):
        with case(f"{name} of {mine.__name__.split('.')[-1]}"):
            assert hasattr(mine, name) or not hasattr(theirs, name), "PyTorch has it"
    for sample, expected in successful(o, "float64")[:4]:
        args, kwargs = arguments(rl, sample, "float64")
        calls: dict[str, Callable[[], Any]] = {}
        positional = [p for p in o.parameters if not p.keyword_only]
        if sample.call is None and not any(p.type == "*int" for p in o.parameters) and o.row.function:
            named = {p.public_name: a for p, a in zip(positional, args, strict=False)}
            calls["keywords"] = lambda named=named, kwargs=kwargs: function(rl, o)(**named, **kwargs)
        if sample.call is None and o.row.method and isinstance(args[0], rl.Tensor) and o.row.kind != "inplace":
            calls["method"] = lambda args=args, kwargs=kwargs: getattr(args[0], o.name)(*args[1:], **kwargs)
        if o.row.operator and len(args) == 2 and not kwargs:
            calls["operator"] = lambda args=args: PYTHON[o.row.operator](*args)
        for label, call in calls.items():
            with case(f"{label} {sample}"):
                all_same(attempt(call), expected, o.row.tolerance)


@PROPERTIES.of(lambda o: o.row.operator != "")
def operators(o: Operation, case: Cases) -> None:
    """The operator with numbers on either side and in place; foreign operands are refused as PyTorch refuses them."""
    symbol = PYTHON[o.row.operator]
    assigning = getattr(operator, "i" + symbol.__name__.rstrip("_"), None)
    for dtype, other in itertools.product(COMPILED, (*NUMBERS, "text", None, [1.0])):
        for label, call in {
            "left": lambda x, other=other: symbol(x, other),
            "right": lambda x, other=other: symbol(other, x),
            "assigned": lambda x, other=other: assigning(x, other) if assigning else x,
        }.items():
            with case(f"{label} {dtype} {other!r}"):
                x = [m.from_numpy(np.array([[1, 0], [2, 3]], dtype=dtype)) for m in (rl, pt)]
                all_same(attempt(lambda call=call, x=x: call(x[0])), attempt(lambda call=call, x=x: call(x[1])))


@PROPERTIES.of(lambda o: True)
def errors(o: Operation, case: Cases) -> None:
    """Calls that do not fit raise PyTorch's type of exception, and the text names the operation."""
    sample = samples(o)[0]
    wrong: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
        "nothing": ((), {}),
        "unknown keyword": (sample.args, {"nonsense": 1}),
        "too many": ((*sample.args, "a", "b", "c", "d"), {}),
        "text": (("text", *sample.args[1:]), {}),
        "object": ((object(), *sample.args[1:]), {}),
        "None": ((None, *sample.args[1:]), {}),
    }
    required = [p for p in o.parameters if p.default is None and p.type != "*int" and not p.type.startswith("Operand")]
    if len(required) > 1:
        wrong["one missing"] = (sample.args[: len(required) - 1], {})
    if o.row.kind != "view" and [p.name for p in o.parameters[1:2]] == ["dim"]:
        wrong["dim text"] = ((sample.args[0], "x"), {})
        wrong["dim float"] = ((sample.args[0], 1.0), {})
        wrong["dim too large"] = ((numbers(2, 3), 2, *sample.args[2:]), {})
        wrong["dim too small"] = ((numbers(2, 3), -3, *sample.args[2:]), {})
        wrong["dim twice"] = ((numbers(2, 3), (0, 0), *sample.args[2:]), {})
    if sample.call is not None:
        return
    for label, (args, kwargs) in wrong.items():
        with case(label):
            mine, theirs = both(o, Sample(args, kwargs), "float32")
            if isinstance(mine, TypeError) and (label == "nothing" or isinstance(theirs, AttributeError)):
                theirs = mine  # PyTorch's Python functions find such arguments out later, or never
            all_same(mine, theirs)
            if isinstance(mine, Exception) and not isinstance(mine, AttributeError):
                assert o.name in str(mine), f"the text does not name the operation: {mine}"


@pytest.mark.parametrize(("o", "check"), PROPERTIES.items())
def test_row(o: Operation, check: Check) -> None:
    PROPERTIES.run(o, check)


def test_missing_dtypes_only_fall() -> None:
    """Dtypes in which PyTorch computes a row and this library does not. Lower the numbers with each that comes."""
    missing = {}
    for o in TESTED:
        gaps = [d for d in DTYPES if any(isinstance(_missing(o, s, d), MissingDtype) for s in samples(o)[:1])]
        if gaps:
            missing[o.identifier] = gaps
    gaps = [d for found in missing.values() for d in found]
    assert sum(not d.startswith("complex") for d in gaps) <= 20, missing
    assert sum(d.startswith("complex") for d in gaps) <= 44, missing


def _missing(o: Operation, sample: Sample, dtype: str) -> Any:
    return attempt(lambda: all_same(*both(o, sample, dtype)))


def test_exceptions_only_fall() -> None:
    """Where a row is not PyTorch's equal it says why. Lower this number with each that goes; never raise it."""
    assert sum(len(o.row.exceptions) for o in TABLE.operations) <= 85
