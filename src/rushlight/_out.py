"""The out= of functions that are made of operations."""

from __future__ import annotations

from rushlight._native import Tensor


def written(result: Tensor, out: Tensor | None) -> Tensor:
    """`result`, or `out` with its shape and values where that is given."""
    if out is None:
        return result
    if not isinstance(out, Tensor):
        raise TypeError(f"out= must be a Tensor, got {type(out).__name__}")
    return out.resize_(result.shape).copy_(result)
