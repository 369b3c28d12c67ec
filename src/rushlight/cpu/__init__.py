"""The CPU as a device among others: always there, and done with its work when a call returns."""

from __future__ import annotations

from typing import Any

__all__ = ["Stream", "StreamContext", "current_device", "current_stream", "device_count", "is_available",
           "is_initialized", "set_device", "stream", "synchronize"]  # fmt: skip


class Stream:
    """The CPU's one queue of work, which is always empty."""

    def __init__(self, priority: int = -1) -> None:
        pass

    def wait_stream(self, stream: Any) -> None:
        """Nothing is ever waiting."""

    def synchronize(self) -> None:
        """Nothing is ever waiting."""


class StreamContext:
    """`with torch.cpu.stream(s):` changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass


_stream = Stream()


def is_available() -> bool:
    """Whether the CPU can be used: True."""
    return True


def is_initialized() -> bool:
    """Whether the CPU is ready: True."""
    return True


def device_count() -> int:
    """The number of CPU devices: 1, however many cores it has."""
    return 1


def current_device() -> str:
    """The current CPU device: "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Choose the CPU device: there is only one."""


def synchronize(device: Any = None) -> None:
    """Wait for the work that was started: it is done."""


def current_stream(device: Any = None) -> Stream:
    """The CPU's one stream."""
    return _stream


def stream(stream: Stream | None) -> StreamContext:
    """A context in which the stream is used: it changes nothing."""
    return StreamContext(stream)
