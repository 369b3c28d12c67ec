"""The out= of functions that are made of operations."""

from __future__ import annotations

from rushlight._native import Tensor


def written(result: Tensor, out: Tensor | None) -> Tensor:
    """`result`, or `out` with its shape and values where that is given."""
    return result if out is None else out.resize_(result.shape).copy_(result)
