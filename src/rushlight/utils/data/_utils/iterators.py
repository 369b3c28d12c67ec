"""What ``iter(loader)`` returns: one iterator for loading in this process, one for loading in workers."""

from __future__ import annotations

import os
import select
import time
import warnings
import weakref
from collections.abc import Iterator
from typing import Any, NoReturn

from rushlight._utils import ExceptionWrapper
from rushlight.utils.data._utils.fetch import IterableDatasetFetcher, MapDatasetFetcher, index_batches
from rushlight.utils.data._utils.pin_memory import can_pin, pin_memory
from rushlight.utils.data.dataset import IterableDataset
from rushlight.utils.data.sampler import draw_seed

__all__ = ["BaseIterator", "MultiProcessIterator", "SingleProcessIterator"]

_JOIN_SECONDS = 5.0  # how long a worker may take to finish its batch before it is terminated


class BaseIterator(Iterator[Any]):
    """Counts batches and pins them; a subclass says how the next one is made."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._dataset = loader.dataset
        self._streaming = isinstance(loader.dataset, IterableDataset)
        self._make_fetcher = IterableDatasetFetcher if self._streaming else MapDatasetFetcher
        self._pin_memory = loader.pin_memory and can_pin()
        self._base_seed = draw_seed(loader.generator)
        self._num_yielded = 0

    def __iter__(self) -> BaseIterator:
        return self

    def __next__(self) -> Any:
        batch = self._next_batch()
        self._num_yielded += 1
        if self._streaming:
            self._check_length()
        return pin_memory(batch) if self._pin_memory else batch

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def _next_batch(self) -> Any:
        raise NotImplementedError

    def _check_length(self) -> None:
        announced = self._loader._announced_length
        if announced is not None and self._num_yielded == announced + 1:
            hint = "; split the stream between workers by get_worker_info()" if self._loader.num_workers > 1 else ""
            warnings.warn(
                f"DataLoader: the IterableDataset announced {announced} batches by its length and gives more{hint}",
                stacklevel=3,
            )


class SingleProcessIterator(BaseIterator):
    """Fetches a batch when it is asked for."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        fetcher = self._make_fetcher(self._dataset, loader._auto_collation, loader.collate_fn, loader.drop_last)
        self._batches, self._fetch = index_batches(loader._index_sampler, fetcher)

    def _next_batch(self) -> Any:
        return self._fetch(next(self._batches))


class _Worker:
    """One worker process as the parent sees it."""

    def __init__(self, context: Any, task: Any, forks: bool) -> None:
        from rushlight.utils.data._utils.channel import Channel
        from rushlight.utils.data._utils.worker import worker_loop

        own, others = context.Pipe(duplex=True)
        self.channel = Channel(own)
        self.process = context.Process(target=worker_loop, args=(task, others, forks), daemon=True)
        self.pending = 0  # requests that are not answered yet
        self.has_samples = True
        try:
            self.process.start()
        except BaseException:
            own.close()
            raise
        finally:
            others.close()

    def stop(self, deadline: float) -> None:
        """Waits until the worker, whose channel is closed, has gone; ends it when that takes too long."""
        self.process.join(max(0.0, deadline - time.monotonic()))
        if self.process.is_alive():
            self.process.terminate()
            self.process.join(1.0)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()


