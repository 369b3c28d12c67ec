"""The page-sized autograd gives Rushlight's gradients, and second derivatives."""

import importlib.util
from pathlib import Path

import numpy as np

import rushlight as rl

path = Path(__file__).parents[2] / "examples" / "engine_in_150_lines.py"
spec = importlib.util.spec_from_file_location("engine_in_150_lines", path)
engine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(engine)


def test_size():
    assert len(path.read_text().splitlines()) <= 160


def test_gradients_with_broadcasting():
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(5, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    ours = [engine.Tensor(a, requires_grad=True) for a in (x, w, b)]
    theirs = [rl.from_numpy(a.copy()).requires_grad_() for a in (x, w, b)]
    for tensors in (ours, theirs):
        hidden = (tensors[0] @ tensors[1] + tensors[2]).tanh()
        (hidden * hidden.exp()).sum().backward()
    for a, c in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.value, c.grad.numpy(), rtol=1e-12)


def test_gradients_are_differentiable():
    x = engine.Tensor([0.5, -1.0], requires_grad=True)
    (x * x * x).sum().backward()
    first, x.grad = x.grad, None
    first.sum().backward()
    np.testing.assert_allclose(x.grad.value, 6 * x.value)


def test_deep_chain_needs_no_recursion():
    x = y = engine.Tensor(1.0, requires_grad=True)
    for _ in range(20_000):
        y = y * 1.0
    y.backward()
    assert x.grad.value == 1
