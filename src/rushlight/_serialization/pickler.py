"""The pickler of checkpoints: PyTorch's names, and storages by persistent id."""

from __future__ import annotations

import pickle
from types import FunctionType
from typing import Any

import rushlight as rl
from rushlight import _tensor_pickle
from rushlight._serialization import locations, names
from rushlight._serialization.layouts import _get_layout
from rushlight.storage import TypedStorage

__all__ = ["StorageTable", "make_pickler"]


class StorageTable:
    """The storages met while pickling, each once, in order: ``by_key`` gives key -> :class:`TypedStorage`."""

    def __init__(self) -> None:
        self.by_key: dict[str, TypedStorage] = {}
        self._keys: dict[int, str] = {}

    def key_of(self, storage: TypedStorage) -> str:
        """The key of a storage's record; a new one for a storage not met before.

        Raises:
            RuntimeError: for tensors of different dtypes over one storage, which the format cannot hold.
        """
        identity = storage.untyped()._cdata
        key = self._keys.get(identity)
        if key is None:
            key = self._keys[identity] = str(len(self._keys))
            self.by_key[key] = storage
        elif self.by_key[key].dtype != storage.dtype:
            raise RuntimeError(
                f"save: tensors of dtypes {self.by_key[key].dtype} and {storage.dtype} share one storage, which the "
                "format cannot hold; clone() one of them"
            )
        return key


class _Global:
    """A name to be written into the pickle although nothing here bears it."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name


_UNTYPED = _Global("torch.storage", "UntypedStorage")
_typed_globals: dict[str, _Global] = {}


class _CheckpointMixin:
    """Laid over a pickler class: what is pickled otherwise than usual.

    It needs a pickler written in Python, whose ``save_global`` can be replaced: the compiled one insists on importing
    each name that it writes, and PyTorch's names are not all importable here.
    """

    storages: StorageTable
    old_format = False

    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, TypedStorage):
            return None
        key = self.storages.key_of(obj)
        name = obj.type_name
        kind = _UNTYPED if name is None else _typed_globals.setdefault(name, _Global("torch", name))
        size = obj.nbytes() if name is None else obj.size()
        identity = ("storage", kind, key, locations.tag(obj.untyped()), size)
        # The older format also knew views of storages.
        return (*identity, None) if self.old_format else identity

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _Global):
            return obj.name
        if isinstance(obj, rl.Tensor):
            if type(obj).__reduce_ex__ is rl.Tensor.__reduce_ex__:
                return _tensor_pickle.reduce_ex(obj)
        elif isinstance(obj, rl.dtype):
            return str(obj).removeprefix("torch.")
        elif isinstance(obj, rl.Size):
            return rl.Size, (tuple(obj),)
        elif isinstance(obj, rl.device):
            return rl.device, (obj.type,) if obj.index is None else (obj.type, obj.index)
        elif isinstance(obj, rl.layout):
            return _get_layout, (str(obj),)
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        if isinstance(obj, _Global):
            self._write_global(obj, obj.module, obj.name)
            return
        if isinstance(obj, rl.dtype):
            self._write_global(obj, "torch", str(name))
            return
        module = getattr(obj, "__module__", None) or ""
        qualified = str(name or getattr(obj, "__qualname__", None) or getattr(obj, "__name__", ""))
        written = names.torch_name(module, qualified)
        if written == (module, qualified):
            super().save_global(obj, name)  # type: ignore[misc]
        else:
            self._write_global(obj, *written)

    def _write_global(self, obj: Any, module: str, name: str) -> None:
        if self.proto >= 4:  # type: ignore[attr-defined]
            self.save(module)  # type: ignore[attr-defined]
            self.save(name)  # type: ignore[attr-defined]
            self.write(pickle.STACK_GLOBAL)  # type: ignore[attr-defined]
        else:
            self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())  # type: ignore[attr-defined]
        self.memoize(obj)  # type: ignore[attr-defined]


def make_pickler(file: Any, protocol: int, pickle_module: Any, storages: StorageTable, old_format: bool = False) -> Any:
    """A pickler of ``pickle_module``'s that writes checkpoints and notes the storages it meets in ``storages``."""
    base = getattr(pickle_module, "_Pickler", pickle_module.Pickler)
    kind = type("CheckpointPickler", (_CheckpointMixin, base), {"storages": storages, "old_format": old_format})
    dispatch = getattr(base, "dispatch", None)
    if dispatch is not None:
        kind.dispatch = {**dispatch, FunctionType: _CheckpointMixin.save_global}  # type: ignore[attr-defined]
    return kind(file, protocol=protocol)
