"""The `reduction` argument of losses, and the two booleans it replaced."""

from __future__ import annotations

import warnings

from rushlight._native import Tensor


def legacy_get_string(size_average: bool | None, reduce: bool | None, emit_warning: bool = True) -> str:
    """Return the reduction that the deprecated ``size_average`` and ``reduce`` stand for."""
    average = True if size_average is None else size_average
    result = "none" if reduce is not None and not reduce else ("mean" if average else "sum")
    if emit_warning:
        warnings.warn(f"size_average and reduce are deprecated; use reduction={result!r}", stacklevel=3)
    return result


def resolve(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """Return the reduction in force: ``reduction``, unless one of the deprecated arguments is given."""
    if size_average is None and reduce is None:
        return reduction
    return legacy_get_string(size_average, reduce)


def check(reduction: str) -> None:
    """Raise ValueError when ``reduction`` is none of 'none', 'mean', 'sum'."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"expected the reduction 'none', 'mean' or 'sum', met {reduction!r}")


def apply(loss: Tensor, reduction: str) -> Tensor:
    """Reduce the values of a loss, any shape, as ``reduction`` says."""
    check(reduction)
    if reduction == "mean":
        return loss.mean()
    return loss.sum() if reduction == "sum" else loss


def code(reduction: str) -> int:
    """The number the kernels know a reduction by: 0 none, 1 mean, 2 sum."""
    check(reduction)
    return 0 if reduction == "none" else (1 if reduction == "mean" else 2)
