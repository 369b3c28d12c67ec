"""Fetchers: from the indices of one batch to the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import rushlight as rl
from rushlight.utils.data._utils.collate import default_collate
from rushlight.utils.data.dataset import Subset, TensorDataset
from rushlight.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler

if TYPE_CHECKING:
    from rushlight import Tensor

__all__ = ["IterableDatasetFetcher", "MapDatasetFetcher", "RowGather", "index_batches"]


class MapDatasetFetcher:
    """Fetches from a dataset that has indices."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.gather = RowGather.of(dataset) if auto_collation and collate_fn is default_collate else None

    def fetch(self, indices: Any) -> Any:
        """The batch at ``indices``: a list, or one index without collation."""
        if not self.auto_collation:
            return self.collate_fn(self.dataset[indices])
        if self.gather is not None and (positions := _as_positions(indices)) is not None:
            return self.gather(positions)
        getitems = getattr(self.dataset, "__getitems__", None)
        samples = getitems(indices) if getitems else [self.dataset[index] for index in indices]
        return self.collate_fn(samples)


class IterableDatasetFetcher:
    """Fetches the next samples of a stream."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool) -> None:
        self.stream = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, indices: Any) -> Any:
        """The next ``len(indices)`` samples, or fewer at the end; raises ``StopIteration`` when none are left."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(self._one())
        samples = []
        for _ in indices:
            try:
                samples.append(self._one())
            except StopIteration:
                break
        if not samples or (self.drop_last and len(samples) < len(indices)):
            raise StopIteration
        return self.collate_fn(samples)

    def _one(self) -> Any:
        try:
            return next(self.stream)
        except StopIteration:
            self.ended = True
            raise


class RowGather:
    """Batches of a ``TensorDataset`` by one ``index_select`` for each tensor.

    That is what stacking its single rows gives, without making the rows.
    """

    def __init__(self, tensors: Sequence[Tensor], order: Tensor | None) -> None:
        self.tensors = tensors
        self.order = order

    @classmethod
    def of(cls, dataset: Any) -> RowGather | None:
        """The gather of a ``TensorDataset`` or of subsets of one; None for what may index in a way of its own."""
        order = None
        while type(dataset) is Subset:
            positions = _as_positions(dataset.indices)
            if positions is None:
                return None
            order = positions if order is None else positions.index_select(0, order)
            dataset = dataset.dataset
        if type(dataset) is not TensorDataset or any(type(tensor) is not rl.Tensor for tensor in dataset.tensors):
            return None
        return cls(dataset.tensors, order)

    def __call__(self, positions: Tensor) -> list[Tensor]:
        if self.order is not None:
            positions = self.order.index_select(0, positions)
        return [tensor.index_select(0, positions) for tensor in self.tensors]


def _as_positions(indices: Any) -> Tensor | None:
    """Indices as an int64 tensor where ``index_select`` reads them as plain indexing does; else None."""
    if isinstance(indices, rl.Tensor):
        plain = indices.dtype == rl.int64 and indices.dim() == 1 and (len(indices) == 0 or int(indices.min()) >= 0)
        return indices if plain else None
    if isinstance(indices, range):
        indices = list(indices)
    if type(indices) is not list or not indices or set(map(type, indices)) != {int} or min(indices) < 0:
        return None
    return rl.tensor(indices)


def index_batches(index_sampler: Any, fetcher: Any) -> tuple[Iterator[Any], Callable[[Any], Any]]:
    """The sampler's batches of indices, and what fetches one: slices of one tensor where rows can be gathered."""
    gather = getattr(fetcher, "gather", None)
    if (
        gather is not None
        and type(index_sampler) is BatchSampler
        and type(index_sampler.sampler) in (RandomSampler, SequentialSampler)
    ):
        sampler: Any = index_sampler.sampler
        return _slices(sampler.index_chunks(), index_sampler.batch_size, index_sampler.drop_last), gather
    return iter(index_sampler), fetcher.fetch


def _slices(chunks: Iterator[Tensor], size: int, drop_last: bool) -> Iterator[Tensor]:
    rest = None
    for chunk in chunks:
        if rest is not None:
            chunk = rl.cat((rest, chunk))
        whole = len(chunk) // size * size
        for start in range(0, whole, size):
            yield chunk[start : start + size]
        rest = chunk[whole:] if whole < len(chunk) else None
    if rest is not None and not drop_last:
        yield rest
