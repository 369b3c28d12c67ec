"""Adam (Kingma and Ba, 2014)."""

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

__all__ = ["Adam", "adam"]


class Adam(Optimizer):
    """Adam: steps by the mean of the gradients over the root of the mean of their squares.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        betas: shares of the old values in the two means, each in [0, 1).
        eps: added to the root.
        weight_decay: an L2 penalty, or a direct decay when ``decoupled_weight_decay``.
        amsgrad: whether to divide by the largest mean of squares so far (Reddi et al., 2018).
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.
        differentiable: whether autograd follows the step.
        fused: accepted; there is one way to compute it.
        decoupled_weight_decay: whether the decay leaves the means alone, as in `AdamW`.

    Raises:
        ValueError: for negative options, or betas outside of [0, 1).
        RuntimeError: for options that exclude each other.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3,
                 betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None,
                 maximize: bool = False, capturable: bool = False, differentiable: bool = False,
                 fused: bool | None = None, decoupled_weight_decay: bool = False) -> None:
        name = type(self).__name__
        check_one_element(name, "lr", lr)
        check_at_least_zero(name, lr=lr, eps=eps)
        for beta in betas:
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"{name}: expected betas in [0, 1), met {betas}")
        check_at_least_zero(name, weight_decay=weight_decay)
        for option, value in (("lr", lr), ("betas[0]", betas[0]), ("betas[1]", betas[1])):
            check_one_element(name, option, value)
            if isinstance(value, Tensor) and foreach and not capturable:
                raise ValueError(f"{name}: {option} as a tensor needs capturable=True when foreach=True")
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError(f"{name}: expected betas to be two numbers or two tensors, met {betas}")
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
                    "maximize": maximize, "foreach": foreach, "capturable": capturable,
                    "differentiable": differentiable, "fused": fused,
                    "decoupled_weight_decay": decoupled_weight_decay}
        super().__init__(params, defaults)
        check_one_way(name, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for option, default in (("amsgrad", False), ("maximize", False), ("foreach", None),
                                    ("capturable", False), ("differentiable", False),
                                    ("decoupled_weight_decay", False), ("fused", None)):
                group.setdefault(option, default)
        steps_as_tensors(self.state)

    def _state_of(self, param: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """The state of ``param``, made at its first step."""
        state = self.state[param]
        if not state:
            state["step"] = new_step(group, param)
            state["exp_avg"] = rushlight.zeros_like(param)
            state["exp_avg_sq"] = rushlight.zeros_like(param)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = rushlight.zeros_like(param)
        return state

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; ``closure`` computes the loss anew and its result is returned."""
        loss = self._loss_of(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            states = [self._state_of(p, group) for p in params]
            if group["amsgrad"] and group["differentiable"] and any(s["step"].requires_grad for s in states):
                raise RuntimeError(f"{type(self).__name__}: the step counter requires a gradient, which amsgrad with "
                                   "differentiable does not allow")
            adam(params, [p.grad for p in params], [s["exp_avg"] for s in states],
                 [s["exp_avg_sq"] for s in states],
                 [s["max_exp_avg_sq"] for s in states] if group["amsgrad"] else [], [s["step"] for s in states],
                 amsgrad=group["amsgrad"], beta1=group["betas"][0], beta2=group["betas"][1], lr=group["lr"],
                 weight_decay=group["weight_decay"], eps=group["eps"], maximize=group["maximize"],
                 capturable=group["capturable"], differentiable=group["differentiable"],
                 decoupled_weight_decay=group["decoupled_weight_decay"])
        return loss


def adam(params: list[Tensor], grads: list[Tensor], exp_avgs: list[Tensor], exp_avg_sqs: list[Tensor],
         max_exp_avg_sqs: list[Tensor], state_steps: list[Tensor], foreach: bool | None = None,
         capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
         grad_scale: Tensor | None = None, found_inf: Tensor | None = None, has_complex: bool = False,
         decoupled_weight_decay: bool = False, *, amsgrad: bool, beta1: float | Tensor, beta2: float | Tensor,
         lr: float | Tensor, weight_decay: float, eps: float, maximize: bool) -> None:
    """Update ``params`` by their gradients, and their state with them, in place."""
    follow = capturable or differentiable  # then the step counter stays a tensor, and all that is made of it
    if not follow:
        lr, beta1, beta2 = number(lr), number(beta1), number(beta2)
    for i, param in enumerate(params):
        if capturable and param.device.type == "cpu":
            raise AssertionError("capturable=True needs parameters on a device other than the CPU")
        grad = -grads[i] if maximize else grads[i]
        step_t = state_steps[i]
        step_t.add_(1)
        if weight_decay != 0:
            if decoupled_weight_decay:
                param.mul_(1 - lr * weight_decay)
            else:
                grad = grad.add(param, alpha=weight_decay)
        largest = max_exp_avg_sqs[i] if amsgrad else None
        param, grad, mean, square, largest = as_real(param, grad, exp_avgs[i], exp_avg_sqs[i], largest)
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=number(1 - beta2))
        if largest is not None:
            rushlight.maximum(largest, square, out=largest) if not differentiable else largest.copy_(
                rushlight.maximum(largest.clone(), square))
            square = largest
        step = step_t if follow else step_t.item()
        step_size = lr / (1 - beta1**step)
        denominator = (square.sqrt() / (1 - beta2**step) ** 0.5).add_(eps)
        if follow:
            param.addcdiv_(mean * -step_size, denominator)
        else:
            param.addcdiv_(mean, denominator, value=-step_size)
