"""One small program run twice, with Rushlight and with PyTorch as `torch`: both must show the same."""

from __future__ import annotations

import contextlib
import pickle
import warnings
from typing import Any

import torch as pt

import rushlight as rl


def shown(x: Any) -> Any:
    """A value without its library: tensors by dtype, shape, values and history; other objects by what they say."""
    if isinstance(x, (rl.Tensor, pt.Tensor)):
        values = None if x.device.type == "meta" else shown(x.detach().tolist())
        node = x.grad_fn.name() if x.grad_fn is not None else None
        return type(x).__name__, str(x.dtype), tuple(x.shape), values, x.requires_grad, node
    if isinstance(x, (rl.Size, pt.Size)):
        return "Size", tuple(x)
    if isinstance(x, bool) or x is None:
        return x
    if isinstance(x, (float, complex)):
        return f"{x:.5g}"
    if isinstance(x, dict):
        return {key: shown(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [shown(value) for value in x]
    if isinstance(x, (int, str, bytes)):
        return x
    if type(x).__module__.split(".")[0] in ("rushlight", "torch"):
        return str(x)
    return repr(x)


def outcome(source: str, library: Any) -> Any:
    """What the program shows: each show(...), and the type of the exception that ended it."""
    lines: list[Any] = []

    def tried(call: Any) -> None:
        try:
            lines.append(shown(call()))
        except Exception as error:
            lines.append(f"raises {type(error).__name__}")

    def show(*values: Any) -> None:
        lines.extend(shown(value) for value in values)

    scope: dict[str, Any] = {"torch": library, "show": show, "tried": tried, "pickle": pickle, "contextlib": contextlib}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(source, scope)
        except Exception as error:
            lines.append(f"raises {type(error).__name__}")
    return lines


def agree(source: str) -> None:
    """The program shows the same in both libraries."""
    expected = outcome(source, pt)
    assert expected, "the program shows nothing"
    assert outcome(source, rl) == expected
