"""All first and second derivatives at once: `jacrev`, `jacfwd`, `hessian`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from rushlight import _native
from rushlight._native import Tensor
from rushlight.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from ._transforms import Argnums, jvp, vjp
from ._variables import chosen, with_chosen


def jacrev(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, by reverse mode: one backward pass for each element of the value.

    Args:
        func: returns tensors, in any structure.
        argnums: the argument to differentiate by, or a tuple of several.
        has_aux: `func` returns a pair (value, aux), and the function (Jacobian, aux).
        chunk_size: how many rows to compute at a time; kept for programs that pass it.
    Returns:
        In the structure of the value, and at each leaf in that of the arguments: value.shape + argument.shape.
    Raises:
        RuntimeError: an input is complex, or what `vjp` raises.
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        tree, of_chosen = _by_chosen(func, argnums, args, kwargs, "jacrev")
        inputs, structure = tree_flatten(tree)
        value, pull, *aux = vjp(of_chosen, tree, has_aux=has_aux)
        results, shape = tree_flatten(value)
        columns: list[list[list[Tensor]]] = [[[] for _ in inputs] for _ in results]
        for i, direction in _basis(results):
            (found,) = pull(tree_unflatten(direction, shape))
            for column, g in zip(columns[i], tree_flatten(found)[0], strict=True):
                column.append(g)
        blocks = [
            [_block(rows, (*y.shape, *x.shape), y) for rows, x in zip(column, inputs, strict=True)]
            for column, y in zip(columns, results, strict=True)
        ]
        jacobian = _nested(blocks, shape, structure)
        return (jacobian, aux[0]) if has_aux else jacobian

    return wrapper


def jacfwd(
    func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """A function that gives the Jacobian of `func`, by forward mode: one run for each element of the inputs.

    Args:
        func: returns tensors, in any structure.
        argnums: the argument to differentiate by, or a tuple of several.
        has_aux: `func` returns a pair (value, aux), and the function (Jacobian, aux).
        randomness: kept for programs that pass it.
    Returns:
        In the structure of the value, and at each leaf in that of the arguments: value.shape + argument.shape.
    Raises:
        RuntimeError: an input is complex, or what `jvp` raises.
    """

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        tree, of_chosen = _by_chosen(func, argnums, args, kwargs, "jacfwd")
        inputs, structure = tree_flatten(tree)

        def run(direction: list[Tensor]) -> tuple[Any, ...]:
            return jvp(of_chosen, (tree,), (tree_unflatten(direction, structure),), has_aux=has_aux)

        value, _, *aux = run([_native.zeros_like(x) for x in inputs])
        results, shape = tree_flatten(value)
        columns: list[list[list[Tensor]]] = [[[] for _ in inputs] for _ in results]
        for k, direction in _basis(inputs):
            for column, t in zip(columns, tree_flatten(run(direction)[1])[0], strict=True):
                column[k].append(t)
        blocks = [
            [
                _block(rows, (*x.shape, *y.shape), y).permute((*range(x.ndim, x.ndim + y.ndim), *range(x.ndim)))
                for rows, x in zip(column, inputs, strict=True)
            ]
            for column, y in zip(columns, results, strict=True)
        ]
        jacobian = _nested(blocks, shape, structure)
        return (jacobian, aux[0]) if has_aux else jacobian

    return wrapper


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives of `func`: `jacfwd(jacrev(func))`."""
    return jacfwd(jacrev(func, argnums), argnums)


def _by_chosen(
    func: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> tuple[Any, Callable[[Any], Any]]:
    """The chosen arguments, which must be real, as one tree; and `func` as a function of that tree."""
    tree, places = chosen(argnums, args, name)
    for i, x in enumerate(tree_flatten(tree)[0]):
        if isinstance(x, Tensor) and x.is_complex():
            raise RuntimeError(f"{name}: the inputs must be real, input {i} has dtype {x.dtype}; use view_as_real")
    return tree, lambda part: func(*with_chosen(args, places, part, isinstance(argnums, int)), **kwargs)


def _basis(tensors: list[Tensor]) -> Iterator[tuple[int, list[Tensor]]]:
    """For each element of each tensor: which tensor, and zeros with a one in that place."""
    for i, x in enumerate(tensors):
        for place in range(x.numel()):
            direction = [_native.zeros(y.shape, dtype=y.dtype, device=y.device) for y in tensors]
            direction[i].view(-1)[place] = 1
            yield i, direction


def _block(rows: list[Tensor], shape: tuple[int, ...], like: Tensor) -> Tensor:
    return _native.stack(rows).reshape(shape) if rows else _native.zeros(shape, dtype=like.dtype, device=like.device)


def _nested(blocks: list[list[Tensor]], outer: TreeSpec, inner: TreeSpec) -> Any:
    return tree_unflatten([tree_unflatten(row, inner) for row in blocks], outer)
