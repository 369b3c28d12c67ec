"""Full unpickling, for files one trusts: PyTorch's names are found here, and anything may run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._serialization import names
from rushlight._serialization.storages import StorageKind

__all__ = ["make_unpickler"]


class _FullMixin:
    load_storage: Callable[[Any], Any]

    def find_class(self, module: str, name: str) -> Any:
        kind = StorageKind.find(module, name)
        if kind is not None:
            return kind
        if names.is_torch(module):
            return names.find(module, name)
        return super().find_class(module, name)  # type: ignore[misc]

    def persistent_load(self, identity: Any) -> Any:
        return self.load_storage(identity)


def make_unpickler(file: Any, pickle_module: Any, load_storage: Callable[[Any], Any], **arguments: Any) -> Any:
    """An unpickler of ``pickle_module``'s for the pickle at ``file``'s position."""
    members = {"load_storage": staticmethod(load_storage)}
    kind = type("CheckpointUnpickler", (_FullMixin, pickle_module.Unpickler), members)
    return kind(file, **arguments)
