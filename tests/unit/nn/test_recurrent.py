"""Recurrent layers, cells and packed sequences against PyTorch's, with the same parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit.ops.oracle import equal, numbers, ours, refuse


def twins(kind: str, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The same module in both libraries; the same seed draws the same parameters."""
    made = []
    for m in (rl, pt):
        m.manual_seed(3)
        made.append(getattr(m.nn, kind)(*args, **kwargs))
    for (name, mine), (other, theirs) in zip(made[0].named_parameters(), made[1].named_parameters(), strict=True):
        assert name == other
        equal(mine, theirs)
    return made[0], made[1]


def flat(result: Any) -> list[Any]:
    if isinstance(result, (tuple, list)):
        return [leaf for part in result for leaf in flat(part)]
    return [] if result is None else [result]


def same(mine: Any, theirs: Any, *arguments: Any, tolerance: float = 1e-5) -> None:
    """Outputs, and gradients of all parameters."""
    results = flat(mine(*_ours(arguments))), flat(theirs(*arguments))
    for a, b in zip(*results, strict=True):
        equal(a, b, tolerance)
    for found in results:
        sum((x * x).sum() for x in found if x.is_floating_point()).backward()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        equal(a.grad, b.grad, 10 * tolerance)


def _ours(x: Any) -> Any:
    return type(x)(_ours(part) for part in x) if isinstance(x, (tuple, list)) else ours(x)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "bidirectional": True},
        {"bias": False, "batch_first": True},
        {"num_layers": 2, "batch_first": True, "bidirectional": True},
    ],
    ids=str,
)
def test_layers(kind: str, options: dict[str, Any]) -> None:
    mine, theirs = twins(kind, 4, 6, **options)
    assert repr(mine) == repr(theirs)
    same(mine, theirs, numbers(5, 3, 4, dtype=pt.float32))
    rows = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    n = 5 if options.get("batch_first") else 3
    h = numbers(rows, n, 6, dtype=pt.float32)
    same(mine, theirs, numbers(5, 3, 4, dtype=pt.float32), (h, h * 2) if kind == "LSTM" else h)
    same(mine, theirs, numbers(5, 4, dtype=pt.float32))


def test_relu_and_projection() -> None:
    same(*twins("RNN", 4, 6, nonlinearity="relu"), numbers(5, 3, 4, dtype=pt.float32))
    same(*twins("LSTM", 4, 6, 2, proj_size=3, bidirectional=True), numbers(5, 3, 4, dtype=pt.float32))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [[5, 3, 1], [2, 5, 5]])
def test_packed(kind: str, bidirectional: bool, lengths: list[int]) -> None:
    mine, theirs = twins(kind, 4, 6, num_layers=2, bidirectional=bidirectional)
    x = numbers(5, 3, 4, dtype=pt.float32)
    results = []
    for m, layer, t in ((rl, mine, ours(x)), (pt, theirs, x)):
        utils = m.nn.utils.rnn
        packed = utils.pack_padded_sequence(t, lengths, enforce_sorted=False)
        output, state = layer(packed)
        padded, counts = utils.pad_packed_sequence(output, padding_value=-1.0, total_length=6)
        results.append([packed.data, packed.batch_sizes, packed.unsorted_indices, padded, counts, *flat(state)])
    for a, b in zip(*results, strict=True):
        equal(a, b, 1e-5)


def test_sequences() -> None:
    rows = [numbers(n, 2) for n in (4, 2, 1)]
    mine, theirs = rl.nn.utils.rnn, pt.nn.utils.rnn
    for options in ({}, {"batch_first": True}, {"padding_value": 2.0, "padding_side": "left"}):
        equal(mine.pad_sequence([ours(r) for r in rows], **options), theirs.pad_sequence(rows, **options))
    packed = mine.pack_sequence([ours(r) for r in rows])
    for a, b in zip(mine.unpack_sequence(packed), rows, strict=True):
        equal(a, b)
    assert packed.to(rl.float32).data.dtype is rl.float32
    refuse(lambda m: m.nn.utils.rnn.pack_padded_sequence(m.zeros(5, 2, 1), [3, 0]))
    refuse(lambda m: m.nn.utils.rnn.pack_padded_sequence(m.zeros(5, 2, 1), [3, 4]))
    refuse(lambda m: m.nn.utils.rnn.pad_sequence([]))


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells(kind: str) -> None:
    mine, theirs = twins(kind, 4, 6)
    assert repr(mine) == repr(theirs)
    h = numbers(3, 6, dtype=pt.float32)
    state = (h, h * 2) if kind == "LSTMCell" else h
    same(mine, theirs, numbers(3, 4, dtype=pt.float32))
    same(mine, theirs, numbers(3, 4, dtype=pt.float32), state)
    same(mine, theirs, numbers(4, dtype=pt.float32))


def test_dropout_between_layers_draws_pytorchs_numbers() -> None:
    mine, theirs = twins("GRU", 4, 6, num_layers=3, dropout=0.4)
    rl.manual_seed(7)
    pt.manual_seed(7)
    same(mine, theirs, numbers(5, 3, 4, dtype=pt.float32))


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.nn.LSTM(3, 0),
        lambda m: m.nn.LSTM(3, 4.0),
        lambda m: m.nn.LSTM(3, 4, num_layers=0),
        lambda m: m.nn.LSTM(3, 4, proj_size=4),
        lambda m: m.nn.LSTM(3, 4, dropout=2.0),
        lambda m: m.nn.GRU(3, 4, proj_size=2),
        lambda m: m.nn.RNN(3, 4, nonlinearity="sin"),
        lambda m: m.nn.RNN(3, 4)(m.zeros(2)),
        lambda m: m.nn.RNN(3, 4)(m.zeros(2, 2, 5)),
        lambda m: m.nn.RNN(3, 4)(m.zeros(2, 2, 3, dtype=m.float64)),
        lambda m: m.nn.RNN(3, 4)(m.zeros(2, 2, 3), m.zeros(1, 2, 5)),
        lambda m: m.nn.RNN(3, 4)(m.zeros(2, 2, 3), m.zeros(2, 4)),
        lambda m: m.nn.LSTM(3, 4)(m.zeros(0, 2, 3)),
        lambda m: m.nn.GRUCell(3, 4)(m.zeros(2, 2, 3)),
        lambda m: m.nn.GRUCell(3, 4)(m.zeros(2, 5)),
        lambda m: m.nn.GRUCell(3, 4)(m.zeros(2, 3), m.zeros(3, 4)),
    ],
)
def test_refused(call: Any) -> None:
    refuse(call)
