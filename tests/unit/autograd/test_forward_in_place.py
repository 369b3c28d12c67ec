"""Writes to duals: a dual with itself, views of duals, and derivatives of what was written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl

ad = rl.autograd.forward_ad
X, T, W = ([0.3, 0.7, 0.5], [1.0, -2.0, 0.5], [0.4, 1.3, -0.6])
Program = Callable[[Any, Any], Any]

WITH_ITSELF: dict[str, tuple[Program, Program]] = {
    "mul_": (lambda m, y: y.mul_(y), lambda m, y: y * y),
    "mul_ twice": (lambda m, y: y.mul_(y).mul_(y), lambda m, y: (y * y) * (y * y)),
    "add_": (lambda m, y: y.add_(y), lambda m, y: y + y),
    "sub_": (lambda m, y: y.sub_(y, alpha=3), lambda m, y: y - 3 * y),
    "div_": (lambda m, y: y.div_(y), lambda m, y: y / y),
    "pow_": (lambda m, y: y.pow_(y), lambda m, y: y**y),
    "addcmul_": (lambda m, y: y.addcmul_(y, y), lambda m, y: y + y * y),
    "lerp_": (lambda m, y: y.lerp_(y.sin(), y), lambda m, y: m.lerp(y, y.sin(), y)),
    "one place": (lambda m, y: (y[0].mul_(y[1]), y)[1], lambda m, y: m.cat([y[:1] * y[1], y[1:]])),
}


def tensors(m: Any, *lists: list[float]) -> list[Any]:
    return [m.tensor(values, dtype=m.float64) for values in lists]


@pytest.mark.parametrize("name", WITH_ITSELF)
def test_a_dual_written_with_itself(name: str) -> None:
    """PyTorch reads what is written already and is wrong here: the out-of-place form is the reference."""
    x, t = tensors(rl, X, T)
    with ad.dual_level():
        written, apart = (ad.unpack_dual(f(rl, ad.make_dual(x, t).clone())) for f in WITH_ITSELF[name])
        np.testing.assert_allclose(written.primal.numpy(), apart.primal.numpy())
        np.testing.assert_allclose(written.tangent.numpy(), apart.tangent.numpy())


PROGRAMS: dict[str, Program] = {
    "exp_": lambda m, x: x.clone().exp_(),
    "sin_": lambda m, x: x.clone().sin_(),
    "sin_ of a view": lambda m, x: (lambda y: (y[1:].sin_(), y)[1])(x.clone()),
    "exp_ of a view": lambda m, x: (lambda y: (y[1:].exp_(), y)[1])(x.clone()),
    "relu_": lambda m, x: (x - 0.4).relu_(),
    "mul_ of a view": lambda m, x: (lambda y: (y[:2].mul_(y[1:].clone()), y)[1])(x.clone()),
    "a view of a view": lambda m, x: (lambda y: (y.as_strided((2,), (2,)).mul_(x[0]), y)[1])(x.clone()),
    "cumprod_": lambda m, x: x.clone().cumprod_(0),
    "copy_": lambda m, x: (lambda y: (y[:2].copy_(x[1:] * x[:2]), y)[1])(x.clone()),
    "fill_": lambda m, x: (lambda y: (y[0].fill_(x[1] * x[2]), y * y)[1])(x.clone()),
    "setitem": lambda m, x: (lambda y: (y.__setitem__(0, x[1] * x[2]), y * y)[1])(x.clone()),
    "scatter_": lambda m, x: x.clone().scatter_(0, m.tensor([0, 1]), x[1:] * x[1:]),
    "index_add_": lambda m, x: x.clone().index_add_(0, m.tensor([0, 1]), x[1:] * x[1:]),
    "zero_ of a view": lambda m, x: (lambda y: (y[1:].zero_(), y * x)[1])(x.clone()),
    "changed shape": lambda m, x: (lambda y: y.unsqueeze_(0).t_().mul_(x[0]).squeeze_())(x * 1),
    "renorm_": lambda m, x: m.outer(x, x).renorm_(2, 0, 0.2).sum(0),
    "polygamma_": lambda m, x: x.clone().polygamma_(1),
    "float_power_": lambda m, x: x.clone().float_power_(x),
    "addmm_": lambda m, x: m.outer(x, x).addmm_(m.outer(x, x), m.outer(x, x.exp())).sum(0),
}


def curvatures(m: Any, program: Program) -> list[np.ndarray]:
    """The value's slope along T, and the derivative of the gradient along T, in three ways."""
    forward = m.autograd.forward_ad
    x, t, w = tensors(m, X, T, W)
    x.requires_grad_()
    (g,) = m.autograd.grad((program(m, x) * w).sum(), x, create_graph=True)
    found = [m.autograd.grad((g * t).sum(), x)[0]]
    with forward.dual_level():
        y = program(m, forward.make_dual(x, t))
        slope = forward.unpack_dual(y).tangent
        found = [slope, *found, m.autograd.grad((slope * w).sum(), x)[0]]
        (g,) = m.autograd.grad((program(m, forward.make_dual(x, t)) * w).sum(), x, create_graph=True)
        found.append(forward.unpack_dual(g).tangent)
    return [f.detach().numpy() for f in found]


@pytest.mark.parametrize("name", PROGRAMS)
def test_second_derivatives_of_what_was_written(name: str) -> None:
    slope, *ours = curvatures(rl, PROGRAMS[name])
    expected, *theirs = curvatures(pt, PROGRAMS[name])
    np.testing.assert_allclose(slope, expected, rtol=1e-9)
    for mine in ours:
        np.testing.assert_allclose(mine, theirs[0], rtol=1e-8, atol=1e-12)


FLAT = ["relu", "leaky_relu", "hardshrink", "threshold"]


@pytest.mark.parametrize("name", FLAT)
def test_a_flat_gradient_has_the_derivative_zero(name: str) -> None:
    for m in (rl, pt):
        (x,) = tensors(m, X)
        x.requires_grad_()
        arguments = (0.4, 0.1) if name == "threshold" else ()
        (g,) = m.autograd.grad(getattr(m.nn.functional, name)(x - 0.4, *arguments).sum(), x, create_graph=True)
        assert g.requires_grad
        np.testing.assert_array_equal(m.autograd.grad(g.sum(), x)[0].numpy(), 0)


def test_as_strided_scatter_gives_each_place_its_own_gradient() -> None:
    """PyTorch's gradient of input fails its own gradcheck."""
    x, s = rl.arange(6.0, dtype=rl.float64), rl.tensor([10.0, 20.0], dtype=rl.float64)
    x.requires_grad_()
    s.requires_grad_()
    assert rl.autograd.gradcheck(lambda a, b: rl.as_strided_scatter(a, b, (2,), (2,), 1), (x, s), check_forward_ad=True)


def test_an_unrecorded_write_to_a_view_that_was_made_unrecorded() -> None:
    """Where nothing is recorded, no history is asked for: only the tangent follows."""
    for lib in (pt, rl):
        with lib.autograd.forward_ad.dual_level():
            x = lib.autograd.forward_ad.make_dual(lib.ones(3, requires_grad=True), lib.tensor([1.0, 2.0, 3.0])) * 1
            with lib.no_grad():
                v = x[1:]
            x.mul_(2)
            with lib.no_grad():
                v.mul_(5)
            assert lib.autograd.forward_ad.unpack_dual(x).tangent.tolist() == [2.0, 20.0, 30.0]
