"""Norms and distances between vectors."""

from __future__ import annotations

import rushlight
from rushlight._errors import check_broadcast, check_number
from rushlight._native import Tensor, broadcast_tensors, where
from rushlight._statistics import vector_norm

__all__ = ["bilinear", "cosine_similarity", "normalize", "pairwise_distance", "pdist"]


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` along the last dimension."""
    return vector_norm(x1 - x2 + eps, p, -1, keepdim)


def _at_least(x: Tensor, least: float) -> Tensor:
    return where(x < least, least, x)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``x1 . x2 / (max(|x1|, eps) * max(|x2|, eps))`` along ``dim``."""
    check_broadcast("cosine_similarity", x1, x2)
    x1, x2 = broadcast_tensors(x1, x2)
    size1 = _at_least(vector_norm(x1, 2.0, dim, True), eps)
    size2 = _at_least(vector_norm(x2, 2.0, dim, True), eps)
    return ((x1 / size1) * (x2 / size2)).sum(dim)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """``x / max(|x|, eps)``, |x| the p-norm along ``dim``."""
    check_number("normalize", "p", p)
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"normalize: expected a floating or complex tensor, met {input.dtype}; convert it first")
    result = input / _at_least(vector_norm(input, p, dim, True), eps)
    return result if out is None else out.copy_(result)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norms of the differences of all pairs of rows of (N, M), as a vector of N * (N - 1) / 2.

    Raises:
        RuntimeError: when the input is no floating matrix, or p is negative.
    """
    if input.dim() != 2 or not input.is_floating_point():
        raise RuntimeError(f"pdist: expected a floating matrix, met {list(input.shape)} of {input.dtype}")
    if not p >= 0:
        raise RuntimeError(f"pdist: expected p of at least 0, met {p}")
    first, second = rushlight.triu_indices(input.size(0), input.size(0), 1)
    return vector_norm(input[first] - input[second], p, 1)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x1 @ weight[k] @ x2 + bias[k]`` for each k.

    Args:
        input1: (*, I).
        input2: (*, J).
        weight: (K, I, J).
        bias: (K).
    Raises:
        RuntimeError: when the shapes do not fit.
    """
    if (input1.shape[:-1] != input2.shape[:-1] or weight.dim() != 3 or weight.size(1) != input1.size(-1)
            or weight.size(2) != input2.size(-1) or (bias is not None and bias.size(0) != weight.size(0))):
        raise RuntimeError("bilinear: expected inputs (*, I) and (*, J) and a weight (K, I, J), met "
                           f"{list(input1.shape)}, {list(input2.shape)} and {list(weight.shape)}")
    outputs, rows, columns = weight.shape
    left = input1.reshape(-1, rows) @ weight.permute(1, 0, 2).reshape(rows, outputs * columns)
    sums = (left.view(-1, outputs, columns) * input2.reshape(-1, 1, columns)).sum(-1)
    result = sums.view(*input1.shape[:-1], outputs)
    return result if bias is None else result + bias
