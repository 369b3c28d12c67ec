"""Forward mode: dual tensors carry a tangent beside their value, and operations on them compute that of their result.

with dual_level():
    x = make_dual(primal, tangent)
    y, dy = unpack_dual(f(x))
"""

from __future__ import annotations

from typing import Any, NamedTuple

from rushlight import _native
from rushlight._native import Tensor

from .grad_mode import _ContextDecorator

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]

_current_level = -1  # the open level's number: 0, for levels do not nest; -1 where none is open


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` returns: the value without its tangent, and the tangent or None."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Open the level in which tensors may carry tangents; its number, which is 0.

    Raises:
        RuntimeError: it is open already.
    """
    global _current_level
    _native._enter_dual_level()
    _current_level = 0
    return _current_level


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the level: all tensors lose their tangents.

    Args:
        level: the level's number.
    Raises:
        RuntimeError: no level is open, or not that one.
    """
    global _current_level
    if level is not None and level != _current_level:
        raise RuntimeError(f"exit_dual_level: level {level} is not the innermost open one, which is {_current_level}")
    _native._exit_dual_level()
    _current_level = -1


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Any:
    """A view of `tensor` that carries `tangent`.

    Args:
        tensor: the value, floating or complex.
        tangent: of the same shape; it is shared, or copied where it is laid out otherwise.
        level: the level's number.
    Raises:
        RuntimeError: no level is open, shapes differ, or a tensor has a tangent already.
        ValueError: a dtype has no tangents.
    """
    for name, x in (("tensor", tensor), ("tangent", tangent)):
        if not (x.is_floating_point() or x.is_complex()):
            raise ValueError(f"make_dual: {name} must be floating or complex, got dtype {x.dtype}")
    if level is not None and level < 0:
        raise RuntimeError("make_dual: no forward AD level is open; work inside `with dual_level():`")
    return _native._make_dual(tensor, tangent)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The value and the tangent of a dual tensor; the tangent is None for any other tensor.

    Args:
        tensor: any tensor.
        level: the level's number.
    """
    if (_current_level if level is None else level) < 0:
        return UnpackedDualTensor(tensor, None)
    return UnpackedDualTensor(_native._primal(tensor), _native._tangent(tensor))


class dual_level(_ContextDecorator):
    """A context, or a decorator, in which the level is open; entering gives its number."""

    def __enter__(self) -> int:  # type: ignore[override]
        return enter_dual_level()

    def __exit__(self, *error: Any) -> None:
        exit_dual_level()


def _is_fwd_grad_enabled() -> bool:
    return _native._is_forward_enabled()


class _set_fwd_grad_enabled(_ContextDecorator):
    """Whether operations compute tangents, in this thread: at once, and until its end as a context."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.prev = _native._set_forward_enabled(mode)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        _native._set_forward_enabled(self.prev)

    def clone(self) -> _set_fwd_grad_enabled:
        return type(self)(self.mode)
