"""Moves a batch into page-locked memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import rushlight as rl

__all__ = ["can_pin", "pin_memory"]


def can_pin() -> bool:
    """Whether there is an accelerator to pin memory for."""
    cuda = getattr(rl, "cuda", None)
    return cuda is not None and cuda.is_available()


def pin_memory(data: Any) -> Any:
    """Pins every tensor in ``data``, and every object with a ``pin_memory()`` method of its own."""
    if isinstance(data, rl.Tensor) or hasattr(data, "pin_memory"):
        return data.pin_memory()
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        return _rebuilt(type(data), {key: pin_memory(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(member) for member in data))
    if isinstance(data, Sequence):
        members = [pin_memory(member) for member in data]
        return members if isinstance(data, tuple) else _rebuilt(type(data), members)
    return data


def _rebuilt(kind: type, members: Any) -> Any:
    try:
        return kind(members)
    except TypeError:
        return members
