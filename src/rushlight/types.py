"""Names for type annotations."""

from __future__ import annotations

import builtins
import os
from typing import IO, Any, TypeAlias

from rushlight._native import Size, Tensor, device, dtype, layout, memory_format

__all__ = ["Device", "FileLike", "Number", "Storage"]

_int = builtins.int
_float = builtins.float
_bool = builtins.bool
_complex = builtins.complex
_dtype = dtype
_device = device
_layout = layout
_memory_format = memory_format
_size: TypeAlias = Size | list[int] | tuple[int, ...]
_TensorOrTensors: TypeAlias = Tensor | tuple[Tensor, ...] | list[Tensor]

Number: TypeAlias = int | float | bool
Device: TypeAlias = device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
Storage = Any
