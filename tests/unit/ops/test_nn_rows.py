"""Softmax, losses, convolution and pooling against PyTorch: values, gradients, second derivatives, errors."""

from __future__ import annotations

from typing import Any

import pytest
import torch as pt

import rushlight as rl
from rushlight import _native
from tests.unit.ops.oracle import agree, equal, numbers, ours, refuse

# ------------------------------------------------------------------ softmax


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "dim"),
    [((3, 4), 1), ((3, 4), 0), ((2, 3, 4), 1), ((5,), -1), ((), 0), ((0, 3), 1), ((3, 0), 1), ((3, 0), 0)],
)
def test_softmax(name: str, shape: tuple[int, ...], dim: int) -> None:
    def call(m: Any, x: Any) -> Any:
        return getattr(m, name)(x, dim)

    agree(call, numbers(*shape) * 3)
    agree(call, numbers(*shape, dtype=pt.float32), tolerance=2e-6, order=1)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_views_and_extremes(name: str) -> None:
    agree(lambda m, x: getattr(m, name)(x.permute(2, 0, 1), 1), numbers(2, 3, 4), order=1)
    extremes = pt.tensor(
        [[1e300, -1e300, 0.0], [float("-inf"), 0.0, 1.0], [float("inf"), 0.0, 1.0], [float("nan"), 0.0, 1.0]],
        dtype=pt.float64,
    )
    agree(lambda m, x: getattr(m, name)(x, 1), extremes, order=0)
    agree(lambda m, x: getattr(m, name)(x, 1), pt.full((2, 3), float("-inf"), dtype=pt.float64), order=0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_dtype(name: str) -> None:
    agree(lambda m, x: getattr(m, name)(x, 1, dtype=m.float64), numbers(3, 4, dtype=pt.float32), tolerance=1e-6)
    agree(lambda m, x: getattr(m, name)(x, 1, dtype=m.float64), pt.tensor([[1, 2], [4, 3]]), order=0)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_refuses(name: str) -> None:
    refuse(lambda m, x: getattr(m, name)(x, 2), pt.zeros(2, 3))
    refuse(lambda m, x: getattr(m, name)(x, -3), pt.zeros(2, 3))
    refuse(lambda m, x: getattr(m, name)(x, 1), pt.zeros(2, 3, dtype=pt.int64))


# ------------------------------------------------------------------ losses for class indices

REDUCTIONS = ("none", "mean", "sum")
LOSSES = [
    ((4, 3), (4,)),
    ((3,), ()),
    ((2, 3, 4), (2, 4)),
    ((2, 3, 2, 2), (2, 2, 2)),
    ((0, 3), (0,)),
    ((2, 3, 0), (2, 0)),
    ((2, 3, 2, 1, 2), (2, 2, 1, 2)),
]


def classes(shape: tuple[int, ...], ignored: bool) -> pt.Tensor:
    count = pt.Size(shape).numel()
    values = pt.tensor([i * 5 % 3 for i in range(count)], dtype=pt.int64)
    if ignored and count > 1:
        values[1] = -100
    return values.reshape(shape)


def nll_loss(
    m: Any, x: Any, target: Any, weight: Any, reduction: str, ignore_index: int = -100, smoothing: float = 0.0
) -> Any:
    if m is pt:
        return pt.nn.functional.nll_loss(x, target, weight, reduction=reduction, ignore_index=ignore_index)
    return _native._nll_loss(x, target, weight, REDUCTIONS.index(reduction), ignore_index)[0]


def cross_entropy(
    m: Any, x: Any, target: Any, weight: Any, reduction: str, ignore_index: int = -100, smoothing: float = 0.0
) -> Any:
    if m is pt:
        return pt.nn.functional.cross_entropy(
            x, target, weight, reduction=reduction, ignore_index=ignore_index, label_smoothing=smoothing
        )
    return _native._cross_entropy(x, target, weight, REDUCTIONS.index(reduction), ignore_index, smoothing)[0]


WEIGHT = (0.5, 2.0, 1.25)


def with_weight(loss: Any, weighted: bool, *options: Any) -> Any:
    def call(m: Any, x: Any, target: Any) -> Any:
        return loss(m, x, target, m.tensor(WEIGHT, dtype=x.dtype) if weighted else None, *options)

    return call


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "target"), LOSSES)
def test_nll_loss(shape: tuple[int, ...], target: tuple[int, ...], reduction: str) -> None:
    for weighted in (False, True):
        for ignored in (False, True):
            agree(with_weight(nll_loss, weighted, reduction), numbers(*shape), classes(target, ignored), order=1)
    agree(with_weight(nll_loss, True, reduction, 1), numbers(*shape), classes(target, False), order=1)
    agree(
        with_weight(nll_loss, False, reduction),
        numbers(*shape, dtype=pt.float32),
        classes(target, False),
        tolerance=1e-6,
        order=1,
    )


