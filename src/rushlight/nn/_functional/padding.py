"""Padding."""

from __future__ import annotations

from collections.abc import Sequence

from rushlight import _native
from rushlight._native import Tensor

__all__ = ["pad"]


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Wider (or, by negative widths, narrower) dimensions around a tensor.

    Args:
        input: any shape; the modes but "constant" take one or two dimensions before the padded ones.
        pad: widths before and after the last dimension, then of the one before it, and so on.
        mode: what stands there: "constant", "reflect" (mirrored without the edge), "replicate" (the edge) or
            "circular" (the other end).
        value: the constant, 0 by default.

    Raises:
        NotImplementedError: for an unknown mode, or a number of dimensions that the mode does not take.
        RuntimeError: when the widths do not fit the shape.
    """
    return _native._pad(input, pad, mode, 0.0 if value is None else value)
