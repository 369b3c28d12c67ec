"""DLPack: tensors handed between libraries without copying."""

from __future__ import annotations

import enum
from typing import Any

import rushlight as rl
from rushlight import _native

__all__ = ["DLDeviceType", "from_dlpack"]

from_dlpack, to_dlpack = rl.from_dlpack, rl.to_dlpack


class DLDeviceType(enum.IntEnum):
    """Kinds of devices, with DLPack's numbers."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
    kDLWebGPU = 15
    kDLHexagon = 16
    kDLMAIA = 17


def export(tensor: Any, stream: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """What `Tensor.__dlpack__` gives; its arguments are described there."""
    if stream is not None and not isinstance(stream, int):
        raise TypeError(f"__dlpack__: stream must be an integer or None, got {type(stream).__name__}")
    if stream not in (None, -1):
        raise AssertionError(f"__dlpack__: a tensor on the CPU has no stream, got stream={stream}")
    if tensor.requires_grad:
        raise BufferError("__dlpack__: the tensor requires grad, and DLPack carries no history; use .detach()")
    if dl_device is not None and tuple(dl_device) != (DLDeviceType.kDLCPU, 0):
        raise NotImplementedError(f"__dlpack__: the tensor is on {tensor.device}; it cannot be exported to {dl_device}")
    if copy:
        tensor = tensor.clone()
    return _native._to_dlpack(tensor, max_version is not None and max_version[0] >= 1, bool(copy))
