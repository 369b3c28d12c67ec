"""Functions of the top level that are no operations of the table: conversions, questions, settings."""

from __future__ import annotations

import math
from typing import Any

from . import _native
from ._errors import check_tensors
from ._native import Tensor, dtype

__all__ = [
    "can_cast",
    "e",
    "get_default_device",
    "get_num_interop_threads",
    "inf",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "is_neg",
    "is_nonzero",
    "nonzero",
    "nan",
    "newaxis",
    "numel",
    "pi",
    "resize_as_",
    "set_default_device",
    "set_num_interop_threads",
    "typename",
    "unbind",
]

inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None

is_grad_enabled = _native.is_grad_enabled
is_inference_mode_enabled = _native.is_inference_mode_enabled
unbind = _native.unbind


def is_floating_point(input: Tensor) -> bool:
    """Whether the tensor's dtype is floating."""
    check_tensors("is_floating_point", input=input)
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """Whether the tensor's dtype is complex."""
    check_tensors("is_complex", input=input)
    return input.is_complex()


def is_conj(input: Tensor) -> bool:
    """Whether the tensor is a lazy conjugate: never, values are always stored."""
    return input.is_conj()


def is_neg(input: Tensor) -> bool:
    """Whether the tensor is a lazy negative: never, values are always stored."""
    return input.is_neg()


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the nonzero elements, as rows or as one tensor a dimension."""
    return input.nonzero(as_tuple=as_tuple)


def is_nonzero(input: Tensor) -> bool:
    """Whether the only element is not 0."""
    return bool(input)


def numel(input: Tensor) -> int:
    """The number of elements."""
    check_tensors("numel", input=input)
    return input.numel()


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """resize_ to the shape of another tensor."""
    return input.resize_as_(the_template, memory_format=memory_format)


def typename(obj: Any) -> str:
    """The name of an object's type, a tensor's as `torch.FloatTensor`."""
    if isinstance(obj, Tensor):
        return obj.type()
    module = getattr(type(obj), "__module__", "") or ""
    return type(obj).__qualname__ if module in ("builtins", "") else f"{module}.{type(obj).__qualname__}"


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether a result of dtype `from_` may be written into a tensor of dtype `to`."""
    given = (_native.promote_types(d, d) for d in (from_, to))  # float, int, bool and complex are dtypes too
    order = [_category(d) for d in given]
    return order[0] <= order[1] if order[0] > 1 else not (order[1] == 0 and order[0] == 1)


def _category(d: dtype) -> int:
    if d.is_complex:
        return 3
    if d.is_floating_point:
        return 2
    return 0 if d is _native.bool else 1


def get_default_device() -> Any:
    """The device that new tensors are made on."""
    return _native._default_device()


def set_default_device(device: Any) -> None:
    """Chooses the device that this thread's new tensors are made on; None: the CPU."""
    _native._set_default_device(device)


def get_num_interop_threads() -> int:
    """Operations run one after another: one thread."""
    return 1


def set_num_interop_threads(count: int) -> None:
    """Accepted; operations run one after another whatever the number."""
    if count < 1:
        raise RuntimeError(f"set_num_interop_threads: expected a positive number, got {count}")
