"""A two-way channel between a loader and one worker.

An object travels as a pickle whose large buffers (the memory of tensors and arrays) stay outside it. A small message
goes through a Unix socket as it is. A large one is written into an anonymous file in memory, whose descriptor goes
through the socket; the receiver reads it into memory of its own and closes it. So a worker can be many batches ahead,
no message in the socket is larger than ``INLINE_BYTES``, and nothing is left behind, whoever dies when. A mapping
instead of reading would cost as much (page faults), and would keep one descriptor open for each batch that is alive.
"""

from __future__ import annotations

import io
import os
import pickle
import tempfile
import weakref
from multiprocessing import reduction
from typing import Any

import rushlight as rl
from rushlight import _tensor_pickle
from rushlight.storage import allocate, memory_of

__all__ = ["Channel", "close_inherited"]

# A socket that polls as writable has room for this much, so that sending after a poll never blocks.
INLINE_BYTES = 16 * 1024

_ALIGNMENT = 64
_open_channels: weakref.WeakSet[Channel] = weakref.WeakSet()


class Channel:
    """One end of the channel.

    Args:
        end: one end of ``multiprocessing.Pipe(duplex=True)``.
    """

    def __init__(self, end: Any) -> None:
        self.end = end
        _open_channels.add(self)

    def fileno(self) -> int:
        """The socket, for ``multiprocessing.connection.wait`` and polls."""
        return self.end.fileno()

    def send(self, message: Any) -> None:
        """Sends one object; raises ``OSError`` when the other side is gone."""
        parts = _dump(message)
        if os.name != "posix" or sum(map(len, parts)) < INLINE_BYTES:
            self.end.send_bytes(pickle.dumps((False, [bytearray(part) for part in parts]), 5))
            return
        spans = _spans(parts)
        descriptor = _write_shared(parts, spans)
        try:
            self.end.send_bytes(pickle.dumps((True, spans), 5))
            reduction.send_handle(self.end, descriptor, None)
        finally:
            os.close(descriptor)

    def receive(self) -> Any:
        """Waits for one object; raises ``EOFError`` or ``OSError`` when the other side is gone."""
        shared, content = pickle.loads(self.end.recv_bytes())
        if shared:
            content = _read_shared(reduction.recv_handle(self.end), content)
        return pickle.loads(content[0], buffers=content[1:])

    def close(self) -> None:
        """Closes this end; the other one then meets ``EOFError``."""
        self.end.close()


def close_inherited(own: Channel) -> None:
    """Closes, in a forked worker, the ends that belong to the parent, so that the parent's death is seen by all."""
    for channel in list(_open_channels):
        if channel is not own:
            channel.close()


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        return _tensor_pickle.reduce_to_send(obj) if isinstance(obj, rl.Tensor) else NotImplemented


def _dump(message: Any) -> list[memoryview]:
    """The pickle, then the buffers that it refers to."""
    head = io.BytesIO()
    buffers: list[pickle.PickleBuffer] = []
    _Pickler(head, 5, buffer_callback=buffers.append).dump(message)
    return [head.getbuffer(), *(buffer.raw() for buffer in buffers)]


def _spans(parts: list[memoryview]) -> list[tuple[int, int]]:
    """Where each part lies, (start, end), with aligned starts."""
    spans, end = [], 0
    for part in parts:
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
        end = start + len(part)
        spans.append((start, end))
    return spans


def _write_shared(parts: list[memoryview], spans: list[tuple[int, int]]) -> int:
    descriptor = _anonymous_file()
    try:
        for part, (start, _) in zip(parts, spans, strict=True):
            written = 0
            while written < len(part):
                written += os.pwrite(descriptor, part[written:], start + written)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("rushlight-loader", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _read_shared(descriptor: int, spans: list[tuple[int, int]]) -> list[memoryview]:
    total = spans[-1][1]
    memory = memory_of(allocate(total))
    try:
        done = 0
        while done < total:
            count = os.preadv(descriptor, [memory[done:]], done)
            if count == 0:
                break  # the last part is empty: what lies before it was padding that nobody wrote
            done += count
    finally:
        os.close(descriptor)
    return [memory[start:end] for start, end in spans]
