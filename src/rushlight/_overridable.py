"""Python functions of the public namespaces ask their arguments' `__torch_function__`, as the native ones do."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from . import _native


def make_overridable(namespace: dict[str, Any], module: str) -> None:
    """Wraps the public functions in a module's namespace that take tensors, and names them after that module."""
    for name, function in list(namespace.items()):
        if isinstance(function, FunctionType) and not name.startswith("_") and _takes_tensors(function):
            function.__module__ = module
            namespace[name] = _native._overridable(function)


def _takes_tensors(function: FunctionType) -> bool:
    annotations = {name: str(a) for name, a in function.__annotations__.items() if name != "return"}
    return any("Tensor" in a for a in annotations.values()) or bool({"input", "args"} & annotations.keys())