def test_nll_loss_second_derivative() -> None:
    def call(m: Any, x: Any, target: Any) -> Any:
        return nll_loss(m, m.log_softmax(x * x, 1), target, None, "mean")

    agree(call, numbers(4, 3), classes((4,), True))


@pytest.mark.parametrize("smoothing", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("shape", "target"), LOSSES)
def test_cross_entropy(shape: tuple[int, ...], target: tuple[int, ...], reduction: str, smoothing: float) -> None:
    for weighted in (False, True):
        for ignored in (False, True):
            agree(
                with_weight(cross_entropy, weighted, reduction, -100, smoothing),
                numbers(*shape),
                classes(target, ignored),
            )
    agree(with_weight(cross_entropy, True, reduction, 1, smoothing), numbers(*shape), classes(target, False))
    agree(
        with_weight(cross_entropy, False, reduction),
        numbers(*shape, dtype=pt.float32),
        classes(target, False),
        tolerance=2e-6,
        order=1,
    )


@pytest.mark.parametrize("loss", [nll_loss, cross_entropy])
def test_losses_of_views(loss: Any) -> None:
    agree(lambda m, x, t: loss(m, x.t(), t[::2], None, "mean"), numbers(3, 4), classes((8,), False), order=1)
    agree(
        lambda m, x, t: loss(m, x.permute(0, 2, 1), t.t(), None, "none"),
        numbers(2, 4, 3),
        classes((4, 2), True),
        order=1,
    )


@pytest.mark.parametrize("loss", [nll_loss, cross_entropy])
def test_all_ignored(loss: Any) -> None:
    for reduction in REDUCTIONS:
        agree(with_weight(loss, False, reduction), numbers(2, 3), pt.full((2,), -100), order=1)


@pytest.mark.parametrize("loss", [nll_loss, cross_entropy])
def test_losses_refuse(loss: Any) -> None:
    def call(m: Any, x: Any, target: Any, weight: Any = None) -> Any:
        return loss(m, x, target, weight, "mean")

    x = pt.zeros(2, 3)
    assert "position 1" in refuse(call, x, pt.tensor([0, 3]))
    assert "-1" in refuse(call, x, pt.tensor([0, -1]))
    refuse(call, pt.zeros(2, 0), pt.tensor([0, 0]))
    refuse(call, x, pt.tensor([0, 1, 1]))
    refuse(call, x, pt.tensor([0.0, 1.0]))
    refuse(call, x, pt.tensor([0, 1]), pt.zeros(2))
    refuse(call, x, pt.tensor([0, 1]), pt.zeros(3, 1))
    refuse(call, x, pt.tensor([0, 1]), pt.zeros(3, dtype=pt.float64))
    refuse(call, pt.zeros(2, 3, dtype=pt.int64), pt.tensor([0, 1]))
    refuse(call, pt.zeros(2, 3, 4), pt.zeros(2, dtype=pt.int64))
    refuse(call, pt.zeros(2, 3, 4, 5), pt.zeros(2, 4, 4, dtype=pt.int64))


def test_label_smoothing_range() -> None:
    refuse(with_weight(cross_entropy, False, "mean", -100, 1.5), pt.zeros(2, 3), pt.tensor([0, 1]))


def test_target_changed_before_backward() -> None:
    x, target = rl.zeros(2, 3, requires_grad=True), rl.tensor([0, 1])
    loss = _native._cross_entropy(x, target, None, 1, -100, 0.0)[0]
    target.fill_(7)
    with pytest.raises(RuntimeError):
        loss.backward()


# ------------------------------------------------------------------ convolution


def conv(spatial: int, **options: Any) -> Any:
    def call(m: Any, *arguments: Any) -> Any:
        return getattr(m.nn.functional, f"conv{spatial}d")(*arguments, **options)

    return call


