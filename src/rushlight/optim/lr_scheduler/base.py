"""`LRScheduler`: what all schedules of learning rates share."""

from __future__ import annotations

import functools
import types
import warnings
import weakref
from typing import Any

from rushlight._native import Tensor
from rushlight.optim.optimizer import Optimizer

__all__ = ["LRScheduler"]


def copied(value: Any) -> Any:
    """A tensor's copy; any other value itself."""
    return value.clone() if isinstance(value, Tensor) else value


def values_of(optimizer: Optimizer, option: str) -> list[Any]:
    """An option of each parameter group; tensors are copied."""
    return [copied(group[option]) for group in optimizer.param_groups]


def set_value(group: dict[str, Any], option: str, value: Any) -> None:
    """Set an option of a parameter group; a tensor keeps its identity and is filled."""
    if isinstance(group[option], Tensor):
        group[option].fill_(float(value))
    else:
        group[option] = value


def one_per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """``value`` as a list with an entry for each parameter group.

    Raises:
        ValueError: when it is a list of another length.
    """
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [copied(value) for _ in range(count)]
    if len(value) != count:
        raise ValueError(f"{name}: expected {count} values, one for each parameter group, met {len(value)}")
    return [copied(v) for v in value]


def check_optimizer(scheduler: Any, optimizer: Any) -> None:
    """Raise TypeError when ``optimizer`` is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(scheduler).__name__}: expected an Optimizer, met {type(optimizer).__name__}")


def picklable_state(function: Any) -> dict[str, Any] | None:
    """The attributes of a callable object, as its checkpoint; None for a plain function, which has none."""
    return None if isinstance(function, types.FunctionType) else dict(getattr(function, "__dict__", {}))


class LRScheduler:
    """Base of the schedules: sets the learning rate of each parameter group, once an epoch (or step).

    Args:
        optimizer: whose learning rates are set.
        last_epoch: the epoch after which training is resumed; -1 starts it.

    Raises:
        TypeError: when ``optimizer`` is none.
        KeyError: when training is resumed and a group has no ``initial_lr``.
    """

    _get_lr_called_within_step: bool = False
    _is_initial: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(self, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"{type(self).__name__}: parameter group {i} has no 'initial_lr', which resuming at "
                               f"epoch {last_epoch} needs")
        self.base_lrs: list[Any] = values_of(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _count_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        """The step that sets the learning rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Return all attributes but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """Return the learning rates in force."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """Compute the next learning rates; each schedule defines it."""
        raise NotImplementedError(f"{type(self).__name__} defines no get_lr; a schedule needs one")

    def _lrs(self) -> list[Any]:
        """The learning rates in force, from the optimizer."""
        return values_of(self.optimizer, "lr")

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn("get_lr computes the next learning rates; for those in force use get_last_lr()",
                          stacklevel=3)

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to ``epoch`` (deprecated), and set the learning rates."""
        if self._step_count == 1:
            self._check_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn("LRScheduler.step(epoch) is deprecated; call step() once an epoch", stacklevel=2)
        self._update_lr(epoch)

    def _check_order(self) -> None:
        if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
            warnings.warn("optimizer.step was replaced after the schedule was made, so its calls cannot be counted; "
                          "make the schedule last", stacklevel=3)
        elif not getattr(self.optimizer, "_opt_called", False):
            warnings.warn("lr_scheduler.step() was called before optimizer.step(): the first learning rate of the "
                          "schedule is skipped; call the optimizer first", stacklevel=3)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                values = self.get_lr()
            else:
                self.last_epoch = epoch
                closed_form = getattr(self, "_get_closed_form_lr", self.get_lr)
                values = closed_form()
        finally:
            self._get_lr_called_within_step = False
        self._set(values)

    def _set(self, values: list[Any]) -> None:
        """Put the learning rates into the parameter groups."""
        for group, lr in zip(self.optimizer.param_groups, values, strict=False):
            set_value(group, "lr", lr)
        self._last_lr = values_of(self.optimizer, "lr")


def _count_steps(optimizer: Optimizer) -> None:
    """Let ``optimizer`` remember that it stepped: a schedule must not step first."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    own: Any = optimizer.__dict__.get("step")
    step = type(optimizer).step if own is None else own.__func__
    # The optimizer holds this wrapper, so the wrapper must not hold the optimizer.
    owner = weakref.ref(optimizer)

    @functools.wraps(step)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        target = owner()
        target._opt_called = True  # type: ignore[union-attr]
        return step.__get__(target, type(target))(*args, **kwargs)

    wrapped._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    optimizer.step = wrapped  # type: ignore[method-assign]
