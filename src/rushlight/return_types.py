"""Named results of operations with several outputs: `max(dim)` gives `return_types.max(values, indices)`."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from . import _native

__all__: list[str] = []  # filled as the classes are asked for


def _shown(result: Any) -> str:
    """What every named result is printed as: the core gives it to each type that it makes."""
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(result.__match_args__, result, strict=True))
    return f"torch.return_types.{type(result).__name__}(\n{fields})"


def _fields() -> dict[str, list[str]]:
    rows = json.loads(resources.files("rushlight").joinpath("ops_summary.json").read_text())
    return {row["name"]: row["returns"] for row in rows if row.get("returns")}


def __getattr__(name: str) -> Any:
    fields = {} if name.startswith("__") else _fields()
    if name not in fields:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: no operation has such results")
    return _native._named_results(name, fields[name])


def __dir__() -> list[str]:
    return sorted(name for name in _fields() if not name.startswith("_"))
