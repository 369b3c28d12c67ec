"""Apple's GPUs, which this build has no code for."""

from __future__ import annotations

from typing import Any

__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "synchronize"]


def is_available() -> bool:
    """Whether an Apple GPU can be used: False."""
    return False


def device_count() -> int:
    """The number of Apple GPUs: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the GPU's generator: checks the number, and has nothing to seed."""
    int(seed)


def _needs_mps(name: str) -> Any:
    raise RuntimeError(f"torch.mps.{name}: this build of Rushlight has no code for Apple's GPUs")


def synchronize() -> None:
    """Raises RuntimeError: no Apple GPU."""
    _needs_mps("synchronize")


def empty_cache() -> None:
    """Raises RuntimeError: no Apple GPU."""
    _needs_mps("empty_cache")
