"""Marks for scripted functions, which packages put on their code; functions run as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

__all__ = ["BroadcastingList1", "BroadcastingList2", "BroadcastingList3", "Final", "export", "ignore", "is_scripting",
           "unused"]  # fmt: skip


class _BroadcastingList:
    """`BroadcastingList2[int]` annotates an argument that takes one number, or a list of two."""

    def __getitem__(self, types: Any) -> None:
        return None


BroadcastingList1 = _BroadcastingList()
BroadcastingList2 = _BroadcastingList()
BroadcastingList3 = _BroadcastingList()


def is_scripting() -> bool:
    """Whether the code runs as a scripted function: False."""
    return False


def export(fn: Any) -> Any:
    """Mark a method as part of the scripted module: it comes back unchanged."""
    return fn


def unused(fn: Any) -> Any:
    """Mark a method as not part of the scripted module: it comes back unchanged."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Mark a method to be left in Python: it comes back unchanged; with arguments, a decorator."""
    return drop if callable(drop) else lambda fn: fn


def _copy_to_script_wrapper(fn: Any) -> Any:
    return fn


def _overload(fn: Any) -> Any:
    return fn


def _overload_method(fn: Any) -> Any:
    return fn


def boolean_dispatch(
    arg_name: str,
    arg_index: int,
    default: bool,
    if_true: Callable[..., Any],
    if_false: Callable[..., Any],
    module_name: str,
    func_name: str,
) -> Callable[..., Any]:
    """A function that calls `if_true` or `if_false` by one of its arguments, `max_pool2d`'s `return_indices` say."""

    def choose(*args: Any, **kwargs: Any) -> Any:
        flag = args[arg_index] if arg_index < len(args) else kwargs.get(arg_name, default)
        return (if_true if flag else if_false)(*args, **kwargs)

    choose.__doc__ = if_false.__doc__ or if_true.__doc__
    choose.__module__ = module_name
    choose.__name__ = func_name
    return choose
