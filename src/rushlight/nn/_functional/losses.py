"""Losses made of other operations. ``size_average`` and ``reduce`` are deprecated forms of ``reduction``."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import rushlight
from rushlight import _native
from rushlight._errors import check_broadcast, marked_against
from rushlight._native import Tensor, logsigmoid, where
from rushlight.nn import _reduction
from rushlight.nn._functional.distances import pairwise_distance

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "gaussian_nll_loss",
           "hinge_embedding_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss", "mse_loss",
           "multi_margin_loss", "multilabel_margin_loss", "multilabel_soft_margin_loss", "poisson_nll_loss",
           "smooth_l1_loss", "soft_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss"]


def _weighted(name: str, loss: Tensor, weight: Tensor | None, input: Tensor, reduction: str) -> Tensor:
    """Reduce ``loss``; with a weight the mean is a weighted one."""
    if weight is None:
        return _reduction.apply(loss, reduction)
    if weight.size() != input.size():
        raise ValueError(f"{name}: expected a weight of the input's shape {list(input.shape)}, met "
                         f"{list(weight.shape)}")
    loss = loss * weight
    return loss.sum() / weight.sum() if reduction == "mean" else _reduction.apply(loss, reduction)


def _alike(name: str, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both in one shape, with a warning where they had two."""
    if target.size() == input.size():
        return input, target
    warnings.warn(f"{name}: input {list(input.shape)} and target {list(target.shape)} differ in shape and are "
                  "broadcast, which is seldom meant; give both the same shape", stacklevel=3)
    check_broadcast(name, input, target)
    x, y = rushlight.broadcast_tensors(input, target)
    return x, y


def _check_same_shape(name: str, input: Tensor, target: Tensor) -> None:
    if target.size() != input.size():
        raise ValueError(f"{name}: expected a target of the input's shape {list(input.shape)}, met "
                         f"{marked_against(target.shape, input.shape)}")


def _check_floating(name: str, input: Tensor) -> None:
    if not input.is_floating_point():
        raise NotImplementedError(f"{name}: not implemented for an input of dtype {input.dtype}; convert it first")


def mse_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
             reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """``(x - y) ** 2``; a ``weight`` of the input's shape makes the mean a weighted one."""
    reduction = _reduction.resolve(size_average, reduce, reduction)
    x, y = _alike("mse_loss", input, target)
    if weight is not None:
        return _weighted("mse_loss", (x - y) ** 2, weight, input, reduction)
    return _native._mse_loss(x, y, _reduction.code(reduction))


def l1_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
            reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """``|x - y|``; a ``weight`` of the input's shape makes the mean a weighted one."""
    reduction = _reduction.resolve(size_average, reduce, reduction)
    x, y = _alike("l1_loss", input, target)
    _reduction.check(reduction)
    return _weighted("l1_loss", (x - y).abs(), weight, input, reduction)


def smooth_l1_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
                   reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """``d ** 2 / (2 * beta)`` where d = |x - y| < beta, ``d - beta / 2`` elsewhere (Girshick, 2015).

    Raises:
        RuntimeError: when beta is negative.
    """
    reduction = _reduction.resolve(size_average, reduce, reduction)
    x, y = _alike("smooth_l1_loss", input, target)
    if beta == 0:
        _reduction.check(reduction)
        return _reduction.apply((x - y).abs(), reduction)
    code = _reduction.code(reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss: expected beta of at least 0, met {beta}")
    return _native._smooth_l1_loss(x, y, code, beta)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0,
               weight: Tensor | None = None) -> Tensor:
    """``d ** 2 / 2`` where d = |x - y| <= delta, ``delta * (d - delta / 2)`` elsewhere (Huber, 1964).

    Raises:
        RuntimeError: when delta is not above 0.
    """
    x, y = _alike("huber_loss", input, target)
    code = _reduction.code(reduction)
    if delta <= 0:
        raise RuntimeError(f"huber_loss: expected delta above 0, met {delta}")
    if weight is None:
        return _native._huber_loss(x, y, code, delta)
    # Unlike in the other losses the mean stays a plain one.
    return _reduction.apply(_weighted("huber_loss", _native._huber_loss(x, y, 0, delta), weight, input, "none"),
                            reduction)


