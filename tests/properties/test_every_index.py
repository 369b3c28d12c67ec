"""Any index PyTorch takes, and any it refuses: elements, assignment and gradient are PyTorch's.

NumPy is no reference for integers beside index tensors, masks of several dimensions beside them, or errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch as pt
from hypothesis import given
from hypothesis import strategies as st

import rushlight as rl
from tests.properties.arrays import DTYPES
from tests.table.compare import attempt

SHAPES = st.lists(st.sampled_from((0, 1, 2, 3, 4)), max_size=4)
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda t: t,
    "transposed": lambda t: t.transpose(0, -1) if t.dim() else t,
    "stepped": lambda t: t[..., ::2] if t.dim() else t,
    "flipped": lambda t: t.flip(0) if t.dim() else t,
    "shifted": lambda t: t[1:] if t.dim() else t,
}


@dataclass(frozen=True)
class Item:
    """One item of an index, before a library makes it."""

    value: Any
    form: str = "as it is"  # or: tensor, list

    def made(self, m: Any) -> Any:
        if self.form == "tensor":
            return m.from_numpy(np.array(self.value))
        return self.value.tolist() if self.form == "list" else self.value


def _places(draw: Any, size: int, shape: tuple[int, ...]) -> np.ndarray:
    """Indices below size, none of them twice, from either end."""
    count = int(np.prod(shape))
    found = draw(st.permutations(range(size)))[:count]
    return np.array([i - size * draw(st.booleans()) for i in found], dtype=np.int64).reshape(shape)


def _item(draw: Any, shape: list[int], d: int, lengths: tuple[int, ...]) -> tuple[Item, int]:
    """An item for dimension d, and how many dimensions it takes."""
    kind = draw(
        st.sampled_from(("int", "slice", "none", "bool", "tensor", "tensor", "list", "mask", "number", "wrong"))
    )
    if kind == "none":
        return Item(None), 0
    if kind == "bool":
        return Item(draw(st.booleans())), 0
    if d >= len(shape):
        return Item(...), 0
    size = shape[d]
    if kind == "wrong" and draw(st.integers(0, 3)) == 0:
        return Item(draw(st.sampled_from((7, -8, 1.5, "a", (1, 2), np.array([9]), slice(None, None, -1))))), 1
    if kind == "mask":
        form = draw(st.sampled_from(("tensor", "list", "as it is")))
        # After an ellipsis PyTorch takes a list or an array of several dimensions for an index of one.
        dims = draw(st.integers(1, min(2, len(shape) - d))) if form == "tensor" else 1
        mask = np.arange(int(np.prod(shape[d : d + dims]))) % draw(st.integers(1, 3)) == 0
        return Item(mask.reshape(shape[d : d + dims]), form), dims
    fitting = tuple(n for n in lengths if n <= size)
    if kind in ("tensor", "list") and fitting:
        places = _places(draw, size, (draw(st.sampled_from(fitting)),))
        if draw(st.booleans()):
            places = places[:, None] if draw(st.booleans()) else places[None]
        if kind == "tensor":
            places = places.astype(draw(st.sampled_from((np.int64, np.int64, np.int32))))
        return Item(places, kind), 1
    if kind in ("int", "number") and size:
        place = draw(st.integers(-size, size - 1))
        made = {"int": lambda: Item(place), "number": lambda: Item(np.int64(place))}[kind]
        return draw(st.sampled_from((made(), Item(np.array(place), "tensor")))), 1
    bound = st.none() | st.integers(-size - 2, size + 2)
    return Item(slice(draw(bound), draw(bound), draw(st.sampled_from((None, 1, 2, 3))))), 1


@st.composite
def indices(draw: Any, shape: list[int]) -> list[Item]:
    lengths = draw(st.sampled_from(((1, 2), (1, 3), (2,), (0, 1))))
    items: list[Item] = []
    d, dots = 0, draw(st.booleans())
    for _ in range(draw(st.integers(0, len(shape) + 1))):
        if dots and draw(st.integers(0, 3)) == 0:
            items.append(Item(...))
            dots, d = False, min(len(shape), d + 1)
            continue
        item, taken = _item(draw, shape, d, lengths)
        items.append(item)
        d += taken
    return items


def base(m: Any, shape: list[int], dtype: str) -> Any:
    n = int(np.prod(shape))
    values = (np.arange(n) * 7 % 23).reshape(shape)
    return m.from_numpy(np.asarray(values % 2 > 0 if dtype == "bool" else values.astype(dtype)))


def made(m: Any, items: list[Item], alone: bool) -> Any:
    found = tuple(item.made(m) for item in items)
    return found[0] if alone and len(found) == 1 else found


def same(mine: Any, theirs: Any) -> None:
    if isinstance(theirs, Exception) or isinstance(mine, Exception):
        assert isinstance(mine, type(theirs)), f"ours {mine!r}, PyTorch's {theirs!r}"
        return
    assert str(mine.dtype) == str(theirs.dtype)
    assert tuple(mine.shape) == tuple(theirs.shape)
    np.testing.assert_array_equal(mine.detach().numpy(), theirs.detach().numpy())


@given(SHAPES, st.sampled_from(tuple(DTYPES)), st.sampled_from(tuple(LAYOUTS)), st.booleans(), st.data())
def test_elements(shape: list[int], dtype: str, layout: str, alone: bool, data: st.DataObject) -> None:
    xs = [LAYOUTS[layout](base(m, shape, dtype)) for m in (rl, pt)]
    items = data.draw(indices(list(xs[1].shape)))
    mine, theirs = (attempt(lambda m=m, x=x: x[made(m, items, alone)]) for m, x in zip((rl, pt), xs, strict=True))
    same(mine, theirs)
    if not isinstance(theirs, Exception):
        assert mine._is_view() == theirs._is_view()


@given(SHAPES, st.sampled_from(tuple(DTYPES)), st.sampled_from(tuple(LAYOUTS)), st.booleans(), st.data())
def test_assignment(shape: list[int], dtype: str, layout: str, alone: bool, data: st.DataObject) -> None:
    bases = [base(m, shape, dtype) for m in (rl, pt)]
    xs = [LAYOUTS[layout](b) for b in bases]
    items = data.draw(indices(list(xs[1].shape)))
    place = attempt(lambda: xs[1][made(pt, items, alone)])
    value = data.draw(values(place, dtype))

    def write(m: Any, x: Any) -> Any:
        x[made(m, items, alone)] = value.made(m)
        return x

    results = [attempt(lambda m=m, x=x: write(m, x)) for m, x in zip((rl, pt), xs, strict=True)]
    same(*results)
    if not isinstance(results[1], Exception):
        same(*bases)


@st.composite
def values(draw: Any, place: Any, dtype: str) -> Item:
    """What is written: a number, or a tensor that broadcasts to the place, or sometimes does not."""
    if draw(st.booleans()) or isinstance(place, Exception):
        return Item(draw(st.sampled_from((0, 1, 2.5, True, -3, 1 + 2j))))
    shape = [1 if draw(st.integers(0, 4)) == 0 else n for n in place.shape][draw(st.integers(0, place.dim())) :]
    if draw(st.integers(0, 3)) == 0:
        shape = [1, *shape]
    if draw(st.integers(0, 9)) == 0:
        shape = [*shape, 2]
    other = dtype if draw(st.integers(0, 3)) else draw(st.sampled_from(tuple(DTYPES)))
    return Item((np.arange(int(np.prod(shape))) % 9 + 40).reshape(shape).astype(other), "tensor")


@given(SHAPES, st.sampled_from(tuple(LAYOUTS)), st.data())
def test_gradients(shape: list[int], layout: str, data: st.DataObject) -> None:
    """Of the elements, and of a tensor that was assigned to and of what was assigned."""
    xs = [base(m, shape, "float64").requires_grad_() for m in (rl, pt)]
    items = data.draw(indices(list(LAYOUTS[layout](xs[1]).shape)))

    def slopes(m: Any, x: Any) -> list[Any]:
        index = made(m, items, False)
        y = LAYOUTS[layout](x)[index]
        w = base(m, list(y.shape), "float64")
        z = LAYOUTS[layout](x * 1)
        v = (w * 1).requires_grad_()
        z[index] = v
        return [*m.autograd.grad((y * w).sum(), x), *m.autograd.grad((z * z).sum(), [x, v])]

    mine, theirs = (attempt(lambda m=m, x=x: slopes(m, x)) for m, x in zip((rl, pt), xs, strict=True))
    for a, b in (
        zip(mine, theirs, strict=True) if isinstance(theirs, list) and isinstance(mine, list) else ((mine, theirs),)
    ):
        same(a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_number_under_a_mask_must_fit(dtype: str) -> None:
    """A tensor of one element is written as a number: it may be of any dtype, and must not overflow."""
    for number in (300, -200, -1, 70000, 2.0**40, 2.7, 5, 1e30, 70000.0, np.inf, np.nan, 1 + 2j, 1 + 0j):

        def written(m: Any, number: Any = number) -> Any:
            x = m.ones(2, dtype=getattr(m, dtype))
            x[m.tensor([True, False])] = m.tensor([number])
            return x

        same(attempt(lambda w=written: w(rl)), attempt(lambda w=written: w(pt)))
