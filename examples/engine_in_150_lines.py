"""Rushlight's autograd in the size of a page, with its names: tensors, nodes, edges, saved values, one loop.

What native/autograd does in C++ is here in Python over NumPy: a graph of nodes that is built while operations run,
formulas made of operations (so that gradients can be differentiated again), broadcasting undone once at the edge,
and an engine without recursion that runs the latest node first.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

import numpy as np

sequence = itertools.count()


class Node:
    """One call of an operation: whom its gradients go to, and the formula of each."""

    def __init__(self, inputs: tuple[Tensor, ...], formulas: tuple[Callable[[Tensor], Tensor], ...]) -> None:
        self.edges = [x.gradient_edge() for x in inputs]
        self.shapes = [x.value.shape for x in inputs]
        self.formulas = formulas
        self.sequence = next(sequence)

    def apply(self, g: Tensor) -> list[Tensor | None]:
        """The gradients of the inputs, from the gradient of the output."""
        return [
            finish_gradient(formula(g), shape) if edge else None
            for formula, shape, edge in zip(self.formulas, self.shapes, self.edges, strict=True)
        ]


class AccumulateGrad(Node):
    """The node of a leaf: adds what arrives to the leaf's .grad."""

    def __init__(self, leaf: Tensor) -> None:
        super().__init__((), ())
        self.leaf = leaf

    def apply(self, g: Tensor) -> list[Tensor | None]:
        self.leaf.grad = g if self.leaf.grad is None else self.leaf.grad + g
        return []


class Tensor:
    """A NumPy array that remembers how it was computed."""

    def __init__(self, value: object, requires_grad: bool = False) -> None:
        self.value = np.asarray(value, dtype=float)
        self.requires_grad = requires_grad
        self.grad: Tensor | None = None
        self.grad_fn: Node | None = None
        self.accumulator: Node | None = None

    def gradient_edge(self) -> Node | None:
        """The node that receives this tensor's gradient, or None where none is wanted."""
        if self.grad_fn is None and self.requires_grad and self.accumulator is None:
            self.accumulator = AccumulateGrad(self)
        return self.grad_fn or self.accumulator

    def __add__(self, other: Tensor | float) -> Tensor:
        return record(np.add, (self, tensor(other)), (lambda g: g, lambda g: g))

    def __mul__(self, other: Tensor | float) -> Tensor:
        y = tensor(other)
        return record(np.multiply, (self, y), (lambda g: g * y, lambda g: g * self))

    def __neg__(self) -> Tensor:
        return self * -1.0

    def __sub__(self, other: Tensor | float) -> Tensor:
        return self + -tensor(other)

    def __matmul__(self, other: Tensor) -> Tensor:
        return record(np.matmul, (self, other), (lambda g: g @ other.t(), lambda g: self.t() @ g))

    def t(self) -> Tensor:
        return record(np.transpose, (self,), (lambda g: g.t(),))

    def exp(self) -> Tensor:
        result = record(np.exp, (self,), (lambda g: g * result,))
        return result

    def tanh(self) -> Tensor:
        result = record(np.tanh, (self,), (lambda g: g * (tensor(1.0) - result * result),))
        return result

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Tensor:
        kept = np.sum(self.value, axis=axis, keepdims=True).shape
        function = lambda x: np.sum(x, axis=axis, keepdims=keepdims)  # noqa: E731
        return record(function, (self,), (lambda g: g.reshape(kept).expand(self.value.shape),))

    def reshape(self, shape: tuple[int, ...]) -> Tensor:
        return record(lambda x: x.reshape(shape), (self,), (lambda g: g.reshape(self.value.shape),))

    def expand(self, shape: tuple[int, ...]) -> Tensor:
        return record(lambda x: np.broadcast_to(x, shape), (self,), (lambda g: g,))

    def backward(self) -> None:
        """Adds the gradient of this one-element tensor to the .grad of each leaf; the graph can be run again."""
        root = self.gradient_edge()
        if root is None:
            raise RuntimeError("backward: nothing that this tensor was computed from requires grad")
        gradients = {root: tensor(np.ones(self.value.shape))}
        waiting = dependencies(root)
        ready = [(-root.sequence, root)]
        while ready:
            _, node = heapq.heappop(ready)
            for edge, g in zip(node.edges, node.apply(gradients.pop(node)), strict=False):
                if edge is None or g is None:
                    continue
                gradients[edge] = gradients[edge] + g if edge in gradients else g
                waiting[edge] -= 1
                if waiting[edge] == 0:
                    heapq.heappush(ready, (-edge.sequence, edge))


def tensor(value: Tensor | object) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value)


def record(function: Callable, inputs: tuple[Tensor, ...], formulas: tuple[Callable[[Tensor], Tensor], ...]) -> Tensor:
    """The function's value, joined to the graph if an input wants a gradient."""
    result = Tensor(function(*(x.value for x in inputs)), any(x.requires_grad for x in inputs))
    if result.requires_grad:
        result.grad_fn = Node(inputs, formulas)
    return result


def finish_gradient(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sums what broadcasting had repeated: the one place where that is undone."""
    lead = g.value.ndim - len(shape)
    repeated = tuple(i for i in range(g.value.ndim) if i < lead or (shape[i - lead] == 1 and g.value.shape[i] != 1))
    return g.sum(repeated, keepdims=True).reshape(shape) if repeated else g


def dependencies(root: Node) -> dict[Node, int]:
    """How many gradients each node below the root still waits for."""
    waiting, stack, seen = {root: 0}, [root], {root}
    while stack:
        for edge in filter(None, stack.pop().edges):
            waiting[edge] = waiting.get(edge, 0) + 1
            if edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return waiting
