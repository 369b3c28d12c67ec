"""Recurrent layers: one step of each kind of cell, and whole stacks of layers over a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from . import _native
from ._native import Tensor

__all__ = ["gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"]

State = tuple[Tensor, ...]
# (what the input gives to the gates, state, weight, bias and projection of the hidden state) -> the next state
Step = Callable[[Tensor, State, Sequence[Any]], State]


def _simple(activation: Callable[[Tensor], Tensor]) -> Step:
    def step(x: Tensor, state: State, hidden: Sequence[Any]) -> State:
        return (activation(x + _native.linear(state[0], hidden[0], hidden[1])),)

    return step


def _gru_step(x: Tensor, state: State, hidden: Sequence[Any]) -> State:
    h = state[0]
    x_reset, x_update, x_new = x.chunk(3, -1)
    h_reset, h_update, h_new = _native.linear(h, hidden[0], hidden[1]).chunk(3, -1)
    reset, update = (x_reset + h_reset).sigmoid(), (x_update + h_update).sigmoid()
    new = (x_new + reset * h_new).tanh()
    return (new + update * (h - new),)


def _lstm_step(x: Tensor, state: State, hidden: Sequence[Any]) -> State:
    h, c = state
    enter, forget, cell, leave = (x + _native.linear(h, hidden[0], hidden[1])).chunk(4, -1)
    c = forget.sigmoid() * c + enter.sigmoid() * cell.tanh()
    h = leave.sigmoid() * c.tanh()
    return (h if hidden[2] is None else _native.linear(h, hidden[2]), c)


_tanh_step, _relu_step = _simple(_native.tanh), _simple(_native.relu)


# ------------------------------------------------------------------ cells


def _check_cell(name: str, input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor) -> None:
    if input.size(-1) != w_ih.size(1) or hx.size(-1) != w_hh.size(1):
        raise RuntimeError(f"{name}: expected an input of {w_ih.size(1)} and a state of {w_hh.size(1)} features, met "
                           f"{list(input.shape)} and {list(hx.shape)}")
    if input.shape[:-1] != hx.shape[:-1]:
        raise RuntimeError(f"{name}: input {list(input.shape)} and state {list(hx.shape)} differ in batch size")


def rnn_tanh_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
                  b_hh: Tensor | None = None) -> Tensor:
    """``tanh(w_ih @ x + b_ih + w_hh @ h + b_hh)`` of input (N, I) and state (N, H)."""
    _check_cell("rnn_tanh_cell", input, hx, w_ih, w_hh)
    return _tanh_step(_native.linear(input, w_ih, b_ih), (hx,), (w_hh, b_hh))[0]


def rnn_relu_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
                  b_hh: Tensor | None = None) -> Tensor:
    """``relu(w_ih @ x + b_ih + w_hh @ h + b_hh)`` of input (N, I) and state (N, H)."""
    _check_cell("rnn_relu_cell", input, hx, w_ih, w_hh)
    return _relu_step(_native.linear(input, w_ih, b_ih), (hx,), (w_hh, b_hh))[0]


def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
             b_hh: Tensor | None = None) -> Tensor:
    """One step of a gated recurrent unit (Cho et al., 2014): the next state (N, H)."""
    _check_cell("gru_cell", input, hx, w_ih, w_hh)
    return _gru_step(_native.linear(input, w_ih, b_ih), (hx,), (w_hh, b_hh))[0]


def lstm_cell(input: Tensor, hx: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None,
              b_hh: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """One step of a long short-term memory (Hochreiter and Schmidhuber, 1997): the next (h, c)."""
    if len(hx) != 2:
        raise RuntimeError(f"lstm_cell: expected the state as (h, c), met {len(hx)} tensors")
    _check_cell("lstm_cell", input, hx[0], w_ih, w_hh)
    h, c = _lstm_step(_native.linear(input, w_ih, b_ih), tuple(hx), (w_hh, b_hh, None))
    return h, c


# ------------------------------------------------------------------ layers


def _run(step: Step, inputs: Sequence[Tensor], state: State, weights: Sequence[Any],
         reverse: bool) -> tuple[list[Tensor], State]:
    """One layer in one direction over time steps, whose batches may shrink: the outputs, and the last states."""
    sizes = [x.size(0) for x in inputs]
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    gates = _native.linear(_native.cat(list(inputs)), w_ih, b_ih).split(sizes)
    outputs: list[Any] = [None for _ in inputs]
    for t in reversed(range(len(inputs))) if reverse else range(len(inputs)):
        batch = sizes[t]
        if batch == state[0].size(0):
            state = step(gates[t], state, (w_hh, b_hh, w_hr))
            outputs[t] = state[0]
            continue
        after = step(gates[t], tuple(s[:batch] for s in state), (w_hh, b_hh, w_hr))
        outputs[t] = after[0]
        state = tuple(_native.cat([new, old[batch:]]) for new, old in zip(after, state, strict=True))
    return outputs, state


def _stack(step: Step, inputs: Sequence[Tensor], states: Tensor | State, params: Sequence[Tensor], has_biases: bool,
           num_layers: int, dropout: float, train: bool, bidirectional: bool) -> tuple[Tensor, State]:
    """Layers over layers: the outputs of the last one after each other, and the last states of all."""
    directions = 2 if bidirectional else 1
    states = (states,) if isinstance(states, Tensor) else states
    layers = _layers(params, has_biases, num_layers * directions)
    last: list[State] = []
    joined = None
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            given = tuple(s[k] for s in states)
            found, after = _run(step, inputs, given, layers[k], reverse=direction == 1)
            outputs.append(_native.cat(found))
            last.append(after)
        joined = outputs[0] if directions == 1 else _native.cat(outputs, -1)
        if dropout and train and layer < num_layers - 1:
            joined = _native.dropout(joined, dropout, True)
        inputs = joined.split([x.size(0) for x in inputs])
    assert joined is not None
    return joined, tuple(_native.stack(list(parts)) for parts in zip(*last, strict=True))


def _layers(params: Sequence[Tensor], has_biases: bool, count: int) -> list[list[Any]]:
    """(w_ih, w_hh, b_ih, b_hh, w_hr) of each layer; None for what it has not."""
    size = len(params) // count
    rows: list[list[Any]] = [list(params[i * size:(i + 1) * size]) for i in range(count)]
    biases = 2 if has_biases else 0
    return [[*row[:2], *(row[2:4] if has_biases else (None, None)), *(row[2 + biases:] or [None])] for row in rows]


def _layer(step: Step, *args: Any) -> tuple[Tensor, State]:
    """A public function's two call forms: (input, states, ..., batch_first) and (data, batch_sizes, states, ...)."""
    packed = isinstance(args[1], Tensor) and args[1].dim() == 1
    if packed:
        return _stack(step, args[0].split(args[1].tolist()), *args[2:])
    input, *arguments, batch_first = args
    inputs = (input.transpose(0, 1) if batch_first else input).unbind(0)
    output, last = _stack(step, inputs, *arguments)
    output = output.view(len(inputs), -1, output.size(-1))
    return output.transpose(0, 1) if batch_first else output, last


def rnn_tanh(input: Tensor, *args: Any) -> tuple[Tensor, Tensor]:
    """Layers of `rnn_tanh_cell`.

    (input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first), or of a packed sequence
    (data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional): the outputs and last states.
    """
    output, (h,) = _layer(_tanh_step, input, *args)
    return output, h


def rnn_relu(input: Tensor, *args: Any) -> tuple[Tensor, Tensor]:
    """Layers of `rnn_relu_cell`; arguments as in `rnn_tanh`."""
    output, (h,) = _layer(_relu_step, input, *args)
    return output, h


def gru(input: Tensor, *args: Any) -> tuple[Tensor, Tensor]:
    """Layers of `gru_cell`; arguments as in `rnn_tanh`."""
    output, (h,) = _layer(_gru_step, input, *args)
    return output, h


def lstm(input: Tensor, *args: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Layers of `lstm_cell`, with hx = (h, c); arguments as in `rnn_tanh`. A fifth parameter of a layer projects h."""
    output, (h, c) = _layer(_lstm_step, input, *args)
    return output, h, c
