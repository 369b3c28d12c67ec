"""Moving a module between dtypes and devices."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import rushlight
from rushlight._native import Tensor
from rushlight._native import device as Device
from rushlight._native import dtype as DType
from rushlight.nn.parameter import Parameter


class ConvertMixin:
    """The part of `Module` that converts its tensors."""

    _parameters: Any
    _buffers: Any
    children: Callable[[], Any]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace each parameter, gradient and buffer by what ``fn`` makes of it; parameters keep their identity."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for name, param in list(self._parameters.items()):
            if param is not None:
                converted = _convert_parameter(param, fn)
                if converted is not param:
                    self._parameters[name] = converted
        for name, buffer in list(self._buffers.items()):
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and cast all parameters and buffers, in place.

        Called as ``to(device=None, dtype=None, non_blocking=False)``, ``to(dtype, non_blocking=False)``,
        ``to(tensor, non_blocking=False)`` or ``to(memory_format=...)``. Only floating-point and complex tensors are
        cast.

        Raises:
            TypeError: when the dtype is neither floating-point nor complex.
        """
        device, dtype, non_blocking, memory_format = parse_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(f"Module.to: expected a floating-point or complex dtype, met {dtype}; cast integer "
                                "buffers one by one")
            if dtype.is_complex:
                warnings.warn("Module.to: modules with complex parameters are new and not all of them work",
                              stacklevel=2)

        def convert(tensor: Tensor) -> Tensor:
            target = dtype if tensor.is_floating_point() or tensor.is_complex() else None
            if memory_format is not None and tensor.dim() in (4, 5):
                return tensor.to(device, target, non_blocking, memory_format=memory_format)
            if tensor.is_meta and device is not None and device.type != "meta":
                raise NotImplementedError("Module.to: a parameter on the meta device has no values to move; use "
                                          "to_empty(device=...) and fill it")
            return tensor.to(device=tensor.device if device is None else device,
                             dtype=tensor.dtype if target is None else target, non_blocking=non_blocking)

        return self._apply(convert)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move all parameters and buffers to ``device`` without their values."""
        return self._apply(lambda t: rushlight.empty_like(t, device=device), recurse=recurse)

    def cuda(self, device: Any = None) -> Self:
        """Move all parameters and buffers to a GPU, in place."""
        return self._apply(lambda t: t.cuda(device))

    def cpu(self) -> Self:
        """Move all parameters and buffers to the CPU, in place."""
        return self._apply(lambda t: t.cpu())

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to ``dst_type``, in place."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast all floating-point parameters and buffers to float32, in place."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Cast all floating-point parameters and buffers to float64, in place."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Cast all floating-point parameters and buffers to float16, in place."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> Self:
        """Cast all floating-point parameters and buffers to bfloat16, in place."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def share_memory(self) -> Self:
        """Move all parameters and buffers to memory that other processes can share."""
        return self._apply(lambda t: t.share_memory_())


def _convert_parameter(param: Any, fn: Callable) -> Any:
    """The parameter with data and gradient converted: the same object, unless one side is on the meta device."""
    with rushlight.no_grad():
        data = fn(param)
    keeps_identity = param.is_meta == data.is_meta
    gradient = param.grad
    if keeps_identity:
        param.data = data
        result = param
    else:
        result = Parameter(data, param.requires_grad)
    if gradient is not None:
        with rushlight.no_grad():
            converted = fn(gradient)
        if keeps_identity:
            gradient.data = converted
        else:
            result.grad = converted.requires_grad_(gradient.requires_grad)
    return result


def parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Read the arguments of ``to``: (device, dtype, non_blocking, memory_format).

    Raises:
        TypeError: when they are of none of its forms.
    """
    values: dict[str, Any] = {"device": None, "dtype": None, "non_blocking": False, "memory_format": None}
    order = ["device", "dtype", "non_blocking", "copy"]
    given = list(args)
    if given and isinstance(given[0], Tensor):
        like = given.pop(0)
        values.update(device=like.device, dtype=like.dtype)
        order = ["non_blocking", "copy"]
    elif given and isinstance(given[0], DType):
        order = ["dtype", "non_blocking", "copy"]
    if len(given) > len(order):
        raise TypeError(f"to: expected at most {len(order)} positional arguments, met {len(given)}")
    named = dict(zip(order, given, strict=False))
    for name, value in kwargs.items():
        if name == "tensor" and isinstance(value, Tensor):
            values.update(device=value.device, dtype=value.dtype)
        elif name in named or name not in (*values, "copy"):
            raise TypeError(f"to: met an argument {name!r} that is unknown or given twice")
        else:
            named[name] = value
    named.pop("copy", None)
    values.update(named)
    device, dtype, non_blocking = values["device"], values["dtype"], values["non_blocking"]
    if device is not None and not isinstance(device, Device):
        if isinstance(device, bool) or not isinstance(device, (str, int)):
            raise TypeError(f"to: expected a device, a dtype or a tensor, met {type(device).__name__}")
        device = Device(device)
    if dtype is not None and not isinstance(dtype, DType):
        raise TypeError(f"to: expected a dtype, met {type(dtype).__name__}")
    if not isinstance(non_blocking, bool):
        raise TypeError(f"to: expected non_blocking to be a bool, met {type(non_blocking).__name__}")
    return device, dtype, non_blocking, values["memory_format"]
