"""How a tensor is pickled, copied and sent: its storage, and the view of it.

Within one pickle a storage is written once, however many tensors view it, so that loaded tensors share memory as the
saved ones did. Plain pickles and :func:`rushlight.save` reduce tensors alike; only the storage is written differently,
as bytes in the pickle or as a record of the file.
"""

from __future__ import annotations

import copy
import pickle
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import rushlight as rl
from rushlight import _utils
from rushlight.storage import TypedStorage, allocate, memory_of, storage_over

__all__ = ["deepcopy", "reduce_ex", "reduce_storage", "reduce_tensor", "reduce_to_send"]


def reduce_ex(tensor: Any, protocol: Any = 2) -> tuple[Any, ...]:
    """``Tensor.__reduce_ex__``: keeps a subclass, attributes, sharing of storages and ``requires_grad``, no history."""
    function, arguments = reduce_tensor(tensor)
    state = getattr(tensor, "__dict__", None)
    if type(tensor) is rl.Tensor and not state:
        return function, arguments
    return _rebuild_from_type_v2, (function, type(tensor), arguments, dict(state or {}))


def reduce_tensor(tensor: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What rebuilds the tensor as a plain ``Tensor``; its storage is the :class:`TypedStorage` among the arguments."""
    size, stride = tuple(tensor.size()), tuple(tensor.stride())
    if tensor.device.type == "meta":
        return _utils._rebuild_meta_tensor_no_storage, (tensor.dtype, size, stride, tensor.requires_grad)
    storage = TypedStorage(wrap_storage=tensor.untyped_storage(), dtype=tensor.dtype)
    arguments: tuple[Any, ...] = (storage, tensor.storage_offset(), size, stride, tensor.requires_grad, OrderedDict())
    # A core that conjugates or negates lazily marks such views by a bit.
    bits = {name: True for name in ("conj", "neg") if getattr(tensor, f"is_{name}", bool)()}
    metadata = (bits,) if bits else ()
    if storage.type_name is None:
        return _utils._rebuild_tensor_v3, (*arguments, tensor.dtype, *metadata)
    return _utils._rebuild_tensor_v2, (*arguments, *metadata)


def reduce_to_send(tensor: Any) -> tuple[Any, ...]:
    """As :func:`reduce_ex`, for another process: a small view leaves the rest of its storage behind.

    Raises:
        RuntimeError: for a tensor with history, which cannot be sent.
    """
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            f"a tensor of shape {list(tensor.shape)} that requires grad and is no leaf cannot be sent to another "
            "process, because its history stays here; send tensor.detach()"
        )
    if type(tensor) is rl.Tensor and tensor.device.type == "cpu":
        if tensor.untyped_storage().nbytes() > 2 * tensor.numel() * tensor.element_size():
            with rl.no_grad():
                tensor = tensor.detach().clone().requires_grad_(tensor.requires_grad)
        return reduce_tensor(tensor)
    return tensor.__reduce_ex__(5)


def _rebuild_from_type_v2(function: Callable[..., Any], kind: type, arguments: tuple[Any, ...], state: Any) -> Any:
    """A tensor of a subclass, or one with attributes."""
    tensor = function(*arguments)
    if type(tensor) is not kind:
        tensor = tensor.as_subclass(kind)
    set_state = getattr(type(tensor), "__setstate__", None)
    if set_state is not None and set_state is not getattr(rl.Tensor, "__setstate__", None):
        tensor.__setstate__(state)
        return tensor
    return _utils.set_object_state(tensor, state)


class _Memory:
    """The bytes of one storage: one object per storage, by which pickle's memo knows a storage it has met."""

    def __init__(self, untyped: Any) -> None:
        self.untyped = untyped

    def __reduce_ex__(self, protocol: Any) -> Any:
        view = memory_of(self.untyped)
        return _storage_of_bytes, (pickle.PickleBuffer(view) if protocol >= 5 else bytes(view),)


# Entries keep their storage, and so its identity, alive; a pickle's memo keeps the entry.
_memories: weakref.WeakValueDictionary[int, _Memory] = weakref.WeakValueDictionary()


def reduce_storage(storage: TypedStorage, protocol: Any) -> tuple[Any, ...]:
    """``TypedStorage.__reduce_ex__``: the bytes, and out-of-band buffers from protocol 5 on."""
    untyped = storage.untyped()
    memory = _memories.get(untyped._cdata)
    if memory is None:
        memory = _memories[untyped._cdata] = _Memory(untyped)
    return _typed_storage, (memory, storage.dtype)


def _typed_storage(untyped: Any, dtype: Any) -> TypedStorage:
    return TypedStorage(wrap_storage=untyped.untyped if isinstance(untyped, _Memory) else untyped, dtype=dtype)


def _storage_of_bytes(data: Any) -> Any:
    view = memoryview(data)
    if not view.readonly:
        return storage_over(view, 0, view.nbytes)
    storage = allocate(view.nbytes)
    memory_of(storage)[:] = view.cast("B")
    return storage


def deepcopy(tensor: Any, memo: dict[int, Any]) -> Any:
    """``Tensor.__deepcopy__``: a new storage, shared by the copies of tensors that share one; ``grad`` and attributes.

    Raises:
        RuntimeError: for a tensor with history, whose graph cannot be copied.
    """
    if id(tensor) in memo:
        return memo[id(tensor)]
    if not tensor.is_leaf:
        raise RuntimeError(
            f"deepcopy of a tensor of shape {list(tensor.shape)} that is no leaf: it is the result of an operation "
            "that autograd recorded; copy tensor.detach(), or make it under no_grad"
        )
    with rl.no_grad():
        if tensor.device.type == "cpu":
            function, (storage, *geometry) = reduce_tensor(tensor)
            copied = TypedStorage(wrap_storage=copied_storage(storage.untyped(), memo), dtype=storage.dtype)
            result = function(copied, *geometry)
        else:
            result = tensor.detach().clone().requires_grad_(tensor.requires_grad)
    if type(tensor) is not type(result):
        result = result.as_subclass(type(tensor))
    memo[id(tensor)] = result
    if tensor.grad is not None:
        result.grad = copy.deepcopy(tensor.grad, memo)
    if attributes := getattr(tensor, "__dict__", None):
        result.__dict__.update(copy.deepcopy(attributes, memo))
    return result


def copied_storage(untyped: Any, memo: dict[int, Any]) -> Any:
    """A copy of a storage, one for each storage and deepcopy."""
    copies = memo.setdefault(id(_memories), {})
    if untyped._cdata not in copies:
        copies[untyped._cdata] = new = allocate(untyped.nbytes())
        memory_of(new)[:] = memory_of(untyped)
    return copies[untyped._cdata]
