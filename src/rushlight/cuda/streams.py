"""Streams, events and graphs: names that programs import; making one needs a CUDA device."""

from __future__ import annotations

from typing import Any

__all__ = ["CUDAGraph", "Event", "ExternalStream", "Stream", "StreamContext", "set_stream", "stream"]


class _NeedsCuda:
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"torch.cuda.{cls.__name__} needs a CUDA device, and this build of Rushlight has no CUDA")


class Stream(_NeedsCuda):
    """A queue of work on a GPU; making one raises RuntimeError."""


class ExternalStream(Stream):
    """A stream that another library made; making one raises RuntimeError."""


class Event(_NeedsCuda):
    """A mark in a stream; making one raises RuntimeError."""


class CUDAGraph(_NeedsCuda):
    """Captured GPU work; making one raises RuntimeError."""


class StreamContext:
    """`with torch.cuda.stream(s):`; only None, which changes nothing, can be given here."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass


def stream(stream: Stream | None) -> StreamContext:
    """Use a stream within a `with` block; None changes nothing."""
    return StreamContext(stream)


def set_stream(stream: Stream | None) -> None:
    """Use a stream from here on; None changes nothing."""
