"""Matrix products, convolution, scans and additions at indices in complex numbers, integers and bools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

from tests.unit.ops.oracle import agree, numbers, refuse

COMPLEX = (pt.complex64, pt.complex128)
INTEGERS = (pt.uint8, pt.int8, pt.int16, pt.int32, pt.int64)
TOLERANCE = {pt.complex64: 2e-5, pt.complex128: 1e-9}


def complexes(*shape: int, dtype: pt.dtype = pt.complex128, seed: int = 0) -> pt.Tensor:
    return pt.complex(numbers(*shape, seed=seed), numbers(*shape, seed=seed + 1)).to(dtype)


# Each is called with a (4, 5) matrix x, a (5, 4) one y and int64 places p (4, 5) below 4.
PRODUCTS: dict[str, Callable[..., Any]] = {
    "mm": lambda m, x, y, p: m.mm(x, y),
    "mm of views": lambda m, x, y, p: m.mm(y.t(), x.t()[:, ::2]),
    "bmm": lambda m, x, y, p: m.bmm(x.expand(3, 4, 5), y[None].repeat(3, 1, 1)),
    "mv": lambda m, x, y, p: m.mv(x, y[:, 0]),
    "dot": lambda m, x, y, p: m.dot(x[0], y[:, 1]),
    "vdot": lambda m, x, y, p: m.vdot(x[0], y[:, 1]),
    "inner": lambda m, x, y, p: m.inner(x, y.t()),
    "outer": lambda m, x, y, p: m.outer(x[0], y[0]),
    "addmm": lambda m, x, y, p: m.addmm(x[:, :4], x, y, beta=2, alpha=-3),
    "baddbmm": lambda m, x, y, p: m.baddbmm(x[None, :, :4], x[None], y[None]),
    "linear": lambda m, x, y, p: m.nn.functional.linear(x, y.t(), x[:, 0]),
    "einsum": lambda m, x, y, p: m.einsum("ij,jk->ki", x, y),
    "conv1d": lambda m, x, y, p: m.nn.functional.conv1d(x[None], y[:4, :, None].reshape(4, 4, 1), x[:, 0]),
    "conv2d": lambda m, x, y, p: m.nn.functional.conv2d(x[None, None], y[None, None, :2, :3], padding=1),
    "cumsum": lambda m, x, y, p: m.cumsum(x, 1),
    "cumprod": lambda m, x, y, p: m.cumprod(x, 0),
    "scatter_add": lambda m, x, y, p: m.scatter_add(x, 0, p, y.t()),
    "index_add": lambda m, x, y, p: m.index_add(x, 0, p[0], x[p[0]], alpha=2),
    "index_put": lambda m, x, y, p: m.index_put(x, (p[0],), y.t()[p[0]], accumulate=True),
    "put": lambda m, x, y, p: m.Tensor.put(x, p, y.t(), accumulate=True),
    "take": lambda m, x, y, p: m.take(x, p),
    "gather": lambda m, x, y, p: m.gather(x, 0, p),
    "index": lambda m, x, y, p: x[p[0]],
    "unfold": lambda m, x, y, p: x.unfold(1, 3, 1),
}
PLACES = pt.arange(20).reshape(4, 5) * 7 % 4


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("name", PRODUCTS)
def test_complex(name: str, dtype: pt.dtype) -> None:
    call = PRODUCTS[name]
    x, y = complexes(4, 5, dtype=dtype), complexes(5, 4, dtype=dtype, seed=2)

    def square(m: Any, x: Any, y: Any, p: Any) -> Any:  # which has second derivatives
        z = call(m, x, y, p)
        return z * z + 0 * y.sum()

    agree(square, x, y, PLACES, tolerance=10 * TOLERANCE[dtype], order=2 if dtype == pt.complex128 else 1)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_integers(name: str, dtype: pt.dtype) -> None:
    x, y = (numbers(4, 5) * 40).to(dtype), (numbers(5, 4, seed=1) * 40).to(dtype)
    agree(PRODUCTS[name], x, y, PLACES, tolerance=0, order=0)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("sizes", [(1, 70, 90), (33, 300, 1), (40, 50, 60), (3, 0, 2), (0, 3, 2), (130, 20, 140)])
def test_complex_products_of_any_size(sizes: tuple[int, int, int], dtype: pt.dtype) -> None:
    m, k, n = sizes
    a, b = complexes(m, k, dtype=dtype), complexes(k, n, dtype=dtype, seed=1)
    tolerance = 20 * TOLERANCE[dtype]
    agree(lambda m, a, b: m.mm(a, b), a, b, tolerance=tolerance, order=1)
    agree(lambda m, a, b: m.mm(a, b), a.t().contiguous().t(), b.t().contiguous().t(), tolerance=tolerance, order=0)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_windows(dtype: pt.dtype) -> None:
    x = (numbers(1, 2, 6, 6) * 50).to(dtype)
    w = (numbers(2, 2, 3, 3) * 50).to(dtype)
    agree(lambda m, x, w: m.nn.functional.conv2d(x, w, stride=2, padding=1), x, w, tolerance=0, order=0)
    agree(lambda m, x: m.nn.functional.max_pool2d(x, 2), x, tolerance=0, order=0)
    transposed = lambda m, x, w: m.nn.functional.conv_transpose2d(x, w, stride=2)  # noqa: E731
    if dtype == pt.int64:
        agree(transposed, x, w, tolerance=0, order=0)
    else:
        refuse(transposed, x, w)


def test_bools_are_not_multiplied() -> None:
    def ones(*shape: int) -> pt.Tensor:
        return pt.ones(shape, dtype=pt.bool)

    for call, a, b in (
        (lambda m, a, b: m.mm(a, b), ones(2, 3), ones(3, 2)),
        (lambda m, a, b: m.bmm(a, b), ones(1, 2, 3), ones(1, 3, 2)),
        (lambda m, a, b: m.mv(a, b), ones(2, 3), ones(3)),
        (lambda m, a, b: m.dot(a, b), ones(0), ones(0)),
        (lambda m, a, b: m.nn.functional.linear(a, b), ones(2, 3), ones(2, 3)),
        (lambda m, a, b: m.nn.functional.conv1d(a, b), ones(1, 1, 3), ones(1, 1, 2)),
        (lambda m, a, b: m.nn.functional.max_pool2d(a, 2), ones(1, 4, 4), ones(1)),
    ):
        refuse(call, a, b, error=NotImplementedError)
    agree(lambda m, a, b: m.mm(a, b), ones(2, 0), ones(0, 3), tolerance=0, order=0)
    agree(lambda m, a, b: m.mm(a, b), ones(0, 2), ones(2, 3), tolerance=0, order=0)
    agree(lambda m, a, b: m.bmm(a, b), ones(2, 2, 0), ones(2, 0, 3), tolerance=0, order=0)
    agree(lambda m, a, b: m.nn.functional.linear(a, b), ones(2, 0), ones(3, 0), tolerance=0, order=0)


@pytest.mark.parametrize("dtype", COMPLEX)
def test_complex_numbers_have_no_order(dtype: pt.dtype) -> None:
    x, y = complexes(4, 5, dtype=dtype), complexes(4, 5, dtype=dtype, seed=2)
    for reduce in ("sum", "prod", "mean"):
        agree(lambda m, x, y, p, r=reduce: m.scatter_reduce(x, 0, p, y, r), x, y, PLACES, tolerance=1e-5, order=0)
    for reduce in ("amax", "amin"):
        refuse(lambda m, x, y, p, r=reduce: m.scatter_reduce(x, 0, p, y, r), x, y, PLACES)
    refuse(lambda m, x: m.cummax(x, 0), x)
    refuse(lambda m, x: m.softmax(x, 0), x)


@pytest.mark.parametrize("dtype", COMPLEX)
def test_complex_numbers_in_order(dtype: pt.dtype) -> None:
    name = str(dtype).split(".")[1]
    for a, b, n in ((-3, 10, 7), (1j, 2 - 1j, 50), (0, 5j, 1), (1, 2, 0)):
        agree(lambda m, a=a, b=b, n=n: m.linspace(a, b, n, dtype=getattr(m, name)), tolerance=TOLERANCE[dtype], order=0)
        agree(lambda m, a=a, b=b, n=n: m.logspace(a, b, n, dtype=getattr(m, name)), tolerance=1e-4, order=0)
    agree(lambda m: m.linspace(0, 1j, 3), tolerance=1e-6, order=0)
    refuse(lambda m: m.linspace(0, 1j, 3, dtype=m.float32))
    refuse(lambda m: m.arange(3, dtype=getattr(m, name)))


@pytest.mark.parametrize("dtype", [pt.bool, *INTEGERS])
def test_integers_are_contracted(dtype: pt.dtype) -> None:
    x, y = (numbers(1, 2, 3) * 9).to(dtype), (numbers(3) * 9).to(dtype)
    agree(lambda m, x, y: m.einsum("...ik,...j->ij", x, y), x, y, tolerance=0, order=0)
    if dtype != pt.bool:
        agree(lambda m, x, y: m.tensordot(x[:, :1, :1], y[:, None, None], dims=((0, 1), (2, 0))), x, y, order=0)
