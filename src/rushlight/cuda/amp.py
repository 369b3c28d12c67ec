"""Mixed precision on CUDA, which is off where there is no CUDA: what programs wrap in it runs as it is."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

__all__ = ["GradScaler", "autocast"]


def _off(name: str) -> None:
    warnings.warn(f"torch.cuda.amp.{name} is off: this build of Rushlight has no CUDA", UserWarning, stacklevel=3)


class autocast:
    """`with autocast():` or `@autocast()`; without CUDA it changes nothing, and warns once where it is made."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        if enabled:
            _off("autocast")

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return run


class GradScaler:
    """Scales losses for float16 gradients; without CUDA the scale is 1 and `step` is the optimizer's own."""

    def __init__(
        self,
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled:
            _off("GradScaler")

    def scale(self, outputs: Any) -> Any:
        """The losses as they are: a tensor, or a structure of tensors."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Gradients are not scaled: nothing to undo."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """`optimizer.step(*args, **kwargs)`."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: float | None = None) -> None:
        """The scale stays 1."""

    def get_scale(self) -> float:
        return 1.0

    def get_growth_factor(self) -> float:
        return 1.0

    def get_backoff_factor(self) -> float:
        return 1.0

    def get_growth_interval(self) -> int:
        return 0

    def is_enabled(self) -> bool:
        return False

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing is kept, so nothing is loaded."""
