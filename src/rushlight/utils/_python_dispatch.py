"""Modes below `__torch_function__`: they see each operation of the table as it runs, in the backward pass too."""

from __future__ import annotations

from typing import Any

from rushlight import _native
from rushlight._native import Tensor
from rushlight._ops import overload_of

__all__ = ["BaseTorchDispatchMode", "TorchDispatchMode", "is_traceable_wrapper_subclass"]


class TorchDispatchMode:
    """Sees, and may replace, every operation that runs inside `with mode:`.

    A subclass defines `__torch_dispatch__(self, func, types, args=(), kwargs=None)` and gives the result, by calling
    `func(*args, **kwargs)` or in its own way. `func` is one of `torch.ops.aten`; while it runs the mode does not hear
    itself, but the modes outside it do.
    """

    def __torch_dispatch__(
        self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __torch_dispatch__")

    def __enter__(self) -> Any:
        _native.push_listener(self._listen)
        return self

    def __exit__(self, *_: Any) -> None:
        _native.pop_listener()

    def _listen(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        kinds = (type(value) for value in (*args, *kwargs.values()) if isinstance(value, Tensor))
        types = tuple(dict.fromkeys(kind for kind in kinds if kind is not Tensor))
        given = {name: value for name, value in kwargs.items() if value is not None}
        return self.__torch_dispatch__(overload_of(operation, args), types, args, given)


class BaseTorchDispatchMode(TorchDispatchMode):
    """Runs the operations as they are."""

    def __torch_dispatch__(
        self, func: Any, types: tuple[type, ...], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


def is_traceable_wrapper_subclass(t: Any) -> bool:
    """Whether a tensor is made of others that it can be taken apart into: a class says so by two methods."""
    kind = t if isinstance(t, type) else type(t)
    return issubclass(kind, Tensor) and hasattr(kind, "__tensor_flatten__") and hasattr(kind, "__tensor_unflatten__")
