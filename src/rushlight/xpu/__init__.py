"""Intel's GPUs, which this build has no code for."""

from __future__ import annotations

from typing import Any

__all__ = ["current_device", "device_count", "empty_cache", "is_available", "is_bf16_supported", "is_initialized",
           "manual_seed", "manual_seed_all", "memory_allocated", "synchronize"]  # fmt: skip


def is_available() -> bool:
    """Whether an Intel GPU can be used: False."""
    return False


def is_initialized() -> bool:
    """Whether Intel's runtime is ready: False."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the Intel GPU computes in bfloat16: False."""
    return False


def device_count() -> int:
    """The number of Intel GPUs: 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Seed the GPU's generator: checks the number, and has nothing to seed."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Seed all GPUs' generators: checks the number, and has nothing to seed."""
    int(seed)


def empty_cache() -> None:
    """Give cached GPU memory back: there is none."""


def memory_allocated(device: Any = None) -> int:
    """Bytes of GPU memory in tensors: 0."""
    return 0


def _needs_xpu(name: str) -> Any:
    raise AssertionError(f"torch.xpu.{name}: this build of Rushlight has no code for Intel's GPUs")


def current_device() -> int:
    """Raises AssertionError: no Intel GPU."""
    return _needs_xpu("current_device")


def synchronize(device: Any = None) -> None:
    """Raises AssertionError: no Intel GPU."""
    _needs_xpu("synchronize")
