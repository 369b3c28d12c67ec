"""What programs ask a tensor about itself: its device, layout, dtype, and features it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from . import _native
from ._native import Tensor

_MEMBERS: dict[str, Any] = {}


def attach(cls: type) -> None:
    """Gives the class of tensors these methods and properties."""
    for name, value in _MEMBERS.items():
        setattr(cls, name, value)


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    _MEMBERS[function.__name__] = function
    return function


# ------------------------------------------------------------------ properties

def _constant(value: Any) -> property:
    return property(lambda self: value)


for _names, _value in (
    ("is_cuda is_ipu is_maia is_mps is_mtia is_vulkan is_xla is_xpu", False),  # devices
    ("is_mkldnn is_nested is_quantized is_sparse is_sparse_csr", False),  # layouts
    ("volatile", False),
    ("name _backward_hooks", None),
):
    for _name in _names.split():
        _MEMBERS[_name] = _constant(_value)
_MEMBERS["is_cpu"] = property(lambda self: self.device.type == "cpu")
_MEMBERS["is_meta"] = property(lambda self: self.device.type == "meta")
_MEMBERS["_cdata"] = property(id)
_MEMBERS["_grad"] = property(lambda self: self.grad)
_MEMBERS["_grad_fn"] = property(lambda self: self.grad_fn)

# ------------------------------------------------------------------ methods


@_method
def is_inference(self: Tensor) -> bool:
    """Whether the tensor was made in inference mode."""
    return self._inference


@_method
def is_conj(self: Tensor) -> bool:
    """Whether the tensor is a lazy conjugate: values are always stored."""
    return False


@_method
def is_neg(self: Tensor) -> bool:
    """Whether the tensor is a lazy negative: values are always stored."""
    return False


@_method
def is_signed(self: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return self.dtype.is_signed


@_method
def is_same_size(self: Tensor, other: Tensor) -> bool:
    """Whether both shapes are equal."""
    return self.shape == other.shape


@_method
def is_nonzero(self: Tensor) -> bool:
    """Whether the only element is not 0."""
    return bool(self)


@_method
def is_distributed(self: Tensor) -> bool:
    """Whether the tensor is spread over processes."""
    return False


@_method
def get_device(self: Tensor) -> int:
    """The index of the GPU, -1 on the CPU."""
    return -1


@_method
def storage_type(self: Tensor) -> Any:
    """The legacy class of the tensor's storage."""
    from . import storage

    return getattr(storage, self.storage().type_name or "")


@_method
def _typed_storage(self: Tensor) -> Any:
    return self.storage()


@_method
def pin_memory(self: Tensor, device: Any = None) -> Tensor:
    """RuntimeError: memory is page-locked for copies to a GPU, and there is none."""
    raise RuntimeError("pin_memory: there is no GPU to lock the memory for; check torch.cuda.is_available() first")


@_method
def dense_dim(self: Tensor) -> int:
    """The number of dense dimensions: all."""
    return self.dim()


@_method
def sparse_dim(self: Tensor) -> int:
    """The number of sparse dimensions: none."""
    return 0


@_method
def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor in the dense layout, which it has."""
    return self if dtype is None else self._convert(dtype)


@_method
def dequantize(self: Tensor) -> Tensor:
    """The tensor as float32 numbers."""
    return self._convert(_native.float32)


@_method
def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """What `Module.load_state_dict` puts in this tensor's place: the tensor with the other's values, or (assign) it."""
    return other.detach() if assign else self.copy_(other).detach()


@_method
def reinforce(self: Tensor, reward: Any) -> NoReturn:
    """RuntimeError: torch.distributions and log_prob took its place."""
    raise RuntimeError("reinforce was removed; multiply torch.distributions' log_prob by the reward instead")


def _of_sparse(name: str, error: type[Exception] = RuntimeError) -> None:
    def ask(self: Tensor) -> NoReturn:
        raise error(f"{name}: only sparse tensors have that, and this one is dense (layout {self.layout})")

    ask.__name__, ask.__doc__ = name, "Of sparse tensors only."
    _MEMBERS[name] = ask


for _name in ("values", "indices", "coalesce", "is_coalesced"):
    _of_sparse(_name)
for _name in ("crow_indices", "col_indices", "ccol_indices", "row_indices"):
    _of_sparse(_name)
for _name in ("_nnz", "_indices", "_values"):
    _of_sparse(_name, NotImplementedError)
