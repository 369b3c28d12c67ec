"""Derivatives of Python functions of tensors: products with the Jacobian and the Hessian, and these matrices whole.

Every function here takes `func` and its `inputs`, one tensor or a tuple. With `create_graph` results can be
differentiated further. With `strict` an output that does not depend on an input is an error, where else its derivative
is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rushlight import _native
from rushlight._native import Tensor

from ._gradients import grad
from .grad_mode import enable_grad, set_grad_enabled

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors: TypeAlias = Tensor | tuple[Tensor, ...]
Function: TypeAlias = Callable[..., Any]
Tuple: TypeAlias = tuple[Tensor, ...]


def vjp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and the product of `v` (of the outputs' shapes) with the Jacobian, of the inputs' shapes.

    Raises:
        RuntimeError: `v` is missing where the output has several elements, or has other shapes than the outputs.
        TypeError: inputs, outputs or `v` are no tensors.
    """
    with enable_grad():
        inputs, alone = _inputs(inputs, "vjp", create_graph)
        outputs, one_output = _outputs(func(*inputs), "vjp", strict)
        weights = _vector(v, outputs, one_output, "vjp", "the function returns one tensor with")
    with set_grad_enabled(create_graph or _native.is_grad_enabled()):
        gradients = _gradients(outputs, inputs, weights, create_graph, strict, "output")
    return _given_back(outputs, one_output, create_graph), _given_back(gradients, alone, create_graph)


