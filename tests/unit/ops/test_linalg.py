"""Matrix products against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit.ops.oracle import agree, equal, numbers, ours, refuse

MATMUL = [
    ((3,), (3,)),
    ((0,), (0,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((0, 3), (3, 4)),
    ((2, 3), (3, 0)),
    ((5, 2, 3), (3,)),
    ((5, 2, 3), (3, 4)),
    ((6, 5, 2, 3), (3, 4)),
    ((0, 2, 3), (3, 4)),
    ((3,), (5, 3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)),
    ((6, 1, 2, 3), (5, 3, 4)),
    ((6, 5, 2, 3), (6, 5, 3, 4)),
    ((6, 1, 2, 3), (1, 5, 3, 4)),
    ((0, 2, 3), (0, 3, 4)),
    ((3,), (6, 5, 3, 4)),
    ((6, 5, 2, 3), (3,)),
    ((1, 3), (3, 1)),
    ((5, 2, 0), (5, 0, 4)),
    ((5, 2, 0), (0, 4)),
]


def matmul(m: Any, a: Any, b: Any) -> Any:
    return m.matmul(a, b)


@pytest.mark.parametrize(("a", "b"), MATMUL)
def test_matmul(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    agree(matmul, numbers(*a), numbers(*b, seed=1))
    agree(matmul, numbers(*a, dtype=pt.float32), numbers(*b, dtype=pt.float32, seed=1), tolerance=2e-5, order=1)


@pytest.mark.parametrize(("a", "b"), MATMUL)
def test_matmul_of_views(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    def view(shape: tuple[int, ...], seed: int) -> pt.Tensor:
        if len(shape) == 1:
            return numbers(2 * shape[0], seed=seed)[::2]
        return numbers(*shape[::-1], seed=seed).permute(*range(len(shape))[::-1])

    agree(matmul, view(a, 0), view(b, 1), order=1)


def test_expanded_operands() -> None:
    agree(matmul, numbers(1, 3).expand(4, 3), numbers(3, 1).expand(3, 5), order=1)
    agree(matmul, numbers(1, 2, 3).expand(4, 2, 3), numbers(3, 5), order=1)


@pytest.mark.parametrize("dtype", [pt.int64, pt.float32, pt.float64])
def test_dtypes(dtype: pt.dtype) -> None:
    a, b = numbers(3, 4).mul(5).to(dtype), numbers(4, 2).mul(5).to(dtype)
    tolerance = 0 if dtype == pt.int64 else 1e-5
    for name, x, y in [("mm", a, b), ("mv", a, b[:, 0]), ("dot", a[0], b[:, 0]), ("bmm", a[None], b[None])]:
        equal(getattr(rl, name)(ours(x), ours(y)), getattr(pt, name)(x, y), tolerance)


def test_operator_and_method() -> None:
    a, b = numbers(2, 3), numbers(3, 4)
    equal(ours(a) @ ours(b), a @ b, 1e-12)
    equal(ours(a).matmul(ours(b)), a @ b, 1e-12)
    equal(ours(a).mm(ours(b)), a @ b, 1e-12)


def test_out() -> None:
    a, b = numbers(2, 3), numbers(3, 4)
    out = rl.empty(0, dtype=rl.float64)
    assert rl.mm(ours(a), ours(b), out=out) is out
    equal(out, a @ b, 1e-12)


LINEAR = [
    ((2, 3), (4, 3), (4,)),
    ((2, 3), (4, 3), None),
    ((3,), (4, 3), (4,)),
    ((5, 2, 3), (4, 3), (4,)),
    ((5, 2, 3), (4, 3), None),
    ((0, 3), (4, 3), (4,)),
    ((2, 0), (4, 0), (4,)),
    ((2, 3), (0, 3), (0,)),
    ((2, 3), (4, 3), (1,)),
    ((2, 3), (4, 3), ()),
    ((2, 3), (4, 3), (2, 4)),
    ((5, 2, 3), (4, 3), (2, 4)),
    ((5, 2, 3), (4, 3), (5, 2, 4)),
    ((3,), (3,), None),
    ((2, 3), (3,), None),
    ((5, 2, 3), (3,), None),
    ((6, 5, 2, 3), (4, 3), (4,)),
]


def linear(m: Any, *arguments: Any) -> Any:
    return m.nn.functional.linear(*arguments)


@pytest.mark.parametrize(("x", "weight", "bias"), LINEAR)
def test_linear(x: tuple[int, ...], weight: tuple[int, ...], bias: tuple[int, ...] | None) -> None:
    extra = [] if bias is None else [numbers(*bias, seed=2)]
    agree(linear, numbers(*x), numbers(*weight, seed=1), *extra)


def test_linear_of_views() -> None:
    agree(linear, numbers(3, 2).t(), numbers(3, 4).t(), numbers(8)[::2], order=1)
    agree(linear, numbers(2, 5, 3).transpose(0, 1), numbers(4, 6)[:, ::2], order=1)


def test_large_product_is_close() -> None:
    a, b = numbers(130, 70, dtype=pt.float32), numbers(70, 90, dtype=pt.float32)
    equal(rl.mm(ours(a), ours(b)), a @ b, 1e-4)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("mm", [(2, 3), (2, 3)]),
        ("mm", [(3,), (3, 2)]),
        ("bmm", [(2, 3, 4), (2, 3, 4)]),
        ("bmm", [(2, 3, 4), (3, 4, 2)]),
        ("bmm", [(2, 3), (2, 3, 4)]),
        ("mv", [(2, 3), (2,)]),
        ("mv", [(2, 3), (3, 1)]),
        ("dot", [(2,), (3,)]),
        ("dot", [(2, 2), (2,)]),
        ("matmul", [(), (2,)]),
        ("matmul", [(2,), ()]),
        ("matmul", [(2,), (3,)]),
        ("matmul", [(2, 3), (2, 3)]),
        ("matmul", [(2,), (3, 2)]),
        ("matmul", [(5, 2, 3), (4, 3, 2)]),
        ("matmul", [(5, 2, 3), (2, 3)]),
        ("matmul", [(2,), (5, 3, 2)]),
    ],
)
def test_refused_shapes(name: str, shapes: list[tuple[int, ...]]) -> None:
    text = refuse(lambda m, a, b: getattr(m, name)(a, b), *(pt.zeros(s) for s in shapes))
    for shape in shapes:
        assert str(list(shape)) in text.replace(">", "").replace("<", "")


@pytest.mark.parametrize("name", ["mm", "matmul"])
def test_refused_dtypes(name: str) -> None:
    def call(m: Any, a: Any, b: Any) -> Any:
        return getattr(m, name)(a, b)

    assert "float64" in refuse(call, pt.zeros(2, 3), pt.zeros(3, 2, dtype=pt.float64))
    refuse(call, pt.zeros(2, 3), pt.zeros(3, 2, dtype=pt.int64))
    refuse(call, pt.zeros(2, 3, dtype=pt.bool), pt.zeros(3, 2, dtype=pt.bool))


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3), (4, 4)],
        [(2, 5, 3), (4, 4), (4,)],
        [(2, 3), (4, 3), (3,)],
        [(2, 3), (4, 3), (3, 4)],
        [(2, 3), (2, 4, 3)],
        [(), (4, 3)],
        [(2, 3), ()],
        [(2, 3), (3,), (2,)],
    ],
)
def test_linear_refuses(shapes: list[tuple[int, ...]]) -> None:
    refuse(linear, *(pt.zeros(s) for s in shapes))


def test_meta() -> None:
    def meta(*shape: int) -> Any:
        return rl.empty(*shape, device="meta")

    assert tuple(rl.matmul(meta(5, 1, 2, 3), meta(4, 3, 6)).shape) == (5, 4, 2, 6)
    assert tuple(rl.nn.functional.linear(meta(5, 3), meta(4, 3), meta(4)).shape) == (5, 4)
    assert rl.mm(meta(2, 3), meta(3, 4)).device.type == "meta"
