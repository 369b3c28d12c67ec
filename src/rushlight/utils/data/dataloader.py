"""``DataLoader``: batches of a dataset, in this process or by workers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from rushlight.utils.data._utils.collate import default_collate, default_convert
from rushlight.utils.data._utils.iterators import BaseIterator, MultiProcessIterator, SingleProcessIterator
from rushlight.utils.data._utils.pin_memory import can_pin
from rushlight.utils.data._utils.worker import get_worker_info
from rushlight.utils.data.dataset import Dataset, IterableDataset
from rushlight.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

T_co = TypeVar("T_co", covariant=True)

_DEFAULT_PREFETCH = 2
_FIXED = frozenset({"batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"})


class _InfiniteConstantSampler(Sampler[None]):
    """Stands for the indices of a stream, which has none."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches.

    Args:
        dataset: a map-style dataset or an ``IterableDataset``.
        batch_size: samples in a batch; None gives single samples without collation.
        shuffle: a new random order for each epoch.
        sampler: an iterable of indices; excludes ``shuffle``.
        batch_sampler: an iterable of lists of indices; excludes ``batch_size``, ``shuffle``, ``sampler``,
            ``drop_last``.
        num_workers: processes that load; 0 loads in this one.
        collate_fn: from a list of samples to a batch; ``default_collate`` when it is None, or ``default_convert``
            (for one sample) without batching.
        pin_memory: put batches into page-locked memory, when there is an accelerator.
        drop_last: leave out a last batch that is smaller.
        timeout: seconds to wait for a batch from the workers; 0 waits for ever.
        worker_init_fn: called in each worker with its number, after seeding.
        multiprocessing_context: a start method's name or a ``multiprocessing`` context.
        generator: where the order and the workers' seeds are drawn from; the default generator when it is None.
        prefetch_factor: batches that each worker prepares ahead; 2 when it is None.
        persistent_workers: keep the workers for the next epoch.
        pin_memory_device: accepted and ignored: memory is pinned for the current accelerator.
        in_order: yield batches in the sampler's order; otherwise as soon as they are ready.

    Raises:
        ValueError: for arguments that are out of range or exclude each other.
        TypeError: for a ``multiprocessing_context`` of the wrong type.
    """

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_worker_arguments(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = _DEFAULT_PREFETCH if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.generator = generator
        self.persistent_workers = persistent_workers

        streaming = isinstance(dataset, IterableDataset)
        if streaming:
            _refuse_for_streams(shuffle=shuffle or None, sampler=sampler, batch_sampler=batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: sampler excludes shuffle; the sampler decides the order")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("DataLoader: batch_sampler excludes batch_size, shuffle, sampler and drop_last")
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: drop_last needs batches; batch_size=None gives single samples")
        if sampler is None:
            sampler = _default_sampler(dataset, streaming, shuffle, generator)
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn = collate_fn or (default_collate if self._auto_collation else default_convert)
        self._announced_length: int | None = None
        self._iterator: BaseIterator | None = None
        self._initialized = True
        self.check_worker_number_rationality()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and self.__dict__.get("_initialized"):
            raise ValueError(f"DataLoader: {name} cannot change after the loader is made; make another DataLoader")
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """The context that starts workers; None for the default one."""
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            context = _checked_context(context, self.num_workers)
        self._multiprocessing_context = context

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def _worker_context(self) -> Any:
        import multiprocessing

        context = self.multiprocessing_context
        return multiprocessing.get_context() if context is None else context

    def __iter__(self) -> BaseIterator:
        if self.num_workers == 0 or not self.persistent_workers:
            return self._get_iterator()
        if isinstance(self._iterator, MultiProcessIterator) and self._iterator._workers:
            self._iterator._reset()
        else:
            self._iterator = self._get_iterator()
        return self._iterator

    def _get_iterator(self) -> BaseIterator:
        if self.pin_memory and not can_pin():
            warnings.warn("DataLoader: pin_memory=True has no effect without an accelerator", stacklevel=3)
        return SingleProcessIterator(self) if self.num_workers == 0 else MultiProcessIterator(self)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is not None:
            length = length // self.batch_size if self.drop_last else -(-length // self.batch_size)
        self._announced_length = length
        return length

    def check_worker_number_rationality(self) -> None:
        """Warns when there are more workers than processors this process may use."""
        if not self.num_workers:
            return
        affinity = getattr(os, "sched_getaffinity", None)
        processors = len(affinity(0)) if affinity is not None else os.cpu_count()
        if processors is not None and self.num_workers > processors:
            warnings.warn(
                f"DataLoader: {self.num_workers} workers share {processors} processors; more than {processors} may "
                "slow loading down",
                stacklevel=3,
            )


def _check_worker_arguments(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError(f"DataLoader: num_workers must not be negative, got {num_workers}; 0 means no workers")
    if timeout < 0:
        raise ValueError(f"DataLoader: timeout must not be negative, got {timeout}; 0 waits for ever")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(f"DataLoader: prefetch_factor={prefetch_factor} needs workers; set num_workers > 0")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError(f"DataLoader: prefetch_factor must not be negative, got {prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise ValueError("DataLoader: persistent_workers=True needs workers; set num_workers > 0")


def _refuse_for_streams(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"DataLoader: an IterableDataset decides its order itself, so {name}={value!r} cannot be used with it"
            )


def _default_sampler(dataset: Any, streaming: bool, shuffle: bool | None, generator: Any) -> Sampler[Any]:
    if streaming:
        return _InfiniteConstantSampler()
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


def _checked_context(context: Any, num_workers: int) -> Any:
    import multiprocessing
    from multiprocessing.context import BaseContext

    if num_workers == 0:
        raise ValueError("DataLoader: multiprocessing_context needs workers; set num_workers > 0")
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError(f"DataLoader: multiprocessing_context must be one of {methods}, got {context!r}")
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "DataLoader: multiprocessing_context must be a start method's name or a multiprocessing context, got "
            f"{type(context).__name__}"
        )
    return context
