"""Defaults that a program may set: checksums, byte order, and the kind of memory mapping."""

from __future__ import annotations

import mmap
from enum import Enum
from typing import Any

__all__ = ["LoadEndianness", "Options", "options", "set_default_mmap_options"]


class LoadEndianness(Enum):
    """The byte order to assume for a file that does not say its own."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class Options:
    """The settings of this process."""

    checksums: bool = True
    endianness: LoadEndianness | None = None
    mmap_flags: int = getattr(mmap, "MAP_PRIVATE", 2)


options = Options()


class set_default_mmap_options:
    """Chooses how ``load(mmap=True)`` maps files; as a context manager, until its end.

    Args:
        flags: ``mmap.MAP_PRIVATE`` (writes stay in this process) or ``mmap.MAP_SHARED`` (writes go to the file).
    """

    def __init__(self, flags: int) -> None:
        if flags not in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
            raise ValueError(f"set_default_mmap_options: expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, got {flags!r}")
        self._before = options.mmap_flags
        options.mmap_flags = flags

    def __enter__(self) -> None:
        return None

    def __exit__(self, *exception: Any) -> None:
        options.mmap_flags = self._before
