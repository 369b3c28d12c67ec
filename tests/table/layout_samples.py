"""Samples of the rows that split, rearrange, repeat, join, gather and scatter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.table.arrays import Sample, mask, numbers, places
from tests.table.named_samples import _calls, named


@named
def split() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls(
        (x, 2), (x, 3, 1), (x, 7, -1), (numbers(6), 2), (numbers(0, 2), 3), (x, 2, 2), (x, -1), (numbers(), 1)
    )


@named
def split_sections() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls((x, (2, 3)), (x, [1, 0, 3], 1), (x, [5]), (x, [2, 2]), (x, [6, -1]), (numbers(), [1]))


@named
def split_indices() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls((x, (2, 3)), (x, [1, 3], 1), (x, []), (x, [7, 2]), (x, [-2]), (x, [1], 2))


@named
def diag_embed() -> Iterator[Sample]:
    x = numbers(2, 3)
    yield from _calls((x,), (x, 1), (x, -2, 0, 2), (numbers(3),), (numbers(0),), (x, 0, 1, 1), (x, 0, 3, 0))


@named
def diag() -> Iterator[Sample]:
    yield from _calls((numbers(3),), (numbers(3), 1), (numbers(3, 4), -1), (numbers(3, 4), 1), (numbers(0),))


@named
def triangle() -> Iterator[Sample]:
    x = numbers(4, 3)
    yield from _calls((x,), (x, 1), (x, -2), (x, 9), (x, -9), (numbers(2, 3, 4),), (numbers(0, 3),), (numbers(3),))


@named
def flip() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls((x, 0), (x, (0, 2)), (x, [-1]), (x, ()), (numbers(2, 0), 0), (x, 3), (x, (0, 0)))


@named
def roll() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls((x, 2), (x, 1, 0), (x, -1, 1), (x, (5, -2), (0, 1)), (numbers(0, 2), 1), (x, (1, 2)), (x, 1, 2))


@named
def rot90() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls((x,), (x, 2), (x, -1, (1, 2)), (x, 4), (x, 1, (0, 0)), (x, 1, (0, 1, 2)), (numbers(3),))


@named
def repeat() -> Iterator[Sample]:
    x = numbers(2, 3)
    yield from _calls((x, 2, 1), (x, (2, 1, 3)), (x, 0, 2), (numbers(), 3), (x, 2), (x, 1, -1))


@named
def tile() -> Iterator[Sample]:
    x = numbers(2, 3)
    yield from _calls((x, 2), (x, (2, 1, 3)), (x, 0, 2), (numbers(), 3), (x, 1, -1))


@named
def repeat_interleave() -> Iterator[Sample]:
    x = numbers(2, 3)
    yield from _calls((x, 2), (x, 2, 1), (x, 0, 0), (numbers(), 3), (x, -1))


@named
def combinations() -> Iterator[Sample]:
    x = numbers(4)
    yield from _calls((x,), (x, 3), (x, 2, True), (x, 5), (x, 0), (numbers(2, 2),))


@named
def stacked() -> Iterator[Sample]:
    yield from _calls(
        ([numbers(2, 3), numbers(2, 3, seed=1)],),
        ([numbers(3)],),
        ((numbers(2, 3, 4), numbers(2, 3, 4, seed=1)),),
        ([],),
    )


@named
def pad() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls((x, (1, 2)), (x, (1, 0, 2, 1)), (x, (-1, 2), 1.5), (x, ()), (x, (1,)), (x, (-3, -2)))


# ------------------------------------------------------------------ gather and scatter


@named
def gather() -> Iterator[Sample]:
    x, index = numbers(4, 3), places(2, 3, below=3)
    yield from _calls(
        (x, 0, index), (x, 1, index), (x, -1, places(4, 5, below=3)), (numbers(), 0, np.array(0)), (x, 0, index + 4),
        (x, 0, places(3, below=2)), (x, 1, places(5, 2, below=3)), (x, 2, index), (x, 0, numbers(2, 3)),
    )  # fmt: skip


@named
def scatter() -> Iterator[Sample]:
    x, index, src = numbers(4, 3), np.array([[0, 2, 1], [3, 1, 0]]), numbers(2, 3, seed=1)
    yield from _calls(
        (x, 0, index, src), (x, 1, index[:, :1] % 3, src[:, :1]),
        (numbers(), 0, np.array(0), numbers(seed=1)), (x, 0, index + 4, src),
        (x, 1, index % 3, src[:, :1]), (x, 2, index, src),
    )  # fmt: skip


@named
def scatter_value() -> Iterator[Sample]:
    x, index = numbers(4, 3), np.array([[0, 2, 1], [3, 1, 0]])
    yield from _calls((x, 0, index, 1.5), (x, 1, index % 3, 2), (x, 0, index + 4, 1.0))


@named
def scatter_reduce() -> Iterator[Sample]:
    x, index, src = numbers(4, 3), np.array([[0, 0, 1], [3, 0, 1]]), numbers(2, 3, seed=1)
    for reduce in ("sum", "prod", "mean", "amax", "amin", "median"):
        yield Sample((x, 0, index, src, reduce))
        yield Sample((x, 0, index, src, reduce), {"include_self": False})


@named
def index_copy() -> Iterator[Sample]:
    x, index = numbers(4, 3), np.array([2, 0])
    yield from _calls(
        (x, 0, index, numbers(2, 3, seed=1)), (x, 1, index, numbers(4, 2, seed=1)),
        (x, 0, np.array([0, 4]), numbers(2, 3)),
        (x, 2, index, numbers(2, 3)),
    )  # fmt: skip


@named
def index_fill() -> Iterator[Sample]:
    x, index = numbers(4, 3), np.array([2, 0, 2])
    yield from _calls(
        (x, 0, index, 1.5),
        (x, 1, index, numbers()),
        (x, 0, np.array([-1]), 2),
        (x, 0, np.array([4]), 1),
        (x, 0, index, numbers(2)),
    )


@named
def take() -> Iterator[Sample]:
    x = numbers(4, 3)
    yield from _calls(
        (x, places(2, 3, below=12)), (x, np.array(-1)), (x, np.zeros(0, np.int64)), (x, np.array([12])), (x, numbers(2))
    )


@named
def put() -> Iterator[Sample]:
    x, index = numbers(4, 3), np.array([[2, 0], [-1, 7]])
    yield from _calls(
        (x, index, numbers(2, 2, seed=1)),
        (x, index % 3, numbers(4, seed=1), True),
        (x, index + 12, numbers(4)),
        (x, index, numbers(3)),
    )


@named
def masked_fill() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x, mask(3, 4), 1.5), (x, mask(4), 2), (x, mask(3, 1), numbers()), (x, mask(3), 1.0), (x, numbers(3, 4), 1.0)
    )


@named
def masked_scatter() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x, mask(3, 4), numbers(12, seed=1)),
        (x, mask(4), numbers(3, 4, seed=1)),
        (x, np.ones((3, 4), bool), numbers(3)),
    )


@named
def masked_select() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls((x, mask(3, 4)), (x, mask(4)), (x, mask(2, 1, 4)), (x, mask(3)), (x, numbers(3, 4)))


@named
def select_scatter() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls(
        (x, numbers(4, seed=1), 0, 1), (x, numbers(3, seed=1), -1, -2), (x, numbers(3), 0, 1), (x, numbers(4), 0, 3)
    )


@named
def slice_scatter() -> Iterator[Sample]:
    x = numbers(5, 4)
    yield from _calls(
        (x, numbers(2, 4, seed=1), 0, 1, 3), (x, numbers(5, 2, seed=1), 1, None, None, 2), (x, numbers(5, 3), 1, 0, 2)
    )


@named
def diagonal_scatter() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls((x, numbers(3, seed=1)), (x, numbers(2, seed=1), -1), (x, numbers(4)), (x, numbers(3), 0, 0, 0))
