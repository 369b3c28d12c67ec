"""Datasets: what can be indexed, what can only be iterated, and how they are combined, cut and split."""

from __future__ import annotations

import itertools
import math
import warnings
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import rushlight as rl

if TYPE_CHECKING:
    from rushlight import Generator, Tensor

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Dataset(Generic[T_co]):
    """A map from an index to a sample: subclasses define ``__getitem__`` and, for the default samplers, ``__len__``.

    A subclass may also define ``__getitems__(indices)``, which gets the indices of a whole batch and returns its
    samples as a list.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} is a Dataset without __getitem__; define __getitem__(index)")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co], ABC):
    """A stream of samples: subclasses define ``__iter__``.

    Every worker of a :class:`DataLoader` gets a copy of the whole stream; ``get_worker_info()`` tells it which share
    to produce.
    """

    @abstractmethod
    def __iter__(self) -> Iterator[T_co]: ...

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset["tuple[Tensor, ...]"]):
    """Sample ``i`` is the tuple of row ``i`` of every tensor.

    Args:
        tensors: tensors of one length along dimension 0.

    Raises:
        AssertionError: when the lengths differ.
    """

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            raise AssertionError(
                f"TensorDataset: tensors must have one length, got sizes {[tensor.size(0) for tensor in tensors]} "
                "along dimension 0"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class StackDataset(Dataset[Any]):
    """Sample ``i`` is the tuple (or, for keyword arguments, the dict) of sample ``i`` of every dataset.

    Raises:
        ValueError: for no datasets, for both positional and keyword ones, or for lengths that differ.
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Dataset[Any], **kwargs: Dataset[Any]) -> None:
        if args and kwargs:
            raise ValueError("StackDataset: pass datasets by position (samples are tuples) or by keyword (samples are "
                             "dicts), not both")
        if not args and not kwargs:
            raise ValueError("StackDataset: expected at least one dataset, got none")
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in self._members()]  # type: ignore[arg-type]
        if len(set(lengths)) > 1:
            raise ValueError(f"StackDataset: datasets must have one length, got {lengths}")
        self._length = lengths[0]

    def _members(self) -> Iterable[Dataset[Any]]:
        return self.datasets.values() if isinstance(self.datasets, dict) else self.datasets

    def _sample(self, parts: Iterable[Any]) -> Any:
        return dict(zip(self.datasets, parts, strict=True)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index: Any) -> Any:
        return self._sample(dataset[index] for dataset in self._members())

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        columns = []
        for dataset in self._members():
            column = _getitems(dataset, indices)
            if len(column) != len(indices):
                raise ValueError(
                    f"StackDataset: {type(dataset).__name__}.__getitems__ returned {len(column)} samples for "
                    f"{len(indices)} indices"
                )
            columns.append(column)
        return [self._sample(parts) for parts in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one after another, indexed as one.

    Raises:
        AssertionError: when there are no datasets, or one of them can only be iterated.
    """

    datasets: list[Dataset[T_co]]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Dataset[T_co]]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("ConcatDataset: expected at least one dataset, got none")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise AssertionError("ConcatDataset: an IterableDataset has no indices; use ChainDataset for streams")
        self.cumulative_sizes = self.cumsum(self.datasets)

    @staticmethod
    def cumsum(sequence: Sequence[Any]) -> list[int]:
        """The running total of the lengths of ``sequence``'s members."""
        return list(itertools.accumulate(len(member) for member in sequence))

    @property
    def cummulative_sizes(self) -> list[int]:
        warnings.warn("cummulative_sizes is an old spelling; use cumulative_sizes", FutureWarning, stacklevel=2)
        return self.cumulative_sizes

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> T_co:
        if index < 0:
            if -index > len(self):
                raise ValueError(f"ConcatDataset: index {index} is out of range for {len(self)} samples")
            index += len(self)
        member = bisect_right(self.cumulative_sizes, index)
        start = self.cumulative_sizes[member - 1] if member else 0
        return self.datasets[member][index - start]


class ChainDataset(IterableDataset[Any]):
    """Streams one after another.

    Raises:
        AssertionError: from ``iter`` and ``len``, when a member is not an ``IterableDataset``.
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        super().__init__()
        self.datasets = datasets

    def _streams(self) -> Iterator[IterableDataset[Any]]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(f"ChainDataset: expected IterableDatasets, got {type(dataset).__name__}")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for stream in self._streams():
            yield from stream

    def __len__(self) -> int:
        return sum(map(len, self._streams()))  # type: ignore[arg-type]


class Subset(Dataset[T_co]):
    """The samples of ``dataset`` at ``indices``."""

    dataset: Dataset[T_co]
    indices: Sequence[int]

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        return _getitems(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def _getitems(dataset: Any, indices: list[Any]) -> list[Any]:
    """The samples at ``indices``, by the dataset's own ``__getitems__`` where it has one."""
    getitems = getattr(dataset, "__getitems__", None)
    return getitems(indices) if callable(getitems) else [dataset[index] for index in indices]


def random_split(
    dataset: Dataset[T], lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[T]]:
    """Cuts ``dataset`` at random into parts that do not overlap.

    Args:
        dataset: anything with a length and indices.
        lengths: the size of each part; or fractions that sum to 1, where what rounding leaves over goes, one each,
            to the first parts.
        generator: where the permutation is drawn from; the default generator when it is None.

    Raises:
        ValueError: when the sizes do not sum to the dataset's length, or a fraction is outside [0, 1].
    """
    total = len(dataset)  # type: ignore[arg-type]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _sizes_of_fractions(lengths, total)
    if sum(lengths) != total:
        raise ValueError(
            f"random_split: lengths sum to {sum(lengths)}, but the dataset has {total} samples; pass sizes that sum to "
            f"{total} or fractions that sum to 1"
        )
    indices = rl.randperm(total, generator=generator).tolist()
    ends = itertools.accumulate(lengths)
    return [
        Subset(dataset, indices[end - length : end])
        for end, length in zip(ends, lengths, strict=True)
    ]


def _sizes_of_fractions(fractions: Sequence[float], total: int) -> list[int]:
    for position, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"random_split: fraction {fraction} at position {position} is outside [0, 1]")
    sizes = [math.floor(total * fraction) for fraction in fractions]
    for left_over in range(total - sum(sizes)):
        sizes[left_over % len(sizes)] += 1
    for position, size in enumerate(sizes):
        if size == 0:
            warnings.warn(f"random_split: the part at position {position} is empty", stacklevel=3)
    return sizes
