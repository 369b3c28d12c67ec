"""Attention against PyTorch and against its composition: masks, layouts, tiles, gradients, errors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit.ops.oracle import agree, equal, numbers, ours, refuse

attention = rl.nn.functional.scaled_dot_product_attention
theirs = pt.nn.functional.scaled_dot_product_attention


def heads(*shape: int, dtype: pt.dtype = pt.float64) -> list[pt.Tensor]:
    """A query, a key and a value: (..., length, keys, width)."""
    *batch, length, keys, width = shape
    sizes = ((*batch, length, width), (*batch, keys, width), (*batch, keys, width))
    return [numbers(*size, seed=k).to(dtype) for k, size in enumerate(sizes)]


def call(**options: Any) -> Any:
    """Attention with these options; tensors among them become ours."""

    def run(m: Any, q: Any, k: Any, v: Any) -> Any:
        mine = {name: ours(x) if m is rl else x for name, x in options.items()}
        return m.nn.functional.scaled_dot_product_attention(q, k, v, **mine)

    return run


def twice_differentiable(function: Any) -> Any:
    """PyTorch's kernel has no second derivative: its composition is asked."""

    def run(m: Any, *tensors: Any) -> Any:
        with pt.nn.attention.sdpa_kernel(pt.nn.attention.SDPBackend.MATH):
            return function(m, *tensors)

    return run


