"""Forward mode of every differentiable row: tangents against PyTorch's, and against the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
from codegen.operations import has_inplace
from codegen.table import Operation
from tests.table.arrays import Sample, smooth
from tests.table.compare import Cases, Check, Properties, arguments, attempt, build, caller, pt, results, to_numpy
from tests.table.samples import BROADCAST, of_shapes, samples, smooth_samples
from tests.table.test_gradients import awkward_samples, call, differentiable, moved, weights

PROPERTIES = Properties()


def direction(x: Any, seed: int) -> np.ndarray:
    return np.asarray(smooth(*x.shape, seed=30 + seed) - 0.5)


def derivable(x: Any) -> bool:
    return bool(x.dtype.is_floating_point or x.dtype.is_complex)


def tangents(
    m: Any, o: Operation, sample: Sample, dtype: str = "float64", in_place: bool = False, layout: str = "plain"
) -> list[Any]:
    """The tangents of the results for fixed tangents of all differentiable inputs; None is zeros."""
    ad = m.autograd.forward_ad
    made: list[Any] = []

    def dual(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(dual(v) for v in value)
        if not isinstance(value, m.Tensor) or not derivable(value):
            return value
        made.append(value)
        return ad.make_dual(value, build(m, direction(value, len(made)), dtype))

    with ad.dual_level():
        args, kwargs = arguments(m, sample, dtype, layout)
        args, kwargs = [dual(a) for a in args], {k: dual(v) for k, v in kwargs.items()}
        if in_place or o.row.kind == "inplace":
            args[0] = args[0].clone()
        ys = [getattr(args[0], o.name + "_")(*args[1:], **kwargs)] if in_place else None
        ys = ys or results(caller(m, o, sample)(*args, **kwargs))
        pairs = [ad.unpack_dual(y) for y in ys if isinstance(y, m.Tensor) and derivable(y)]
        return [m.zeros_like(y) if t is None else t + 0 for y, t in pairs]


def twice_transposed(o: Operation, sample: Sample, dtype: str) -> list[Any]:
    """The tangents that PyTorch's gradients have: these are linear in g, and their own gradient is the derivative."""
    leaves: list[Any] = []
    ys = [y for y in call(pt, o, sample, dtype, "plain", leaves) if derivable(y)]
    gs = [pt.zeros_like(y, requires_grad=True) for y in ys]
    grads = pt.autograd.grad(ys, leaves, gs, create_graph=True, allow_unused=True)
    along = [build(pt, direction(x, k + 1), dtype).to(x.dtype) for k, x in enumerate(leaves)]
    pairs = [(g, d) for g, d in zip(grads, along, strict=True) if g is not None and g.requires_grad]
    found = pt.autograd.grad([g for g, _ in pairs], gs, [d for _, d in pairs], allow_unused=True)
    return [pt.zeros_like(y) if t is None else t for y, t in zip(ys, found, strict=True)]


def differences(o: Operation, sample: Sample, dtype: str) -> list[np.ndarray]:
    """The tangents as differences of values."""
    leaves: list[Any] = []
    call(rl, o, sample, dtype, "plain", leaves)
    directions = [direction(x, k + 1) for k, x in enumerate(leaves)]

    def values(step: float) -> list[np.ndarray]:
        ys = call(rl, o, moved(sample, directions, step), dtype, "plain", [])
        return [to_numpy(y) for y in ys if derivable(y)]

    return [(a - b) / 2e-6 for a, b in zip(values(1e-6), values(-1e-6), strict=True)]


def agree(o: Operation, sample: Sample, dtype: str = "float64", awkward: bool = False, **options: Any) -> None:
    """Ours and PyTorch's tangents are the same.

    Where PyTorch has none, or its own contradicts its gradient, ours is what the gradient or the values say.
    """
    theirs = attempt(lambda: tangents(pt, o, sample, dtype, **options))
    mine = attempt(lambda: tangents(rl, o, sample, dtype, **options))
    if isinstance(theirs, Exception) and (awkward or isinstance(mine, type(theirs))):
        return
    assert isinstance(mine, list), f"ours gives {mine!r}"
    wrong = [np.ones(tuple(a.shape), dtype=bool) for a in mine]

    def excuse(found: Any, rtol: float, atol: float) -> None:
        if isinstance(found, Exception):
            return
        for k, (a, b) in enumerate(zip(mine, found, strict=True)):
            x, y = to_numpy(a), to_numpy(b) if isinstance(b, pt.Tensor) else b
            both_lost = awkward & ~np.isfinite(x) & ~np.isfinite(y)
            wrong[k] = wrong[k] & ~(np.isclose(x, y, rtol, atol, equal_nan=True) | both_lost)

    excuse(theirs, 1e-6, 1e-9)
    if any(w.any() for w in wrong):
        excuse(attempt(lambda: twice_transposed(o, sample, dtype)), 1e-6, 1e-9)
    if any(w.any() for w in wrong) and not awkward:
        excuse(attempt(lambda: differences(o, sample, dtype)), 1e-4, 1e-6)
    assert not any(w.any() for w in wrong), f"tangents\n{mine}\nexpected\n{theirs}\nat {list(map(np.argwhere, wrong))}"


@PROPERTIES.of(differentiable)
def tangent(o: Operation, case: Cases) -> None:
    for k, sample in enumerate(smooth_samples(o)[:8]):
        with case(f"{sample}"):
            agree(o, sample, layout="transposed" if k % 2 else "plain")


@PROPERTIES.of(lambda o: differentiable(o) and "complex128" in o.row.types)
def complex_tangent(o: Operation, case: Cases) -> None:
    for sample in samples(o):
        with case(f"{sample}"):
            agree(o, sample, dtype="complex128")


@PROPERTIES.of(lambda o: differentiable(o) and o.row.kind in ("pointwise", "reduction"))
def awkward_tangent(o: Operation, case: Cases) -> None:
    for sample in awkward_samples(o):
        with case(f"{sample}"):
            agree(o, sample, awkward=True)


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
