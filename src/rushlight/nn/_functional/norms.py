"""Normalisations: what is checked before their kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import rushlight
from rushlight import _native
from rushlight._native import Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Normalise over the last dimensions, of sizes ``normalized_shape``, then scale and shift (Ba et al., 2016).

    Raises:
        RuntimeError: when the input does not end with these sizes.
    """
    return _native.layer_norm(input, normalized_shape, weight, bias, eps)


def rms_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
             eps: float | None = None) -> Tensor:
    """Divide by the root mean square over the last dimensions, then scale (Zhang and Sennrich, 2019).

    ``eps`` is the epsilon of the dtype that is computed in when None: float32's for 16-bit floats.

    Raises:
        RuntimeError: when the input does not end with the sizes ``normalized_shape``.
    """
    return _native.rms_norm(input, normalized_shape, weight, eps)


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    """Normalise over groups of channels of (N, C, *), then scale and shift each channel (Wu and He, 2018).

    Raises:
        RuntimeError: when the channels do not divide into the groups, or there are fewer than 2 dimensions.
    """
    if input.dim() < 2:
        raise RuntimeError(f"group_norm: expected an input of 2 or more dimensions, met {input.dim()}")
    samples, channels, *spatial = input.shape
    if num_groups <= 0 or channels % num_groups:
        raise RuntimeError(f"group_norm: {channels} channels do not divide into {num_groups} groups")
    _check_values("group_norm", [samples * channels // num_groups, num_groups, *spatial])
    return _native.group_norm(input, num_groups, weight, bias, eps)


def _check_values(name: str, shape: Sequence[int]) -> None:
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(f"{name}: expected more than 1 value per channel to normalise over, met shape "
                         f"{list(shape)}; give a larger batch, or call .eval()")


def batch_norm(input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None,
               bias: Tensor | None = None, training: bool = False, momentum: float = 0.1,
               eps: float = 1e-5) -> Tensor:
    """Normalise each channel of (N, C, *) over the batch, then scale and shift (Ioffe and Szegedy, 2015).

    Args:
        input: (N, C, *).
        running_mean: (C); updated in training, used otherwise.
        running_var: (C); updated with the unbiased variance.
        weight: scale, (C).
        bias: shift, (C).
        training: whether to normalise by the batch's own statistics.
        momentum: share of the new value in the running ones.
        eps: added to the variance.

    Raises:
        ValueError: when in training a channel has a single value, or eps is not positive (elsewhere negative).
        RuntimeError: when there are no running statistics to use.
    """
    if training:
        _check_values("batch_norm", input.shape)
    if eps < 0.0 or (training and eps == 0.0):
        raise ValueError(f"batch_norm: expected eps {'above 0' if training else 'of 0 or more'}, met {eps}")
    return _native.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
                  weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """Normalise each channel of each sample of (N, C, *), then scale and shift (Ulyanov et al., 2016).

    Args as of `batch_norm`; the running statistics take the mean over the samples.

    Raises:
        ValueError: when a channel of a sample has a single value.
        RuntimeError: when there are no running statistics to use.
    """
    if use_input_stats and math.prod(input.shape[2:]) == 1:
        raise ValueError("instance_norm: expected more than 1 value per channel to normalise over, met the shape "
                         f"{list(input.shape)}")
    return _native.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha * mean of x**2 over size neighbouring channels) ** beta`` of (N, C, *).

    From Krizhevsky et al., 2012.

    Raises:
        ValueError: when the input has fewer than 3 dimensions.
    """
    if input.dim() < 3:
        raise ValueError(f"local_response_norm: expected an input (N, C, *), met {list(input.shape)}")
    if input.numel() == 0:
        return input
    squares = (input * input).flatten(2).unsqueeze(1)
    squares = rushlight.nn.functional.pad(squares, (0, 0, size // 2, (size - 1) // 2))
    means = rushlight.nn.functional.avg_pool2d(squares, (size, 1), stride=1).view(input.shape)
    return input / (means * alpha + k).pow(beta)
