"""Schedules made of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from rushlight.optim.lr_scheduler.base import LRScheduler, set_value, values_of
from rushlight.optim.lr_scheduler.plateau import ReduceLROnPlateau
from rushlight.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Joined(LRScheduler):
    """Base of the schedules made of others: checks them, and saves them with itself."""

    _schedulers: list[LRScheduler]

    def _check(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer) -> None:
        name = type(self).__name__
        for i, scheduler in enumerate(schedulers):
            if not hasattr(scheduler, "optimizer"):
                raise TypeError(f"{name}: schedule {i}, a {type(scheduler).__name__}, has no optimizer")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{name}: a ReduceLROnPlateau (schedule {i}) needs a metric, so it cannot be joined")
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{name}: schedule {i} is of another optimizer")

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimizer, and the state of each schedule."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("optimizer", "_schedulers")}
        state["_schedulers"] = [scheduler.state_dict() for scheduler in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, saved in zip(self._schedulers, state_dict["_schedulers"], strict=False):
            scheduler.load_state_dict(saved)


class SequentialLR(_Joined):
    """One schedule after another, changed at the epochs ``milestones``.

    Raises:
        ValueError: when there is none, they are of several optimizers, or the milestones do not fit.
        TypeError: when one has no optimizer.
    """

    def __init__(self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int],
                 last_epoch: int = -1) -> None:
        if len(schedulers) < 1:
            raise ValueError("SequentialLR: expected at least 1 schedule, met none")
        self._check(schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(f"SequentialLR: expected {len(schedulers) - 1} milestones for {len(schedulers)} "
                             f"schedules, met {len(milestones)}")
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Each schedule took its first step when it was made; take them back, and let the first alone step.
        for group in optimizer.param_groups:
            set_value(group, "lr", group["initial_lr"])
        _undo_first_steps(self)
        schedulers[0]._initial_step()
        self._last_lr = schedulers[0].get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch and set the learning rates by the schedule in force."""
        self.last_epoch += 1
        index = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[index]
        if index > 0 and self._milestones[index - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _undo_first_steps(scheduler: LRScheduler) -> None:
    if isinstance(scheduler, _Joined):
        for inner in scheduler._schedulers:
            _undo_first_steps(inner)
    else:
        scheduler.last_epoch -= 1


class ChainedScheduler(_Joined):
    """Several schedules at once: each changes the learning rate that the one before left.

    Raises:
        ValueError: when there is none, or they are of several optimizers.
        TypeError: when one has no optimizer.
        AttributeError: when no optimizer is given and the first has none.
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        if len(schedulers) < 1:
            raise ValueError("ChainedScheduler: expected at least 1 schedule, met none")
        if optimizer is None:
            optimizer = schedulers[0].optimizer
        self._check(schedulers, optimizer)
        self._schedulers = list(schedulers)
        self.optimizer = optimizer
        self._last_lr = values_of(self.optimizer, "lr")

    def step(self) -> None:  # type: ignore[override]
        """Let each schedule step."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = values_of(self.optimizer, "lr")
