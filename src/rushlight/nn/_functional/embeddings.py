"""Look-ups in tables and transposed convolution, made of other operations."""

from __future__ import annotations

from operator import index
from typing import Any

import rushlight
from rushlight import _native
from rushlight._errors import check_integer, check_tensors
from rushlight._native import Tensor

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "embedding", "embedding_bag",
           "one_hot"]


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None,
              norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """The rows of ``weight`` (V, D) at ``input`` (*): (*, D).

    Args:
        input: indices, int64 or int32.
        weight: the table.
        padding_idx: a row that gets no gradient.
        max_norm: rows that are looked up and longer are shortened to it, in place.
        norm_type: the p of that norm.
        scale_grad_by_freq: divide each row's gradient by how often it was looked up.
        sparse: accepted; gradients are dense.

    Raises:
        IndexError: when an index lies outside of the table.
        RuntimeError: when padding_idx does, or the indices are no integers.
    """
    rows = weight.size(0)
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError(f"embedding: padding_idx {padding_idx} lies outside of a table of {rows} rows")
        padding_idx += rows * (padding_idx < 0)
    if input.dtype not in (rushlight.int64, rushlight.int32):
        raise RuntimeError(f"embedding: expected indices of dtype int64 or int32, met {input.dtype}; convert them with "
                           ".long()")
    if max_norm is not None:
        _shorten(weight, input.reshape(-1), max_norm, norm_type)
    try:
        return _native._embedding(weight, input, -1 if padding_idx is None else padding_idx, scale_grad_by_freq)
    except IndexError as error:
        raise IndexError(f"embedding: {str(error).partition(': ')[2]}, the rows of the table") from None


