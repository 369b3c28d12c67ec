"""Averaged stochastic gradient descent (Polyak and Juditsky, 1992)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, as_real, new_step, number
from rushlight.optim.stepwise import StepwiseOptimizer, decayed

__all__ = ["ASGD"]


class ASGD(StepwiseOptimizer):
    """Gradient descent with a falling rate, and the mean of the parameters it passed, in the state's ``ax``.

    Args:
        params: parameters or groups of them.
        lr: learning rate at the start.
        lambd: how fast it falls.
        alpha: the power of its fall.
        t0: the step from which the mean is taken.
        weight_decay: an L2 penalty.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.

    Raises:
        ValueError: for options out of their range.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, lambd: float = 1e-4, alpha: float = 0.75,
                 t0: float = 1e6, weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False,
                 differentiable: bool = False, capturable: bool = False) -> None:
        self._check(lr, foreach, capturable, weight_decay=weight_decay)
        super().__init__(params, {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay,
                                  "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
                                  "capturable": capturable})

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        step = new_step(group, param)
        return {"step": step, "eta": rushlight.full_like(step, number(group["lr"])), "mu": rushlight.ones_like(step),
                "ax": rushlight.zeros_like(param)}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"].add_(1)
        step, eta, mu, lr = number(state["step"]), number(state["eta"]), number(state["mu"]), number(group["lr"])
        grad = decayed(param, grad, group)
        param, grad, mean = as_real(param, grad, state["ax"])
        param.mul_(1 - group["lambd"] * eta)
        param.add_(grad, alpha=-eta)
        if mu == 1:
            mean.copy_(param)
        else:
            mean.add_((param - mean) * mu)
        state["eta"].fill_(lr / (1 + group["lambd"] * lr * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))
