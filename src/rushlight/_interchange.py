"""Memory shared with others: NumPy's arrays, buffers, DLPack. NumPy is imported when first needed."""

from __future__ import annotations

import sys
from typing import Any

from . import _native
from ._native import Tensor, dtype

__all__ = ["as_tensor", "asarray", "from_dlpack", "to_dlpack"]


def attach(cls: type) -> None:
    """Gives the class of tensors its side of the protocols."""
    for method in (numpy, __array__, __array_wrap__, __dlpack__, __dlpack_device__):
        setattr(cls, method.__name__, method)
    cls.__array_priority__ = 1000  # type: ignore[attr-defined]


def _from_numpy_module(obj: Any, kind: str) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(obj, getattr(numpy, kind))


# ------------------------------------------------------------------ to NumPy


def numpy(self: Tensor, *, force: bool = False) -> Any:
    """A NumPy array that shares the tensor's memory.

    Args:
        force: detach and copy to the CPU first where that is needed.
    Raises:
        RuntimeError: the tensor requires grad.
        TypeError: its dtype is none of NumPy's, or it is not on the CPU.
    """
    if force:
        self = self.detach().cpu()
    if self.requires_grad and _native.is_grad_enabled():
        raise RuntimeError("numpy: the tensor requires grad, and NumPy records no gradients; use .detach().numpy()")
    import numpy

    if self.device.type != "cpu":
        raise TypeError(f"numpy: a tensor on device {self.device} has no memory that NumPy can read; use .cpu() first")
    if wider := {_native.bfloat16: "float", _native.complex32: "cfloat"}.get(self.dtype):
        raise TypeError(f"numpy: NumPy has no {self.dtype!r}; convert the tensor first, with .{wider}()")
    return numpy.asarray(_native._memory(self))


def __array__(self: Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    array = self.numpy()
    if dtype is None or array.dtype == dtype:
        return array.copy() if copy else array
    if copy is False:
        raise ValueError(f"__array__: {array.dtype} to {dtype} needs a copy, and copy=False forbids it")
    return array.astype(dtype)


def __array_wrap__(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Tensor:
    # NumPy's bool results come back as uint8, from the time before torch.bool.
    return _native.from_numpy(array.astype("uint8") if array.dtype == bool else array)


# ------------------------------------------------------------------ from anything


def as_tensor(data: Any, dtype: dtype | None = None, device: Any = None) -> Tensor:
    """`data` as a tensor, sharing its memory where it can: a tensor, a NumPy array, or numbers in nested sequences."""
    if _from_numpy_module(data, "ndarray"):
        data = _native.from_numpy(data)
    elif not isinstance(data, Tensor):
        return _native.tensor(data, dtype=dtype, device=device)
    return data if dtype is None and device is None else data.to(device=device, dtype=dtype)


def asarray(
    obj: Any,
    *,
    dtype: dtype | None = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """`obj` as a tensor.

    Args:
        obj: a tensor, a NumPy array or scalar, a DLPack capsule, an object with the buffer protocol (its bytes are read
            as elements of `dtype`), a number, or a nested sequence of numbers.
        copy: True always copies, False never, None where it must.
        requires_grad: None: as `obj` does.
    Raises:
        ValueError: copy=False, and the object's dtype, device or kind needs a copy.
    """
    shared = _shared(obj, dtype, copy)
    if shared is None:
        if copy is False:
            raise ValueError(f"asarray: a {type(obj).__name__} has no memory that a tensor could share (copy=False)")
        result = _native.tensor(obj, dtype=dtype, device=device)
    else:
        result = shared.to(dtype=dtype, device=device)
        if copy is False and result is not shared:
            raise ValueError(
                f"asarray: {shared.dtype} on {shared.device} to dtype {dtype} and device {device} needs a copy, "
                "and copy=False forbids it"
            )
        if copy and result is shared:
            result = shared.clone()
    if requires_grad is None:
        requires_grad = isinstance(obj, Tensor) and obj.requires_grad
    if result.requires_grad == requires_grad:
        return result
    return (result if result.is_leaf else result.detach()).requires_grad_(requires_grad)


def _shared(obj: Any, dtype: dtype | None, copy: bool | None) -> Tensor | None:
    """A tensor over the memory of `obj`; None where it has none to share."""
    if isinstance(obj, Tensor):
        return obj
    if _from_numpy_module(obj, "ndarray"):
        return _native.from_numpy(obj)
    if _from_numpy_module(obj, "generic"):
        if copy is False:
            raise RuntimeError("asarray: a NumPy scalar's memory cannot be shared (copy=False)")
        return None
    if type(obj).__name__ == "PyCapsule" or hasattr(obj, "__dlpack__"):
        return from_dlpack(obj)
    try:
        memoryview(obj)
    except TypeError:
        return None
    return _native.frombuffer(obj, dtype=dtype or _native.get_default_dtype())


# ------------------------------------------------------------------ DLPack


def __dlpack__(
    self: Tensor,
    *,
    stream: Any = -1,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[Any, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A DLPack capsule that shares the tensor's memory (or, with copy=True, that of a copy).

    Args:
        max_version: the latest version that the consumer knows; from 1.0 on the capsule carries flags.
        dl_device: where the consumer wants the memory: the CPU's is (1, 0).
    Raises:
        BufferError: the tensor requires grad, or has no memory that could be shared.
    """
    from .utils.dlpack import export

    return export(self, stream, max_version, dl_device, copy)


def __dlpack_device__(self: Tensor) -> tuple[Any, int]:
    """(type, index) of the device, the type as a `DLDeviceType`."""
    from .utils.dlpack import DLDeviceType

    if self.device.type != "cpu":
        raise ValueError(f"__dlpack_device__: DLPack has no device for {self.device.type}")
    return DLDeviceType.kDLCPU, 0


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule of the oldest form, which shares the tensor's memory; later consumers take the tensor itself."""
    return _native._to_dlpack(tensor)


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor over the memory of an object with `__dlpack__`, or of a capsule.

    Args:
        device: where the memory shall be; the object is asked for it.
        copy: as for `asarray`; the object is asked for it.
    Raises:
        BufferError: the object's memory cannot be shared as asked.
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        if device is not None or copy is not None:
            raise AssertionError("from_dlpack: a capsule is taken as it is, without device= and copy=")
        return _native._from_dlpack(ext_tensor)
    wishes: dict[str, Any] = {"max_version": (1, 0)}
    if copy is not None:
        wishes["copy"] = copy
    if device is not None:
        if _native.empty(0, device=device).device.type != "cpu":
            raise BufferError(f"from_dlpack: DLPack memory can be taken on the CPU only, not on {device}")
        wishes["dl_device"] = (1, 0)
    try:
        capsule = ext_tensor.__dlpack__(**wishes)
    except TypeError:  # an object from before versions
        wishes.pop("max_version")
        capsule = ext_tensor.__dlpack__(**wishes)
    return _native._from_dlpack(capsule)

