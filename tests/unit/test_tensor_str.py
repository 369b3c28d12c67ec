"""`repr` against PyTorch's, to the character.

`tensor_repr` only reads public attributes, so most cases hand it PyTorch's own tensors: that reaches every dtype.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch as pt
from hypothesis import given, settings
from hypothesis import strategies as st

import rushlight as rl
from rushlight import _tensor_str as printing

FLOATS = [pt.float32, pt.float64, pt.float16, pt.bfloat16]
COMPLEX = [pt.complex64, pt.complex128]
INTS = [pt.uint8, pt.int8, pt.int16, pt.int32, pt.int64, pt.uint16, pt.uint32, pt.uint64]

special = st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf])
whole = st.integers(-(10**5), 10**5).map(float)
decade = st.builds(lambda m, e: m * 10.0**e, st.floats(-10, 10), st.integers(-9, 12))
number = st.one_of(special, whole, st.floats(-100, 100), decade, st.floats(allow_nan=False))
shapes = st.lists(st.integers(0, 4), max_size=4)
print_options = st.fixed_dictionaries(
    {},
    optional={
        "precision": st.integers(0, 8),
        "threshold": st.sampled_from([0, 1, 3, 10, 50, 1000, math.inf]),
        "edgeitems": st.integers(0, 3),
        "linewidth": st.sampled_from([1, 10, 30, 60, 80, 200]),
        "sci_mode": st.sampled_from([True, False, None]),
        "profile": st.sampled_from(["default", "short", "full"]),
    },
)


def check(t: pt.Tensor, **options: Any) -> None:
    pt.set_printoptions(profile="default")
    printing.set_printoptions(profile="default")
    try:
        pt.set_printoptions(**options)
        printing.set_printoptions(**options)
        assert printing.get_printoptions() == vars(pt._tensor_str.PRINT_OPTS)
        assert printing.tensor_repr(t) == pt.Tensor.__repr__(t)
    finally:
        pt.set_printoptions(profile="default")
        printing.set_printoptions(profile="default")


def fill(values: list[float], shape: list[int]) -> pt.Tensor:
    count = math.prod(shape)
    return pt.tensor((values * count)[:count], dtype=pt.float64).reshape(shape)


@settings(max_examples=1500, deadline=None)
@given(st.lists(number, min_size=1, max_size=12), shapes, st.sampled_from(FLOATS), print_options)
def test_floats(values: list[float], shape: list[int], dtype: pt.dtype, options: dict[str, Any]) -> None:
    check(fill(values, shape).to(dtype), **options)


@settings(max_examples=700, deadline=None)
@given(st.lists(number, min_size=1, max_size=9), shapes, st.sampled_from(COMPLEX), print_options)
def test_complex(values: list[float], shape: list[int], dtype: pt.dtype, options: dict[str, Any]) -> None:
    check(pt.complex(fill(values, shape), fill(values[::-1], shape)).to(dtype), **options)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=9), shapes, st.data(), print_options)
def test_integers_and_bool(values: list[int], shape: list[int], data: Any, options: dict[str, Any]) -> None:
    dtype = data.draw(st.sampled_from([*INTS, pt.bool]))
    count = math.prod(shape)
    check(pt.tensor((values * count)[:count], dtype=pt.int64).reshape(shape).to(dtype), **options)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.sampled_from(FLOATS + INTS), print_options)
def test_summaries(shape: list[int], dtype: pt.dtype, options: dict[str, Any]) -> None:
    t = (pt.arange(math.prod(shape)) % 250).reshape(shape).to(dtype)
    check(t.transpose(0, -1), **{"threshold": 5, **options})


@pytest.mark.parametrize("dtype", [pt.float8_e4m3fn, pt.float8_e5m2])
def test_float8(dtype: pt.dtype) -> None:
    check(pt.tensor([0.5, -2.0, 3.0, math.nan]).to(dtype))


@pytest.mark.parametrize("default", [pt.float64, pt.float16, pt.bfloat16])
def test_default_dtype_decides_what_is_named(default: pt.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rl._native, "get_default_dtype", lambda: default)
    pt.set_default_dtype(default)
    try:
        for dtype in FLOATS + COMPLEX + INTS + [pt.bool]:
            check(pt.ones(2, dtype=dtype))
            check(pt.ones(0, dtype=dtype))
            check(pt.ones(2, dtype=dtype, device="meta"))
    finally:
        pt.set_default_dtype(pt.float32)


@pytest.mark.parametrize("linewidth", range(20, 100, 3))
def test_suffixes_break_lines(linewidth: int) -> None:
    x = pt.ones(3, 2, dtype=pt.float64, requires_grad=True)
    for t in (x, x * 2, x.sum(), pt.zeros(0, 3, dtype=pt.int32), pt.ones(2, 3, dtype=pt.half, device="meta"), x[:0]):
        check(t, linewidth=linewidth)


def test_large_tensors_and_subclasses() -> None:
    class Named(pt.Tensor):
        pass

    check(pt.ones(1, dtype=pt.int16).expand(10**6, 10**6, 30))
    check(pt.arange(6.0).as_subclass(Named))
    assert printing.tensor_repr(pt.ones(2), contents="one, one") == "tensor(one, one)"


def test_parameter() -> None:
    p = pt.nn.Parameter(pt.ones(2, 2))
    assert "Parameter containing:\n" + printing.tensor_repr(p) == repr(p)
    assert repr(rl.nn.Parameter(rl.ones(2, 2))) == repr(p)


def test_context_restores() -> None:
    before = printing.get_printoptions()
    with pytest.raises(KeyError), printing.printoptions(precision=1, sci_mode=True):
        assert printing.get_printoptions()["precision"] == 1
        raise KeyError
    assert printing.get_printoptions() == before


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_own_tensors(dtype: str) -> None:
    values = [[0, 1, 2], [3, 0, 5]]
    ours, theirs = (m.tensor(values, dtype=getattr(m, dtype)) for m in (rl, pt))
    for act in (lambda t: t, lambda t: t[0], lambda t: t[1, 1], lambda t: t[:0], lambda t: t.transpose(0, 1)):
        assert repr(act(ours)) == repr(act(theirs))
        assert str(act(ours)) == str(act(theirs))


def test_own_tensors_with_history() -> None:
    x, y = (m.tensor([1.0, 2.5], requires_grad=True) for m in (rl, pt))
    for act in (lambda t: t, lambda t: t * 2, lambda t: t.sum(), lambda t: t.mean(0), lambda t: t.detach()):
        assert repr(act(x)) == repr(act(y))
    assert repr(rl.zeros(300, 40)) == repr(pt.zeros(300, 40))
