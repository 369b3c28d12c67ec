"""dtypes of results: every pair of dtypes with kernels, as tensor, 0-d tensor and number, as PyTorch has them."""

from __future__ import annotations

import itertools
import operator
from typing import Any

import pytest
import torch as pt

import rushlight as rl

DTYPES = ("bool", "int64", "float32", "float64")
OPERANDS = [(kind, dtype) for kind in ("tensor", "0-d") for dtype in DTYPES] + [
    ("number", t) for t in ("bool", "int", "float")
]
NUMBERS = {"bool": True, "int": 2, "float": 1.5}
FUNCTIONS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "pow": operator.pow,
    "eq": operator.eq,
    "lt": operator.lt,
    "maximum": None,
    "minimum": None,
    "where": None,
    "addcmul": None,
    "logical_and": None,
    "cat": None,
}
UNARY = (
    "neg",
    "abs",
    "sign",
    "reciprocal",
    "sqrt",
    "rsqrt",
    "exp",
    "log",
    "sin",
    "tanh",
    "sigmoid",
    "relu",
    "isnan",
    "logical_not",
    "sum",
    "mean",
    "amax",
    "any",
    "all",
    "argmax",
    "clone",
)


def _operand(library: Any, kind: str, dtype: str) -> Any:
    if kind == "number":
        return NUMBERS[dtype]
    return library.ones((2,) if kind == "tensor" else (), dtype=getattr(library, dtype))


def _call(library: Any, name: str, a: Any, b: Any) -> Any:
    if name == "where":
        return library.where(library.tensor([True, False]), a, b)
    if name == "addcmul":
        return library.addcmul(a, b, b)
    if name == "cat":
        return library.cat([a, b])
    function = FUNCTIONS[name] or getattr(library, name)
    return function(a, b)


def _outcome(make: Any) -> str:
    """The result's dtype, or that the dtypes are refused."""
    try:
        return str(make().dtype)
    except (RuntimeError, TypeError):
        return "refused"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_result_dtypes_of_pairs(name: str) -> None:
    for (ka, da), (kb, db) in itertools.product(OPERANDS, OPERANDS):
        if ka == kb == "number":
            continue
        ours = _outcome(lambda: _call(rl, name, _operand(rl, ka, da), _operand(rl, kb, db)))  # noqa: B023
        theirs = _outcome(lambda: _call(pt, name, _operand(pt, ka, da), _operand(pt, kb, db)))  # noqa: B023
        bools_only = name == "pow" and da == db == "bool"  # PyTorch's bool ** bool: there is no such kernel
        assert bools_only or ours == theirs, f"{name}({ka} {da}, {kb} {db})"


@pytest.mark.parametrize("name", ["add_", "sub_", "mul_", "div_", "eq_", "fill_"])
def test_what_may_be_written_in_place(name: str) -> None:
    for (ka, da), (kb, db) in itertools.product(OPERANDS[:8], OPERANDS):
        ours = _outcome(lambda: getattr(_operand(rl, ka, da), name)(_operand(rl, kb, db)))  # noqa: B023
        theirs = _outcome(lambda: getattr(_operand(pt, ka, da), name)(_operand(pt, kb, db)))  # noqa: B023
        assert ours == theirs, f"{ka} {da}.{name}({kb} {db})"


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("kind", ["tensor", "0-d"])
def test_result_dtypes_of_one_operand(name: str, kind: str) -> None:
    for dtype in DTYPES:
        ours = _outcome(lambda: getattr(_operand(rl, kind, dtype), name)())  # noqa: B023
        theirs = _outcome(lambda: getattr(_operand(pt, kind, dtype), name)())  # noqa: B023
        assert ours == theirs, f"{name}({kind} {dtype})"


@pytest.mark.parametrize("name", ["add", "mul", "div", "eq", "sqrt", "sum"])
def test_dtypes_that_out_takes(name: str) -> None:
    for da, do in itertools.product(DTYPES, DTYPES):
        if name == "sum" and do == "bool":
            continue  # there is no kernel that sums in bool

        def run(library: Any, da: str = da, do: str = do) -> Any:
            arguments = [library.ones(2, dtype=getattr(library, da))] * (1 if name in ("sqrt", "sum") else 2)
            dim = {"dim": 0} if name == "sum" else {}
            return getattr(library, name)(*arguments, **dim, out=library.empty(0, dtype=getattr(library, do)))

        assert _outcome(lambda: run(rl)) == _outcome(lambda: run(pt)), f"{name}({da}, out={do})"


@pytest.mark.parametrize("default", ["float32", "float64"])
def test_the_default_dtype_decides_for_numbers_and_integers(default: str) -> None:
    for library in (rl, pt):
        library.set_default_dtype(getattr(library, default))
    try:
        for (ka, da), (kb, db) in itertools.product(OPERANDS, OPERANDS):
            if ka == kb == "number":
                continue
            for name in ("mul", "div"):
                ours = _outcome(lambda: _call(rl, name, _operand(rl, ka, da), _operand(rl, kb, db)))  # noqa: B023
                theirs = _outcome(lambda: _call(pt, name, _operand(pt, ka, da), _operand(pt, kb, db)))  # noqa: B023
                assert ours == theirs, f"{name}({ka} {da}, {kb} {db})"
        assert str(rl.tensor(1.5).dtype) == str(pt.tensor(1.5).dtype)
    finally:
        for library in (rl, pt):
            library.set_default_dtype(library.float32)
