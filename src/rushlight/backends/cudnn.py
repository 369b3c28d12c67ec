"""cuDNN's switches, which programs set before training; there is no cuDNN in a build for the CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

enabled = True
benchmark = False
benchmark_limit: int | None = None
deterministic = False
allow_tf32 = True


def version() -> int | None:
    """cuDNN's version: None."""
    return None


def is_available() -> bool:
    """Whether cuDNN can be used: False."""
    return False


def is_acceptable(tensor: Any) -> bool:
    """Whether cuDNN would compute with the tensor: False."""
    return False


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
) -> tuple[bool, bool, int | None, bool, bool]:
    """Set those switches that are not None; gives what they were."""
    global enabled, benchmark, benchmark_limit, deterministic, allow_tf32
    before = enabled, benchmark, benchmark_limit, deterministic, allow_tf32
    enabled = enabled if _enabled is None else _enabled
    benchmark = benchmark if _benchmark is None else _benchmark
    benchmark_limit = benchmark_limit if _benchmark_limit is None else _benchmark_limit
    deterministic = deterministic if _deterministic is None else _deterministic
    allow_tf32 = allow_tf32 if _allow_tf32 is None else _allow_tf32
    return before


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int | None = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:
    """`set_flags` for the length of a `with` block."""
    limit = benchmark_limit if is_available() else None
    before = set_flags(enabled, benchmark, limit, deterministic, allow_tf32)
    try:
        yield
    finally:
        set_flags(*before)
