"""RAdam (Liu et al., 2019)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, as_real, new_step, number
from rushlight.optim.stepwise import StepwiseOptimizer, check_betas, decayed

__all__ = ["RAdam"]


class RAdam(StepwiseOptimizer):
    """Adam that divides by the root of the squares' mean only once that mean can be trusted.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: shares of the old values in the two means, each in [0, 1).
        eps: added to the root.
        weight_decay: an L2 penalty, or a direct decay when ``decoupled_weight_decay``.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.

    Raises:
        ValueError: for options out of their range.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, decoupled_weight_decay: bool = False, *,
                 foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
                 differentiable: bool = False) -> None:
        self._check(lr, foreach, capturable, eps=eps, weight_decay=weight_decay)
        check_betas("RAdam", betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "maximize": maximize, "foreach": foreach, "capturable": capturable,
                                  "decoupled_weight_decay": decoupled_weight_decay,
                                  "differentiable": differentiable})

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"step": new_step(group, param), "exp_avg": rushlight.zeros_like(param),
                "exp_avg_sq": rushlight.zeros_like(param)}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"].add_(1)
        step, lr, (beta1, beta2) = number(state["step"]), number(group["lr"]), group["betas"]
        grad = decayed(param, grad, group, lr)
        param, grad, mean, square = as_real(param, grad, state["exp_avg"], state["exp_avg_sq"])
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        corrected, rest = mean / (1 - beta1**step), 1 - beta2**step
        most = 2 / (1 - beta2) - 1
        length = most - 2 * step * beta2**step / rest
        if length > 5:
            share = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
            corrected = corrected * lr * (rest**0.5 / (square.sqrt() + group["eps"])) * share**0.5
        else:
            corrected = corrected * lr
        param.sub_(corrected)
