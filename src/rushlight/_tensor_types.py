"""`FloatTensor`, `LongTensor` and the other classes from before dtypes: constructors, and names for isinstance."""

from __future__ import annotations

from typing import Any

from . import _native
from ._native import Size, Tensor


class tensortype(type):
    """The class of these classes: a tensor is an instance of one by its dtype and device."""

    dtype: Any

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        """No argument or sizes: a tensor without values; a sequence or an array: its values; a tensor: a view of it.

        Raises:
            TypeError: a tensor of another dtype, or arguments of other types.
        """
        first = args[0] if args else 0
        if len(args) == 1 and isinstance(first, Tensor):
            if first.dtype is not cls.dtype:
                raise TypeError(
                    f"{cls.__name__}: expected a tensor of dtype {cls.dtype}, got {first.dtype}; convert it with .to()"
                )
            return first.detach()
        if len(args) == 1 and not isinstance(first, (Size, int)):
            if not hasattr(first, "__len__"):
                raise TypeError(f"{cls.__name__}: expected sizes, a sequence or a tensor, got {type(first).__name__}")
            return _native.tensor(first, dtype=cls.dtype, device=device)
        return (
            _native.empty(args or (0,), dtype=cls.dtype, device=device)
            if not isinstance(first, Size)
            else _native.empty(first, dtype=cls.dtype)
        )

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.device.type == "cpu"


def _make(name: str, dtype: Any) -> tensortype:
    return tensortype(name, (), {"dtype": dtype, "__module__": "torch", "__doc__": f"Tensors of {dtype} on the CPU."})


FloatTensor = _make("FloatTensor", _native.float32)
DoubleTensor = _make("DoubleTensor", _native.float64)
HalfTensor = _make("HalfTensor", _native.float16)
BFloat16Tensor = _make("BFloat16Tensor", _native.bfloat16)
LongTensor = _make("LongTensor", _native.int64)
IntTensor = _make("IntTensor", _native.int32)
ShortTensor = _make("ShortTensor", _native.int16)
CharTensor = _make("CharTensor", _native.int8)
ByteTensor = _make("ByteTensor", _native.uint8)
BoolTensor = _make("BoolTensor", _native.bool)
