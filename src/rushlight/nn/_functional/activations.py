"""Nonlinearities: what their rows in the table leave to Python, and those made of other operations."""

from __future__ import annotations

import warnings
from typing import Any

import rushlight
from rushlight import _native
from rushlight._native import Tensor
from rushlight._native import log_softmax as _log_softmax
from rushlight._native import softmax as _softmax

__all__ = ["celu", "elu", "gelu", "glu", "gumbel_softmax", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu",
           "log_softmax", "mish", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softmax", "softmin",
           "softshrink", "softsign", "tanh", "tanhshrink", "threshold"]


def _either(name: str, input: Tensor, inplace: bool, *numbers: float) -> Tensor:
    """The row of that name, or its form that writes into ``input``."""
    return getattr(_native, name + "_" if inplace else name)(input, *numbers)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """``max(0, x)``."""
    return input.relu_() if inplace else _native.relu(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``x`` where x > threshold, ``value`` elsewhere."""
    return _either("threshold", input, inplace, threshold, value)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` cut to [min_val, max_val].

    Raises:
        ValueError: when min_val lies above max_val.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: expected min_val of at most max_val, met {min_val} and {max_val}")
    if input.dtype is _native.bool:
        raise RuntimeError("hardtanh: a bool tensor has no bounds to keep; convert it first")
    if not input.is_floating_point():
        min_val, max_val = int(min_val), int(max_val)
    if input.dtype is _native.uint8 and min_val < 0:
        raise RuntimeError(f"hardtanh: unsigned numbers have no bound of {min_val}; give min_val of at least 0")
    return _either("_hardtanh", input, inplace, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(0, x), 6)``."""
    return hardtanh(input, 0.0, 6.0, inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``x`` where x > 0, ``alpha * (exp(x) - 1)`` elsewhere."""
    return _either("_elu", input, inplace, alpha, 1.0, 1.0)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale * elu(x, alpha)`` with the two constants of Klambauer et al., 2017."""
    return _either("selu", input, inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``.

    Raises:
        RuntimeError: when alpha is 0.
    """
    return _either("celu", input, inplace, alpha)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """``x`` where x > 0, ``negative_slope * x`` elsewhere."""
    return _either("leaky_relu", input, inplace, negative_slope)


def rrelu(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False,
          inplace: bool = False) -> Tensor:
    """``x`` where x > 0, ``a * x`` elsewhere; a is drawn from [lower, upper) in training, their mean otherwise.

    Raises:
        RuntimeError: when lower lies above upper.
    """
    if lower > upper:
        raise RuntimeError(f"rrelu: expected lower of at most upper, met {lower} and {upper}")
    run = _native._rrelu_ if inplace else lambda x, slope: _native._rrelu(x.contiguous(), slope)
    if not training:
        return run(input, (lower + upper) / 2)
    if input.dtype not in (_native.float32, _native.float64, _native.bfloat16):
        raise NotImplementedError(f"rrelu: there is no training form for dtype {input.dtype}")
    arithmetic = _native.float64 if input.dtype is _native.float64 else _native.float32
    low, high = (rushlight.tensor(bound, dtype=arithmetic).item() for bound in (lower, upper))
    plain = input.contiguous().to(arithmetic)
    negative = plain <= 0
    # One draw for each negative element alone, in order and in double precision.
    draws: Any = rushlight.rand(int(negative.sum()), dtype=rushlight.float64) * (high - low) + low
    slope = rushlight.ones_like(plain, requires_grad=False).masked_scatter(negative, draws.to(arithmetic))
    return run(input, slope)


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``."""
    return input.sigmoid()


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * sigmoid(x)``."""
    return _either("silu", input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * tanh(softplus(x))``."""
    return _either("mish", input, inplace)


def gelu(input: Tensor, *, approximate: str = "none") -> Tensor:
    """``x * Phi(x)``, Phi the normal cumulative distribution; ``approximate='tanh'`` takes its tanh form.

    Raises:
        RuntimeError: when ``approximate`` is neither 'none' nor 'tanh'.
    """
    if approximate == "none":
        return _native.gelu(input)
    if approximate == "tanh":
        return _native._gelu_tanh(input)
    raise RuntimeError(f"gelu: expected approximate to be 'none' or 'tanh', met {approximate!r}")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a * sigmoid(b)``, a and b the halves of the input along ``dim``.

    Raises:
        RuntimeError: for a 0-d input, or a dimension of odd size.
    """
    return _native.glu(input, dim)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``clamp(x / 6 + 1/2, 0, 1)``."""
    return _either("hardsigmoid", input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * clamp(x + 3, 0, 6) / 6``."""
    return _either("hardswish", input, inplace)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` moved towards 0 by ``lambd``, 0 within.

    Raises:
        RuntimeError: when lambd is negative.
    """
    if lambd < 0:
        raise RuntimeError(f"softshrink: expected lambd of at least 0, met {lambd}")
    return _native._softshrink(input, lambd)


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
