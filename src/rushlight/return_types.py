"""Named results of operations with several outputs: `max(dim)` gives `return_types.max(values, indices)`."""

from __future__ import annotations

from typing import Any


def _shown(result: Any) -> str:
    """What every named result is printed as: the core gives it to each type that it makes."""
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(result.__match_args__, result, strict=True))
    return f"torch.return_types.{type(result).__name__}(\n{fields})"
