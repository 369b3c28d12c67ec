"""Special functions: the operations of the table that it gives a name here."""

from __future__ import annotations

from typing import Any

from rushlight import _native

_PREFIX = "_special_"


def __getattr__(name: str) -> Any:
    function = getattr(_native, _PREFIX + name, None)
    if function is None:
        raise AttributeError(f"special has no {name!r} in Rushlight yet")
    globals()[name] = function
    return function


def __dir__() -> list[str]:
    return sorted(name.removeprefix(_PREFIX) for name in dir(_native) if name.startswith(_PREFIX))
