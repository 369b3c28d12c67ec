"""Promotion, exhaustively, as PyTorch's: every pair of dtypes, each side a tensor, a 0-d tensor or a Python number."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch as pt

import rushlight as rl

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex32",
    "complex64", "complex128",
]  # fmt: skip
NUMBERS = [True, 2, 2.5, 2.5 + 1j]


def operands(t: Any) -> list[Any]:
    """A tensor and a 0-d tensor of each dtype, and each kind of Python number."""
    tensors = [t.ones(size, dtype=getattr(t, d)) for d in DTYPES for size in ((2,), ())]
    return tensors + NUMBERS


def outcome(f: Any, *arguments: Any) -> str:
    try:
        result = f(*arguments)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        return type(error).__name__
    return str(result).rpartition(".")[2]


PAIRS = [
    (a, b) for a, b in itertools.product(range(2 * len(DTYPES) + len(NUMBERS)), repeat=2) if min(a, b) < 2 * len(DTYPES)
]


def differences(of: Any) -> list[str]:
    ours, theirs = operands(rl), operands(pt)
    found = []
    for a, b in PAIRS:
        mine, expected = outcome(of(rl), ours[a], ours[b]), outcome(of(pt), theirs[a], theirs[b])
        if mine != expected:
            found.append(f"{theirs[a]!r}, {theirs[b]!r}: {mine}, expected {expected}")
    return found


def test_result_type() -> None:
    assert not differences(lambda t: t.result_type)


def test_promote_types() -> None:
    for a, b in itertools.product(DTYPES, repeat=2):
        mine = rl.promote_types(getattr(rl, a), getattr(rl, b))
        assert str(mine).rpartition(".")[2] == str(pt.promote_types(getattr(pt, a), getattr(pt, b))).rpartition(".")[2]


OPERATIONS = {
    "+": lambda t: lambda a, b: (a + b).dtype,
    "*": lambda t: lambda a, b: (a * b).dtype,
    "/": lambda t: lambda a, b: (a / b).dtype,
    "**": lambda t: lambda a, b: (a**b).dtype if b is not True else None,  # of bools, PyTorch takes this power alone
    "==": lambda t: lambda a, b: (a == b).dtype,
    "<": lambda t: lambda a, b: (a < b).dtype,
    "-": lambda t: lambda a, b: (a - b).dtype,
    "//": lambda t: lambda a, b: (a // b).dtype,
    "&": lambda t: lambda a, b: (a & b).dtype,
    "where": lambda t: lambda a, b: t.where(t.ones(2, dtype=t.bool), a, b).dtype,
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_operations(operation: str) -> None:
    assert not differences(OPERATIONS[operation])


@pytest.mark.parametrize("default", ["float16", "bfloat16", "float64"])
def test_result_type_under_another_default(default: str) -> None:
    rl.set_default_dtype(getattr(rl, default))
    pt.set_default_dtype(getattr(pt, default))
    try:
        assert not differences(lambda t: t.result_type)
    finally:
        rl.set_default_dtype(rl.float32)
        pt.set_default_dtype(pt.float32)
