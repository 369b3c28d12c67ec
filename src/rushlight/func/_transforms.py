"""First derivatives as functions: `grad`, `vjp`, `jvp`, `linearize`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from rushlight import _native
from rushlight._native import Tensor
from rushlight.autograd import enable_grad
from rushlight.autograd.forward_ad import _set_fwd_grad_enabled, dual_level, make_dual, unpack_dual
from rushlight.utils._pytree import tree_flatten, tree_unflatten

from ._variables import Variables, chosen, split_aux, tensors_of, with_chosen

Argnums = int | tuple[int, ...]


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives (gradient, value) of `func`, whose value is a scalar.

    Args:
        func: returns a 0-d tensor, or with `has_aux` a pair of that and anything made of tensors.
        argnums: the argument to differentiate by, or a tuple of several.
        has_aux: then the function gives (gradient, (value, aux)).
    Raises:
        RuntimeError: the value is not a 0-d tensor, or `argnums` does not fit the arguments.
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        tree, places = chosen(argnums, args, "grad")
        variables = Variables(tree)
        with enable_grad():
            inputs = with_chosen(args, places, variables.tree, isinstance(argnums, int))
            value, aux = split_aux(func(*inputs, **kwargs), has_aux, "grad")
            if not isinstance(value, Tensor) or value.ndim:
                what = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
                raise RuntimeError(
                    f"grad: the function must return a 0-d tensor, got {what}; reduce it, or use vjp or jacrev"
                )
            graph = variables.outlived_by([value])
            found = variables.gradients([value], [_native.ones_like(value)], graph, graph)
        gradient = tree_unflatten(found, variables.structure)
        value, aux = variables.release(value), variables.release(aux)
        return gradient, ((value, aux) if has_aux else value)

    return wrapper


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of `func`, whose value is a scalar; see `grad_and_value`.

    With `has_aux` it gives (gradient, aux).
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = grad_and_value(func, argnums, has_aux)(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """(func(*primals), function), or (value, function, aux): the function maps cotangents of the value, in its
    structure, to a tuple of gradients of the primals.

    Raises:
        RuntimeError: `func` returns something that is no tensor.
    """
    variables = Variables(primals)
    with enable_grad():
        value, aux = split_aux(func(*variables.tree), has_aux, "vjp")
    results, structure = tensors_of(value, "vjp")
    outlived = variables.outlived_by(results)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given, shape = tree_flatten(cotangents)
        if shape != structure:
            raise RuntimeError(f"vjp: the cotangents have the structure {shape}, the function's results {structure}")
        for v in given:
            if not isinstance(v, Tensor):
                raise TypeError(f"vjp: the cotangents must be tensors, got {type(v).__name__}")
        if create_graph is None:
            create_graph = _native.is_grad_enabled() and (outlived or any(v.requires_grad for v in given))
        found = variables.gradients(results, given, retain_graph, create_graph)
        return tree_unflatten(found, variables.structure)

    released = variables.release(value)
    return (released, vjp_fn, variables.release(aux)) if has_aux else (released, vjp_fn)


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """(func(*primals), its derivative in the direction of `tangents`), and aux where the function returns it.

    Args:
        func: returns tensors, in any structure.
        primals: a tuple of its arguments.
        tangents: of the same structure and shapes.
        strict: kept for programs that pass it; results that do not depend on the inputs have zero tangents.
        has_aux: `func` returns a pair (value, aux).
    Raises:
        RuntimeError: structures or shapes differ, or there is no tensor to differentiate by.
    """
    given, structure = _checked(primals, tangents)
    points, _ = tree_flatten(primals)
    if _native._dual_level_open():  # levels do not nest
        value, along, aux = _transposed_twice(func, primals, has_aux)
        return (value, along(given), aux) if has_aux else (value, along(given))
    with dual_level(), _set_fwd_grad_enabled(True):
        duals = [make_dual(x, t) for x, t in zip(points, given, strict=True)]
        value, aux = split_aux(func(*tree_unflatten(duals, structure)), has_aux, "jvp")
        results, shape = tensors_of(value, "jvp")
        pairs = [unpack_dual(y) for y in results]
        if has_aux:
            aux_leaves, aux_shape = tree_flatten(aux)
            aux = tree_unflatten([unpack_dual(a).primal for a in aux_leaves], aux_shape)
    value = tree_unflatten([y for y, _ in pairs], shape)
    along = tree_unflatten([_native.zeros_like(y) if t is None else t for y, t in pairs], shape)
    return (value, along, aux) if has_aux else (value, along)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(func(*primals), function): the function gives the derivative along its arguments, without running `func` again.

    Raises:
        RuntimeError: `func` returns something that is no tensor, or the arguments do not fit the primals.
    """
    value, along, _ = _transposed_twice(func, primals, False)

    def jvp_fn(*tangents: Any) -> Any:
        return along(_checked(primals, tangents)[0])

    return value, jvp_fn


def _checked(primals: Any, tangents: Any) -> tuple[list[Tensor], Any]:
    """The tangents as a list, and the structure."""
    if not isinstance(primals, tuple):
        raise RuntimeError(f"jvp: primals must be a tuple of arguments, got {type(primals).__name__}")
    points, structure = tree_flatten(primals)
    given, shape = tree_flatten(tangents)
    if shape != structure:
        raise RuntimeError(f"jvp: the primals have the structure {structure}, the tangents {shape}")
    if not points:
        raise RuntimeError("jvp: there is no tensor among the primals")
    for i, (x, t) in enumerate(zip(points, given, strict=True)):
        if not isinstance(x, Tensor) or not isinstance(t, Tensor):
            raise RuntimeError(f"jvp: primals and tangents must be tensors, got {type(x).__name__}, {type(t).__name__}")
        if x.shape != t.shape:
            raise RuntimeError(f"jvp: tangent {i} has shape {tuple(t.shape)}, its primal {tuple(x.shape)}")
    return given, structure


def _transposed_twice(func: Callable[..., Any], primals: Any, has_aux: bool) -> tuple[Any, Callable[..., Any], Any]:
    """(value, function, aux): the gradient is linear in the cotangents u, so that its own gradient by them is the
    derivative of `func`; the function maps a list of tangents to that."""
    variables = Variables(primals)
    with enable_grad():
        value, aux = split_aux(func(*variables.tree), has_aux, "jvp")
        results, structure = tensors_of(value, "jvp")
        smooth = [y for y in results if y.requires_grad]
        u = [_native.zeros_like(y).requires_grad_() for y in smooth]
        gradients = variables.gradients(smooth, u, True, True)
    outlived = variables.outlived_by(smooth)

    def along(tangents: list[Tensor]) -> Any:
        pairs = [(g, t) for g, t in zip(gradients, tangents, strict=True) if g.requires_grad]
        found: list[Tensor | None] = [None] * len(u)
        if pairs:
            graph = _native.is_grad_enabled() and (outlived or any(t.requires_grad for t in tangents))
            roots, directions = [g for g, _ in pairs], [t for _, t in pairs]
            found = _native._run_backward(roots, directions, True, graph, u, False)
        by_result = {id(y): t for y, t in zip(smooth, found, strict=True)}
        derivatives = [_native.zeros_like(y) if by_result.get(id(y)) is None else by_result[id(y)] for y in results]
        return tree_unflatten(derivatives, structure)

    return variables.release(value), along, variables.release(aux)
