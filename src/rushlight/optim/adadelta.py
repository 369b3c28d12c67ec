"""Adadelta (Zeiler, 2012)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, as_real, new_step, number
from rushlight.optim.stepwise import StepwiseOptimizer, decayed

__all__ = ["Adadelta"]


class Adadelta(StepwiseOptimizer):
    """Adadelta: steps as large as the last ones were, over the root of the mean of the gradients' squares.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        rho: share of the old value in the means.
        eps: added under the roots.
        weight_decay: an L2 penalty.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.

    Raises:
        ValueError: for options out of their range.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1.0, rho: float = 0.9, eps: float = 1e-6,
                 weight_decay: float = 0, foreach: bool | None = None, *, capturable: bool = False,
                 maximize: bool = False, differentiable: bool = False) -> None:
        self._check(lr, foreach, capturable, eps=eps, weight_decay=weight_decay)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Adadelta: expected rho in [0, 1], met {rho}")
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay,
                                  "maximize": maximize, "capturable": capturable, "foreach": foreach,
                                  "differentiable": differentiable})

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": new_step(group, param), "square_avg": rushlight.zeros_like(param),
                "acc_delta": rushlight.zeros_like(param)}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"].add_(1)
        grad = decayed(param, grad, group)
        rho, eps = group["rho"], group["eps"]
        param, grad, square, deltas = as_real(param, grad, state["square_avg"], state["acc_delta"])
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = deltas.add(eps).sqrt() / square.add(eps).sqrt() * grad
        deltas.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-number(group["lr"]))
