"""Adagrad (Duchi et al., 2011)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    _use_grad_for_differentiable,
    as_real,
    check_at_least_zero,
    check_one_element,
    check_one_way,
    new_step,
    number,
    steps_as_tensors,
)

__all__ = ["Adagrad", "adagrad"]


class Adagrad(Optimizer):
    """Adagrad: steps by the gradient over the root of the sum of all its squares.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        lr_decay: the learning rate is divided by 1 + lr_decay * steps.
        weight_decay: an L2 penalty.
        initial_accumulator_value: where the sums of squares start.
        eps: added to the root.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.
        fused: accepted; there is one way to compute it.

    Raises:
        ValueError: for negative options.
        RuntimeError: for options that exclude each other.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
                 initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *,
                 maximize: bool = False, differentiable: bool = False, fused: bool | None = None) -> None:
        check_one_element("Adagrad", "lr", lr)
        check_at_least_zero("Adagrad", lr=lr, lr_decay=lr_decay, weight_decay=weight_decay,
                            initial_accumulator_value=initial_accumulator_value, eps=eps)
        defaults = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                    "initial_accumulator_value": initial_accumulator_value, "foreach": foreach,
                    "maximize": maximize, "differentiable": differentiable, "fused": fused}
        super().__init__(params, defaults)
        check_one_way("Adagrad", defaults)
        for group in self.param_groups:
            for param in group["params"]:
                start = group["initial_accumulator_value"]
                start = complex(start, start) if param.dtype.is_complex else start
                self.state[param] = {"step": new_step(group, param), "sum": rushlight.full_like(param, start)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for option, default in (("foreach", None), ("maximize", False), ("differentiable", False),
                                    ("fused", None)):
                group.setdefault(option, default)
        steps_as_tensors(self.state)

    def share_memory(self) -> None:
        """Move the sums of squares to memory that other processes can share."""
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param]["sum"].share_memory_()

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; ``closure`` computes the loss anew and its result is returned."""
        loss = self._loss_of(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            adagrad(params, [p.grad for p in params], [self.state[p]["sum"] for p in params],
                    [self.state[p]["step"] for p in params], lr=group["lr"], weight_decay=group["weight_decay"],
                    lr_decay=group["lr_decay"], eps=group["eps"], maximize=group["maximize"])
        return loss


def adagrad(params: list[Tensor], grads: list[Tensor], state_sums: list[Tensor], state_steps: list[Tensor],
            fused: bool | None = None, grad_scale: Tensor | None = None, found_inf: Tensor | None = None,
            has_sparse_grad: bool = False, foreach: bool | None = None, differentiable: bool = False,
            has_complex: bool = False, *, lr: float | Tensor, weight_decay: float, lr_decay: float, eps: float,
            maximize: bool) -> None:
    """Update ``params`` by their gradients, and their state with them, in place."""
    lr = number(lr)
    for param, grad, total, step_t in zip(params, grads, state_sums, state_steps, strict=True):
        step_t.add_(1)
        grad = -grad if maximize else grad
        if weight_decay != 0:
            grad = grad.add(param, alpha=weight_decay)
        rate = lr / (1 + (step_t.item() - 1) * lr_decay)
        param, grad, total = as_real(param, grad, total)
        total.addcmul_(grad, grad, value=1)
        param.addcdiv_(grad, total.sqrt().add(eps), value=-rate)
