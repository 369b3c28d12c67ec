"""OpenMP, which runs the CPU kernels' threads."""

from __future__ import annotations


def is_available() -> bool:
    """Whether this build has OpenMP: True."""
    return True
