"""`assert_close` accepts and refuses what PyTorch's does, with the same types of error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as pt
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight as rl


def outcome(m: Any, make: Callable[[Any], tuple[Any, Any]], **rules: Any) -> type | None:
    try:
        m.testing.assert_close(*make(m), **rules)
    except Exception as error:
        return type(error)
    return None


CASES: list[Callable[[Any], tuple[Any, Any]]] = [
    lambda m: (1, 1),
    lambda m: (1, 2),
    lambda m: (1, 1.0),
    lambda m: (1.0, 1.0 + 1e-9),
    lambda m: (1.0, 1.0 + 1e-5),
    lambda m: (1j, 1j + 1e-9),
    lambda m: (math.inf, math.inf),
    lambda m: (math.inf, -math.inf),
    lambda m: (math.nan, math.nan),
    lambda m: (1.0, math.inf),
    lambda m: (True, True),
    lambda m: (True, False),
    lambda m: (None, None),
    lambda m: (None, 1),
    lambda m: ("a", "a"),
    lambda m: (object(), object()),
    lambda m: ([1, 2], (1, 2)),
    lambda m: ([1, 2], [1, 2, 3]),
    lambda m: ([], []),
    lambda m: ({"a": 1}, {"a": 1}),
    lambda m: ({"a": 1}, {"b": 1}),
    lambda m: ({"a": [1, m.ones(2)]}, {"a": [1, m.zeros(2)]}),
    lambda m: (m.ones(2), m.ones(2)),
    lambda m: (m.ones(2), [1.0, 1.0]),
    lambda m: (1.0, m.tensor(1.0)),
    lambda m: (m.ones(2), m.ones(3)),
    lambda m: (m.ones(2), m.ones(2, dtype=m.float64)),
    lambda m: (m.ones(0), m.ones(0)),
    lambda m: (m.ones(0, 2), m.ones(2, 0)),
    lambda m: (m.tensor(1.5), m.tensor(1.6)),
    lambda m: (m.tensor([1.0, 2.0]), m.tensor([1.0, 2.0 + 1e-6])),
    lambda m: (m.tensor([1.0, 2.0]), m.tensor([1.0, 2.1])),
    lambda m: (m.tensor([math.nan]), m.tensor([math.nan])),
    lambda m: (m.tensor([1, 2]), m.tensor([1, 3])),
    lambda m: (m.tensor([True]), m.tensor([False])),
    lambda m: (m.ones(2, 3).transpose(0, 1), m.ones(3, 2)),
    lambda m: (m.nn.Parameter(m.ones(2)), m.ones(2)),
    lambda m: (m.ones(2, device="meta"), m.ones(2, device="meta")),
    lambda m: (m.ones(2, device="meta"), m.ones(2)),
    lambda m: (np.ones(2), np.ones(2)),
    lambda m: (np.ones(2), np.zeros(2)),
]
RULES: list[dict[str, Any]] = [
    {},
    {"equal_nan": True},
    {"rtol": 0, "atol": 0},
    {"rtol": 0, "atol": 1.5},
    {"rtol": 0.2, "atol": 0},
    {"check_dtype": False},
    {"check_stride": True},
    {"allow_subclasses": False},
]


@pytest.mark.parametrize("rules", RULES, ids=str)
def test_same_verdicts(rules: dict[str, Any]) -> None:
    for number, make in enumerate(CASES):
        assert outcome(rl, make, **rules) == outcome(pt, make, **rules), f"case {number}"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.floats(width=32), st.floats(-1e-4, 1e-4)), min_size=1, max_size=5), st.booleans())
def test_same_verdicts_on_near_values(values: list[tuple[float, float]], equal_nan: bool) -> None:
    near = [value + value * shift for value, shift in values]
    make = lambda m: (m.tensor([v for v, _ in values], dtype=m.float64), m.tensor(near, dtype=m.float64))  # noqa: E731
    for tolerance in ({}, {"rtol": 1e-5, "atol": 1e-8}):
        assert outcome(rl, make, equal_nan=equal_nan, **tolerance) == outcome(
            pt, make, equal_nan=equal_nan, **tolerance
        )


def test_one_tolerance_is_not_enough() -> None:
    for m in (rl, pt):
        for rules in ({"rtol": 1}, {"atol": 1}):
            assert outcome(m, lambda m: (1.0, 1.0), **rules) is ValueError


def text(actual: Any, expected: Any, **rules: Any) -> str:
    with pytest.raises(AssertionError) as error:
        rl.testing.assert_close(actual, expected, **rules)
    return str(error.value)


def test_texts() -> None:
    a, b = rl.tensor([[1.0, 2.0], [3.0, 4.0]]), rl.tensor([[1.0, 2.5], [3.0, 5.0]])
    said = text({"x": [a]}, {"x": [b]})
    assert "differ: 2 of 4 (50.0%)" in said
    assert "absolute difference: 1.0 at index (1, 1): got 4.0, expected 5.0" in said
    assert said.endswith("They are the items at ['x'][0].")
    assert "shapes: got (2, 2), expected (2,)" in text(a, rl.ones(2))
    assert text(1, 2, msg="mine") == "mine"
    assert text(1, 2, msg=lambda own: own.upper()).startswith("THE NUMBERS ARE NOT EQUAL: GOT 1, EXPECTED 2.")
