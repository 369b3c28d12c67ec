"""The module that `torch.compile(module)` gives back."""

from __future__ import annotations

from typing import Any

from rushlight import nn

__all__ = ["OptimizedModule"]


class OptimizedModule(nn.Module):
    """Stands for a module given to `torch.compile`: calls and attributes are the module's own.

    Args:
        mod: the module; it is the submodule `_orig_mod`, so `state_dict` has keys like `_orig_mod.weight`.
    """

    def __init__(self, mod: nn.Module) -> None:
        super().__init__()
        self._modules["_orig_mod"] = mod
        self.training = mod.training

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._modules["_orig_mod"](*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_orig_mod":
            return self._modules["_orig_mod"]
        return getattr(self._modules["_orig_mod"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        # The names that Module's own machinery keeps on each module, and `training`, stay here.
        if "_modules" not in self.__dict__ or name in self.__dict__ or name == "_orig_mod":
            super().__setattr__(name, value)
        else:
            setattr(self._modules["_orig_mod"], name, value)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *dir(self._modules["_orig_mod"])})