CONVOLUTIONS: list[tuple[tuple[int, ...], tuple[int, ...], bool, dict[str, Any]]] = [
    ((2, 3, 5, 6), (4, 3, 3, 2), True, {}),
    ((3, 5, 6), (4, 3, 3, 2), True, {}),
    ((2, 3, 5, 6), (4, 3, 1, 1), False, {}),
    ((2, 4, 5, 6), (6, 2, 3, 3), True, {"groups": 2, "padding": 1}),
    ((2, 4, 5, 6), (4, 1, 3, 3), True, {"groups": 4, "stride": 2}),
    ((1, 2, 7, 8), (3, 2, 3, 2), True, {"stride": (2, 3), "padding": (2, 1), "dilation": (1, 2)}),
    ((1, 2, 7, 8), (3, 2, 3, 2), True, {"stride": (2,), "padding": [1], "dilation": (2,)}),
    ((1, 2, 5, 6), (3, 2, 3, 3), True, {"padding": "same"}),
    ((1, 2, 5, 6), (3, 2, 2, 4), True, {"padding": "same"}),
    ((1, 2, 5, 6), (3, 2, 2, 3), False, {"padding": "same", "dilation": (3, 2)}),
    ((1, 2, 5, 6), (3, 2, 3, 3), True, {"padding": "valid", "stride": 2}),
    ((0, 2, 5, 6), (3, 2, 3, 3), True, {}),
    ((2, 3, 7), (4, 3, 3), True, {"stride": 2, "padding": 1}),
    ((3, 7), (4, 3, 4), True, {"padding": "same"}),
    ((2, 2, 4, 5, 3), (3, 2, 2, 3, 2), True, {"padding": 1, "stride": (1, 2, 1)}),
    ((2, 4, 5, 3), (3, 2, 2, 3, 2), False, {}),
]


@pytest.mark.parametrize(("x", "weight", "bias", "options"), CONVOLUTIONS)
def test_convolution(x: tuple[int, ...], weight: tuple[int, ...], bias: bool, options: dict[str, Any]) -> None:
    call = conv(len(weight) - 2, **options)
    arguments = [numbers(*x), numbers(*weight, seed=1)] + ([numbers(weight[0], seed=2)] if bias else [])
    agree(call, *arguments, tolerance=1e-8)
    agree(call, *(a.float() for a in arguments), tolerance=1e-3, order=1)


def test_convolution_of_views() -> None:
    agree(conv(2, padding=1), numbers(2, 5, 6, 3).permute(0, 3, 1, 2), numbers(3, 4, 3, 3).transpose(0, 1), order=1)


@pytest.mark.parametrize(
    ("shapes", "options"),
    [
        ([(1, 3, 5, 5), (4, 2, 3, 3)], {}),
        ([(1, 3, 5, 5), (4, 3, 3)], {}),
        ([(3, 5), (4, 3, 3, 3)], {}),
        ([(1, 3, 5, 5), (4, 3, 3, 3), (3,)], {}),
        ([(1, 3, 5, 5), (4, 3, 3, 3), (4, 1)], {}),
        ([(1, 3, 5, 5), (4, 3, 3, 3)], {"stride": (1, 2, 3)}),
        ([(1, 3, 5, 5), (4, 3, 3, 3)], {"stride": ()}),
        ([(1, 3, 5, 5), (4, 3, 3, 3)], {"stride": 0}),
        ([(1, 3, 5, 5), (4, 3, 3, 3)], {"padding": -1}),
        ([(1, 3, 5, 5), (4, 3, 3, 3)], {"dilation": 0}),
        ([(1, 3, 5, 5), (4, 3, 3, 3)], {"padding": (1, 2, 3)}),
        ([(1, 3, 5, 5), (4, 3, 3, 3)], {"dilation": (1, 2, 3)}),
        ([(1, 3, 5, 5), (4, 3, 2, 2)], {"padding": "same", "stride": 2}),
        ([(1, 3, 5, 5), (4, 3, 2, 2)], {"padding": "full"}),
        ([(1, 3, 5, 5), (4, 3, 7, 7)], {}),
        ([(1, 4, 5, 5), (3, 2, 3, 3)], {"groups": 2}),
        ([(1, 4, 5, 5), (4, 2, 3, 3)], {"groups": 0}),
        ([(1, 5, 5, 5), (4, 2, 3, 3)], {"groups": 2}),
        ([(1, 3, 5, 5), (0, 3, 3, 3)], {}),
        ([(1, 3, 0, 5), (4, 3, 3, 3)], {}),
        ([(1, 3, 0, 5), (4, 3, 3, 3)], {"padding": 2}),
        ([(1, 3, 5, 5), (4, 3, 0, 3)], {}),
    ],
)
def test_convolution_refuses(shapes: list[tuple[int, ...]], options: dict[str, Any]) -> None:
    refuse(conv(2, **options), *(pt.zeros(s) for s in shapes))


def test_convolution_refuses_dtypes() -> None:
    refuse(conv(2), pt.zeros(1, 3, 5, 5), pt.zeros(4, 3, 3, 3, dtype=pt.float64))
    refuse(conv(2), pt.zeros(1, 3, 5, 5), pt.zeros(4, 3, 3, 3), pt.zeros(4, dtype=pt.float64))
    refuse(conv(2), pt.zeros(1, 3, 5, 5, dtype=pt.bool), pt.zeros(4, 3, 3, 3, dtype=pt.bool))


# ------------------------------------------------------------------ pooling


