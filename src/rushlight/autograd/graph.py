"""The backward graph: `Node`, the class of every `grad_fn`."""

from __future__ import annotations

from rushlight._native import Node

__all__ = ["Node"]
