"""Indexing and assignment in every form, against NumPy; gradients of indexing against a sum of one-hot places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import rushlight as rl
from tests.properties.arrays import FULL_SHAPES, Twin, basic_index, chains, twins


@st.composite
def advanced_index(draw: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(index for tensors, index for arrays): integers, slices, None, index arrays that broadcast, one mask."""
    broadcast = draw(st.lists(st.integers(1, 3), min_size=0, max_size=2).map(tuple))
    ours: list[Any] = []
    theirs: list[Any] = []
    d = 0
    while d < len(shape):
        kind = draw(st.sampled_from(("int", "slice", "array", "array", "list", "mask", "none", "stop")))
        if kind == "stop":
            break
        if kind == "none":
            item: Any = None
            d -= 1
        elif kind == "mask":
            item = np.arange(shape[d]) % draw(st.integers(1, 3)) == 0
        elif kind == "int" and shape[d]:
            item = draw(st.integers(-shape[d], shape[d] - 1))
        elif kind in ("array", "list") and shape[d]:
            own = tuple(1 if draw(st.booleans()) else s for s in broadcast)
            item = np.array(
                [draw(st.integers(-shape[d], shape[d] - 1)) for _ in range(int(np.prod(own)))], dtype=np.int64
            ).reshape(own)
        else:
            item = slice(
                draw(st.none() | st.integers(-3, 3)),
                draw(st.none() | st.integers(-3, 5)),
                draw(st.sampled_from((None, 1, 2))),
            )
        theirs.append(item)
        if isinstance(item, np.ndarray):
            ours.append(item.tolist() if kind == "list" and item.ndim == 1 and item.size else rl.from_numpy(item))
        else:
            ours.append(item)
        d += 1
    return tuple(ours), tuple(theirs)


def _fits(array: np.ndarray, index: tuple[Any, ...]) -> bool:
    try:
        array[index]
    except IndexError:
        return False
    # NumPy counts an integer as an index array where it stands beside one; PyTorch selects first, so the order differs.
    kinds = ["array" if isinstance(i, np.ndarray) else "int" if isinstance(i, int) else "plain" for i in index]
    return not ("array" in kinds and "int" in kinds)


@given(chains(), st.data())
def test_basic_indices_are_views(t: Twin, data: st.DataObject) -> None:
    index = basic_index(data.draw, t.theirs.shape)
    ours, theirs = t.ours[index], t.theirs[(*index, ...)] if ... not in index else t.theirs[index]
    np.testing.assert_array_equal(ours.numpy(), theirs)
    if np.size(theirs):
        assert ours.untyped_storage().data_ptr() == t.base_ours.untyped_storage().data_ptr()


@given(chains(most=2), st.data())
def test_index_arrays_and_masks_give_numpys_elements(t: Twin, data: st.DataObject) -> None:
    ours, theirs = data.draw(advanced_index(t.theirs.shape))
    assume(_fits(t.theirs, theirs))
    np.testing.assert_array_equal(t.ours[ours].numpy(), t.theirs[theirs])


@given(twins(), st.data())
def test_a_mask_of_the_whole_shape(t: Twin, data: st.DataObject) -> None:
    mask = (np.arange(t.theirs.size) % data.draw(st.integers(1, 4)) == 0).reshape(t.theirs.shape)
    np.testing.assert_array_equal(t.ours[rl.from_numpy(mask)].numpy(), t.theirs[mask])
    t.ours[rl.from_numpy(mask)] = 1
    t.theirs[mask] = 1
    t.check()


