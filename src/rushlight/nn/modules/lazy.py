"""Modules that find out the shapes of their parameters at their first call."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import rushlight
from rushlight.nn.parameter import is_lazy

__all__ = ["LazyModuleMixin"]


class LazyModuleMixin:
    """Base, before the module's own class, of a module with uninitialized parameters.

    The subclass gives ``initialize_parameters(*args)``, which materialises them from the first input, and may give
    ``cls_to_become``, the class that the module takes on then.
    """

    cls_to_become: type | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)  # type: ignore[attr-defined]
        self._initialize_hook = self.register_forward_pre_hook(  # type: ignore[attr-defined]
            self._infer_parameters, with_kwargs=True)
        warnings.warn("lazy modules are new and may still change", stacklevel=2)

    def _tensors(self) -> Any:
        return itertools.chain(self._parameters.items(), self._buffers.items())  # type: ignore[attr-defined]

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, tensor in self._tensors():
            if tensor is not None and name not in self._non_persistent_buffers_set:  # type: ignore[attr-defined]
                destination[prefix + name] = tensor if is_lazy(tensor) or keep_vars else tensor.detach()

    def _lazy_load_hook(self, state_dict: Any, prefix: str, *_: Any) -> None:
        for name, tensor in self._tensors():
            value = state_dict.get(prefix + name)
            if value is not None and is_lazy(tensor) and not is_lazy(value):
                with rushlight.no_grad():
                    tensor.materialize(value.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Materialise the parameters for these inputs; each lazy module defines it."""
        raise NotImplementedError(f"{type(self).__name__} defines no initialize_parameters; a lazy module needs it")

    def has_uninitialized_params(self) -> bool:
        """True while a parameter or buffer has no shape yet."""
        return any(is_lazy(tensor) for _, tensor in self._tensors())

    def _infer_parameters(self, module: Any, args: tuple, kwargs: dict | None = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"{type(module).__name__}: a parameter is still uninitialized after "
                               "initialize_parameters; materialise all of them there")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become

    def _replicate_for_data_parallel(self) -> Any:
        raise RuntimeError(f"{type(self).__name__}: run the module once on an example input before replicating it")
