"""Storages: the memory that tensors are views of, with PyTorch's names for its element types."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

import rushlight as rl

__all__ = [
    "STORAGE_DTYPES",
    "TypedStorage",
    "UntypedStorage",
    "allocate",
    "is_storage",
    "memory_of",
    "storage_over",
    "untyped_storage",
]

STORAGE_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8",
    "QInt32Storage": "qint32",
    "QUInt8Storage": "quint8",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
}
_NAMES_BY_DTYPE = {f"torch.{dtype}": name for name, dtype in STORAGE_DTYPES.items()}


class _Storage:
    """What storages with and without a dtype share: `_flat()` is all of the memory as a flat tensor."""

    is_cuda = is_hpu = is_sparse = False
    filename: str | None = None

    def _flat(self) -> Any:
        raise NotImplementedError

    def untyped(self) -> UntypedStorage:
        """The storage without a dtype."""
        raise NotImplementedError

    def _like(self, flat: Any) -> Any:
        """A storage of this class over the memory of a flat tensor."""
        raise NotImplementedError

    @property
    def device(self) -> Any:
        return self._flat().device

    @property
    def _cdata(self) -> int:
        """Equal for two objects of one storage."""
        return self._flat()._storage_key()

    def element_size(self) -> int:
        """Bytes of an element."""
        return self._flat().element_size()

    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self._flat().nbytes

    def size(self) -> int:
        """The number of elements."""
        return self._flat().numel()

    def __len__(self) -> int:
        return self.size()

    def data_ptr(self) -> int:
        """The address of the first element."""
        return self._flat().data_ptr()

    def tolist(self) -> list[Any]:
        """The elements."""
        return self._flat().tolist()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def _check_index(self, index: Any) -> None:
        if not isinstance(index, (int, slice)):
            raise RuntimeError(f"a storage is indexed by an integer or a slice, not by {type(index).__name__}")
        if isinstance(index, slice) and index.step not in (None, 1):
            raise RuntimeError(f"a storage is sliced with a step of 1 only, got {index.step}")

    def __getitem__(self, index: Any) -> Any:
        self._check_index(index)
        if isinstance(index, int) and not -self.size() <= index < self.size():
            raise IndexError(f"index {index} is out of range for a storage of {self.size()} elements")
        found = self._flat()[index]
        return found.item() if isinstance(index, int) else self._like(found)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._check_index(index)
        self._flat()[index] = value._flat() if isinstance(value, _Storage) else value

    def fill_(self, value: Any) -> Any:
        """Sets every element."""
        self._flat().fill_(value)
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> Any:
        """Takes the elements of a storage of the same size."""
        self._flat().copy_(source._flat())
        return self

    def clone(self) -> Any:
        """A copy."""
        return self._like(self._flat().clone())

    def to(self, *, device: Any, non_blocking: bool = False) -> Any:
        """The storage on ``device``; itself when it is there already."""
        flat = self._flat()
        moved = flat.to(device)
        return self if moved is flat else self._like(moved)

    def cpu(self) -> Any:
        """The storage on the CPU."""
        return self.to(device="cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Any:
        """The storage on a GPU."""
        return self.to(device=rl.device("cuda", device) if isinstance(device, int) else device or "cuda")

    def get_device(self) -> int | None:
        """The index of the GPU, None on the CPU."""
        return self.device.index

    def resizable(self) -> bool:
        """Whether the memory is the library's own, so that resize_ may move it."""
        return self._flat()._resizable()

    def is_shared(self) -> bool:
        """Whether other processes see the memory."""
        return False

    def share_memory_(self) -> Any:
        """Moves the memory to where other processes can see it; until then it is sent to them by copying."""
        return self

    def is_pinned(self, device: Any = "cuda") -> bool:
        """Whether the memory is page-locked for copies to a GPU: there is none."""
        return False

    def pin_memory(self, device: Any = "cuda") -> Any:
        """RuntimeError: there is no GPU to lock memory for."""
        raise RuntimeError("pin_memory: this build has no GPU that memory could be locked for")

    def _typed(self, dtype: Any) -> TypedStorage:
        return TypedStorage(wrap_storage=self._flat().to(dtype).untyped_storage(), dtype=dtype)

    def __copy__(self) -> Any:
        return self.clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from rushlight._tensor_pickle import copied_storage

        return self._like(rl.empty(0, dtype=self._flat().dtype).set_(copied_storage(self.untyped(), memo)))

    def __repr__(self) -> str:
        shown = "..." if self.device.type == "meta" else "\n".join(f" {value}" for value in self.tolist())
        return f"{shown}\n[{self._title()} of size {self.size()}]"

    def _title(self) -> str:
        return f"torch.storage.{type(self).__name__}(device={self.device})"


