"""Sampling of images at given places (Jaderberg et al., 2015)."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.nn._functional.interpolation import cubic_weights

__all__ = ["affine_grid", "grid_sample"]


def _corners(name: str, align_corners: bool | None) -> bool:
    if align_corners is None:
        warnings.warn(f"{name}: align_corners is not given and taken as False", stacklevel=3)
    return bool(align_corners)


def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """Where each element of a result of that size comes from, under affine maps of the coordinates -1 to 1.

    Args:
        theta: (N, 2, 3) or (N, 3, 4).
        size: (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the centres of the corner elements, instead of their outer edges.
    Returns:
        (N, H, W, 2) or (N, D, H, W, 3), for `grid_sample`.
    Raises:
        ValueError: when theta is not floating or its shape does not fit the size.
        NotImplementedError: when the size has other than 4 or 5 numbers.
    """
    aligned = _corners("affine_grid", align_corners)
    if not theta.is_floating_point():
        raise ValueError(f"affine_grid: expected a floating theta, met {theta.dtype}")
    rank = len(size) - 2
    if rank not in (2, 3):
        raise NotImplementedError(f"affine_grid: expected a size of 4 or 5 numbers, met {tuple(size)}")
    if theta.dim() != 3 or tuple(theta.shape[1:]) != (rank, rank + 1):
        raise ValueError(f"affine_grid: for a size of {rank + 2} numbers theta must be (N, {rank}, {rank + 1}), met "
                         f"{list(theta.shape)}")
    if min(size) <= 0:
        raise ValueError(f"affine_grid: sizes must be at least 1, met {tuple(size)}")
    spatial = list(size[2:])
    axes = [_axis(n, aligned, theta.dtype) for n in spatial]
    columns = [axes[d].view([-1 if k == d else 1 for k in range(rank)]).expand(spatial) for d in reversed(range(rank))]
    places = rushlight.stack([*columns, rushlight.ones(spatial, dtype=theta.dtype)], -1)
    grid = places.view(1, -1, rank + 1).expand(size[0], -1, -1) @ theta.transpose(1, 2)
    return grid.view(size[0], *spatial, rank)


def _axis(n: int, aligned: bool, dtype: Any) -> Tensor:
    if n <= 1:
        return rushlight.zeros(n, dtype=dtype)
    line = rushlight.linspace(-1, 1, n, dtype=dtype)
    return line if aligned else line * ((n - 1) / n)


def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Tensor:
    """The values of images at places from -1 to 1.

    Args:
        input: (N, C, H, W) or (N, C, D, H, W).
        grid: (N, ..., 2) or (N, ..., 3): x, y (and z) of each element of the result.
        mode: ``bilinear``, ``nearest``, or ``bicubic`` (of 4-d input).
        padding_mode: what lies outside: ``zeros``, the ``border``, or the image's ``reflection``.
        align_corners: whether -1 and 1 are the centres of the corner elements, instead of their outer edges.
    Raises:
        ValueError: for an unknown mode.
        RuntimeError: when the shapes do not fit.
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"grid_sample: expected mode to be 'bilinear', 'nearest' or 'bicubic', met {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError("grid_sample: expected padding_mode to be 'zeros', 'border' or 'reflection', met "
                         f"{padding_mode!r}")
    aligned = _corners("grid_sample", align_corners)
    rank = input.dim() - 2
    _check_grid(input, grid, rank, mode)
    sizes = list(input.shape[2:])
    n, channels, places = input.size(0), input.size(1), list(grid.shape[1:-1])
    flat = input.reshape(n, channels, math.prod(sizes))
    # Coordinates in the order of the input's dimensions, each (N, number of places).
    at = [_to_elements(grid[..., rank - 1 - d].reshape(n, -1), sizes[d], aligned) for d in range(rank)]
    if mode == "bicubic":
        result = _bicubic(flat, at, sizes, padding_mode, aligned)
    else:
        at = [_inside(x, size, padding_mode, aligned) for x, size in zip(at, sizes, strict=True)]
        result = (_pick(flat, [x.round() for x in at], sizes) if mode == "nearest" else _linear(flat, at, sizes))
    return result.view(n, channels, *places)


