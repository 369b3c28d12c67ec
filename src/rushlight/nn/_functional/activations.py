"""Nonlinearities made of other operations.

Where a formula has two branches, the argument of the branch not taken is replaced by a harmless one, so that its
gradient is no NaN.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import rushlight
from rushlight._native import Tensor, where
from rushlight._native import log_softmax as _log_softmax
from rushlight._native import softmax as _softmax

__all__ = ["celu", "elu", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh",
           "leaky_relu", "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid",
           "silu", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh", "tanhshrink", "threshold"]


def _written(input: Tensor, inplace: bool, formula: Callable[[Tensor], Tensor]) -> Tensor:
    """The formula of ``input``; written into it when ``inplace``, from a copy that backward can still read."""
    return input.copy_(formula(input.clone())) if inplace else formula(input)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(0, x)``."""
    return input.relu_() if inplace else input.relu()


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``x`` where x > threshold, ``value`` elsewhere."""
    return _written(input, inplace, lambda x: where(x > threshold, x, value))


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` cut to [min_val, max_val].

    Raises:
        ValueError: when min_val lies above max_val.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: expected min_val of at most max_val, met {min_val} and {max_val}")

    def formula(x: Tensor) -> Tensor:
        return where(x <= min_val, min_val, where(x >= max_val, max_val, x))

    return _written(input, inplace, formula)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(0, x), 6)``."""
    return hardtanh(input, 0.0, 6.0, inplace)


def _exponential(x: Tensor, positive: float, negative: float, rate: float) -> Tensor:
    """``positive * x`` where x > 0, ``negative * (exp(rate * x) - 1)`` elsewhere."""
    below = where(x > 0, 0, x)
    return where(x > 0, x * positive, (below * rate).expm1() * negative)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where x > 0, ``alpha * (exp(x) - 1)`` elsewhere."""
    return _written(input, inplace, lambda x: _exponential(x, 1.0, alpha, 1.0))


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale * elu(x, alpha)`` with the two constants of Klambauer et al., 2017."""
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return _written(input, inplace, lambda x: _exponential(x, scale, alpha * scale, 1.0))


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``.

    Raises:
        RuntimeError: when alpha is 0.
    """
    if alpha == 0:
        raise RuntimeError("celu: alpha cannot be 0")
    return _written(input, inplace, lambda x: _exponential(x, 1.0, alpha, 1.0 / alpha))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` where x > 0, ``negative_slope * x`` elsewhere."""
    return _written(input, inplace, lambda x: where(x > 0, x, x * negative_slope))


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """``x`` where x > 0, ``weight * x`` elsewhere; ``weight`` has one element, or one for each channel.

    Raises:
        RuntimeError: when the weight has another number of elements, or more than one dimension.
    """
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: expected a weight of 0 or 1 dimensions, met {weight.dim()}")
    if weight.numel() != 1:
        channels = input.size(1) if input.dim() > 1 else 1
        if weight.numel() != channels:
            raise RuntimeError(f"prelu: expected 1 or {channels} slopes for an input of shape {tuple(input.shape)}, "
                               f"met {weight.numel()}")
        weight = weight.view(-1, *[1] * (input.dim() - 2))
    elif weight.dim() == 1 and input.dim() == 0:
        weight = weight.view(())
    return where(input > 0, input, weight * input)


def rrelu(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
          inplace: bool = False) -> Tensor:
    """``x`` where x > 0, ``a * x`` elsewhere; a is drawn from [lower, upper) in training, their mean otherwise."""
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slope = rushlight.ones_like(input)
    negative = input <= 0
    # One draw for each negative element alone, in order.
    slope[negative] = slope[negative].detach().uniform_(lower, upper)
    return _written(input, inplace, lambda x: x * slope)


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


def _log1p_exp(x: Tensor) -> Tensor:
    """``log(1 + exp(x))`` without overflow, and with the right slope at 0."""
    positive = x > 0
    return where(positive, -x, x).exp().log1p() + where(positive, x, 0)