# Shapes around the sizes of a tile, and few queries, which take another way.
SHAPES = [(1, 1, 1, 1, 1), (2, 3, 5, 4, 3), (1, 2, 3, 130, 8), (1, 2, 115, 40, 16), (2, 1, 130, 300, 5)]
SHAPES += [(1, 1, 64, 64, 300), (1, 2, 60, 800, 4)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("is_causal", [False, True])
def test_values_and_gradients(shape: tuple[int, ...], is_causal: bool) -> None:
    agree(call(is_causal=is_causal), *heads(*shape), order=1)
    agree(call(is_causal=is_causal), *heads(*shape, dtype=pt.float32), order=1, tolerance=1e-4)
    agree(call(is_causal=is_causal, scale=0.3), *heads(*shape[1:]), order=1)  # without a batch


@pytest.mark.parametrize("is_causal", [False, True])
def test_second_derivatives(is_causal: bool) -> None:
    agree(twice_differentiable(call(is_causal=is_causal)), *heads(2, 2, 4, 3, 3), tolerance=1e-8)
    agree(twice_differentiable(call(attn_mask=numbers(4, 3))), *heads(2, 2, 4, 3, 3), tolerance=1e-8)


MASKS = [(6, 140), (2, 1, 6, 140), (2, 3, 1, 140), (1, 3, 6, 1), (1, 140), (1, 1)]


@pytest.mark.parametrize("shape", MASKS)
@pytest.mark.parametrize("kind", ["bool", "added", "strided"])
def test_masks(shape: tuple[int, ...], kind: str) -> None:
    values = numbers(*shape, 2)[..., 0] if kind == "strided" else numbers(*shape)
    mask = values > 0 if kind == "bool" else values
    for is_causal in (False, True):
        agree(call(attn_mask=mask, is_causal=is_causal), *heads(2, 3, 6, 140, 4), order=1)
    wide = mask if kind == "bool" else mask.float()
    agree(call(attn_mask=wide), *heads(2, 3, 6, 140, 4, dtype=pt.float32), order=1, tolerance=1e-4)


@pytest.mark.parametrize("keys", [5, 800])
def test_rows_that_see_nothing_are_zero(keys: int) -> None:
    seen = pt.ones(6, keys, dtype=pt.bool)
    seen[2] = False
    seen[4, : keys // 2] = False
    added = pt.zeros(6, keys, dtype=pt.float64).masked_fill(~seen, -math.inf)
    for mask in (seen, added):
        agree(call(attn_mask=mask), *heads(1, 2, 6, keys, 4), order=1)
        found = attention(*map(ours, heads(1, 2, 6, keys, 4)), attn_mask=ours(mask))
        assert found[0, 0, 2].tolist() == [0.0] * 4
        q, k, v = (ours(x).requires_grad_() for x in heads(1, 2, 6, keys, 4))
        attention(q, k, v, attn_mask=ours(mask), dropout_p=0.5).sum().backward()
        assert bool(q.grad.isfinite().all())


@pytest.mark.parametrize("mask", [False, True])
def test_shared_heads(mask: bool) -> None:
    q = numbers(2, 6, 5, 4)
    k, v = numbers(2, 2, 7, 4, seed=1), numbers(2, 2, 7, 4, seed=2)
    options = {"attn_mask": numbers(2, 6, 5, 7)} if mask else {}
    agree(call(enable_gqa=True, **options), q, k, v, order=1)
    few = [x[:1, :, :2, :3] for x in (q, k, v)]
    agree(twice_differentiable(call(enable_gqa=True)), *few, tolerance=1e-8)
    agree(call(enable_gqa=True), q, k, v[:, :1], order=1)  # key and value share differently
    agree(call(enable_gqa=True), q[0], k[0], v[0], order=1)


def test_other_sizes() -> None:
    q, k, v = heads(2, 3, 5, 4, 3)
    agree(call(), q, k, numbers(2, 3, 4, 7), order=1)
    agree(call(), q, k[:1], v[:1], order=1)
    agree(call(), q[0, 0], k[0, 0], v[0, 0], order=1)
    agree(call(), q[None], k[None], v[None], order=1)
    agree(call(), q[:, :, :0], k, v, order=1)
    agree(call(), q, k[:, :, :0], v[:, :, :0], order=1)
    agree(call(scale=1.0), q[..., :0], k[..., :0], v, order=1)


@pytest.mark.parametrize("layout", ["heads last", "turned", "sliced", "shared batch"])
def test_layouts(layout: str) -> None:
    q, k, v = heads(2, 3, 6, 5, 4)
    views = {
        "heads last": [x.transpose(1, 2).contiguous().transpose(1, 2) for x in (q, k, v)],
        "turned": [x.transpose(2, 3).contiguous().transpose(2, 3) for x in (q, k, v)],
        "sliced": [numbers(*x.shape[:-1], 8, seed=4)[..., ::2] for x in (q, k, v)],
        "shared batch": [x[:1].expand(x.shape) for x in (q, k, v)],
    }
    agree(call(), *views[layout], order=1)
    assert attention(*map(ours, views[layout])).stride() == theirs(*views[layout]).stride()


@pytest.mark.parametrize("dtype", [pt.float16, pt.bfloat16])
def test_16_bits(dtype: pt.dtype) -> None:
    agree(call(), *heads(2, 3, 6, 5, 4, dtype=dtype), order=1, tolerance=3e-2)
    agree(call(attn_mask=numbers(6, 5).to(dtype)), *heads(2, 3, 6, 5, 4, dtype=dtype), order=1, tolerance=3e-2)
    agree(call(attn_mask=numbers(6, 5).float()), *heads(2, 3, 6, 5, 4, dtype=dtype), order=0, tolerance=3e-2)


def test_nan_and_infinity() -> None:
    q, k, v = heads(1, 2, 6, 5, 4)
    q[0, 0, 1, 2] = math.nan
    agree(call(), q[0], k[0], v[0], order=0)  # of 4 dimensions PyTorch makes a row of NaN zero
    agree(call(is_causal=True), q[0], k[0], v[0], order=0)
    assert bool(attention(ours(q), ours(k), ours(v))[0, 0, 1].isnan().all())
    q[0, 0, 1, 2] = 1e300
    agree(call(), q, k, v, order=0)
    large = [x * 1e3 for x in heads(1, 2, 6, 800, 4)]
    agree(call(), *large, order=1)


def test_dropout_draws_the_same_bits() -> None:
    def run(m: Any, q: Any, k: Any, v: Any) -> Any:
        m.manual_seed(3)
        return m.nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=0.4)

    agree(run, *heads(2, 2, 9, 8, 4, dtype=pt.float32), order=1, tolerance=1e-5)


def test_a_mask_may_have_a_gradient() -> None:
    mask = numbers(5, 4)

    def run(m: Any, q: Any, k: Any, v: Any, mask: Any) -> Any:
        return m.nn.functional.scaled_dot_product_attention(q, k, v, mask)

    agree(run, *heads(1, 2, 5, 4, 3), mask, tolerance=1e-8)


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("shape", [(2, 4, 6, 5, 3), (1, 2, 120, 140, 4), (1, 2, 2, 9, 4)])
def test_fused_and_composed_gradients_are_the_same(shape: tuple[int, ...], is_causal: bool) -> None:
    found = []
    for graph in (False, True):
        q, k, v = (ours(x).requires_grad_() for x in heads(*shape))
        k, v = (x[:, ::2].detach().requires_grad_() for x in (k, v))
        y = attention(q, k, v, is_causal=is_causal, enable_gqa=True)
        g = ours(numbers(*y.shape, seed=7))
        found.append([x.detach() for x in rl.autograd.grad(y, (q, k, v), g, create_graph=graph)])
    for a, b in zip(*found, strict=True):
        equal(a, pt.tensor(b.tolist(), dtype=pt.float64), 1e-9)


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_only_gradients_that_are_wanted(wanted: int) -> None:
    tensors = [ours(x).requires_grad_() for x in heads(2, 2, 6, 5, 4)]
    everything = rl.autograd.grad(attention(*tensors).sum(), tensors)
    alone = [x.detach() for x in tensors]
    alone[wanted].requires_grad_()
    (g,) = rl.autograd.grad(attention(*alone).sum(), [alone[wanted]])
    assert rl.equal(g, everything[wanted])


def test_results_do_not_depend_on_threads() -> None:
    before, found = rl.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            rl.set_num_threads(threads)
            for shape in ((2, 3, 150, 140, 16), (1, 1, 400, 300, 8)):
                q, k, v = (ours(x).requires_grad_() for x in heads(*shape, dtype=pt.float32))
                y = attention(q, k, v, is_causal=True)
                y.backward(ours(numbers(*y.shape, dtype=pt.float32)))
                found.append([y.detach(), q.grad, k.grad, v.grad])
    finally:
        rl.set_num_threads(before)
    for one, two, three in zip(found[:2], found[2:4], found[4:], strict=True):
        for a, b, c in zip(one, two, three, strict=True):
            assert rl.equal(a, b) and rl.equal(a, c)


@pytest.mark.parametrize(
    "run",
    [
        lambda f, x: f(x, x.double(), x),
        lambda f, x: f(x, x, x, x.double()),
        lambda f, x: f(x, x, x, x.long()),
        lambda f, x: f(x.long(), x.long(), x.long()),
        lambda f, x: f(x[0, 0, 0], x[0, 0, 0], x[0, 0, 0]),
        lambda f, x: f(x, x[..., :2], x),
        lambda f, x: f(x, x[:, :1].expand(-1, 3, -1, -1), x),
        lambda f, x: f(x, x, x, x.new_ones(3, 7) > 0),
        lambda f, x: f(x[0], x[0], x[0], x.new_ones(4, 4), is_causal=True),
        lambda f, x: f(x, x, x, dropout_p=2.0),
        lambda f, x: f(x[:, :1].expand(-1, 5, -1, -1), x, x, enable_gqa=True),
        lambda f, x: f(x + 0j, x + 0j, x + 0j),
    ],
)
def test_errors(run: Any) -> None:
    refuse(lambda m, x: run(m.nn.functional.scaled_dot_product_attention, x), pt.ones(2, 2, 4, 4))
