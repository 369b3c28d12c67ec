"""Apple's GPUs, which this build has no code for."""

from __future__ import annotations


def is_built() -> bool:
    """Whether this build has code for Apple's GPUs: False."""
    return False


def is_available() -> bool:
    """Whether an Apple GPU can be used: False."""
    return False


def is_macos_or_newer(major: int, minor: int) -> bool:
    """Raises RuntimeError: only a build for Apple's GPUs asks the system for its version."""
    raise RuntimeError(f"is_macos_or_newer({major}, {minor}): this build of Rushlight has no code for Apple's GPUs")
