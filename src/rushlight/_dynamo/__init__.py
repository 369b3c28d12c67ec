"""Names of PyTorch's compiler that programs ask for; nothing is compiled here."""

from __future__ import annotations

from typing import Any

from rushlight.compiler import allow_in_graph, assume_constant_result, disable, is_compiling, list_backends, reset

from . import config, eval_frame
from .eval_frame import OptimizedModule

__all__ = [
    "OptimizedModule",
    "allow_in_graph",
    "assume_constant_result",
    "config",
    "disable",
    "eval_frame",
    "graph_break",
    "is_compiling",
    "list_backends",
    "mark_dynamic",
    "mark_static",
    "reset",
]


def graph_break(msg: str = "") -> None:
    """End the compiled graph here: there is none."""


def mark_dynamic(t: Any, index: Any, **bounds: Any) -> None:
    """Tell the compiler that a size varies: shapes may always vary here."""


def mark_static(t: Any, index: Any = None) -> None:
    """Tell the compiler that a size is fixed: without effect."""
