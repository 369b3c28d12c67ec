"""Files always say PyTorch's names; inside, those are ours."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["find", "is_torch", "torch_name"]

_OURS, _THEIRS = "rushlight", "torch"

# Where one of our private modules holds what PyTorch keeps elsewhere.
_MOVED = {
    ("rushlight._tensor_pickle", "_rebuild_from_type_v2"): ("torch._tensor", "_rebuild_from_type_v2"),
    ("rushlight._serialization.layouts", "_get_layout"): ("torch.serialization", "_get_layout"),
}
_MOVED_BACK = {theirs: ours for ours, theirs in _MOVED.items()}
_NATIVE = "rushlight._native"


def torch_name(module: str, name: str) -> tuple[str, str]:
    """PyTorch's module and name for one of our classes or functions; other names stay as they are."""
    # Under the runner our modules say PyTorch's names already.
    ours = _renamed(module, _THEIRS, _OURS)
    if (ours, name) in _MOVED:
        return _MOVED[ours, name]
    return _THEIRS if ours == _NATIVE else _renamed(ours, _OURS, _THEIRS), name


def find(module: str, name: str) -> Any:
    """What a file means by a PyTorch name.

    Raises:
        ModuleNotFoundError, AttributeError: when there is no such module or name.
    """
    module, name = _MOVED_BACK.get((module, name), (module, name))
    found = importlib.import_module(_renamed(module, _THEIRS, _OURS))
    for part in name.split("."):
        found = getattr(found, part)
    return found


def is_torch(module: str) -> bool:
    """Whether a module's name belongs to PyTorch, and so to us."""
    return _renamed(module, _THEIRS, _OURS) != module


def _renamed(module: str, old: str, new: str) -> str:
    if module == old:
        return new
    return new + module[len(old) :] if module.startswith(old + ".") else module
