"""`state_dict` and `load_state_dict` of modules."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

import rushlight
from rushlight._errors import marked_against
from rushlight._native import Tensor
from rushlight.nn.modules._hooks import _WrappedHook
from rushlight.nn.parameter import Parameter, is_lazy
from rushlight.utils.hooks import RemovableHandle

_EXTRA_STATE_KEY_SUFFIX = "_extra_state"


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` found missing and superfluous."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


def _is_tensor_like(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(value, "__torch_function__")


class StateMixin:
    """The part of `Module` that saves and loads its state."""

    _version: int
    _parameters: Any
    _buffers: Any
    _modules: Any
    _non_persistent_buffers_set: set[str]
    _state_dict_hooks: Any
    _state_dict_pre_hooks: Any
    _load_state_dict_pre_hooks: Any
    _load_state_dict_post_hooks: Any

    def get_extra_state(self) -> Any:
        """Return what else belongs into the module's ``state_dict``; override together with `set_extra_state`."""
        raise RuntimeError(f"{type(self).__name__}.get_extra_state is not defined, but an extra state is asked for; "
                           "define it, or remove set_extra_state")

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` returned; override together with it."""
        raise RuntimeError(f"{type(self).__name__}.set_extra_state is not defined, but the state_dict has an extra "
                           "state for it; define it, or load with strict=False")

    def _has_own(self, method: str) -> bool:
        return getattr(type(self), method) is not getattr(StateMixin, method)

    # --- hooks

    def _register_state_dict_hook(self, hook: Callable) -> RemovableHandle:
        if getattr(hook, "_from_public_api", False):
            raise RuntimeError("this hook was registered with register_state_dict_post_hook before; a hook cannot "
                               "be both a public and a private one")
        handle = RemovableHandle(self._state_dict_hooks)
        self._state_dict_hooks[handle.id] = hook
        return handle

    def register_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata)`` after the module wrote its state; it returns None."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        handle = RemovableHandle(self._state_dict_hooks)
        self._state_dict_hooks[handle.id] = hook
        return handle

    def register_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(module, prefix, keep_vars)`` before the module writes its state."""
        handle = RemovableHandle(self._state_dict_pre_hooks)
        self._state_dict_pre_hooks[handle.id] = hook
        return handle

    def _register_load_state_dict_pre_hook(self, hook: Callable, with_module: bool = False) -> RemovableHandle:
        handle = RemovableHandle(self._load_state_dict_pre_hooks)
        self._load_state_dict_pre_hooks[handle.id] = _WrappedHook(hook, self if with_module else None)
        return handle

    def register_load_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(module, state_dict, prefix, metadata, strict, missing, unexpected, errors)`` before loading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(module, incompatible_keys)`` after loading; it may change the lists of keys and returns None."""
        handle = RemovableHandle(self._load_state_dict_post_hooks)
        self._load_state_dict_post_hooks[handle.id] = hook
        return handle

    # --- saving

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Write the module's own parameters and buffers, without its submodules', into ``destination``."""
        for name, param in self._parameters.items():
            if param is not None:
                destination[prefix + name] = param if keep_vars else param.detach()
        for name, buffer in self._buffers.items():
            if buffer is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = buffer if keep_vars else buffer.detach()
        if self._has_own("get_extra_state"):
            destination[prefix + _EXTRA_STATE_KEY_SUFFIX] = self.get_extra_state()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Return an ordered dictionary of all parameters and persistent buffers, by their dotted names.

        Args:
            destination: a dictionary to write into; a new one when None.
            prefix: put before each name.
            keep_vars: give the parameters themselves instead of detached tensors that share their memory.
        """
        if args:
            warnings.warn("state_dict: positional arguments are deprecated; name them (destination=, prefix=, "
                          "keep_vars=)", FutureWarning, stacklevel=2)
            destination = args[0] if destination is None else destination
            prefix = args[1] if len(args) > 1 and prefix == "" else prefix
            keep_vars = args[2] if len(args) > 2 and keep_vars is False else keep_vars
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, local_metadata)
            if replaced is None:
                continue
            if getattr(hook, "_from_public_api", False):
                raise RuntimeError("a state_dict post hook must return None; change the state_dict in place")
            destination = replaced
        return destination

    # --- loading

    def _load_from_state_dict(self, state_dict: Any, prefix: str, local_metadata: Any, strict: bool,
                              missing_keys: list[str], unexpected_keys: list[str], error_msgs: list[str]) -> None:
        """Copy the module's own entries out of ``state_dict``; what does not fit goes into the three lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = {n: t for n, t in (*self._parameters.items(), *self._buffers.items())
               if t is not None and n not in self._non_persistent_buffers_set}
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, target in own.items():
            key = prefix + name
            if key in state_dict:
                self._load_entry(name, key, target, state_dict[key], assign, error_msgs)
            elif strict:
                missing_keys.append(key)
        extra_key = prefix + _EXTRA_STATE_KEY_SUFFIX
        if self._has_own("set_extra_state"):
            if extra_key in state_dict:
                self.set_extra_state(state_dict[extra_key])
            elif strict:
                missing_keys.append(extra_key)
        elif strict and extra_key in state_dict:
            unexpected_keys.append(extra_key)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra_key:
                    head, dot, _ = key[len(prefix):].partition(".")
                    if (head not in self._modules) if dot else (head not in own):
                        unexpected_keys.append(key)

    def _load_entry(self, name: str, key: str, target: Any, value: Any, assign: bool, error_msgs: list[str]) -> None:
        if not _is_tensor_like(value):
            error_msgs.append(f'"{key}": expected a tensor, met {type(value).__name__}')
            return
        lazy = is_lazy(target)
        if not lazy and target.dim() == 0 and value.dim() == 1:
            value = value[0]  # files older than PyTorch 0.4 hold scalars as tensors of one element
        if not lazy and value.shape != target.shape:
            error_msgs.append(f'"{key}": the state_dict has shape {marked_against(value.shape, target.shape)}, the '
                              f"module has {marked_against(target.shape, value.shape)}")
            return
        if target.is_meta and not value.is_meta and not assign:
            warnings.warn(f'"{key}" is loaded into a parameter on the meta device, which has no memory: nothing is '
                          "copied; load with assign=True to take the loaded tensor itself", stacklevel=4)
        try:
            with rushlight.no_grad():
                if assign:
                    setattr(self, name, _assigned(target, value))
                else:
                    target.copy_(value)
        except Exception as error:  # reported with the other entries' errors
            error_msgs.append(f'"{key}" of shape {list(value.shape)} could not be copied: {error}')

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True,
                        assign: bool = False) -> _IncompatibleKeys:
        """Copy parameters and buffers from ``state_dict`` into this module and its submodules.

        Args:
            state_dict: names to tensors, as `state_dict` returns them.
            strict: whether a missing or superfluous name is an error.
            assign: take the tensors of ``state_dict`` themselves instead of copying their values.

        Returns:
            ``missing_keys`` and ``unexpected_keys``, as a named tuple.

        Raises:
            TypeError: when ``state_dict`` is no mapping.
            RuntimeError: when shapes differ, or names do under ``strict``; all of them are listed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: expected a mapping of names to tensors, met {type(state_dict)}")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata  # type: ignore[attr-defined]
        _load(self, state_dict, metadata, "", assign, (missing, unexpected, errors))
        if strict:
            if unexpected:
                errors.insert(0, "names that the module does not have: " + ", ".join(f'"{k}"' for k in unexpected))
            if missing:
                errors.insert(0, "names that the state_dict does not have (strict=False leaves them as they are): "
                              + ", ".join(f'"{k}"' for k in missing))
        if errors:
            raise RuntimeError(f"load_state_dict: the state_dict does not fit {type(self).__name__}:\n\t"
                               + "\n\t".join(errors))
        return _IncompatibleKeys(missing, unexpected)


def _assigned(target: Any, value: Any) -> Any:
    if not isinstance(target, Parameter):
        return value
    if isinstance(value, Parameter):
        return value.requires_grad_(target.requires_grad)
    return Parameter(value, requires_grad=target.requires_grad)


def _load(module: Any, state_dict: Any, metadata: Any, prefix: str, assign: bool, report: tuple) -> None:
    """Load ``module`` and, with what starts with their names, its submodules."""
    local_metadata = {} if metadata is None else dict(metadata.get(prefix[:-1], {}))
    if assign:
        local_metadata["assign_to_params_buffers"] = assign
    missing, unexpected, errors = report
    module._load_from_state_dict(state_dict, prefix, local_metadata, True, missing, unexpected, errors)
    for name, child in module._modules.items():
        if child is not None:
            inner = f"{prefix}{name}."
            part = {k: v for k, v in state_dict.items() if k.startswith(inner)}
            _load(child, part, metadata, inner, assign, report)
    keys = _IncompatibleKeys(missing, unexpected)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise AssertionError("a load_state_dict post hook must return None; change the lists of keys in place")
