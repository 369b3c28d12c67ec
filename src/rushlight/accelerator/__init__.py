"""The accelerator, whatever its maker: there is none in a build for the CPU."""

from __future__ import annotations

from typing import Any

__all__ = ["current_accelerator", "current_device_index", "device_count", "empty_cache", "is_available",
           "memory_allocated", "set_device_index", "synchronize"]  # fmt: skip


def is_available() -> bool:
    """Whether an accelerator can be used: False."""
    return False


def device_count() -> int:
    """The number of accelerators: 0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """The device of the accelerator: None."""
    return


def _needs_accelerator(name: str) -> Any:
    raise RuntimeError(
        f"torch.accelerator.{name}: there is no accelerator; ask torch.accelerator.is_available() before"
    )


def synchronize(device: Any = None) -> None:
    """Raises RuntimeError: no accelerator."""
    _needs_accelerator("synchronize")


def current_device_index() -> int:
    """Raises RuntimeError: no accelerator."""
    return _needs_accelerator("current_device_index")


def set_device_index(device: Any) -> None:
    """Raises RuntimeError: no accelerator."""
    _needs_accelerator("set_device_index")


def empty_cache() -> None:
    """Raises RuntimeError: no accelerator."""
    _needs_accelerator("empty_cache")


def memory_allocated(device: Any = None) -> int:
    """Raises RuntimeError: no accelerator."""
    return _needs_accelerator("memory_allocated")
