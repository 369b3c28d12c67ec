"""NAdam (Dozat, 2016)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, as_real, new_step, number
from rushlight.optim.stepwise import StepwiseOptimizer, check_betas, decayed

__all__ = ["NAdam"]


class NAdam(StepwiseOptimizer):
    """Adam with Nesterov's momentum.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: shares of the old values in the two means, each in [0, 1).
        eps: added to the root.
        weight_decay: an L2 penalty, or a direct decay when ``decoupled_weight_decay``.
        momentum_decay: how fast the momentum rises to betas[0].
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.

    Raises:
        ValueError: for options out of their range.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 2e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, weight_decay: float = 0, momentum_decay: float = 4e-3,
                 decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
                 capturable: bool = False, differentiable: bool = False) -> None:
        self._check(lr, foreach, capturable, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_betas("NAdam", betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
                                  "momentum_decay": momentum_decay, "decoupled_weight_decay": decoupled_weight_decay,
                                  "maximize": maximize, "foreach": foreach, "capturable": capturable,
                                  "differentiable": differentiable})

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        step = new_step(group, param)
        return {"step": step, "mu_product": rushlight.ones_like(step), "exp_avg": rushlight.zeros_like(param),
                "exp_avg_sq": rushlight.zeros_like(param)}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"].add_(1)
        step, lr, (beta1, beta2) = number(state["step"]), number(group["lr"]), group["betas"]
        grad = decayed(param, grad, group, lr)
        mu, mu_next = (beta1 * (1.0 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        state["mu_product"].mul_(mu)
        product = number(state["mu_product"])
        param, grad, mean, square = as_real(param, grad, state["exp_avg"], state["exp_avg_sq"])
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denominator = square.div(1 - beta2**step).sqrt() + group["eps"]
        param.addcdiv_(grad, denominator, value=-lr * (1 - mu) / (1 - product))
        param.addcdiv_(mean, denominator, value=-lr * mu_next / (1 - product * mu_next))
