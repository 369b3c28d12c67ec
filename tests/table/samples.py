"""Sample inputs of every row, the same for both libraries and in every run.

A row says which function of `named_samples` makes its samples; where it says nothing, its kind and arguments do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from codegen.table import Operation
from tests.table import layout_samples as _layout_samples  # noqa: F401  (names its samples)
from tests.table import norm_samples as _norm_samples  # noqa: F401  (names its samples)
from tests.table import special_samples as _special_samples  # noqa: F401
from tests.table import statistics_samples as _statistics_samples  # noqa: F401  (names its samples)
from tests.table.arrays import Sample, mask, numbers, smooth
from tests.table.named_samples import BY_NAME

# ------------------------------------------------------------------ by kind

SAME = ((3, 4),)
BROADCAST = (((3, 4), (4,)), ((3, 1), (1, 4)), ((4,), (2, 3, 4)), ((), (3, 4)), ((2, 1, 4), (3, 1)))
REFUSED = (((3, 4), (3,)), ((2,), (3,)), ((2, 3, 4), (2, 4)), ((0,), (2,)))
AWKWARD = (-np.inf, -1e300, -3.0, -1.0, -0.5, -0.0, 0.0, 1e-310, 0.5, 1.0, 2.0, 1e300, np.inf, np.nan)


def of_shapes(o: Operation, shapes: Iterable[Sequence[int]], make: Callable[..., np.ndarray] = numbers) -> Sample:
    """A call of a pointwise row with one shape a tensor (the last one again where there are more tensors)."""
    left = list(shapes)
    args = []
    for seed, p in enumerate(o.inputs):
        shape = left.pop(0) if len(left) > 1 else left[0]
        args.append(mask(*shape) if p.name in o.row.bool_inputs else make(*shape, seed=seed))
    return Sample(tuple(args))


def _pointwise(o: Operation) -> Iterator[Sample]:
    yield of_shapes(o, SAME)
    yield of_shapes(o, [(70,)])
    yield of_shapes(o, [(2, 3, 5)])
    operands = [i for i, p in enumerate(o.inputs) if p.type == "Operand"]
    for i in operands[1 if len(operands) == len(o.inputs) else 0 :]:
        args = list(of_shapes(o, SAME).args)
        args[i] = 0.7
        yield Sample(tuple(args))
    for p in o.parameters:
        if p.type == "Number":
            yield Sample(of_shapes(o, SAME).args, {p.name: 2})


def _dims(o: Operation) -> Iterator[Sample]:
    """A reduction or a kernel that works along `dim`, or on everything."""
    names = o.signature.names()
    if "dim" not in names:
        yield from (Sample((numbers(*shape),)) for shape in ((2, 3, 4), (7,)))
        yield Sample((smooth(300, 2),))
        return
    x = numbers(2, 3, 4)
    for dim in (0, 1, -1):
        yield Sample((x, dim))
        yield Sample((x,), {"dim": dim, "keepdim": True})
    yield Sample((numbers(5), 0))
    yield Sample((smooth(200, 3), 0))
    yield Sample((smooth(3, 200), 1))
    if o.signature["dim"].type.startswith("Ints"):
        yield from (Sample((x, dim)) for dim in ((0, 2), (1, -1), (0, 1, 2), [1], ()))
    if o.signature["dim"].type.endswith("None"):
        yield from (Sample((x, None)), Sample((x, None, True)))


def samples(o: Operation) -> list[Sample]:
    """The ordinary calls of a row; none where its own tests stand elsewhere."""
    if o.row.samples == "none":
        return []
    if o.row.samples:
        return list(BY_NAME[o.row.samples]())
    return list(_pointwise(o) if o.row.kind == "pointwise" else _dims(o))


def smooth_samples(o: Operation) -> list[Sample]:
    """The same calls at numbers where the row has a derivative."""
    return [_smoothed(s) for s in samples(o)]


def _smoothed(sample: Sample) -> Sample:
    """The sample with other numbers in its float64 arrays."""

    def other(value: Any, seed: int) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(other(v, seed + k) for k, v in enumerate(value))
        return smooth(*value.shape, seed=seed) if isinstance(value, np.ndarray) and value.dtype == np.float64 else value

    args = tuple(other(a, k) for k, a in enumerate(sample.args))
    return Sample(args, sample.kwargs, sample.call)
