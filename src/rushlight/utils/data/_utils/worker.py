"""What runs in a worker process of a multi-process loader."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import rushlight as rl
from rushlight._utils import ExceptionWrapper

__all__ = ["StreamEnded", "WorkerInfo", "WorkerTask", "get_worker_info", "worker_loop"]


class WorkerInfo(NamedTuple):
    """What ``get_worker_info()`` tells inside a worker: its number, how many there are, its seed, its dataset copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str = "multiprocessing"


class WorkerTask(NamedTuple):
    """All that a worker needs to know: its identity, the dataset, and how to fetch and collate."""

    id: int
    num_workers: int
    base_seed: int
    dataset: Any
    make_fetcher: Callable[..., Any]
    auto_collation: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    init_fn: Callable[[int], Any] | None


class StreamEnded:
    """Sent in place of a batch when the worker's stream has no more samples."""


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The :class:`WorkerInfo` of the loader's worker that runs this; None in the main process."""
    return _worker_info


def worker_loop(task: WorkerTask, end: Any, forked: bool) -> None:
    """Answers requests until the loader closes the channel.

    A request is ``(number, indices)`` and is answered by ``(number, batch)``, where an ``ExceptionWrapper`` or a
    ``StreamEnded`` may stand for the batch; the request None starts a new epoch and is not answered.
    """
    from rushlight.utils.data._utils.channel import Channel, close_inherited

    channel = Channel(end)
    if forked:
        close_inherited(channel)
    try:
        fetcher = _prepare(task)
        while True:
            request = channel.receive()
            if request is None:
                fetcher = _make_fetcher(task)
                continue
            number, indices = request
            _answer(channel, number, _fetch(fetcher, indices, task.id), task.id)
    except (EOFError, OSError, KeyboardInterrupt):
        pass  # the loader is gone, or the user stopped the program: nobody waits for an answer
    finally:
        channel.close()


def _prepare(task: WorkerTask) -> Any:
    """Seeds every generator as PyTorch does and runs the user's hook; gives the fetcher, or the error wrapped."""
    global _worker_info
    rl.set_num_threads(1)
    seed = task.base_seed + task.id
    random.seed(seed)
    rl.manual_seed(seed)
    if "numpy" in sys.modules:
        _seed_numpy(task.base_seed, task.id)
    _worker_info = WorkerInfo(task.id, task.num_workers, seed, task.dataset)
    try:
        if task.init_fn is not None:
            task.init_fn(task.id)
    except Exception:
        return ExceptionWrapper(where=f"in DataLoader worker process {task.id}")
    return _make_fetcher(task)


def _seed_numpy(base_seed: int, worker_id: int) -> None:
    import numpy

    entropy = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
    numpy.random.seed(numpy.random.SeedSequence(entropy).generate_state(4))


def _make_fetcher(task: WorkerTask) -> Any:
    try:
        return task.make_fetcher(task.dataset, task.auto_collation, task.collate_fn, task.drop_last)
    except Exception:
        return ExceptionWrapper(where=f"in DataLoader worker process {task.id}")


def _fetch(fetcher: Any, indices: Any, worker_id: int) -> Any:
    if isinstance(fetcher, ExceptionWrapper):
        return fetcher
    try:
        return fetcher.fetch(indices)
    except StopIteration as stop:
        if hasattr(fetcher, "stream"):
            return StreamEnded()
        return ExceptionWrapper((type(stop), stop, stop.__traceback__), f"in DataLoader worker process {worker_id}")
    except Exception:
        return ExceptionWrapper(where=f"in DataLoader worker process {worker_id}")


def _answer(channel: Any, number: int, batch: Any, worker_id: int) -> None:
    try:
        channel.send((number, batch))
    except (OSError, KeyboardInterrupt):
        raise
    except Exception:  # the batch cannot be pickled
        channel.send((number, ExceptionWrapper(where=f"in DataLoader worker process {worker_id}")))
