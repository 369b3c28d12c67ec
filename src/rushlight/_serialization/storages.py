"""Storages named in a pickle by persistent ids, loaded when they are first met."""

from __future__ import annotations

from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

import rushlight as rl
from rushlight.storage import STORAGE_DTYPES, TypedStorage, memory_of

__all__ = ["StorageKind", "StorageLoader", "swap_bytes"]


class StorageKind:
    """What the name of a storage class in a pickle stands for: a dtype, or plain bytes.

    Args:
        name: PyTorch's name of the class.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.dtype_name = STORAGE_DTYPES.get(name, "uint8")

    @property
    def dtype(self) -> Any:
        dtype = getattr(rl, self.dtype_name, None)
        if dtype is None:
            raise UnpicklingError(f"load: a {self.name} holds dtype {self.dtype_name}, which Rushlight does not have")
        return dtype

    @staticmethod
    def find(module: str, name: str) -> StorageKind | None:
        """The kind that a global of a pickle names, if it names one."""
        if module in ("torch", "torch.cuda") and name in STORAGE_DTYPES:
            return StorageKind(name)
        if module == "torch.storage" and name in ("UntypedStorage", "TypedStorage"):
            return StorageKind(name)
        return None


class StorageLoader:
    """``persistent_load`` of a checkpoint's pickle.

    Args:
        read: from (key, number of bytes) to an untyped storage in main memory.
        restore: from (untyped storage, location) to where it belongs.
        swap: whether the file's byte order is not this machine's.
    """

    def __init__(
        self, read: Callable[[str, int], Any], restore: Callable[[Any, str], Any], swap: bool = False
    ) -> None:
        self._read = read
        self._restore = restore
        self._swap = swap
        self.loaded: dict[str, TypedStorage] = {}

    def __call__(self, identity: Any) -> Any:
        if isinstance(identity, tuple) and len(identity) == 4 and identity[0] == "module":
            return identity[1]  # the older format also kept the source text of module classes
        kind, key, location, count = _parsed(identity)
        dtype = kind.dtype
        nbytes = count * dtype.itemsize
        storage = self.loaded.get(key)
        if storage is None:
            untyped = self._read(key, nbytes)
            if self._swap:
                swap_bytes(memory_of(untyped), dtype)
            storage = self.loaded[key] = TypedStorage(wrap_storage=self._restore(untyped, location), dtype=dtype)
        if storage.nbytes() != nbytes or storage.dtype != dtype:
            raise UnpicklingError(
                f"load: storage {key!r:.80} is named once with {storage.nbytes()} bytes of {storage.dtype} and once "
                f"with {nbytes} bytes of {dtype}"
            )
        return storage


def _parsed(identity: Any) -> tuple[StorageKind, str, str, int]:
    if isinstance(identity, tuple) and len(identity) in (5, 6) and identity[0] == "storage":
        _, kind, key, location, count = identity[:5]
        if (
            isinstance(kind, StorageKind) and type(key) is str and type(location) is str and type(count) is int
            and 0 <= count < 2**60 and (len(identity) == 5 or identity[5] is None)
        ):
            return kind, key, location, count
    raise UnpicklingError(
        f"load: expected a persistent id ('storage', type, key, location, numel), got {_short(identity)}"
    )


def _short(identity: Any) -> str:
    if not isinstance(identity, tuple):
        return type(identity).__name__
    return f"({', '.join(type(member).__name__ for member in identity[:8])})"


def swap_bytes(memory: memoryview, dtype: Any) -> None:
    """Turns every element of ``memory`` into the other byte order, in place."""
    width = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
    for low in range(width // 2):
        high = width - 1 - low
        kept = bytes(memory[low::width])
        memory[low::width] = memory[high::width]
        memory[high::width] = kept


