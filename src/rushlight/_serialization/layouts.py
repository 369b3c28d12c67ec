"""Layouts by name, as pickles refer to them."""

from __future__ import annotations

from typing import Any

import rushlight as rl

__all__ = ["_get_layout"]


def _get_layout(name: str) -> Any:
    """The layout that prints as ``name``, such as "torch.strided"."""
    found = getattr(rl, name.removeprefix("torch."), None)
    if not isinstance(found, rl.layout):
        raise ValueError(f"{name!r:.80} is no layout")
    return found
