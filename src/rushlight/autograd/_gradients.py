"""`backward` and `grad`: the two ways to ask the engine for gradients."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from rushlight import _native
from rushlight._native import Tensor

Tensors: TypeAlias = Tensor | Sequence[Tensor]
Gradients: TypeAlias = Tensor | Sequence[Tensor | None] | None


def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Gradients = None,
    inputs: Tensors | Mapping[str, Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors` to the `grad` of the leaves they depend on.

    Args:
        tensors: one tensor, or several whose gradients add up.
        grad_tensors: for each tensor the gradient to start from, of its shape; None for one of a single element.
        retain_graph: keep the graph for another `backward`; by default, what `create_graph` is.
        create_graph: record the gradients' own graph, for derivatives of higher order.
        grad_variables: the former name of `grad_tensors`.
        inputs: the tensors whose `grad` is filled; all leaves if left out.
    Raises:
        RuntimeError: a tensor needs a gradient to start from or has no history, shapes differ, `inputs` is empty.
    """
    if grad_variables is not None:
        warnings.warn("backward: grad_variables is deprecated, use grad_tensors", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError("backward: both grad_tensors and grad_variables were given; give only grad_tensors")
        grad_tensors = grad_variables
    wanted = None if inputs is None else _listed(inputs)
    tensors = tensors if isinstance(tensors, Tensor) else tuple(tensors)
    _native._run_backward(tensors, grad_tensors, retain_graph, create_graph, wanted, True)


def grad(
    outputs: Tensors,
    inputs: Tensors | Mapping[str, Tensor],
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """The gradients of `outputs`, added up, with respect to each of `inputs`; no tensor's `grad` changes.

    Args:
        outputs: one tensor, or several.
        inputs: the tensors to differentiate by, or a mapping of them.
        grad_outputs: for each output the gradient to start from, of its shape; None for one of a single element.
        retain_graph: keep the graph for another run; by default, what `create_graph` is.
        create_graph: record the gradients' own graph, for derivatives of higher order.
        only_inputs: deprecated, and always true.
        allow_unused: give None for an input that the outputs do not depend on, where it else is an error.
        is_grads_batched: `grad_outputs` have one more dimension in front, and so have the results.
        materialize_grads: give zeros for inputs that the outputs do not depend on.
    Returns:
        A tuple of gradients, or a dict with the keys of `inputs`.
    Raises:
        RuntimeError: there are no inputs, one requires no gradient or is unused, or shapes differ.
        ValueError: `materialize_grads` with `allow_unused=False`.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads gives zeros for unused inputs, so allow_unused cannot be False")
    if not only_inputs:
        warnings.warn("grad: only_inputs is deprecated and always true", FutureWarning, stacklevel=2)
    wanted = _listed(inputs)
    _check_inputs(wanted)
    if is_grads_batched:
        found = _one_by_one(outputs, wanted, grad_outputs, retain_graph, create_graph)
    else:
        found = _native._run_backward(outputs, grad_outputs, retain_graph, create_graph, wanted, False)
    results = [_unused(i, x, allow_unused, materialize_grads) if g is None else g
               for i, (x, g) in enumerate(zip(wanted, found, strict=True))]  # fmt: skip
    return dict(zip(inputs, results, strict=True)) if isinstance(inputs, Mapping) else tuple(results)


def _listed(inputs: Tensors | Mapping[str, Tensor]) -> list[Tensor]:
    if isinstance(inputs, Tensor):
        return [inputs]
    return list(inputs.values() if isinstance(inputs, Mapping) else inputs)


def _check_inputs(inputs: list[Tensor]) -> None:
    if not inputs:
        raise RuntimeError("grad: inputs must not be empty")
    for i, x in enumerate(inputs):
        if not x.requires_grad:
            raise RuntimeError(
                f"grad: input {i}, of shape {list(x.shape)}, does not require a gradient; call requires_grad_() on it "
                "before it is used"
            )


def _unused(i: int, x: Tensor, allow_unused: bool | None, materialize: bool) -> Tensor | None:
    if materialize:
        return _native.zeros_like(x)
    if allow_unused:
        return None
    raise RuntimeError(
        f"grad: the outputs do not depend on input {i}, of shape {list(x.shape)}; pass allow_unused=True to get None "
        "for it, or materialize_grads=True to get zeros"
    )


def _one_by_one(
    outputs: Tensors, inputs: list[Tensor], grad_outputs: Gradients, retain_graph: bool | None, create_graph: bool
) -> list[Tensor | None]:
    """One run for each place of the batch, and the results stacked."""
    batches = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs or ())
    size = next((len(batch) for batch in batches if batch is not None), 0)
    runs = []
    for i in range(size):
        start = [None if batch is None else batch[i] for batch in batches]
        keep = True if i + 1 < size else retain_graph
        runs.append(_native._run_backward(outputs, start, keep, create_graph, inputs, False))
    return [None if column[0] is None else _native.stack(column) for column in map(list, zip(*runs, strict=True))]
