"""Strategies: one tensor and the NumPy array it must equal, as twins over memory of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import rushlight as rl

INTEGRAL = ("uint8", "int8", "int16", "int32", "int64")
REAL = ("bool", *INTEGRAL, "float16", "float32", "float64")
NUMERIC = REAL[1:]
DTYPES = {name: getattr(rl, name) for name in (*REAL, "complex64", "complex128")}
SHAPES = st.lists(st.integers(0, 4), min_size=0, max_size=4).map(tuple)
FULL_SHAPES = st.lists(st.integers(1, 4), min_size=0, max_size=4).map(tuple)


@dataclass
class Twin:
    """A tensor and an array of the same elements, and the pair they are views of."""

    ours: Any
    theirs: np.ndarray
    base_ours: Any
    base_theirs: np.ndarray

    def view(self, ours: Any, theirs: np.ndarray) -> Twin:
        return Twin(ours, theirs, self.base_ours, self.base_theirs)

    def check(self) -> None:
        assert tuple(self.ours.shape) == self.theirs.shape
        np.testing.assert_array_equal(self.ours.numpy(), self.theirs)
        np.testing.assert_array_equal(self.base_ours.numpy(), self.base_theirs)


def strides_in_elements(array: np.ndarray) -> tuple[int, ...]:
    return tuple(s // array.itemsize for s in array.strides)


@st.composite
def twins(draw: Any, shapes: Any = SHAPES, dtypes: Any = tuple(DTYPES)) -> Twin:
    """Row-major twins with small whole values (exact in every dtype), in an order that hides no mistake."""
    shape, name = draw(shapes), draw(st.sampled_from(tuple(dtypes)))
    n = int(np.prod(shape))
    values = (np.arange(n) * draw(st.sampled_from((1, 3, 7))) % 11 - 4).reshape(shape)
    theirs = (values > 0) if name == "bool" else values.astype(name)
    ours = rl.tensor(theirs.ravel().tolist(), dtype=DTYPES[name]).view(shape)
    base = np.array(theirs)
    return Twin(ours, base, ours, base)


def _slices(draw: Any, size: int) -> slice:
    bound = st.one_of(st.none(), st.integers(-size - 2, size + 2))
    return slice(draw(bound), draw(bound), draw(st.sampled_from((None, 1, 2, 3))))


def basic_index(draw: Any, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Integers, slices, None and at most one ellipsis that fit the shape."""
    items: list[Any] = []
    dots = draw(st.booleans())
    count = draw(st.integers(0, len(shape)))
    front = draw(st.integers(0, count)) if dots else count
    dims = list(range(front)) + list(range(len(shape) - (count - front), len(shape)))
    for position, d in enumerate(dims):
        if dots and position == front:
            items.append(...)
            dots = False
        kind = draw(st.sampled_from(("int", "slice", "slice", "none")))
        if kind == "none":
            items.append(None)
        if kind == "int" and shape[d]:
            items.append(draw(st.integers(-shape[d], shape[d] - 1)))
        else:
            items.append(_slices(draw, shape[d]))
    if dots:
        items.append(...)
    return tuple(items)


def step(draw: Any, t: Twin) -> Twin:
    """One view of the twins, by an operation both libraries have."""
    n, shape = t.theirs.ndim, t.theirs.shape
    kinds = ["index", "unsqueeze", "expand"] + (
        ["transpose", "permute", "squeeze", "narrow", "flip_order", "diagonal", "unfold"] if n else []
    )
    kind = draw(st.sampled_from(kinds))
    if kind == "index":
        index = basic_index(draw, shape)
        return t.view(
            t.ours[index], t.theirs[index] if isinstance(t.theirs[index], np.ndarray) else t.theirs[(*index, ...)]
        )
    if kind == "unsqueeze":
        d = draw(st.integers(-n - 1, n))
        return t.view(t.ours.unsqueeze(d), np.expand_dims(t.theirs, d))
    if kind == "expand":
        sizes = tuple(draw(st.integers(0, 3)) if s == 1 else s for s in shape)
        lead = (draw(st.integers(0, 2)),) if draw(st.booleans()) else ()
        return t.view(t.ours.expand(lead + sizes), np.broadcast_to(t.theirs, lead + sizes))
    d = draw(st.integers(-n, n - 1))
    if kind == "transpose":
        e = draw(st.integers(-n, n - 1))
        return t.view(t.ours.transpose(d, e), np.swapaxes(t.theirs, d, e))
    if kind == "permute":
        order = draw(st.permutations(range(n)))
        return t.view(t.ours.permute(order), np.transpose(t.theirs, order))
    if kind == "flip_order":
        return t.view(t.ours.permute(*range(n - 1, -1, -1)), t.theirs.T)
    if kind == "squeeze":
        return t.view(t.ours.squeeze(), np.squeeze(t.theirs))
    if kind == "diagonal" and n >= 2:
        e = draw(st.integers(0, n - 1).filter(lambda e: e != d % n))
        offset = draw(st.integers(-2, 2))
        return t.view(t.ours.diagonal(offset, d, e), np.diagonal(t.theirs, offset, d % n, e))
    if kind == "unfold" and shape[d] > 0:
        size, by = draw(st.integers(1, shape[d])), draw(st.integers(1, 3))
        windows = np.lib.stride_tricks.sliding_window_view(t.theirs, size, d, writeable=True)
        every = tuple(slice(None, None, by) if k == d % n else slice(None) for k in range(n))
        return t.view(t.ours.unfold(d, size, by), windows[every])
    start = draw(st.integers(0, shape[d]))
    length = draw(st.integers(0, shape[d] - start))
    every = tuple(slice(start, start + length) if k == d % n else slice(None) for k in range(n))
    return t.view(t.ours.narrow(d, start, length), t.theirs[every])


@st.composite
def chains(draw: Any, most: int = 4, **options: Any) -> Twin:
    """A view of a view of ... a base."""
    t = draw(twins(**options))
    for _ in range(draw(st.integers(0, most))):
        t = step(draw, t)
        if t.theirs.ndim > 6 or t.theirs.size > 4000:
            break
    return t