@given(twins(), st.data())
def test_numbers_are_assigned_as_in_numpy(t: Twin, data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        ours = theirs = basic_index(data.draw, t.theirs.shape)
    else:
        ours, theirs = data.draw(advanced_index(t.theirs.shape))
        assume(_fits(t.theirs, theirs))
    t.ours[ours] = 2
    t.theirs[theirs] = 2
    t.check()


@given(twins(dtypes=("int64", "float32", "float64")), st.data())
def test_tensors_are_assigned_as_in_numpy(t: Twin, data: st.DataObject) -> None:
    index = basic_index(data.draw, t.theirs.shape)
    place = t.theirs[(*index, ...)] if ... not in index else t.theirs[index]
    shape = tuple(1 if data.draw(st.booleans()) else s for s in place.shape)[data.draw(st.integers(0, place.ndim)) :]
    values = np.arange(int(np.prod(shape))).reshape(shape).astype(data.draw(st.sampled_from(("int64", "float64"))))
    t.ours[index] = rl.from_numpy(values)
    place[...] = values
    t.check()


@given(twins(shapes=FULL_SHAPES, dtypes=("int64", "float32", "float64")), st.data())
def test_tensors_are_assigned_at_distinct_places(t: Twin, data: st.DataObject) -> None:
    assume(t.theirs.ndim)
    size = t.theirs.shape[0]
    rows = np.array(data.draw(st.permutations(range(size)))[: data.draw(st.integers(1, size))], dtype=np.int64)
    values = (np.arange(t.theirs[rows].size) + 20).reshape(t.theirs[rows].shape).astype(t.theirs.dtype)
    t.ours[rl.from_numpy(rows)] = rl.from_numpy(values)
    t.theirs[rows] = values
    t.check()


@given(twins(shapes=FULL_SHAPES, dtypes=("int64", "float32")), st.data())
def test_accumulating_counts_repeated_places(t: Twin, data: st.DataObject) -> None:
    assume(t.theirs.ndim)
    rows = np.array(data.draw(st.lists(st.integers(0, t.theirs.shape[0] - 1), min_size=1, max_size=6)), dtype=np.int64)
    t.ours.index_put_((rl.from_numpy(rows),), rl.ones((), dtype=t.ours.dtype), accumulate=True)
    np.add.at(t.theirs, rows, 1)
    t.check()


@given(twins(dtypes=("float64",)), st.data())
def test_the_gradient_of_an_index_counts_its_elements(t: Twin, data: st.DataObject) -> None:
    ours, theirs = data.draw(advanced_index(t.theirs.shape))
    assume(_fits(t.theirs, theirs))
    x = t.ours.clone().requires_grad_()
    x[ours].sum().backward()
    expected = np.zeros(t.theirs.shape)
    places = np.arange(t.theirs.size).reshape(t.theirs.shape)[theirs]
    np.add.at(expected.reshape(-1), places.reshape(-1), 1)
    np.testing.assert_array_equal(x.grad.numpy(), expected)


@given(twins(shapes=FULL_SHAPES, dtypes=("float32", "int64", "bool")), st.data())
def test_index_select_is_take(t: Twin, data: st.DataObject) -> None:
    assume(t.theirs.ndim)
    d = data.draw(st.integers(-t.theirs.ndim, t.theirs.ndim - 1))
    at = data.draw(st.lists(st.integers(0, t.theirs.shape[d] - 1), max_size=5))
    index = rl.tensor(at, dtype=rl.int64)
    np.testing.assert_array_equal(
        rl.index_select(t.ours, d, index).numpy(), np.take(t.theirs, np.array(at, dtype=np.int64), d)
    )


@given(twins())
def test_nonzero_lists_places_in_order(t: Twin) -> None:
    assume(t.theirs.ndim)
    np.testing.assert_array_equal(t.ours.nonzero().numpy(), np.argwhere(t.theirs))


@given(
    st.lists(twins(shapes=st.just((2, 3)), dtypes=("float32", "int64", "bool")), min_size=1, max_size=3),
    st.integers(-2, 1),
)
def test_cat_and_stack_join_views(parts: list[Twin], d: int) -> None:
    dtype = np.result_type(*(p.theirs for p in parts)) if len({p.theirs.dtype for p in parts}) == 1 else None
    ours = [p.ours.t() for p in parts]
    theirs = [p.theirs.T for p in parts]
    for function, reference in ((rl.cat, np.concatenate), (rl.stack, np.stack)):
        result = function(ours, d).numpy()
        np.testing.assert_array_equal(result, reference(theirs, d))
        assert dtype is None or result.dtype == dtype


@pytest.mark.parametrize("index", [3, -4, (0, 0, 0), [5], "a", 1.5, ([0, 1], [0, 1, 1]), (slice(None, None, -1),)])
def test_what_no_index_can_be_raises(index: Any) -> None:
    with pytest.raises((IndexError, ValueError, TypeError)):
        rl.zeros(3, 2)[index]
