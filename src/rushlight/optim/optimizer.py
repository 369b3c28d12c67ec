"""`Optimizer`: parameter groups, state, checkpoints and hooks; what all optimizers share."""

from __future__ import annotations

import functools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.nn.modules.module import clear_grad
from rushlight.utils.hooks import RemovableHandle

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

ParamsT = Iterable[Any]

_global_optimizer_pre_hooks: dict[int, Callable] = OrderedDict()
_global_optimizer_post_hooks: dict[int, Callable] = OrderedDict()


class _RequiredParameter:
    """Stands for the default of an option that each group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()


def _register(hooks: dict[int, Callable], hook: Callable, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)  # type: ignore[attr-defined]
    return handle


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` before the step of every optimizer; it may return (args, kwargs)."""
    return _register(_global_optimizer_pre_hooks, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(optimizer, args, kwargs)`` after the step of every optimizer."""
    return _register(_global_optimizer_post_hooks, hook)


def _use_grad_for_differentiable(step: Callable) -> Callable:
    """Run a step outside of autograd, unless the optimizer was made differentiable."""

    @functools.wraps(step)
    def wrapped(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        with rushlight.set_grad_enabled(self.defaults["differentiable"]):
            return step(self, *args, **kwargs)

    return wrapped


def _hooked(step: Callable) -> Callable:
    """Run the step's hooks around it."""

    @functools.wraps(step)
    def wrapped(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        for hook in (*_global_optimizer_pre_hooks.values(), *self._optimizer_step_pre_hooks.values()):
            replaced = hook(self, args, kwargs)
            if replaced is not None:
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError("a step pre-hook must return None or (args, kwargs); "
                                       f"{getattr(hook, '__name__', hook)} returned {replaced!r}")
                args, kwargs = replaced
        result = step(self, *args, **kwargs)
        for hook in (*self._optimizer_step_post_hooks.values(), *_global_optimizer_post_hooks.values()):
            hook(self, args, kwargs)
        return result

    wrapped.hooked = True  # type: ignore[attr-defined]
    return wrapped


class Optimizer:
    """Base of all optimizers.

    Args:
        params: parameters, (name, parameter) pairs, or dictionaries of groups with their options.
        defaults: the options of groups that do not give them.

    Raises:
        TypeError: when ``params`` is a tensor, or holds something that is none.
        ValueError: when there is no parameter, or one stands in two groups.
    """

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, Tensor):
            raise TypeError(f"{type(self).__name__}: expected an iterable of parameters or groups, met one tensor; "
                            "put it into a list")
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        groups = list(params)
        if not groups:
            raise ValueError(f"{type(self).__name__}: met no parameters to optimize; pass model.parameters(), anew "
                             "if it was a generator that ran out")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        self._optimizer_step_pre_hooks: dict[int, Callable] = OrderedDict()
        self._optimizer_step_post_hooks: dict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_pre_hooks: dict[int, Callable] = OrderedDict()
        self._optimizer_state_dict_post_hooks: dict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks: dict[int, Callable] = OrderedDict()
        self._optimizer_load_state_dict_post_hooks: dict[int, Callable] = OrderedDict()
        cls = type(self)
        if not getattr(cls.step, "hooked", False):
            cls.step = _hooked(cls.step)  # type: ignore[method-assign]

    def __getstate__(self) -> dict[str, Any]:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_optimizer_step_pre_hooks" not in self.__dict__:
            self._make_hooks()
        self.defaults.setdefault("differentiable", False)

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {key}: {group[key]}\n" for key in sorted(group) if key != "params")
        return text + ")"

    # --- hooks

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` before each step; it may return (args, kwargs) in their place."""
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(optimizer, args, kwargs)`` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` before ``state_dict`` is made."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` after it is made; a result takes its place."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer, state_dict)`` before it is loaded; a result takes its place."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(optimizer)`` after a ``state_dict`` was loaded."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)

    # --- checkpoints

    def state_dict(self) -> dict[str, Any]:
        """Return ``{"state": ..., "param_groups": ...}``, with parameters named by their position."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        position: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for param in group["params"]:
                position.setdefault(id(param), len(position))
            packed = {key: value for key, value in group.items() if key != "params"}
            packed["params"] = [position[id(param)] for param in group["params"]]
            groups.append(packed)
        state = {position[id(key)] if isinstance(key, Tensor) else key: value for key, value in self.state.items()}
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            replaced = hook(self, result)
            result = result if replaced is None else replaced
        return result

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over state and options; state is cast to the dtype and device of its parameter.

        Raises:
            ValueError: when the groups differ in number or size.
        """
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            replaced = hook(self, state_dict)
            state_dict = state_dict if replaced is None else replaced
        saved_groups = deepcopy(state_dict["param_groups"])
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(f"load_state_dict: expected {len(self.param_groups)} parameter groups, met "
                             f"{len(saved_groups)}")
        for i, (group, saved) in enumerate(zip(self.param_groups, saved_groups, strict=True)):
            if len(group["params"]) != len(saved["params"]):
                raise ValueError(f"load_state_dict: expected {len(group['params'])} parameters in group {i}, met "
                                 f"{len(saved['params'])}")
        owner = {}
        for group, saved in zip(self.param_groups, saved_groups, strict=True):
            for position, param in zip(saved["params"], group["params"], strict=True):
                owner[position] = (param, bool(saved.get("fused") or saved.get("capturable")))
            saved["params"] = group["params"]
            if "param_names" in group and "param_names" not in saved:
                saved["param_names"] = group["param_names"]
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            if key in owner:
                param, step_on_device = owner[key]
                state[param] = _cast_state(param, value, step_on_device)
            else:
                state[key] = value
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    # --- groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters with options of their own, such as layers that are unfrozen later.

        Args:
            param_group: ``{"params": parameters or (name, parameter) pairs, option: value, ...}``.

        Raises:
            TypeError: when it is no dictionary, or holds something other than tensors, or a set.
            ValueError: when a parameter is no leaf, stands in another group, or lacks a name the others have.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"add_param_group: expected a dict, met {type(param_group).__name__}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError("add_param_group: expected parameters in an order, met a set; use a list")
        entries = [params] if isinstance(params, Tensor) else list(params)
        names = [entry[0] for entry in entries if isinstance(entry, tuple)]
        if names and len(names) != len(entries):
            raise ValueError("add_param_group: some parameters come with a name and some without")
        entries = [entry[1] if isinstance(entry, tuple) else entry for entry in entries]
        self._check_params(entries)
        param_group["params"] = entries
        if names:
            param_group["param_names"] = names
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(f"add_param_group: the group does not give {name}, which has no default")
            param_group.setdefault(name, default)
        if len(entries) != len(set(entries)):
            warnings.warn("add_param_group: a parameter stands in the group twice; it would be updated twice",
                          stacklevel=3)
        present = {param for group in self.param_groups for param in group["params"]}
        if not present.isdisjoint(entries):
            raise ValueError("add_param_group: a parameter stands in another group already")
        if self.param_groups and ("param_names" in self.param_groups[0]) != ("param_names" in param_group):
            raise ValueError("add_param_group: either all groups have names of their parameters or none")
        self.param_groups.append(param_group)

    def _check_params(self, params: list[Any]) -> None:
        for param in params:
            if not isinstance(param, Tensor):
                raise TypeError(f"{type(self).__name__}: expected tensors to optimize, met {type(param).__name__}")
            if not (self.defaults.get("differentiable") or param.is_leaf or param.retains_grad):
                raise ValueError(f"{type(self).__name__}: met a tensor that was computed from others; only leaves can "
                                 "be optimized; pass it as a Parameter, or use .detach().requires_grad_()")

    # --- steps

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros when ``set_to_none`` is false."""
        for group in self.param_groups:
            for param in group["params"]:
                clear_grad(param, set_to_none)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once.

        Args:
            closure: computes the loss and its gradients anew; its result is returned.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no step; an optimizer needs one")

    def _loss_of(self, closure: Callable[[], Any] | None) -> Any:
        if closure is None:
            return None
        with rushlight.enable_grad():
            return closure()

    def _cuda_graph_capture_health_check(self) -> None:
        """Kept for code that calls it; nothing is captured here."""


def _cast_state(param: Tensor, value: Any, step_on_device: bool, key: Any = None) -> Any:
    """State as it fits ``param``: its dtype, where that is a floating-point one, and device; steps stay as they are."""
    if isinstance(value, Tensor):
        if key == "step":
            return value.to(dtype=rushlight.float32, device=param.device) if step_on_device else value
        if param.is_floating_point():
            return value.to(dtype=param.dtype, device=param.device)
        return value.to(device=param.device)
    if isinstance(value, dict):
        return {k: _cast_state(param, v, step_on_device, k) for k, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return type(value)(_cast_state(param, v, step_on_device) for v in value)  # type: ignore[call-arg]
    return value


def check_one_way(name: str, group: dict[str, Any]) -> None:
    """Raise RuntimeError when options that exclude each other are set together."""
    if group.get("fused"):
        if group.get("differentiable"):
            raise RuntimeError(f"{name}: fused and differentiable exclude each other")
        if group.get("foreach"):
            raise RuntimeError(f"{name}: fused and foreach exclude each other")


def check_at_least_zero(name: str, **options: Any) -> None:
    """Raise ValueError when an option is negative (or NaN)."""
    for option, value in options.items():
        if not value >= 0.0:
            raise ValueError(f"{name}: expected {option} of at least 0, met {value}")


def check_one_element(name: str, option: str, value: Any) -> None:
    """Raise ValueError when an option is a tensor of more than one element."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise ValueError(f"{name}: expected {option} to be a number or a tensor of 1 element, met {value.numel()}")


def number(value: Any) -> Any:
    """The Python number of an option that may be a tensor of one element."""
    return value.item() if isinstance(value, Tensor) else value


def new_step(group: dict[str, Any], param: Tensor) -> Tensor:
    """A step counter at 0: on the CPU, where reading it costs nothing, unless the group wants it on the device."""
    if group.get("capturable") or group.get("fused"):
        return rushlight.zeros((), dtype=rushlight.float32, device=param.device)
    wide = rushlight.get_default_dtype() == rushlight.float64
    return rushlight.tensor(0.0, dtype=rushlight.float64 if wide else rushlight.float32)


def steps_as_tensors(state: dict[Any, Any]) -> None:
    """Turn step counters of old checkpoints, which are numbers, into tensors."""
    for entry in state.values():
        if "step" in entry and not isinstance(entry["step"], Tensor):
            entry["step"] = rushlight.tensor(float(entry["step"]), dtype=rushlight.float32)


def as_real(*tensors: Tensor | None) -> list[Any]:
    """Views of complex tensors as pairs of real numbers; real tensors and None unchanged."""
    return [rushlight.view_as_real(t) if t is not None and t.dtype.is_complex else t for t in tensors]
