"""One call in Rushlight and in PyTorch: values, gradients, second derivatives, random bits and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

import rushlight as rl

Function = Callable[..., Any]


def ours(x: Any) -> Any:
    """A tensor of PyTorch as one of ours with the same dtype, shape and strides; anything else as it is."""
    if not isinstance(x, pt.Tensor):
        return x
    dtype = getattr(rl, str(x.dtype).split(".")[1])
    memory = x.detach().as_strided((x.untyped_storage().nbytes() // x.element_size(),), (1,), 0)
    return rl.tensor(memory.tolist(), dtype=dtype).as_strided(tuple(x.shape), x.stride(), x.storage_offset()).detach()


def equal(mine: Any, theirs: pt.Tensor, tolerance: float = 0.0) -> None:
    """Same shape, dtype and values; a tolerance of 0 asks for the same bits."""
    assert tuple(mine.shape) == tuple(theirs.shape)
    assert str(mine.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
    if theirs.is_meta:
        return
    values = pt.tensor(mine.detach().tolist(), dtype=theirs.dtype).reshape(theirs.shape)
    pt.testing.assert_close(values, theirs.detach(), rtol=tolerance, atol=tolerance, equal_nan=True)


def weights_like(m: Any, y: Any) -> Any:
    """Different numbers for every element, so that a gradient in the wrong place shows."""
    count = y.numel()
    return m.tensor([0.3 + 0.1 * (7 * i % 11) for i in range(count)], dtype=y.dtype).reshape(tuple(y.shape))


def one_number(x: Any) -> Any:
    """The sum of all elements; of complex ones that of their parts."""
    z = x.sum()
    return z.real + 0.7 * z.imag if z.is_complex() else z


def derivatives(m: Any, function: Function, arguments: list[Any], order: int) -> list[Any]:
    """The result, its gradients by all floating arguments and those of a scalar made of the gradients."""
    leaves = [a for a in arguments if isinstance(a, m.Tensor) and (a.dtype.is_floating_point or a.dtype.is_complex)]
    for leaf in leaves:
        leaf.requires_grad_(order > 0)
    y = function(m, *arguments)
    found = [y]
    if order == 0:
        return found
    first = m.autograd.grad(one_number(y * weights_like(m, y)), leaves, create_graph=order > 1)
    found += first
    if order > 1:
        total = sum(one_number(g * g * weights_like(m, g)) for g in first)
        found += m.autograd.grad(total, leaves, allow_unused=True)
    return found


def agree(function: Function, *arguments: Any, tolerance: float = 1e-9, order: int = 2) -> None:
    """``function(m, *arguments)`` gives the same in both libraries, with its derivatives up to ``order``."""
    theirs = [a.detach() if isinstance(a, pt.Tensor) else a for a in arguments]
    mine = [ours(a) for a in theirs]
    results = derivatives(rl, function, mine, order), derivatives(pt, function, theirs, order)
    for a, b in zip(*results, strict=True):
        if a is None or b is None:  # one library sees a zero, the other no way to the leaf
            present = a if b is None else b
            assert present is None or float(abs(present).sum()) == 0
            continue
        equal(a, b, tolerance)


def refuse(function: Function, *arguments: Any, error: type[Exception] | None = None) -> str:
    """Both libraries raise the same type of exception; returns our text."""
    with pytest.raises(Exception) as theirs:
        function(pt, *arguments)
    with pytest.raises(error or theirs.type) as mine:
        function(rl, *map(ours, arguments))
    return str(mine.value)


def numbers(*shape: int, dtype: pt.dtype = pt.float64, seed: int = 0) -> pt.Tensor:
    """Normal numbers, the same in every run."""
    generator = pt.Generator().manual_seed(seed + sum(shape))
    return pt.randn(shape, generator=generator, dtype=pt.float64).to(dtype)
