"""Stochastic gradient descent, with momentum (Sutskever et al., 2013)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._native import Tensor
from rushlight.optim.optimizer import (
    Optimizer,
    ParamsT,
    _use_grad_for_differentiable,
    check_at_least_zero,
    check_one_element,
    check_one_way,
    number,
)

__all__ = ["SGD", "sgd"]


class SGD(Optimizer):
    """Stochastic gradient descent.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        momentum: share of the last update that is kept.
        dampening: share of the gradient that does not enter the momentum.
        weight_decay: an L2 penalty.
        nesterov: whether to look ahead along the momentum; needs a momentum and no dampening.
        maximize: whether to climb instead of descend.
        foreach: accepted; there is one way to compute it.
        differentiable: whether autograd follows the step.
        fused: accepted; there is one way to compute it.

    Raises:
        ValueError: for negative options, or nesterov without momentum.
        RuntimeError: for options that exclude each other.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-3, momentum: float = 0, dampening: float = 0,
                 weight_decay: float | Tensor = 0, nesterov: bool = False, *, maximize: bool = False,
                 foreach: bool | None = None, differentiable: bool = False, fused: bool | None = None) -> None:
        check_one_element("SGD", "lr", lr)
        check_at_least_zero("SGD", lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and a dampening of 0")
        defaults = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
                    "nesterov": nesterov, "maximize": maximize, "foreach": foreach,
                    "differentiable": differentiable, "fused": fused}
        super().__init__(params, defaults)
        check_one_way("SGD", defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for option, default in (("nesterov", False), ("maximize", False), ("foreach", None),
                                    ("differentiable", False), ("fused", False)):
                group.setdefault(option, default)

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; ``closure`` computes the loss anew and its result is returned."""
        loss = self._loss_of(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            uses_momentum = group["momentum"] != 0
            buffers = [self.state[p].get("momentum_buffer") if uses_momentum else None for p in params]
            sgd(params, [p.grad for p in params], buffers, weight_decay=group["weight_decay"],
                momentum=group["momentum"], lr=group["lr"], dampening=group["dampening"],
                nesterov=group["nesterov"], maximize=group["maximize"], differentiable=group["differentiable"])
            if uses_momentum:
                for param, buffer in zip(params, buffers, strict=True):
                    self.state[param]["momentum_buffer"] = buffer
        return loss


def sgd(params: list[Tensor], d_p_list: list[Tensor], momentum_buffer_list: list[Tensor | None],
        has_sparse_grad: bool = False, foreach: bool | None = None, fused: bool | None = None,
        differentiable: bool = False, *, weight_decay: float, momentum: float, lr: float | Tensor, dampening: float,
        nesterov: bool, maximize: bool) -> None:
    """Update ``params`` by their gradients, in place; a missing momentum buffer is made and put into its list."""
    if not differentiable:
        lr = number(lr)
    for i, param in enumerate(params):
        grad = -d_p_list[i] if maximize else d_p_list[i]
        if weight_decay != 0:
            grad = grad.add(param, alpha=number(weight_decay))
        if momentum != 0:
            buffer = momentum_buffer_list[i]
            if buffer is None:
                buffer = momentum_buffer_list[i] = grad.detach().clone()
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - dampening)
            grad = grad.add(buffer, alpha=momentum) if nesterov else buffer
        if isinstance(lr, Tensor):
            param.addcmul_(grad, lr, value=-1)
        else:
            param.add_(grad, alpha=-lr)
