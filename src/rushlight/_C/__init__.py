"""Private names of PyTorch's core that packages import; what they mean here lives in the native module."""

from __future__ import annotations

from typing import Any

from rushlight._native import Generator, Size, Tensor, default_generator, device, dtype, layout, memory_format
from rushlight.overrides import DisableTorchFunction, DisableTorchFunctionSubclass
from rushlight.overrides import _disabled_torch_function as _disabled_torch_function_impl

TensorBase = Tensor
_TensorBase = Tensor

__all__ = [
    "DisableTorchFunction",
    "DisableTorchFunctionSubclass",
    "Generator",
    "Size",
    "TensorBase",
    "_disabled_torch_function_impl",
    "default_generator",
    "device",
    "dtype",
    "layout",
    "memory_format",
]


def _get_tracing_state() -> Any:
    """The tracer at work: None."""
    return None


def _log_api_usage_once(event: str) -> None:
    """Nothing is logged, here or anywhere."""


def _get_default_device() -> str:
    """The kind of device that a tensor is on where none is named."""
    return "cpu"
