"""Resampling, grids, patches, pooling's inverse, and the rarer losses, against PyTorch with gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit.ops.oracle import agree, equal, numbers, ours, refuse

IMAGE = numbers(2, 3, 5, 6)


@pytest.mark.parametrize(
    "goal", [{"size": (7, 4)}, {"scale_factor": 2}, {"scale_factor": (0.6, 1.7)}, {"size": 1}], ids=str
)
@pytest.mark.parametrize(
    "options",
    [
        {"mode": "nearest"},
        {"mode": "nearest-exact"},
        {"mode": "area"},
        {"mode": "bilinear"},
        {"mode": "bilinear", "align_corners": True},
        {"mode": "bilinear", "antialias": True},
        {"mode": "bicubic"},
        {"mode": "bicubic", "align_corners": True},
        {"mode": "bicubic", "antialias": True},
    ],
    ids=str,
)
def test_interpolate(goal: dict[str, Any], options: dict[str, Any]) -> None:
    agree(lambda m, x: m.nn.functional.interpolate(x, **goal, **options), IMAGE, order=1)


def test_interpolate_of_other_ranks() -> None:
    agree(lambda m, x: m.nn.functional.interpolate(x, 7, mode="linear"), numbers(2, 3, 5), order=1)
    cube = numbers(1, 2, 3, 4, 5)
    agree(lambda m, x: m.nn.functional.interpolate(x, scale_factor=1.5, mode="trilinear"), cube, order=1)
    options = {"scale_factor": 1.3, "recompute_scale_factor": True}
    agree(lambda m, x: m.nn.functional.interpolate(x, **options), numbers(2, 3, 5), order=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda f, m: f.interpolate(m.zeros(1, 1, 4)),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), 3, 2.0),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), (3, 3)),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), 2.5),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), 3, align_corners=True),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), 3, mode="bilinear"),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), 3, mode="best"),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), 3, antialias=True),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4), 3, recompute_scale_factor=True),
        lambda f, m: f.interpolate(m.zeros(1, 1, 4, 4), 0, mode="bilinear"),
        lambda f, m: f.grid_sample(m.zeros(1, 1, 4, 4), m.zeros(1, 2, 2, 3), align_corners=False),
        lambda f, m: f.grid_sample(m.zeros(1, 1, 4, 4), m.zeros(2, 2, 2, 2), align_corners=False),
        lambda f, m: f.grid_sample(m.zeros(1, 1, 4, 4), m.zeros(1, 2, 2, 2), mode="best", align_corners=False),
        lambda f, m: f.affine_grid(m.zeros(1, 2, 3), (1, 1, 2), align_corners=False),
        lambda f, m: f.affine_grid(m.zeros(1, 3, 3), (1, 1, 2, 2), align_corners=False),
        lambda f, m: f.unfold(m.zeros(1, 1, 2, 2), 3),
        lambda f, m: f.unfold(m.zeros(1, 2, 0, 2), 1),
        lambda f, m: f.fold(m.zeros(1, 5, 4), 3, 2),
        lambda f, m: f.fold(m.zeros(1, 4, 5), 3, 2),
        lambda f, m: f.pixel_shuffle(m.zeros(3, 2, 2), 2),
        lambda f, m: f.pixel_unshuffle(m.zeros(1, 3, 2), 2),
        lambda f, m: f.channel_shuffle(m.zeros(1, 3, 2), 2),
        lambda f, m: f.max_unpool2d(m.zeros(1, 2, 2), m.full((1, 2, 2), 99), 2),
        lambda f, m: f.max_unpool2d(m.zeros(1, 2, 2), m.zeros(1, 2, 2), 2),
        lambda f, m: f.multi_margin_loss(m.zeros(2, 3), m.zeros(2, dtype=m.int64), p=3),
        lambda f, m: f.multi_margin_loss(m.zeros(2, 3), m.zeros(3, dtype=m.int64)),
        lambda f, m: f.multilabel_margin_loss(m.zeros(2, 3), m.zeros(2, 2, dtype=m.int64)),
        lambda f, m: f.ctc_loss(m.zeros(4, 2, 3), m.ones(2, 2, dtype=m.int64), (5, 4), (1, 1)),
        lambda f, m: f.ctc_loss(m.zeros(4, 2, 3), m.ones(2, 2, dtype=m.int64), (4,), (1, 1)),
        lambda f, m: f.ctc_loss(m.zeros(4, 2, 3), m.ones(2, 2, dtype=m.int64), (4, 4), (1, 1), blank=3),
        lambda f, m: f.bilinear(m.zeros(2, 3), m.zeros(2, 4), m.zeros(5, 4, 3)),
        lambda f, m: f.local_response_norm(m.zeros(2, 3), 2),
        lambda f, m: f.pdist(m.zeros(3)),
        lambda f, m: f.embedding_bag(m.zeros(3, dtype=m.int64), m.zeros(4, 2)),
        lambda f, m: f.embedding_bag(m.zeros(1, 3, dtype=m.int64), m.zeros(4, 2), mode="best"),
        lambda f, m: f.embedding_bag(m.zeros(3, dtype=m.int64), m.zeros(4, 2), m.tensor([1, 2])),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_refused(call: Callable[..., Any]) -> None:
    refuse(lambda m: call(m.nn.functional, m))


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
def test_grid_sample(mode: str, padding_mode: str, align_corners: bool) -> None:
    options = (mode, padding_mode, align_corners)
    cases = [(IMAGE, numbers(2, 4, 3, 2, seed=2))]
    if mode != "bicubic":
        cases.append((numbers(1, 2, 3, 4, 5), numbers(1, 2, 2, 3, 3, seed=4)))
    for images, grid in cases:
        if mode == "nearest":  # has no slope along the grid
            grids = {rl: ours(grid), pt: grid}
            agree(lambda m, x, g=grids: m.nn.functional.grid_sample(x, g[m], *options), images, order=1)
        else:
            agree(lambda m, x, g: m.nn.functional.grid_sample(x, g, *options), images, grid, order=1)


@pytest.mark.parametrize("align_corners", [True, False])
def test_affine_grid(align_corners: bool) -> None:
    agree(lambda m, t: m.nn.functional.affine_grid(t, (2, 1, 3, 4), align_corners), numbers(2, 2, 3), order=1)
    agree(lambda m, t: m.nn.functional.affine_grid(t, (2, 1, 3, 1, 2), align_corners), numbers(2, 3, 4), order=1)


def test_patches() -> None:
    options = {"dilation": (1, 2), "padding": (1, 0), "stride": (2, 1)}
    agree(lambda m, x: m.nn.functional.unfold(x, (3, 2), **options), IMAGE, order=1)
    agree(lambda m, x: m.nn.functional.fold(x, (5, 6), (3, 2), **options), numbers(2, 18, 12), order=1)
    agree(lambda m, x: m.nn.functional.unfold(x, 2), numbers(3, 4, 4), order=1)


def test_channels_and_space() -> None:
    agree(lambda m, x: m.nn.functional.pixel_shuffle(x, 2), numbers(2, 8, 3, 2), order=1)
    agree(lambda m, x: m.nn.functional.pixel_unshuffle(x, 2), numbers(2, 2, 4, 6), order=1)
    agree(lambda m, x: m.nn.functional.channel_shuffle(x, 3), numbers(2, 6, 2, 2), order=1)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_max_unpool(rank: int) -> None:
    x = numbers(2, 3, *[6] * rank)
    results = []
    for m, t in ((rl, ours(x)), (pt, x)):
        f = m.nn.functional
        values, places = getattr(f, f"max_pool{rank}d")(t, 2, return_indices=True)
        results.append(getattr(f, f"max_unpool{rank}d")(values, places, 2))
    equal(*results)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_margin_losses(reduction: str) -> None:
    x = numbers(4, 5)
    labels = pt.tensor([1, 0, 4, 2])
    several = pt.tensor([[3, 0, -1, 1, 2], [-1, 0, 0, 0, 0], [0, 1, 2, 3, 4], [2, -1, 2, -1, 2]])
    agree(lambda m, x, t: m.nn.functional.multi_margin_loss(x, t, 2, 0.7, reduction=reduction), x, labels, order=1)
    agree(lambda m, x, t: m.nn.functional.multilabel_margin_loss(x, t, reduction=reduction), x, several, order=1)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_ctc_loss(reduction: str) -> None:
    x = numbers(6, 3, 4)
    targets = pt.tensor([[1, 1, 2], [3, 2, 1], [2, 2, 2]])

    def loss(m: Any, x: Any, t: Any) -> Any:
        probs = x.log_softmax(-1)
        return m.nn.functional.ctc_loss(probs, t, (6, 4, 5), (3, 2, 0), reduction=reduction)

    agree(loss, x, targets, order=1)
    assert rl.nn.functional.ctc_loss(rl.zeros(2, 1, 3), rl.tensor([[1, 1]]), [2], [2]).item() == float("inf")
    assert rl.nn.functional.ctc_loss(rl.zeros(2, 1, 3), rl.tensor([[1, 1]]), [2], [2], zero_infinity=True).item() == 0


def test_pools_norms_and_distances() -> None:
    agree(lambda m, x: m.nn.functional.lp_pool2d(x, 2.0, (2, 3), stride=2), IMAGE.abs() + 0.1)
    agree(lambda m, x: m.nn.functional.local_response_norm(x, 3, 0.1), IMAGE)
    agree(lambda m, x: m.nn.functional.pdist(x), numbers(4, 3), order=1)
    agree(lambda m, a, b, w, c: m.nn.functional.bilinear(a, b, w, c), numbers(4, 2), numbers(4, 3), numbers(5, 2, 3),
          numbers(5))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_embedding_bag(mode: str) -> None:
    index, offsets = pt.tensor([1, 2, 4, 5, 4, 3]), pt.tensor([0, 2, 2])
    agree(lambda m, i, w, o: m.nn.functional.embedding_bag(i, w, o, mode=mode, padding_idx=4), index, numbers(6, 3),
          offsets, order=1)
    agree(lambda m, i, w: m.nn.functional.embedding_bag(i, w, mode=mode), index.view(2, 3), numbers(6, 3), order=1)
