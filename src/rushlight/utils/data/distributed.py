"""The sampler that gives every process of a distributed job its own share of a dataset."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import rushlight as rl
from rushlight.utils.data.sampler import Sampler

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Every ``num_replicas``-th index, starting at ``rank``, of an order that all processes agree on.

    Args:
        dataset: what the indices are for.
        num_replicas, rank: how many processes there are and which one this is; from the process group when not given.
        shuffle: permute, by ``seed + epoch``; call :meth:`set_epoch` before each epoch, or all epochs are alike.
        seed: the same in all processes.
        drop_last: leave out what does not divide evenly; otherwise the first indices are repeated to fill up.

    Raises:
        ValueError: when ``rank`` is outside ``[0, num_replicas)``, or no process group can tell what is not given.
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None:
            num_replicas = _process_group("num_replicas").get_world_size()
        if rank is None:
            rank = _process_group("rank").get_rank()
        if not 0 <= rank < num_replicas:
            raise ValueError(f"DistributedSampler: rank must be in [0, {num_replicas - 1}], got {rank}")
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        self.shuffle = shuffle
        self.seed = seed
        size = len(dataset)
        self.num_samples = size // num_replicas if drop_last else -(-size // num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        if self.shuffle:
            generator = rl.Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = rl.randperm(size, generator=generator).tolist()
        else:
            order = list(range(size))
        filled = itertools.islice(itertools.cycle(order), self.total_size)
        return iter(list(filled)[self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Chooses the permutation of the next iteration; give every epoch a number of its own."""
        self.epoch = epoch


def _process_group(wanted: str) -> Any:
    distributed = getattr(rl, "distributed", None)
    if distributed is None or not distributed.is_available():
        raise RuntimeError(f"DistributedSampler: no distributed backend can tell {wanted}; pass {wanted}=")
    if not distributed.is_initialized():
        raise ValueError(
            f"DistributedSampler: {wanted} is not given and the process group is not initialised; call "
            f"init_process_group first or pass {wanted}="
        )
    return distributed
