"""What computes underneath, and the switches that programs set: answered as a build for the CPU answers."""

from __future__ import annotations

import warnings

from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]

_PRECISIONS = ("highest", "high", "medium")
_precision = "highest"


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was given last; "highest" at first."""
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Allow GPUs to multiply float32 matrices less exactly; on the CPU it is remembered and changes no result.

    Args:
        precision: "highest", "high" or "medium"; anything else is refused with a warning.
    """
    global _precision
    if precision not in _PRECISIONS:
        warnings.warn(
            f"set_float32_matmul_precision: {precision!r} is not one of {', '.join(_PRECISIONS)}; nothing changes",
            UserWarning,
            stacklevel=2,
        )
        return
    _precision = precision
    cuda.matmul.allow_tf32 = precision != "highest"
