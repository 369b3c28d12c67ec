"""Recurrent layers made of other operations: one step of each kind of cell, and a run over a sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import rushlight
from rushlight._native import Tensor

State = tuple[Tensor, ...]
Step = Callable[..., State]


def _activated(activation: Callable[[Tensor], Tensor]) -> Step:
    def step(x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
        return (activation(x + rushlight.nn.functional.linear(state[0], weight, bias)),)

    return step


def _lstm(x: Tensor, state: State, weight: Tensor, bias: Tensor | None, projection: Tensor | None = None) -> State:
    """Hochreiter and Schmidhuber, 1997, with the forget gate of Gers et al., 2000; gates in the order i, f, g, o."""
    hidden, cell = state
    i, f, g, o = (x + rushlight.nn.functional.linear(hidden, weight, bias)).chunk(4, -1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    hidden = o.sigmoid() * cell.tanh()
    return hidden if projection is None else rushlight.nn.functional.linear(hidden, projection), cell


def _gru(x: Tensor, state: State, weight: Tensor, bias: Tensor | None) -> State:
    """Cho et al., 2014, with the reset gate applied after the product; gates in the order r, z, n."""
    (hidden,) = state
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = rushlight.nn.functional.linear(hidden, weight, bias).chunk(3, -1)
    update = (x_z + h_z).sigmoid()
    new = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    return (new + update * (hidden - new),)


# A step takes W_ih x + b_ih, the state, W_hh and b_hh, and gives the new state, whose first tensor is the output.
STEPS: dict[str, Step] = {
    "RNN_TANH": _activated(Tensor.tanh),
    "RNN_RELU": _activated(Tensor.relu),
    "LSTM": _lstm,
    "GRU": _gru,
}


def run(
    mode: str, input: Tensor, state: State, weights: Sequence[Tensor | None], backwards: bool
) -> tuple[Tensor, State]:
    """One layer in one direction over a sequence (L, N, size): the outputs (L, N, hidden) and the last state.

    Args:
        mode: a key of STEPS.
        input: (L, N, size).
        state: the first state, each (N, hidden).
        weights: W_ih, W_hh, b_ih, b_hh and, for a projection, W_hr.
        backwards: whether the sequence is read from its end.
    """
    input_weight, weight, input_bias, bias, *projection = weights
    step, outputs = STEPS[mode], []
    steps = rushlight.nn.functional.linear(input, input_weight, input_bias).unbind(0)
    for x in reversed(steps) if backwards else steps:
        state = step(x, state, weight, bias, *projection)
        outputs.append(state[0])
    return rushlight.stack(outputs[::-1] if backwards else outputs), state
