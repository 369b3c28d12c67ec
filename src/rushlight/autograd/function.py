"""`Function`: an operation of your own, with a gradient of your own."""

from __future__ import annotations

import functools
import inspect
import itertools
import warnings
from collections.abc import Callable
from typing import Any

from rushlight import _native
from rushlight._native import Tensor

from .grad_mode import no_grad

__all__ = [
    "BackwardCFunction",
    "Function",
    "FunctionCtx",
    "FunctionMeta",
    "InplaceFunction",
    "NestedIOFunction",
    "once_differentiable",
]

_numbers = itertools.count()


class FunctionCtx:
    """What `forward` and `setup_context` may say about a call; attributes of any name may be kept on it, too."""

    to_save: tuple[Tensor | None, ...]
    saved_for_forward: tuple[Tensor | None, ...]
    dirty_tensors: tuple[Tensor, ...]
    non_differentiable: tuple[Tensor, ...]
    materialize_grads: bool

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep arguments and outputs for `backward`, which finds them in `ctx.saved_tensors`.

        A change in place of one of them before `backward` is an error. At most one call for each call of `forward`.
        """
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep tensors for `jvp`, which finds them in `ctx.saved_tensors`."""
        for tensor in tensors:
            if tensor is not None and not isinstance(tensor, Tensor):
                raise AssertionError(
                    f"save_for_forward: expected tensors or None, got {type(tensor).__name__}; keep other values as "
                    "attributes of ctx"
                )
        self.saved_for_forward = tensors

    def mark_dirty(self, *args: Tensor) -> None:
        """Say which arguments `forward` changed in place; each must be among its outputs."""
        self.dirty_tensors = args

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Without effect: shared memory is found out by itself."""
        warnings.warn("mark_shared_storage is deprecated and has no effect", FutureWarning, stacklevel=2)

    def mark_non_differentiable(self, *args: Tensor) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value: bool) -> None:
        """Whether an output that got no gradient gives zeros to `backward` (True, the default) or None."""
        self.materialize_grads = value


class BackwardCFunction(_native.FunctionNode, FunctionCtx):
    """The node of a call: `ctx` for the user's methods, `grad_fn` of the outputs."""

    _forward_cls: type[Function]

    def apply(self, *args: Any) -> Any:
        """Run the user's backward on these gradients."""
        cls = self._forward_cls
        function = cls.backward if cls.vjp is Function.vjp else cls.vjp
        return function(self, *args)

    def apply_jvp(self, *args: Any) -> Any:
        """Run the user's jvp on these tangents."""
        return self._forward_cls.jvp(self, *args)


class FunctionMeta(type):
    """Makes, for each subclass `Name` of Function, the class `NameBackward` of its nodes."""

    _backward_cls: type[BackwardCFunction]

    def __init__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> None:
        own = {"_forward_cls": cls, "_autograd_function_id": next(_numbers), "__module__": __name__}
        cls._backward_cls = type(f"{name}Backward", (BackwardCFunction,), own)
        super().__init__(name, bases, attributes)


class Function(_native.FunctionBase, metaclass=FunctionMeta):
    """An operation with a gradient of its own: subclass it, define static methods, and call `apply`.

    Either `forward(ctx, *args)` computes and notes on `ctx` what `backward` needs, or `forward(*args)` computes and
    `setup_context(ctx, inputs, output)` notes. `backward(ctx, *gradients)` gets one gradient for each output and
    returns one for each argument of `forward`, None for those without.
    """

    generate_vmap_rule = False
    clear_saved_tensors_on_access = False
    boxed_grads_call = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)}: a Function is not instantiated; its methods are static, and its class has apply()",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            f"{type(self).__name__}: a Function is not called; make forward static and call "
            f"{type(self).__name__}.apply(...)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute: `forward(ctx, *args)`, or `forward(*args)` where there is a `setup_context`."""
        raise NotImplementedError("forward: a custom Function must define it as a static method")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Note on `ctx` what `backward` needs of the arguments and of what `forward` returned."""
        raise NotImplementedError("setup_context: this Function does not define it")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the arguments, from those of the outputs."""
        raise NotImplementedError("backward: to be differentiated, a custom Function must define backward (or vjp)")

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangents of the outputs, from those of the arguments."""
        raise NotImplementedError("jvp: for forward mode, a custom Function must define jvp")

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        """The function over a batch: outputs and the dimension of the batch in each."""
        raise NotImplementedError("vmap: for vmap, a custom Function must define vmap or set generate_vmap_rule = True")

    @staticmethod
    def _arguments_in_order(
        forward: Callable[..., Any], two_parts: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, ...]:
        """Keyword arguments at the places where forward takes them; with a setup_context, defaults filled in."""
        signature = inspect.signature(forward)
        if two_parts:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
        else:
            bound = signature.bind_partial(None, *args, **kwargs)
        named = {p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY} | {
            name for name in kwargs if name not in signature.parameters
        }
        if named:
            raise TypeError(f"forward: a custom Function takes no keyword-only arguments, got {sorted(named)}")
        if bound.kwargs:
            missing = next(name for name in signature.parameters if name not in bound.arguments)
            raise TypeError(f"forward: missing the argument {missing!r}")
        return bound.args if two_parts else bound.args[1:]


_native._register_function(Function)


class InplaceFunction(Function):
    """The base of old Functions that could work in place."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """The base of old Functions with nested arguments; it cannot be applied."""


class _TwiceDifferentiated(Function):
    @staticmethod
    def forward(ctx: Any, *gradients: Any) -> Any:
        return gradients if len(gradients) > 1 else gradients[0]

    @staticmethod
    def backward(ctx: Any, *args: Any) -> Any:
        raise RuntimeError(
            "once_differentiable: this backward was marked as not differentiable itself, and its result was "
            "differentiated"
        )


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that may not be differentiated itself: doing so raises a RuntimeError."""

    @functools.wraps(fn)
    def wrapper(ctx: Any, *args: Any) -> Any:
        with no_grad():
            outputs = fn(ctx, *args)
        if not (_native.is_grad_enabled() and any(isinstance(a, Tensor) and a.requires_grad for a in args)):
            return outputs
        listed = outputs if isinstance(outputs, tuple) else (outputs,)
        return _TwiceDifferentiated.apply(*(None if g is None else g.detach().requires_grad_() for g in listed))

    return wrapper
