"""`Parameter` and `Buffer`: tensors that a module registers when they are assigned to it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import rushlight
from rushlight._native import Tensor, _register_parameter
from rushlight.overrides import _disabled_torch_function

__all__ = ["Buffer", "Parameter", "UninitializedBuffer", "UninitializedParameter", "UninitializedTensorMixin",
           "is_lazy"]


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    """Lets a tensor of any class with ``_is_param`` set count as a Parameter."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Parameter and isinstance(instance, Tensor) and getattr(instance, "_is_param", False)


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A tensor that a `Module` trains: assigned as an attribute, it joins ``module.parameters()``.

    Args:
        data: the values, any shape; they are shared, not copied. Empty when left out.
        requires_grad: whether ``backward`` fills its ``grad``. It stays true under ``no_grad``.
    """

    __torch_function__ = _disabled_torch_function  # results are plain tensors

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = rushlight.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        # A tensor of another class keeps that class and is only marked.
        marked = data.detach().requires_grad_(requires_grad)
        if type(marked) is not type(data):
            raise RuntimeError(f"Parameter: detach() of a {type(data).__name__} gave a {type(marked).__name__}; "
                               "a tensor class used as a parameter must return its own class from detach()")
        marked._is_param = True
        return marked

    def __deepcopy__(self, memo: dict) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        result = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = result
        return result

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto: Any) -> Any:
        from rushlight import _utils

        state = dict(self.__dict__)
        if state:
            return _utils._rebuild_parameter_with_state, (self.data, self.requires_grad, OrderedDict(), state)
        return _utils._rebuild_parameter, (self.data, self.requires_grad, OrderedDict())


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    """Lets a tensor of any class with ``_is_buffer`` set count as a Buffer."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and getattr(instance, "_is_buffer", False)


class Buffer(Tensor, metaclass=_BufferMeta):
    """A tensor that a `Module` keeps without training it, such as a running mean.

    Args:
        data: the values, any shape. Empty when left out.
        persistent: whether the buffer is part of ``state_dict``.
    """

    persistent: bool
    _is_buffer: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = rushlight.empty(0)
        buffer = data.detach().requires_grad_(data.requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


class UninitializedTensorMixin:
    """A tensor whose shape is found out at the first call of its lazy module."""

    cls_to_become: Any
    data: Any  # of the tensor class that this is mixed into

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give the tensor its shape and uninitialised memory, and make it an ordinary parameter or buffer."""
        like = self.data
        self.data = rushlight.empty(shape, device=like.device if device is None else device,
                                    dtype=like.dtype if dtype is None else dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self) -> Any:
        raise RuntimeError("shape of an uninitialized parameter or buffer: it is not known yet; run the module once "
                           "on an example input to initialise it")

    def share_memory_(self) -> Any:
        raise RuntimeError("share_memory_ of an uninitialized parameter or buffer: run the module once on an example "
                           "input first")

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, proto: Any) -> Any:
        return type(self), (self.requires_grad,)  # type: ignore[attr-defined]


class UninitializedParameter(UninitializedTensorMixin, Parameter):  # type: ignore[misc]
    """A parameter of a lazy module before its first call."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        data = rushlight.empty(0, device=device, dtype=dtype)
        return Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo: dict) -> Any:
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return memo[id(self)]


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer of a lazy module before its first call."""

    cls_to_become = Tensor
    persistent: bool
    _is_buffer: bool

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None,
                persistent: bool = True) -> Any:
        data = rushlight.empty(0, device=device, dtype=dtype)
        buffer = Tensor._make_subclass(cls, data, requires_grad)
        buffer.persistent = persistent
        buffer._is_buffer = True
        return buffer


def is_lazy(param: Any) -> bool:
    """True for a parameter or buffer whose shape is still unknown."""
    return isinstance(param, UninitializedTensorMixin)


_register_parameter(Parameter)
