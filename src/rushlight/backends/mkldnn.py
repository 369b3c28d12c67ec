"""oneDNN, which programs know by its former name; matmul and convolution use it where it was found at build time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rushlight import _native

enabled = True
deterministic = False
allow_tf32: bool | None = None

VERBOSE_OFF = 0
VERBOSE_ON = 1
VERBOSE_ON_CREATION = 2


def is_available() -> bool:
    """Whether oneDNN is part of this build."""
    return bool(_native.build_info()["onednn"])


def set_flags(
    _enabled: bool | None = None, _deterministic: bool | None = None, _allow_tf32: bool | None = None
) -> tuple[bool, bool, bool | None]:
    """Set those switches that are not None; gives what they were. They are kept, and choose no kernel."""
    global enabled, deterministic, allow_tf32
    before = enabled, deterministic, allow_tf32
    enabled = enabled if _enabled is None else _enabled
    deterministic = deterministic if _deterministic is None else _deterministic
    allow_tf32 = allow_tf32 if _allow_tf32 is None else _allow_tf32
    return before


@contextlib.contextmanager
def flags(enabled: bool = False, deterministic: bool = False, allow_tf32: bool | None = True) -> Iterator[None]:
    """`set_flags` for the length of a `with` block."""
    before = set_flags(enabled, deterministic, allow_tf32)
    try:
        yield
    finally:
        set_flags(*before)