for _name, _dtype in {
    "bfloat16": rl.bfloat16,
    "bool": rl.bool,
    "byte": rl.uint8,
    "char": rl.int8,
    "complex_double": rl.complex128,
    "complex_float": rl.complex64,
    "double": rl.float64,
    "float": rl.float32,
    "half": rl.float16,
    "int": rl.int32,
    "long": rl.int64,
    "short": rl.int16,
}.items():
    setattr(_Storage, _name, lambda self, dtype=_dtype: self._typed(dtype))


class UntypedStorage(_Storage):
    """The bytes of a storage, shared with the tensors that view it.

    Args:
        content: how many bytes, not initialised; or their values.
        device: where they are.
    """

    _seen: Any  # a tensor that looks at the bytes
    _is_slice = False  # of another storage: the tensor's bytes are all there is

    def __init__(self, content: Any = 0, *, device: Any = "cpu") -> None:
        if isinstance(content, int):
            self._seen = rl.empty(content, dtype=rl.uint8, device=device)
        else:
            self._seen = rl.tensor(content, dtype=rl.uint8, device=device)

    @classmethod
    def _over(cls, flat: Any) -> UntypedStorage:
        """The storage whose bytes are the flat uint8 tensor ``flat``."""
        storage = cls.__new__(cls)
        storage._seen = flat
        return storage

    @classmethod
    def from_buffer(cls, buffer: Any, byte_order: str | None = None, *, dtype: Any = None) -> UntypedStorage:
        """A copy of a buffer's bytes; elements of `dtype` in another byte order are turned."""
        from rushlight._serialization.storages import swap_bytes

        storage = cls(bytearray(buffer))
        if byte_order == "big" and dtype is not None:
            swap_bytes(memory_of(storage), dtype)
        return storage

    @property
    def _bytes(self) -> Any:
        return self._seen if self._is_slice else self._seen._storage_bytes()

    def _flat(self) -> Any:
        return self._bytes

    def _like(self, flat: Any) -> UntypedStorage:
        storage = type(self)._over(flat)
        storage._is_slice = flat.nbytes < flat._storage_bytes().nbytes
        return storage

    def untyped(self) -> UntypedStorage:
        return self

    def resize_(self, size: int) -> UntypedStorage:
        """Makes it `size` bytes; those that both sizes have stay. Tensors that look at it see the new memory.

        Raises:
            RuntimeError: the memory is somebody else's, or would shrink under tensors that look at it.
        """
        self._seen._storage_resize(size)
        return self

    def new(self) -> UntypedStorage:
        """An empty storage."""
        return type(self)()

    def type(self, dtype: str | None = None, non_blocking: bool = False) -> Any:
        """The class as a string, or the storage as another class."""
        if dtype is None:
            return "torch.storage.UntypedStorage"
        return getattr(rl, dtype.rpartition(".")[2])(wrap_storage=self)

    def byteswap(self, dtype: Any) -> None:
        """Turns the bytes of each element of `dtype` around, in place."""
        from rushlight._serialization.storages import swap_bytes

        swap_bytes(memory_of(self), dtype)

    def __reduce__(self) -> Any:
        return UntypedStorage._over, (self._bytes,)


# One object a storage while anybody holds it: programs compare storages by identity.
_alive: weakref.WeakValueDictionary[int, UntypedStorage] = weakref.WeakValueDictionary()


def untyped_storage(tensor: Any) -> UntypedStorage:
    """``Tensor.untyped_storage()``: the storage that the tensor views."""
    key = tensor._storage_key()
    storage = _alive.get(key)
    if storage is None:
        storage = _alive[key] = UntypedStorage._over(tensor._storage_bytes())
    return storage


