"""Gradients: `backward`, `grad`, and the modes that say what is recorded."""

from __future__ import annotations

from typing import Any

from rushlight import _native

from . import grad_mode
from .grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled, set_multithreading_enabled
from .variable import Variable

__all__ = [
    "Variable",
    "backward",
    "enable_grad",
    "grad",
    "grad_mode",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

Tensors = Any  # a tensor, or a sequence of tensors


def backward(
    tensors: Tensors,
    grad_tensors: Tensors | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Tensors | None = None,
    inputs: Tensors | None = None,
) -> None:
    """Adds to the `.grad` of each leaf the gradient of sum(tensors * grad_tensors).

    Args:
        tensors: what to differentiate.
        grad_tensors: a gradient for each, of its shape; may be left out for tensors of one element.
        retain_graph: keep the saved values for another call; default: as create_graph.
        create_graph: record the backward pass itself, for higher derivatives.
        inputs: only these leaves get a gradient; default: all.
    Raises:
        RuntimeError: nothing requires grad, a shape does not fit, or the graph was freed before.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("backward: grad_variables is the old name of grad_tensors; give one of them")
        grad_tensors = grad_variables
    _native._run_backward(tensors, grad_tensors, retain_graph, create_graph, inputs, True)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Tensors | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[_native.Tensor, ...]:
    """The gradients of sum(outputs * grad_outputs) with respect to `inputs`; no `.grad` is touched.

    Args:
        allow_unused: give None for an input that the outputs do not depend on, instead of an error.
        materialize_grads: give zeros for such an input.
    Raises:
        RuntimeError: as `backward`; or an input is not used.
    """
    inputs = (inputs,) if isinstance(inputs, _native.Tensor) else tuple(inputs)
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched=True needs vmap, which is not in Rushlight yet")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True gives zeros for unused inputs, so allow_unused cannot be False")
    gradients = _native._run_backward(outputs, grad_outputs, retain_graph, create_graph, inputs, False)
    if materialize_grads:
        return tuple(
            _native.zeros_like(x, requires_grad=create_graph) if g is None else g
            for g, x in zip(gradients, inputs, strict=True)
        )
    if not allow_unused:
        for i, g in enumerate(gradients):
            if g is None:
                raise RuntimeError(
                    f"grad: input {i} (shape {list(inputs[i].shape)}) was not used to compute the outputs; "
                    "give allow_unused=True for None in its place, or materialize_grads=True for zeros"
                )
    return gradients


def __getattr__(name: str) -> Any:
    if name == "graph":
        import importlib

        return importlib.import_module("rushlight.autograd.graph")
    raise AttributeError(
        f"module 'rushlight.autograd' has no attribute {name!r}: if this is a name of PyTorch's, it is not in Rushlight yet"
    )