def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None,
                  norm_type: float = 2, scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Tensor:
    """The sum, mean or maximum of the rows of ``weight`` (V, D) in each bag of indices: (bags, D).

    Args:
        input: indices (bags, size), or a vector that ``offsets`` cuts into bags.
        offsets: where in the vector each bag starts.
        mode: ``sum``, ``mean`` or ``max``; an empty bag gives 0.
        per_sample_weights: a factor for each index, for ``sum``.
        include_last_offset: whether the last offset is the end of the last bag.
        padding_idx: an index that counts in no bag.
        max_norm, norm_type, scale_grad_by_freq, sparse: as in `embedding`.

    Raises:
        ValueError: when shapes, mode or offsets do not fit.
        RuntimeError: when offsets do not start at 0, or the indices are no integers.
        NotImplementedError: for weights in another mode than ``sum``.
    """
    if per_sample_weights is not None and per_sample_weights.size() != input.size():
        raise ValueError(f"embedding_bag: expected per_sample_weights of the input's shape {list(input.shape)}, met "
                         f"{list(per_sample_weights.shape)}")
    if weight.dim() != 2:
        raise ValueError(f"embedding_bag: expected a table (V, D) as weight, met {list(weight.shape)}")
    if mode not in ("sum", "mean", "max"):  # not operations: values of mode
        raise ValueError(f"embedding_bag: expected mode to be 'sum', 'mean' or 'max', met {mode!r}")
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ValueError("embedding_bag: mode 'max' does not go with scale_grad_by_freq or sparse")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights go with mode 'sum', not {mode!r}")
    bag, bags = _bags(input, offsets, include_last_offset)
    flat = input.reshape(-1)
    found = embedding(flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    if per_sample_weights is not None:
        found = found * per_sample_weights.reshape(-1, 1)
    if padding_idx is not None:
        kept = flat != padding_idx + weight.size(0) * (padding_idx < 0)
        found, bag = found[kept], bag[kept]
    empty = found.new_zeros(bags, weight.size(1))
    if mode == "max":
        return empty.scatter_reduce(0, bag.unsqueeze(1).expand_as(found), found, "amax", include_self=False)
    sums = empty.index_add(0, bag, found)
    if mode == "sum":
        return sums
    sizes = found.new_zeros(bags).index_add(0, bag, found.new_ones(bag.size(0)))
    return sums / sizes.clamp(min=1).unsqueeze(1)


def _bags(input: Tensor, offsets: Tensor | None, include_last_offset: bool) -> tuple[Tensor, int]:
    """The bag of each index, and how many bags there are."""
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError("embedding_bag: the rows of a 2-d input are its bags; leave offsets away")
        return rushlight.arange(input.size(0)).repeat_interleave(input.size(1)), input.size(0)
    if input.dim() != 1:
        raise ValueError(f"embedding_bag: expected an input of 1 or 2 dimensions, met {list(input.shape)}")
    if offsets is None:
        raise ValueError("embedding_bag: a vector of indices needs offsets, where its bags start")
    if offsets.dim() != 1:
        raise ValueError(f"embedding_bag: expected a vector of offsets, met {list(offsets.shape)}")
    if offsets.numel() and (int(offsets[0]) != 0 or int(offsets[-1]) > input.size(0)):
        raise RuntimeError(f"embedding_bag: offsets must start at 0 and stay within the {input.size(0)} indices, met "
                           f"{offsets.tolist()}")
    bags = offsets.size(0) - include_last_offset
    starts = offsets[:bags].long()
    return rushlight.searchsorted(starts, rushlight.arange(input.size(0)), right=True) - 1, bags


def _shorten(weight: Tensor, flat: Tensor, max_norm: float, norm_type: float) -> None:
    with rushlight.no_grad():
        found = weight.index_select(0, flat)
        norms = (found.abs() ** norm_type).sum(1, keepdim=True) ** (1.0 / norm_type)
        weight[flat] = _native.where(norms > max_norm, found * (max_norm / (norms + 1e-7)), found)


def one_hot(input: Tensor, num_classes: int = -1) -> Tensor:
    """int64 of one dimension more: 1 at the class, 0 elsewhere. ``num_classes`` is the largest class + 1 where -1.

    Raises:
        RuntimeError: when a class is negative, or not below num_classes, or none can be inferred.
    """
    check_tensors("one_hot", input=input)
    check_integer("one_hot", "num_classes", num_classes)
    if index(num_classes) >= 1 << 63:
        raise ValueError(f"one_hot: num_classes={num_classes} does not fit into 64 bits")
    if input.dtype is not rushlight.int64:
        raise RuntimeError(f"one_hot: expected classes of dtype int64, met {input.dtype}")
    if input.numel() == 0 and num_classes <= 0:
        raise RuntimeError("one_hot: no number of classes can be inferred from an empty tensor; give num_classes")
    if input.numel() and int(input.min()) < 0:
        raise RuntimeError("one_hot: a class is negative")
    if num_classes == -1:
        num_classes = int(input.max()) + 1
    if num_classes < 1 or (input.numel() and int(input.max()) >= num_classes):
        raise RuntimeError(f"one_hot: a class does not lie below num_classes, {num_classes}")
    return (input.unsqueeze(-1) == rushlight.arange(num_classes)).to(rushlight.int64)


def _conv_transpose(rank: int, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
                    output_padding: Any, groups: int, dilation: Any) -> Tensor:
    name = f"conv_transpose{rank}d"
    if input.dim() not in (rank + 1, rank + 2) or weight.dim() != rank + 2:
        raise RuntimeError(f"{name}: expected an input of {rank + 1} or {rank + 2} dimensions and a weight of "
                           f"{rank + 2}, met {list(input.shape)} and {list(weight.shape)}")
    step, space, more, reach = (
        [v] * rank if isinstance(v, int) else list(v) * (rank if len(v) == 1 else 1)
        for v in (stride, padding, output_padding, dilation)
    )
    if any(m >= max(s, d) for m, s, d in zip(more, step, reach, strict=True)):
        raise RuntimeError(f"{name}: output_padding {more} must be smaller than stride or dilation")
    x = input if input.dim() == rank + 2 else input.unsqueeze(0)
    if x.size(1) != weight.size(0):
        raise RuntimeError(f"{name}: an input of {x.size(1)} channels does not fit a weight of {weight.size(0)}")
    sizes = [(x.size(2 + i) - 1) * step[i] - 2 * space[i] + reach[i] * (weight.size(2 + i) - 1) + more[i] + 1
             for i in range(rank)]
    wide = any(m >= s for m, s in zip(more, step, strict=True))  # more than one window's end: crop by hand
    cut, asked = space, sizes
    if wide:
        cut = [0] * rank
        sizes = [(x.size(2 + i) - 1) * step[i] + reach[i] * (weight.size(2 + i) - 1) + 1 for i in range(rank)]
    y = _native._convolution_input_grad(x, [x.size(0), weight.size(1) * groups, *sizes], weight, step, cut, reach,
                                        groups)
    for i in range(rank if wide else 0):
        y = y.narrow(2 + i, space[i], min(asked[i], sizes[i] - space[i]))
        if y.size(2 + i) < asked[i]:
            missing = y.new_zeros((*y.shape[:2 + i], asked[i] - y.size(2 + i), *y.shape[3 + i:]))
            y = rushlight.cat([y, missing], 2 + i)
    if bias is not None:
        y = y + bias.view(-1, *[1] * rank)
    return y if input.dim() == rank + 2 else y.squeeze(0)


def conv_transpose1d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:
    """The transpose of conv1d: input (N, C, L) or (C, L), weight (C, K / groups, kernel)."""
    return _conv_transpose(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:
    """The transpose of conv2d: input (N, C, H, W) or (C, H, W), weight (C, K / groups, kernel...)."""
    return _conv_transpose(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
                     output_padding: Any = 0, groups: int = 1, dilation: Any = 1) -> Tensor:
    """The transpose of conv3d: input (N, C, D, H, W) or (C, D, H, W), weight (C, K / groups, kernel...)."""
    return _conv_transpose(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
