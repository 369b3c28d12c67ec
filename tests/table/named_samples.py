"""Samples that rows name: `samples="matrix"` in a row asks for `matrix` here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.table.arrays import Dtype, Sample, mask, numbers, places

BY_NAME: dict[str, Callable[[], Iterator[Sample]]] = {}


def named(function: Callable[[], Iterator[Sample]]) -> Callable[[], Iterator[Sample]]:
    """A generator of samples that rows name."""
    BY_NAME[function.__name__.rstrip("_")] = function
    return function


def _calls(*calls: tuple[Any, ...]) -> Iterator[Sample]:
    yield from map(Sample, calls)


@named
def where() -> Iterator[Sample]:
    yield from _calls(
        (mask(3, 4), numbers(3, 4), numbers(3, 4, seed=1)),
        (mask(4), numbers(3, 1), numbers(4)),
        (mask(3, 4), 1.5, numbers(3, 4)),
        (mask(3, 4), numbers(3, 4), 2),
        (mask(), numbers(3), numbers(3, seed=1)),
        (mask(2, 0), numbers(2, 1), numbers(1)),
    )


@named
def pairs() -> Iterator[Sample]:
    yield from _calls((numbers(3, 2),), (numbers(2),), (numbers(4, 3, 2),), (numbers(2, 3),))


@named
def unary() -> Iterator[Sample]:
    yield from _calls((numbers(3, 4),), (numbers(),), (numbers(2, 0, 3),), (numbers(2, 3, 1, 2),))


@named
def matrix() -> Iterator[Sample]:
    yield from _calls((numbers(3, 4),), (numbers(3),), (numbers(),), (numbers(0, 3),), (numbers(2, 3, 4),))


@named
def diagonal() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x,), (x, 1), (x, -2), (x, 5), (x, 0, 1, 0), (numbers(2, 3, 4), 1, -1, 0), (numbers(3),), (x, 0, 1, 1)
    )


@named
def view() -> Iterator[Sample]:
    x = numbers(2, 6)
    yield from _calls(
        (x, 3, 4),
        (x, (3, 4)),
        (x, [12]),
        (x, -1),
        (x, 2, -1, 2),
        (numbers(), 1),
        (numbers(0, 3), 3, 0),
        (numbers(1), ()),
        (x, 5),
        (x, -1, -1),
        (numbers(0, 3), 0, -1),
        (x, -2, 6),
    )


@named
def flatten() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls(
        (x,), (x, 1), (x, 0, 1), (x, -2), (x, 1, 1), (numbers(),), (numbers(2, 0, 3), 1), (x, 2, 1), (x, 3)
    )


@named
def transpose() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls(
        (x, 0, 2), (x, -1, -2), (x, 1, 1), (numbers(), 0, -1), (numbers(0, 2), 0, 1), (x, 0, 3), (x, -4, 0)
    )


@named
def permute() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls(
        (x, 2, 0, 1), (x, (0, -1, 1)), (numbers(), ()), (numbers(2, 0), 1, 0), (x, 0, 1), (x, 0, 0, 1), (x, 0, 1, 3)
    )


@named
def movedim() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls((x, 0, 2), (x, (0, 1), (-1, 0)), (x, [2], [0]), (x, 0, 3), (x, (0, 0), (1, 2)), (x, (0, 1), (1,)))


@named
def expand() -> Iterator[Sample]:
    x = numbers(3, 1)
    yield from _calls(
        (x, 3, 4),
        (x, (2, 3, 4)),
        (x, -1, 4),
        (x, 2, -1, 4),
        (numbers(), 2, 3),
        (x, 3, 0),
        (x, 2, 4),
        (x, 3),
        (x, -1, 3, 4),
    )


@named
def select() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls(
        (x, 0, 1), (x, -1, -4), (x, 1, 2), (numbers(3), 0, 0), (x, 0, 2), (x, 3, 0), (x, 0, -3), (numbers(), 0, 0)
    )


def _sliced(m: Any, x: Any, dim: int, start: int | None, end: int | None, step: int) -> Any:
    return x[(slice(None),) * dim + (slice(start, end, step),)]


@named
def slice_() -> Iterator[Sample]:
    x = numbers(5, 4)
    for at in ((0, 1, 4, 1), (0, None, None, 2), (1, -3, -1, 1), (0, 3, 2, 1), (1, -10, 10, 3), (0, 0, 5, -1)):
        yield Sample((x, *at), call=_sliced)


@named
def narrow() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls(
        (x, 0, 1, 3),
        (x, -1, 2, 2),
        (x, 0, -2, 2),
        (x, 0, 5, 0),
        (x, 0, 3, 4),
        (x, 0, 6, 0),
        (x, 0, 0, -1),
        (x, 2, 0, 1),
    )


@named
def unsqueeze() -> Iterator[Sample]:
    x = numbers(2, 3)
    yield from _calls((x, 0), (x, 1), (x, -1), (x, 2), (numbers(), 0), (numbers(0), 1), (x, 4), (x, -4))


@named
def squeeze() -> Iterator[Sample]:
    yield from _calls((numbers(1, 3, 1, 2),), (numbers(2, 3),), (numbers(1, 1),), (numbers(),), (numbers(1, 0),))


@named
def squeeze_dim() -> Iterator[Sample]:
    x = numbers(1, 3, 1, 2)
    yield from _calls((x, 0), (x, 1), (x, -2), (x, (0, 2)), (x, [0, 1]), (numbers(), 0), (x, 4), (x, (0, 0)))


@named
def unfold() -> Iterator[Sample]:
    x = numbers(3, 7)
    yield from _calls(
        (x, 1, 3, 2),
        (x, 0, 2, 1),
        (x, -1, 7, 1),
        (x, 1, 0, 2),
        (numbers(), 0, 1, 1),
        (x, 1, 8, 1),
        (x, 1, 2, 0),
        (x, 2, 1, 1),
    )


@named
def as_strided() -> Iterator[Sample]:
    x = numbers(12)
    yield from _calls(
        (x, (3, 4), (4, 1)),
        (x, (2, 3), (1, 2), 3),
        (x, (3, 3), (1, 1)),
        (x, (2, 2), (0, 1)),
        (x, (), ()),
        (x, (0,), (1,)),
        (x, (3, 5), (4, 1)),
        (x, (2,), (1, 1)),
        (x, (2,), (-1,)),
        (x, (2,), (1,), -1),
    )


@named
def like() -> Iterator[Sample]:
    """A tensor, and another that gives the shape."""
    yield from _calls(
        (numbers(2, 1), numbers(2, 1, seed=1)), (numbers(1), numbers(1, 1)), (numbers(2, 1), numbers(3, 4))
    )


@named
def unbind() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls((x,), (x, 1), (x, -1), (numbers(3),), (numbers(2, 0),), (numbers(0, 2),), (x, 3), (numbers(),))


@named
def split() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls(
        (x, 2), (x, 3, 1), (x, 5, -1), (x, 7), (numbers(0, 2), 1), (x, 0), (x, -1), (x, 2, 2), (numbers(), 1)
    )


@named
def split_sections() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls(
        (x, [2, 3]), (x, (1, 0, 4), 0), (x, [4], 1), (x, [1, 3], -1), (x, [2, 2]), (x, [6, -1]), (x, [5], 2)
    )


@named
def split_indices() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls((x, [2, 3]), (x, (1,), 1), (x, []), (x, [4, 2]), (x, [-1]), (x, [9], 0), (x, [1], 2))


@named
def copy() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x, numbers(3, 4, seed=1)),
        (x, numbers(4)),
        (x, numbers()),
        (x, mask(3, 4)),
        (x, numbers(2, 3, 4)),
        (x, numbers(3)),
    )


@named
def fill() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x, 1.5),
        (x, True),
        (x, -2),
        (x, numbers()),
        (numbers(), 3),
        (numbers(0, 2), 1),
        (x, numbers(3)),
        (x, float("nan")),
    )


# ------------------------------------------------------------------ indices and joins


@named
def index_select() -> Iterator[Sample]:
    x = numbers(4, 3)
    index = places(5, below=3)
    yield from _calls(
        (x, 0, index),
        (x, 1, index),
        (x, -1, index.astype(np.int32)),
        (x, 0, np.zeros(0, np.int64)),
        (numbers(), 0, np.array([0, 0])),
        (x, 0, np.array([4])),
        (x, 0, np.array([-1])),
        (x, 2, index),
        (x, 0, numbers(2)),
        (x, 0, places(2, 2, below=3)),
    )


def _indexed(m: Any, x: Any, *index: Any) -> Any:
    return x[tuple(index)]


@named
def index() -> Iterator[Sample]:
    x = numbers(4, 3, 5)
    i = places(6, below=3)
    alone = (i, mask(4), mask(4, 3), mask(4, 3, 5), np.array([-1, 0]), np.zeros(0, np.int64), np.array([4]), mask(3))
    together = ((i, i), (i, i, i), (i, np.array(2)), (i[:, None], i[None, :]), (i[:2], i[:3]))
    for at in (*((a,) for a in alone), *together):
        yield Sample((x, *at), call=_indexed)
    yield Sample((x, slice(None), i), call=_indexed)
    yield Sample((x, i, slice(None), i), call=_indexed)
    yield Sample((x, ..., i), call=_indexed)
    yield Sample((x, None, i, None), call=_indexed)


@named
def index_put() -> Iterator[Sample]:
    x = numbers(4, 3)
    i, distinct = np.array([2, 0, 2]), np.array([3, 1])
    yield from _calls(
        (x, (distinct,), numbers(2, 3)),
        (x, (distinct,), numbers(3)),
        (x, [distinct, np.array([0, 2])], numbers(2)),
        (x, (i,), numbers(3, 3), True),
        (x, (i, i), numbers(), True),
        (x, (mask(4, 3),), numbers(1)),
        (x, (distinct,), numbers(3, 3)),
        (x, (np.array([4]),), numbers(3)),
    )


@named
def cat() -> Iterator[Sample]:
    a, b = numbers(2, 3), numbers(2, 3, seed=1)
    yield from _calls(
        ([a, b],),
        ((a, b, a), 1),
        ([a, numbers(4, 3)],),
        ([a], -1),
        ([a, numbers(0)], 1),
        ([a, numbers(2, 0)], 1),
        ([a, mask(2, 3)],),
        ([a, numbers(2, 4)],),
        ([a, b], 2),
        ([numbers()],),
        ([],),
    )


@named
def stack() -> Iterator[Sample]:
    a, b = numbers(2, 3), numbers(2, 3, seed=1)
    yield from _calls(
        ([a, b],), ((a, b), -1), ([a, b, a], 1), ([numbers(), numbers()],), ([a, numbers(3)],), ([a, b], 3), ([],)
    )


@named
def nonzero() -> Iterator[Sample]:
    yield from _calls((np.round(numbers(3, 4)),), (numbers(),), (np.zeros((2, 2)),), (numbers(0, 3),))


# ------------------------------------------------------------------ new tensors


@named
def sizes() -> Iterator[Sample]:
    yield from _calls((2, 3), ((2, 3),), ([],), (0,), (2, -1), (2.5,))
    yield from (Sample((2,), {"dtype": Dtype(d)}) for d in ("bool", "int64", "float64"))
    yield Sample((), {"size": (2, 3)})


@named
def full() -> Iterator[Sample]:
    yield from _calls(((2, 3), 1.5), ((2,), 3), ((), True), ((0,), 1), ((-1,), 1), (2, 3))
    yield from (Sample(((2,), 2.5), {"dtype": Dtype(d)}) for d in ("bool", "int64", "float64"))


@named
def arange() -> Iterator[Sample]:
    yield from _calls((5,), (4.5,), (0,), (-1,))
    yield from (Sample((3,), {"dtype": Dtype(d)}) for d in ("int64", "float32", "float64"))


@named
def arange_start() -> Iterator[Sample]:
    yield from _calls((1, 5), (1, 2, 0.3), (5, 1, -2), (0, 1, 0.1), (3, 3), (1, 5, -1), (1, 5, 0), (0, float("inf")))
    yield from (Sample((1, 7, 2), {"dtype": Dtype(d)}) for d in ("int64", "float32", "float64"))
    yield Sample((), {"start": 2, "end": 8, "step": 3})


@named
def eye() -> Iterator[Sample]:
    yield from _calls((3,), (2, 4), (4, 2), (0,), (-1,))
    yield Sample((2,), {"dtype": Dtype("int64")})


@named
def like_new() -> Iterator[Sample]:
    yield from _calls((numbers(2, 3),), (numbers(),), (numbers(0, 2),))
    yield from (Sample((numbers(2, 3),), {"dtype": Dtype(d)}) for d in ("bool", "int64", "float64"))


@named
def full_like() -> Iterator[Sample]:
    yield from (Sample((*s.args, 1.5), s.kwargs) for s in like_new())


# ------------------------------------------------------------------ products


@named
def mm() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x, numbers(4, 2)),
        (x, numbers(4, 1)),
        (numbers(0, 4), numbers(4, 2)),
        (numbers(2, 0), numbers(0, 3)),
        (numbers(33, 40), numbers(40, 21)),
        (x, numbers(3, 4)),
        (x, numbers(4)),
    )


@named
def bmm() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls(
        (x, numbers(2, 4, 5)),
        (numbers(0, 3, 4), numbers(0, 4, 2)),
        (numbers(2, 3, 0), numbers(2, 0, 2)),
        (x, numbers(3, 4, 2)),
        (x, numbers(4, 2)),
    )


@named
def mv() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x, numbers(4)), (numbers(0, 4), numbers(4)), (numbers(2, 0), numbers(0)), (x, numbers(3)), (x, numbers(4, 1))
    )


@named
def dot() -> Iterator[Sample]:
    x = numbers(5)
    yield from _calls((x, numbers(5, seed=1)), (numbers(0), numbers(0)), (x, numbers(4)), (x, numbers(5, 1)))


@named
def matmul() -> Iterator[Sample]:
    x, v = numbers(2, 3, 4), numbers(4)
    yield from _calls(
        (numbers(3, 4), numbers(4, 2)),
        (x, v),
        (v, numbers(4, 2)),
        (v, v),
        (x, numbers(4, 2)),
        (x, numbers(2, 4, 3)),
        (numbers(5, 1, 3, 4), numbers(2, 4, 2)),
        (numbers(3, 0), numbers(0, 2)),
        (x, numbers(3)),
        (numbers(), v),
    )


@named
def linear() -> Iterator[Sample]:
    w, b = numbers(2, 4), numbers(2)
    yield from _calls(
        (numbers(3, 4), w),
        (numbers(3, 4), w, b),
        (numbers(2, 3, 4), w, b),
        (numbers(4), w, b),
        (numbers(0, 4), w, b),
        (numbers(3, 5), w),
        (numbers(3, 4), w, numbers(3)),
    )


# ------------------------------------------------------------------ networks


@named
def softmax() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls((x, 0), (x, 1), (x, -1), (numbers(), 0), (numbers(2, 0), 1), (20 * numbers(3, 50), 1), (x, 3))
    yield Sample((x, 1), {"dtype": Dtype("float64")})


def _convolutions(dims: int) -> Iterator[Sample]:
    size = (6, 7, 5)[:dims]
    x, w, b = numbers(2, 4, *size), numbers(6, 4, *(3,) * dims), numbers(6)
    yield from _calls((x, w), (x, w, b), (x[0], w, b), (x, numbers(5, *(3,) * (dims + 1))))
    yield Sample((x, w, b), {"stride": 2, "padding": 1})
    yield Sample((x, w), {"padding": "same", "dilation": (2,) * dims})
    yield Sample((x, w), {"padding": "valid"})
    yield Sample((x, numbers(6, 2, *(2,) * dims), b), {"groups": 2, "padding": (1,) * dims})


@named
def conv1d() -> Iterator[Sample]:
    yield from _convolutions(1)


@named
def conv2d() -> Iterator[Sample]:
    yield from _convolutions(2)


@named
def conv3d() -> Iterator[Sample]:
    yield from _convolutions(3)


@named
def max_pool2d() -> Iterator[Sample]:
    x = numbers(2, 3, 6, 7)
    yield from _calls((x, 2), (x, (3, 2), 1), (x[0], 2, 2, 1))
    yield Sample((x, 3), {"stride": 2, "padding": 1, "ceil_mode": True})
    yield Sample((x, 2), {"dilation": 2})
    yield from _calls((x, 2, 2, 2), (x[0, 0], 2), (x, 9))
