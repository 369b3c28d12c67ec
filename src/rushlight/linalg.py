"""Linear algebra: norms and products. Decompositions are not here yet."""

from __future__ import annotations

import math
from typing import Any

from . import _native, _series
from ._errors import check_number
from ._native import Tensor
from ._out import written
from ._statistics import vector_norm

__all__ = ["cross", "diagonal", "matmul", "matrix_norm", "matrix_power", "multi_dot", "norm", "vander", "vecdot",
           "vector_norm"]


def _check_floating(name: str, *tensors: Tensor) -> None:
    for x in tensors:
        if not (x.is_floating_point() or x.is_complex()):
            raise RuntimeError(f"linalg.{name}: expected floating or complex numbers, met {x.dtype}")


# ------------------------------------------------------------------ norms


def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None,
                out: Tensor | None = None) -> Tensor:
    """A norm of the matrices in two dimensions: "fro", or 1, -1, inf or -inf, of columns or rows."""
    _check_floating("matrix_norm", A)
    if A.dim() < 2 or len(dim) != 2 or dim[0] % A.dim() == dim[1] % A.dim():
        raise RuntimeError(f"linalg.matrix_norm: expected two different dimensions of a tensor with 2 or more, met "
                           f"{dim} of shape {tuple(A.shape)}")
    A = A if dtype is None else A.to(dtype)
    if not isinstance(ord, str):
        check_number("linalg.matrix_norm", "ord", ord)
    if isinstance(ord, complex):
        raise RuntimeError(f"linalg.matrix_norm: ord must be real, got {ord}")
    if ord == "fro":
        return written(_native._vector_norm(A, 2.0, tuple(dim), keepdim), out)
    if isinstance(ord, str) or abs(ord) not in (1, math.inf):
        if ord in ("nuc", 2, -2):
            raise NotImplementedError(f"linalg.matrix_norm: order {ord!r} needs singular values, which are not in "
                                      "Rushlight yet")
        raise RuntimeError(f"linalg.matrix_norm: unknown order {ord!r}")
    summed, other = (d % A.dim() for d in (dim if abs(ord) == 1 else reversed(dim)))
    sums = A.abs().sum(summed, keepdim=True)
    result = sums.amax(other, keepdim=True) if ord > 0 else sums.amin(other, keepdim=True)
    return written(result if keepdim else result.squeeze(max(summed, other)).squeeze(min(summed, other)), out)


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, out: Tensor | None = None,
         dtype: Any = None) -> Tensor:
    """`matrix_norm` along two dimensions or of a matrix, else `vector_norm`; of all elements without ord and dim."""
    dims = None if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if dims is not None and len(dims) not in (1, 2):
        raise RuntimeError(f"linalg.norm: expected 1 or 2 dimensions, met {dim}")
    if ord is None:
        return vector_norm(A, 2, dim, keepdim, dtype=dtype, out=out)
    if dims is None and not isinstance(ord, str) and A.dim() not in (1, 2):
        raise RuntimeError(f"linalg.norm: with ord and without dim the input must have 1 or 2 dimensions, met "
                           f"{A.dim()}")
    if isinstance(ord, str) or (len(dims) == 2 if dims is not None else A.dim() == 2):
        return matrix_norm(A, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype, out=out)
    return vector_norm(A, ord, dim, keepdim, dtype=dtype, out=out)


# ------------------------------------------------------------------ products


def cross(input: Tensor, other: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The vector product along a dimension of size 3."""
    return _series.cross(input, other, dim, out=out)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """The sums of products along `dim`."""
    if x.is_complex():
        raise NotImplementedError(f"linalg.vecdot: not implemented for dtype {x.dtype}")
    return written((x * y).sum(dim), out)


matmul = _native.matmul


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, a view."""
    return _native.diagonal(A, offset, dim1, dim2)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """The rising powers of the elements of (*, n): (*, n, N)."""
    x = x.reshape(1) if x.dim() == 0 else x
    count = x.size(-1) if N is None else N
    if count <= 1:
        raise RuntimeError(f"linalg.vander: N must be greater than 1, met {count}")
    x = x if x.is_floating_point() or x.is_complex() else x.long()
    powers = x.unsqueeze(-1).expand(*x.shape, count - 1).cumprod(-1)
    return _native.cat([x.new_ones(*x.shape, 1), powers], -1)


def matrix_power(A: Tensor, n: int, *, out: Tensor | None = None) -> Tensor:
    """The n-th power of square matrices (*, m, m), n at least 0."""
    if A.dim() < 2 or A.size(-1) != A.size(-2):
        raise RuntimeError(f"linalg.matrix_power: expected square matrices, met shape {tuple(A.shape)}")
    if n < 0:
        raise NotImplementedError(f"linalg.matrix_power: a negative power, {n}, needs an inverse, which is not in "
                                  "Rushlight yet")
    result = None
    factor = A
    while n:
        if n & 1:
            result = factor if result is None else result @ factor
        n >>= 1
        factor = factor @ factor if n else factor
    if result is None:
        result = _native.eye(A.size(-1), dtype=A.dtype).expand_as(A).contiguous()
    return written(result if result is not A else A.clone(), out)


def multi_dot(tensors: Any, *, out: Tensor | None = None) -> Tensor:
    """The product of two or more matrices, in the order that costs least; the first and the last may be vectors."""
    count = len(tensors)
    if count < 2:
        raise RuntimeError(f"linalg.multi_dot: expected two or more tensors, met {count}")
    row, column = tensors[0].dim() == 1, tensors[-1].dim() == 1
    matrices = list(tensors)
    matrices[0] = matrices[0].unsqueeze(0) if row else matrices[0]
    matrices[-1] = matrices[-1].unsqueeze(1) if column else matrices[-1]
    if any(m.dim() != 2 for m in matrices):
        raise RuntimeError("linalg.multi_dot: expected matrices, and vectors at the ends alone, met "
                           f"{[tuple(t.shape) for t in tensors]}")
    for i in range(count - 1):
        if matrices[i].size(1) != matrices[i + 1].size(0):
            raise RuntimeError(f"linalg.multi_dot: tensors {i} and {i + 1} of shapes {tuple(tensors[i].shape)} and "
                               f"{tuple(tensors[i + 1].shape)} do not fit")
    result = _multiplied(matrices, _splits([m.size(0) for m in matrices] + [matrices[-1].size(1)]), 0, count - 1)
    result = result.squeeze(0) if row else result
    return written(result.squeeze(-1) if column else result, out)


def _splits(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to cut each run of matrices so that its product costs least (Cormen et al., 15.2)."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            prices = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            cuts[i, j] = min(prices, key=prices.__getitem__)
            cost[i, j] = prices[cuts[i, j]]
    return cuts


def _multiplied(matrices: list[Tensor], cuts: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return matrices[i]
    k = cuts[i, j]
    return _multiplied(matrices, cuts, i, k) @ _multiplied(matrices, cuts, k + 1, j)
