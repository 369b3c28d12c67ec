"""`__torch_function__`: objects that are not plain tensors answer for the functions they are given to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from rushlight._native import Tensor

__all__ = [
    "handle_torch_function",
    "has_torch_function",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "wrap_torch_function",
]


def _overrides(value: Any) -> bool:
    """Whether a value answers for itself: it has a `__torch_function__` and is no plain tensor or parameter."""
    from rushlight.nn import Parameter

    kind = type(value)
    method = getattr(kind, "__torch_function__", None)
    return (
        kind is not Tensor and kind is not Parameter and method is not None and method is not _disabled_torch_function
    )


def _disabled_torch_function(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Given as its `__torch_function__` by a class that wants to be taken for a plain tensor."""
    return func(*args, **(kwargs or {}))


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether any of the arguments answers for itself, so that `handle_torch_function` has to be called."""
    return any(_overrides(value) for value in relevant_args)


def has_torch_function_unary(value: Any) -> bool:
    """`has_torch_function` of one argument."""
    return _overrides(value)


def has_torch_function_variadic(*values: Any) -> bool:
    """`has_torch_function` of the arguments as they are."""
    return has_torch_function(values)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Call `public_api` through the `__torch_function__` of its arguments.

    Args:
        public_api: the function that the user called.
        relevant_args: the arguments that may answer; subclasses are asked before their bases, then from the left.
        args, kwargs: what the function was called with.
    Raises:
        TypeError: all of them returned NotImplemented.
    """
    asked = _by_precedence(relevant_args)
    types = tuple(type(value) for value in asked)
    for value in asked:
        result = type(value).__torch_function__(public_api, types, args, kwargs)
        if result is not NotImplemented:
            return result
    name = getattr(public_api, "__qualname__", repr(public_api))
    kinds = ", ".join(kind.__qualname__ for kind in types) or "none"
    raise TypeError(f"{name}: no argument's __torch_function__ implements it (asked: {kinds})")


def _by_precedence(values: Iterable[Any]) -> list[Any]:
    """One value for each type; a subclass stands before its bases, and otherwise the first comes first."""
    chosen: list[Any] = []
    for value in values:
        if not _overrides(value) or any(type(value) is type(other) for other in chosen):
            continue
        place = next((i for i, other in enumerate(chosen) if issubclass(type(value), type(other))), len(chosen))
        chosen.insert(place, value)
    return chosen


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that lets arguments answer for a function.

    Args:
        dispatcher: takes the function's arguments and gives those that may answer.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(run, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return run

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether functions take the object for a tensor: it is one, or has a `__torch_function__`."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is a method of Tensor's, or reads or sets one of its properties."""
    name = getattr(func, "__name__", "")
    return name in ("__get__", "__set__", "__delete__") or getattr(Tensor, name, None) is func
