"""Samples of the rows of bounds, special functions, sums of products and activations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tests.table.arrays import Sample, numbers, smooth
from tests.table.named_samples import _calls, named

# ------------------------------------------------------------------ bounds, special functions


@named
def clamp() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls((x, -1, 1), (x, -0.5, 0.5), (x, 0), (x, None, 1), (x, 1, -1), (x,), (numbers(), 0, 1))
    yield Sample((x,), {"max": 0.5})
    yield Sample((x,), {"min": -1, "max": 0.5})


@named
def clamp_tensor() -> Iterator[Sample]:
    x, low, high = numbers(3, 4), numbers(4), numbers(3, 1, seed=1)
    yield from _calls((x, low, high), (x, low), (x, None, high), (numbers(4), numbers(3, 4), high), (x, numbers(3)))


@named
def div_mode() -> Iterator[Sample]:
    x, y = numbers(3, 4), numbers(4, seed=1)
    for mode in (None, "trunc", "floor", "up"):
        yield Sample((x, y), {"rounding_mode": mode})
        yield Sample((x, 0.7), {"rounding_mode": mode})


@named
def nan_to_num() -> Iterator[Sample]:
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    yield from _calls((x,), (x, 2.0), (x, 2.0, 3.0), (x, None, None, -1.0), (numbers(3, 4),))


@named
def pair() -> Iterator[Sample]:
    yield from _calls((numbers(3, 4), numbers(4)), (numbers(), numbers(3)), (numbers(2, 0), numbers(1)))


@named
def logit() -> Iterator[Sample]:
    x = smooth(3, 4)
    yield from _calls((x,), (x, 0.3), (numbers(5), 1e-3))


@named
def polygamma() -> Iterator[Sample]:
    yield from _calls((1, smooth(3, 4)), (0, smooth(4)), (2, smooth(4)), (3, 1 + smooth(4)))


@named
def mvlgamma() -> Iterator[Sample]:
    yield from _calls((1 + smooth(3, 4), 2), (3 + smooth(4), 3), (smooth(4), 1))


# ------------------------------------------------------------------ sums of products


@named
def addmm() -> Iterator[Sample]:
    a, b = numbers(3, 4), numbers(4, 5)
    yield from _calls((numbers(3, 5), a, b), (numbers(5), a, b), (numbers(3, 1), a, b), (numbers(4), a, b))
    yield Sample((numbers(3, 5), a, b), {"beta": 2, "alpha": 3})
    yield Sample((numbers(3, 5), a, b), {"beta": 0})


@named
def addmv() -> Iterator[Sample]:
    a, v = numbers(3, 4), numbers(4)
    yield from _calls((numbers(3), a, v), (numbers(1), a, v), (numbers(2), a, v))
    yield Sample((numbers(3), a, v), {"beta": 2, "alpha": 3})


@named
def baddbmm() -> Iterator[Sample]:
    a, b = numbers(2, 3, 4), numbers(2, 4, 5)
    yield from _calls((numbers(2, 3, 5), a, b), (numbers(5), a, b), (numbers(3), a, b))
    yield Sample((numbers(2, 3, 5), a, b), {"beta": 2, "alpha": 3})


@named
def addbmm() -> Iterator[Sample]:
    a, b = numbers(2, 3, 4), numbers(2, 4, 5)
    yield from _calls((numbers(3, 5), a, b), (numbers(5), a, b), (numbers(3), a, b))
    yield Sample((numbers(3, 5), a, b), {"beta": 2, "alpha": 3})


@named
def addr() -> Iterator[Sample]:
    a, b = numbers(3), numbers(4)
    yield from _calls((numbers(3, 4), a, b), (numbers(4), a, b), (numbers(3), a, b), (numbers(3, 4), a, numbers(2, 2)))
    yield Sample((numbers(3, 4), a, b), {"beta": 2, "alpha": 3})


@named
def outer() -> Iterator[Sample]:
    yield from _calls((numbers(3), numbers(4)), (numbers(0), numbers(2)), (numbers(3, 1), numbers(4)))


@named
def inner() -> Iterator[Sample]:
    yield from _calls(
        (numbers(3), numbers(3)), (numbers(2, 4), numbers(3, 4)), (numbers(2, 4), numbers(4)),
        (numbers(), numbers(3)), (numbers(2, 4), numbers(3)),
    )  # fmt: skip


# ------------------------------------------------------------------ activations


@named
def softplus() -> Iterator[Sample]:
    x = numbers(3, 4)
    yield from _calls((x,), (x, 2), (x, 2.0, 1.0), (100 * x,))


@named
def celu() -> Iterator[Sample]:
    yield from _calls((numbers(3, 4),), (numbers(3, 4), 2.0), (numbers(3, 4), 0))


@named
def threshold() -> Iterator[Sample]:
    yield from _calls((numbers(3, 4), 0.25, 3.0), (numbers(5), 0, 1))


@named
def prelu() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls((x, numbers(3)), (x, numbers(1)), (numbers(3), numbers(1)), (x, numbers(2)), (x, numbers(3, 1)))


@named
def glu() -> Iterator[Sample]:
    x = numbers(4, 6)
    yield from _calls((x,), (x, 0), (x, 1), (numbers(3),), (numbers(),))