def logsigmoid(input: Tensor) -> Tensor:
    """``log(sigmoid(x))``."""
    return -_log1p_exp(-input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """``log(1 + exp(beta * x)) / beta``; ``x`` itself where beta * x > threshold."""
    scaled = input * beta
    linear = scaled > threshold
    return where(linear, input, where(linear, 0, scaled).exp().log1p() / beta)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * sigmoid(x)``."""
    return _written(input, inplace, lambda x: x * x.sigmoid())


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * tanh(softplus(x))``."""
    return _written(input, inplace, lambda x: x * softplus(x).tanh())


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """``x * Phi(x)``, Phi the normal cumulative distribution; ``approximate='tanh'`` takes its tanh form.

    Raises:
        RuntimeError: when ``approximate`` is neither 'none' nor 'tanh'.
    """
    if approximate == "none":
        return input * 0.5 * (1.0 + (input * math.sqrt(0.5)).erf())
    if approximate == "tanh":
        inner = math.sqrt(2.0 / math.pi) * (input + 0.044715 * input * input * input)
        return 0.5 * input * (1.0 + inner.tanh())
    raise RuntimeError(f"gelu: expected approximate to be 'none' or 'tanh', met {approximate!r}")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a * sigmoid(b)``, a and b the halves of the input along ``dim``.

    Raises:
        RuntimeError: for a 0-d input, or a dimension of odd size.
    """
    if input.dim() == 0:
        raise RuntimeError("glu: expected an input of 1 or more dimensions, met 0")
    size = input.size(dim)
    if size % 2:
        raise RuntimeError(f"glu: expected an even size of dimension {dim}, met {size}")
    return input.narrow(dim, 0, size // 2) * input.narrow(dim, size // 2, size // 2).sigmoid()


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``clamp(x / 6 + 1/2, 0, 1)``."""
    return _written(input, inplace, lambda x: hardtanh(x + 3, 0.0, 6.0) / 6)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * clamp(x + 3, 0, 6) / 6``."""
    return _written(input, inplace, lambda x: x * hardtanh(x + 3, 0.0, 6.0) / 6)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` where |x| > lambd, 0 elsewhere."""
    return where((input >= -lambd) & (input <= lambd), 0, input)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` moved towards 0 by ``lambd``, 0 within.

    Raises:
        RuntimeError: when lambd is negative.
    """
    if lambd < 0:
        raise RuntimeError(f"softshrink: expected lambd of at least 0, met {lambd}")
    return where(input > lambd, input - lambd, where(input < -lambd, input + lambd, input * 0))


def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``."""
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``."""
    return input - input.tanh()


def _implicit_dim(name: str, dims: int, stacklevel: int) -> int:
    warnings.warn(f"{name}: dim is not given; which one is taken depends on the input's shape, so give dim=",
                  stacklevel=stacklevel)
    return 0 if dims in (0, 1, 3) else 1


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``dim``; ``dtype`` is cast to before."""
    if dim is None:
        dim = _implicit_dim("softmax", input.dim(), _stacklevel)
    return _softmax(input, dim) if dtype is None else _softmax(input, dim, dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``softmax(-x)`` along ``dim``; ``dtype`` is cast to before."""
    if dim is None:
        dim = _implicit_dim("softmin", input.dim(), _stacklevel)
    return softmax(-input, dim, dtype=dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``log(softmax(x))`` along ``dim``; ``dtype`` is cast to before."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.dim(), _stacklevel)
    return _log_softmax(input, dim) if dtype is None else _log_softmax(input, dim, dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """Draw from the Gumbel-softmax distribution (Jang et al., 2016).

    Args:
        logits: unnormalised log-probabilities, any shape.
        tau: temperature.
        hard: one-hot values, with the gradient of the soft ones.
        eps: unused, as in PyTorch.
        dim: the dimension of the classes.
    """
    draws: Any = rushlight.empty_like(logits)
    gumbels = -draws.exponential_().log()
    soft = softmax((logits + gumbels) / tau, dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    chosen: Any = rushlight.zeros_like(logits)
    return chosen.scatter_(dim, index, 1.0) - soft.detach() + soft
