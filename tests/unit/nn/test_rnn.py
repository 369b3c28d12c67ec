"""Recurrent layers against PyTorch: values, gradients, first values, names, reprs and errors."""

import warnings

import pytest
import torch as pt

import rushlight as rl
from tests.unit.nn.helpers import same, twin

LAYERS = [
    "RNN(3, 4)",
    "RNN(3, 4, 2, 'relu', bias=False)",
    "LSTM(3, 4)",
    "LSTM(3, 4, 2, batch_first=True, bidirectional=True)",
    "LSTM(3, 4, num_layers=2, proj_size=2, bidirectional=True, bias=False)",
    "GRU(3, 4, dtype=torch.float64)",
    "GRU(3, 4, num_layers=3, bidirectional=True)",
]
CELLS = ["RNNCell(3, 4)", "RNNCell(3, 4, False, 'relu')", "LSTMCell(3, 4)", "GRUCell(3, 4, bias=False)"]


def make(source):
    return lambda nn: eval(f"nn.{source}", {"nn": nn, "torch": rl if nn is rl.nn else pt})


def tensors(result):
    return [t for part in result for t in tensors(part)] if isinstance(result, tuple) else [result]


def values(*shape, dtype=pt.float32):
    x = pt.randn(shape, generator=pt.Generator().manual_seed(1), dtype=dtype)
    return rl.tensor(x.tolist(), dtype=getattr(rl, str(dtype)[6:]), requires_grad=True), x.requires_grad_()


def compare(ours, theirs, *arguments):
    """Outputs and all gradients, of the sum of the outputs' squares."""
    results = [tensors(module(*(a[k] for a in arguments))) for k, module in enumerate((ours, theirs))]
    for a, b in zip(*results, strict=True):
        same(a, b, 1e-5)
    for result in results:
        sum((t * t).sum() for t in result).backward()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        same(a.grad, b.grad, 1e-4)
    for a in arguments:
        for mine, other in zip(tensors(a[0]), tensors(a[1]), strict=True):
            same(mine.grad, other.grad, 1e-4)


@pytest.mark.parametrize("source", LAYERS + CELLS)
def test_first_values_names_and_repr(source):
    pt.manual_seed(3)
    rl.manual_seed(3)
    ours, theirs = make(source)(rl.nn), make(source)(pt.nn)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        same(a, b)


@pytest.mark.parametrize("source", LAYERS)
def test_sequences(source):
    ours, theirs = twin(make(source))
    dtype = next(theirs.parameters()).dtype
    compare(ours, theirs, values(5, 2, 3, dtype=dtype))
    compare(*twin(make(source)), values(5, 3, dtype=dtype))
    assert [[tuple(w.shape) for w in layer] for layer in ours.all_weights] == [
        [tuple(w.shape) for w in layer] for layer in theirs.all_weights
    ]


@pytest.mark.parametrize("source", LAYERS)
@pytest.mark.parametrize("batched", [True, False])
def test_a_state_that_is_given(source, batched):
    ours, theirs = twin(make(source))
    dtype = next(theirs.parameters()).dtype
    count = ours.num_layers * (2 if ours.bidirectional else 1)
    sizes = [ours.proj_size or ours.hidden_size, ours.hidden_size][: 2 if ours.mode == "LSTM" else 1]
    states = [values(*((count, 2, size) if batched else (count, size)), dtype=dtype) for size in sizes]
    pair = tuple(tuple(s[k] for s in states) for k in (0, 1)) if len(states) > 1 else states[0]
    compare(ours, theirs, values(*((2, 2, 3) if batched else (2, 3)), dtype=dtype), pair)


@pytest.mark.parametrize("source", CELLS)
@pytest.mark.parametrize("shape", [(2, 3), (3,), (1, 3)])
def test_cells(source, shape):
    compare(*twin(make(source)), values(*shape))
    states = [values(*shape[:-1], 4) for _ in range(2 if "LSTM" in source else 1)]
    pair = tuple(tuple(s[k] for s in states) for k in (0, 1)) if len(states) > 1 else states[0]
    compare(*twin(make(source)), values(*shape), pair)


def test_dropout_between_layers_draws_as_pytorch():
    ours, theirs = twin(lambda nn: nn.RNN(3, 4, 3, dropout=0.5))
    rl.manual_seed(5)
    pt.manual_seed(5)
    compare(ours, theirs, values(4, 2, 3))
    compare(ours.eval(), theirs.eval(), values(4, 2, 3))


BAD = [
    "LSTM(3, 4)(torch.zeros(3))",
    "LSTM(3, 4)(torch.zeros(2, 2, 5))",
    "LSTM(3, 4)(torch.zeros(2, 5))",
    "LSTM(3, 4)(torch.zeros(0, 2, 3))",
    "LSTM(3, 4)(torch.zeros(5, 2, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 3, 4)))",
    "LSTM(3, 4)(torch.zeros(5, 2, 3), (torch.zeros(2, 4), torch.zeros(2, 4)))",
    "GRU(3, 4)(torch.zeros(5, 3), torch.zeros(1, 1, 4))",
    "RNN(3, 4)(torch.zeros(5, 2, 3), torch.zeros(1, 2, 5))",
    "RNN(3, 4, nonlinearity='no')",
    "RNN(3, 4, dropout=2)",
    "RNN(3, 4, dropout=True)",
    "RNN(3, 0)",
    "RNN(3, 4.0)",
    "GRU(3, 4, num_layers=0)",
    "GRU(3, 4, proj_size=2)",
    "LSTM(3, 4, proj_size=4)",
    "LSTM(3, 4, proj_size=-1)",
    "RNNCell(3, 4)(torch.zeros(1, 2, 3))",
    "RNNCell(3, 4)(torch.zeros(2, 5))",
    "RNNCell(3, 4, nonlinearity='no')(torch.zeros(2, 3))",
    "GRUCell(3, 4)(torch.zeros(2, 3), torch.zeros(3, 4))",
    "LSTMCell(3, 4)(torch.zeros(2, 3), (torch.zeros(2, 4), torch.zeros(2, 5)))",
]


@pytest.mark.parametrize("source", BAD)
def test_errors(source):
    with pytest.raises(Exception) as theirs:
        eval(f"torch.nn.{source}", {"torch": pt})
    with pytest.raises(theirs.type):
        eval(f"torch.nn.{source}", {"torch": rl})


def test_dropout_with_one_layer_warns():
    with warnings.catch_warnings(record=True) as met:
        warnings.simplefilter("always")
        rl.nn.GRU(2, 3, dropout=0.5)
    assert [w.category for w in met] == [UserWarning]


OPTIONS = [
    *[("RNN", {"input_size": size}) for size in (0, -1, 3.0, "3")],
    *[("LSTM", {"hidden_size": size}) for size in (0, -1, 3.0, "3")],
    *[("GRU", {option: value}) for option in ("bias", "batch_first") for value in (0, 1, "True", None)],
    ("RNN", {"num_layers": 0}), ("GRU", {"bidirectional": 1}), ("HuberLoss", {"delta": 1j}),
    ("HuberLoss", {"delta": "a"}), ("HuberLoss", {"delta": -1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_options_of_a_wrong_type_or_size(name, options):
    sizes = {} if name == "HuberLoss" else {"input_size": 3, "hidden_size": 5}
    kinds = []
    for lib in (rl, pt):
        try:
            getattr(lib.nn, name)(**(sizes | options))
            kinds.append("made")
        except (TypeError, ValueError) as error:
            kinds.append(type(error).__name__)
    assert kinds[0] == kinds[1]
