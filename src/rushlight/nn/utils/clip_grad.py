"""Keeping gradients small."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import rushlight
from rushlight._native import Tensor, _vector_norm, where

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _as_list(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    else:
        generator = iter(parameters) is parameters
        parameters = list(parameters)
        if generator and not parameters:
            warnings.warn("the generator of parameters is empty: it may have been used up before", stacklevel=4)
    return [p.grad for p in parameters if p.grad is not None]


def get_total_norm(tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0, error_if_nonfinite: bool = False,
                   foreach: bool | None = None) -> Tensor:
    """Return the norm of all tensors, as if their elements stood in one vector; a 0-d tensor.

    Args:
        tensors: one tensor or several.
        norm_type: the power of the norm; may be inf.
        error_if_nonfinite: whether a norm of NaN or inf is an error.
        foreach: taken and ignored; there is one way to compute it.

    Raises:
        RuntimeError: for a norm of NaN or inf, when ``error_if_nonfinite``.
    """
    tensors = _as_list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return rushlight.tensor(0.0)
    with rushlight.no_grad():
        device = tensors[0].device
        norms = [_vector_norm(tensor, norm_type, None, False) for tensor in tensors]
        total = _vector_norm(rushlight.stack([norm.to(device) for norm in norms]), norm_type, None, False)
        if error_if_nonfinite and not math.isfinite(float(total)):
            raise RuntimeError(f"the total norm of order {norm_type} is {float(total)}, so it cannot be clipped to; "
                               "pass error_if_nonfinite=False to go on with it")
    return total


def clip_grads_with_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, total_norm: Tensor,
                          foreach: bool | None = None) -> None:
    """Scale the gradients of ``parameters`` so that a total norm of ``total_norm`` becomes at most ``max_norm``."""
    grads = _gradients(parameters)
    with rushlight.no_grad():
        factor = float(max_norm) / (total_norm + 1e-6)
        factor = where(factor > 1.0, 1.0, factor)  # no test of the value: on a device it would wait for it
        factors: dict[Any, Tensor] = {}
        for grad in grads:
            if grad.device not in factors:
                factors[grad.device] = factor.to(grad.device)
            grad.mul_(factors[grad.device])


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
                    error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """Scale the gradients in place so that their total norm is at most ``max_norm``, and return what it was.

    Args:
        parameters: one tensor or several.
        max_norm: the largest norm allowed.
        norm_type: the power of the norm; may be inf.
        error_if_nonfinite: whether a norm of NaN or inf is an error.
        foreach: taken and ignored; there is one way to compute it.
    """
    parameters = parameters if isinstance(parameters, Tensor) else list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
                   error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """Deprecated name of `clip_grad_norm_`."""
    warnings.warn("clip_grad_norm is deprecated; use clip_grad_norm_", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Cut each element of the gradients to [-clip_value, clip_value], in place."""
    clip_value = float(clip_value)
    with rushlight.no_grad():
        for grad in _gradients(parameters):
            low = where(grad < -clip_value, -clip_value, grad)
            grad.copy_(where(low > clip_value, clip_value, low))