def binary_cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None = None,
                         size_average: bool | None = None, reduce: bool | None = None,
                         reduction: str = "mean") -> Tensor:
    """``-(y * log(x) + (1 - y) * log(1 - x))`` of probabilities x; logarithms are cut at -100.

    Raises:
        ValueError: when input and target differ in shape.
        RuntimeError: when a probability lies outside of [0, 1], or input and target differ in dtype.
    """
    code = _reduction.code(_reduction.resolve(size_average, reduce, reduction))
    _check_same_shape("binary_cross_entropy", input, target)
    if input.dtype is not target.dtype:
        raise RuntimeError(f"binary_cross_entropy: expected input and target of one dtype, met {input.dtype} and "
                           f"{target.dtype}")
    _check_floating("binary_cross_entropy", input)
    loss = _native._binary_cross_entropy(input, target, 1 if weight is None else weight, code)
    if not input.is_meta and not _native._all_probabilities(input):
        raise RuntimeError("binary_cross_entropy: expected probabilities between 0 and 1; for scores use "
                           "binary_cross_entropy_with_logits")
    return loss


def binary_cross_entropy_with_logits(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                     size_average: bool | None = None, reduce: bool | None = None,
                                     reduction: str = "mean", pos_weight: Tensor | None = None) -> Tensor:
    """`binary_cross_entropy` of sigmoid(x), without overflow; ``pos_weight`` scales the positive part.

    Raises:
        ValueError: when input and target differ in shape.
    """
    code = _reduction.code(_reduction.resolve(size_average, reduce, reduction))
    _check_same_shape("binary_cross_entropy_with_logits", input, target)
    _check_floating("binary_cross_entropy_with_logits", input)
    return _native._binary_cross_entropy_with_logits(input, target, 1 if weight is None else weight,
                                                     1 if pos_weight is None else pos_weight, code)


def kl_div(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
           reduction: str = "mean", log_target: bool = False) -> Tensor:
    """``y * (log(y) - x)`` of log-probabilities x; with ``log_target`` y is given as its logarithm, too.

    ``reduction='batchmean'`` divides the sum by the first dimension, which is the divergence itself.
    """
    if size_average is not None or reduce is not None:
        reduction = _reduction.legacy_get_string(size_average, reduce)
    elif reduction == "mean":
        warnings.warn("kl_div: reduction='mean' divides by the number of elements, which is not the divergence; "
                      "use reduction='batchmean'", stacklevel=2)
    check_broadcast("kl_div", input, target)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        loss = target * where(target == 0, 1, target).log() - target * input
    if reduction == "batchmean":
        return loss.sum() / input.size(0) if input.dim() else loss.sum()
    return _reduction.apply(loss, reduction)


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool = True, full: bool = False,
                     size_average: bool | None = None, eps: float = 1e-8, reduce: bool | None = None,
                     reduction: str = "mean") -> Tensor:
    """``exp(x) - y * x``, or ``x - y * log(x + eps)`` without ``log_input``; ``full`` adds Stirling's term."""
    reduction = _reduction.resolve(size_average, reduce, reduction)
    _reduction.check(reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        large = where(target > 1, target, 2)
        stirling = large * large.log() - large + 0.5 * (2 * math.pi * large).log()
        loss = loss + where(target > 1, stirling, 0)
    return _reduction.apply(loss, reduction)


def gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6,
                      reduction: str = "mean") -> Tensor:
    """``(log(var) + (x - y) ** 2 / var) / 2``, var at least eps; ``full`` adds the constant.

    Raises:
        ValueError: when var is negative somewhere, or its shape does not fit the input's.
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError(f"gaussian_nll_loss: expected a variance of at least 0, met {var}")
        var = var * rushlight.ones_like(input)
    elif bool((var < 0).any()):
        raise ValueError("gaussian_nll_loss: the variance is negative somewhere")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif not (input.dim() == var.dim() and sum(a != b for a, b in zip(input.size(), var.size(), strict=True)) == 1
                  and all(b in (a, 1) for a, b in zip(input.size(), var.size(), strict=True))):
            raise ValueError(f"gaussian_nll_loss: a variance of shape {list(var.shape)} does not fit an input of "
                             f"shape {list(input.shape)}")
    _reduction.check(reduction)
    # The cut at eps passes the gradient through unchanged.
    var = var + where(var < eps, eps - var, 0).detach()
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return _reduction.apply(loss, reduction)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None,
                         reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """``x`` where y = 1, ``max(0, margin - x)`` where y = -1."""
    reduction = _reduction.resolve(size_average, reduce, reduction)
    loss = where(target != 1, (margin - input).clamp_min(0), 0) + where(target != -1, input, 0)
    return _reduction.apply(loss, reduction)


def soft_margin_loss(input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None,
                     reduction: str = "mean") -> Tensor:
    """``log(1 + exp(-y * x))``, y = 1 or -1."""
    code = _reduction.code(_reduction.resolve(size_average, reduce, reduction))
    return _native._soft_margin_loss(input, target, code)


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                size_average: bool | None = None, reduce: bool | None = None,
                                reduction: str = "mean") -> Tensor:
    """The mean over the last dimension, the classes, of `binary_cross_entropy_with_logits`."""
    reduction = _reduction.resolve(size_average, reduce, reduction)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    loss = loss if weight is None else loss * weight
    return _reduction.apply(loss.sum(-1) / input.size(-1), reduction)


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
                          size_average: bool | None = None, reduce: bool | None = None,
                          reduction: str = "mean") -> Tensor:
    """``1 - cos(x1, x2)`` where y = 1, ``max(0, cos(x1, x2) - margin)`` where y = -1.

    Raises:
        RuntimeError: when the inputs are not (N, D) with a target (N), or (D) with a 0-d target.
    """
    reduction = _reduction.resolve(size_average, reduce, reduction)
    if target.dim() not in (0, 1) or input1.dim() != target.dim() + 1 or input2.dim() != target.dim() + 1:
        raise RuntimeError("cosine_embedding_loss: expected inputs (N, D) with a target (N), or (D) with a 0-d "
                           f"target, met {list(input1.shape)}, {list(input2.shape)} and {list(target.shape)}")
    eps = 1e-12
    size1 = (input1 * input1).sum(-1) + eps
    size2 = (input2 * input2).sum(-1) + eps
    cosine = (input1 * input2).sum(-1) / (size1 * size2).sqrt()
    loss = where(target == 1, 1 - cosine, 0) + where(target == -1, (cosine - margin).clamp_min(0), 0)
    return _reduction.apply(loss, reduction)


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
                        size_average: bool | None = None, reduce: bool | None = None,
                        reduction: str = "mean") -> Tensor:
    """``max(0, -y * (x1 - x2) + margin)``.

    Raises:
        RuntimeError: when the three differ in their number of dimensions.
    """
    reduction = _reduction.resolve(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError("margin_ranking_loss: expected as many dimensions of the inputs and the target, met "
                           f"{list(input1.shape)}, {list(input2.shape)} and {list(target.shape)}")
    return _reduction.apply((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2,
                        eps: float = 1e-6, swap: bool = False, size_average: bool | None = None,
                        reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)``, d the p-norm of the difference.

    Raises:
        ValueError: when the margin is not above 0.
        RuntimeError: when the three differ in their number of dimensions.
    """
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: expected a margin above 0, met {margin}")
    reduction = _reduction.resolve(size_average, reduce, reduction)
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError("triplet_margin_loss: expected as many dimensions of anchor, positive and negative, met "
                           f"{list(anchor.shape)}, {list(positive.shape)} and {list(negative.shape)}")
    return _triplet(lambda a, b: pairwise_distance(a, b, p, eps), anchor, positive, negative, margin, swap, reduction)


