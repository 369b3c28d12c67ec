"""Gradients: `backward`, `grad`, and the modes that say what is recorded."""

from __future__ import annotations

import importlib
from typing import Any

from . import forward_ad, grad_mode
from ._gradients import backward, grad
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled, set_multithreading_enabled
from .variable import Variable

__all__ = [
    "Function",
    "NestedIOFunction",
    "Variable",
    "backward",
    "enable_grad",
    "forward_ad",
    "grad",
    "grad_mode",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


_LAZY_MODULES = {"function", "graph"}
_LAZY_NAMES = {"Function": "function", "NestedIOFunction": "function"}


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:  # loaded when first asked for
        return importlib.import_module(f"rushlight.autograd.{name}")
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(f"rushlight.autograd.{_LAZY_NAMES[name]}"), name)
    raise AttributeError(
        f"module 'torch.autograd' has no attribute {name!r}: if this is a name of PyTorch's, it is not in Rushlight yet"
    )
