"""The part of `Tensor` that is Python: conversions, printing, NumPy, hooks, and the properties programs read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from numbers import Number
from typing import Any

from . import _native
from ._errors import check_bools, check_number
from ._native import Size, Tensor, dtype, memory_format

_METHODS: dict[str, Any] = {}


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    dunder = function.__name__.startswith("__") and function.__name__ != "__iter__"
    _METHODS[function.__name__] = _overridable(function) if dunder else function
    return function


def _overridable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A method that Python calls by itself, where a class or a mode may answer (the core sees to the others)."""

    @functools.wraps(function)
    def call(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if _native._has_torch_function(self):
            return _native._call_torch_function(call, (self,), (self, *args), kwargs)
        return function(self, *args, **kwargs)

    return call


def _property(function: Callable[..., Any]) -> Callable[..., Any]:
    _METHODS[function.__name__] = property(function)
    return function


def attach(cls: type) -> None:
    """Gives the native class its Python methods."""
    for name, value in _METHODS.items():
        setattr(cls, name, value)
    cls.__module__ = "rushlight"


# ------------------------------------------------------------------ printing, iteration, pickling


@_method
def __repr__(self: Tensor, *, tensor_contents: str | None = None) -> str:
    from ._tensor_str import tensor_repr

    return tensor_repr(self, tensor_contents)


@_method
def __format__(self: Tensor, spec: str) -> str:
    if self.dim() == 0 and type(self) is Tensor and not self.is_meta:
        return self.item().__format__(spec)
    return object.__format__(self, spec)


@_method
def __complex__(self: Tensor) -> complex:
    if self.numel() != 1:
        raise ValueError(f"complex: only a one-element tensor is a number, got shape {tuple(self.shape)}")
    return complex(self.item())


@_method
def __iter__(self: Tensor) -> Iterator[Tensor]:
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor: it has no dimension; use .item() for its value")
    return iter(self.unbind(0))


@_method
def __contains__(self: Tensor, element: Any) -> bool:
    if isinstance(element, (Tensor, Number)):
        return bool((self == element).any().item())
    raise RuntimeError(f"in: only a tensor or a number can be looked for in a tensor, got {type(element).__name__}")


@_method
def __reversed__(self: Tensor) -> Tensor:
    return self if self.dim() == 0 else _native.index_select(self, 0, _native.arange(self.shape[0] - 1, -1, -1))


@_method
def __reduce_ex__(self: Tensor, protocol: Any) -> Any:
    from ._tensor_pickle import reduce_ex

    return reduce_ex(self, protocol)


@_method
def __deepcopy__(self: Tensor, memo: dict[int, Any]) -> Tensor:
    from ._tensor_pickle import deepcopy

    return deepcopy(self, memo)


@_method
def __dir__(self: Tensor) -> list[str]:
    return sorted({*dir(type(self)), *self.__dict__})


# ------------------------------------------------------------------ conversions


_TO = "to(device, dtype, ...), to(dtype, ...) or to(other, ...); then non_blocking, copy, memory_format"


def _parse_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool, Any]:
    """(device or None, dtype or None, copy, memory format or None) of the arguments of `to`."""
    if args and isinstance(args[0], Number) and not hasattr(type(args[0]), "__index__"):
        kind = _native.complex128 if isinstance(args[0], complex) else _native.float64
        args = (_native.empty((), dtype=kind), *args[1:])  # a number is a 0-d tensor
    if args and isinstance(args[0], Tensor):
        names = ["other"]
    elif args and _is_dtype(args[0]):
        names = ["dtype"]
    else:
        names = ["device", "dtype"]
    names += ["non_blocking", "copy"]
    given = dict(zip(names, args, strict=False))
    if len(args) > len(names) or given.keys() & kwargs.keys() or kwargs.keys() - {*names, *_TO_NAMED}:
        raise TypeError(f"to: the arguments do not fit; expected {_TO}")
    given |= kwargs
    other, device, wanted = given.get("other"), given.get("device"), given.get("dtype")
    fits = isinstance(device, (str, int, _native.device, type(None))) and (wanted is None or _is_dtype(wanted))
    flags = [given.get(name, False) for name in ("non_blocking", "copy")]
    if not fits or not all(isinstance(flag, bool) for flag in flags) or not isinstance(other, (Tensor, type(None))):
        kinds = ", ".join(type(argument).__name__ for argument in (*args, *kwargs.values()))
        raise TypeError(f"to: the arguments ({kinds}) do not fit; expected {_TO}")
    if other is not None:
        device, wanted = other.device, other.dtype
    return device, bool if isinstance(wanted, bool) else wanted, flags[1], given.get("memory_format")


_TO_NAMED = ("device", "dtype", "other", "memory_format")


