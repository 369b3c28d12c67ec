"""Making a module without initial values."""

from __future__ import annotations

import inspect
from typing import Any

from rushlight.nn.modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """Make a module whose parameters are uninitialised memory; its class must take ``device``.

    Raises:
        RuntimeError: when the class is no Module, or takes no ``device``.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"skip_init: expected a class of Module, met {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError(f"skip_init: {module_cls.__name__} takes no device argument, so it cannot be made without "
                           "initial values")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, device="meta", **kwargs).to_empty(device=device)
