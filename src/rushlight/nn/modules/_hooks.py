"""Hooks of modules: registration, and the call that runs them."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rushlight._native import Tensor
from rushlight.nn.modules._registry import HookDict
from rushlight.utils.hooks import BackwardHook, RemovableHandle

_global_buffer_registration_hooks: OrderedDict = OrderedDict()
_global_module_registration_hooks: OrderedDict = OrderedDict()
_global_parameter_registration_hooks: OrderedDict = OrderedDict()
_global_backward_pre_hooks: OrderedDict = HookDict()
_global_backward_hooks: OrderedDict = HookDict()
_global_forward_pre_hooks: OrderedDict = HookDict()
_global_forward_hooks: OrderedDict = HookDict()
_global_forward_hooks_always_called: OrderedDict = OrderedDict()
_global_forward_hooks_with_kwargs: OrderedDict = OrderedDict()
# None until a global backward hook says of which of the two styles it is; they do not mix.
_global_is_full_backward_hook: bool | None = None


def _has_any_global_hook() -> Any:
    return (_global_forward_hooks or _global_forward_pre_hooks or _global_backward_hooks
            or _global_backward_pre_hooks)


def _register(hooks: Any, hook: Callable) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def register_module_buffer_registration_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` whenever any module registers a buffer; its result replaces the buffer."""
    return _register(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` whenever any module registers a submodule; a result replaces it."""
    return _register(_global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(module, name, param)`` whenever any module registers a parameter; a result replaces it."""
    return _register(_global_parameter_registration_hooks, hook)


def register_module_forward_pre_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(module, args)`` before the forward of every module; a result replaces the arguments."""
    return _register(_global_forward_pre_hooks, hook)


def register_module_forward_hook(hook: Callable, *, with_kwargs: bool = False,
                                 always_call: bool = False) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after the forward of every module; a result replaces the output.

    Args:
        hook: the function; with ``with_kwargs`` it is called as ``hook(module, args, kwargs, output)``.
        with_kwargs: whether the hook sees the keyword arguments.
        always_call: whether the hook runs even when the forward raised.
    """
    handle = RemovableHandle(_global_forward_hooks,
                             extra_dict=[_global_forward_hooks_with_kwargs, _global_forward_hooks_always_called])
    _global_forward_hooks[handle.id] = hook
    if with_kwargs:
        _global_forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        _global_forward_hooks_always_called[handle.id] = True
    return handle


def _claim_global_style(full: bool) -> None:
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError("global module backward hooks: full and non-full hooks cannot be in use together; "
                           "remove the others first")
    _global_is_full_backward_hook = full


def register_module_backward_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` in the backward of every module's last operation.

    Raises:
        RuntimeError: when a full backward hook was registered globally.
    """
    _claim_global_style(False)
    return _register(_global_backward_hooks, hook)


def register_module_full_backward_pre_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` before the backward of every module; a result replaces the gradients."""
    return _register(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Callable) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` after the backward of every module; a result replaces grad_input.

    Raises:
        RuntimeError: when a non-full backward hook was registered globally.
    """
    _claim_global_style(True)
    return _register(_global_backward_hooks, hook)


class _WrappedHook:
    """A hook that gets its module as first argument, without keeping the module alive."""

    def __init__(self, hook: Callable, module: Any = None) -> None:
        self.hook = hook
        self.__name__ = getattr(hook, "__name__", type(hook).__name__)
        self.with_module = module is not None
        if module is not None:
            self.module = weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError(f"hook {self.__name__}: its module no longer exists")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict:
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict) -> None:
        self.__init__(state["hook"], state.get("module"))  # type: ignore[misc]


class _Progress:
    """How far a call with hooks came: what to tell the always-called hooks when it raises."""

    def __init__(self) -> None:
        self.called: set[int] = set()
        self.result: Any = None


class HooksMixin:
    """The part of `Module` that registers and runs hooks."""

    _backward_pre_hooks: Any
    _backward_hooks: Any
    _is_full_backward_hook: bool | None
    _forward_hooks: Any
    _forward_hooks_with_kwargs: Any
    _forward_hooks_always_called: Any
    _forward_pre_hooks: Any
    _forward_pre_hooks_with_kwargs: Any
    forward: Callable[..., Any]

    def register_forward_pre_hook(self, hook: Callable, *, prepend: bool = False,
                                  with_kwargs: bool = False) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; a result, wrapped in a tuple if it is none, replaces args.

        Args:
            hook: the function; with ``with_kwargs`` it is called as ``hook(module, args, kwargs)`` and may return
                ``(args, kwargs)``.
            prepend: whether it runs before the hooks that are there.
            with_kwargs: whether it sees the keyword arguments.
        """
        handle = RemovableHandle(self._forward_pre_hooks, extra_dict=self._forward_pre_hooks_with_kwargs)
        self._forward_pre_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False,
                              always_call: bool = False) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; a result replaces the output.

        Args:
            hook: the function; with ``with_kwargs`` it is called as ``hook(module, args, kwargs, output)``.
            prepend: whether it runs before the hooks that are there.
            with_kwargs: whether it sees the keyword arguments.
            always_call: whether it runs even when ``forward`` raised.
        """
        handle = RemovableHandle(self._forward_hooks,
                                 extra_dict=[self._forward_hooks_with_kwargs, self._forward_hooks_always_called])
        self._forward_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` before the module's backward; a result replaces the gradients."""
        handle = _register(self._backward_pre_hooks, hook)
        if prepend:
            self._backward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_backward_hook(self, hook: Callable) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` in the backward of the module's last operation only.

        Raises:
            RuntimeError: when the module has a full backward hook.
        """
        self._claim_style(False)
        return _register(self._backward_hooks, hook)

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` after the module's backward; a result replaces grad_input.

        Raises:
            RuntimeError: when the module has a non-full backward hook.
        """
        self._claim_style(True)
        handle = _register(self._backward_hooks, hook)
        if prepend:
            self._backward_hooks.move_to_end(handle.id, last=False)
        return handle

    def _claim_style(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(f"{type(self).__name__}: full and non-full backward hooks cannot be in use on one "
                               "module; use register_full_backward_hook for all")
        self._is_full_backward_hook = full

    def _get_backward_hooks(self) -> tuple[list[Callable], list[Callable]]:
        """The full and the non-full backward hooks, global ones first."""
        full: list[Callable] = []
        non_full: list[Callable] = []
        (full if _global_is_full_backward_hook is True else non_full).extend(_global_backward_hooks.values())
        (full if self._is_full_backward_hook is True else non_full).extend(self._backward_hooks.values())
        return full, non_full

    def _get_backward_pre_hooks(self) -> list[Callable]:
        return [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        state = self.__dict__
        if not (state["_forward_hooks"] or state["_forward_pre_hooks"] or state["_backward_hooks"]
                or state["_backward_pre_hooks"] or _has_any_global_hook()):
            return self.forward(*args, **kwargs)
        progress = _Progress()
        try:
            return self._call_with_hooks(progress, args, kwargs)
        except Exception:
            self._run_always_called(progress, args, kwargs)
            raise

    def _call_with_hooks(self, progress: _Progress, args: tuple, kwargs: dict) -> Any:
        full, non_full = self._get_backward_hooks()
        pre_hooks = self._get_backward_pre_hooks()
        args, kwargs = self._run_forward_pre_hooks(args, kwargs)
        backward_hook = None
        if full or pre_hooks:
            backward_hook = BackwardHook(self, full, pre_hooks)
            args = backward_hook.setup_input_hook(args)
        result = progress.result = self.forward(*args, **kwargs)
        for key, hook in (*_global_forward_hooks.items(), *self._forward_hooks.items()):
            if key in self._forward_hooks_always_called or key in _global_forward_hooks_always_called:
                progress.called.add(key)
            replaced = self._run_forward_hook(key, hook, args, kwargs, result)
            if replaced is not None:
                result = progress.result = replaced
        if backward_hook is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn("full backward hooks need a module output that is a tensor or a tuple of tensors; "
                              f"met {type(result)}, so the hooks will not run", stacklevel=3)
            result = backward_hook.setup_output_hook(result)
        if non_full:
            self._hook_last_node(non_full, args, result)
        return result

    def _run_forward_pre_hooks(self, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        for key, hook in (*_global_forward_pre_hooks.items(), *self._forward_pre_hooks.items()):
            if key in self._forward_pre_hooks_with_kwargs:
                replaced = hook(self, args, kwargs)
                if replaced is not None:
                    if not (isinstance(replaced, tuple) and len(replaced) == 2):
                        raise RuntimeError("a forward pre-hook with kwargs must return None or (args, kwargs); "
                                           f"met {replaced!r}")
                    args, kwargs = replaced
            else:
                replaced = hook(self, args)
                if replaced is not None:
                    args = replaced if isinstance(replaced, tuple) else (replaced,)
        return args, kwargs

    def _run_forward_hook(self, key: int, hook: Callable, args: tuple, kwargs: dict, result: Any) -> Any:
        if key in self._forward_hooks_with_kwargs or key in _global_forward_hooks_with_kwargs:
            return hook(self, args, kwargs, result)
        return hook(self, args, result)

    def _run_always_called(self, progress: _Progress, args: tuple, kwargs: dict) -> None:
        """After a forward that raised: the hooks registered with ``always_call`` that did not run yet."""
        always = [(_global_forward_hooks_always_called, _global_forward_hooks),
                  (self._forward_hooks_always_called, self._forward_hooks)]
        for keys, hooks in always:
            for key, hook in list(hooks.items()):
                if key not in keys or key in progress.called:
                    continue
                try:
                    self._run_forward_hook(key, hook, args, kwargs, progress.result)
                except Exception as error:  # the error of forward is the one to raise
                    warnings.warn(f"a forward hook with always_call=True raised, while another error was being "
                                  f"handled: {error}", stacklevel=4)

    def _hook_last_node(self, hooks: list[Callable], args: tuple, result: Any) -> None:
        output = result
        while not isinstance(output, Tensor):
            if isinstance(output, dict):
                output = next(v for v in output.values() if isinstance(v, Tensor))
            else:
                output = output[0]
        node = output.grad_fn
        if node is not None:
            for hook in hooks:
                node.register_hook(_WrappedHook(hook, self))
            self._maybe_warn_non_full_backward_hook(args, result, node)

    def _maybe_warn_non_full_backward_hook(self, args: tuple, result: Any, grad_fn: Any) -> None:
        """Warn where a non-full hook will not see all of the module's gradients."""
        outputs = [result] if isinstance(result, Tensor) else result
        inputs = [a for a in args if isinstance(a, Tensor)]
        if not (isinstance(outputs, (list, tuple)) and all(isinstance(r, Tensor) for r in outputs)):
            reason = "it does not return a tensor or a tuple of tensors"
        elif not all(isinstance(a, Tensor) for a in args):
            reason = "it takes arguments that are not tensors"
        elif len(outputs) > 1 and {r.grad_fn for r in outputs} != {grad_fn}:
            reason = "its outputs come from several operations"
        elif {a.grad_fn for a in inputs if a.grad_fn is not None} - {n for n, _ in grad_fn.next_functions}:
            reason = "it runs several operations"
        else:
            return
        warnings.warn(f"{type(self).__name__}: a non-full backward hook does not see the gradients of the whole "
                      f"module, because {reason}; use register_full_backward_hook", FutureWarning, stacklevel=5)

