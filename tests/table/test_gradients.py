"""Gradients of every row: against PyTorch, finite differences, and the fused reading against the composed one."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl
from codegen.operations import has_inplace
from codegen.table import Operation
from tests.table.arrays import Sample, mask, numbers, smooth
from tests.table.compare import (
    FLOATING,
    LAYOUTS,
    Cases,
    Check,
    Properties,
    all_same,
    arguments,
    attempt,
    caller,
    results,
)
from tests.table.samples import AWKWARD, BROADCAST, of_shapes, samples, smooth_samples

PROPERTIES = Properties()


def differentiable(o: Operation) -> bool:
    return bool(o.row.grad) or (o.row.kind == "composite" and not o.row.private)


def fused(o: Operation) -> bool:
    """A row whose gradient has a reading of its own besides the composition."""
    return differentiable(o) and (o.row.kind in ("pointwise", "composite") or bool(o.row.graph))


def weights(m: Any, y: Any) -> Any:
    """Different numbers for each element, so that a gradient in the wrong place shows."""
    values = 0.3 + 0.1 * (np.arange(y.numel(), dtype=np.float64) * 7 % 11)
    return m.from_numpy(values.reshape(tuple(y.shape))).to(y.dtype)


def projection(m: Any, tensors: list[Any]) -> Any:
    """A number made of all the tensors that have history."""
    parts = [(y * weights(m, y)).sum() for y in tensors if y is not None and y.requires_grad]
    parts = [m.real(p) + 0.5 * m.imag(p) if p.is_complex() else p for p in parts]
    total = parts[0] if parts else None
    for part in parts[1:]:
        total = total + part
    return total


def call(
    m: Any, o: Operation, sample: Sample, dtype: str, layout: str, leaves: list[Any], in_place: bool = False
) -> list[Any]:
    """The row's results, from leaves that are put into the list."""
    args, kwargs = arguments(m, sample, dtype, layout, leaves=leaves)
    if in_place:
        return [getattr(args[0].clone(), o.name + "_")(*args[1:], **kwargs)]
    if o.row.kind == "inplace":
        args[0] = args[0].clone()
    return results(caller(m, o, sample)(*args, **kwargs))


def gradients(
    m: Any,
    o: Operation,
    sample: Sample,
    dtype: str,
    order: int = 1,
    layout: str = "plain",
    in_place: bool = False,
    graph: bool = False,
) -> list[Any]:
    """The gradients of a projection of the results; for order 2 those of a projection of these. None is zeros."""
    leaves: list[Any] = []
    total = projection(m, call(m, o, sample, dtype, layout, leaves, in_place))
    if total is None:
        return ["no history"]
    found = m.autograd.grad(total, leaves, create_graph=graph or order > 1, allow_unused=True)
    if order > 1:
        total = projection(m, list(found))
        if total is not None:
            found = m.autograd.grad(total, leaves, allow_unused=True)
        else:
            found = [None] * len(leaves)
    return [m.zeros_like(leaf) if g is None else g.detach() + 0 for g, leaf in zip(found, leaves, strict=True)]


def agree(o: Operation, sample: Sample, dtype: str = "float64", **options: Any) -> None:
    """Ours and PyTorch's gradients are the same; a few roundings more than values have."""
    mine, theirs = (attempt(lambda m=m: gradients(m, o, sample, dtype, **options)) for m in (rl, pt))
    if isinstance(theirs, list) and isinstance(mine, list) and "no history" in (mine[0], theirs[0]):
        assert mine[0] == theirs[0] == "no history", "one library has a gradient, the other none"
        return
    if options.get("in_place") and isinstance(theirs, NotImplementedError):
        return  # PyTorch has no gradient for some in-place forms
    if isinstance(theirs, RuntimeError) and "automatic differentiation for outputs with complex" in str(theirs):
        return
    all_same(mine, theirs, 1e-5 * options.get("order", 1) + 4 * o.row.tolerance)


# ------------------------------------------------------------------ against PyTorch


