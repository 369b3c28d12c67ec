"""`autograd.backward` and `autograd.grad` against PyTorch's: the same gradients, the same types of error."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

import rushlight as rl

CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "one tensor": lambda m, x, y: m.autograd.grad(x.sum(), x),
    "needs a start": lambda m, x, y: m.autograd.grad(x * 2, x),
    "start": lambda m, x, y: m.autograd.grad(x * 2, x, m.ones(3)),
    "start of another shape": lambda m, x, y: m.autograd.grad(x * 2, x, [m.ones(2)]),
    "start of another dtype": lambda m, x, y: m.autograd.grad(x * 2, x, m.ones(3, dtype=m.float64)),
    "no inputs": lambda m, x, y: m.autograd.grad(x.sum(), []),
    "no outputs": lambda m, x, y: m.autograd.grad([], x),
    "unused": lambda m, x, y: m.autograd.grad(x.sum(), [x, y]),
    "unused allowed": lambda m, x, y: m.autograd.grad(x.sum(), [x, y], allow_unused=True),
    "unused as zeros": lambda m, x, y: m.autograd.grad(x.sum(), [x, y], materialize_grads=True),
    "contradiction": lambda m, x, y: m.autograd.grad(x.sum(), [x, y], materialize_grads=True, allow_unused=False),
    "mapping": lambda m, x, y: m.autograd.grad((x * y).sum(), {"a": x, "b": y}),
    "only_inputs": lambda m, x, y: m.autograd.grad(x.sum(), x, only_inputs=False),
    "a number": lambda m, x, y: m.autograd.grad(x.sum(), 3),
    "output without history": lambda m, x, y: m.autograd.grad(m.ones(2).sum(), x),
    "input without gradient": lambda m, x, y: m.autograd.grad(x.sum(), m.ones(2)),
    "too few starts": lambda m, x, y: m.autograd.grad((x * 2, x * 3), x, [m.ones(3)]),
    "None among starts": lambda m, x, y: m.autograd.grad((x * 2, x.sum()), x, [m.ones(3), None]),
    "intermediate": lambda m, x, y: [(z := x * y), m.autograd.grad((z * z).sum(), z)][1],
    "second derivative": lambda m, x, y: m.autograd.grad(
        m.autograd.grad((x * x * x).sum(), x, create_graph=True)[0].sum(), x
    ),
    "batched": lambda m, x, y: m.autograd.grad(
        x * y, [x, y], m.tensor([[1.0, 0, 0], [0, 2, 0]]), is_grads_batched=True
    ),
    "twice": lambda m, x, y: [(z := (x * y).sum()), m.autograd.grad(z, x), m.autograd.grad(z, x)],
    "retained": lambda m, x, y: [(z := (x * y).sum()), m.autograd.grad(z, x, retain_graph=True), m.autograd.grad(z, x)],
    "backward": lambda m, x, y: m.autograd.backward((x * y).sum()),
    "backward of two": lambda m, x, y: m.autograd.backward([x.sum(), (x * 2).sum()]),
    "backward from a start": lambda m, x, y: m.autograd.backward(x * 2, m.ones(3)),
    "former name": lambda m, x, y: m.autograd.backward(x * 2, grad_variables=m.ones(3)),
    "both names": lambda m, x, y: m.autograd.backward(x * 2, m.ones(3), grad_variables=m.ones(3)),
    "backward to no inputs": lambda m, x, y: m.autograd.backward(x.sum(), inputs=[]),
    "backward to one input": lambda m, x, y: m.autograd.backward((x * y).sum(), inputs=x),
    "backward without history": lambda m, x, y: m.autograd.backward(m.ones(2).sum()),
}


def outcome(m: Any, case: Callable[[Any, Any, Any], Any]) -> Any:
    x, y = (m.tensor(values, requires_grad=True) for values in ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = plain(case(m, x, y))
        except Exception as error:
            result = type(error)
    return result, plain(x.grad), plain(y.grad), [w.category for w in caught]


def plain(value: Any) -> Any:
    """Tensors as lists, within tuples, lists and dicts."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


@pytest.mark.parametrize("name", CASES)
def test_same_as_pytorch(name: str) -> None:
    assert outcome(rl, CASES[name]) == outcome(pt, CASES[name])
