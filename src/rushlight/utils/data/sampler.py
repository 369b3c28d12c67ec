"""Samplers: the order in which a dataset's indices are visited.

For one seed every sampler draws the same numbers, in the same order, as PyTorch's, so that batches are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import rushlight as rl

if TYPE_CHECKING:
    from rushlight import Generator, Tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

T_co = TypeVar("T_co", covariant=True)

_DRAWN_AT_ONCE = 32  # how many indices a sampler with replacement draws in one call; part of the random stream


class Sampler(Generic[T_co]):
    """What gives a :class:`DataLoader` its indices: subclasses define ``__iter__`` and, where known, ``__len__``."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} is a Sampler without __iter__; define __iter__()")


class SequentialSampler(Sampler[int]):
    """0, 1, 2, ... in order."""

    data_source: Sized

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def index_chunks(self) -> Iterator[Tensor]:
        """The same indices as one int64 tensor, for fetchers that take whole batches."""
        yield rl.arange(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Indices at random: permutations of the dataset, or independent draws.

    Args:
        data_source: what the indices are for; its length counts.
        replacement: draw each index independently.
        num_samples: how many indices an epoch has; the dataset's length when it is None.
        generator: where the numbers come from. When it is None, each epoch draws a seed from the default generator.

    Raises:
        TypeError: when ``replacement`` is no bool.
        ValueError: when ``num_samples`` is no positive integer.
    """

    data_source: Sized
    replacement: bool

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: replacement must be a bool, got {replacement!r}")
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"RandomSampler: num_samples must be a positive integer, got {self.num_samples!r}")

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        for chunk in self.index_chunks():
            yield from chunk.tolist()

    def index_chunks(self) -> Iterator[Tensor]:
        """The same indices as int64 tensors, each drawn when it is asked for."""
        size = len(self.data_source)
        generator = self.generator if self.generator is not None else _seeded_generator()
        if self.replacement:
            whole, rest = divmod(self.num_samples, _DRAWN_AT_ONCE)
            for count in itertools.chain(itertools.repeat(_DRAWN_AT_ONCE, whole), [rest]):
                yield rl.randint(high=size, size=(count,), dtype=rl.int64, generator=generator)
        else:
            whole, rest = divmod(self.num_samples, size)
            for count in itertools.chain(itertools.repeat(size, whole), [rest]):
                yield rl.randperm(size, generator=generator)[:count]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given indices in random order."""

    indices: Sequence[int]

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for position in rl.randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[position]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Indices ``0 .. len(weights) - 1``, drawn with probabilities proportional to the weights.

    Args:
        weights: one non-negative weight for each index; they need not sum to 1.
        num_samples: how many indices an epoch has.
        replacement: whether an index may come again.
        generator: where the numbers come from; the default generator when it is None.

    Raises:
        ValueError: for weights that are not one-dimensional, or a bad ``num_samples`` or ``replacement``.
    """

    weights: Tensor
    num_samples: int
    replacement: bool

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"WeightedRandomSampler: num_samples must be a positive integer, got {num_samples!r}")
        if not isinstance(replacement, bool):
            raise ValueError(f"WeightedRandomSampler: replacement must be a bool, got {replacement!r}")
        weights_tensor = rl.as_tensor(weights, dtype=rl.float64)
        if weights_tensor.dim() != 1:
            raise ValueError(
                f"WeightedRandomSampler: weights must be one-dimensional, got shape {list(weights_tensor.shape)}"
            )
        self.weights = weights_tensor
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        draws = rl.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield from draws.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler["list[int]"]):
    """Groups the indices of another sampler into lists.

    Args:
        sampler: any iterable of indices.
        batch_size: how many indices go into one list.
        drop_last: leave out a last list that is shorter.

    Raises:
        ValueError: when ``batch_size`` is no positive integer, or ``drop_last`` no bool.
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"BatchSampler: batch_size must be a positive integer, got {batch_size!r}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"BatchSampler: drop_last must be a bool, got {drop_last!r}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        size = len(self.sampler)  # type: ignore[arg-type]
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)


def _seeded_generator() -> Generator:
    """A generator of its own, seeded by one draw from the default one."""
    generator = rl.Generator()
    generator.manual_seed(draw_seed())
    return generator


def draw_seed(generator: Any = None) -> int:
    """One random 63-bit integer, as loaders and samplers draw their seeds."""
    return int(rl.empty((), dtype=rl.int64).random_(generator=generator).item())
