"""Connectionist temporal classification (Graves et al., 2006)."""

from __future__ import annotations

import math
from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.nn import _reduction

__all__ = ["ctc_loss"]

_NEVER = -1e30  # the logarithm of a path that does not exist: small, but finite, so that gradients are numbers


def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0,
             reduction: str = "mean", zero_infinity: bool = False) -> Tensor:
    """The negative log-likelihood of label sequences, over all their alignments with the input.

    The gradient is that by the inputs of the log_softmax which made ``log_probs``, as PyTorch's is.

    Args:
        log_probs: (T, N, C) or (T, C), logarithms of probabilities.
        targets: (N, S), or the sequences one after another; (S) without a batch.
        input_lengths: how many of the T steps count, for each of the batch.
        target_lengths: how many labels count, for each of the batch.
        blank: the class of no label.
        reduction: ``none``, ``mean`` (each loss divided by its target's length before) or ``sum``.
        zero_infinity: whether a target that is too long for its input costs nothing, instead of inf.
    Raises:
        RuntimeError: when lengths, labels or shapes do not fit.
    """
    _reduction.check(reduction)
    batched = log_probs.dim() == 3
    if log_probs.dim() not in (2, 3):
        raise RuntimeError(f"ctc_loss: expected log_probs (T, N, C) or (T, C), met {list(log_probs.shape)}")
    if not log_probs.is_floating_point() or targets.is_floating_point():
        raise RuntimeError(f"ctc_loss: expected floating log_probs and whole targets, met {log_probs.dtype} and "
                           f"{targets.dtype}")
    log_probs = log_probs if batched else log_probs.unsqueeze(1)
    steps, n, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank {blank} is none of the {classes} classes")
    used = _lengths("input_lengths", input_lengths, n)
    labels_used = _lengths("target_lengths", target_lengths, n)
    if any(length > steps for length in used):
        raise RuntimeError(f"ctc_loss: an input length of {max(used)} exceeds the {steps} steps of log_probs")
    labels = _rows(targets, labels_used, n, batched, blank)
    losses = _losses(log_probs, labels, used, labels_used, blank)
    if zero_infinity:
        losses = rushlight.where(losses == math.inf, 0.0, losses)
    if reduction == "mean":
        losses = losses / rushlight.tensor(labels_used, dtype=losses.dtype).clamp(min=1)
        return losses.mean()
    losses = losses if batched else losses.squeeze(0)
    return losses.sum() if reduction == "sum" else losses


def _lengths(name: str, lengths: Any, n: int) -> list[int]:
    if isinstance(lengths, Tensor):
        if lengths.is_floating_point():
            raise RuntimeError(f"ctc_loss: {name} must be whole numbers, met {lengths.dtype}")
        lengths = lengths.flatten().tolist()
    values = [lengths] if isinstance(lengths, int) else list(lengths)
    if len(values) != n or any(v < 0 for v in values):
        raise RuntimeError(f"ctc_loss: {name} must hold {n} numbers of at least 0, met {values}")
    return values


def _rows(targets: Tensor, lengths: list[int], n: int, batched: bool, blank: int) -> Tensor:
    """(N, longest) labels, filled up with blanks."""
    longest = max(lengths, default=0)
    targets = targets.long()
    if targets.dim() == 2 and batched:
        if targets.size(0) != n or targets.size(1) < longest:
            raise RuntimeError(f"ctc_loss: targets {list(targets.shape)} do not hold {n} rows of up to {longest} "
                               "labels")
        return targets[:, :longest]
    if targets.dim() != 1 or targets.size(0) < sum(lengths):
        raise RuntimeError(f"ctc_loss: targets {list(targets.shape)} do not hold {sum(lengths)} labels one after "
                           "another")
    rows = rushlight.full((n, longest), blank, dtype=rushlight.int64)
    start = 0
    for i, length in enumerate(lengths):
        rows[i, :length] = targets[start:start + length]
        start += length
    return rows


def _losses(log_probs: Tensor, labels: Tensor, used: list[int], labels_used: list[int], blank: int) -> Tensor:
    steps, n, _ = log_probs.shape
    states = 2 * labels.size(1) + 1  # blank, label, blank, label, ..., blank
    path = rushlight.full((n, states), blank, dtype=rushlight.int64)
    path[:, 1::2] = labels
    skips = rushlight.zeros(n, states, dtype=rushlight.bool)  # a label may follow another, different one directly
    skips[:, 2:] = (path[:, 2:] != blank) & (path[:, 2:] != path[:, :-2])
    emitted = log_probs.gather(2, path.unsqueeze(0).expand(steps, -1, -1))
    never = log_probs.new_full((n, 1), _NEVER)
    start = rushlight.arange(states) < 2
    alpha = rushlight.where(start, emitted[0], _NEVER) if steps else log_probs.new_zeros(n, states)
    alphas = [alpha]
    for t in range(1, steps):
        one = rushlight.cat([never, alpha[:, :-1]], 1)
        two = rushlight.where(skips, rushlight.cat([never, never, alpha[:, :-2]], 1)[:, :states], _NEVER)
        alpha = rushlight.logsumexp(rushlight.stack([alpha, one, two]), 0) + emitted[t]
        alphas.append(alpha)
    last = rushlight.tensor([max(length - 1, 0) for length in used])
    final = rushlight.stack(alphas)[last, rushlight.arange(n)]
    ends = rushlight.tensor(labels_used) * 2
    ways = [final.gather(1, ends.unsqueeze(1)), final.gather(1, (ends - 1).clamp(min=0).unsqueeze(1))]
    ways[1] = rushlight.where((ends > 0).unsqueeze(1), ways[1], _NEVER)
    losses = -rushlight.logsumexp(rushlight.cat(ways, 1), 1)
    no_steps = rushlight.tensor([length == 0 for length in used])
    losses = rushlight.where(no_steps, rushlight.where(ends > 0, math.inf, 0.0).to(losses.dtype), losses)
    losses = rushlight.where(losses > -_NEVER / 2, math.inf, losses)
    counts = (rushlight.arange(steps).unsqueeze(1) < rushlight.tensor(used)).unsqueeze(2)
    probs = rushlight.where(counts & (losses < math.inf).unsqueeze(1), log_probs, -math.inf).exp()
    return losses + (probs - probs.detach()).sum((0, 2))  # 0, with log_softmax's part of the gradient
