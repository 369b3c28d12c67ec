"""The CPU's instruction level."""

from __future__ import annotations

from rushlight import _native

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """The level of the kernels in use: "AVX512", "AVX2" or "DEFAULT"."""
    level = _native.build_info()["level"]
    return "DEFAULT" if level == "base" else level.upper()
