"""How a tensor prints: `repr(tensor)` and `set_printoptions`.

Only the elements that are shown leave the tensor, as Python numbers; all the formatting is done on those, so
that a tensor of a billion elements prints as quickly as one of a hundred.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import _native

__all__ = ["PrintOptions", "get_printoptions", "printoptions", "set_printoptions", "tensor_repr"]

Formatter = Callable[[Any], str]
Nested = Any  # a number, or a list of Nested


@dataclasses.dataclass
class PrintOptions:
    """What `set_printoptions` sets; the defaults are those of the profile "default"."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}

options = PrintOptions()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors print.

    Args:
        precision: digits after the point (4).
        threshold: a tensor with more elements than this is summarised (1000).
        edgeitems: elements shown at each end of a summarised dimension (3).
        linewidth: characters in a line (80).
        profile: "default", "short" or "full", the values that the other arguments then override.
        sci_mode: scientific notation always (True), never (False), or where the values need it (None).
    """
    if profile is not None:
        chosen = PROFILES.get(profile)
        if chosen is not None:
            _assign(dataclasses.asdict(chosen))
    _assign({"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth})
    options.sci_mode = sci_mode


def _assign(values: dict[str, Any]) -> None:
    for name, value in values.items():
        if value is not None:
            setattr(options, name, value)


def get_printoptions() -> dict[str, Any]:
    """The options in use, as the keyword arguments of `set_printoptions`."""
    return dataclasses.asdict(options)


@contextmanager
def printoptions(**kwargs: Any) -> Iterator[None]:
    """`set_printoptions(**kwargs)` for the length of a `with` block."""
    before = get_printoptions()
    set_printoptions(**kwargs)
    try:
        yield
    finally:
        set_printoptions(**before)


def tensor_repr(t: Any, contents: str | None = None) -> str:
    """The text of `repr(t)`.

    Args:
        t: a tensor of any dtype, size and device.
        contents: printed in place of the elements, for subclasses that show something else.
    """
    kind = type(t).__name__
    prefix = "tensor(" if kind in ("Tensor", "Parameter") else kind + "("
    if contents is None:
        contents = "..." if t.is_meta else _elements(t, len(prefix))
    return _with_suffixes(prefix + contents, _suffixes(t), len(prefix))


# -- the elements ----------------------------------------------------------------------------------------------


def _elements(t: Any, indent: int) -> str:
    if t.numel() == 0:
        return "[]"
    summarise = t.numel() > options.threshold
    values = _edges(t.detach(), 0) if summarise else t.detach().tolist()
    return _layout(values, list(t.shape), indent, summarise, _column(t.dtype, list(_flat(values, t.dim()))))


def _edges(t: Any, dim: int) -> Nested:
    """The elements of `t` that a summary shows, from `dim` on: two cut-outs for each dimension that is too long."""
    if dim == t.dim():
        return t.tolist()
    size, edge = t.shape[dim], options.edgeitems
    if size <= 2 * edge:
        return _edges(t, dim + 1)
    before = (slice(None),) * dim
    head = _edges(t[(*before, slice(0, edge))], dim + 1)
    tail = _edges(t[(*before, slice(size - edge, size))], dim + 1)
    return _join(head, tail, dim)


def _join(head: Nested, tail: Nested, dim: int) -> Nested:
    if dim == 0:
        return head + tail
    return [_join(h, t, dim - 1) for h, t in zip(head, tail, strict=True)]


def _flat(values: Nested, dims: int) -> Iterator[Any]:
    if dims == 0:
        yield values
        return
    for value in values:
        yield from _flat(value, dims - 1)


def _layout(values: Nested, shape: list[int], indent: int, summarise: bool, column: _Column) -> str:
    """Nested brackets around the formatted values; `indent` is the column in which the first bracket stands."""
    if not shape:
        return column.format(values)
    cut = summarise and shape[0] > 2 * options.edgeitems
    if len(shape) == 1:
        return _line(values, indent, cut, column)
    rows = [_layout(value, shape[1:], indent + 1, summarise, column) for value in values]
    if cut:
        rows.insert(options.edgeitems, "...")
    gap = "," + "\n" * (len(shape) - 1) + " " * (indent + 1)
    return "[" + gap.join(rows) + "]"


def _line(values: list[Any], indent: int, cut: bool, column: _Column) -> str:
    words = [column.format(value) for value in values]
    if cut:
        words.insert(options.edgeitems, " ..." if words else "...")
    per_line = max(1, (options.linewidth - indent) // (column.width + 2))
    lines = [", ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


# -- one width and one notation for all elements ---------------------------------------------------------------


@dataclasses.dataclass
class _Column:
    """How every element of one tensor is written; `width` decides how many fit into a line."""

    width: int
    format: Formatter


def _column(dtype: Any, shown: list[Any]) -> _Column:
    if dtype.is_complex:
        return _complex_column(shown)
    if dtype.is_floating_point:
        return _float_column(shown)
    width = max((len(str(value)) for value in shown), default=1)
    return _Column(width, lambda value: str(value).rjust(width))


def _float_column(shown: list[float]) -> _Column:
    finite = [value for value in shown if value != 0 and math.isfinite(value)]
    spec, point = f".{options.precision}f", ""
    if _scientific(finite):
        spec = f".{options.precision}e"
    elif all(value.is_integer() for value in finite):
        spec, point = ".0f", "."

    def write(value: float) -> str:
        return format(value, spec) + (point if math.isfinite(value) else "")

    # Zeros and values that are not finite have no say in the width, and may stick out.
    width = max((len(write(value)) for value in finite), default=1)
    return _Column(width, lambda value: write(value).rjust(width))


def _scientific(finite: list[float]) -> bool:
    if not finite:
        return False
    if options.sci_mode is not None:
        return options.sci_mode
    sizes = [abs(value) for value in finite]
    low, high = min(sizes), max(sizes)
    return high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4


def _complex_column(shown: list[complex]) -> _Column:
    real = _float_column([value.real for value in shown])
    imag = _float_column([value.imag for value in shown])

    def write(value: complex) -> str:
        tail = imag.format(value.imag).lstrip() + "j"
        return real.format(value.real) + ("" if tail.startswith("-") else "+") + tail

    return _Column(real.width + imag.width + 1, write)


# -- what follows the elements ---------------------------------------------------------------------------------


def _suffixes(t: Any) -> list[str]:
    device, empty = t.device, t.numel() == 0
    out = []
    if device.type != "cpu":
        out.append(f"device='{device}'")
    if t.is_meta or (t.dim() != 1 if empty else options.edgeitems == 0):
        out.append(f"size={tuple(t.shape)}")
    if not _dtype_is_evident(t.dtype, shown=not (empty or t.is_meta)):
        out.append(f"dtype={t.dtype}")
    if t.grad_fn is not None:
        out.append(f"grad_fn=<{type(t.grad_fn).__name__}>")
    elif t.requires_grad:
        out.append("requires_grad=True")
    if isinstance(t, _native.Tensor) and (tangent := _native._tangent(t)) is not None:
        out.append(f"tangent={tangent}")
    return out


def _dtype_is_evident(dtype: Any, shown: bool) -> bool:
    """Whether a reader can tell the dtype: it is the default one, or the elements that are shown tell it."""
    default, name = str(_native.get_default_dtype()), str(dtype)
    if name == default:
        return True
    default_complex = "torch.complex128" if default == "torch.float64" else "torch.complex64"
    return shown and name in (default_complex, "torch.int64", "torch.bool")


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    column = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if column + len(suffix) + 2 > options.linewidth:
            text += ",\n" + " " * indent + suffix
            column = indent + len(suffix)
        else:
            text += ", " + suffix
            column += len(suffix) + 2
    return text + ")"