class TypedStorage(_Storage):
    """A storage together with the dtype that its bytes are read as.

    Args:
        content: how many elements, not initialised; or their values.
        wrap_storage: the untyped storage to share instead.
        dtype: the dtype of the elements; the default dtype when left out.
        device: where they are.
    """

    def __init__(self, content: Any = 0, *, wrap_storage: Any = None, dtype: Any = None, device: Any = "cpu") -> None:
        self.dtype = rl.get_default_dtype() if dtype is None else dtype
        if wrap_storage is None:
            make = rl.empty if isinstance(content, int) else rl.tensor
            wrap_storage = make(content, dtype=self.dtype, device=device).untyped_storage()
        self._untyped = wrap_storage

    @classmethod
    def from_buffer(cls, buffer: Any, byte_order: str | None = None, *, dtype: Any = None) -> TypedStorage:
        """A copy of a buffer's bytes as elements of `dtype`."""
        dtype = getattr(cls, "dtype", dtype)  # a legacy class has its own
        return TypedStorage(wrap_storage=UntypedStorage.from_buffer(buffer, byte_order, dtype=dtype), dtype=dtype)

    @property
    def type_name(self) -> str | None:
        """The name of PyTorch's class for storages of this dtype; None for dtypes that have no such class."""
        return _NAMES_BY_DTYPE.get(str(self.dtype))

    def pickle_storage_type(self) -> str | None:
        """The name of the class that files use."""
        return self.type_name

    @property
    def device(self) -> Any:
        return self._untyped.device

    def _flat(self) -> Any:
        whole = self._untyped._flat()
        rest = whole.numel() % self.dtype.itemsize
        return (whole[: whole.numel() - rest] if rest else whole).view(self.dtype)

    def _like(self, flat: Any) -> TypedStorage:
        return TypedStorage(wrap_storage=UntypedStorage._over(flat.view(rl.uint8)), dtype=self.dtype)

    def untyped(self) -> Any:
        return self._untyped

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("a TypedStorage has no slices; .untyped() has")
        return super().__getitem__(index)

    def resize_(self, size: int) -> None:
        """Makes it `size` elements."""
        self._untyped.resize_(size * self.element_size())

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """The legacy class's name, or the elements as another dtype."""
        if dtype is None:
            return f"torch.{self.type_name}"
        return self._typed(getattr(rl, STORAGE_DTYPES[dtype.rpartition(".")[2]]) if isinstance(dtype, str) else dtype)

    def element_size(self) -> int:
        return self.dtype.itemsize

    def nbytes(self) -> int:
        return self._untyped.nbytes()

    def _title(self) -> str:
        return f"torch.storage.TypedStorage(dtype={self.dtype}, device={self.device})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        from rushlight._tensor_pickle import reduce_storage

        return reduce_storage(self, protocol)


class _LegacyStorageType(type):
    """The class of `FloatStorage` and the like: typed storages are instances by their dtype."""

    dtype: Any

    def __call__(cls, *args: Any, **kwargs: Any) -> TypedStorage:
        return TypedStorage(*args, dtype=cls.dtype, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return type(instance) is TypedStorage and instance.dtype is cls.dtype and instance.device.type == "cpu"


def __getattr__(name: str) -> Any:
    dtype = getattr(rl._native, STORAGE_DTYPES.get(name, ""), None)
    if dtype is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    legacy = _LegacyStorageType(name, (TypedStorage,), {"dtype": dtype, "__module__": "torch"})
    globals()[name] = legacy
    return legacy


def is_storage(obj: Any) -> bool:
    """Whether the object is a storage, with or without a dtype."""
    return isinstance(obj, _Storage)


def memory_of(storage: Any) -> memoryview:
    """The bytes of an untyped storage in the main memory, writable."""
    return rl._native._memory(storage._bytes)


def allocate(nbytes: int, device: Any = "cpu") -> Any:
    """A new untyped storage, not initialised."""
    return rl.empty(nbytes, dtype=rl.uint8, device=device).untyped_storage()


def storage_over(buffer: Any, offset: int, nbytes: int) -> Any:
    """An untyped storage that shares ``nbytes`` of a writable buffer and keeps the buffer alive."""
    if nbytes == 0:
        return allocate(0)
    return rl.frombuffer(buffer, dtype=rl.uint8, count=nbytes, offset=offset).untyped_storage()
