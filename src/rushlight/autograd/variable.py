"""`Variable`, the wrapper of old programs: a tensor is one by itself."""

from __future__ import annotations

from typing import Any

from rushlight._native import Tensor

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(tensor, requires_grad=False)` gives a tensor with the same memory; every tensor is an instance."""

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Any:
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable: data must be a Tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)
