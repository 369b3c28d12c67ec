"""Views and chains of views: the same elements, strides and memory as NumPy's."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import rushlight as rl
from tests.properties.arrays import SHAPES, Twin, chains, strides_in_elements, twins


@given(chains())
def test_a_chain_of_views_shows_numpys_elements(t: Twin) -> None:
    t.check()
    assert t.ours.tolist() == t.theirs.tolist()


@given(chains())
def test_strides_lead_where_numpys_lead(t: Twin) -> None:
    strides = strides_in_elements(t.theirs)
    assume(t.theirs.size)
    for size, ours, theirs in zip(t.theirs.shape, t.ours.stride(), strides, strict=True):
        assert size == 1 or ours == theirs
    offset = (
        t.theirs.__array_interface__["data"][0] - t.base_theirs.__array_interface__["data"][0]
    ) // t.theirs.itemsize
    assert t.ours.storage_offset() == offset


@given(chains())
def test_contiguity_is_numpys(t: Twin) -> None:
    assert t.ours.is_contiguous() == t.theirs.flags.c_contiguous
    copy = t.ours.contiguous()
    assert (copy is t.ours) == t.theirs.flags.c_contiguous
    np.testing.assert_array_equal(copy.numpy(), t.theirs)


@given(chains(), st.integers(0, 1))
def test_a_write_through_a_view_is_seen_in_the_base(t: Twin, value: int) -> None:
    assume(not any(s == 0 and n > 1 for s, n in zip(t.ours.stride(), t.ours.shape, strict=True)))
    t.ours.fill_(value)
    if t.theirs.flags.writeable:
        t.theirs[...] = value
        t.check()
    assert t.ours.eq(value).all()


@given(chains())
def test_a_write_to_the_base_is_seen_through_the_view(t: Twin) -> None:
    t.base_ours.zero_()
    t.base_theirs[...] = 0
    t.check()


@given(chains(dtypes=("float32", "int64")))
def test_a_clone_has_memory_of_its_own(t: Twin) -> None:
    before = t.theirs.copy()
    copy = t.ours.clone()
    t.base_ours.add_(1)
    np.testing.assert_array_equal(copy.numpy(), before)


@given(chains(), SHAPES)
def test_reshape_gives_numpys_elements(t: Twin, shape: tuple[int, ...]) -> None:
    assume(int(np.prod(shape)) == t.theirs.size)
    np.testing.assert_array_equal(t.ours.reshape(shape).numpy(), t.theirs.reshape(shape))


@given(chains())
def test_reshape_to_any_factors(t: Twin) -> None:
    n = t.theirs.size
    for first in (d for d in (1, 2, 3, 4, 6) if n and n % d == 0):
        np.testing.assert_array_equal(t.ours.reshape(first, -1).numpy(), t.theirs.reshape(first, -1))
    np.testing.assert_array_equal(t.ours.flatten().numpy(), t.theirs.ravel())


@given(chains(), st.data())
def test_view_shares_or_refuses(t: Twin, data: st.DataObject) -> None:
    n = t.theirs.size
    assume(n)
    first = data.draw(st.sampled_from([d for d in range(1, n + 1) if n % d == 0]))
    expected = t.theirs.reshape(first, n // first)
    shares = np.shares_memory(expected, t.base_theirs)
    try:
        ours = t.ours.view(first, -1)
    except RuntimeError:
        assert not shares
    else:
        assert shares
        np.testing.assert_array_equal(ours.numpy(), expected)


@given(twins(), st.data())
def test_unbind_is_indexing_along_a_dimension(t: Twin, data: st.DataObject) -> None:
    assume(t.theirs.ndim)
    d = data.draw(st.integers(0, t.theirs.ndim - 1))
    parts = t.ours.unbind(d)
    assert len(parts) == t.theirs.shape[d]
    for i, part in enumerate(parts):
        np.testing.assert_array_equal(part.numpy(), np.take(t.theirs, i, d))


@given(chains())
def test_numpy_and_from_numpy_share_memory_both_ways(t: Twin) -> None:
    array = t.ours.numpy()
    assert array.strides == tuple(s * array.itemsize for s in t.ours.stride())
    back = rl.from_numpy(array)
    assert back.data_ptr() == t.ours.data_ptr() or not t.theirs.size
    assert back.tolist() == t.ours.tolist()
