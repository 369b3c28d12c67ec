"""Recurrent layers over sequences, and their cells."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.nn import functional as F
from rushlight.nn import init
from rushlight.nn._functional.recurrent import STEPS, State, run
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


def _draw(module: Module, hidden_size: int) -> None:
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for parameter in module.parameters():
        init.uniform_(parameter, -bound, bound)


class RNNBase(Module):
    """What RNN, LSTM and GRU share.

    Args:
        mode: "RNN_TANH", "RNN_RELU", "LSTM" or "GRU".
        input_size: size of each element of the sequence.
        hidden_size: size of the state.
        num_layers: layers, each reading the outputs of the one before.
        bias: whether there are biases.
        batch_first: whether batches are (N, L, size) instead of (L, N, size); states are not touched by it.
        dropout: probability of dropping an output between layers, in training.
        bidirectional: whether each layer reads the sequence from both ends.
        proj_size: LSTM: size that outputs are projected to; 0 for none.
        device: where the parameters are made.
        dtype: their dtype.

    Raises:
        ValueError: when a size or the dropout is out of range, or proj_size is given to another mode than LSTM.
        TypeError: when hidden_size is no integer.
    """

    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        self._check_settings(dropout)
        directions = 2 if bidirectional else 1
        gates, out = GATES[mode] * hidden_size, proj_size or hidden_size
        self._all_weights = []
        for layer in range(num_layers):
            first = input_size if layer == 0 else out * directions
            shapes: dict[str, tuple[int, ...]] = {"weight_ih": (gates, first), "weight_hh": (gates, out)}
            if bias:
                shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
            if proj_size:
                shapes |= {"weight_hr": (proj_size, hidden_size)}
            for suffix in ("", "_reverse")[:directions]:
                names = [f"{name}_l{layer}{suffix}" for name in shapes]
                for name, shape in zip(names, shapes.values(), strict=True):
                    self.register_parameter(name, Parameter(rushlight.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(names)
        self.reset_parameters()

    def _check_settings(self, dropout: Any) -> None:
        name = type(self).__name__
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= self.dropout <= 1:
            raise ValueError(f"{name}: expected dropout, a probability, within [0, 1], met {dropout!r}")
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn(f"{name}: dropout acts between layers, so with num_layers=1 dropout={dropout} does nothing",
                          stacklevel=4)
        if not isinstance(self.hidden_size, int):
            raise TypeError(f"{name}: expected hidden_size as an int, met {type(self.hidden_size).__name__}")
        for setting in ("hidden_size", "num_layers"):
            if getattr(self, setting) <= 0:
                raise ValueError(f"{name}: expected {setting} above 0, met {getattr(self, setting)}")
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError(f"{name}: expected proj_size from 0 to below hidden_size, met {self.proj_size} for "
                             f"{self.hidden_size}")
        if self.proj_size and self.mode != "LSTM":
            raise ValueError(f"{name}: proj_size is for LSTM only")

    def reset_parameters(self) -> None:
        """Draw the parameters anew, evenly from (-k, k), k = 1 / sqrt(hidden_size)."""
        _draw(self, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Does nothing: the parameters are used where they lie."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}, {self.hidden_size}"]
        for name, usual in {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
                            "bidirectional": False}.items():
            if getattr(self, name) != usual:
                parts.append(f"{name}={getattr(self, name)}")
        return ", ".join(parts)

    # --- the run

    def _state_sizes(self) -> tuple[int, ...]:
        """The size of each tensor of the state: hidden and, for LSTM, cell."""
        out = self.proj_size or self.hidden_size
        return (out, self.hidden_size) if self.mode == "LSTM" else (out,)

    def _first_state(self, input: Tensor, state: State | None, batched: bool) -> State:
        """The state (layers * directions, N, size) that the run starts from, checked; 0 where none is given."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        expected = [(count, input.size(1), size) for size in self._state_sizes()]
        if state is None:
            return tuple(input.new_zeros(shape) for shape in expected)
        if any(t.dim() != (3 if batched else 2) for t in state):
            met = [t.dim() for t in state]
            raise RuntimeError(f"{self._get_name()}: for {'a batch' if batched else 'a sequence without a batch'} "
                               f"expected a state of {3 if batched else 2} dimensions, met {met}")
        if not batched:
            state = tuple(t.unsqueeze(1) for t in state)
        for t, shape in zip(state, expected, strict=True):
            if tuple(t.shape) != shape:
                raise RuntimeError(f"{self._get_name()}: expected a state of shape {shape} (layers and directions, "
                                   f"batch, size), met {tuple(t.shape)}")
        return state

    def _forward(self, input: Tensor, state: State | None) -> tuple[Tensor, State]:
        if input.dim() not in (2, 3):
            raise ValueError(f"{self._get_name()}: expected an input of 2 or 3 dimensions, met shape "
                             f"{list(input.shape)}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"{self._get_name()}: expected elements of size {self.input_size} (input_size) in the "
                               f"last dimension, met shape {list(input.shape)}")
        batched = input.dim() == 3
        if not batched:
            sequence = input.unsqueeze(1)
        else:
            sequence = input.transpose(0, 1) if self.batch_first else input
        state = self._first_state(sequence, state, batched)
        if sequence.size(0) == 0:
            raise RuntimeError(f"{self._get_name()}: the sequence is empty, shape {list(input.shape)}")
        output, last = self._layers(sequence, state)
        if not batched:
            return output.squeeze(1), tuple(t.squeeze(1) for t in last)
        return output.transpose(0, 1) if self.batch_first else output, last

    def _layers(self, sequence: Tensor, state: State) -> tuple[Tensor, State]:
        directions, last = 2 if self.bidirectional else 1, []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                k = layer * directions + direction
                weights: list[Tensor | None] = [*self.all_weights[k]]
                if not self.bias:
                    weights[2:2] = [None, None]
                output, final = run(self.mode, sequence, tuple(t[k] for t in state), weights, direction == 1)
                outputs.append(output)
                last.append(final)
            sequence = outputs[0] if directions == 1 else rushlight.cat(outputs, -1)
            if self.dropout and layer < self.num_layers - 1:
                sequence = F.dropout(sequence, self.dropout, self.training)
        return sequence, tuple(rushlight.stack(parts) for parts in zip(*last, strict=True))

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read the sequence.

        Args:
            input: (L, N, input_size), (N, L, input_size) with batch_first, or (L, input_size).
            hx: the first state (layers * directions, N, hidden_size), without N where the input has none; 0 if None.

        Returns:
            The outputs of the last layer, shaped as the input with size directions * hidden_size, and the last state.

        Raises:
            ValueError: when the input has neither 2 nor 3 dimensions.
            RuntimeError: when a size does not fit.
        """
        output, (hidden,) = self._forward(input, None if hx is None else (hx,))
        return output, hidden


class RNN(RNNBase):
    """``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`` along a sequence (Elman, 1990); or relu, by ``nonlinearity``.

    Args: input_size, hidden_size, num_layers, nonlinearity ("tanh" or "relu"), and then as of RNNBase.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh",
                 *args: Any, **kwargs: Any) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: expected nonlinearity 'tanh' or 'relu', met {nonlinearity!r}")
        self.nonlinearity = nonlinearity
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)


