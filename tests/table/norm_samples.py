"""Samples of the normalisations."""

from __future__ import annotations

from collections.abc import Iterator

from tests.table.arrays import Sample, numbers
from tests.table.named_samples import named


@named
def native_layer_norm() -> Iterator[Sample]:
    x, w, b = numbers(2, 3, 5), numbers(5), numbers(5, seed=1)
    for shape in ((5,), (3, 5), (2, 3, 5), (4,), ()):
        yield Sample((x, shape, None, None, 1e-5))
    yield Sample((x, (5,), w, b, 0.1))
    yield Sample((numbers(4, 70), (70,), numbers(70), None, 1e-5))
    yield Sample((numbers(0, 5), (5,), w, b, 1e-5))
    yield Sample((x, (5,), numbers(3), b, 1e-5))


@named
def layer_norm() -> Iterator[Sample]:
    for sample in native_layer_norm():
        yield Sample(sample.args[:2])
        yield Sample(sample.args)


@named
def rms_norm() -> Iterator[Sample]:
    for sample in native_layer_norm():
        x, shape, weight, _, eps = sample.args
        yield Sample((x, shape))
        yield Sample((x, shape, weight), {"eps": eps})


@named
def group_norm() -> Iterator[Sample]:
    x, w, b = numbers(2, 6, 3, 4), numbers(6), numbers(6, seed=1)
    for groups in (1, 2, 3, 6, 4, 0):
        yield Sample((x, groups, w, b))
    yield Sample((x, 2))
    yield Sample((x, 3, w, None, 0.1))
    yield Sample((numbers(3, 8), 2, numbers(8)))
    yield Sample((numbers(0, 6, 2), 3, w, b))
    yield Sample((x, 2, numbers(3), b))


@named
def batch_norm() -> Iterator[Sample]:
    w, b, mean, variance = numbers(3), numbers(3, seed=1), numbers(3, seed=2), numbers(3, seed=3) ** 2 + 0.5
    for shape in ((4, 3), (2, 3, 5), (2, 3, 4, 2), (2, 3, 2, 1, 3)):
        for training in (True, False):
            yield Sample((numbers(*shape), w, b, mean, variance, training, 0.3, 1e-5, False))
    x = numbers(2, 3, 5)
    yield Sample((x, None, None, None, None, True, 0.1, 1e-5, False))
    yield Sample((x, None, None, None, None, False, 0.1, 1e-5, False))
    yield Sample((x, None, b, mean, variance, False, 0.1, 0.1, False))
    yield Sample((x, w, b, numbers(4), variance, True, 0.1, 1e-5, False))


@named
def instance_norm() -> Iterator[Sample]:
    for sample in batch_norm():
        if sample.args[0].ndim > 2:
            yield sample
