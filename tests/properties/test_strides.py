"""In which order a result lies in memory: as PyTorch has it, for operands of any order, broadcast and sliced."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch as pt

import rushlight as rl

Operand = tuple[list[int], list[int], int | None]  # the shape in memory, how it is permuted, a dimension cut by one

CALLS = {
    1: lambda lib, x: [x * 2, x.clone(), lib.zeros_like(x), x.exp(), x.double(), x.clamp(min=0), x < 1],
    2: lambda lib, x, y: [x + y, lib.where(x > 0, y, 1.0), lib.maximum(x, y), x < y, x.clamp(min=y), x.lerp(y, 0.5)],
    3: lambda lib, x, y, z: [lib.where(x > 0, y, z), lib.addcmul(x, y, z), lib.lerp(x, y, z), lib.clamp(x, y, z)],
}


def an_operand(draw: random.Random, shape: list[int]) -> Operand:
    n = len(shape) if draw.random() < 0.7 else draw.randint(0, len(shape))
    sizes = [size if draw.random() < 0.7 else 1 for size in shape[len(shape) - n:]]
    order = draw.sample(range(n), n)
    return [sizes[order.index(i)] for i in range(n)], order, draw.randrange(n) if n and draw.random() < 0.2 else None


def strides_that_matter(lib: Any, operands: list[Operand]) -> Any:
    tensors = [lib.zeros(shape).permute(order) for shape, order, _ in operands]
    tensors = [x if cut is None else x.narrow(cut, 0, max(x.shape[cut] - 1, 1))
               for x, (_, _, cut) in zip(tensors, operands, strict=True)]
    try:
        results = CALLS[len(tensors)](lib, *tensors)
    except RuntimeError:
        return None  # the shapes do not broadcast
    return [[stride for size, stride in zip(y.shape, y.stride(), strict=True) if size > 1] for y in results]


@pytest.mark.parametrize("seed", range(4))
def test_results_lie_in_memory_as_the_operands_do(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(500):
        shape = [draw.choice([1, 1, 2, 3, 4]) for _ in range(draw.randint(0, 4))]
        operands = [an_operand(draw, shape) for _ in range(draw.randint(1, 3))]
        assert strides_that_matter(rl, operands) == strides_that_matter(pt, operands), operands
