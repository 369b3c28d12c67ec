"""Where in a network an exception arose, told by a note of the exception: `in Net: encoder.layers.3.fc1 (Linear)`."""

from __future__ import annotations

from itertools import pairwise
from types import CodeType
from typing import Any

PREFIX = "in the module "


def note_place(error: Exception, call: CodeType) -> None:
    """Note the path of the modules that ``error`` has left so far, from the outermost on.

    Each module's ``__call__`` (whose code is ``call``) does so on its way out, so the path grows until it is whole.
    """
    path = f"{PREFIX}{_path(_modules_left(error, call))}"
    for i, note in enumerate(getattr(error, "__notes__", ())):
        if note.startswith(PREFIX):
            error.__notes__[i] = path
            return
    error.add_note(path)


def _modules_left(error: Exception, call: CodeType) -> list[Any]:
    modules, traceback = [], error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code is call:
            modules.append(traceback.tb_frame.f_locals["self"])
        traceback = traceback.tb_next
    return modules


def _path(modules: list[Any]) -> str:
    names = [_name_in(outer, inner) for outer, inner in pairwise(modules)]
    root, leaf = type(modules[0]).__name__, type(modules[-1]).__name__
    return f"{root}: {'.'.join(names)} ({leaf})" if names else root


def _name_in(outer: Any, inner: Any) -> str:
    """The dotted name of a module in another; its class in angle brackets where it is not registered there."""
    for name, child in outer._modules.items():
        if child is inner:
            return str(name)
    return next((name for name, child in outer.named_modules() if child is inner), f"<{type(inner).__name__}>")
