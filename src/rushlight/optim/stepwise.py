"""What the optimizers share that treat each parameter by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rushlight._native import Tensor
from rushlight.optim.optimizer import (
    Optimizer,
    _use_grad_for_differentiable,
    check_at_least_zero,
    check_one_element,
    steps_as_tensors,
)

WAYS = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}


def check_betas(name: str, betas: tuple[float, float]) -> None:
    """Raise ValueError unless both lie in [0, 1)."""
    if not all(0.0 <= beta < 1.0 for beta in betas):
        raise ValueError(f"{name}: expected betas in [0, 1), met {betas}")


def decayed(param: Tensor, grad: Tensor, group: dict[str, Any], lr: float = 0.0) -> Tensor:
    """The gradient with the group's weight decay; a decoupled one shrinks the parameter instead."""
    decay = group["weight_decay"]
    if decay == 0:
        return grad
    if group.get("decoupled_weight_decay"):
        param.mul_(1 - lr * decay)
        return grad
    return grad.add(param, alpha=decay)


class StepwiseOptimizer(Optimizer):
    """An optimizer whose step goes over the parameters one by one.

    A class says how a parameter's state begins (`_start`) and how the parameter is updated (`_update`).
    """

    def _check(self, lr: float | Tensor, foreach: bool | None, capturable: bool, **options: float) -> None:
        name = type(self).__name__
        check_one_element(name, "lr", lr)
        check_at_least_zero(name, lr=lr, **options)
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError(f"{name}: lr as a tensor needs capturable=True when foreach=True")

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for option, default in self.defaults.items() if "lr" in self.defaults else WAYS.items():
                if option != "lr":
                    group.setdefault(option, default)
        steps_as_tensors(self.state)

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} does not say how its state begins")

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        raise NotImplementedError(f"{type(self).__name__} does not say how it updates a parameter")

    @_use_grad_for_differentiable
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; ``closure`` computes the loss anew and its result is returned."""
        loss = self._loss_of(closure)
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is None:
                    continue
                if group.get("capturable") and param.device.type == "cpu":
                    raise AssertionError("capturable=True needs parameters on a device other than the CPU")
                state = self.state[param]
                if not state:
                    state.update(self._start(param, group))
                self._update(param, -param.grad if group.get("maximize") else param.grad, state, group)
        return loss
