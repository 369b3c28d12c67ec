"""Normalisations made of other operations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import rushlight
from rushlight._errors import marked, marked_at_end
from rushlight._native import Tensor

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "rms_norm"]


def _standardised(input: Tensor, dims: list[int], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """(input with mean 0 and variance 1 over ``dims``, the mean, the variance), dimensions kept."""
    mean = input.mean(dims, keepdim=True)
    centered = input - mean
    variance = (centered * centered).mean(dims, keepdim=True)
    return centered / (variance + eps).sqrt(), mean, variance


def _affine(input: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    if weight is not None:
        input = input * weight
    return input if bias is None else input + bias


def _last_dims(name: str, input: Tensor, normalized_shape: Sequence[int]) -> list[int]:
    count = len(normalized_shape)
    if count == 0:
        raise RuntimeError(f"{name}: expected a normalized_shape of 1 or more dimensions, met none")
    if tuple(input.shape[-count:]) != tuple(normalized_shape):
        raise RuntimeError(f"{name}: expected an input that ends with the sizes {list(normalized_shape)} "
                           f"(normalized_shape), met {marked_at_end(input.shape, normalized_shape)}")
    return list(range(-count, 0))


def layer_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
               bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """Normalise over the last dimensions, of sizes ``normalized_shape``, then scale and shift (Ba et al., 2016).

    Raises:
        RuntimeError: when the input does not end with these sizes.
    """
    dims = _last_dims("layer_norm", input, normalized_shape)
    return _affine(_standardised(input, dims, eps)[0], weight, bias)


def rms_norm(input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
             eps: float | None = None) -> Tensor:
    """Divide by the root mean square over the last dimensions, then scale (Zhang and Sennrich, 2019).

    ``eps`` is the dtype's epsilon when None.

    Raises:
        RuntimeError: when the input does not end with the sizes ``normalized_shape``.
    """
    dims = _last_dims("rms_norm", input, normalized_shape)
    eps = rushlight.finfo(input.dtype).eps if eps is None else eps
    return _affine(input / ((input * input).mean(dims, keepdim=True) + eps).sqrt(), weight, None)


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
    grouped = input.reshape(samples, num_groups, channels // num_groups * math.prod(spatial))
    normal = _standardised(grouped, [-1], eps)[0].view(input.shape)
    return _affine(normal, _per_channel(weight, input), _per_channel(bias, input))


def _along_channels(value: Tensor, input: Tensor) -> Tensor:
    """A value for each channel, shaped to broadcast with (N, C, *)."""
    return value.view(1, -1, *[1] * (input.dim() - 2))


def _per_channel(value: Tensor | None, input: Tensor) -> Tensor | None:
    return None if value is None else _along_channels(value, input)


def _check_values(name: str, shape: Sequence[int]) -> None:
    if shape[0] * math.prod(shape[2:]) == 1:
        raise ValueError(f"{name}: expected more than 1 value per channel to normalise over, met shape "
                         f"{list(shape)}; give a larger batch, or call .eval()")


def _check_channels(name: str, input: Tensor, **values: Tensor | None) -> None:
    channels = input.size(1)
    for role, value in values.items():
        if value is not None and value.numel() != channels:
            raise RuntimeError(f"{name}: input {marked(input.shape, 1)} has {channels} channels, but {role} has "
                               f"{value.numel()}; channels stand in dimension 1")


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
        ValueError: when in training a channel has a single value.
        RuntimeError: when there are no running statistics to use.
    """
    _check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("batch_norm: without training it needs running_mean and running_var")
        mean, variance = _along_channels(running_mean, input), _along_channels(running_var, input)
        normal = (input - mean) / (variance + eps).sqrt()
        return _affine(normal, _per_channel(weight, input), _per_channel(bias, input))
    _check_values("batch_norm", input.shape)
    dims = [0, *range(2, input.dim())]
    normal, mean, variance = _standardised(input, dims, eps)
    count = input.numel() // input.size(1)
    with rushlight.no_grad():
        if running_mean is not None:
            running_mean.mul_(1 - momentum).add_(mean.view(-1), alpha=momentum)
        if running_var is not None:
            running_var.mul_(1 - momentum).add_(variance.view(-1), alpha=momentum * count / (count - 1))
    return _affine(normal, _per_channel(weight, input), _per_channel(bias, input))


def instance_norm(input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None,
                  weight: Tensor | None = None, bias: Tensor | None = None, use_input_stats: bool = True,
                  momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """Normalise each channel of each sample of (N, C, *), then scale and shift (Ulyanov et al., 2016).

    Args as of `batch_norm`; the running statistics take the mean over the samples.

    Raises:
        ValueError: when a channel of a sample has a single value.
        RuntimeError: when there are no running statistics to use.
    """
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise RuntimeError("instance_norm: without use_input_stats it needs running_mean and running_var")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    size = math.prod(input.shape[2:])
    if size == 1:
        raise ValueError("instance_norm: expected more than 1 value per channel to normalise over, met the shape "
                         f"{list(input.shape)}")
    normal, mean, variance = _standardised(input, list(range(2, input.dim())), eps)
    samples, channels = input.shape[:2]
    with rushlight.no_grad():
        for running, value, factor in ((running_mean, mean, 1.0), (running_var, variance, size / max(size - 1, 1))):
            if running is not None:
                running.mul_(1 - momentum).add_(value.view(samples, channels).mean(0), alpha=momentum * factor)
    return _affine(normal, _per_channel(weight, input), _per_channel(bias, input))


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