def jvp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)`, and the product of the Jacobian with `v` (of the inputs' shapes), of the outputs' shapes.

    It is the gradient of the product of a free vector with the Jacobian, by that vector: two runs backward.

    Raises:
        RuntimeError: `v` is missing where the input has several elements, or has other shapes than the inputs.
        TypeError: inputs, outputs or `v` are no tensors.
    """
    with enable_grad():
        inputs, alone = _inputs(inputs, "jvp", create_graph)
        directions = _vector(v, inputs, alone, "jvp", "the input is one tensor with")
        outputs, one_output = _outputs(func(*inputs), "jvp", strict)
        free = tuple(_native.zeros_like(y).requires_grad_() for y in outputs)
        products = _gradients(outputs, inputs, free, True, strict, "output")
    with set_grad_enabled(create_graph or _native.is_grad_enabled()):
        tangents = _gradients(products, free, directions, create_graph, strict, "output")
    return _given_back(outputs, one_output, create_graph), _given_back(tangents, one_output, create_graph)


def jacobian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The derivative of each element of the output by each of the input, of shape `output.shape + input.shape`.

    Args:
        vectorize: accepted; the rows are computed one after the other.
        strategy: "reverse-mode", or "forward-mode", which takes as many runs as the inputs have elements.
    Returns:
        One tensor; for several inputs a tuple of them, for several outputs a tuple of these.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(f"jacobian: strategy must be 'forward-mode' or 'reverse-mode', got {strategy!r}")
    if strict and vectorize:
        raise RuntimeError("jacobian: strict=True and vectorize=True do not go together")
    if strategy == "forward-mode":
        if create_graph:
            raise NotImplementedError("jacobian: create_graph=True needs strategy='reverse-mode'")
        if not vectorize:
            raise NotImplementedError("jacobian: strategy='forward-mode' needs vectorize=True")
        return _by_columns(func, inputs)
    with enable_grad():
        inputs, alone = _inputs(inputs, "jacobian", create_graph)
        outputs, one_output = _outputs(func(*inputs), "jacobian", strict)
        rows = tuple(_rows(y, inputs, create_graph, strict) for y in outputs)
    result = tuple(_given_back(row, alone, create_graph) for row in rows)
    return result[0] if one_output else result


def hessian(
    func: Function,
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function with one element as output, of shape `input.shape + input.shape`.

    Returns:
        One tensor; for a tuple of inputs a tuple of tuples of them.
    """
    alone = isinstance(inputs, Tensor)
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            "hessian: outer_jacobian_strategy must be 'forward-mode' or 'reverse-mode', "
            f"got {outer_jacobian_strategy!r}"
        )

    def gradient(*xs: Tensor) -> Tuple:
        y = _single(func(*xs), "hessian")
        slopes = _gradients((y,), xs, (_native.ones_like(y),), True, strict, "output")
        _check_strict(slopes, strict)
        return slopes

    listed = (inputs,) if isinstance(inputs, Tensor) else inputs
    rows = jacobian(gradient, listed, create_graph, strict, vectorize, outer_jacobian_strategy)
    return rows[0][0] if alone else rows


def vhp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)` (one element), and the product of `v` (of the inputs' shapes) with the Hessian."""
    with enable_grad():
        inputs, alone = _inputs(inputs, "vhp", create_graph)
        weights = _vector(v, inputs, alone, "vhp", "the input is one tensor with")
        y, slopes = _gradient_of(func, inputs, "vhp", strict)
    with set_grad_enabled(create_graph or _native.is_grad_enabled()):
        product = _gradients(slopes, inputs, weights, create_graph, strict, "gradient")
    return _given_back((y,), True, create_graph), _given_back(product, alone, create_graph)


def hvp(
    func: Function, inputs: Tensors, v: Tensors | None = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """`func(*inputs)` (one element), and the product of the Hessian with `v` (of the inputs' shapes).

    The Hessian of a twice differentiable function is symmetric; `vhp` gives the same with less work.
    """
    with enable_grad():
        inputs, alone = _inputs(inputs, "hvp", create_graph)
        directions = _vector(v, inputs, alone, "hvp", "the input is one tensor with")
        y, slopes = _gradient_of(func, inputs, "hvp", strict)
        free = tuple(_native.zeros_like(x).requires_grad_() for x in inputs)
        products = _gradients(slopes, inputs, free, True, strict, "gradient")
    with set_grad_enabled(create_graph or _native.is_grad_enabled()):
        product = _gradients(products, free, directions, create_graph, strict, "gradient")
    return _given_back((y,), True, create_graph), _given_back(product, alone, create_graph)


# ------------------------------------------------------------------ parts


def _tuple_of(given: Any, name: str, what: str) -> tuple[Tuple, bool]:
    listed = given if isinstance(given, tuple) else (given,)
    for i, x in enumerate(listed):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: {what} must be a tensor or a tuple of tensors, got {type(x).__name__} at {i}")
    return listed, not isinstance(given, tuple)


def _inputs(given: Any, name: str, create_graph: bool) -> tuple[Tuple, bool]:
    """The inputs as starting points of their own: views of them where results are to depend on them."""
    listed, alone = _tuple_of(given, name, "inputs")
    if create_graph:
        return tuple(x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in listed), alone
    return tuple(x.detach().requires_grad_() for x in listed), alone


def _outputs(given: Any, name: str, strict: bool) -> tuple[Tuple, bool]:
    outputs, alone = _tuple_of(given, name, "what the function returns")
    for i, y in enumerate(outputs):
        if strict and not y.requires_grad:
            raise RuntimeError(f"{name}: output {i} of the function does not depend on its inputs (strict=True)")
    return outputs, alone


def _single(given: Any, name: str) -> Tensor:
    if not isinstance(given, Tensor):
        raise RuntimeError(f"{name}: the function must return one tensor, got {type(given).__name__}")
    if given.numel() != 1:
        raise RuntimeError(f"{name}: the function must return one element, got shape {tuple(given.shape)}")
    return given


def _vector(v: Tensors | None, like: Tuple, alone: bool, name: str, when: str) -> Tuple:
    if v is None:
        if not alone or like[0].numel() != 1:
            raise RuntimeError(f"{name}: v can be left out only where {when} a single element")
        return (_native.ones_like(like[0]),)
    listed, _ = _tuple_of(v, name, "v")
    if len(listed) != len(like):
        raise RuntimeError(f"{name}: v has {len(listed)} tensors, expected {len(like)}")
    for i, (x, y) in enumerate(zip(listed, like, strict=True)):
        if x.shape != y.shape:
            raise RuntimeError(f"{name}: tensor {i} of v has shape {tuple(x.shape)}, expected {tuple(y.shape)}")
    return listed


def _gradient_of(func: Function, inputs: Tuple, name: str, strict: bool) -> tuple[Tensor, Tuple]:
    y = _single(func(*inputs), name)
    slopes = _gradients((y,), inputs, (_native.ones_like(y),), True, strict, "output")
    _check_strict(slopes, strict)
    return y, slopes


def _check_strict(slopes: Tuple, strict: bool) -> None:
    for i, slope in enumerate(slopes):
        if strict and not slope.requires_grad:
            raise RuntimeError(f"the gradient by input {i} does not depend on the inputs (strict=True)")


def _gradients(outputs: Tuple, inputs: Tuple, weights: Tuple, create_graph: bool, strict: bool, what: str) -> Tuple:
    """The gradients of the outputs times the weights; zeros, or an error, where there is no dependence."""
    pairs = [(y, w) for y, w in zip(outputs, weights, strict=True) if y.requires_grad]
    found: tuple[Tensor | None, ...] = (None,) * len(inputs)
    if pairs:
        ys, ws = zip(*pairs, strict=True)
        found = grad(ys, inputs, ws, retain_graph=True, create_graph=create_graph, allow_unused=True)
    for i, g in enumerate(found):
        if g is None and strict:
            raise RuntimeError(f"the {what} of the function does not depend on input {i} (strict=True)")
    return tuple(_native.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True))


def _given_back(tensors: Tuple, alone: bool, create_graph: bool) -> Any:
    result = tensors if create_graph else tuple(t.detach() for t in tensors)
    return result[0] if alone else result


def _rows(y: Tensor, inputs: Tuple, create_graph: bool, strict: bool) -> Tuple:
    """The Jacobian of one output by each input, one run backward for each element of the output."""
    rows = []
    for i in range(y.numel()):
        unit = _native.zeros_like(y, memory_format=_native.contiguous_format)
        unit.view(-1)[i] = 1
        rows.append(_gradients((y,), inputs, (unit,), create_graph, strict, "output"))
    if not rows:
        return tuple(x.new_zeros((*y.shape, *x.shape)) for x in inputs)
    columns = zip(*rows, strict=True)
    return tuple(_native.stack(list(c)).view((*y.shape, *x.shape)) for c, x in zip(columns, inputs, strict=True))


def _by_columns(func: Function, inputs: Tensors) -> Any:
    """The Jacobian by one jvp for each element of the inputs."""
    listed, alone = _tuple_of(inputs, "jacobian", "inputs")
    with enable_grad():
        outputs, one_output = _tuple_of(func(*listed), "jacobian", "what the function returns")
    blocks: list[list[Tensor]] = [[] for _ in outputs]
    for k, x in enumerate(listed):
        columns: list[Tuple] = []
        for i in range(x.numel()):
            direction = tuple(_native.zeros_like(t, memory_format=_native.contiguous_format) for t in listed)
            direction[k].view(-1)[i] = 1
            _, tangents = jvp(func, listed, direction)
            columns.append((tangents,) if one_output else tangents)
        for j, y in enumerate(outputs):
            shape = (*y.shape, *x.shape)
            stacked = [c[j].reshape(-1) for c in columns]
            blocks[j].append(_native.stack(stacked, 1).view(shape) if stacked else y.new_zeros(shape))
    result = tuple(block[0] if alone else tuple(block) for block in blocks)
    return result[0] if one_output else result
