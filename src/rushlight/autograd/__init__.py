"""Gradients: `backward`, `grad`, and the modes that say what is recorded."""

from __future__ import annotations

import importlib
from typing import Any

from . import grad_mode
from ._gradients import backward, grad
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled, set_multithreading_enabled
from .variable import Variable

__all__ = [
    "Variable",
    "backward",
    "enable_grad",
    "grad",
    "grad_mode",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


def __getattr__(name: str) -> Any:
    if name == "graph":  # loaded when first asked for
        return importlib.import_module("rushlight.autograd.graph")
    raise AttributeError(
        f"module 'torch.autograd' has no attribute {name!r}: if this is a name of PyTorch's, it is not in Rushlight yet"
    )
