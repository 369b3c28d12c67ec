"""Resilient backpropagation (Riedmiller and Braun, 1993)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, as_real, new_step, number
from rushlight.optim.stepwise import StepwiseOptimizer

__all__ = ["Rprop"]


class Rprop(StepwiseOptimizer):
    """Rprop: steps by the gradient's sign, longer while it stays, shorter where it turns.

    Args:
        params: parameters or groups of them.
        lr: the first length.
        etas: by how much a length shrinks (below 1) and grows (above 1).
        step_sizes: the least and the largest length.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.

    Raises:
        ValueError: for options out of their range.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, etas: tuple[float, float] = (0.5, 1.2),
                 step_sizes: tuple[float, float] = (1e-6, 50), *, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False, differentiable: bool = False) -> None:
        self._check(lr, foreach, capturable)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Rprop: expected etas on both sides of 1, met {etas}")
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach,
                                  "maximize": maximize, "differentiable": differentiable, "capturable": capturable})

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        lengths = rushlight.zeros_like(param)
        for part in as_real(lengths):
            part.fill_(number(group["lr"]))
        return {"step": new_step(group, param), "prev": rushlight.zeros_like(param), "step_size": lengths}

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"].add_(1)
        param, grad, before, lengths = as_real(param, grad, state["prev"], state["step_size"])
        shrink, grow = group["etas"]
        turned = grad * before
        factor = rushlight.where(turned > 0, grow, rushlight.where(turned < 0, shrink, rushlight.ones_like(lengths)))
        lengths.mul_(factor).clamp_(*group["step_sizes"])
        grad = rushlight.where(turned < 0, 0.0, grad)
        param.addcmul_(grad.sign(), lengths, value=-1)
        before.copy_(grad)
