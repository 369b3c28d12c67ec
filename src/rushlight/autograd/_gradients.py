"""`backward` and `grad`: the two ways to ask the engine for gradients."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from rushlight import _native
from rushlight._native import Tensor

Tensors: TypeAlias = Tensor | Sequence[Any]  # a GradientEdge may stand for a tensor
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
    inputs: Tensors | Mapping[Any, Tensor],
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
    results = list(found)
    for i, x in enumerate(wanted):
        if results[i] is None and materialize_grads:
            results[i] = _native.zeros_like(_shaped(i, x), requires_grad=create_graph)
        elif results[i] is None and not allow_unused:
            raise RuntimeError(
                f"grad: the outputs do not depend on input {i}{_shape_of(x)}; pass allow_unused=True to get None for "
                "it, or materialize_grads=True to get zeros"
            )
    return dict(zip(inputs, results, strict=True)) if isinstance(inputs, Mapping) else tuple(results)


def _is_edge(x: Any) -> bool:
    return isinstance(x, tuple) and len(x) > 1 and isinstance(x[0], _native.Node)


def _listed(inputs: Any) -> list[Any]:
    if isinstance(inputs, Tensor) or _is_edge(inputs):
        return [inputs]
    return list(inputs.values() if isinstance(inputs, Mapping) else inputs)


def _shape_of(x: Any) -> str:
    return f" of shape {list(x.shape)}" if isinstance(x, Tensor) else ""


def _check_inputs(inputs: list[Any]) -> None:
    if not inputs:
        raise RuntimeError("grad: inputs must not be empty")
    for i, x in enumerate(inputs):
        if isinstance(x, Tensor) and not x.requires_grad:
            raise RuntimeError(
                f"grad: input {i}{_shape_of(x)} does not require a gradient; call requires_grad_() on it before it is "
                "used"
            )


def _shaped(i: int, x: Any) -> Tensor:
    if not isinstance(x, Tensor):
        raise RuntimeError(f"grad: input {i} is an edge of the graph, whose shape is not known: no zeros can be made")
    return x


def _one_by_one(
    outputs: Any, inputs: list[Any], grad_outputs: Gradients, retain_graph: bool | None, create_graph: bool
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
