"""Sample inputs of every row: plain Python and NumPy data, the same for both libraries and in every run.

A float64 array stands for a tensor of the dtype under test; an array of another dtype keeps its own (indices, masks).
A row says which function of this file makes its samples (`samples="matrix"`); where it says nothing, its kind and its
arguments do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from codegen.table import Operation


class Dtype(str):
    """The name of a dtype, which each library has an object of its own for."""


@dataclass(frozen=True)
class Sample:
    """The arguments of one call. `call` makes it where neither a function nor a method of the row's name does."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None

    def __str__(self) -> str:
        texts = [_text(a) for a in self.args] + [f"{k}={_text(v)}" for k, v in self.kwargs.items()]
        return f"({', '.join(texts)})"


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{'x' if value.dtype == np.float64 else value.dtype.name}{list(value.shape)}"
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
        return f"[{', '.join(map(_text, value))}]"
    return repr(value)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between -2 and 2."""
    return np.random.default_rng([seed, *shape]).uniform(-2, 2, shape)


def smooth(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between 0.2 and 0.8, all different: every row is smooth there."""
    return np.random.default_rng([seed, 7, *shape]).uniform(0.2, 0.8, shape)


def mask(*shape: int) -> np.ndarray:
    """A bool tensor of both values."""
    return numbers(*shape, seed=5) > 0


def places(*shape: int, below: int) -> np.ndarray:
    """An int64 tensor of indices."""
    return np.random.default_rng([9, *shape]).integers(0, below, shape)


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


# ------------------------------------------------------------------ by name

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
        (x, 3, 4), (x, (3, 4)), (x, [12]), (x, -1), (x, 2, -1, 2), (numbers(), 1), (numbers(0, 3), 3, 0), (numbers(1), ()),
        (x, 5), (x, -1, -1), (numbers(0, 3), 0, -1), (x, -2, 6),
    )  # fmt: skip


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
        (x, (3, 4), (4, 1)), (x, (2, 3), (1, 2), 3), (x, (3, 3), (1, 1)), (x, (2, 2), (0, 1)), (x, (), ()), (x, (0,), (1,)),
        (x, (3, 5), (4, 1)), (x, (2,), (1, 1)), (x, (2,), (-1,)), (x, (2,), (1,), -1),
    )  # fmt: skip


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
        (x, 0, index), (x, 1, index), (x, -1, index.astype(np.int32)), (x, 0, np.zeros(0, np.int64)), (numbers(), 0, np.array([0, 0])),
        (x, 0, np.array([4])), (x, 0, np.array([-1])), (x, 2, index), (x, 0, numbers(2)), (x, 0, places(2, 2, below=3)),
    )  # fmt: skip


def _indexed(m: Any, x: Any, *index: Any) -> Any:
    return x[tuple(index)]


@named
def index() -> Iterator[Sample]:
    x = numbers(4, 3, 5)
    i = places(6, below=3)
    for at in ((i,), (i, i), (i, np.array(2)), (i[:, None], i[None, :]), (mask(4),), (mask(4, 3),), (mask(4, 3, 5),), (i, i, i),
               (np.array([-1, 0]),), (np.zeros(0, np.int64),), (np.array([4]),), (mask(3),), (i[:2], i[:3])):  # fmt: skip
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
        (x, (distinct,), numbers(2, 3)), (x, (distinct,), numbers(3)), (x, [distinct, np.array([0, 2])], numbers(2)),
        (x, (i,), numbers(3, 3), True), (x, (i, i), numbers(), True), (x, (mask(4, 3),), numbers(1)), (x, (distinct,), numbers(3, 3)),
        (x, (np.array([4]),), numbers(3)),
    )  # fmt: skip


@named
def cat() -> Iterator[Sample]:
    a, b = numbers(2, 3), numbers(2, 3, seed=1)
    yield from _calls(
        ([a, b],), ((a, b, a), 1), ([a, numbers(4, 3)],), ([a], -1), ([a, numbers(0)], 1), ([a, numbers(2, 0)], 1), ([a, mask(2, 3)],),
        ([a, numbers(2, 4)],), ([a, b], 2), ([numbers()],), ([],),
    )  # fmt: skip


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
    yield from _calls((x, numbers(4, 2)), (x, numbers(4, 1)), (numbers(0, 4), numbers(4, 2)), (numbers(2, 0), numbers(0, 3)),
                      (numbers(33, 40), numbers(40, 21)), (x, numbers(3, 4)), (x, numbers(4)))  # fmt: skip


@named
def bmm() -> Iterator[Sample]:
    x = numbers(2, 3, 4)
    yield from _calls((x, numbers(2, 4, 5)), (numbers(0, 3, 4), numbers(0, 4, 2)), (numbers(2, 3, 0), numbers(2, 0, 2)),
                      (x, numbers(3, 4, 2)), (x, numbers(4, 2)))  # fmt: skip


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
    yield from _calls((numbers(3, 4), numbers(4, 2)), (x, v), (v, numbers(4, 2)), (v, v), (x, numbers(4, 2)), (x, numbers(2, 4, 3)),
                      (numbers(5, 1, 3, 4), numbers(2, 4, 2)), (numbers(3, 0), numbers(0, 2)), (x, numbers(3)), (numbers(), v))  # fmt: skip


@named
def linear() -> Iterator[Sample]:
    w, b = numbers(2, 4), numbers(2)
    yield from _calls((numbers(3, 4), w), (numbers(3, 4), w, b), (numbers(2, 3, 4), w, b), (numbers(4), w, b), (numbers(0, 4), w, b),
                      (numbers(3, 5), w), (numbers(3, 4), w, numbers(3)))  # fmt: skip


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
