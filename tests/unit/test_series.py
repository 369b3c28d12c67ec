"""Integrals, slopes, covariances, distances, norms and copying views, against PyTorch with gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit import twin
from tests.unit.ops.oracle import agree, equal, numbers, ours, refuse


@pytest.mark.parametrize("name", ["trapezoid", "cumulative_trapezoid"])
def test_integrals(name: str) -> None:
    y, x = numbers(3, 5), numbers(5)
    agree(lambda m, y: getattr(m, name)(y, dx=0.5), y, order=1)
    agree(lambda m, y: getattr(m, name)(y, dim=0), y, order=1)
    agree(lambda m, y, x: getattr(m, name)(y, x), y, x, order=1)
    agree(lambda m, y, x: getattr(m, name)(y, x, dim=0), y, numbers(3), order=1)
    agree(lambda m, y: getattr(m, name)(y), pt.ones(4, dtype=pt.int64), order=0)
    agree(lambda m, y: getattr(m, name)(y, dim=0), pt.zeros(0, 3), order=0)


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("spacing", [1, 0.5, (0.5, 2.0)])
def test_gradient(edge_order: int, spacing: Any) -> None:
    results = [
        m.gradient(t, spacing=spacing, edge_order=edge_order)
        for m, t in ((rl, ours(numbers(4, 5))), (pt, numbers(4, 5)))
    ]
    for mine, theirs in zip(*results, strict=True):
        equal(mine, theirs, 1e-12)
    places = pt.tensor([0.0, 1.0, 3.0, 3.5], dtype=pt.float64)
    agree(lambda m, x, p: m.gradient(x, spacing=(p,), dim=0, edge_order=edge_order)[0], numbers(4, 2), places, order=1)


@pytest.mark.parametrize("dtype", ["int8", "int64", "float16"])
def test_gradient_of_other_dtypes(dtype: str) -> None:
    program = f"x = torch.tensor([1, 4, 9, 16], dtype=torch.{dtype})\n"
    program += "places = torch.tensor([0., 1., 3., 4.])\n"
    twin.agree(program + "show(torch.gradient(x), torch.gradient(x, spacing=2.), torch.gradient(x, spacing=(places,)))")


def test_covariances_of_complex_numbers() -> None:
    x = pt.complex(numbers(3, 5), numbers(3, 5, seed=1))
    agree(lambda m, x: m.cov(x), x)
    agree(lambda m, x, f: m.cov(x, fweights=f), x, pt.tensor([1, 2, 0, 1, 3]))
    agree(lambda m, x: m.corrcoef(x), x, order=0)


def test_sum_to_no_size() -> None:
    for dtype in ("bool", "int32", "float32"):
        for shape in ("()", "1", "2, 3"):
            twin.agree(f"show(torch.ones({shape}, dtype=torch.{dtype}).sum_to_size(()))")


def test_first_places_of_what_is_not_zero() -> None:
    for size in (0, 2, 5, 9):
        twin.agree(f"show(torch.nonzero_static(torch.tensor([[1, 0, 2], [0, 3, 0], [4, 5, 6]]), size={size}))")


def test_range_of_integers_between_floats() -> None:
    for numbers_ in ("1.0, 5.000001, 2.0", "0, 3.9, 1", "-1.5, 3", "5.5, 0, -1.5", "0.5, 5, 1"):
        for dtype in ("int64", "int32", "float32"):
            twin.agree(f"show(torch.arange({numbers_}, dtype=torch.{dtype}))")


def test_covariances() -> None:
    x, whole, shares = numbers(3, 5), pt.tensor([1, 2, 0, 1, 3]), numbers(5).abs()
    agree(lambda m, x: m.cov(x), x)
    agree(lambda m, x: m.cov(x, correction=0), numbers(5))
    agree(lambda m, x, f: m.cov(x, fweights=f), x, whole)
    agree(lambda m, x, f, a: m.cov(x, fweights=f, aweights=a), x, whole, shares)
    agree(lambda m, x: m.corrcoef(x), x)
    agree(lambda m, x: m.corrcoef(x), numbers(5), order=0)
    agree(lambda m, x: m.cov(x), pt.tensor([[1, 2, 4], [3, 1, 0]]), order=0, tolerance=1e-6)


@pytest.mark.parametrize("p", [0.0, 1.0, 1.5, 2.0, float("inf")])
def test_distances(p: float) -> None:
    order = 1 if p else 0
    agree(lambda m, a, b: m.cdist(a, b, p), numbers(2, 4, 3), numbers(5, 3), order=order)
    agree(lambda m, a, b: m.cdist(a, b, p), numbers(30, 3), numbers(2, 3), order=order)
    agree(lambda m, a, b: m.cdist(a, b, p), pt.zeros(4, 0), pt.zeros(3, 0), order=0)
    if p:
        agree(lambda m, x: m.renorm(x, p, 1, 1.2), numbers(3, 4, 2), order=1)


def test_vectors_and_powers() -> None:
    agree(lambda m, a, b: m.cross(a, b), numbers(2, 3, 4), numbers(2, 3, 4, seed=1), order=1)
    agree(lambda m, a, b: m.linalg.cross(a, b), numbers(2, 3), numbers(1, 3), order=1)
    agree(lambda m, a, b: m.linalg.vecdot(a, b), numbers(2, 3), numbers(2, 3, seed=1), order=1)
    agree(lambda m, x: m.vander(x, 4), numbers(3), order=0)
    agree(lambda m, x: m.vander(x, increasing=True), pt.tensor([1, 2, 3]), order=0)
    agree(lambda m, x: m.linalg.vander(x, N=3), numbers(2, 3), order=0)
    agree(lambda m, a, b, c: m.linalg.multi_dot([a, b, c]), numbers(2), numbers(2, 4), numbers(4, 3), order=1)
    agree(lambda m, a: m.linalg.matrix_power(a, 5), numbers(2, 3, 3), order=0)
    agree(lambda m, a: m.linalg.matrix_power(a, 0), numbers(2, 3, 3), order=0)


@pytest.mark.parametrize("order", [0, 1, 2, 3.5, -1, float("inf"), float("-inf")])
def test_vector_norms(order: float) -> None:
    depth = 1 if order else 0
    agree(lambda m, x: m.linalg.vector_norm(x, order, (0, 2), True), numbers(2, 3, 4), order=depth)
    agree(lambda m, x: m.linalg.norm(x, order, 1), numbers(2, 3), order=depth)


@pytest.mark.parametrize("dim", [None, 0, (0, 2)])
def test_euclidean_norms_of_many_numbers(dim: Any) -> None:
    for dtype, tolerance in ((pt.float64, 1e-12), (pt.float32, 1e-6), (pt.bfloat16, 1e-2)):
        x = numbers(30, 7, 40).to(dtype)
        agree(lambda m, x: m.linalg.vector_norm(x, 2, dim), x, order=1, tolerance=tolerance * 2)
    zeros = pt.zeros(3, 4, 2, dtype=pt.float64)
    agree(lambda m, x: m.linalg.vector_norm(x, 2, dim), zeros, order=1)
    zeros[1, 2, 1] = float("nan")
    agree(lambda m, x: m.linalg.vector_norm(x, 2, dim), zeros, order=0)


@pytest.mark.parametrize("order", ["fro", 1, -1, float("inf"), float("-inf")])
def test_matrix_norms(order: Any) -> None:
    agree(lambda m, x: m.linalg.matrix_norm(x, order), numbers(2, 3, 4), order=1)
    agree(lambda m, x: m.linalg.matrix_norm(x, order, (2, 0), True), numbers(2, 3, 4), order=1)
    agree(lambda m, x: m.linalg.norm(x, order), numbers(3, 4), order=1)


COPIES: dict[str, tuple[Any, ...]] = {
    "alias_copy": (),
    "as_strided_copy": ((2, 2), (1, 2)),
    "diagonal_copy": (1,),
    "expand_copy": ((2, 3, 4),),
    "narrow_copy": (1, 1, 2),
    "permute_copy": ((1, 0),),
    "select_copy": (1, 2),
    "slice_copy": (1, 0, 4, 2),
    "split_copy": (2,),
    "split_with_sizes_copy": ([1, 2],),
    "squeeze_copy": (),
    "t_copy": (),
    "transpose_copy": (0, 1),
    "unbind_copy": (1,),
    "unfold_copy": (1, 2, 1),
    "unsqueeze_copy": (1,),
    "unsafe_chunk": (2,),
    "unsafe_split": (2,),
    "unsafe_split_with_sizes": ([1, 2],),
    "view_copy": ((4, 3),),
}


@pytest.mark.parametrize("name", COPIES)
def test_copies(name: str) -> None:
    x = numbers(3, 4)
    mine = ours(x)
    results = getattr(rl, name)(mine, *COPIES[name])
    expected = getattr(pt, name)(x, *COPIES[name])
    if isinstance(expected, pt.Tensor):
        results, expected = [results], [expected]
    for a, b in zip(results, expected, strict=True):
        equal(a, b)
        assert a.data_ptr() != mine.data_ptr()


def test_shapes() -> None:
    assert rl.broadcast_shapes((2, 1), (3,), 1) == pt.broadcast_shapes((2, 1), (3,), 1)
    assert rl.broadcast_shapes() == ()
    agree(lambda m, x: x.sum_to_size(1, 3), numbers(4, 2, 3), order=1)
    agree(lambda m, x: x.sum_to_size((3,)), numbers(2, 3), order=1)
    for mine, theirs in zip(
        rl.unravel_index(rl.tensor([1, 5, 7]), (2, 3)), pt.unravel_index(pt.tensor([1, 5, 7]), (2, 3)), strict=True
    ):
        equal(mine, theirs)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.trapezoid(m.ones(3), m.ones(4)),
        lambda m: m.trapezoid(m.ones(3, dtype=m.bool)),
        lambda m: m.gradient(m.zeros(1)),
        lambda m: m.gradient(m.zeros(4), edge_order=3),
        lambda m: m.cov(m.zeros(2, 2, 2)),
        lambda m: m.cov(m.zeros(2, 3), fweights=m.zeros(3)),
        lambda m: m.cov(m.zeros(2, 3), aweights=m.zeros(3, dtype=m.int64)),
        lambda m: m.cov(m.zeros(2, 3), fweights=-m.ones(3, dtype=m.int64)),
        lambda m: m.cross(m.zeros(2, 4), m.zeros(2, 4)),
        lambda m: m.cross(m.zeros(3), m.zeros(2, 3)),
        lambda m: m.linalg.cross(m.zeros(4), m.zeros(4)),
        lambda m: m.cdist(m.zeros(3), m.zeros(3)),
        lambda m: m.cdist(m.zeros(3, 2), m.zeros(3, 3)),
        lambda m: m.cdist(m.zeros(3, 2), m.zeros(3, 2), -1.0),
        lambda m: m.cdist(m.zeros(3, 2), m.zeros(3, 2), compute_mode="best"),
        lambda m: m.renorm(m.zeros(3), 2, 0, 1),
        lambda m: m.renorm(m.zeros(3, 2), 2, 0, -1),
        lambda m: m.vander(m.zeros(2, 2)),
        lambda m: m.vander(m.zeros(2), -1),
        lambda m: m.linalg.vander(m.zeros(2), N=1),
        lambda m: m.linalg.vector_norm(m.zeros(0), float("inf")),
        lambda m: m.linalg.vector_norm(m.zeros(3, dtype=m.int64)),
        lambda m: m.linalg.matrix_norm(m.zeros(3)),
        lambda m: m.linalg.matrix_norm(m.zeros(3, 3), 3),
        lambda m: m.linalg.norm(m.zeros(3, 3, 3), 2),
        lambda m: m.linalg.multi_dot([m.zeros(3, 2)]),
        lambda m: m.linalg.multi_dot([m.zeros(3, 2), m.zeros(3, 2)]),
        lambda m: m.linalg.matrix_power(m.zeros(3, 2), 2),
        lambda m: m.broadcast_shapes((2, 3), (4,)),
        lambda m: m.broadcast_shapes((-2,)),
        lambda m: m.unravel_index(m.zeros(2), (2, 3)),
        lambda m: m.zeros(2, 3).sum_to_size(2, 2),
    ],
)
def test_refused(call: Callable[[Any], Any]) -> None:
    refuse(call)