@PROPERTIES.of(differentiable)
def gradient(o: Operation, case: Cases) -> None:
    for sample in [*samples(o), *smooth_samples(o)]:
        for layout in ("plain", *LAYOUTS):
            with case(f"{layout} {sample}"):
                agree(o, sample, layout=layout)


@PROPERTIES.of(differentiable)
def second_gradient(o: Operation, case: Cases) -> None:
    for sample in [*samples(o), *smooth_samples(o)]:
        with case(f"{sample}"):
            agree(o, sample, order=2)


@PROPERTIES.of(lambda o: differentiable(o) and "complex128" in o.row.types)
def complex_gradient(o: Operation, case: Cases) -> None:
    for order, sample in itertools.product((1, 2), samples(o)):
        with case(f"{order} {sample}"):
            agree(o, sample, "complex128", order=order)
    if has_inplace(o) and o.row.kind == "pointwise":
        with case("in place"):
            agree(o, of_shapes(o, [(3, 4), (4,)]), "complex128", in_place=True)


@PROPERTIES.of(lambda o: differentiable(o) and o.row.kind == "pointwise" and len(o.inputs) > 1)
def broadcast_gradient(o: Operation, case: Cases) -> None:
    for order, shapes in itertools.product((1, 2), BROADCAST):
        with case(f"{order} {shapes}"):
            agree(o, of_shapes(o, shapes), order=order)


@PROPERTIES.of(lambda o: differentiable(o) and has_inplace(o))
def in_place_gradient(o: Operation, case: Cases) -> None:
    """The in-place form saves what it overwrites, or needs it not."""
    for order, shapes in itertools.product((1, 2), ([(3, 4)], [(3, 4), (4,)])):
        with case(f"{order} {shapes}"):
            agree(o, of_shapes(o, shapes), order=order, in_place=True)


def nodes(m: Any, o: Operation, sample: Sample) -> Any:
    """The names of the results' backward nodes."""
    ys = attempt(lambda: call(m, o, sample, "float32", "plain", []))
    return ys if isinstance(ys, Exception) else [type(y.grad_fn).__name__ for y in ys if y.grad_fn]


@PROPERTIES.of(differentiable)
def node_name(o: Operation, case: Cases) -> None:
    for sample in samples(o)[:4]:
        with case(f"{sample}"):
            mine, theirs = nodes(rl, o, sample), nodes(pt, o, sample)
            assert isinstance(theirs, Exception) or mine == theirs, f"{mine}, PyTorch's {theirs}"


def awkward_samples(o: Operation) -> list[Sample]:
    """Zeros, ties, infinities, NaN."""
    values = [v for v in AWKWARD if abs(v) < 1e300 or not np.isfinite(v)]
    if o.row.kind == "pointwise":
        n = len(o.inputs) if len(o.inputs) < 3 else 1
        grid = np.array(list(itertools.product(values, repeat=n))).T
        columns = [grid[i % n] for i in range(len(o.inputs))]
        return [
            Sample(tuple(c > 0 if p.name in o.row.bool_inputs else c for c, p in zip(columns, o.inputs, strict=True)))
        ]
    rows = [
        [[1.0, 1.0], [1.0, 0.0]],
        [[0.0, -0.0], [2.0, 2.0]],
        [[np.inf, 1.0], [np.inf, np.inf]],
        [[np.nan, 1.0], [2.0, 3.0]],
    ]
    return [Sample((np.array(x), *((d,) if "dim" in o.signature.names() else ()))) for x in rows for d in (0, 1)]


@PROPERTIES.of(lambda o: differentiable(o) and o.row.kind in ("pointwise", "reduction"))
def awkward_gradient(o: Operation, case: Cases) -> None:
    for order, sample in itertools.product((1, 2), awkward_samples(o)):
        with case(f"{order} {sample}"):
            agree(o, sample, order=order)


# ------------------------------------------------------------------ against ourselves


