"""Reductions over any dimensions of any view, empty and 0-d ones too, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rushlight as rl
from tests.properties.arrays import NUMERIC, REAL, Twin, chains, twins


def some_dims(draw: Any, n: int) -> tuple[int, ...]:
    """Distinct dimensions, counted from either end."""
    chosen = [d for d in range(n) if draw(st.booleans())]
    return tuple(d - n if draw(st.booleans()) else d for d in chosen)


@given(chains(), st.data())
def test_sums_are_numpys(t: Twin, data: st.DataObject) -> None:
    dims, keepdim = some_dims(data.draw, t.theirs.ndim), data.draw(st.booleans())
    ours = t.ours.sum(dims, keepdim)
    axis = dims or None  # an empty list of dimensions means all of them here
    expected = t.theirs.sum(axis=axis, keepdims=keepdim)
    assert tuple(ours.shape) == expected.shape
    np.testing.assert_array_equal(ours.numpy(), expected)
    np.testing.assert_array_equal(t.ours.sum().numpy(), t.theirs.sum())


@given(chains(dtypes=("float32", "float64")), st.data())
def test_means_are_numpys(t: Twin, data: st.DataObject) -> None:
    dims, keepdim = some_dims(data.draw, t.theirs.ndim), data.draw(st.booleans())
    with np.errstate(all="ignore"):
        expected = (
            t.theirs.mean(axis=dims or None, keepdims=keepdim)
            if t.theirs.size
            else t.theirs.sum(axis=dims or None, keepdims=keepdim) / 0.0
        )
    np.testing.assert_allclose(t.ours.mean(dims, keepdim).numpy(), expected, rtol=1e-6)


@given(chains(), st.data())
def test_any_and_all_are_numpys(t: Twin, data: st.DataObject) -> None:
    assume(t.theirs.ndim)
    dims, keepdim = some_dims(data.draw, t.theirs.ndim), data.draw(st.booleans())
    assume(dims)
    for name in ("any", "all"):
        np.testing.assert_array_equal(
            getattr(t.ours, name)(dims, keepdim).numpy(), getattr(np, name)(t.theirs, axis=dims, keepdims=keepdim)
        )
        assert getattr(t.ours, name)().item() == getattr(np, name)(t.theirs)


@given(chains(dtypes=REAL), st.data())
def test_extremes_are_numpys(t: Twin, data: st.DataObject) -> None:
    dims, keepdim = some_dims(data.draw, t.theirs.ndim), data.draw(st.booleans())
    for ours, theirs in ((rl.amax, np.amax), (rl.amin, np.amin)):
        try:
            expected = theirs(t.theirs, axis=dims or None, keepdims=keepdim)
        except ValueError:
            with pytest.raises((IndexError, RuntimeError)):
                ours(t.ours, dims, keepdim)
        else:
            np.testing.assert_array_equal(ours(t.ours, dims, keepdim).numpy(), expected)


@given(chains(dtypes=NUMERIC), st.data())
def test_extremes_with_their_places(t: Twin, data: st.DataObject) -> None:
    assume(t.theirs.ndim)
    d, keepdim = data.draw(st.integers(-t.theirs.ndim, t.theirs.ndim - 1)), data.draw(st.booleans())
    for name in ("max", "min"):
        if t.theirs.shape[d] == 0:
            with pytest.raises(IndexError):
                getattr(t.ours, name)(d)
            continue
        values, places = getattr(t.ours, name)(d, keepdim)
        np.testing.assert_array_equal(values.numpy(), getattr(np, name)(t.theirs, axis=d, keepdims=keepdim))
        np.testing.assert_array_equal(places.numpy(), getattr(np, f"arg{name}")(t.theirs, axis=d, keepdims=keepdim))
        np.testing.assert_array_equal(getattr(t.ours, f"arg{name}")(d, keepdim).numpy(), places.numpy())


@given(chains(dtypes=("float32", "float64")), st.data())
def test_nan_wins(t: Twin, data: st.DataObject) -> None:
    assume(t.theirs.size)
    x = t.theirs.copy()
    x.reshape(-1)[data.draw(st.integers(0, x.size - 1))] = np.nan
    y = rl.from_numpy(x)
    for name in ("amax", "amin", "sum", "max", "min"):
        assert np.isnan(getattr(y, name)().item())
    assert y.argmax().item() == np.argmax(x)


@given(twins(dtypes=("float64",)), st.data())
def test_the_gradient_of_a_sum_repeats_what_arrives(t: Twin, data: st.DataObject) -> None:
    dims, keepdim = some_dims(data.draw, t.theirs.ndim), data.draw(st.booleans())
    x = t.ours.clone().requires_grad_()
    y = x.sum(dims, keepdim)
    weights = np.arange(1.0, y.numel() + 1).reshape(tuple(y.shape))
    y.backward(rl.from_numpy(weights))
    kept = tuple(1 if (not dims or d in dims or d - x.dim() in dims) else s for d, s in enumerate(x.shape))
    np.testing.assert_array_equal(x.grad.numpy(), np.broadcast_to(weights.reshape(kept), tuple(x.shape)))


def test_dims_that_do_not_exist_or_repeat() -> None:
    x = rl.zeros(2, 3)
    for dims, error in (((2,), IndexError), ((-3,), IndexError), ((0, 0), RuntimeError), ((1, -1), RuntimeError)):
        with pytest.raises(error):
            x.sum(dims)


@given(st.integers(0, 200_000), st.sampled_from(("int32", "int64", "float32", "float64")))
def test_long_sums_split_without_loss(n: int, dtype: str) -> None:
    x = (np.arange(n) % 5).astype(dtype)
    assert rl.from_numpy(x).sum().item() == x.astype(np.float64).sum()
