"""Gradients: `backward`, `grad`, and the modes that say what is recorded."""

from __future__ import annotations

import importlib
from typing import Any

from . import forward_ad, grad_mode, variable
from ._gradients import backward, grad
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled, set_multithreading_enabled
from .variable import Variable

__all__ = [
    "Function",
    "NestedIOFunction",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
    "variable",
]

_LAZY_MODULES = {"anomaly_mode", "function", "functional", "graph"}  # loaded when first asked for
_LAZY_NAMES = {
    "Function": "function",
    "NestedIOFunction": "function",
    "detect_anomaly": "anomaly_mode",
    "set_detect_anomaly": "anomaly_mode",
    "gradcheck": "gradcheck",
    "gradgradcheck": "gradcheck",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f"rushlight.autograd.{name}")
    if name in _LAZY_NAMES:
        value = getattr(importlib.import_module(f"rushlight.autograd.{_LAZY_NAMES[name]}"), name)
        globals()[name] = value  # importing the module gradcheck would else put itself in its function's place
        return value
    raise AttributeError(
        f"module 'torch.autograd' has no attribute {name!r}: if this is a name of PyTorch's, it is not in Rushlight yet"
    )
