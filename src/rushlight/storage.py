"""Storages: the memory that tensors are views of, with PyTorch's names for its element types."""

from __future__ import annotations

from typing import Any

import rushlight as rl

__all__ = [
    "STORAGE_DTYPES",
    "TypedStorage",
    "UntypedStorage",
    "allocate",
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


class UntypedStorage:
    """The bytes of a storage, shared with the tensors that view it.

    Args:
        content: how many bytes, not initialised; or their values.
        device: where they are.
    """

    def __init__(self, content: Any = 0, *, device: Any = "cpu") -> None:
        if isinstance(content, int):
            self._bytes = rl.empty(content, dtype=rl.uint8, device=device)
        else:
            self._bytes = rl.tensor(content, dtype=rl.uint8, device=device)

    @classmethod
    def _over(cls, flat: Any) -> UntypedStorage:
        """The storage whose bytes are the flat uint8 tensor ``flat``."""
        storage = cls.__new__(cls)
        storage._bytes = flat
        return storage

    @property
    def _cdata(self) -> int:
        """Equal for two objects of one storage."""
        return self._bytes._storage_key()

    @property
    def device(self) -> Any:
        return self._bytes.device

    def nbytes(self) -> int:
        return self._bytes.numel()

    size = __len__ = nbytes

    def element_size(self) -> int:
        return 1

    def data_ptr(self) -> int:
        return self._bytes.data_ptr()

    def tolist(self) -> list[int]:
        return self._bytes.tolist()

    def __getitem__(self, index: int) -> int:
        return self._bytes[index].item()

    def clone(self) -> UntypedStorage:
        """A copy."""
        return self._over(self._bytes.clone())

    def copy_(self, source: UntypedStorage) -> UntypedStorage:
        """Takes the bytes of a storage of the same size."""
        self._bytes.copy_(source._bytes)
        return self

    def to(self, *, device: Any) -> UntypedStorage:
        """The storage on ``device``; itself when it is there already."""
        moved = self._bytes.to(device)
        return self if moved is self._bytes else self._over(moved)

    def cpu(self) -> UntypedStorage:
        return self.to(device="cpu")

    def cuda(self, device: Any = None) -> UntypedStorage:
        return self.to(device=rl.device("cuda", device) if isinstance(device, int) else device or "cuda")

    def untyped(self) -> UntypedStorage:
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.nbytes()} bytes on {self.device}>"

    def __reduce__(self) -> Any:
        return UntypedStorage._over, (self._bytes,)


def untyped_storage(tensor: Any) -> UntypedStorage:
    """``Tensor.untyped_storage()``: the storage that the tensor views."""
    return UntypedStorage._over(tensor._storage_bytes())


class TypedStorage:
    """A storage together with the dtype that its bytes are read as.

    Args:
        wrap_storage: the untyped storage; an empty one when left out.
        dtype: the dtype of the elements; the default dtype when left out.
    """

    def __init__(self, *, wrap_storage: Any = None, dtype: Any = None) -> None:
        self._untyped = allocate(0) if wrap_storage is None else wrap_storage
        self.dtype = rl.get_default_dtype() if dtype is None else dtype

    @property
    def type_name(self) -> str | None:
        """The name of PyTorch's class for storages of this dtype; None for dtypes that have no such class."""
        return _NAMES_BY_DTYPE.get(str(self.dtype))

    @property
    def device(self) -> Any:
        return self._untyped.device

    def untyped(self) -> Any:
        """The storage without the dtype."""
        return self._untyped

    def element_size(self) -> int:
        return self.dtype.itemsize

    def nbytes(self) -> int:
        return self._untyped.nbytes()

    def data_ptr(self) -> int:
        return self._untyped.data_ptr()

    def size(self) -> int:
        return self.nbytes() // self.element_size()

    def __len__(self) -> int:
        return self.size()

    def tolist(self) -> list[Any]:
        """The elements."""
        flat = rl.empty(0, dtype=self.dtype).set_(self._untyped, 0, (self.size(),), (1,))
        return flat.tolist()

    def __reduce_ex__(self, protocol: Any) -> Any:
        from rushlight._tensor_pickle import reduce_storage

        return reduce_storage(self, protocol)


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
