"""Adafactor (Shazeer and Stern, 2018)."""

from __future__ import annotations

from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import ParamsT, number
from rushlight.optim.stepwise import StepwiseOptimizer

__all__ = ["Adafactor"]


# The distance from 1 to the next number.
_SPACING = {rushlight.float16: 2.0**-10, rushlight.bfloat16: 2.0**-7, rushlight.float32: 2.0**-23,
            rushlight.float64: 2.0**-52}


class Adafactor(StepwiseOptimizer):
    """Adafactor: the mean of a matrix's squared gradients is kept as one row and one column.

    Args:
        params: parameters or groups of them.
        lr: learning rate.
        beta2_decay: the power of the step by which old values fade.
        eps: the least root of a square (None: that of the dtype), and the least size of a parameter.
        d: the largest root mean square of an update.
        weight_decay: a direct decay.
        foreach: accepted; there is one way to compute it.
        maximize: whether to climb instead of descend.

    Raises:
        ValueError: for options out of their range.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1e-2, beta2_decay: float = -0.8,
                 eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
                 foreach: bool | None = None, maximize: bool = False) -> None:
        self._check(lr, None, False, weight_decay=weight_decay)
        if beta2_decay > 0:
            raise ValueError(f"Adafactor: expected beta2_decay of at most 0, met {beta2_decay}")
        if (eps[0] is not None and eps[0] < 0) or eps[1] < 0 or d < 1.0:
            raise ValueError(f"Adafactor: expected eps of at least 0 and d of at least 1, met {eps} and {d}")
        super().__init__(params, {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d,
                                  "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
                                  "differentiable": False})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        if any(p.dtype.is_complex for p in self.param_groups[-1]["params"]):
            raise RuntimeError("Adafactor: complex parameters are not supported")

    def _start(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = {"step": rushlight.tensor(0.0, dtype=rushlight.float32)}
        if param.dim() > 1:
            state["row_var"] = param.new_zeros((*param.shape[:-1], 1))
            state["col_var"] = param.new_zeros((*param.shape[:-2], 1, param.shape[-1]))
        else:
            state["variance"] = rushlight.zeros_like(param)
        return state

    def _update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        state["step"].add_(1)
        step, lr, (least, smallest) = number(state["step"]), number(group["lr"]), group["eps"]
        least = _SPACING[param.dtype] if least is None else least
        new = step ** group["beta2_decay"]
        size = param.numel() ** 0.5
        rate = max(smallest, param.norm(2).item() / size) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        squares = grad * grad
        if param.dim() > 1:
            row = state["row_var"].lerp_(squares.mean(-1, keepdim=True), new)
            column = state["col_var"].lerp_(squares.mean(-2, keepdim=True), new)
            variance = (row @ column) / row.mean(-2, keepdim=True).clamp(min=least)
        else:
            variance = state["variance"].lerp_(squares, new)
        update = variance.clamp(min=least * least).rsqrt() * grad
        param.add_(update, alpha=-rate / max(1.0, update.norm(2).item() / (size * group["d"])))
