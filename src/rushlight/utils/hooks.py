"""Handles that remove a hook, and the machinery of a module's full backward hooks."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """Removes one hook from its dictionary; also works as a context manager.

    Args:
        hooks_dict: the dictionary the hook is put into, under ``handle.id``.
        extra_dict: further dictionaries that may hold the same id and must forget it too.
    """

    id: int
    next_id: int = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        if extra_dict is None:
            extra_dict = []
        elif isinstance(extra_dict, dict):
            extra_dict = [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extra_dict)

    def remove(self) -> None:
        """Take the hook out; does nothing when it is gone already."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple:
        extra = tuple(ref() for ref in self.extra_dict_ref)
        return (self.hooks_dict_ref(), self.id, extra) if extra else (self.hooks_dict_ref(), self.id)

    def __setstate__(self, state: tuple) -> None:
        # A dictionary that was not pickled alongside is replaced by an empty one: nothing is left to remove.
        hooks = OrderedDict() if state[0] is None else state[0]
        self.hooks_dict_ref = weakref.ref(hooks)
        self.id = state[1]
        extra = state[2] if len(state) > 2 else ()
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if d is None else d) for d in extra)
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.remove()


def unserializable_hook(f: Callable) -> Callable:
    """Mark a hook as one that is dropped, with a warning, when its tensor is saved."""
    f.__torch_unserializable__ = True  # type: ignore[attr-defined]
    return f


def warn_if_has_hooks(tensor: Any) -> None:
    """Warn about each hook of ``tensor`` that saving will drop."""
    for hook in (tensor._backward_hooks or {}).values():
        if not hasattr(hook, "__torch_unserializable__"):
            warnings.warn(f"the backward hook {hook!r} of a tensor is not saved; register it again after loading",
                          stacklevel=2)


@functools.cache
def _identity_function() -> Any:
    # Defined on first use: the autograd package is not needed to import the hooks.
    import rushlight.autograd

    function: Any = rushlight.autograd.Function

    class BackwardHookFunction(function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Any:
            ctx.mark_non_differentiable(*[a for a in args if not a.requires_grad])
            return args

        @staticmethod
        def backward(ctx: Any, *args: Any) -> Any:
            return args

    return BackwardHookFunction


def _spread(indices: Iterable[int] | None, values: Iterable[Any], size: int) -> tuple:
    """Put ``values`` at ``indices`` of a tuple of ``size`` Nones."""
    spread: list[Any] = [None] * size
    for index, value in zip(indices or (), values, strict=True):
        spread[index] = value
    return tuple(spread)


class BackwardHook:
    """Runs a module's full backward hooks.

    One identity node is put behind the module's inputs and one before its outputs. The node at the outputs
    sees ``grad_output`` (and runs the pre-hooks), the node at the inputs sees ``grad_input``.
    """

    def __init__(self, module: Any, user_hooks: list[Callable], user_pre_hooks: list[Callable]) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        self.grad_outputs: tuple | None = None
        self.n_inputs = self.n_outputs = -1
        self.input_tensors_index: list[int] | None = None
        self.output_tensors_index: list[int] | None = None

    def setup_input_hook(self, args: Any) -> Any:
        """Return ``args`` with their tensors passed through the input node."""
        self.n_inputs = len(args)
        args, self.input_tensors_index = _through_identity(args, self._on_grad_input)
        return args

    def setup_output_hook(self, result: Any) -> Any:
        """Return the module's ``result`` with its tensors passed through the output node."""
        alone = not isinstance(result, tuple)
        outputs = (result,) if alone else result
        self.n_outputs = len(outputs)
        outputs, self.output_tensors_index = _through_identity(outputs, self._on_grad_output)
        return outputs[0] if alone else outputs

    def _on_grad_input(self, grad_input: tuple, _: tuple) -> Any:
        if self.grad_outputs is None:
            # No gradient came to the outputs, so the user's hook has nothing to see.
            return None
        grads = _spread(self.input_tensors_index, grad_input, self.n_inputs)
        for hook in self.user_hooks:
            replaced = hook(self.module, grads, self.grad_outputs)
            if replaced is not None:
                replaced = replaced if isinstance(replaced, tuple) else (replaced,)
                _check_length("a full backward hook", "grad_input", replaced, grads)
                grads = replaced
        self.grad_outputs = None
        return tuple(grads[i] for i in self.input_tensors_index or ())

    def _on_grad_output(self, _: tuple, grad_output: tuple) -> Any:
        self.grad_outputs = _spread(self.output_tensors_index, grad_output, self.n_outputs)
        for pre_hook in self.user_pre_hooks:
            replaced = pre_hook(self.module, self.grad_outputs)
            if replaced is not None:
                replaced = replaced if isinstance(replaced, tuple) else (replaced,)
                _check_length("a full backward pre-hook", "grad_output", replaced, self.grad_outputs)
                self.grad_outputs = replaced
        grads = self.grad_outputs
        if self.input_tensors_index is None:
            self._without_input_gradients()
        return tuple(grads[i] for i in self.output_tensors_index or ())

    def _without_input_gradients(self) -> None:
        warnings.warn("a full backward hook runs with grad_input of only None, because no input of the module "
                      "requires a gradient; it sees the gradients of the module's outputs", stacklevel=5)
        nothing = (None,) * self.n_inputs
        for hook in self.user_hooks:
            replaced = hook(self.module, nothing, self.grad_outputs)
            if replaced is not None and not (isinstance(replaced, tuple) and all(g is None for g in replaced)):
                raise RuntimeError("a full backward hook gave a grad_input where no input of the module requires "
                                   "a gradient; return None from it")
        self.grad_outputs = None


def _check_length(what: str, name: str, got: tuple, expected: tuple) -> None:
    if len(got) != len(expected):
        raise RuntimeError(f"{what} must return as many gradients as its {name} has: got {len(got)}, "
                           f"expected {len(expected)}")


def _through_identity(args: Any, hook: Callable) -> tuple[Any, list[int] | None]:
    """Pass the tensors of ``args`` through one identity node that carries ``hook``."""
    import rushlight

    indices = [i for i, a in enumerate(args) if isinstance(a, rushlight.Tensor)]
    tensors = [args[i] for i in indices]
    if not (rushlight.is_grad_enabled() and any(t.requires_grad for t in tensors)):
        return args, None
    passed = _identity_function().apply(*tensors)
    nodes = [t.grad_fn for t in passed if t.grad_fn is not None]
    if not nodes:
        raise RuntimeError("full backward hooks: the module's tensors have no gradient node to hook on to")
    nodes[0].register_hook(hook)
    replaced = list(args)
    for index, tensor in zip(indices, passed, strict=True):
        replaced[index] = tensor
    return (tuple(replaced) if type(args) is tuple else type(args)(*replaced)), indices
