"""Pointwise operations on any views: broadcasting, strides, overlap and outputs, against NumPy."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rushlight as rl
from tests.properties.arrays import DTYPES, Twin, chains, step, twins

BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
NUMERIC = ("int64", "float32", "float64")


def _wide(a: np.ndarray, b: np.ndarray) -> str:
    """The dtype of a result: a floating operand with dimensions decides over integers and over 0-d ones."""
    return str((rl.from_numpy(a.copy()) + rl.from_numpy(b.copy())).dtype).removeprefix("torch.")


@given(chains(dtypes=NUMERIC), chains(dtypes=NUMERIC), st.sampled_from(tuple(BINARY)))
def test_pairs_broadcast_as_numpys_do(a: Twin, b: Twin, name: str) -> None:
    try:
        shape = np.broadcast_shapes(a.theirs.shape, b.theirs.shape)
    except ValueError:
        with pytest.raises(RuntimeError):
            getattr(rl, name)(a.ours, b.ours)
        return
    expected = BINARY[name](a.theirs.astype(np.float64), b.theirs.astype(np.float64))
    result = getattr(rl, name)(a.ours, b.ours)
    assert tuple(result.shape) == shape
    np.testing.assert_array_equal(result.numpy().astype(np.float64), expected)


@given(
    chains(dtypes=("float32", "float64")),
    st.sampled_from(("exp", "tanh", "sin", "sqrt", "sigmoid", "log1p", "abs", "neg", "square")),
)
def test_every_layout_gives_what_the_dense_one_gives(t: Twin, name: str) -> None:
    dense = getattr(rl.from_numpy(t.theirs.copy()), name)()
    np.testing.assert_array_equal(getattr(t.ours, name)().numpy(), dense.numpy())


@given(chains(dtypes=NUMERIC), st.integers(-3, 3))
def test_numbers_broadcast(t: Twin, number: int) -> None:
    np.testing.assert_array_equal((t.ours * number + number).numpy(), t.theirs * number + number)
    np.testing.assert_array_equal((number - t.ours).numpy(), number - t.theirs)


@given(chains(dtypes=NUMERIC), st.data())
def test_in_place_writes_the_view_alone(t: Twin, data: st.DataObject) -> None:
    overlaps = t.theirs.size and any(s == 0 and n > 1 for s, n in zip(t.ours.stride(), t.ours.shape, strict=True))
    if overlaps:
        with pytest.raises(RuntimeError):
            t.ours.add_(1)
        return
    assume(t.theirs.flags.writeable and not _windows_overlap(t))
    t.ours.add_(1)
    t.theirs += 1
    t.check()


def _windows_overlap(t: Twin) -> bool:
    return len(np.unique(_addresses(t.theirs))) != t.theirs.size


def _addresses(array: np.ndarray) -> np.ndarray:
    places = np.zeros(array.shape, dtype=np.int64)
    for d, (size, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        places += (np.arange(size) * stride).reshape([-1 if k == d else 1 for k in range(array.ndim)])
    return places


@given(twins(dtypes=NUMERIC), st.data())
def test_in_place_with_a_view_of_itself_reads_before_it_writes_or_refuses(t: Twin, data: st.DataObject) -> None:
    other = step(data.draw, t)
    try:
        shape = np.broadcast_shapes(t.theirs.shape, other.theirs.shape)
    except ValueError:
        assume(False)
    assume(shape == t.theirs.shape)
    expected = t.theirs + other.theirs.copy()
    same_place = np.array_equal(_addresses(np.broadcast_to(other.theirs, shape)), _addresses(t.theirs))
    apart = not np.shares_memory(other.theirs, t.theirs)
    if not (same_place or apart):
        return  # an expanded or shifted view of the written memory: the values are not defined
    t.ours.add_(other.ours)
    np.testing.assert_array_equal(t.ours.numpy(), expected)


@given(chains(dtypes=NUMERIC), chains(dtypes=NUMERIC))
def test_copy_broadcasts_into_its_place(a: Twin, b: Twin) -> None:
    assume(a.theirs.flags.writeable and not _windows_overlap(a))
    try:
        fits = np.broadcast_shapes(a.theirs.shape, b.theirs.shape) == a.theirs.shape
    except ValueError:
        fits = False
    assume(fits)
    a.ours.copy_(b.ours)
    a.theirs[...] = b.theirs
    a.check()


@given(chains(dtypes=NUMERIC), chains(dtypes=NUMERIC))
def test_out_takes_the_results_shape(a: Twin, b: Twin) -> None:
    try:
        shape = np.broadcast_shapes(a.theirs.shape, b.theirs.shape)
    except ValueError:
        assume(False)
    out = rl.empty(0, dtype=DTYPES["float64"])
    assert rl.mul(a.ours, b.ours, out=out) is out
    assert tuple(out.shape) == shape
    np.testing.assert_array_equal(out.numpy(), a.theirs.astype(np.float64) * b.theirs)


@given(chains(dtypes=NUMERIC), chains(dtypes=NUMERIC))
def test_where_takes_all_three_by_broadcasting(a: Twin, b: Twin) -> None:
    try:
        expected = np.where(a.theirs > 0, a.theirs.astype(np.float64), b.theirs)
    except ValueError:
        assume(False)
    np.testing.assert_array_equal(rl.where(a.ours > 0, a.ours, b.ours).numpy().astype(np.float64), expected)


@given(twins(dtypes=("float64",)), twins(dtypes=("float64",)))
def test_gradients_are_summed_over_what_broadcasting_repeated(a: Twin, b: Twin) -> None:
    try:
        shape = np.broadcast_shapes(a.theirs.shape, b.theirs.shape)
    except ValueError:
        assume(False)
    x, y = a.ours.clone().requires_grad_(), b.ours.clone().requires_grad_()
    (x * y).sum().backward()
    for leaf, own, other in ((x, a.theirs, b.theirs), (y, b.theirs, a.theirs)):
        full = np.broadcast_to(other, shape)
        lead = tuple(range(full.ndim - own.ndim))
        ones = tuple(d + len(lead) for d, s in enumerate(own.shape) if s == 1 and shape[d + len(lead)] != 1)
        np.testing.assert_allclose(
            leaf.grad.numpy(), full.sum(axis=lead + ones, keepdims=True).reshape(own.shape), rtol=1e-12
        )


@given(chains(), st.sampled_from(tuple(DTYPES)))
def test_conversions_are_numpys(t: Twin, name: str) -> None:
    np.testing.assert_array_equal(t.ours.to(DTYPES[name]).numpy(), t.theirs.astype(name))
