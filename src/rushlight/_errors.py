"""How errors show shapes, in Python as in the core: `[2, >3<]` marks the sizes that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number

from rushlight import _native
from rushlight._native import Tensor


def marked(shape: Sequence[int], *dims: int) -> str:
    """``shape`` with the sizes of ``dims`` marked, which may count from the end."""
    wanted = {dim % len(shape) for dim in dims}
    return f"[{', '.join(f'>{size}<' if i in wanted else str(size) for i, size in enumerate(shape))}]"


def marked_against(shape: Sequence[int], other: Sequence[int]) -> str:
    """``shape`` with the sizes marked that differ from those of ``other``, compared from the first."""
    return marked(shape, *(i for i, size in enumerate(shape) if i >= len(other) or size != other[i]))


def check_tensors(name: str, **arguments: object) -> None:
    """TypeError, in the name of the operation, where one of the arguments is no tensor."""
    for argument, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}: {argument} must be a Tensor, got {type(value).__name__}")


def check_integer(name: str, argument: str, value: object, optional: bool = False) -> None:
    """TypeError where an argument is no integer; a bool is none."""
    if (value is None and optional) or (hasattr(type(value), "__index__") and not isinstance(value, bool)):
        return
    raise TypeError(f"{name}: {argument} must be an int, got {type(value).__name__}")


def check_bools(name: str, **arguments: object) -> None:
    """TypeError where an argument is no bool."""
    for argument, value in arguments.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name}: {argument} must be a bool, got {type(value).__name__}")


def check_number(name: str, argument: str, value: object) -> None:
    """TypeError where a value is neither a number nor a 0-d tensor, OverflowError where no 64 bits hold an int."""
    if not isinstance(value, Number) and not (isinstance(value, Tensor) and value.dim() == 0):
        raise TypeError(f"{name}: {argument} must be a number, got {type(value).__name__}")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise OverflowError(f"{name}: {argument} has more than 64 bits")


def check_broadcast(name: str, *tensors: Tensor) -> None:
    """RuntimeError, in the name of the operation, where shapes do not broadcast."""
    try:
        _native.broadcast_tensors(*tensors)
    except RuntimeError as error:
        raise RuntimeError(f"{name}: {str(error).partition(': ')[2]}") from None
