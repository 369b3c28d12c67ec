"""Dropout: the table's rows behind PyTorch's checks of shapes."""

from __future__ import annotations

import warnings

from rushlight import _native
from rushlight._native import Tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def _drop(row: str, name: str, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"{name}: expected p between 0 and 1, met {p}")
    function = getattr(_native, row + "_" if inplace else row)
    result: Tensor = function(input, p, training)
    return result


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero elements with probability ``p`` and scale the rest by 1 / (1 - p); does nothing without ``training``.

    Raises:
        ValueError: when p lies outside of [0, 1].
    """
    return _drop("dropout", "dropout", input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps the mean and the variance of a SELU's output (Klambauer et al., 2017).

    Raises:
        ValueError: when p lies outside of [0, 1].
    """
    return _drop("alpha_dropout", "alpha_dropout", input, p, training, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """``alpha_dropout`` of whole channels of (N, C, *).

    Raises:
        ValueError: when p lies outside of [0, 1].
    """
    return _drop("feature_alpha_dropout", "feature_alpha_dropout", input, p, training, inplace)


def _drop_batched(name: str, rank: int, input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    """Whole channels of (N, C, *) or (C, *) with ``rank`` spatial dimensions."""
    if input.dim() == rank + 2:
        return _drop("feature_dropout", name, input, p, training, inplace)
    batch = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    result = _drop("feature_dropout", name, batch, p, training, inplace)
    return result.squeeze_(0) if inplace else result.squeeze(0)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, L) or (C, L) with probability ``p``, scaling the rest by 1 / (1 - p).

    Raises:
        ValueError: when p lies outside of [0, 1].
        RuntimeError: for an input of other dimensions.
    """
    if 0.0 <= p <= 1.0 and input.dim() not in (2, 3):
        raise RuntimeError(f"dropout1d: expected an input of shape (N, C, L) or (C, L), met {list(input.shape)}")
    return _drop_batched("dropout1d", 1, input, p, training, inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, H, W) with probability ``p``, scaling the rest by 1 / (1 - p).

    A 3-d input is taken as (N, C, L), with a warning.

    Raises:
        ValueError: when p lies outside of [0, 1].
    """
    if input.dim() not in (3, 4):
        warnings.warn(f"dropout2d: expected a 4-d input, met {input.dim()} dimensions; for elements instead of "
                      "channels call dropout", stacklevel=2)
    elif input.dim() == 3:
        warnings.warn("dropout2d: a 3-d input is taken as (N, C, L); call dropout1d for that", stacklevel=2)
    return _drop("feature_dropout", "dropout2d", input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of (N, C, D, H, W) or (C, D, H, W) with probability ``p``, scaling the rest by 1 / (1 - p).

    Raises:
        ValueError: when p lies outside of [0, 1].
    """
    if input.dim() not in (4, 5):
        warnings.warn(f"dropout3d: expected a 5-d input, met {input.dim()} dimensions; for elements instead of "
                      "channels call dropout", stacklevel=2)
    return _drop_batched("dropout3d", 3, input, p, training, inplace)