def _is_dtype(x: Any) -> bool:
    return isinstance(x, (dtype, bool)) or any(x is t for t in (float, int, complex, bool))


@_method
def unflatten(self: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """The tensor with dimension `dim` in place of which those sizes stand; one of them may be -1."""
    if not sizes:
        raise RuntimeError("unflatten: sizes must not be empty")
    return _native.unflatten(self, dim, sizes)


@_method
def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The tensor in another dtype, on another device, in another memory format; itself where nothing changes.

    Args:
        args, kwargs: a dtype; a device and a dtype; or another tensor, whose dtype and device are taken.
        copy: True copies even where nothing changes.
        memory_format: the order of the dimensions in memory; as they are, by default.
    """
    device, wanted, copy, memory_format = _parse_to(args, kwargs)
    result = self
    if device is not None:
        result = result._on_device(device)
    if wanted is not None:
        result = result._convert(wanted)
    if memory_format is None or memory_format is _native.preserve_format:
        return _native._to_copy(result, result.dtype) if copy and result is self else result
    return _in_format(result, memory_format, copied=result is not self, copy=copy)


def _in_format(x: Tensor, wanted: memory_format, copied: bool, copy: bool = False) -> Tensor:
    if copied:
        return x.contiguous(memory_format=wanted)
    return x if _format_of(x) is wanted and not copy else x.clone(memory_format=wanted)


def _format_of(x: Tensor) -> memory_format:
    """The format that a tensor's strides suggest: channels last, or the ordinary one, contiguous or not."""
    if not x.is_contiguous():
        for wanted in (_native.channels_last, _native.channels_last_3d):
            if x.is_contiguous(memory_format=wanted):
                return wanted
    return _native.contiguous_format


def _converter(name: str, wanted: dtype) -> Callable[..., Tensor]:
    def convert(self: Tensor, memory_format: Any = _native.preserve_format) -> Tensor:
        result = self._convert(wanted)
        if memory_format is _native.preserve_format:
            return result
        return _in_format(result, memory_format, copied=result is not self)

    convert.__name__ = name
    convert.__doc__ = f"The tensor as {wanted!r}; itself where it has that dtype."
    return convert


for _name in ("bool", "int", "long", "short", "half", "float", "double", "bfloat16", "chalf", "cfloat", "cdouble"):
    _METHODS[_name] = _converter(_name, getattr(_native, _name))
_METHODS["byte"] = _converter("byte", _native.uint8)
_METHODS["char"] = _converter("char", _native.int8)

_LEGACY_NAMES = {
    "float64": "Double",
    "float32": "Float",
    "float16": "Half",
    "bfloat16": "BFloat16",
    "int64": "Long",
    "int32": "Int",
    "int16": "Short",
    "int8": "Char",
    "uint8": "Byte",
    "bool": "Bool",
    "complex32": "ComplexHalf",
    "complex64": "ComplexFloat",
    "complex128": "ComplexDouble",
}


def _dtype_name(d: dtype) -> str:
    return repr(d).removeprefix("torch.")


def _type(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The tensor's type as a string (`torch.FloatTensor`), or the tensor in another dtype.

    Args:
        dtype: a dtype, or a tensor type: a class such as `torch.LongTensor`, or its name.
    """
    from ._tensor_types import dtype_of_type

    if dtype is None:
        place = "torch" if self.device.type == "cpu" else f"torch.{self.device.type}"
        return f"{place}.{_LEGACY_NAMES[_dtype_name(self.dtype)]}Tensor"
    return self._convert(dtype if isinstance(dtype, _native.dtype) else dtype_of_type(dtype))


_METHODS["type"] = _type
_type.__name__ = "type"


@_method
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The tensor in the dtype of `other`."""
    if not isinstance(other, Tensor):
        raise TypeError(f"type_as: expected a tensor, got {type(other).__name__}")
    return self._convert(other.dtype)


@_method
def cpu(self: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor on the CPU: itself."""
    return self._on_device("cpu")


@_method
def cuda(self: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a GPU; AssertionError where this build has none."""
    raise AssertionError(
        "cuda: this build of Rushlight computes on the CPU; "
        "check torch.cuda.is_available() before moving tensors to a GPU"
    )


@_method
def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of `data` with this one's dtype."""
    return _native.tensor(data, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad)


@_method
def new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """The oldest way to a tensor of this dtype: without values for sizes, with the values of a sequence."""
    from . import _tensor_types

    return getattr(_tensor_types, f"{_LEGACY_NAMES[_dtype_name(self.dtype)]}Tensor")(*args, device=device)


def _new(name: str) -> Callable[..., Tensor]:
    create = getattr(_native, name)

    def new(
        self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False, **others: Any
    ) -> Tensor:
        size = (others.pop("size"),) if "size" in others else size
        return create(
            *size, dtype=dtype or self.dtype, device=device or self.device, requires_grad=requires_grad, **others
        )

    new.__name__ = f"new_{name}"
    new.__doc__ = f"{name}(...) with this tensor's dtype and device."
    return new


for _name, _create in vars(_native).items():
    # The rows that make a tensor from a size, and neither draw nor permute: their signature opens the docstring.
    _signature = (getattr(_create, "__doc__", None) or "").partition("\n")[0]
    _sized = _signature.startswith((f"{_name}(*size: int", f"{_name}(size: IntList"))
    if _sized and "Generator" not in _signature and "physical_layout" not in _signature:
        _METHODS[f"new_{_name}"] = _new(_name)


# ------------------------------------------------------------------ storage


@_method
def untyped_storage(self: Tensor) -> Any:
    """The bytes that this tensor is a view of."""
    from .storage import untyped_storage

    return untyped_storage(self)


@_method
def storage(self: Tensor) -> Any:
    """The storage with this tensor's dtype."""
    from .storage import TypedStorage

    return TypedStorage(wrap_storage=self.untyped_storage(), dtype=self.dtype)


@_method
def is_shared(self: Tensor) -> bool:
    """Whether the memory is shared with other processes."""
    return False


@_method
def share_memory_(self: Tensor) -> Tensor:
    """Moves the memory to where other processes can see it; until then a tensor is sent to them by copying."""
    return self


@_method
def is_pinned(self: Tensor, device: Any = None) -> bool:
    """Whether the memory is page-locked for copies to a GPU: there is none."""
    return False


@_method
def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same view of the same memory."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"is_set_to: expected a tensor, got {type(tensor).__name__}")
    return (self._storage_key(), self.storage_offset(), self.shape, self.stride()) == (
        tensor._storage_key(),
        tensor.storage_offset(),
        tensor.shape,
        tensor.stride(),
    )


# ------------------------------------------------------------------ hooks


def _add_hook(self: Tensor, which: int, hook: Callable[..., Any]) -> Any:
    from .utils.hooks import RemovableHandle

    hooks = self._hooks(which)
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


@_method
def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Any:
    """Calls hook(grad) when this tensor's gradient is known; what it returns takes the gradient's place."""
    return _add_hook(self, 0, hook)


@_method
def register_post_accumulate_grad_hook(self: Tensor, hook: Callable[[Tensor], None]) -> Any:
    """Calls hook(tensor) after a gradient was added to this leaf's .grad."""
    return _add_hook(self, 1, hook)


# ------------------------------------------------------------------ shapes by other names


@_property
def T(self: Tensor) -> Tensor:
    """All dimensions in reverse order."""
    return self.permute(tuple(range(self.dim() - 1, -1, -1)))


def _part(name: str) -> property:
    part = getattr(_native, name)

    def write(self: Tensor, value: Any) -> None:
        part(self).copy_(value if isinstance(value, Tensor) else _native.tensor(value))

    return property(lambda self: part(self), write)


_METHODS["real"] = _part("real")
_METHODS["imag"] = _part("imag")


@_property
def mT(self: Tensor) -> Tensor:
    """The last two dimensions swapped."""
    if self.dim() == 1:
        raise RuntimeError(f"mT: expected a tensor of at least 2 dimensions, got shape {list(self.shape)}")
    return self.transpose(-2, -1) if self.dim() else self


@_property
def mH(self: Tensor) -> Tensor:
    """The last two dimensions swapped, complex numbers conjugated."""
    return self.adjoint()


@_property
def H(self: Tensor) -> Tensor:
    """The transpose of a matrix, complex numbers conjugated."""
    if self.dim() not in (0, 2):
        raise RuntimeError(f"H: expected a matrix, got shape {list(self.shape)}; for batches there is mH")
    return self.adjoint()


def _outer_first(sizes: Sequence[int], strides: Sequence[int]) -> tuple[int, ...]:
    """The dimensions from the outermost in memory to the innermost; a stride of 0 says nothing."""
    order: list[int] = []
    for d in range(len(sizes)):
        place = len(order)
        for i in range(len(order) - 1, -1, -1):
            if strides[d] == 0 or strides[order[i]] == 0:
                continue
            if strides[order[i]] >= strides[d]:
                break
            place = i
        order.insert(place, d)
    return tuple(order)


@_method
def dim_order(self: Tensor, *, ambiguity_check: bool | list[Any] = False) -> tuple[int, ...]:
    """The dimensions from the outermost in memory to the innermost.

    Args:
        ambiguity_check: True refuses a tensor that has several such orders; a list of memory formats one that has not
            exactly one of them.
    Raises:
        RuntimeError: the order is ambiguous.
    """
    formats = ambiguity_check if isinstance(ambiguity_check, list) else []
    if not isinstance(ambiguity_check, bool) and not (formats and all(isinstance(f, memory_format) for f in formats)):
        raise TypeError(f"dim_order: expected True, False or a list of memory formats, got {ambiguity_check!r}")
    sizes, strides = self.shape, self.stride()
    ambiguous: Any
    if formats:
        ambiguous = sum(self.is_contiguous(memory_format=f) for f in formats) != 1
    else:
        ambiguous = ambiguity_check and (1 in sizes or len(set(strides)) < len(strides))
    if ambiguous:
        raise RuntimeError(f"dim_order: sizes {tuple(sizes)} with strides {strides} have several orders in memory")
    return _outer_first(sizes, strides)


@_method
def resize_as_(self: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """resize_ to the shape of another tensor, in its memory format by default."""
    if not isinstance(the_template, Tensor):
        raise TypeError(f"resize_as_: the_template must be a tensor, got {type(the_template).__name__}")
    if memory_format is None:
        return self.resize_(the_template.shape)
    if memory_format is _native.preserve_format:
        memory_format = _format_of(the_template)
    return self.resize_(the_template.shape, memory_format=memory_format)


@_method
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """Sets the main diagonal; of a tall matrix, `wrap` sets it anew below each row that it leaves out.

    Raises:
        RuntimeError: with fewer than 2 dimensions, or more that are not all of one size.
        TypeError: when fill_value is no number, or wrap no bool.
    """
    check_number("fill_diagonal_", "fill_value", fill_value)
    check_bools("fill_diagonal_", wrap=wrap)
    shape = tuple(self.shape)
    if self.dim() < 2 or (self.dim() > 2 and len(set(shape)) > 1):
        raise RuntimeError(f"fill_diagonal_: expected a matrix, or more dimensions all of one size, got shape {shape}")
    rows, columns = shape[:2]
    last = rows if wrap and self.dim() == 2 else 1
    for row in range(0, max(last, 1), columns + 1):  # an empty diagonal, too, refuses what cannot be filled
        first = self.storage_offset() + row * self.stride(0)
        self.as_strided((min(rows - row, columns),), (sum(self.stride()),), first).fill_(fill_value)
    return self


@_method
def nonzero(self: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the nonzero elements, as rows or as one tensor a dimension."""
    rows = _native.nonzero(self)
    if not as_tuple:
        return rows
    return tuple(rows.unbind(1)) if self.dim() else (rows.new_zeros(int(bool(self))),)


@_method
def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """This tensor where the condition holds, other elsewhere."""
    return _native.where(condition, self, other)


@_method
def polygamma(self: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma."""
    return _native.polygamma(n, self)


@_method
def polygamma_(self: Tensor, n: int) -> Tensor:
    """The n-th derivative of digamma, in place."""
    return self.copy_(_native.polygamma(n, self.clone()))


@_method
def kron(self: Tensor, other: Tensor) -> Tensor:
    """Kronecker's product with another tensor."""
    from ._contractions import kron

    return kron(self, other)


@_method
def norm(self: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """The p-norm of the elements along `dim`, as the function of that name."""
    from ._statistics import norm

    return norm(self, p, dim, keepdim, dtype=dtype)


# What `number / tensor` is to a subclass.
@_method
def __rdiv__(self: Tensor, other: Any) -> Tensor:
    return other / self


# Other names of the same methods; those of Python 2 are still called.
_METHODS |= {
    "__pos__": Tensor.positive, "__nonzero__": Tensor.__bool__, "__long__": Tensor.__int__,
    "__div__": Tensor.div, "__idiv__": Tensor.div_,
}  # fmt: skip


def __torch_function__(
    cls: Any, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
) -> Any:
    """Runs the operation and gives its tensors this subclass."""
    kwargs = kwargs or {}
    if not all(issubclass(cls, kind) for kind in types):
        return NotImplemented
    before = _native._set_torch_function_off(True)
    try:
        result = func(*args, **kwargs)
    finally:
        _native._set_torch_function_off(before)
    # What a getter finds as it was stored keeps its class.
    source = getattr(func, "__self__", None)
    stored = func.__name__ == "__get__" if any(source is getter for getter in _STORED) else False
    return result if stored else _as_class(result, cls)


_STORED = (Tensor.__dict__["grad"], Tensor.__dict__["_base"])


def _as_class(result: Any, cls: Any) -> Any:
    if isinstance(result, Size):
        return result
    if isinstance(result, (tuple, list)):
        return result.__class__([_as_class(item, cls) for item in result])
    return result.as_subclass(cls) if isinstance(result, Tensor) and not isinstance(result, cls) else result


_METHODS["__torch_function__"] = classmethod(__torch_function__)
