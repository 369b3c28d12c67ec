"""Resampling of (N, C, *): each dimension in turn, as weighted sums of a few of its elements."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import rushlight
from rushlight._native import Tensor

__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

_RANK = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
_NEAREST = ("nearest", "nearest-exact", "area")
Taps = list[tuple[Tensor, Tensor]]  # (which elements, how much of each)


def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Tensor:
    """Resize the spatial dimensions of (N, C, L), (N, C, H, W) or (N, C, D, H, W).

    Args:
        size: the new size, a number or one for each dimension; or give ``scale_factor``.
        scale_factor: by how much each dimension grows.
        mode: ``nearest``, ``nearest-exact``, ``area``, ``linear`` (3-d input), ``bilinear`` and ``bicubic`` (4-d),
            ``trilinear`` (5-d).
        align_corners: whether the centres of the corner elements stay where they are, instead of their outer edges.
        recompute_scale_factor: whether the factor is computed anew from the rounded size.
        antialias: whether a smaller result averages over all it covers; for bilinear and bicubic.

    Raises:
        ValueError: when not exactly one of size and scale_factor is given, or options contradict each other.
        NotImplementedError: when the mode does not fit the input's dimensions.
    """
    rank = input.dim() - 2
    if mode in _NEAREST:
        if align_corners is not None:
            raise ValueError(f"interpolate: align_corners means nothing to mode {mode!r}; leave it away")
    elif align_corners is None:
        align_corners = False
    sizes, factors = _goal(input, rank, size, scale_factor)
    if recompute_scale_factor and size is not None:
        raise ValueError("interpolate: recompute_scale_factor needs scale_factor, but size was given")
    if antialias and not (mode in ("bilinear", "bicubic") and rank == 2):
        raise ValueError(f"interpolate: antialias=True goes with bilinear and bicubic of a 4-d input, not with "
                         f"{mode!r} of {input.dim()} dimensions")
    if mode not in _NEAREST and mode not in _RANK:
        raise NotImplementedError(f"interpolate: unknown mode {mode!r}")
    if rank not in (1, 2, 3) or _RANK.get(mode, rank) != rank:
        raise NotImplementedError(f"interpolate: mode {mode!r} does not go with an input of shape "
                                  f"{list(input.shape)}; linear takes 3 dimensions, bilinear and bicubic 4, "
                                  "trilinear 5")
    if min(sizes) < 1 or min(input.shape[1:]) < 1:
        raise RuntimeError(f"interpolate: sizes must be at least 1, met {list(input.shape)} and the goal {sizes}")
    if mode == "area":
        result: Tensor = getattr(rushlight.nn.functional, f"adaptive_avg_pool{rank}d")(input, sizes)
        return result
    if recompute_scale_factor:
        factors = None
    exact = rushlight.float64 if input.dtype is rushlight.float64 else rushlight.float32
    for i in reversed(range(rank)):
        old, new = input.size(2 + i), sizes[i]
        ratio = _ratio(old, new, None if factors is None else factors[i], bool(align_corners))
        input = _resample(input, 2 + i, old, new, ratio, mode, bool(align_corners), antialias, exact)
    return input


def _goal(input: Tensor, rank: int, size: Any, scale_factor: Any) -> tuple[list[int], list[float] | None]:
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give either size or scale_factor")
    given = size if size is not None else scale_factor
    values = list(given) if isinstance(given, (list, tuple)) else [given] * rank
    if len(values) != rank:
        raise ValueError(f"interpolate: an input of shape {list(input.shape)} has {rank} spatial dimensions, but "
                         f"{values} names {len(values)}")
    if size is not None:
        if not all(isinstance(v, int) or (isinstance(v, Tensor) and not v.is_floating_point()) for v in values):
            raise TypeError(f"interpolate: expected whole numbers as size, met {size!r}")
        return [int(v) for v in values], None
    factors = [float(v) for v in values]
    return [math.floor(input.size(2 + i) * factor) for i, factor in enumerate(factors)], factors


def _ratio(old: int, new: int, factor: float | None, align_corners: bool) -> float:
    """How far apart, in the input, neighbours of the output stand."""
    if align_corners:
        return (old - 1) / (new - 1) if new > 1 else 0.0
    return 1.0 / factor if factor is not None and factor > 0 else old / new


def _resample(x: Tensor, dim: int, old: int, new: int, ratio: float, mode: str, align_corners: bool, antialias: bool,
              exact: Any) -> Tensor:
    steps = rushlight.arange(new, dtype=exact)
    if mode in ("nearest", "nearest-exact"):
        at = ((steps + 0.5 if mode == "nearest-exact" else steps) * ratio).floor().long()
        return x.index_select(dim, at.clamp(max=old - 1))
    if antialias:
        weights = _covering(steps, old, ratio, mode)
        return (x.movedim(dim, -1).to(exact) @ weights.t()).movedim(-1, dim).to(x.dtype)
    where = steps * ratio if align_corners else (steps + 0.5) * ratio - 0.5
    taps = _linear_taps(where, old, align_corners) if mode != "bicubic" else _cubic_taps(where, old)
    shape = [1] * x.dim()
    shape[dim] = new
    wide = x.to(exact)
    total: Any = sum(wide.index_select(dim, at) * weight.view(shape) for at, weight in taps)
    return (total + 0.5).floor().clamp(0, 255).to(x.dtype) if x.dtype is rushlight.uint8 else total.to(x.dtype)


def _linear_taps(where: Tensor, old: int, align_corners: bool) -> Taps:
    if not align_corners:
        where = where.clamp(min=0)
    first = where.long().clamp(max=old - 1)
    part = (where - first).clamp(0, 1)
    return [(first, 1 - part), ((first + 1).clamp(max=old - 1), part)]


def cubic_weights(t: Tensor, a: float = -0.75) -> list[Tensor]:
    """The weights of the elements at -1, 0, 1 and 2 for a place 0 <= t < 1 (Keys, 1981)."""
    return [_cubic(t + 1, a), _cubic(t, a), _cubic(1 - t, a), _cubic(2 - t, a)]


def _cubic(x: Tensor, a: float) -> Tensor:
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return rushlight.where(x <= 1, near, far)


def _cubic_taps(where: Tensor, old: int) -> Taps:
    first = where.floor()
    weights = cubic_weights(where - first)
    return [((first.long() + k - 1).clamp(0, old - 1), weights[k]) for k in range(4)]


def _triangle(x: Tensor) -> Tensor:
    return (1 - x).clamp(min=0)


def _bell(x: Tensor) -> Tensor:
    return rushlight.where(x < 2, _cubic(x, -0.5), 0.0)


def _covering(steps: Tensor, old: int, ratio: float, mode: str) -> Tensor:
    """(new, old) weights of a filter that is as wide as what an element of the output covers."""
    kernel: Callable[[Tensor], Tensor] = _triangle if mode == "bilinear" else _bell
    width = max(ratio, 1.0)
    support = width * (1 if mode == "bilinear" else 2)
    centre = ((steps + 0.5) * ratio).unsqueeze(1)
    first = (centre - support + 0.5).long().clamp(min=0)
    end = (centre + support + 0.5).long().clamp(max=old)
    at = rushlight.arange(old).unsqueeze(0)
    inside = (at >= first) & (at < end)
    weights = rushlight.where(inside, kernel(((at - centre + 0.5) / width).abs()), 0.0)
    return weights / weights.sum(1, keepdim=True)


def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Tensor:
    """Deprecated: `interpolate`."""
    warnings.warn("upsample is deprecated; call interpolate", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Deprecated: `interpolate` with mode='nearest'."""
    warnings.warn("upsample_nearest is deprecated; call interpolate", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """Deprecated: `interpolate` with mode='bilinear' and aligned corners."""
    warnings.warn("upsample_bilinear is deprecated; call interpolate", stacklevel=2)
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)