@PROPERTIES.of(fused)
def fused_and_composed(o: Operation, case: Cases) -> None:
    """The gradient with create_graph (the composition) is the one without (the kernel)."""
    shapes = BROADCAST if o.row.kind == "pointwise" and len(o.inputs) > 1 else ()
    made = [*samples(o), *smooth_samples(o), *(of_shapes(o, s) for s in shapes)]
    for dtype, sample in itertools.product(FLOATING, made):
        with case(f"{dtype} {sample}"):
            kernel, composed = composed_or_not(o, sample, dtype, False), composed_or_not(o, sample, dtype, True)
            if isinstance(kernel, Exception) or kernel[0] == "no history":
                assert isinstance(composed, type(kernel))
                continue
            allowed = 1e-5 if dtype == "float32" else 1e-13
            for a, b in zip(kernel, composed, strict=True):
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=allowed, atol=allowed)


def composed_or_not(o: Operation, sample: Sample, dtype: str, graph: bool) -> Any:
    return attempt(lambda: gradients(rl, o, sample, dtype, graph=graph))


@PROPERTIES.of(differentiable)
def finite_differences(o: Operation, case: Cases) -> None:
    """The gradient in a random direction is the change of the result in that direction."""
    for sample in smooth_samples(o):
        if any(a != a for a in sample.args if isinstance(a, float)):
            continue
        if isinstance(attempt(lambda s=sample: call(pt, o, s, "float64", "plain", [])), Exception):
            continue
        with case(f"{sample}"):
            leaves: list[Any] = []
            total = projection(rl, call(rl, o, sample, "float64", "plain", leaves))
            if total is None:
                continue
            grads = rl.autograd.grad(total, leaves, allow_unused=True)
            directions = [np.asarray(smooth(*leaf.shape, seed=20 + k) - 0.5) for k, leaf in enumerate(leaves)]
            slope = sum(float((g.numpy() * d).sum()) for g, d in zip(grads, directions, strict=True) if g is not None)
            step = 1e-6
            ahead, behind = (_projection_at(o, moved(sample, directions, side * step)) for side in (1, -1))
            assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-5, abs=1e-7, nan_ok=True)


def moved(sample: Sample, directions: list[np.ndarray], step: float) -> Sample:
    """The sample with its float64 arrays moved along the directions."""
    left = list(directions)

    def ahead(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)(ahead(v) for v in value)
        if isinstance(value, np.ndarray) and value.dtype == np.float64:
            return np.asarray(value + step * left.pop(0))
        return value

    args = tuple(ahead(a) for a in sample.args)
    return Sample(args, {k: ahead(v) for k, v in sample.kwargs.items()}, sample.call)


def _projection_at(o: Operation, sample: Sample) -> float:
    return float(projection(rl, call(rl, o, sample, "float64", "plain", [])).item())


@pytest.mark.parametrize(("o", "check"), PROPERTIES.items())
def test_row(o: Operation, check: Check) -> None:
    PROPERTIES.run(o, check)


@pytest.mark.parametrize("order", [1, 2])
def test_nothing_flows_from_the_unselected_side(order: int) -> None:
    """where() with a guarded argument: an infinite derivative on the other side leaves no NaN."""

    def slopes(m: Any, function: Callable[[Any, Any], Any]) -> np.ndarray:
        x = m.from_numpy(np.array([-1.0, 0.0, 0.5, 2.0])).requires_grad_()
        (g,) = m.autograd.grad(function(m, x).sum(), x, create_graph=True)
        return (g if order == 1 else m.autograd.grad(g.sum(), x)[0]).detach().numpy()

    def guarded(m: Any, x: Any) -> Any:
        return m.where(x > 0, m.log(m.where(x > 0, x, 1.0)), x * x)

    mine = slopes(rl, guarded)
    assert np.isfinite(mine).all()
    np.testing.assert_allclose(mine, slopes(pt, guarded), rtol=1e-12)
    x = rl.from_numpy(numbers(4)).requires_grad_()
    (g,) = rl.autograd.grad(rl.where(rl.from_numpy(mask(4)), x, float("nan")).sum(), x)
    np.testing.assert_array_equal(g.numpy(), mask(4).astype(float))
