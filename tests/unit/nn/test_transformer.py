"""Attention and the Transformer against PyTorch's, with the same parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit.nn.test_recurrent import same, twins
from tests.unit.ops.oracle import equal, numbers, ours, refuse


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bias": False, "batch_first": True},
        {"add_bias_kv": True},
        {"add_zero_attn": True, "batch_first": True},
        {"kdim": 8, "vdim": 8},
    ],
    ids=str,
)
def test_attention(options: dict[str, Any]) -> None:
    mine, theirs = twins("MultiheadAttention", 8, 2, **options)
    q, k = numbers(4, 3, 8, dtype=pt.float32), numbers(4, 3, 8, dtype=pt.float32, seed=1)
    n, length = (4, 3) if options.get("batch_first") else (3, 4)
    padding = pt.zeros(n, length, dtype=pt.bool)
    padding[0, -1] = True
    mask = pt.ones(length, length, dtype=pt.bool).triu(1)
    for arguments in ((q, k, k), (q, k, k, padding), (q, k, k, None, False, mask), (q, k, k, None, True, mask, False)):
        same(mine, theirs, *arguments)


def test_attention_without_batch() -> None:
    q = numbers(4, 8, dtype=pt.float32)
    same(*twins("MultiheadAttention", 8, 2), q, q, q)


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_layers(norm_first: bool, batch_first: bool, activation: str) -> None:
    options = {"norm_first": norm_first, "batch_first": batch_first, "activation": activation, "dropout": 0.0}
    x, memory = numbers(4, 4, 8, dtype=pt.float32), numbers(4, 4, 8, dtype=pt.float32, seed=1)
    mask = pt.nn.Transformer.generate_square_subsequent_mask(4)
    same(*twins("TransformerEncoderLayer", 8, 2, 16, **options), x, mask)
    same(*twins("TransformerDecoderLayer", 8, 2, 16, **options), x, memory, mask)


def test_dropout_draws_pytorchs_numbers() -> None:
    mine, theirs = twins("TransformerEncoderLayer", 8, 2, 16, dropout=0.3)
    rl.manual_seed(5)
    pt.manual_seed(5)
    same(mine, theirs, numbers(4, 3, 8, dtype=pt.float32))


def test_transformer() -> None:
    mine, theirs = twins("Transformer", 8, 2, 2, 2, 16, 0.0)
    assert repr(mine) == repr(theirs)
    src, tgt = numbers(5, 3, 8, dtype=pt.float32), numbers(4, 3, 8, dtype=pt.float32)
    same(mine, theirs, src, tgt)
    mask = pt.nn.Transformer.generate_square_subsequent_mask(4)
    equal(rl.nn.Transformer.generate_square_subsequent_mask(4), mask)
    same(mine, theirs, src, tgt, None, mask)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_padding_comes_out_as_zero_where_pytorch_leaves_it_out() -> None:
    x = numbers(3, 5, 8, dtype=pt.float32)
    padding = pt.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] + [True] * 4])
    results = []
    for m, t, p in ((rl, ours(x), ours(padding)), (pt, x, padding)):
        m.manual_seed(3)
        layer = m.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        encoder = m.nn.TransformerEncoder(layer, 2).eval()
        with m.no_grad():
            results.append(encoder(t, src_key_padding_mask=p))
    equal(*results, 1e-5)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.nn.MultiheadAttention(7, 2),
        lambda m: m.nn.MultiheadAttention(0, 2),
        lambda m: m.nn.MultiheadAttention(8, 2)(m.zeros(2, 2, 6), m.zeros(2, 2, 6), m.zeros(2, 2, 6)),
        lambda m: m.nn.MultiheadAttention(8, 2)(m.zeros(2, 8), m.zeros(2, 2, 8), m.zeros(2, 2, 8)),
        lambda m: m.nn.MultiheadAttention(8, 2)(*[m.zeros(2, 2, 8)] * 3, attn_mask=m.zeros(3, 2)),
        lambda m: m.nn.MultiheadAttention(8, 2)(*[m.zeros(2, 2, 8)] * 3, is_causal=True),
        lambda m: m.nn.Transformer(8, 2, 1, 1)(m.zeros(2, 2, 8), m.zeros(2, 3, 8)),
        lambda m: m.nn.Transformer(8, 2, 1, 1)(m.zeros(2, 2, 6), m.zeros(2, 2, 8)),
        lambda m: m.nn.TransformerEncoderLayer(8, 2, activation="sin"),
    ],
)
def test_refused(call: Any) -> None:
    refuse(call)
