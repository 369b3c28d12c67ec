"""What pickles of tensors refer to by name, and exceptions that travel between processes."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from reprlib import repr as _short  # bounded: a hostile value may print at any length
from typing import Any, NoReturn

import rushlight as rl
from rushlight.storage import TypedStorage

__all__ = ["ExceptionWrapper"]

_MAX_ELEMENTS = 2**63 - 1


def _rebuild_tensor(storage: TypedStorage, storage_offset: int, size: Sequence[int], stride: Sequence[int]) -> Any:
    """The view of ``storage`` with this geometry; ``ValueError`` when it would leave the storage."""
    return _view_of(storage, None, storage_offset, size, stride)


def _rebuild_tensor_v2(
    storage: TypedStorage,
    storage_offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    requires_grad: bool,
    backward_hooks: Any,
    metadata: dict[str, bool] | None = None,
) -> Any:
    """A tensor of one of the dtypes that have a storage class."""
    tensor = _rebuild_tensor(storage, storage_offset, size, stride)
    return _finish(tensor, requires_grad, metadata)


def _rebuild_tensor_v3(
    storage: TypedStorage,
    storage_offset: int,
    size: Sequence[int],
    stride: Sequence[int],
    requires_grad: bool,
    backward_hooks: Any,
    dtype: Any,
    metadata: dict[str, bool] | None = None,
) -> Any:
    """A tensor of any dtype over an untyped storage."""
    return _finish(_view_of(storage, dtype, storage_offset, size, stride), requires_grad, metadata)


def _rebuild_meta_tensor_no_storage(dtype: Any, size: Sequence[int], stride: Sequence[int], requires_grad: bool) -> Any:
    """A tensor without data."""
    _check_geometry(0, size, stride, None)
    tensor = rl.empty_strided(tuple(size), tuple(stride), dtype=dtype, device="meta")
    return tensor.requires_grad_(bool(requires_grad))


def _rebuild_parameter(data: Any, requires_grad: bool, backward_hooks: Any) -> Any:
    """A Parameter over ``data``."""
    return rl.nn.Parameter(data, bool(requires_grad))


def _rebuild_parameter_with_state(data: Any, requires_grad: bool, backward_hooks: Any, state: Any) -> Any:
    """A Parameter with attributes of its own."""
    return set_object_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def set_object_state(obj: Any, state: Any) -> Any:
    """Gives ``obj`` its attributes: a dict, or a pair of one and the values of its slots."""
    attributes, slots = state if isinstance(state, tuple) else (state, None)
    if attributes:
        obj.__dict__.update(attributes)
    for name, value in (slots or {}).items():
        setattr(obj, name, value)
    return obj


def _view_of(storage: TypedStorage, dtype: Any, offset: int, size: Sequence[int], stride: Sequence[int]) -> Any:
    if not isinstance(storage, TypedStorage):
        raise TypeError(f"a tensor must be rebuilt from a storage, got {type(storage).__name__}")
    if dtype is None:
        dtype = storage.dtype
    if storage.device.type == "meta":
        _check_geometry(offset, size, stride, None)
        return rl.empty_strided(tuple(size), tuple(stride), dtype=dtype, device="meta")
    _check_geometry(offset, size, stride, storage.nbytes() // dtype.itemsize)
    empty = rl.empty(0, dtype=dtype, device=storage.device)
    return empty.set_(storage.untyped(), offset, tuple(size), tuple(stride))


def _check_geometry(offset: int, size: Sequence[int], stride: Sequence[int], capacity: int | None) -> None:
    """Refuses what is no view of ``capacity`` elements."""
    if not isinstance(size, (tuple, list)) or not isinstance(stride, (tuple, list)):
        raise TypeError(f"size and stride of a tensor must be tuples, got {_short(size)} and {_short(stride)}")
    numbers = [offset, *size, *stride]
    if len(size) != len(stride) or any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError(
            f"a tensor needs non-negative offset, size and stride of one length, got offset {_short(offset)}, size "
            f"{_short(size)}, stride {_short(stride)}"
        )
    elements, last = 1, offset
    for length, step in zip(size, stride, strict=True):
        elements *= length
        last += (length - 1) * step
        # Both are bounded at each step: a hostile size must not make numbers that take long to multiply.
        if elements > _MAX_ELEMENTS or (elements and capacity is None and last > _MAX_ELEMENTS):
            raise ValueError(f"a tensor of size {_short(size)} and stride {_short(stride)} has too many elements")
    if elements and capacity is not None and last >= capacity:
        raise ValueError(
            f"a tensor of size {_short(size)}, stride {_short(stride)} and offset {offset} ends at element {last + 1}, "
            f"but its storage holds {capacity} elements"
        )


def _finish(tensor: Any, requires_grad: bool, metadata: dict[str, bool] | None) -> Any:
    bits = metadata if isinstance(metadata, dict) else {}
    if bits.get("conj"):
        tensor = tensor.conj()
    if bits.get("neg"):
        tensor = tensor._neg_view()
    return tensor.requires_grad_(True) if requires_grad else tensor


class KeyErrorMessage(str):
    """A text whose ``repr`` is itself: ``KeyError`` shows its argument by ``repr``, which would hide line breaks."""

    def __repr__(self) -> str:
        return str(self)


class ExceptionWrapper:
    """An exception with its traceback as text, so that another process or thread can raise it again.

    Args:
        exc_info: as ``sys.exc_info()`` gives it; the exception being handled when left out.
        where: for the message, such as "in DataLoader worker process 0".
    """

    def __init__(self, exc_info: Any = None, where: str = "in background") -> None:
        info: Any = sys.exc_info() if exc_info is None else exc_info
        self.exc_type: Any = info[0]
        self.exc_msg = "".join(traceback.format_exception(*info))
        self.where = where

    def reraise(self) -> NoReturn:
        """Raises an exception of the same type whose message holds the original traceback."""
        message: str = f"Caught {self.exc_type.__name__} {self.where}.\nIts traceback there:\n{self.exc_msg}"
        if self.exc_type is KeyError:
            message = KeyErrorMessage(message)
        elif getattr(self.exc_type, "message", None):
            raise self.exc_type(message=message)
        try:
            exception = self.exc_type(message)
        except Exception:
            # Its constructor wants other arguments; the text says what it was.
            raise RuntimeError(message) from None
        raise exception
