"""RMSprop (Hinton, 2012)."""

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
    number,
    steps_as_tensors,
)

__all__ = ["RMSprop", "rmsprop"]


class RMSprop(Optimizer):
    """RMSprop: steps by the gradient over the root of the mean of its squares.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        alpha: share of the old value in the mean.
        eps: added to the root.
        weight_decay: an L2 penalty.
        momentum: share of the last update that is kept.
        centered: whether the mean of the gradients is taken off, which makes a variance of the squares.
        capturable: whether the step can be captured in a graph of the device; not on the CPU.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.
        differentiable: whether autograd follows the step.

    Raises:
        ValueError: for negative options.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, alpha: float = 0.99, eps: float = 1e-8,
                 weight_decay: float = 0, momentum: float = 0, centered: bool = False, capturable: bool = False,
                 foreach: bool | None = None, maximize: bool = False, differentiable: bool = False) -> None:
        check_one_element("RMSprop", "lr", lr)
        check_at_least_zero("RMSprop", lr=lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered,
                    "weight_decay": weight_decay, "capturable": capturable, "foreach": foreach,
                    "maximize": maximize, "differentiable": differentiable}
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for option, default in (("momentum", 0), ("centered", False), ("foreach", None), ("maximize", False),
                                    ("differentiable", False), ("capturable", False)):
                group.setdefault(option, default)
        steps_as_tensors(self.state)

    def _state_of(self, param: Tensor, group: dict[str, Any]) -> dict[str, Tensor]:
        """The state of ``param``, made at its first step."""
        state = self.state[param]
        if not state:
            device = param.device if group["capturable"] else None
            state["step"] = rushlight.zeros((), dtype=rushlight.float32, device=device)
            state["square_avg"] = rushlight.zeros_like(param)
            if group["momentum"] > 0:
                state["momentum_buffer"] = rushlight.zeros_like(param)
            if group["centered"]:
                state["grad_avg"] = rushlight.zeros_like(param)
        return state

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; ``closure`` computes the loss anew and its result is returned."""
        loss = self._loss_of(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            states = [self._state_of(p, group) for p in params]
            rmsprop(params, [p.grad for p in params], [s["square_avg"] for s in states],
                    [s["grad_avg"] for s in states] if group["centered"] else [],
                    [s["momentum_buffer"] for s in states] if group["momentum"] > 0 else [],
                    [s["step"] for s in states], lr=group["lr"], alpha=group["alpha"], eps=group["eps"],
                    weight_decay=group["weight_decay"], momentum=group["momentum"], centered=group["centered"],
                    maximize=group["maximize"], capturable=group["capturable"],
                    differentiable=group["differentiable"])
        return loss


def rmsprop(params: list[Tensor], grads: list[Tensor], square_avgs: list[Tensor], grad_avgs: list[Tensor],
            momentum_buffer_list: list[Tensor], state_steps: list[Tensor], foreach: bool | None = None,
            maximize: bool = False, differentiable: bool = False, capturable: bool = False,
            has_complex: bool = False, *, lr: float | Tensor, alpha: float, eps: float, weight_decay: float,
            momentum: float, centered: bool) -> None:
    """Update ``params`` by their gradients, and their state with them, in place."""
    lr = number(lr)
    for i, param in enumerate(params):
        if capturable and param.device.type == "cpu":
            raise AssertionError("capturable=True needs parameters on a device other than the CPU")
        state_steps[i].add_(1)
        grad = -grads[i] if maximize else grads[i]
        if weight_decay != 0:
            grad = grad.add(param, alpha=weight_decay)
        mean = grad_avgs[i] if centered else None
        buffer = momentum_buffer_list[i] if momentum > 0 else None
        param, grad, square, mean, buffer = as_real(param, grad, square_avgs[i], mean, buffer)
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if mean is not None:
            mean.lerp_(grad, 1 - alpha)
            root = square.addcmul(mean, mean, value=-1).sqrt()
        else:
            root = square.sqrt()
        root = root.add(eps)
        if buffer is not None:
            buffer.mul_(momentum).addcdiv_(grad, root)
            param.add_(buffer, alpha=-lr)
        else:
            param.addcdiv_(grad, root, value=-lr)