class MultiProcessIterator(BaseIterator):
    """Keeps ``prefetch_factor`` batches of every worker under way and yields them in the sampler's order.

    Requests are numbered in the order of the sampler and go to the workers in turn. With ``in_order=False`` batches
    are yielded as they come.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        from rushlight.utils.data._utils.worker import StreamEnded, WorkerTask

        self._ended_type = StreamEnded
        self._workers: list[_Worker] = []
        # No __del__: in a cycle the connections' own could come first, and theirs closes without a note of it.
        weakref.finalize(self, _stop, self._workers, os.getpid()).atexit = False
        context = loader._worker_context()
        try:
            for number in range(loader.num_workers):
                task = WorkerTask(
                    number, loader.num_workers, self._base_seed, self._dataset, self._make_fetcher,
                    loader._auto_collation, loader.collate_fn, loader.drop_last, loader.worker_init_fn,
                )
                self._workers.append(_Worker(context, task, context.get_start_method() == "fork"))
        except BaseException:
            self._shutdown_workers()
            raise
        self._start_epoch()

    def _reset(self) -> None:
        """Starts another epoch with the same workers."""
        while any(worker.pending for worker in self._workers):
            self._receive()
        for worker in self._workers:
            self._send(worker, None)
            worker.has_samples = True
        self._num_yielded = 0
        self._start_epoch()

    def _start_epoch(self) -> None:
        self._indices = iter(self._loader._index_sampler)
        self._owners: dict[int, _Worker] = {}  # by request: who was asked; batches that were yielded have gone
        self._batches: dict[int, Any] = {}  # by request: answers that wait for their turn
        self._next_request = 0
        self._turn = 0
        for _ in range(self._loader.prefetch_factor * len(self._workers)):
            self._request()

    def _next_batch(self) -> Any:
        while True:
            number = self._due()
            if number is None:
                if not self._loader.persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            batch = self._batches.pop(number)
            del self._owners[number]
            self._request()
            if isinstance(batch, ExceptionWrapper):
                batch.reraise()
            if not isinstance(batch, self._ended_type):
                return batch

    def _due(self) -> int | None:
        """The request whose answer comes next, after waiting for it; None when nothing is under way."""
        if not self._owners:
            return None
        if self._loader.in_order:
            number = next(iter(self._owners))
            while number not in self._batches:
                self._receive()
            return number
        while not self._batches:
            self._receive()
        return next(iter(self._batches))

    def _request(self) -> None:
        """Asks the next worker whose stream has not ended for the sampler's next batch, if there are both."""
        worker = self._pick_worker()
        if worker is None:
            return
        try:
            indices = next(self._indices)
        except StopIteration:
            return
        number = self._next_request
        self._next_request += 1
        self._owners[number] = worker
        worker.pending += 1
        self._send(worker, (number, indices))

    def _pick_worker(self) -> _Worker | None:
        share = self._loader.prefetch_factor
        for _ in self._workers:
            worker = self._workers[self._turn]
            self._turn = (self._turn + 1) % len(self._workers)
            if worker.has_samples and (self._loader.in_order or worker.pending < share):
                return worker
        return None

    def _send(self, worker: _Worker, request: Any) -> None:
        """Sends when there is room, and receives answers meanwhile: neither side ever waits for the other to read."""
        try:
            while not _writable(worker.channel):
                self._receive(worker)
            worker.channel.send(request)
        except OSError:
            self._fail(worker)

    def _receive(self, blocked: _Worker | None = None) -> None:
        """Waits for answers and files them; returns early when ``blocked`` can be written to."""
        polls = select.poll()
        by_descriptor = {worker.channel.fileno(): worker for worker in self._workers}
        for descriptor, worker in by_descriptor.items():
            polls.register(descriptor, select.POLLIN | (select.POLLOUT if worker is blocked else 0))
        timeout = self._loader.timeout
        ready = polls.poll(timeout * 1000 if timeout > 0 else None)
        if not ready:
            raise RuntimeError(
                f"DataLoader: no batch came within timeout={timeout} seconds; raise timeout or look at what the "
                "dataset waits for"
            )
        for descriptor, events in ready:
            if events & ~select.POLLOUT:
                self._file(by_descriptor[descriptor])

    def _file(self, worker: _Worker) -> None:
        try:
            number, batch = worker.channel.receive()
        except (EOFError, OSError):
            self._fail(worker)
        worker.pending -= 1
        if isinstance(batch, self._ended_type):
            worker.has_samples = False
        self._batches[number] = batch

    def _fail(self, worker: _Worker) -> NoReturn:
        worker.process.join(1.0)
        pid, code = worker.process.pid, worker.process.exitcode
        self._shutdown_workers()
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"exited with code {code}"
        hint = "; signal 9 often means that memory ran out" if code == -9 else ""
        raise RuntimeError(
            f"DataLoader: worker (pid {pid}) exited unexpectedly: it {how}{hint}. num_workers=0 runs the same dataset "
            "in this process, where errors show their place"
        )

    def _shutdown_workers(self) -> None:
        self._owners, self._batches = {}, {}
        _stop(self._workers, os.getpid())


def _stop(workers: list[_Worker], owner: int) -> None:
    """Closes the channels and waits for the workers to go, unless this process is a forked child of theirs."""
    if os.getpid() != owner:
        return
    stopped = workers[:]
    workers.clear()
    for worker in stopped:
        worker.channel.close()
    deadline = time.monotonic() + _JOIN_SECONDS
    for worker in stopped:
        worker.stop(deadline)


def _writable(channel: Any) -> bool:
    polls = select.poll()
    polls.register(channel.fileno(), select.POLLOUT)
    return bool(polls.poll(0))
