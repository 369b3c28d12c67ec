"""Marks for NVIDIA's profilers, which need a build with CUDA."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

__all__ = ["mark", "range", "range_pop", "range_push"]


def _needs_cuda(name: str) -> Any:
    raise RuntimeError(f"torch.cuda.nvtx.{name}: this build of Rushlight has no CUDA, so there is no NVTX to call")


def mark(msg: str) -> None:
    """Raises RuntimeError: no CUDA."""
    _needs_cuda("mark")


def range_push(msg: str) -> int:
    """Raises RuntimeError: no CUDA."""
    return _needs_cuda("range_push")


def range_pop() -> int:
    """Raises RuntimeError: no CUDA."""
    return _needs_cuda("range_pop")


@contextlib.contextmanager
def range(msg: str, *args: Any, **kwargs: Any) -> Iterator[None]:
    """Raises RuntimeError on entry: no CUDA."""
    _needs_cuda("range")
    yield