def max_pool2d(*arguments: Any, **options: Any) -> Any:
    def call(m: Any, x: Any) -> Any:
        return m.nn.functional.max_pool2d(x * x, *arguments, **options)

    return call


@pytest.mark.parametrize("shape", [(2, 3, 6, 7), (3, 6, 7), (0, 3, 6, 7)])
@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((2,), {}),
        (((2, 3),), {}),
        (((2,),), {}),
        ((3, 2), {}),
        ((3, (1, 2)), {"padding": 1}),
        ((2, 2), {"ceil_mode": True}),
        ((3, 2), {"dilation": 2, "padding": (1, 0)}),
        ((2, ()), {}),
        ((3, 1), {"padding": (1,), "ceil_mode": True}),
    ],
)
def test_max_pool2d(shape: tuple[int, ...], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    agree(max_pool2d(*arguments, **options), numbers(*shape))
    agree(max_pool2d(*arguments, **options), numbers(*shape, dtype=pt.float32), tolerance=1e-6, order=1)


def test_max_pool2d_special_values() -> None:
    x = pt.zeros(1, 1, 4, 6, dtype=pt.float64)
    x[0, 0, 1, 1] = float("nan")
    x[0, 0, 2:, 2:4] = float("-inf")
    agree(max_pool2d(2), x, order=1)
    agree(max_pool2d(2), numbers(2, 6, 3, 4).permute(0, 2, 1, 3), order=1)
    agree(max_pool2d(2), (numbers(1, 2, 4, 4) * 5).long(), order=0)


@pytest.mark.parametrize(
    ("shape", "arguments", "options"),
    [
        ((5, 5), (2,), {}),
        ((1, 1, 3, 5, 5), (2,), {}),
        ((1, 3, 5, 5), (2,), {"padding": 2}),
        ((1, 3, 5, 5), (2,), {"padding": -1}),
        ((1, 3, 5, 5), (3,), {"padding": 2, "dilation": 3}),
        ((1, 3, 5, 5), (2, 0), {}),
        ((1, 3, 5, 5), (0,), {}),
        ((1, 3, 5, 5), (2,), {"dilation": 0}),
        ((1, 3, 5, 5), ((2, 3, 4),), {}),
        ((1, 3, 5, 5), (2, (1, 2, 3)), {}),
        ((1, 3, 5, 5), (2,), {"padding": (0, 0, 0)}),
        ((1, 3, 5, 5), (2,), {"dilation": (1, 1, 1)}),
        ((1, 3, 5, 5), (6,), {}),
        ((1, 0, 5, 5), (2,), {}),
        ((0, 5, 5), (2,), {}),
        ((1, 3, 0, 5), (2,), {}),
    ],
)
def test_max_pool2d_refuses(shape: tuple[int, ...], arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    refuse(max_pool2d(*arguments, **options), pt.zeros(shape))


def test_pool_indices_are_checked() -> None:
    x, indices = rl.zeros(1, 1, 4, 4), rl.full((1, 1, 2, 2), 16)
    with pytest.raises(RuntimeError, match="16"):
        _native._max_pool_take(x, indices)
    with pytest.raises(RuntimeError, match="16"):
        _native._max_pool_grad(rl.zeros(1, 1, 2, 2), (1, 1, 4, 4), indices)


def test_pool_indices() -> None:
    x = numbers(2, 3, 6, 7)
    theirs = pt.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True)
    mine = _native._max_pool(ours(x), [3, 3], [2, 2], [1, 1], [1, 1], False)
    for a, b in zip(mine, theirs, strict=True):
        equal(a, b)


# ------------------------------------------------------------------ meta


def test_meta() -> None:
    functional = rl.nn.functional

    def meta(*shape: int, dtype: Any = rl.float32) -> Any:
        return rl.empty(*shape, dtype=dtype, device="meta")

    target = meta(2, dtype=rl.int64)
    assert tuple(functional.conv2d(meta(2, 3, 8, 8), meta(4, 3, 3, 3), meta(4), padding="same").shape) == (2, 4, 8, 8)
    assert tuple(functional.max_pool2d(meta(2, 3, 8, 8), 2).shape) == (2, 3, 4, 4)
    assert tuple(rl.softmax(meta(2, 3), 1).shape) == (2, 3)
    assert tuple(_native._cross_entropy(meta(2, 3), target, None, 1, -100, 0.0)[0].shape) == ()
    assert tuple(_native._nll_loss(meta(2, 3), target, None, 0, -100)[0].shape) == (2,)
    with pytest.raises(RuntimeError):
        functional.conv2d(meta(1, 3, 5, 5), rl.zeros(4, 3, 3, 3))
    with pytest.raises(RuntimeError):
        _native._nll_loss(meta(2, 3), rl.tensor([0, 1]), None, 1, -100)
