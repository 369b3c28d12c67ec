"""Functions of samples: integrals and slopes, covariances, powers; distances, vector products and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from . import _native
from ._errors import check_integer, check_number, check_tensors
from ._native import Size, Tensor
from ._out import written

__all__ = [
    "broadcast_shapes",
    "cdist",
    "corrcoef",
    "cov",
    "cross",
    "cumulative_trapezoid",
    "gradient",
    "renorm",
    "trapezoid",
    "trapz",
    "unravel_index",
    "vander",
]


def attach(cls: type) -> None:
    """Gives Tensor those of the functions that are its methods."""
    for function in (corrcoef, cov, cross, renorm, sum_to_size):
        setattr(cls, function.__name__, function)
    cls.renorm_ = _renorm_  # type: ignore[attr-defined]


# ------------------------------------------------------------------ integrals and slopes


def _areas(name: str, y: Tensor, x: Tensor | None, dx: Any, dim: int) -> Tensor:
    """Twice the area below each piece of the line through the samples."""
    if y.dtype is _native.bool:
        raise RuntimeError(f"{name}: bools have no area; convert y first")
    n = y.size(dim)
    pairs = y.narrow(dim, 0, max(n - 1, 0)) + y.narrow(dim, min(1, n), max(n - 1, 0))
    if x is None:
        return pairs * dx
    if x.dtype is _native.bool:
        raise RuntimeError(f"{name}: bools are no places; convert x first")
    if x.dim() == 1 and y.dim() != 1:
        if x.size(0) != n:
            raise RuntimeError(f"{name}: expected a place for each of {n} samples, met {x.size(0)}")
        x = x.view([-1 if d == dim % y.dim() else 1 for d in range(y.dim())])
    elif x.size(-1 if x.dim() < y.dim() else dim) not in (n, 1) or (x.dim() == 1 and x.size(0) != n):
        raise RuntimeError(f"{name}: expected a place for each of {n} samples, met {tuple(x.shape)}")
    x = x.view([1] * (y.dim() - x.dim()) + list(x.shape))
    m = x.size(dim)
    return pairs * (x.narrow(dim, min(1, m), max(m - 1, 0)) - x.narrow(dim, 0, max(m - 1, 0)))


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral along `dim` of the line through the samples y, at the places x or dx apart."""
    return _areas("trapezoid", y, x, dx, dim).sum(dim) / 2.0


trapz = trapezoid


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """`trapezoid` up to each sample but the first."""
    return _areas("cumulative_trapezoid", y, x, dx, dim).cumsum(dim) / 2.0


