"""The second derivative of every row along a direction, in three ways that must agree.

Reverse over reverse is held against PyTorch in test_gradients; here it is the reference of forward over reverse and
of reverse over forward.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rushlight as rl
from codegen.operations import has_inplace
from codegen.table import Operation
from tests.table.arrays import Sample, smooth
from tests.table.compare import Cases, Check, Properties, arguments, attempt, build, caller, results, to_numpy
from tests.table.samples import of_shapes, samples, smooth_samples
from tests.table.test_forward import derivable, direction
from tests.table.test_gradients import awkward_samples, differentiable, projection

PROPERTIES = Properties()
ad = rl.autograd.forward_ad


class Field:
    """A row's projection as a function of the floating tensors of a sample."""

    def __init__(self, o: Operation, sample: Sample, dtype: str, in_place: bool) -> None:
        self.o, self.sample, self.in_place = o, sample, in_place
        self.leaves: list[Any] = []
        self.args, self.kwargs = arguments(rl, sample, dtype, leaves=self.leaves)
        self.along = [build(rl, direction(x, k + 1), dtype).to(x.dtype) for k, x in enumerate(self.leaves)]

    def value(self, inputs: list[Any]) -> Any:
        """The projection with other tensors in the places of the leaves."""
        places = {id(leaf): x for leaf, x in zip(self.leaves, inputs, strict=True)}

        def swapped(value: Any) -> Any:
            if isinstance(value, (list, tuple)):
                return type(value)(swapped(v) for v in value)
            return places.get(id(value), value)

        args, kwargs = [swapped(a) for a in self.args], {k: swapped(v) for k, v in self.kwargs.items()}
        if self.in_place or self.o.row.kind == "inplace":
            args[0] = args[0].clone()
        call = getattr(rl.Tensor, self.o.name + "_") if self.in_place else caller(rl, self.o, self.sample)
        ys = results(call(*args, **kwargs))
        return projection(rl, [y for y in ys if isinstance(y, rl.Tensor) and derivable(y)])

    def gradient(self, y: Any, graph: bool = False) -> list[Any]:
        if y is None or not y.requires_grad:
            return [rl.zeros_like(x) for x in self.leaves]
        found = rl.autograd.grad(y, self.leaves, create_graph=graph, allow_unused=True)
        return [rl.zeros_like(x) if g is None else g for x, g in zip(self.leaves, found, strict=True)]

    def duals(self) -> list[Any]:
        return [ad.make_dual(x, t) for x, t in zip(self.leaves, self.along, strict=True)]

    def reverse_over_reverse(self) -> list[Any]:
        total = None
        for g, t in zip(self.gradient(self.value(self.leaves), graph=True), self.along, strict=True):
            part = (rl.real(g * t.conj()) if g.is_complex() else g * t).sum()
            total = part if total is None else total + part
        return self.gradient(total)

    def forward_over_reverse(self) -> list[Any]:
        with ad.dual_level():
            gs = self.gradient(self.value(self.duals()), graph=True)
            found = [ad.unpack_dual(g).tangent for g in gs]
            return [rl.zeros_like(x) if t is None else t + 0 for x, t in zip(self.leaves, found, strict=True)]

    def reverse_over_forward(self) -> list[Any]:
        with ad.dual_level():
            y = self.value(self.duals())
            return self.gradient(None if y is None else ad.unpack_dual(y).tangent)


def check(o: Operation, sample: Sample, dtype: str, case: Cases, awkward: bool = False, in_place: bool = False) -> None:
    field = attempt(lambda: Field(o, sample, dtype, in_place))
    expected = attempt(field.reverse_over_reverse)
    if isinstance(expected, Exception):
        return
    for way in (field.forward_over_reverse, field.reverse_over_forward):
        with case(f"{way.__name__} {dtype} {sample}"):
            for a, b in zip(way(), expected, strict=True):
                x, y = to_numpy(a), to_numpy(b)
                lost = awkward & ~np.isfinite(y)
                np.testing.assert_allclose(np.where(lost, 0, x), np.where(lost, 0, y), rtol=1e-6, atol=1e-8)


@PROPERTIES.of(differentiable)
def curvature(o: Operation, case: Cases) -> None:
    for sample in smooth_samples(o)[:6]:
        check(o, sample, "float64", case)


@PROPERTIES.of(lambda o: differentiable(o) and has_inplace(o))
def in_place_curvature(o: Operation, case: Cases) -> None:
    for shapes in ([(3, 4)], [(3, 4), (4,)]):
        check(o, of_shapes(o, shapes, smooth), "float64", case, in_place=True)


@PROPERTIES.of(lambda o: differentiable(o) and "complex128" in o.row.types)
def complex_curvature(o: Operation, case: Cases) -> None:
    for sample in samples(o)[:4]:
        check(o, sample, "complex128", case)


@PROPERTIES.of(lambda o: differentiable(o) and o.row.kind in ("pointwise", "reduction"))
def awkward_curvature(o: Operation, case: Cases) -> None:
    for sample in awkward_samples(o):
        check(o, sample, "float64", case, awkward=True)


@pytest.mark.parametrize(("o", "check"), PROPERTIES.items())
def test_row(o: Operation, check: Check) -> None:
    PROPERTIES.run(o, check)
