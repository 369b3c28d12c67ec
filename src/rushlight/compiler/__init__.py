"""`torch.compile`: programs keep their call, and the function runs as it is, eagerly."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

__all__ = [
    "allow_in_graph",
    "assume_constant_result",
    "compile",
    "cudagraph_mark_step_begin",
    "disable",
    "is_compiling",
    "is_dynamo_compiling",
    "is_exporting",
    "list_backends",
    "reset",
    "set_stance",
]

_MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


def compile(
    model: Callable[..., Any] | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: str | Callable[..., Any] | None = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """Give back a function that computes what `model` computes. Nothing is compiled: eager calls are cheap here.

    Args:
        model: a function or a module; left out, `compile` is a decorator with arguments.
        fullgraph, dynamic, backend, options, recompile_limit, ...: accepted; they change no result.
        mode: one of PyTorch's modes; not together with `options`.
        disable: give `model` itself back.
    Returns:
        A function; for a module, a module that holds it as `_orig_mod`, so that `state_dict` has PyTorch's names.
    Raises:
        RuntimeError: an unknown `mode`, or `mode` and `options` at once.
        AssertionError: `model` cannot be called.
    """
    if mode is not None and options is not None:
        raise RuntimeError("torch.compile: give either mode or options, not both")
    if mode is not None and mode not in _MODES:
        raise RuntimeError(f"torch.compile: mode must be one of {', '.join(_MODES)}, but got {mode!r}")
    if model is None:
        return functools.partial(_compiled, disable=disable)
    return _compiled(model, disable=disable)


def _compiled(model: Any, disable: bool) -> Any:
    from rushlight import nn
    from rushlight._dynamo.eval_frame import OptimizedModule

    if not callable(model):
        raise AssertionError(f"torch.compile: expected a function or a module, but got {type(model).__name__}")
    if disable:
        return model
    if isinstance(model, nn.Module):
        return OptimizedModule(model)

    @functools.wraps(model)
    def run(*args: Any, **kwargs: Any) -> Any:
        return model(*args, **kwargs)

    run._torchdynamo_orig_callable = model  # type: ignore[attr-defined]
    return run


def is_compiling() -> bool:
    """Whether the code runs under a compiler or an exporter: False."""
    return False


def is_dynamo_compiling() -> bool:
    """Whether the code is being traced by `torch.compile`: False."""
    return False


def is_exporting() -> bool:
    """Whether the code is being traced by `torch.export`: False."""
    return False


def disable(fn: Callable[..., Any] | None = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Keep a function out of `torch.compile`: it comes back unchanged. Without `fn`, a decorator."""
    if fn is None:
        return lambda function: function
    if not callable(fn):
        raise AssertionError(f"torch.compiler.disable: expected a function, but got {type(fn).__name__}")
    return fn


def allow_in_graph(fn: Any) -> Any:
    """Mark functions as safe to compile: they come back unchanged."""
    return fn


def assume_constant_result(fn: Any) -> Any:
    """Mark a function as constant for compilers: it comes back unchanged."""
    return fn


def list_backends(exclude_tags: Any = ("debug", "experimental")) -> list[str]:
    """The compilers that `torch.compile` can hand work to: none, so an empty list."""
    return []


def reset() -> None:
    """Forget compiled code: there is none."""


def cudagraph_mark_step_begin() -> None:
    """Tell CUDA graphs that a step begins: there are none."""


@contextlib.contextmanager
def set_stance(stance: str = "default", **options: Any) -> Iterator[None]:
    """Choose what `torch.compile` does within a `with` block: it runs eagerly whatever the stance."""
    yield
