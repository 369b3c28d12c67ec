"""`FloatTensor`, `LongTensor` and the other classes from before dtypes: constructors, and names for isinstance."""

from __future__ import annotations

import importlib
import operator
from typing import Any

from . import _native
from ._native import Size, Tensor


class tensortype(type):
    """The class of these classes: a tensor is an instance of one by its dtype and device."""

    dtype: Any
    is_cuda = False
    is_sparse = False
    layout = _native.strided

    def __call__(cls, *args: Any, device: Any = None, **named: Any) -> Tensor:
        """No argument or sizes: a tensor without values; a sequence or an array: its values; a tensor or a storage: a
        view of it.

        Raises:
            TypeError: a tensor of another dtype, or arguments of other types.
        """
        if cls.is_cuda:
            raise TypeError(f"{cls.__name__}: this build has no GPU; there are tensors on the CPU only")
        if named:
            if args or len(named) > 1 or not named.keys() <= {"size", "data"}:
                raise TypeError(f"{cls.__name__}: expected sizes, size= or data=, got {sorted(named)}")
            args = (Size(named["size"]),) if "size" in named else (named["data"],)
        first = args[0] if args else 0
        if isinstance(first, bool) or (len(args) > 1 and not all(hasattr(size, "__index__") for size in args)):
            raise TypeError(f"{cls.__name__}: expected sizes, a sequence or a tensor, got {args}")
        if isinstance(first, Size):
            return _native.empty(first, dtype=cls.dtype, device=device)
        if hasattr(first, "__index__") and not hasattr(first, "__len__"):
            return _native.empty([operator.index(size) for size in args or (0,)], dtype=cls.dtype, device=device)
        return cls._of_data(first, device)

    def _of_data(cls, data: Any, device: Any) -> Tensor:
        if isinstance(data, Tensor):
            if data.dtype is not cls.dtype:
                raise TypeError(
                    f"{cls.__name__}: expected a tensor of dtype {cls.dtype}, got {data.dtype}; convert it with .to()"
                )
            return data.detach()
        if hasattr(data, "untyped"):
            return _native.empty(0, dtype=cls.dtype).set_(data)
        if not hasattr(data, "__len__"):
            raise TypeError(f"{cls.__name__}: expected sizes, a sequence or a tensor, got {type(data).__name__}")
        return _native.tensor(data, dtype=cls.dtype, device=device)

    def __instancecheck__(cls, instance: Any) -> bool:
        device = "cuda" if cls.is_cuda else "cpu"
        return isinstance(instance, Tensor) and instance.dtype is cls.dtype and instance.device.type == device


_DTYPES = {
    "FloatTensor": _native.float32,
    "DoubleTensor": _native.float64,
    "HalfTensor": _native.float16,
    "BFloat16Tensor": _native.bfloat16,
    "LongTensor": _native.int64,
    "IntTensor": _native.int32,
    "ShortTensor": _native.int16,
    "CharTensor": _native.int8,
    "ByteTensor": _native.uint8,
    "BoolTensor": _native.bool,
}


def _make(name: str, module: str) -> tensortype:
    fields = {"dtype": _DTYPES[name], "__module__": module, "is_cuda": module == "torch.cuda"}
    return tensortype(name, (), {**fields, "__doc__": f"Tensors of {_DTYPES[name]}."})


globals().update({name: _make(name, "torch") for name in _DTYPES})
cuda_types = {name: _make(name, "torch.cuda") for name in _DTYPES}


def dtype_of_type(t: Any) -> Any:
    """The dtype of a tensor type, given as a class or by its name.

    Raises:
        ValueError, TypeError: there is no such type.
        RuntimeError: it is a type of tensors on a GPU.
    """
    if t is Tensor or t in ("torch.Tensor", "Tensor"):
        return _native.get_default_dtype()
    found = t
    if isinstance(t, str):
        module, _, name = t.rpartition(".")
        found = cuda_types.get(name) if module == "torch.cuda" else globals().get(name) if module == "torch" else None
    if not isinstance(found, tensortype):
        error = ValueError if isinstance(t, (str, type)) else TypeError
        raise error(f"type: {t!r} is not a tensor type; expected one like 'torch.FloatTensor'")
    if found.is_cuda:
        raise RuntimeError(f"type: {found.__name__} lives on a GPU, and this build has none")
    return found.dtype


def set_default_tensor_type(t: Any) -> None:
    """Chooses the default dtype by a tensor type: a class such as `DoubleTensor`, or its name as a string.

    Raises:
        TypeError: the type is none of floating dtype.
    """
    if isinstance(t, str):
        module, _, name = t.rpartition(".")
        if module not in ("torch", "rushlight"):
            t = getattr(importlib.import_module(module or t), name)
        else:
            t = globals().get(name)
    if not isinstance(t, tensortype) or not t.dtype.is_floating_point:
        raise TypeError(f"set_default_tensor_type: expected a tensor type like 'torch.DoubleTensor', got {t!r}")
    _native.set_default_dtype(t.dtype)
