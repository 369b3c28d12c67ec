"""The backward graph: its nodes and edges, and what becomes of the tensors that it keeps."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from rushlight import _native
from rushlight._native import Node, Tensor
from rushlight.utils.hooks import RemovableHandle

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
    "set_warn_on_accumulate_grad_stream_mismatch",
]


class GradientEdge(NamedTuple):
    """Output `output_nr` of `node`, where a tensor's gradient arrives: stands for it in `backward` and `grad`."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge at which the gradient of `tensor` arrives.

    Raises:
        RuntimeError: the tensor does not require a gradient.
    """
    return GradientEdge(*_native._gradient_edge(tensor))


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count a write to the memory of one tensor, or of several, that was made behind autograd's back."""
    listed = (tensor,) if isinstance(tensor, Tensor) else tensor
    if not isinstance(listed, Iterable):
        raise RuntimeError(f"increment_version: expected a tensor or several, got {type(tensor).__name__}")
    for t in listed:
        _native._increment_version(t)


def set_warn_on_accumulate_grad_stream_mismatch(enabled: bool) -> None:
    """Accepted and without effect: gradients are accumulated in the thread and on the stream that computed them."""


# ------------------------------------------------------------------ saved tensors


class _Thread(threading.local):
    depth = 0
    disabled: str | None = None


_thread = _Thread()


class saved_tensors_hooks:
    """Inside, an operation keeps `pack_hook(tensor)` for its gradient; `unpack_hook` makes the tensor of it again.

    Args:
        pack_hook: takes the tensor, which it must not change, and returns any object.
        unpack_hook: takes that object and returns a tensor with the same values.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if _thread.disabled is not None:
            raise RuntimeError(_thread.disabled)
        _native._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)
        _thread.depth += 1

    def __exit__(self, *error: object) -> None:
        _native._pop_saved_tensors_hooks()
        _thread.depth -= 1


class save_on_cpu(saved_tensors_hooks):
    """Inside, what operations keep for their gradients lies in the CPU's memory until it is used.

    Args:
        pin_memory: keep it in page-locked memory.
        device_type: the device that is computed on; kept for programs that name it.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor) -> tuple[Any, Tensor]:
            return tensor.device, tensor.detach().clone() if pin_memory else tensor.detach().cpu()

        def unpack(packed: tuple[Any, Tensor]) -> Tensor:
            device, tensor = packed
            return tensor.to(device, non_blocking=pin_memory)

        super().__init__(pack, unpack)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, `saved_tensors_hooks` raises a RuntimeError with this text, as this does inside of them."""
    if _thread.depth:
        raise RuntimeError(error_message)
    outer, _thread.disabled = _thread.disabled, error_message
    try:
        yield
    finally:
        _thread.disabled = outer


class _Kept:
    """A tensor that a node keeps: the original until somebody is about to write to it, then a copy."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class _AllowMutationOnSavedContext:
    """The kept tensors by the memory they lie in."""

    def __init__(self) -> None:
        self.kept: dict[Any, weakref.WeakSet[_Kept]] = {}
        self.active = True

    def pack(self, tensor: Tensor) -> _Kept:
        kept = _Kept(tensor)
        self.kept.setdefault(tensor._storage_key(), weakref.WeakSet()).add(kept)
        return kept

    def unpack(self, kept: _Kept) -> Tensor:
        if not self.active:
            raise AssertionError("backward must run inside the allow_mutation_on_saved_tensors of its forward pass")
        return kept.tensor

    def before_write(self, written: Tensor) -> None:
        """Copies what is kept of the memory that `written` shares."""
        for kept in self.kept.pop(written._storage_key(), ()):
            kept.tensor = kept.tensor.detach().clone()

    def listen(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if operation.name.endswith("_") and isinstance(args[0], Tensor):
            self.before_write(args[0])
        return operation(*args, **kwargs)


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[_AllowMutationOnSavedContext]:
    """Inside, tensors kept for a gradient may be changed in place: they are copied before. Backward runs inside too."""
    context = _AllowMutationOnSavedContext()
    with saved_tensors_hooks(context.pack, context.unpack):
        _native.push_listener(context.listen)
        try:
            yield context
        finally:
            _native.pop_listener()
            context.active = False
            context.kept.clear()


# ------------------------------------------------------------------ hooks on several tensors


class _MultiHandle(RemovableHandle):
    handles: tuple[RemovableHandle, ...]

    def __init__(self, handles: Iterable[RemovableHandle]) -> None:
        self.handles = tuple(handles)

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __getstate__(self) -> tuple[RemovableHandle, ...]:
        return self.handles

    def __setstate__(self, state: tuple[RemovableHandle, ...]) -> None:
        self.handles = state


def register_multi_grad_hook(
    tensors: Sequence[Tensor],
    fn: Callable[[Sequence[Tensor | None]], None] | Callable[[Tensor], None],
    *,
    mode: Literal["all", "any"] = "all",
) -> RemovableHandle:
    """Call `fn` once in each backward run that computes gradients of `tensors`.

    Args:
        tensors: each requires a gradient.
        fn: gets the list of gradients, None for those that the run does not compute; with mode "any" the first one.
        mode: "all": after the last of the gradients; "any": after the first.
    Returns:
        A handle whose `remove()` takes the hook off.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: mode must be 'all' or 'any', got {mode!r}")
    for i, t in enumerate(tensors):
        if not t.requires_grad:
            raise AssertionError(
                f"register_multi_grad_hook: tensor {i}, of shape {tuple(t.shape)}, requires no gradient"
            )
    nodes = [get_gradient_edge(t).node for t in tensors]
    runs: dict[int, list[Tensor | None]] = {}  # of those under way: the gradients so far
    missing: dict[int, int] = {}
    called: set[int] = set()

    def start(run: int) -> None:
        for finished in [r for r in runs if not _native._backward_is_running(r)]:
            del runs[finished], missing[finished]
            called.discard(finished)
        runs[run] = [None] * len(tensors)
        missing[run] = sum(_native._will_run(node) for node in nodes)

    def hook_of(i: int) -> Callable[[Tensor], None]:
        def hook(gradient: Tensor) -> None:
            run = _native._current_backward()
            if run not in runs:
                start(run)
            runs[run][i] = gradient
            missing[run] -= 1
            if mode == "any" and run not in called:
                called.add(run)
                fn(gradient)  # type: ignore[arg-type]
            elif mode == "all" and missing[run] == 0:
                fn(runs[run])  # type: ignore[arg-type]

        return hook

    return _MultiHandle([t.register_hook(hook_of(i)) for i, t in enumerate(tensors)])
