"""The table of operations: rows only. `load()` gives them all, in order."""

from __future__ import annotations

import importlib

FAMILIES = (
    "pointwise", "elementary", "reduction", "shape", "indexing", "linalg", "nn", "random", "creation",
    "layout", "arrange", "gather", "bitwise", "clamp", "special", "products", "activation", "pooling",
    "statistics", "scan", "sort", "complex", "norm", "losses",
)


def load():
    """Every row of the table."""
    from ops.row import TABLE

    for family in FAMILIES:
        importlib.import_module(f"ops.{family}")
    return list(TABLE)
