"""Muon (Jordan, 2024)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, number
from rushlight.optim.stepwise import StepwiseOptimizer

__all__ = ["Muon"]


class Muon(StepwiseOptimizer):
    """Momentum whose updates of matrices are made orthogonal by a Newton-Schulz iteration.

    Args:
        params: matrices, or groups of them.
        lr: learning rate.
        weight_decay: a direct decay.
        momentum: share of the old value in the mean of the gradients.
        nesterov: whether the update looks ahead.
        ns_coefficients: the three numbers of the iteration's polynomial.
        eps: the least norm that is divided by.
        ns_steps: how often the iteration runs.
        adjust_lr_fn: how the rate follows the shape: "original" (the default) or "match_rms_adamw".

    Raises:
        ValueError: for options out of their range, or a parameter that is no matrix.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
                 nesterov: bool = True, ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
                 eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None) -> None:
        self._check(lr, None, False, weight_decay=weight_decay, momentum=momentum)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Muon: expected adjust_lr_fn 'original' or 'match_rms_adamw', met {adjust_lr_fn!r}")
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
                                  "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps,
                                  "adjust_lr_fn": adjust_lr_fn, "differentiable": False})
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(f"Muon: expected matrices, met a parameter of shape {tuple(p.shape)}")

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        if param.dtype.is_complex:
            raise RuntimeError("Muon: complex parameters are not supported")
        return {"momentum_buffer": rushlight.zeros_like(param)}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        lr, momentum = number(group["lr"]), group["momentum"]
        mean = state["momentum_buffer"].lerp_(grad, 1 - momentum)
        update = _orthogonal(grad.lerp(mean, momentum) if group["nesterov"] else mean, group)
        rows, columns = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            rate = lr * 0.2 * max(rows, columns) ** 0.5
        else:
            rate = lr * max(1, rows / columns) ** 0.5
        param.mul_(1 - lr * group["weight_decay"])
        param.add_(update, alpha=-rate)


def _orthogonal(matrix: Tensor, group: dict[str, Any]) -> Tensor:
    """About the nearest matrix with orthogonal rows or columns, each product rounded to bfloat16."""
    a, b, c = group["ns_coefficients"]
    tall = matrix.size(0) > matrix.size(1)
    x = _rounded(matrix.t() if tall else matrix)
    x = _rounded(x / _rounded(x.norm()).clamp(min=group["eps"]))
    for _ in range(group["ns_steps"]):
        square = _rounded(x @ x.t())
        x = _rounded(rushlight.addmm(x, _rounded(rushlight.addmm(square, square, square, beta=b, alpha=c)), x, beta=a))
    return (x.t() if tall else x).to(matrix.dtype)


def _rounded(x: Tensor) -> Tensor:
    return x.to(rushlight.bfloat16).to(rushlight.float32)
