"""Average and adaptive pooling: the public faces of their kernels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight import _native
from rushlight._native import Tensor

__all__ = ["adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d",
           "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices",
           "adaptive_max_pool3d", "adaptive_max_pool3d_with_indices", "avg_pool1d", "avg_pool2d", "avg_pool3d",
           "lp_pool1d", "lp_pool2d", "lp_pool3d"]


def _one_per_dim(name: str, value: Any, rank: int) -> list[Any]:
    values = list(value) if isinstance(value, (tuple, list)) else [value]
    if len(values) not in (1, rank):
        raise RuntimeError(f"{name}: expected one number or {rank}, met {tuple(values)}")
    return values * rank if len(values) == 1 else values


def _batched(name: str, rank: int, input: Tensor, pool: Callable[[Tensor], Any]) -> Any:
    """``pool`` of (N, C, *); of (C, *) as a batch of one."""
    if input.dim() not in (rank + 1, rank + 2):
        raise RuntimeError(f"{name}: expected an input of {rank + 1} or {rank + 2} dimensions, met "
                           f"{list(input.shape)}")
    if input.dim() == rank + 2:
        return pool(input)
    result = pool(input.unsqueeze(0))
    return tuple(r.squeeze(0) for r in result) if isinstance(result, tuple) else result.squeeze(0)


def _avg_pool(rank: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
              count_include_pad: bool, divisor_override: int | None = None) -> Tensor:
    name = f"avg_pool{rank}d"
    if divisor_override == 0:
        raise RuntimeError(f"{name}: divisor_override must not be 0")
    kernel = _one_per_dim(name, kernel_size, rank)
    step = kernel if stride is None or stride in ((), []) else _one_per_dim(name, stride, rank)
    space = _one_per_dim(name, padding, rank)
    return _batched(name, rank, input, lambda x: _native._avg_pool(
        x, kernel, step, space, ceil_mode, count_include_pad, divisor_override or 0))


def avg_pool1d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True) -> Tensor:
    """The means of windows of (N, C, L) or (C, L); the stride is the kernel's size where it is None."""
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:
    """The means of windows of (N, C, H, W) or (C, H, W); ``divisor_override`` takes the place of their size."""
    return _avg_pool(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(input: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
               count_include_pad: bool = True, divisor_override: int | None = None) -> Tensor:
    """The means of windows of (N, C, D, H, W) or (C, D, H, W)."""
    return _avg_pool(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _output_size(name: str, rank: int, input: Tensor, given: Any) -> list[int]:
    """The sizes asked for; None keeps the input's."""
    sizes = _one_per_dim(name, given, rank)
    return [n if want is None else want for want, n in zip(sizes, input.shape[-rank:], strict=True)]


def _adaptive_avg_pool(rank: int, input: Tensor, output_size: Any) -> Tensor:
    name = f"adaptive_avg_pool{rank}d"
    return _batched(name, rank, input, lambda x: _native._adaptive_avg_pool(
        x, _output_size(name, rank, x, output_size)))


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """The means of ``output_size`` even parts of (N, C, L) or (C, L)."""
    return _adaptive_avg_pool(1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """The means of (h, w) even parts of (N, C, H, W) or (C, H, W); None keeps a size."""
    return _adaptive_avg_pool(2, input, output_size)


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """The means of (d, h, w) even parts of (N, C, D, H, W) or (C, D, H, W); None keeps a size."""
    return _adaptive_avg_pool(3, input, output_size)


def _adaptive_max_pool(rank: int, input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    name = f"adaptive_max_pool{rank}d"
    values, indices = _batched(name, rank, input, lambda x: _native._adaptive_max_pool(
        x, _output_size(name, rank, x, output_size)))
    return values, indices


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: Any,
                                     return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """The maxima of ``output_size`` even parts of (N, C, L) or (C, L), and their positions."""
    return _adaptive_max_pool(1, input, output_size)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: Any,
                                     return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """The maxima of (h, w) even parts of (N, C, H, W) or (C, H, W), and their positions in the flattened plane."""
    return _adaptive_max_pool(2, input, output_size)


def adaptive_max_pool3d_with_indices(input: Tensor, output_size: Any,
                                     return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """The maxima of (d, h, w) even parts of (N, C, D, H, W) or (C, D, H, W), and their positions."""
    return _adaptive_max_pool(3, input, output_size)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of ``output_size`` even parts of (N, C, L) or (C, L)."""
    both = _adaptive_max_pool(1, input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of (h, w) even parts of (N, C, H, W) or (C, H, W)."""
    both = _adaptive_max_pool(2, input, output_size)
    return both if return_indices else both[0]


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """The maxima of (d, h, w) even parts of (N, C, D, H, W) or (C, D, H, W)."""
    both = _adaptive_max_pool(3, input, output_size)
    return both if return_indices else both[0]


def _lp_pool(rank: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    kernel = _one_per_dim(f"lp_pool{rank}d", kernel_size, rank)
    means = _avg_pool(rank, input.pow(norm_type), kernel, stride, 0, ceil_mode, True)
    return (means.sign() * means.abs().relu() * math.prod(kernel)).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm_type-norm of each window of (N, C, L) or (C, L)."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm_type-norm of each window of (N, C, H, W) or (C, H, W)."""
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The norm_type-norm of each window of (N, C, D, H, W) or (C, D, H, W)."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)