def gradient(input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Tensor, ...]:
    """Slopes along each of `dim`, of second order inside.

    spacing: the distance of neighbours, a number or one for each dim; or tensors of the places along each.
    edge_order: 1 or 2, the order at both ends.
    """
    if not (input.is_floating_point() or input.is_complex()):
        input = input.to(_native.get_default_dtype())
    dims = list(range(input.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    spacing = 1 if spacing is None else spacing
    steps = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if isinstance(spacing, Tensor):
        steps = [spacing]
    if len(steps) != len(dims):
        raise RuntimeError(f"gradient: expected a spacing for each of {len(dims)} dimensions, met {len(steps)}")
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: expected edge_order to be 1 or 2, met {edge_order}")
    if len({d % max(input.dim(), 1) for d in dims}) != len(dims):
        raise RuntimeError(f"gradient: dimensions {dims} name one twice")
    if any(input.size(d) <= edge_order for d in dims):
        raise RuntimeError(f"gradient: every dimension needs at least {edge_order + 1} elements, met shape "
                           f"{tuple(input.shape)}")
    return tuple(_slope(input, d, step, edge_order) for d, step in zip(dims, steps, strict=True))


def _slope(x: Tensor, dim: int, step: Any, edge_order: int) -> Tensor:
    n = x.size(dim)
    gaps = step.diff() if isinstance(step, Tensor) and step.dim() else _native.full((n - 1,), 1.0).to(
        x.dtype if x.is_floating_point() else _native.float32) * step
    if gaps.size(0) != n - 1:
        raise RuntimeError(f"gradient: expected {n} places along dimension {dim}, met {gaps.size(0) + 1}")
    gaps = gaps.view([-1 if d == dim % x.dim() else 1 for d in range(x.dim())])

    def part(t: Tensor, start: int, length: int) -> Tensor:
        return t.narrow(dim, start, length)

    a, b = part(gaps, 0, n - 2), part(gaps, 1, n - 2)
    inner = (-b / (a * (a + b)) * part(x, 0, n - 2) + (b - a) / (a * b) * part(x, 1, n - 2)
             + a / (b * (a + b)) * part(x, 2, n - 2))
    if edge_order == 1:
        first = (part(x, 1, 1) - part(x, 0, 1)) / part(gaps, 0, 1)
        last = (part(x, n - 1, 1) - part(x, n - 2, 1)) / part(gaps, n - 2, 1)
    else:
        p, q = part(gaps, 0, 1), part(gaps, 1, 1)
        first = (-(2 * p + q) / (p * (p + q)) * part(x, 0, 1) + (p + q) / (p * q) * part(x, 1, 1)
                 - p / (q * (p + q)) * part(x, 2, 1))
        p, q = part(gaps, n - 3, 1), part(gaps, n - 2, 1)
        last = (q / (p * (p + q)) * part(x, n - 3, 1) - (p + q) / (p * q) * part(x, n - 2, 1)
                + (2 * q + p) / (q * (p + q)) * part(x, n - 1, 1))
    return _native.cat([first, inner, last], dim)


# ------------------------------------------------------------------ covariances and powers


def cov(input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
        aweights: Tensor | None = None) -> Tensor:
    """The covariances of the rows of (variables, observations).

    correction: what is taken off the number of observations. fweights: how often each was seen, whole numbers;
    aweights: how much each counts, floating numbers.
    """
    if input.dim() > 2 or input.dtype is _native.bool:
        raise RuntimeError(f"cov: expected numbers (variables, observations), met {tuple(input.shape)} of "
                           f"{input.dtype}")
    x = input.reshape(1, -1) if input.dim() < 2 else input
    x = x if x.is_floating_point() or x.is_complex() else x.to(_native.get_default_dtype())
    n = x.size(1)
    weights = _weights(fweights, aweights, n)
    if weights is None:
        total: Any = n
        centred = x - (x.sum(1, keepdim=True) / n)
        scaled = centred
        divisor: Any = total - correction
    else:
        total = weights.sum()
        centred = x - (x * weights).sum(1, keepdim=True) / total
        scaled = centred * weights
        divisor = total - (correction if aweights is None else correction * (weights * aweights).sum() / total)
        divisor = divisor.clamp(min=0)
    result = centred @ scaled.t().conj() / (max(divisor, 0) if weights is None else divisor)
    return result.squeeze() if input.dim() < 2 or x.size(0) == 1 else result


def _weights(fweights: Tensor | None, aweights: Tensor | None, n: int) -> Tensor | None:
    for name, weights, whole in (("fweights", fweights, True), ("aweights", aweights, False)):
        if weights is None:
            continue
        if weights.dim() > 1 or weights.numel() != n:
            raise RuntimeError(f"cov: expected {n} {name}, one an observation, met {tuple(weights.shape)}")
        if weights.is_floating_point() == whole:
            raise RuntimeError(f"cov: expected {name} to be {'whole' if whole else 'floating'} numbers, met "
                               f"{weights.dtype}")
        if n and bool((weights < 0).any()):
            raise RuntimeError(f"cov: {name} must not be negative")
    if fweights is None or aweights is None:
        return aweights if fweights is None else fweights
    return fweights * aweights


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of the rows of (variables, observations), within [-1, 1]."""
    if input.dim() > 2:
        raise RuntimeError(f"corrcoef: expected (variables, observations), met {tuple(input.shape)}")
    c = cov(input)
    if c.dim() == 0:
        return c / c
    deviation = c.diagonal().sqrt()
    scaled = c / deviation.unsqueeze(1) / deviation
    if scaled.is_complex():
        return _native.complex(scaled.real.clamp(-1, 1), scaled.imag.clamp(-1, 1))
    return scaled.clamp(-1, 1)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of the elements of a vector, N of them in each row, falling unless `increasing`."""
    check_tensors("vander", x=x)
    if x.dim() != 1:
        raise RuntimeError(f"vander: expected a vector, met shape {tuple(x.shape)}")
    count = x.size(0) if N is None else N
    if count < 0:
        raise RuntimeError(f"vander: N must be at least 0, met {count}")
    x = x if x.is_floating_point() or x.is_complex() else x.long()
    ones = x.new_ones(x.size(0), min(count, 1))
    if count < 2:
        return ones
    rows = _native.cat([ones, x.unsqueeze(-1).expand(-1, count - 1).cumprod(-1)], 1)
    return rows if increasing else rows.flip(-1)


# ------------------------------------------------------------------ distances and vectors


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = "use_mm_for_euclid_dist_if_necessary"
          ) -> Tensor:
    """The p-norms of the differences of all rows of x1 (*, P, M) and x2 (*, R, M): (*, P, R).

    compute_mode: whether euclidean distances of many rows come from one matrix product.
    """
    modes = (None, "use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")
    if compute_mode not in modes:
        raise ValueError(f"cdist: unknown compute_mode {compute_mode!r}")
    for name, x in (("x1", x1), ("x2", x2)):
        if x.dim() < 2 or not x.is_floating_point():
            raise RuntimeError(f"cdist: expected floating {name} of 2 or more dimensions, met {tuple(x.shape)} of "
                               f"{x.dtype}")
    if x1.size(-1) != x2.size(-1) or x1.dtype != x2.dtype:
        raise RuntimeError(f"cdist: rows of x1 {tuple(x1.shape)} and x2 {tuple(x2.shape)} must have one size and one "
                           f"dtype, met {x1.dtype} and {x2.dtype}")
    if not p >= 0:
        raise RuntimeError(f"cdist: p must be at least 0, met {p}")
    many = compute_mode in modes[:2] and max(x1.size(-2), x2.size(-2)) > 25
    if p == 2 and (many or compute_mode == "use_mm_for_euclid_dist"):
        squares = ((x1 * x1).sum(-1, keepdim=True) + (x2 * x2).sum(-1).unsqueeze(-2)
                   - 2 * (x1 @ x2.transpose(-2, -1)))
        apart = squares > 0
        return _native.where(apart, _native.where(apart, squares, 1.0).sqrt(), 0.0)
    differences = x1.unsqueeze(-2) - x2.unsqueeze(-3)
    if differences.size(-1) == 0:
        return differences.sum(-1)
    return _native._vector_norm(differences, float(p), (-1,), False)


def cross(input: Tensor, other: Tensor, dim: int | None = None, *, out: Tensor | None = None) -> Tensor:
    """The vector product along a dimension of size 3: the first such one where `dim` is None."""
    check_tensors("cross", input=input, other=other)
    check_integer("cross", "dim", dim, optional=True)
    if input.dim() != other.dim() or input.dtype != other.dtype:
        raise RuntimeError(f"cross: expected two tensors of one dtype with as many dimensions, met "
                           f"{tuple(input.shape)} of {input.dtype} and {tuple(other.shape)} of {other.dtype}")
    if dim is None:
        dim = next((d for d in range(input.dim()) if input.size(d) == 3), None)
        if dim is None:
            raise RuntimeError(f"cross: no dimension of shape {tuple(input.shape)} has size 3")
    if input.size(dim) != 3 or other.size(dim) != 3:
        raise RuntimeError(f"cross: dimension {dim} must have size 3, met shapes {tuple(input.shape)} and "
                           f"{tuple(other.shape)}")
    if input.dtype is _native.bool:
        raise NotImplementedError("cross: not implemented for tensors of dtype torch.bool; convert them first")
    input, other = _native.broadcast_tensors(input, other)
    forward, back = [1, 2, 0], [2, 0, 1]
    a = [input.index_select(dim, _native.tensor(order)) for order in (forward, back)]
    b = [other.index_select(dim, _native.tensor(order)) for order in (back, forward)]
    return written(a[0] * b[0] - a[1] * b[1], out)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """The slices along `dim`, those whose p-norm exceeds maxnorm scaled down to it."""
    if input.dim() < 2:
        raise RuntimeError(f"renorm: expected 2 or more dimensions, met {input.dim()}")
    for name, number in (("p", p), ("maxnorm", maxnorm)):
        check_number("renorm", name, number)
    if isinstance(p, complex) or isinstance(maxnorm, complex) or not p > 0 or not maxnorm >= 0:
        raise RuntimeError(f"renorm: p must be greater than 0 and maxnorm at least 0, met {p} and {maxnorm}")
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"renorm: expected a floating tensor, met {input.dtype}")
    others = [d for d in range(input.dim()) if d != dim % input.dim()]
    norms = _native._vector_norm(input, float(p), others, True)
    return input * _native.where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0).to(input.dtype)


