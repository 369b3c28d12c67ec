"""Schedules in cycles, of the momentum too (Smith, 2015; Smith and Topin, 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rushlight.optim.lr_scheduler.base import (
    LRScheduler,
    check_optimizer,
    one_per_group,
    picklable_state,
    set_value,
)
from rushlight.optim.optimizer import Optimizer

__all__ = ["CyclicLR", "OneCycleLR"]


class _MomentumCycle(LRScheduler):
    """Base of the schedules that also set the momentum, or the first beta of Adam."""

    cycle_momentum: bool

    def _start_momentum(self, base: Any, most: Any, first: bool) -> None:
        """Check that there is a momentum, and set the largest one at the start of training."""
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError(f"{type(self).__name__}: the optimizer has no momentum to cycle; pass "
                             "cycle_momentum=False")
        self.use_beta1 = "betas" in defaults
        if first:
            groups = self.optimizer.param_groups
            for low, high, group in zip(base, most, groups, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low

    def _set_momentum(self, group: dict[str, Any], momentum: Any) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_MomentumCycle):
    """The learning rate goes up from ``base_lr`` to ``max_lr`` and down again, and the momentum the other way.

    Args:
        optimizer: whose learning rates are set.
        base_lr: the lowest learning rate, one or one for each group.
        max_lr: the highest.
        step_size_up: steps of the way up.
        step_size_down: steps of the way down; as many when None.
        mode: ``triangular``; ``triangular2``, which halves each cycle; ``exp_range``, times gamma ** step.
        gamma: the factor of ``exp_range``.
        scale_fn: a function that scales the height, in place of ``mode``.
        scale_mode: whether ``scale_fn`` gets the number of the ``cycle`` or of ``iterations``.
        cycle_momentum: whether the momentum is set, too.
        base_momentum: its lowest value.
        max_momentum: its highest value.
        last_epoch: the step after which training is resumed.

    Raises:
        ValueError: for an unknown mode, or an optimizer without momentum.
    """

    def __init__(self, optimizer: Optimizer, base_lr: Any, max_lr: Any, step_size_up: int = 2000,
                 step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
                 scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle",
                 cycle_momentum: bool = True, base_momentum: float = 0.8, max_momentum: float = 0.9,
                 last_epoch: int = -1) -> None:
        check_optimizer(self, optimizer)
        self.optimizer = optimizer
        base_lrs = one_per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                set_value(group, "lr", lr)
        self.max_lrs = one_per_group("max_lr", optimizer, max_lr)
        up = float(step_size_up)
        self.total_size = up + (up if step_size_down is None else float(step_size_down))
        self.step_ratio = up / self.total_size
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("CyclicLR: expected the mode 'triangular', 'triangular2' or 'exp_range', or a scale_fn; "
                             f"met {mode!r}")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        by_step = mode == "exp_range" if scale_fn is None else scale_mode != "cycle"
        self.scale_mode = scale_mode if scale_fn is not None else ("iterations" if by_step else "cycle")
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = one_per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = one_per_group("max_momentum", optimizer, max_momentum)
            self._start_momentum(self.base_momentums, self.max_momentums, last_epoch == -1)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of the cycle, 1 at the start."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "triangular":
            return 1.0
        return 1 / (2.0 ** (x - 1)) if self.mode == "triangular2" else self.gamma**x

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        slope = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for low, high, group in zip(self.base_momentums, self.max_momentums, self.optimizer.param_groups,
                                        strict=True):
                self._set_momentum(group, high - (high - low) * slope * height)
        return [low + (high - low) * slope * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimizer; of ``scale_fn`` only the attributes of a callable object."""
        state = super().state_dict()
        function = state.pop("_scale_fn_custom")
        state["_scale_fn_custom"] = None if function is None else picklable_state(function)
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; ``scale_fn`` stays the function it is."""
        saved = state_dict.get("_scale_fn_custom")
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        if saved is not None:
            self._scale_fn_custom.__dict__.update(saved)


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def _along_line(start: float, end: float, share: float) -> float:
    return (end - start) * share + start


class OneCycleLR(_MomentumCycle):
    """Up to ``max_lr`` once, then down to a small fraction of it, and the momentum the other way.

    Args:
        optimizer: whose learning rates are set.
        max_lr: the highest learning rate, one or one for each group.
        total_steps: steps of the cycle; or give ``epochs`` and ``steps_per_epoch``.
        epochs: epochs of the training.
        steps_per_epoch: steps of an epoch.
        pct_start: the part of the cycle that goes up.
        anneal_strategy: ``cos`` or ``linear``.
        cycle_momentum: whether the momentum is set, too.
        base_momentum: its lowest value.
        max_momentum: its highest value.
        div_factor: the first learning rate is max_lr / div_factor.
        final_div_factor: the last one is the first / final_div_factor.
        three_phase: whether the way down stops over at the first learning rate.
        last_epoch: the step after which training is resumed.

    Raises:
        ValueError: for lengths that are not positive, another strategy, or an optimizer without momentum.
        TypeError: when ``optimizer`` is none.
    """

    def __init__(self, optimizer: Optimizer, max_lr: Any, total_steps: int | None = None, epochs: int | None = None,
                 steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos",
                 cycle_momentum: bool = True, base_momentum: Any = 0.85, max_momentum: Any = 0.95,
                 div_factor: float = 25.0, final_div_factor: float = 1e4, three_phase: bool = False,
                 last_epoch: int = -1) -> None:
        check_optimizer(self, optimizer)
        self.optimizer = optimizer
        self.total_steps = self._length(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"OneCycleLR: expected pct_start to be a float between 0 and 1, met {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: expected anneal_strategy 'cos' or 'linear', met {anneal_strategy!r}")
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = self._phases(pct_start, three_phase)
        highest = one_per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for lr, group in zip(highest, optimizer.param_groups, strict=True):
                group["initial_lr"] = lr / div_factor
                group["max_lr"] = lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(one_per_group("base_momentum", optimizer, base_momentum),
                                 one_per_group("max_momentum", optimizer, max_momentum), last_epoch == -1)
        super().__init__(optimizer, last_epoch)

    @staticmethod
    def _length(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
        given = {"total_steps": total_steps} if total_steps is not None else {
            "epochs": epochs, "steps_per_epoch": steps_per_epoch}
        length = 1
        for name, value in given.items():
            if value is None:
                raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
            if value <= 0 or not isinstance(value, int):
                raise ValueError(f"OneCycleLR: expected {name} to be a positive int, met {value!r}")
            length *= value
        return length

    def _phases(self, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
        """For each phase its last step, and which of a group's values it goes from and to."""
        def phase(end: float, lr: str, momentum: str) -> dict[str, Any]:
            start_lr, end_lr = lr.split()
            start_momentum, end_momentum = momentum.split()
            return {"end_step": end, "start_lr": start_lr, "end_lr": end_lr, "start_momentum": start_momentum,
                    "end_momentum": end_momentum}

        up = phase(float(pct_start * self.total_steps) - 1, "initial_lr max_lr", "max_momentum base_momentum")
        last = self.total_steps - 1
        if not three_phase:
            return [up, phase(last, "max_lr min_lr", "base_momentum max_momentum")]
        return [up, phase(float(2 * pct_start * self.total_steps) - 2, "max_lr initial_lr",
                          "base_momentum max_momentum"), phase(last, "initial_lr min_lr", "max_momentum max_momentum")]

    def get_lr(self) -> list[Any]:
        self._warn_outside_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"OneCycleLR: step {step} lies beyond the {self.total_steps} steps of the cycle")
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        share = (step - start) / (end - start)
        anneal = _along_cosine if self._anneal_func_type == "cos" else _along_line
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._set_momentum(group, anneal(group[phase["start_momentum"]], group[phase["end_momentum"]], share))
        return [anneal(group[phase["start_lr"]], group[phase["end_lr"]], share)
                for group in self.optimizer.param_groups]
