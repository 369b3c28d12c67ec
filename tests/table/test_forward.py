"""Forward mode of every differentiable row: tangents against PyTorch's, and against the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
from codegen.operations import has_inplace
from codegen.table import Operation
from tests.table.arrays import Sample, smooth
from tests.table.compare import Cases, Check, Properties, arguments, attempt, build, caller, pt, results
from tests.table.samples import BROADCAST, of_shapes, smooth_samples
from tests.table.test_gradients import differentiable, weights

PROPERTIES = Properties()


def direction(x: Any, seed: int) -> np.ndarray:
    return np.asarray(smooth(*x.shape, seed=30 + seed) - 0.5)


def tangents(m: Any, o: Operation, sample: Sample, in_place: bool = False, layout: str = "plain") -> list[Any]:
    """The tangents of the results for fixed tangents of all floating inputs; None is zeros."""
    ad = m.autograd.forward_ad
    made: list[Any] = []

    def dual(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(dual(v) for v in value)
        if not isinstance(value, m.Tensor) or not value.dtype.is_floating_point:
            return value
        made.append(value)
        return ad.make_dual(value, build(m, direction(value, len(made)), "float64"))

    with ad.dual_level():
        args, kwargs = arguments(m, sample, "float64", layout)
        args, kwargs = [dual(a) for a in args], {k: dual(v) for k, v in kwargs.items()}
        if in_place or o.row.kind == "inplace":
            args[0] = args[0].clone()
        ys = [getattr(args[0], o.name + "_")(*args[1:], **kwargs)] if in_place else None
        ys = ys or results(caller(m, o, sample)(*args, **kwargs))
        pairs = [ad.unpack_dual(y) for y in ys if isinstance(y, m.Tensor) and y.dtype.is_floating_point]
        return [m.zeros_like(y) if t is None else t + 0 for y, t in pairs]


def agree(o: Operation, sample: Sample, **options: Any) -> None:
    """Ours and PyTorch's tangents are the same, where PyTorch has forward mode for the call."""
    theirs = attempt(lambda: tangents(pt, o, sample, **options))
    mine = attempt(lambda: tangents(rl, o, sample, **options))
    if isinstance(theirs, Exception):
        return
    assert isinstance(mine, list), f"ours gives {mine!r}"
    assert len(mine) == len(theirs)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6, atol=1e-9)


@PROPERTIES.of(differentiable)
def tangent(o: Operation, case: Cases) -> None:
    for k, sample in enumerate(smooth_samples(o)[:8]):
        with case(f"{sample}"):
            agree(o, sample, layout="transposed" if k % 2 else "plain")


@PROPERTIES.of(lambda o: differentiable(o) and o.row.kind == "pointwise" and len(o.inputs) > 1)
def broadcast_tangent(o: Operation, case: Cases) -> None:
    for shapes in BROADCAST:
        with case(f"{shapes}"):
            agree(o, of_shapes(o, shapes, smooth))


@PROPERTIES.of(lambda o: differentiable(o) and has_inplace(o))
def in_place_tangent(o: Operation, case: Cases) -> None:
    for shapes in ([(3, 4)], [(3, 4), (4,)]):
        with case(f"{shapes}"):
            agree(o, of_shapes(o, shapes, smooth), in_place=True)


@PROPERTIES.of(lambda o: bool(o.row.grad))
def transpose_of_the_gradient(o: Operation, case: Cases) -> None:
    """For any directions t and u: u . (J t) = (J^T u) . t."""
    for sample in smooth_samples(o)[:2]:
        leaves: list[Any] = []

        def gradient(sample: Sample = sample, leaves: list[Any] = leaves) -> Any:
            args, kwargs = arguments(rl, sample, "float64", leaves=leaves)
            if o.row.kind == "inplace":
                args[0] = args[0].clone()
            ys = [y for y in results(caller(rl, o, sample)(*args, **kwargs)) if y.requires_grad]
            return rl.autograd.grad([(y * weights(rl, y)).sum() for y in ys], leaves, allow_unused=True)

        grads = attempt(gradient)
        if isinstance(grads, Exception):
            continue
        with case(f"{sample}"):
            along = sum(float((t * weights(rl, t)).sum()) for t in tangents(rl, o, sample))
            directions = [direction(x, k + 1) for k, x in enumerate(leaves)]
            slope = sum(float((g.numpy() * d).sum()) for g, d in zip(grads, directions, strict=True) if g is not None)
            assert along == pytest.approx(slope, rel=1e-6, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize(("o", "check"), PROPERTIES.items())
def test_row(o: Operation, check: Check) -> None:
    PROPERTIES.run(o, check)


def test_a_row_without_a_derivative_says_so() -> None:
    with rl.autograd.forward_ad.dual_level():
        x = rl.autograd.forward_ad.make_dual(rl.ones(3), rl.ones(3))
        with pytest.raises(NotImplementedError, match="heaviside"):
            rl.heaviside(x, x)
        assert rl.autograd.forward_ad.unpack_dual(rl.histc(x)).tangent is None
        np.testing.assert_array_equal(rl.nextafter(x, x + 1).numpy(), np.nextafter(np.float32(1), np.float32(2)))
