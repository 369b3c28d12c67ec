"""Initial values of parameters. All functions work in place, outside of autograd, and return their tensor."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from typing import Any

import rushlight
from rushlight._native import Tensor, where

__all__ = ["calculate_gain", "constant", "constant_", "dirac", "dirac_", "eye", "eye_", "kaiming_normal",
           "kaiming_normal_", "kaiming_uniform", "kaiming_uniform_", "normal", "normal_", "ones_", "orthogonal",
           "orthogonal_", "sparse", "sparse_", "trunc_normal_", "uniform", "uniform_", "xavier_normal",
           "xavier_normal_", "xavier_uniform", "xavier_uniform_", "zeros_"]


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the recommended gain of a nonlinearity: by how much it shrinks the deviation of its input.

    Args:
        nonlinearity: ``linear``, ``conv2d`` and the like, ``sigmoid``, ``tanh``, ``relu``, ``leaky_relu``, ``selu``.
        param: the negative slope of ``leaky_relu``; 0.01 when None.

    Raises:
        ValueError: for another name, or a slope that is no number.
    """
    if re.fullmatch(r"linear|sigmoid|conv(_transpose)?[123]d", nonlinearity):
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise ValueError(f"calculate_gain: expected the negative slope to be a number, met {param!r}")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"calculate_gain: unknown nonlinearity {nonlinearity!r}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with values drawn evenly from [a, b)."""
    with rushlight.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill with values of a normal distribution."""
    with rushlight.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0,
                  generator: Any = None) -> Tensor:
    """Fill with values of a normal distribution cut to [a, b], by drawing again what falls outside.

    Where less than 0.3 of the distribution lies inside, values are drawn evenly from [a, b] and accepted with the
    probability that the density has there, relative to its peak.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn("trunc_normal_: the mean lies more than two deviations outside of [a, b]; the values may not "
                      "follow the distribution", stacklevel=2)

    def cumulative(x: float) -> float:
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    low, high = (a - mean) / std, (b - mean) / std
    direct = cumulative(high) - cumulative(low) > 0.3
    peak = 0.0 if low <= 0.0 <= high else min(low * low, high * high) / 2

    def draw() -> tuple[Tensor, Tensor]:
        """New values, and which of them are accepted."""
        values = rushlight.empty_like(tensor)
        if direct:
            values.normal_(mean, std, generator=generator)
            return values, (values >= a) & (values <= b)
        values.uniform_(a, b, generator=generator)
        chance = (peak - ((values - mean) / std) ** 2 / 2).exp()
        return values, rushlight.empty_like(tensor).uniform_(generator=generator) <= chance

    with rushlight.no_grad():
        values, accepted = draw()
        for _ in range(10_000):
            if bool(accepted.all()):
                break
            again, also = draw()
            values = where(accepted, values, again)
            accepted = accepted | also
        else:
            # The density is all at one end.
            values = where(accepted, values, b if mean > b else a)
        return tensor.copy_(values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``."""
    with rushlight.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    with rushlight.no_grad():
        return tensor.zero_()


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with ones on the diagonal and zeros elsewhere.

    Raises:
        ValueError: when the tensor is no matrix.
    """
    if tensor.ndimension() != 2:
        raise ValueError(f"eye_: expected a tensor of 2 dimensions, met {tensor.ndimension()}")
    with rushlight.no_grad():
        tensor.zero_()
        tensor.diagonal().fill_(1)
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the weight of a convolution so that it passes as many input channels on as it can.

    Args:
        tensor: (out, in, *kernel) with 1 to 3 kernel dimensions.
        groups: the groups of the convolution; each passes its channels on.

    Raises:
        ValueError: for another number of dimensions, or output channels that do not divide into the groups.
    """
    if tensor.ndimension() not in (3, 4, 5):
        raise ValueError(f"dirac_: expected a tensor of 3, 4 or 5 dimensions, met {tensor.ndimension()}")
    out, channels, *kernel = tensor.size()
    if out % groups:
        raise ValueError(f"dirac_: {out} output channels do not divide into {groups} groups")
    per_group = out // groups
    center = tuple(k // 2 for k in kernel)
    with rushlight.no_grad():
        tensor.zero_()
        for group in range(groups):
            for channel in range(min(per_group, channels)):
                tensor[(group * per_group + channel, channel, *center)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError(f"fan_in and fan_out need a tensor of 2 or more dimensions, met {tensor.dim()}")
    out, channels, *kernel = tensor.shape
    field = math.prod(kernel)
    return channels * field, out * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"expected the mode 'fan_in' or 'fan_out', met {mode!r}")
    return _calculate_fan_in_and_fan_out(tensor)[mode == "fan_out"]


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill evenly from [-a, a), a = gain * sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor)))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill normally with std = gain * sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    std = gain * math.sqrt(2.0 / float(sum(_calculate_fan_in_and_fan_out(tensor))))
    return normal_(tensor, 0.0, std, generator)


def _is_empty(tensor: Tensor) -> bool:
    if 0 not in tensor.shape:
        return False
    warnings.warn("initialisation of a tensor without elements does nothing", stacklevel=3)
    return True


def kaiming_uniform_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                     generator: Any = None) -> Tensor:
    """Fill evenly from [-bound, bound), bound = gain * sqrt(3 / fan) (He et al., 2015).

    Args:
        tensor: a weight, (out, in, *kernel).
        a: the negative slope of the rectifier that follows.
        mode: ``fan_in`` keeps the variance in the forward pass, ``fan_out`` in the backward pass.
        nonlinearity: what follows, as in `calculate_gain`.
        generator: where the numbers come from.
    """
    if _is_empty(tensor):
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    bound = math.sqrt(3.0) * (calculate_gain(nonlinearity, a) / math.sqrt(fan))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu",
                    generator: Any = None) -> Tensor:
    """Fill normally with std = gain / sqrt(fan) (He et al., 2015); arguments as of `kaiming_uniform_`."""
    if _is_empty(tensor):
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    return normal_(tensor, 0, calculate_gain(nonlinearity, a) / math.sqrt(fan), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix, all dimensions after the first taken as one (Saxe et al., 2013).

    Raises:
        ValueError: when the tensor has fewer than 2 dimensions.
    """
    if tensor.ndimension() < 2:
        raise ValueError(f"orthogonal_: expected a tensor of 2 or more dimensions, met {tensor.ndimension()}")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.size(0)
    cols = tensor.numel() // rows
    with rushlight.no_grad():
        matrix = tensor.new_empty((rows, cols)).normal_(0, 1, generator=generator)
        q, r = rushlight.linalg.qr(matrix.t() if rows < cols else matrix)
        q = q * r.diagonal().sign()  # makes the draw uniform over orthogonal matrices
        tensor.view_as(matrix).copy_(q.t() if rows < cols else q)
        return tensor.mul_(gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix normally, then put zeros into a fraction ``sparsity`` of each column (Martens, 2010).

    Raises:
        ValueError: when the tensor is no matrix.
    """
    if tensor.ndimension() != 2:
        raise ValueError(f"sparse_: expected a tensor of 2 dimensions, met {tensor.ndimension()}")
    rows, cols = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with rushlight.no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(cols):
            tensor[rushlight.randperm(rows)[:zeros], column] = 0
    return tensor


def _deprecated(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    new = function.__name__
    old = new[:-1]

    def alias(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(f"nn.init.{old} is deprecated; use nn.init.{new}", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    alias.__name__ = alias.__qualname__ = old
    alias.__doc__ = f"Deprecated name of `{new}`."
    return alias


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