def _renorm_(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """`renorm` in place."""
    return input.copy_(renorm(input.clone(), p, dim, maxnorm))


# ------------------------------------------------------------------ shapes


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of those shapes broadcast to."""
    sizes: list[int] = []
    for shape in shapes:
        if not isinstance(shape, (int, Sequence)):
            raise RuntimeError(f"broadcast_shapes: expected ints and sequences of them, met {shape!r}")
        dims = [shape] if isinstance(shape, int) else list(shape)
        sizes = [1] * (len(dims) - len(sizes)) + sizes
        for i in range(1, len(dims) + 1):
            if dims[-i] in (1, sizes[-i]):
                continue
            if sizes[-i] != 1:
                raise RuntimeError(f"broadcast_shapes: {list(shapes)} do not go together: {dims[-i]} meets "
                                   f"{sizes[-i]} at dimension -{i}")
            if dims[-i] < 0:
                raise ValueError(f"broadcast_shapes: sizes must not be negative, met {dims}")
            sizes[-i] = dims[-i]
    return Size(sizes)


def sum_to_size(input: Tensor, *size: Any) -> Tensor:
    """The sums that make a tensor of that size, which broadcasts to the input's."""
    goal = list(size[0]) if len(size) == 1 and isinstance(size[0], Sequence) else list(size)
    if not goal:
        return input.sum()
    lead = input.dim() - len(goal)
    kept = list(input.shape[max(lead, 0):])
    if lead < 0 or any(g not in (1, n) for g, n in zip(goal, kept, strict=True)):
        raise RuntimeError(f"sum_to_size: size {goal} does not broadcast to {tuple(input.shape)}")
    summed = [*range(lead), *(lead + i for i, (g, n) in enumerate(zip(goal, kept, strict=True)) if g != n)]
    return (input.sum(summed, keepdim=True) if summed else input).view(goal)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates, one tensor a dimension, of flat indices into that shape."""
    if indices.is_floating_point() or indices.is_complex() or indices.dtype is _native.bool:
        raise TypeError(f"unravel_index: expected whole numbers as indices, met {indices.dtype}")
    sizes = [shape] if isinstance(shape, int) else list(shape)
    if any(n < 0 for n in sizes):
        raise ValueError(f"unravel_index: sizes must not be negative, met {sizes}")
    coordinates = []
    indices = indices.long()
    for i, n in enumerate(sizes):
        step = math.prod(sizes[i + 1:])
        coordinates.append(_native.remainder(_native.floor_divide(indices, step), n))
    return tuple(coordinates)
