"""Intel's MKL, which Rushlight does not use."""

from __future__ import annotations


def is_available() -> bool:
    """Whether this build has MKL: False."""
    return False
