"""Adamax (Kingma and Ba, 2014)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, as_real, new_step, number
from rushlight.optim.stepwise import StepwiseOptimizer, check_betas, decayed

__all__ = ["Adamax"]


class Adamax(StepwiseOptimizer):
    """Adamax: steps by the mean of the gradients over the largest of their fading absolute values.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: shares of the old values, each in [0, 1).
        eps: added to the absolute values.
        weight_decay: an L2 penalty.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.

    Raises:
        ValueError: for options out of their range.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, foreach: bool | None = None, *, maximize: bool = False,
                 differentiable: bool = False, capturable: bool = False) -> None:
        self._check(lr, foreach, capturable, eps=eps, weight_decay=weight_decay)
        check_betas("Adamax", betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
                                  "capturable": capturable})

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": new_step(group, param), "exp_avg": rushlight.zeros_like(param),
                "exp_inf": rushlight.zeros_like(param)}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"].add_(1)
        grad = decayed(param, grad, group)
        beta1, beta2 = group["betas"]
        param, grad, mean, largest = as_real(param, grad, state["exp_avg"], state["exp_inf"])
        mean.lerp_(grad, 1 - beta1)
        largest.copy_(rushlight.maximum(largest * beta2, grad.abs() + group["eps"]))
        rate = number(group["lr"]) / (1 - beta1 ** number(state["step"]))
        param.addcdiv_(mean, largest, value=-rate)
