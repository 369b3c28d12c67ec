"""Sums of products over chosen dimensions, made of batched matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import _native
from ._errors import check_tensors, marked
from ._native import Tensor
from ._out import written

__all__ = ["einsum", "kron", "tensordot"]


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sums products of `a` and `b` over pairs of dimensions.

    dims: a number (that many last dimensions of `a` with the first of `b`), or two lists of dimensions.
    A pair may hold one size of 1, which goes with all of the other. RuntimeError where sizes differ otherwise.
    """
    check_tensors("tensordot", a=a, b=b)
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if not isinstance(dims, (int, tuple, list)):
        raise RuntimeError(f"tensordot: dims is a number or two lists of dimensions, not {dims!r}")
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot: dims must not be negative, got {dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot: dims={dims} is more than shapes {tuple(a.shape)} and {tuple(b.shape)} have")
        left, right = list(range(a.dim() - dims, a.dim())), list(range(dims))
    elif isinstance(dims, (tuple, list)):
        left, right = dims
        if not isinstance(left, (tuple, list)) or not isinstance(right, (tuple, list)):
            raise TypeError(f"tensordot: dims must be an int or two lists of dimensions, got {dims!r}")
    else:
        raise RuntimeError(f"tensordot: dims must be an int or two lists of dimensions, got {dims!r}")
    left, right = [d % max(a.dim(), 1) for d in left], [d % max(b.dim(), 1) for d in right]
    for i, j in zip(left, right, strict=False):
        if a.size(i) == 1 != b.size(j):
            b = b.sum(j, keepdim=True, dtype=b.dtype)
        elif b.size(j) == 1 != a.size(i):
            a = a.sum(i, keepdim=True, dtype=a.dtype)
    if len(left) != len(right) or any(a.size(i) != b.size(j) for i, j in zip(left, right, strict=True)):
        raise RuntimeError(f"tensordot: dimensions {left} of shape {list(a.shape)} do not fit {right} of "
                           f"{list(b.shape)}")
    rows = [d for d in range(a.dim()) if d not in left]
    columns = [d for d in range(b.dim()) if d not in right]
    inner = math.prod(a.size(d) for d in left)
    x = a.permute(rows + left).reshape(math.prod(a.size(d) for d in rows), inner)
    y = b.permute(right + columns).reshape(inner, math.prod(b.size(d) for d in columns))
    result = (x @ y).view([a.size(d) for d in rows] + [b.size(d) for d in columns])
    return written(result, out)


def kron(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Kronecker's product: every element of `input` times all of `other`."""
    check_tensors("kron", input=input, other=other)
    rank = max(input.dim(), other.dim())
    a = input.reshape([1] * (rank - input.dim()) + list(input.shape))
    b = other.reshape([1] * (rank - other.dim()) + list(other.shape))
    x = a.reshape([n for size in a.shape for n in (size, 1)])
    y = b.reshape([n for size in b.shape for n in (1, size)])
    product = (x * y).reshape([m * n for m, n in zip(a.shape, b.shape, strict=True)])
    return product if out is None else written(product, out)


def einsum(*args: Any) -> Tensor:
    """Einstein's summation: `einsum("ij,jk->ik", a, b)`, or operands each followed by a list of numbers for letters.

    A repeated letter of one operand is its diagonal, `...` are dimensions that broadcast; without `->` the letters that
    appear once stay, in alphabetical order. RuntimeError where equation and operands do not fit.
    """
    terms, output, operands = _equation(args)
    if len(terms) != len(operands):
        raise RuntimeError(f"einsum: the equation has {len(terms)} operands, but {len(operands)} were given")
    labels = [_expanded(term, x.dim()) for term, x in zip(terms, operands, strict=True)]
    kept = _output_labels(labels, output)
    pairs = [_diagonals(x, names) for x, names in zip(operands, labels, strict=True)]
    _check_sizes(pairs)
    x, names = pairs[0]
    for k, (y, other) in enumerate(pairs[1:], 1):
        later = dict.fromkeys([*kept, *(n for _, rest in pairs[k + 1 :] for n in rest)])
        x, names = _contract(x, names, y, other, later)
    summed = [n for n in names if n not in kept]
    order = [*kept, *summed]
    if names != order or len(pairs) == 1:
        x = x.permute([names.index(n) for n in order])
    return x.sum(list(range(len(kept), x.dim()))) if summed else x


_Label = str | int  # a letter, or a dimension of the ellipsis counted from the end


def _equation(args: Sequence[Any]) -> tuple[list[str], str | None, list[Tensor]]:
    """The operands' terms, the output's (None where it is not given), and the operands."""
    if isinstance(args[0], str):
        operands = list(args[1]) if len(args) == 2 and isinstance(args[1], (list, tuple)) else list(args[1:])
        left, arrow, right = args[0].replace(" ", "").partition("->")
        return left.split(","), right if arrow else None, operands
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def text(numbers: Sequence[Any]) -> str:
        return "".join("..." if n is Ellipsis else letters[n] for n in numbers)

    pairs = len(args) // 2
    output = text(args[-1]) if len(args) % 2 else None
    return [text(args[2 * i + 1]) for i in range(pairs)], output, [args[2 * i] for i in range(pairs)]


def _expanded(term: str, rank: int) -> list[_Label]:
    """One label for each dimension."""
    before, ellipsis, after = term.partition("...")
    hidden = rank - len(before) - len(after)
    letters = before + after
    if hidden < 0 or (hidden and not ellipsis) or (letters and not letters.isalpha()):
        raise RuntimeError(f"einsum: the term {term!r} does not fit an operand of {rank} dimensions")
    return [*before, *range(-hidden, 0), *after]


def _output_labels(labels: list[list[_Label]], output: str | None) -> list[_Label]:
    hidden = max((sum(isinstance(n, int) for n in names) for names in labels), default=0)
    if output is None:
        letters = [n for names in labels for n in names if isinstance(n, str)]
        return [*range(-hidden, 0), *sorted(n for n in set(letters) if letters.count(n) == 1)]
    before, ellipsis, after = output.partition("...")
    kept: list[_Label] = [*before, *(range(-hidden, 0) if ellipsis else ()), *after]
    known = {n for names in labels for n in names}
    if len(set(kept)) != len(kept) or not known >= set(kept):
        raise RuntimeError(f"einsum: the output {output!r} must name letters of the operands, each once")
    return kept


def _diagonals(x: Tensor, names: list[_Label]) -> tuple[Tensor, list[_Label]]:
    names = list(names)
    for n in dict.fromkeys(names):
        while names.count(n) > 1:
            first = names.index(n)
            second = names.index(n, first + 1)
            if x.size(first) != x.size(second):
                raise RuntimeError(f"einsum: the letter {n!r} stands for the marked sizes of "
                                   f"{marked(x.shape, first, second)}, which must be equal")
            x = x.diagonal(0, first, second)
            names = [m for i, m in enumerate(names) if i not in (first, second)] + [n]
    return x, names


def _check_sizes(pairs: list[tuple[Tensor, list[_Label]]]) -> None:
    sizes: dict[_Label, tuple[int, str]] = {}
    for x, names in pairs:
        for i, (n, size) in enumerate(zip(names, x.shape, strict=True)):
            if size != 1 and sizes.setdefault(n, (size, marked(x.shape, i)))[0] != size:
                raise RuntimeError(f"einsum: the letter {n!r} stands for the marked sizes of {sizes[n][1]} and "
                                   f"{marked(x.shape, i)}, which must be equal, or one of them 1")


def _contract(
    x: Tensor, a: list[_Label], y: Tensor, b: list[_Label], later: dict[_Label, None]
) -> tuple[Tensor, list[_Label]]:
    """The product of two operands, summed over the labels that nobody needs later."""
    single = {n for n in a if n in b and n not in later and x.size(a.index(n)) != y.size(b.index(n))}
    x, a = _summed_alone(x, a, (set(b) | later.keys()) - single)
    y, b = _summed_alone(y, b, (set(a) | later.keys()) - single)
    shared = [n for n in a if n in b]
    batch = [n for n in shared if n in later]
    inner = [n for n in shared if n not in later]
    if all(x.size(a.index(n)) == 1 for n in inner):  # nothing to sum, so the dtypes may differ
        x, y = (t.squeeze(tuple(own.index(n) for n in inner)) for t, own in ((x, a), (y, b)))
        a, b = ([n for n in own if n not in inner] for own in (a, b))
        names = [n for n in later if n in a or n in b]
        return _aligned(x, a, names) * _aligned(y, b, names), names
    rows, columns = [n for n in a if n not in b], [n for n in b if n not in a]
    sizes = {n: (x.size(a.index(n)), y.size(b.index(n))) for n in shared}
    size = {n: one if one != 1 else other for n, (one, other) in sizes.items()}
    x, y = (t.expand([size.get(n, s) for n, s in zip(names, t.shape, strict=True)]) for t, names in ((x, a), (y, b)))
    m, k = [x.size(a.index(n)) for n in rows], [y.size(b.index(n)) for n in columns]
    count, depth = math.prod(size[n] for n in batch), math.prod(size[n] for n in inner)
    left = x.permute([a.index(n) for n in batch + rows + inner]).reshape(count, math.prod(m), depth)
    right = y.permute([b.index(n) for n in batch + inner + columns]).reshape(count, depth, math.prod(k))
    return _native.bmm(left, right).view([size[n] for n in batch] + m + k), batch + rows + columns


def _aligned(x: Tensor, own: list[_Label], names: list[_Label]) -> Tensor:
    """x with its dimensions in the order of `names`, and one of size 1 for each that it has not."""
    x = x.permute([own.index(n) for n in names if n in own])
    return x[tuple(slice(None) if n in own else None for n in names)]


def _summed_alone(x: Tensor, names: list[_Label], needed: set[_Label]) -> tuple[Tensor, list[_Label]]:
    alone = [i for i, n in enumerate(names) if n not in needed]
    return (x.sum(alone), [n for n in names if n in needed]) if alone else (x, names)