def triplet_margin_with_distance_loss(anchor: Tensor, positive: Tensor, negative: Tensor, *,
                                      distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
                                      margin: float = 1.0, swap: bool = False, reduction: str = "mean") -> Tensor:
    """`triplet_margin_loss` with a distance of one's own; `pairwise_distance` when None.

    Raises:
        ValueError: when the margin is not above 0.
    """
    if margin <= 0:
        raise ValueError(f"triplet_margin_with_distance_loss: expected a margin above 0, met {margin}")
    distance: Any = pairwise_distance if distance_function is None else distance_function
    return _triplet(distance, anchor, positive, negative, margin, swap, reduction)


def _triplet(distance: Callable, anchor: Tensor, positive: Tensor, negative: Tensor, margin: float, swap: bool,
             reduction: str) -> Tensor:
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        other = distance(positive, negative)
        far = where(other < far, other, far)
    return _reduction.apply((near - far + margin).clamp_min(0), reduction)


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None,
                      size_average: bool | None = None, reduce: bool | None = None,
                      reduction: str = "mean") -> Tensor:
    """The mean over the other classes of ``max(0, margin - x[target] + x) ** p``.

    Args:
        input: (N, C) or (C).
        target: (N) or (), the right classes.
        p: 1 or 2.
        weight: (C), a factor for each right class.
    Raises:
        ValueError: when p is neither 1 nor 2, or weight is no vector.
        RuntimeError: when the shapes do not fit.
    """
    code = _reduction.code(_reduction.resolve(size_average, reduce, reduction))
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: expected p to be 1 or 2, met {p}")
    if weight is not None and weight.dim() != 1:
        raise ValueError(f"multi_margin_loss: expected a vector as weight, met {list(weight.shape)}")
    return _native._multi_margin_loss(input, target, int(p), margin, weight, code)


def multilabel_margin_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
                           reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """The hinge loss of several right classes per sample: ``max(0, 1 - x[right] + x[wrong])``, summed, over C.

    Args:
        input: (N, C) or (C).
        target: whole numbers of the same shape: the right classes of each row, up to the first -1.
    Raises:
        RuntimeError: when the shapes differ.
    """
    code = _reduction.code(_reduction.resolve(size_average, reduce, reduction))
    return _native._multilabel_margin_loss(input, target, code)
