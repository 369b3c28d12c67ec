"""Norms and distances between vectors."""

from __future__ import annotations

import math

from rushlight._native import Tensor, where

__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]


def _norm(x: Tensor, p: float, dim: int, keepdim: bool) -> Tensor:
    """The p-norm along ``dim``, with the slope 0 at 0."""
    if p == 2.0:
        squares = (x * x).sum(dim, keepdim=keepdim)
        empty = squares == 0
        return where(empty, 0, where(empty, 1, squares).sqrt())
    if p == math.inf:
        return x.abs().amax(dim, keepdim=keepdim)
    if p == 1.0:
        return x.abs().sum(dim, keepdim=keepdim)
    if p == 0.0:
        return where(x == 0, 0.0, 1.0).sum(dim, keepdim=keepdim).to(x.dtype)
    return (x.abs() ** p).sum(dim, keepdim=keepdim) ** (1.0 / p)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` along the last dimension."""
    return _norm(x1 - x2 + eps, p, -1, keepdim)


def _at_least(x: Tensor, least: float) -> Tensor:
    return where(x < least, least, x)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``x1 . x2 / (max(|x1|, eps) * max(|x2|, eps))`` along ``dim``."""
    size1 = _at_least(_norm(x1, 2.0, dim, True), eps)
    size2 = _at_least(_norm(x2, 2.0, dim, True), eps)
    return ((x1 / size1) * (x2 / size2)).sum(dim)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """``x / max(|x|, eps)``, |x| the p-norm along ``dim``."""
    result = input / _at_least(_norm(input, p, dim, True), eps)
    return result if out is None else out.copy_(result)
