"""Sequences of different lengths as one tensor: padded, or packed without the padding."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

import rushlight
from rushlight._native import Tensor

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
           "pad_sequence", "unpack_sequence", "unpad_sequence"]


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """A batch of sequences, the longest first, step by step: first all first elements, then all second ones, ...

    Made by `pack_padded_sequence` and `pack_sequence`, taken by the recurrent layers.

    Attributes:
        data: the elements, (number of all, *).
        batch_sizes: int64 on the CPU: how many sequences have a first element, a second one, ...
        sorted_indices: the order in which the sequences are taken, where it is not theirs.
        unsorted_indices: the way back.
    """

    def __new__(cls, data: Tensor, batch_sizes: Any = None, sorted_indices: Tensor | None = None,
                unsorted_indices: Tensor | None = None) -> PackedSequence:
        if batch_sizes is None:  # (data, batch_sizes) as one pair
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes.device.type != "cpu":
            raise ValueError(f"PackedSequence: batch_sizes must be on the CPU, not on {batch_sizes.device}")
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The elements converted or moved, as by `Tensor.to`."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def pin_memory(self) -> PackedSequence:
        """With its elements in pinned memory."""
        return type(self)(self.data.pin_memory(), *self[1:])

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """On the CPU."""
        return self.to("cpu", *args, **kwargs)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """On the GPU."""
        return self.to("cuda", *args, **kwargs)

    def double(self) -> PackedSequence:
        """In float64."""
        return self.to(dtype=rushlight.float64)

    def float(self) -> PackedSequence:
        """In float32."""
        return self.to(dtype=rushlight.float32)

    def half(self) -> PackedSequence:
        """In float16."""
        return self.to(dtype=rushlight.float16)

    def long(self) -> PackedSequence:
        """In int64."""
        return self.to(dtype=rushlight.int64)

    def int(self) -> PackedSequence:
        """In int32."""
        return self.to(dtype=rushlight.int32)

    @property
    def is_cuda(self) -> bool:
        """Whether the elements are on a GPU."""
        return bool(self.data.is_cuda)

    def is_pinned(self) -> bool:
        """Whether the elements are in pinned memory."""
        return bool(self.data.is_pinned())


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Where each number stands in a permutation."""
    if permutation is None:
        return None
    return rushlight.empty_like(permutation).scatter_(0, permutation, rushlight.arange(permutation.numel()))


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """Pack padded sequences.

    Args:
        input: (T, N, *), or (N, T, *) with ``batch_first``.
        lengths: how many of the T elements of each sequence count: numbers, or a tensor on the CPU.
        enforce_sorted: whether the sequences come longest first; where not, they are sorted here.
    Raises:
        RuntimeError: when the lengths do not fit the input, one is 0, or they are not sorted though they should.
        ValueError: when there is no sequence.
    """
    counts = rushlight.as_tensor(lengths, dtype=rushlight.int64)
    order = None
    if not enforce_sorted:
        counts, order = counts.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    x = input.transpose(0, 1) if batch_first else input
    sizes = counts.tolist()
    if not x.numel() or not sizes:
        raise RuntimeError(f"pack_padded_sequence: met no sequences, input {list(input.shape)}")
    if counts.dim() != 1 or len(sizes) != x.size(1):
        raise RuntimeError(f"pack_padded_sequence: expected {x.size(1)} lengths, met {list(counts.shape)}")
    if min(sizes) <= 0 or max(sizes) > x.size(0):
        raise RuntimeError(f"pack_padded_sequence: lengths must be from 1 to {x.size(0)}, met {sizes}")
    if any(a < b for a, b in itertools.pairwise(sizes)):
        raise RuntimeError("pack_padded_sequence: lengths must not grow; sort them, or pass enforce_sorted=False")
    batches = [sum(size > t for size in sizes) for t in range(sizes[0])]
    data = rushlight.cat([x[t, :batch] for t, batch in enumerate(batches)])
    return PackedSequence(data, rushlight.tensor(batches), order, None)


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: Any = 0.0,
                        total_length: int | None = None) -> tuple[Tensor, Tensor]:
    """Undo `pack_padded_sequence`.

    Args:
        padding_value: what stands behind the ends.
        total_length: the T of the result, where it is to be longer than the longest sequence.
    Returns:
        (T, N, *) (or (N, T, *)), and the lengths.
    Raises:
        ValueError: when total_length is shorter than the longest sequence.
    """
    batches = sequence.batch_sizes.tolist()
    steps = len(batches)
    if total_length is not None and total_length < steps:
        raise ValueError(f"pad_packed_sequence: total_length {total_length} is shorter than the longest sequence, "
                         f"{steps}")
    pieces = []
    for piece, batch in zip(sequence.data.split(batches), batches, strict=True):
        missing = piece.new_full((batches[0] - batch, *piece.shape[1:]), padding_value)
        pieces.append(rushlight.cat([piece, missing]))
    padding = sequence.data.new_full((batches[0], *sequence.data.shape[1:]), padding_value)
    padded = rushlight.stack(pieces + [padding] * ((total_length or steps) - steps))
    lengths = rushlight.tensor([sum(batch > i for batch in batches) for i in range(batches[0])])
    back = sequence.unsorted_indices
    if back is not None:
        padded, lengths = padded.index_select(1, back), lengths[back]
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pad_sequence(sequences: Any, batch_first: bool = False, padding_value: float = 0.0,
                 padding_side: str = "right") -> Tensor:
    """Tensors (length, *) as one, (longest, N, *) or (N, longest, *), filled up at the end or at the start.

    Raises:
        RuntimeError: when the sequences are none, or their other dimensions differ.
    """
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side must be 'left' or 'right', met {padding_side!r}")
    if isinstance(sequences, Tensor):
        sequences = sequences.unbind(0)
    elif not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: expected an iterable of tensors, met {type(sequences).__name__}")
    rows = tuple(sequences)
    if not rows:
        raise RuntimeError("pad_sequence: met no sequences")
    longest = max(row.size(0) for row in rows)
    filled = []
    for row in rows:
        missing = row.new_full((longest - row.size(0), *row.shape[1:]), padding_value)
        filled.append(rushlight.cat([row, missing] if padding_side == "right" else [missing, row]))
    return rushlight.stack(filled, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded tensor, each with its own length."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of tensors (length, *)."""
    lengths = rushlight.as_tensor([row.size(0) for row in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The tensors of a packed sequence."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
