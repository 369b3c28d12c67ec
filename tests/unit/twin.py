"""One small program run twice, with Rushlight and with PyTorch as `torch`: both must show the same."""

from __future__ import annotations

import contextlib
import pickle
import warnings
from typing import Any

import torch as pt

import rushlight as rl


def shown(x: Any, names: bool = True) -> Any:
    """A value without its library: tensors by dtype, shape, values and history; other objects by what they say."""
    if isinstance(x, (rl.Tensor, pt.Tensor)):
        values = None if x.device.type == "meta" else shown(x.detach().tolist())
        node = None if x.grad_fn is None else x.grad_fn.name() if names else "node"
        return type(x).__name__, str(x.dtype), tuple(x.shape), values, x.requires_grad, node
    if isinstance(x, (rl.Size, pt.Size)):
        return "Size", tuple(x)
    if isinstance(x, bool) or x is None:
        return x
    if isinstance(x, (float, complex)):
        return f"{x:.5g}"
    if isinstance(x, dict):
        return {key: shown(value, names) for key, value in x.items()}
    if isinstance(x, (list, tuple)):
        return [shown(value, names) for value in x]
    if isinstance(x, (int, str, bytes)):
        return x
    if type(x).__module__.split(".")[0] in ("rushlight", "torch"):
        return str(x)
    return repr(x)


def outcome(source: str, library: Any, names: bool = True) -> Any:
    """What the program shows: each show(...), and the type of the exception that ended it."""
    lines: list[Any] = []

    def tried(call: Any) -> None:
        try:
            lines.append(shown(call(), names))
        except Exception as error:
            lines.append(f"raises {type(error).__name__}")

    def show(*values: Any) -> None:
        lines.extend(shown(value, names) for value in values)

    scope: dict[str, Any] = {"torch": library, "show": show, "tried": tried, "pickle": pickle, "contextlib": contextlib}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(source, scope)
        except Exception as error:
            lines.append(f"raises {type(error).__name__}")
    return lines


def agree(source: str, names: bool = True) -> None:
    """The program shows the same in both libraries; without `names`, nodes only by being there."""
    expected = outcome(source, pt, names)
    assert expected, "the program shows nothing"
    assert outcome(source, rl, names) == expected
