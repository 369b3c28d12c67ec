"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import rushlight
from rushlight._native import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def _same_device(param: Tensor, device: object) -> object:
    if device is not None and param.device != device:
        raise TypeError(f"parameters on different devices, {device} and {param.device}, do not go into one vector")
    return param.device


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Join all parameters, flattened, into one vector.

    Raises:
        TypeError: when they are on different devices.
    """
    device = None
    parts = []
    for param in parameters:
        device = _same_device(param, device)
        parts.append(param.view(-1))
    return rushlight.cat(parts)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the values of ``vec``, piece by piece; they become views of it.

    Raises:
        TypeError: when ``vec`` is no tensor, or the parameters are on different devices.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: expected a tensor, met {type(vec).__name__}")
    device = None
    start = 0
    for param in parameters:
        device = _same_device(param, device)
        end = start + param.numel()
        param.data = vec[start:end].view_as(param).data
        start = end
