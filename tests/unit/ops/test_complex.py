"""Complex numbers: special values, views of the parts, conjugates, gradients, what is refused."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl

PARTS = (0.0, -0.0, 1.0, -2.0, 0.5, np.inf, -np.inf, np.nan)
AWKWARD = np.array([complex(a, b) for a, b in itertools.product(PARTS, PARTS)])
FUNCTIONS = (
    "sqrt", "rsqrt", "exp", "exp2", "expm1", "log", "log2", "log10", "sin", "cos", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid", "reciprocal", "square", "abs", "angle",
    "sgn", "sinc", "isnan", "isinf", "isfinite", "isreal", "logical_not",
)  # fmt: skip


def same(a: np.ndarray, b: np.ndarray) -> None:
    """Part by part, NaN equal to NaN."""
    for x, y in ((a.real, b.real), (a.imag, b.imag)):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_infinities_nan_and_branch_cuts(name: str) -> None:
    same(getattr(rl, name)(rl.from_numpy(AWKWARD)).numpy(), getattr(pt, name)(pt.from_numpy(AWKWARD)).numpy())


def test_log1p_is_the_c_standards() -> None:
    with np.errstate(all="ignore"):
        same(rl.log1p(rl.from_numpy(AWKWARD)).numpy(), np.log1p(AWKWARD))


@pytest.mark.parametrize("name", ["add", "sub", "mul", "div", "pow", "eq", "ne", "logical_and", "logaddexp"])
def test_awkward_pairs(name: str) -> None:
    x, y = (v.ravel().copy() for v in np.meshgrid(AWKWARD, AWKWARD))
    mine, theirs = (getattr(m, name)(m.from_numpy(x), m.from_numpy(y)).numpy() for m in (rl, pt))
    same(mine, theirs)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_running_sums_of_exponentials(dtype: str) -> None:
    x = np.stack([v.ravel() for v in np.meshgrid(AWKWARD, AWKWARD)]).astype(dtype)
    mine, theirs = (m.from_numpy(x).logcumsumexp(0).numpy() for m in (rl, pt))
    np.testing.assert_allclose(mine.real, theirs.real, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(mine.imag, theirs.imag, rtol=1e-6, atol=1e-6)


def test_running_sums_of_exponentials_do_not_overflow() -> None:
    x = rl.tensor([800 + 1j, 800 + 1j, -800 + 2j, complex(-np.inf, 3)])
    np.testing.assert_allclose(x.logcumsumexp(0).numpy(), 800 + np.log([1, 2, 2, 2]) + 1j, rtol=1e-6)
    np.testing.assert_allclose(rl.logaddexp(x, x).numpy()[:3], x.numpy()[:3] + np.log(2), rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("call", [
    lambda m, x: m.logaddexp(x, x.flip(0) * 0.5),
    lambda m, x: x.logcumsumexp(0),
    lambda m, x: x.logcumsumexp(1),
])
def test_gradients_of_logarithms_of_sums(call: Callable[..., Any], order: int) -> None:
    z = np.random.default_rng(3).normal(size=(3, 4, 2)).view(complex)[..., 0]
    found = []
    for m in (rl, pt):
        x = m.from_numpy(z.copy()).requires_grad_()
        y = call(m, x)
        for _ in range(order):
            (y,) = m.autograd.grad((y * m.from_numpy(np.conj(z))).sum().abs(), x, create_graph=True)
        found.append(y.detach().resolve_conj().numpy())
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["sqrt", "log", "asin", "atanh", "acosh"])
def test_either_side_of_a_branch_cut(name: str) -> None:
    """The sign of a zero says on which side the number is: NumPy's rule, the C standard's."""
    z = np.array([complex(a, b) for a in (-4.0, -2.0, 2.0, 4.0) for b in (0.0, -0.0)])
    mine = getattr(rl, name)(rl.from_numpy(z)).numpy()
    theirs = getattr(np, {"asin": "arcsin", "atanh": "arctanh", "acosh": "arccosh"}.get(name, name))(z)
    np.testing.assert_allclose(mine, theirs, rtol=1e-14)


def test_complex64_is_rounded_once() -> None:
    z = np.random.default_rng(1).normal(size=(200, 2)).view(complex)[:, 0]
    narrow = z.astype("complex64")
    for name in ("exp", "log", "tan", "asinh"):
        exact = getattr(rl, name)(rl.from_numpy(narrow.astype(complex))).numpy().astype("complex64")
        np.testing.assert_array_equal(getattr(rl, name)(rl.from_numpy(narrow)).numpy(), exact)


def test_squares_are_exact() -> None:
    assert (rl.tensor([-0.5j]) ** 2).tolist() == [-0.25 + 0j]
    z = rl.randn(50, dtype=rl.complex128)
    assert not (z * z.conj()).imag.any()


# ------------------------------------------------------------------ promotion


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_a_complex_number_lifts_the_category_only(dtype: str) -> None:
    for f in (lambda x, m: x * 1j, lambda x, m: 1j - x, lambda x, m: x + m.tensor(1j, dtype=m.complex128)):
        mine, theirs = (f(m.ones(2, dtype=getattr(m, dtype)), m) for m in (rl, pt))
        assert str(mine.dtype) == str(theirs.dtype)


# ------------------------------------------------------------------ views


def test_parts_share_memory() -> None:
    z = rl.tensor([1 + 2j, 3 - 1j])
    z.real.mul_(10)
    z.imag[0] = 7
    assert z.tolist() == [10 + 7j, 30 - 1j]
    z.real = rl.tensor([1.0, 2.0])
    z.imag = 0
    assert z.tolist() == [1 + 0j, 2 + 0j]
    assert rl.view_as_real(z).data_ptr() == z.data_ptr()
    assert rl.view_as_complex(rl.view_as_real(z)[:1]).tolist() == [1 + 0j]
    assert z.real._base is z and z.real.stride() == (2,)
    x = rl.ones(2)
    assert x.real is x and x.conj() is x and rl.resolve_conj(x) is x


@pytest.mark.parametrize(
    "shape, stride, offset",
    [((2, 2), (2, 1), 1), ((2, 2), (3, 1), 0), ((2, 2), (1, 2), 0), ((2, 3), (3, 1), 0), ((), (), 0)],
)
def test_pairs_that_are_no_numbers(shape: tuple[int, ...], stride: tuple[int, ...], offset: int) -> None:
    for m in (rl, pt):
        with pytest.raises(RuntimeError):
            m.view_as_complex(m.zeros(12).as_strided(shape, stride, offset))


def test_writing_a_part_of_something_with_history() -> None:
    def gradient(m: Any) -> np.ndarray:
        x = m.tensor([1 + 2j, 3 - 1j], dtype=m.complex128).requires_grad_()
        y = x * (2 - 1j)
        y.real.mul_(m.tensor([3.0, 4.0], dtype=m.float64))
        y.imag.copy_(y.real)
        (g,) = m.autograd.grad((y * y.conj()).real.sum(), x)
        return g.resolve_conj().numpy()

    np.testing.assert_allclose(gradient(rl), gradient(pt))


def test_conjugates_are_values() -> None:
    z = rl.tensor([[1 + 2j, 3 - 1j]])
    w = z.conj()
    assert not w.is_conj() and not rl.is_conj(w) and not w.imag.is_neg() and w.data_ptr() != z.data_ptr()
    assert w.resolve_conj() is w and w.numpy().tolist() == [[1 - 2j, 3 + 1j]]
    for y in (z.mH, z.H, z.adjoint()):
        assert y.tolist() == [[1 - 2j], [3 + 1j]]
    z.conj_physical_()
    assert z.tolist() == w.tolist()


# ------------------------------------------------------------------ gradients


def _steepest(f: Callable[[Any], Any], z: np.ndarray) -> np.ndarray:
    """dL/dx + i dL/dy by central differences."""
    step, found = 1e-6, np.zeros_like(z)
    for k, way in itertools.product(range(z.size), (1, 1j)):
        moved = np.zeros_like(z)
        moved[k] = step * way
        ahead, behind = (float(f(rl.from_numpy(z + s * moved)).item()) for s in (1, -1))
        found[k] += way * (ahead - behind) / (2 * step)
    return found


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.abs().sum(), lambda x: x.angle().sum(), lambda x: (x.sgn() * (1 - 2j)).real.sum(),
        lambda x: (x * x.exp()).imag.sum(), lambda x: (x / (x + 2j)).real.sum(), lambda x: x.prod().real,
        lambda x: x.var(), lambda x: x.norm(3), lambda x: x.cumprod(0).imag.sum(), lambda x: (x**2.5).real.sum(),
        lambda x: (2**x).real.sum(), lambda x: x.logsumexp(0).imag, lambda x: (x.conj() * x.sin()).real.mean(),
        lambda x: rl.view_as_real(x)[:, 1].cos().sum(), lambda x: rl.polar(x.abs(), x.real).imag.sum(),
    ],
)  # fmt: skip
def test_gradients_are_the_directions_of_steepest_ascent(f: Callable[[Any], Any]) -> None:
    z = np.array([0.8 + 0.3j, -0.4 + 1.1j, 1.5 - 0.7j])
    x = rl.from_numpy(z).requires_grad_()
    f(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), _steepest(f, z), rtol=1e-6, atol=1e-8)


def test_a_real_input_gets_a_real_gradient() -> None:
    x = rl.tensor([1.0, 2.0], requires_grad=True)
    (x * (3 + 4j)).abs().sum().backward()
    assert x.grad.dtype is rl.float32 and x.grad.tolist() == [5.0, 5.0]


# ------------------------------------------------------------------ numbers and errors


def test_numbers() -> None:
    z = rl.tensor(3 - 1j)
    assert (
        complex(z) == 3 - 1j
        and float(z.real) == 3.0
        and float(rl.tensor(2 + 0j)) == 2.0
        and int(rl.tensor(2 + 0j)) == 2
    )
    for convert in (float, int):
        with pytest.raises(RuntimeError, match="real"):
            convert(z)


@pytest.mark.parametrize(
    "symbol", [operator.lt, operator.le, operator.gt, operator.ge, operator.mod, operator.floordiv]
)
def test_complex_numbers_have_no_order(symbol: Callable[[Any, Any], Any]) -> None:
    for m in (rl, pt):
        with pytest.raises(RuntimeError):
            symbol(m.tensor([1j]), m.tensor([1j]))


def test_refused() -> None:
    z = rl.tensor([1j, 2.0])
    for call in (
        lambda: z.max(), lambda: z.clamp(0, 1), lambda: z.floor(), lambda: z.sort(), lambda: z.sign(), lambda: z.abs_(),
        lambda: rl.ones(2).imag, lambda: rl.view_as_real(rl.ones(2)), lambda: rl.ones(2).add_(z),
        lambda: z.clone().requires_grad_().sum().backward(), lambda: rl.complex(rl.ones(2), rl.ones(2).double()),
    ):  # fmt: skip
        with pytest.raises(RuntimeError):
            call()


def test_what_converts_first_takes_the_real_parts() -> None:
    for name in ("softmax", "log_softmax"):
        mine, theirs = (getattr(m, name)(m.tensor([1 + 2j, 3 - 1j]), 0, dtype=m.float64) for m in (rl, pt))
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-12)


def test_parts_that_are_not_finite_are_replaced() -> None:
    z = [complex(np.nan, np.inf), 1j]
    mine, theirs = (m.nan_to_num(m.tensor(z), 5.0, 7.0) for m in (rl, pt))
    assert mine.tolist() == theirs.tolist() == rl.tensor(z).nan_to_num_(5.0, 7.0).tolist()
