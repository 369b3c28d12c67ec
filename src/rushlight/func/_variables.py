"""What the transforms share: inputs made variables of a differentiation of its own, and results that leave it."""

from __future__ import annotations

from typing import Any

from rushlight import _native
from rushlight._native import Tensor
from rushlight.utils._pytree import tree_flatten, tree_map_only, tree_unflatten


class Variables:
    """The tensors of `tree` as variables to differentiate by.

    A tensor with a history stays linked to it, so that an outer transform sees through this one; any other becomes a
    leaf of its own, whose graph ends here.
    """

    def __init__(self, tree: Any) -> None:
        leaves, self.structure = tree_flatten(tree)
        self.recording = _native.is_grad_enabled()  # somebody outside may differentiate the results again
        self.leaves = [self._variable(x) for x in leaves]

    def _variable(self, x: Any) -> Tensor:
        if not isinstance(x, Tensor):
            raise ValueError(f"func: the inputs to differentiate by must be tensors, got {type(x).__name__}")
        if self.recording and x.requires_grad:
            return x.view_as(x)
        return detached(x).requires_grad_()

    @property
    def tree(self) -> Any:
        """The variables in the structure of the inputs."""
        return tree_unflatten(self.leaves, self.structure)

    def outlived_by(self, results: list[Tensor]) -> bool:
        """Whether results depend on something outside that requires a gradient."""
        return self.recording and _native._depends_on_others(results, [x for x in self.leaves if x.is_leaf])

    def release(self, tree: Any) -> Any:
        """Results as the caller gets them: without the history that ends in these variables."""

        def released(t: Tensor) -> Tensor:
            return t if not t.requires_grad or self.outlived_by([t]) else detached(t)

        return tree_map_only(Tensor, released, tree)

    def gradients(self, results: list[Tensor], cotangents: list[Tensor], keep: bool, graph: bool) -> list[Tensor]:
        """The gradients of each variable, zeros where the results do not depend on it."""
        pairs = [(y, v) for y, v in zip(results, cotangents, strict=True) if y.requires_grad]
        if not pairs:
            return [_native.zeros_like(x) for x in self.leaves]
        found = _native._run_backward([y for y, _ in pairs], [v for _, v in pairs], keep, graph, self.leaves, False)
        return [_native.zeros_like(x) if g is None else g for x, g in zip(self.leaves, found, strict=True)]


def detached(x: Tensor) -> Tensor:
    """The same memory without history; a tangent stays."""
    y, tangent = x.detach(), _native._tangent(x)
    if tangent is not None:
        _native._set_tangent(y, tangent)
    return y


def tensors_of(tree: Any, name: str) -> tuple[list[Tensor], Any]:
    """The leaves and the structure of a function's results; RuntimeError where one is not a tensor."""
    leaves, structure = tree_flatten(tree)
    for y in leaves:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"{name}: the function must return tensors only, got {type(y).__name__}")
    return leaves, structure


def split_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """(result, auxiliary result) of a function that was said to return such a pair."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(f"{name}: with has_aux=True the function must return a tuple (result, aux)")
    tensors_of(result[1], name)
    return result


def chosen(argnums: Any, args: tuple[Any, ...], name: str) -> tuple[Any, tuple[int, ...]]:
    """The arguments that `argnums` names, as one tree, and their positions; RuntimeError where that is not possible."""
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    if not isinstance(numbers, tuple) or not numbers or not all(isinstance(n, int) for n in numbers):
        raise RuntimeError(f"{name}: argnums must be an int or a tuple of ints, not empty, got {argnums!r}")
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"{name}: argnums names argument {n}, but {len(args)} positional arguments were given")
    places = tuple(n % len(args) for n in numbers)
    if len(set(places)) != len(places):
        raise RuntimeError(f"{name}: argnums must name different arguments, got {argnums}")
    return (args[places[0]] if isinstance(argnums, int) else tuple(args[n] for n in places)), places


def with_chosen(args: tuple[Any, ...], places: tuple[int, ...], tree: Any, single: bool) -> tuple[Any, ...]:
    """`args` with those that were chosen replaced."""
    replaced = dict(zip(places, (tree,) if single else tree, strict=True))
    return tuple(replaced.get(i, x) for i, x in enumerate(args))
