"""Samples of the rows of statistics, scans and orders."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.table.arrays import Sample, numbers, places, smooth
from tests.table.named_samples import _calls, named


@named
def flat_dims() -> Iterator[Sample]:
    x = np.round(numbers(3, 4))
    yield from _calls((x,), (x, 0), (x, -1), (x, (0, 1)), (x, 2), (numbers(0, 3), 0), (numbers(),))


@named
def spread_all() -> Iterator[Sample]:
    x = numbers(3, 4, 5)
    yield from _calls((x,), (x, False), (x, True), (numbers(4),), (smooth(40, 40),))
    yield Sample((x,), {"unbiased": False})


@named
def spread_dim() -> Iterator[Sample]:
    x = numbers(3, 4, 5)
    yield from _calls((x, 1), (x, (0, 2)), (x, -1, False, True), (x, None), (x, 3), (numbers(4), 0))
    yield Sample((x, 0), {"unbiased": False})


@named
def spread_correction() -> Iterator[Sample]:
    x = numbers(3, 4, 5)
    yield from (Sample((x, 1), {"correction": c, "keepdim": k}) for c, k in ((0, True), (2, False), (None, False)))
    yield from (Sample((x,), {"dim": 0, "correction": 1}), Sample((x,), {"correction": 0}))


@named
def along() -> Iterator[Sample]:
    x = numbers(3, 4, 5)
    yield from _calls((x, 0), (x, -1, True), (x, (0, 2)), (x, [1], True), (numbers(3), 0), (numbers(), 0), (x, 3))


@named
def along_first() -> Iterator[Sample]:
    yield from _calls((numbers(5, 3),), (numbers(7),), (numbers(4, 2, 3),), (numbers(0, 3),))


@named
def dist() -> Iterator[Sample]:
    a, b = numbers(3, 4), numbers(3, 4, seed=1)
    yield from _calls((a, b), (a, b, 1), (a, b, 3), (a, b, 0.5), (a, b, float("inf")), (a, numbers(4)))


@named
def one_matrix() -> Iterator[Sample]:
    yield from _calls((numbers(3, 4),), (numbers(2, 2),), (numbers(0, 3),), (numbers(3),), (numbers(2, 3, 4),))


@named
def close() -> Iterator[Sample]:
    a = numbers(3, 4)
    yield from _calls(
        (a, a), (a, a + 1e-6), (a, numbers(4)), (a, a + 0.1, 0.1), (a, a + 0.1, 0.0, 0.2), (a, a, 0.0, 0.0)
    )
    yield from _calls((a, a, 0.1, 0.1, True), (a, a, -1.0), (a, numbers(3)))


@named
def scan() -> Iterator[Sample]:
    x = numbers(3, 4, 5)
    yield from _calls(
        (x, 0), (x, 1), (x, -1), (numbers(7), 0), (numbers(), 0), (numbers(2, 0), 1), (numbers(2, 0), 0), (x, 3)
    )


@named
def diff() -> Iterator[Sample]:
    x, row = numbers(3, 4), numbers(3, 1, seed=1)
    yield from _calls(
        (x,), (x, 2), (x, 1, 0), (x, 0), (x, 9), (x, 1, 1, row), (x, 1, 1, row, row), (numbers(),), (x, -1)
    )


@named
def sort_plain() -> Iterator[Sample]:
    x = numbers(3, 4, 5)
    yield from _calls((x,), (x, 0), (x, 1, True), (x, -1, True), (numbers(), 0), (numbers(2, 0), 1), (x, 3))


@named
def sort_stable() -> Iterator[Sample]:
    for x, dim, descending in ((numbers(3, 4, 5), 0, False), (numbers(3, 4, 5), -1, True), (numbers(700), 0, False)):
        yield Sample((x,), {"stable": True, "dim": dim, "descending": descending})
    yield Sample((np.round(numbers(2, 300)),), {"stable": True, "descending": True})


@named
def topk() -> Iterator[Sample]:
    x = np.arange(60.0).reshape(3, 4, 5)[:, ::-1] % 47
    yield from _calls(
        (x, 2), (x, 3, 0), (x, 2, 1, False), (x, 4, 1, True, True), (x, 0), (x, 6), (numbers(), 1), (x, -1)
    )


@named
def kthvalue() -> Iterator[Sample]:
    x = np.arange(60.0).reshape(3, 4, 5) % 47
    yield from _calls((x, 2), (x, 3, 0), (x, 1, 1, True), (numbers(), 1), (x, 6), (x, 0), (numbers(2, 0), 1))


@named
def mode() -> Iterator[Sample]:
    x = np.arange(60.0).reshape(3, 4, 5) % 47
    yield from _calls((x,), (x, 0), (x, 1, True), (numbers(), 0), (numbers(2, 0), 1))


@named
def median_dim() -> Iterator[Sample]:
    x = np.arange(60.0).reshape(3, 4, 5) % 47
    yield from _calls((x, 0), (x, 1, True), (x, -1), (numbers(), 0), (numbers(2, 0), 1), (x, 3))


@named
def bincount() -> Iterator[Sample]:
    x = places(9, below=5)
    yield from _calls((x,), (x, numbers(9)), (x, None, 8), (places(0, below=5),), (x, numbers(3)), (numbers(2, 2),))


@named
def histc() -> Iterator[Sample]:
    x = numbers(50)
    yield from _calls((x,), (x, 5), (x, 4, -1, 1), (x, 0), (x, 3, 2, 1), (numbers(0),), (x, 7, 0, 0))