def _check_grid(input: Tensor, grid: Tensor, rank: int, mode: str) -> None:
    if input.dtype != grid.dtype:
        raise RuntimeError(f"grid_sample: input is {input.dtype} but grid is {grid.dtype}; both must have one dtype")
    if rank not in (2, 3) or grid.dim() != rank + 2 or grid.size(-1) != rank or grid.size(0) != input.size(0):
        raise RuntimeError("grid_sample: expected an input (N, C, H, W) with a grid (N, ..., 2), or (N, C, D, H, W) "
                           f"with (N, ..., 3), met {list(input.shape)} and {list(grid.shape)}")
    if 0 in input.shape[2:]:
        raise RuntimeError(f"grid_sample: the images of shape {list(input.shape)} have no elements")
    if mode == "bicubic" and rank != 2:
        raise RuntimeError(f"grid_sample: bicubic takes a 4-d input, met {list(input.shape)}")


def _to_elements(x: Tensor, size: int, aligned: bool) -> Tensor:
    return (x + 1) / 2 * (size - 1) if aligned else ((x + 1) * size - 1) / 2


def _reflected(x: Tensor, twice_low: int, twice_high: int) -> Tensor:
    if twice_low == twice_high:
        return x * 0
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    distance = (x - low).abs()
    flips = (distance / span).floor()
    rest = distance - flips * span
    return rushlight.where(flips % 2 == 0, rest + low, span - rest + low)


def _inside(x: Tensor, size: int, padding_mode: str, aligned: bool) -> Tensor:
    if padding_mode == "zeros":
        return x
    if padding_mode == "reflection":
        x = _reflected(x, 0, 2 * (size - 1)) if aligned else _reflected(x, -1, 2 * size - 1)
    return x.clamp(0, size - 1)


def _pick(flat: Tensor, at: list[Tensor], sizes: list[int]) -> Tensor:
    """(N, C, places) of the elements at whole coordinates; 0 outside."""
    index: Any = 0
    valid: Any = True
    for x, size in zip(at, sizes, strict=True):
        x = x.detach()
        valid = (x >= 0) & (x <= size - 1) & valid
        index = index * size + x.nan_to_num().clamp(0, size - 1).long()
    picked = flat.gather(2, index.unsqueeze(1).expand(-1, flat.size(1), -1))
    return rushlight.where(valid.unsqueeze(1), picked, 0.0)


def _linear(flat: Tensor, at: list[Tensor], sizes: list[int]) -> Tensor:
    floors = [x.detach().floor() for x in at]
    parts = [x - low for x, low in zip(at, floors, strict=True)]
    total: Any = 0
    for corner in itertools.product((0, 1), repeat=len(at)):
        weight: Any = 1
        for high, part in zip(corner, parts, strict=True):
            weight = weight * (part if high else 1 - part)
        place = [low + high for low, high in zip(floors, corner, strict=True)]
        total = total + _pick(flat, place, sizes) * weight.unsqueeze(1)
    return total


def _bicubic(flat: Tensor, at: list[Tensor], sizes: list[int], padding_mode: str, aligned: bool) -> Tensor:
    floors = [x.detach().floor() for x in at]
    rows, columns = (cubic_weights(x - low) for x, low in zip(at, floors, strict=True))
    total: Any = 0
    for i, j in itertools.product(range(4), repeat=2):
        place = [_inside(low + k - 1, size, padding_mode, aligned)
                 for low, k, size in zip(floors, (i, j), sizes, strict=True)]
        total = total + _pick(flat, place, sizes) * (rows[i] * columns[j]).unsqueeze(1)
    return total
