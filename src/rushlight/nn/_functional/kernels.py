"""The public faces of kernels: arguments read and checked, then one call into the core."""

from __future__ import annotations

from typing import Any

from rushlight import _native
from rushlight._native import Tensor
from rushlight.nn import _reduction

__all__ = ["cross_entropy", "max_pool1d", "max_pool1d_with_indices", "max_pool2d",
           "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "nll_loss"]


def _one_per_dim(value: Any, rank: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * rank if len(values) == 1 else values


def _pool(rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any,
          ceil_mode: bool) -> tuple[Tensor, Tensor]:
    """(maxima, their positions) of (N, C, *) or (C, *) with ``rank`` spatial dimensions."""
    if input.dim() not in (rank + 1, rank + 2):
        raise RuntimeError(f"max_pool{rank}d: expected an input of {rank + 1} or {rank + 2} dimensions, met "
                           f"{list(input.shape)}")
    kernel = _one_per_dim(kernel_size, rank)
    step = kernel if stride is None or stride == [] else _one_per_dim(stride, rank)
    alone = input.dim() == rank + 1
    values, indices = _native._max_pool(input.unsqueeze(0) if alone else input, kernel, step,
                                        _one_per_dim(padding, rank), _one_per_dim(dilation, rank), ceil_mode)
    return (values.squeeze(0), indices.squeeze(0)) if alone else (values, indices)


def max_pool1d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                            dilation: Any = 1, ceil_mode: bool = False,
                            return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """The maxima of windows of (N, C, L) or (C, L), and their positions."""
    return _pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                            dilation: Any = 1, ceil_mode: bool = False,
                            return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """The maxima of windows of (N, C, H, W) or (C, H, W), and their positions in the flattened plane."""
    return _pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                            dilation: Any = 1, ceil_mode: bool = False,
                            return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """The maxima of windows of (N, C, D, H, W) or (C, D, H, W), and their positions in the flattened volume."""
    return _pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The maxima of windows of (N, C, L) or (C, L); with ``return_indices`` their positions, too."""
    both = _pool(1, input, kernel_size, stride, padding, dilation, ceil_mode)
    return both if return_indices else both[0]


def max_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The maxima of windows of (N, C, H, W) or (C, H, W); with ``return_indices`` their positions, too."""
    if return_indices:
        return _pool(2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return _native.max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode)


def max_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1,
               ceil_mode: bool = False, return_indices: bool = False) -> Any:
    """The maxima of windows of (N, C, D, H, W) or (C, D, H, W); with ``return_indices`` their positions, too."""
    both = _pool(3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return both if return_indices else both[0]


def nll_loss(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
             ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """``-x[class]`` of log-probabilities (N, C, *) or (C) and classes (N, *) or 0-d.

    Args:
        input: the log-probabilities.
        target: the classes, int64.
        weight: one factor for each class.
        size_average: deprecated.
        ignore_index: a class that does not count.
        reduce: deprecated.
        reduction: 'none', 'mean' (weighted) or 'sum'.
    """
    code = _reduction.code(_reduction.resolve(size_average, reduce, reduction))
    return _native._nll_loss(input, target, weight, code, ignore_index)[0]


def cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None,
                  ignore_index: int = -100, reduce: bool | None = None, reduction: str = "mean",
                  label_smoothing: float = 0.0) -> Tensor:
    """The cross entropy of scores (N, C, *) or (C) and classes (N, *) or 0-d, or probabilities of the scores' shape.

    Args:
        input: the scores.
        target: the classes, int64, or probabilities.
        weight: one factor for each class.
        size_average: deprecated.
        ignore_index: a class that does not count.
        reduce: deprecated.
        reduction: 'none', 'mean' (weighted) or 'sum'.
        label_smoothing: share of the target spread evenly over all classes, 0 to 1.

    Raises:
        RuntimeError: when label_smoothing lies outside of [0, 1], or the shapes do not fit.
    """
    reduction = _reduction.resolve(size_average, reduce, reduction)
    code = _reduction.code(reduction)
    if label_smoothing < 0.0 or label_smoothing > 1.0:
        raise RuntimeError(f"cross_entropy: expected label_smoothing between 0 and 1, met {label_smoothing}")
    if input.shape == target.shape:
        return _probability_cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)
    return _native._cross_entropy(input, target, weight, code, ignore_index, label_smoothing)[0]


def _probability_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int,
                               reduction: str, label_smoothing: float) -> Tensor:
    if not target.is_floating_point():
        raise RuntimeError("cross_entropy: a target of the scores' shape holds probabilities, so a floating-point "
                           f"dtype is expected, met {target.dtype}")
    if ignore_index >= 0:
        raise RuntimeError(f"cross_entropy: ignore_index={ignore_index} has no meaning for a target of probabilities")
    dim = 0 if input.dim() == 1 else 1
    classes = max(input.size(dim), 1)
    if label_smoothing > 0.0:
        target = target * (1.0 - label_smoothing) + label_smoothing / classes
    terms = _native.log_softmax(input, dim) * target
    if weight is not None:
        terms = terms * weight.view(-1, *[1] * (input.dim() - dim - 1))
    if reduction == "none":
        return -terms.sum(dim)
    loss = -terms.sum()
    return loss / (input.numel() // classes) if reduction == "mean" else loss
