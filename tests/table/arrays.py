"""Calls as plain Python and NumPy data, and the numbers that samples are made of.

A float64 array stands for a tensor of the dtype under test; an array of another dtype keeps its own (indices, masks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Dtype(str):
    """The name of a dtype, which each library has an object of its own for."""


@dataclass(frozen=True)
class Sample:
    """The arguments of one call. `call` makes it where neither a function nor a method of the row's name does."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    call: Callable[..., Any] | None = None

    def __str__(self) -> str:
        texts = [_text(a) for a in self.args] + [f"{k}={_text(v)}" for k, v in self.kwargs.items()]
        return f"({', '.join(texts)})"


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{'x' if value.dtype == np.float64 else value.dtype.name}{list(value.shape)}"
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
        return f"[{', '.join(map(_text, value))}]"
    return repr(value)


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between -2 and 2."""
    return np.random.default_rng([seed, *shape]).uniform(-2, 2, shape)


def smooth(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between 0.2 and 0.8, all different: every row is smooth there."""
    return np.random.default_rng([seed, 7, *shape]).uniform(0.2, 0.8, shape)


def mask(*shape: int) -> np.ndarray:
    """A bool tensor of both values."""
    return numbers(*shape, seed=5) > 0


def places(*shape: int, below: int) -> np.ndarray:
    """An int64 tensor of indices."""
    return np.random.default_rng([9, *shape]).integers(0, below, shape)
