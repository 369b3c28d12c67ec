"""Recurrent layers and their cells."""

from __future__ import annotations

import math
import warnings
from typing import Any

import rushlight
from rushlight import _recurrent
from rushlight._errors import marked
from rushlight._native import Tensor
from rushlight.nn import init
from rushlight.nn.modules.module import Module
from rushlight.nn.parameter import Parameter
from rushlight.nn.utils.rnn import PackedSequence

__all__ = ["GRU", "GRUCell", "LSTM", "LSTMCell", "RNN", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_LAYERS = {"LSTM": _recurrent.lstm, "GRU": _recurrent.gru, "RNN_TANH": _recurrent.rnn_tanh,
           "RNN_RELU": _recurrent.rnn_relu}


class RNNBase(Module):
    """Base of the recurrent layers.

    Args:
        mode: ``RNN_TANH``, ``RNN_RELU``, ``LSTM`` or ``GRU``.
        input_size: features of each step of the input.
        hidden_size: features of the state.
        num_layers: how many layers stand on each other.
        bias: whether there are biases.
        batch_first: whether input and output are (N, T, *) instead of (T, N, *).
        dropout: probability of zeroing an output of a layer, but the last.
        bidirectional: whether each layer also runs from the end.
        proj_size: features that the state is projected to, 0 for none; LSTM alone.

    Raises:
        ValueError, TypeError: when a size is no positive int, or dropout no probability.
    """

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_options(dropout)
        directions = 2 if bidirectional else 1
        self._all_weights: list[list[str]] = []
        for layer in range(num_layers):
            for direction in range(directions):
                self._add_layer(layer, direction, directions, {"device": device, "dtype": dtype})
        self.reset_parameters()

    def _check_options(self, dropout: float) -> None:
        name = type(self).__name__
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout <= 1:
            raise ValueError(f"{name}: expected dropout to be a probability, met {dropout!r}")
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(f"{name}: dropout={dropout} does nothing with one layer: the last is left as it is",
                          stacklevel=4)
        for option, kind in (("input_size", int), ("hidden_size", int), ("bias", bool), ("batch_first", bool)):
            if not isinstance(value := getattr(self, option), kind):
                raise TypeError(f"{name}: expected {option} to be of type {kind.__name__}, met {value!r}")
        if min(self.input_size, self.hidden_size, self.num_layers) <= 0:
            raise ValueError(f"{name}: input_size, hidden_size and num_layers must be at least 1, met "
                             f"{self.input_size}, {self.hidden_size} and {self.num_layers}")
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError(f"{name}: proj_size must be from 0 to below hidden_size, met {self.proj_size}")
        if self.mode not in _GATES:
            raise ValueError(f"{name}: unknown mode {self.mode!r}")

    def _add_layer(self, layer: int, direction: int, directions: int, made: dict[str, Any]) -> None:
        gates, state = _GATES[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (gates, self.input_size if layer == 0 else state * directions),
            "weight_hh": (gates, state),
        }
        if self.bias:
            shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        suffix = f"_l{layer}" + "_reverse" * direction
        for name, shape in shapes.items():
            setattr(self, name + suffix, Parameter(rushlight.empty(shape, **made)))
        self._all_weights.append([name + suffix for name in shapes])

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Does nothing: parameters need no common memory here."""

    def reset_parameters(self) -> None:
        """Draw all parameters from (-k, k), k = 1 / sqrt(hidden_size)."""
        k = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -k, k)

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise where the input's dtype, dimensions or features do not fit."""
        name, dims = type(self).__name__, 3 if batch_sizes is None else 2
        if input.dtype != self._flat_weights[0].dtype:
            raise ValueError(f"{name}: the input is {input.dtype}, the weights are {self._flat_weights[0].dtype}; "
                             "convert one of them")
        if input.dim() != dims:
            raise RuntimeError(f"{name}: expected an input of {dims} dimensions, met {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"{name}: expected {self.input_size} features at the end of the input, met shape "
                               f"{marked(input.shape, -1)}")

    def _state_shapes(self, batch: int) -> list[tuple[int, ...]]:
        rows = self.num_layers * (2 if self.bidirectional else 1)
        return [(rows, batch, self.proj_size or self.hidden_size), (rows, batch, self.hidden_size)]

    def _states(self, hx: Any, input: Tensor, batch: int, batched: bool, order: Tensor | None) -> list[Tensor]:
        """The initial states (layers, N, *), in the order of the packed sequences."""
        count = 2 if self.mode == "LSTM" else 1
        shapes = self._state_shapes(batch)[:count]
        name = type(self).__name__
        if hx is None:
            return [input.new_zeros(shape) for shape in shapes]
        states = list(hx) if count == 2 else [hx]
        dims = 3 if batched else 2
        if any(s.dim() != dims for s in states):
            raise RuntimeError(f"{name}: with an input {'of' if batched else 'without'} a batch hx must have {dims} "
                               f"dimensions, met {[s.dim() for s in states]}")
        states = states if batched else [s.unsqueeze(1) for s in states]
        for state, shape in zip(states, shapes, strict=True):
            if tuple(state.shape) != shape:
                raise RuntimeError(f"{name}: expected hx of shape {shape}, met {list(state.shape)}")
        return [s if order is None else s.index_select(1, order) for s in states]

    def forward(self, input: Any, hx: Any = None) -> Any:
        """The outputs of the last layer, and the last states.

        Args:
            input: (T, N, input_size), (N, T, input_size) with batch_first, (T, input_size), or a PackedSequence.
            hx: the states at the start, (layers * directions, N, hidden_size); of an LSTM (h, c). Zeros where None.
        """
        if isinstance(input, PackedSequence):
            return self._forward_packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(f"{type(self).__name__}: expected an input of 2 or 3 dimensions, met {input.dim()}")
        batched = input.dim() == 3
        where = 0 if self.batch_first else 1
        x = input if batched else input.unsqueeze(where)
        states = self._states(hx, x, x.size(where), batched, None)
        self.check_input(x, None)
        if x.size(1 - where) == 0:
            raise RuntimeError(f"{type(self).__name__}: the sequences of shape {list(input.shape)} have no elements")
        output, last = self._run(x, states, self.batch_first)
        if not batched:
            output, last = output.squeeze(where), [s.squeeze(1) for s in last]
        return output, tuple(last) if self.mode == "LSTM" else last[0]

    def _forward_packed(self, input: PackedSequence, hx: Any) -> Any:
        data, batch_sizes, order, back = input
        states = self._states(hx, data, int(batch_sizes[0]), True, order)
        self.check_input(data, batch_sizes)
        output, last = self._run(data, states, batch_sizes=batch_sizes)
        last = [s if back is None else s.index_select(1, back) for s in last]
        return PackedSequence(output, batch_sizes, order, back), tuple(last) if self.mode == "LSTM" else last[0]

    def _run(self, x: Tensor, states: list[Tensor], batch_first: bool = False,
             batch_sizes: Tensor | None = None) -> tuple[Tensor, list[Tensor]]:
        hx = states if self.mode == "LSTM" else states[0]
        options = (self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        if batch_sizes is None:
            output, *last = _LAYERS[self.mode](x, hx, *options, batch_first)
        else:
            output, *last = _LAYERS[self.mode](x, batch_sizes, hx, *options)
        return output, last

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        options = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0,
                   "bidirectional": False}
        return text + "".join(f", {name}={getattr(self, name)}" for name, usual in options.items()
                              if getattr(self, name) != usual)


class RNN(RNNBase):
    """Layers of ``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` (Elman, 1990); or relu by ``nonlinearity``.

    Arguments and states as in `RNNBase`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("RNN: only LSTM takes proj_size")
        if len(args) > 3:
            self.nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            self.nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self.nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: expected nonlinearity to be 'tanh' or 'relu', met {self.nonlinearity!r}")
        super().__init__(f"RNN_{self.nonlinearity.upper()}", *args, **kwargs)


class LSTM(RNNBase):
    """Layers of long short-term memory (Hochreiter and Schmidhuber, 1997). Arguments and states as in `RNNBase`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(RNNBase):
    """Layers of gated recurrent units (Cho et al., 2014). Arguments and states as in `RNNBase`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("GRU: only LSTM takes proj_size")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """Base of the cells: one step. Parameters start evenly from (-k, k), k = 1 / sqrt(hidden_size)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        made = {"device": device, "dtype": dtype}
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.weight_ih = Parameter(rushlight.empty((num_chunks * hidden_size, input_size), **made))
        self.weight_hh = Parameter(rushlight.empty((num_chunks * hidden_size, hidden_size), **made))
        for name in ("bias_ih", "bias_hh"):
            start = Parameter(rushlight.empty(num_chunks * hidden_size, **made)) if bias else None
            self.register_parameter(name, start)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        k = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -k, k)

    def _step(self, cell: Any, input: Tensor, hx: Any, states: int) -> list[Tensor]:
        name = type(self).__name__
        given = [] if hx is None else list(hx) if states == 2 else [hx]
        if input.dim() not in (1, 2) or any(s.dim() not in (1, 2) for s in given):
            raise ValueError(f"{name}: expected input and state of 1 or 2 dimensions, met "
                             f"{[t.dim() for t in (input, *given)]}")
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if hx is None:
            given = [x.new_zeros(x.size(0), self.hidden_size)] * states
        elif not batched:
            given = [s.unsqueeze(0) for s in given]
        found = cell(x, given if states == 2 else given[0], self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        after = list(found) if states == 2 else [found]
        return after if batched else [s.squeeze(0) for s in after]

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """``tanh(W_ih x + b_ih + W_hh h + b_hh)``, or relu by ``nonlinearity``: input (N, I), state (N, H)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"RNNCell: unknown nonlinearity {self.nonlinearity!r}")
        cell = _recurrent.rnn_tanh_cell if self.nonlinearity == "tanh" else _recurrent.rnn_relu_cell
        return self._step(cell, input, hx, 1)[0]


class LSTMCell(RNNCellBase):
    """One step of long short-term memory: input (N, I), state (h, c) of (N, H) each; gives the next (h, c)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self._step(_recurrent.lstm_cell, input, hx, 2)
        return h, c


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit: input (N, I), state (N, H)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(_recurrent.gru_cell, input, hx, 1)[0]