class GRU(RNNBase):
    """Gated recurrent units along a sequence (Cho et al., 2014). Args as of RNNBase, without mode."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory along a sequence (Hochreiter and Schmidhuber, 1997). Args as of RNNBase, without mode."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(  # type: ignore[override]
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """As of RNNBase; the state is a pair: hidden (.., proj_size or hidden_size) and cell (.., hidden_size)."""
        output, (hidden, cell) = self._forward(input, hx)
        return output, (hidden, cell)


class RNNCellBase(Module):
    """What the cells share: one step of a layer.

    Args:
        input_size: size of the input, (N, input_size) or (input_size).
        hidden_size: size of the state.
        bias: whether there are biases.
        num_chunks: the number of gates.
        device: where the parameters are made.
        dtype: their dtype.
    """

    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Tensor
    weight_hh: Tensor

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        gates = num_chunks * hidden_size
        self.weight_ih = Parameter(rushlight.empty((gates, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(rushlight.empty((gates, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            made = Parameter(rushlight.empty(gates, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, evenly from (-k, k), k = 1 / sqrt(hidden_size)."""
        _draw(self, self.hidden_size)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"

    def _step(self, mode: str, input: Tensor, state: State | None) -> State:
        name = self._get_name()
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: expected an input of 1 or 2 dimensions, met shape {list(input.shape)}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"{name}: expected an input of size {self.input_size} (input_size), met shape "
                               f"{list(input.shape)}")
        shape = (*input.shape[:-1], self.hidden_size)
        if state is None:
            state = (input.new_zeros(shape),) * (2 if mode == "LSTM" else 1)
        for t in state:
            if t.dim() not in (1, 2):
                raise ValueError(f"{name}: expected a state of 1 or 2 dimensions, met shape {list(t.shape)}")
            if tuple(t.shape) != shape:
                raise RuntimeError(f"{name}: expected a state of shape {list(shape)} for an input of shape "
                                   f"{list(input.shape)}, met {list(t.shape)}")
        return STEPS[mode](F.linear(input, self.weight_ih, self.bias_ih), state, self.weight_hh, self.bias_hh)


class RNNCell(RNNCellBase):
    """One step of RNN: ``h' = tanh(W_ih x + b_ih + W_hh h + b_hh)``; or relu, by ``nonlinearity``."""

    nonlinearity: str

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The new state (N, hidden_size) from input (N, input_size) and the state hx, 0 if None."""
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"RNNCell: expected nonlinearity 'tanh' or 'relu', met {self.nonlinearity!r}")
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, None if hx is None else (hx,))[0]


class GRUCell(RNNCellBase):
    """One step of GRU."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """The new state (N, hidden_size) from input (N, input_size) and the state hx, 0 if None."""
        return self._step("GRU", input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of LSTM."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """The new hidden state and cell, both (N, hidden_size), from input (N, input_size) and those of hx."""
        hidden, cell = self._step("LSTM", input, hx)
        return hidden, cell
