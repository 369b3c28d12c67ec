"""Matrix, convolution, pooling and loss kernels against PyTorch: every level, oneDNN, one to three threads."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch as pt
import torch.nn.functional as F

from tests.unit.native.kernels_nn_library import FLOATS, WAYS, Kernels, close, spatial

# --- matrix products ---


def matmul(
    kernels: Kernels, a: pt.Tensor, b: pt.Tensor, bias: pt.Tensor | None = None, alpha: float = 1.0, beta: float = 0.0,
    start: pt.Tensor | None = None,
) -> pt.Tensor:  # fmt: skip
    """a: (batch, m, k), b: (batch, k, n) of any strides."""
    batch, m, k = a.shape
    n = b.shape[2]
    c = (
        pt.full((batch, m, n), float("nan") if a.dtype.is_floating_point else 77, dtype=a.dtype)
        if start is None
        else start.clone()
    )
    shape = [batch, m, n, k, *a.stride(), *b.stride(), m * n, n]
    kernels.call("matmul", a.dtype, shape, a, b, c, bias, alpha, beta)
    return c


def operand(batch: int, rows: int, columns: int, dtype: pt.dtype, form: str) -> pt.Tensor:
    def fresh(*sizes: int) -> pt.Tensor:
        return pt.randn(sizes, dtype=dtype) if dtype.is_floating_point else pt.randint(-9, 9, sizes, dtype=dtype)

    if form == "plain":
        return fresh(batch, rows, columns)
    if form == "turned":
        return fresh(batch, columns, rows).mT
    if form == "spread":
        return fresh(batch, 2 * rows, 3 * columns)[:, ::2, ::3]
    return fresh(1, rows, columns).expand(batch, rows, columns)


SIZES = [
    (1, 1, 1), (4, 4, 4), (3, 5, 7), (16, 16, 16), (17, 33, 9), (1, 100, 70), (1, 1, 300), (100, 1, 70), (5, 1, 3),
    (3, 600, 80), (64, 10, 128), (33, 31, 300), (15, 300, 40), (130, 95, 70), (129, 140, 260), (2, 3, 700),
]  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("m", "n", "k"), SIZES)
def test_matmul(kernels: Kernels, m: int, n: int, k: int, dtype: pt.dtype) -> None:
    for left, right in itertools.product(("plain", "turned", "spread"), repeat=2):
        a, b = operand(1, m, k, dtype, left), operand(1, k, n, dtype, right)
        close(matmul(kernels, a, b), a.double() @ b.double(), k**0.5)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("m", "n", "k"), [(4, 4, 4), (1, 80, 60), (60, 1, 30), (40, 50, 60), (150, 140, 280), (3, 7, 0)]
)
def test_matmul_alpha_beta_bias(kernels: Kernels, m: int, n: int, k: int, dtype: pt.dtype) -> None:
    for left, right in itertools.product(("plain", "turned"), repeat=2):
        a, b = operand(1, m, k, dtype, left), operand(1, k, n, dtype, right)
        start, bias = pt.randn(1, m, n, dtype=dtype), pt.randn(n, dtype=dtype)
        product = a.double() @ b.double()
        scale = max(k, 1) ** 0.5
        close(matmul(kernels, a, b, bias), product + bias, scale)
        close(matmul(kernels, a, b, bias, 0.5, -2.0, start), 0.5 * product - 2 * start + bias, scale)
        close(matmul(kernels, a, b, None, 1.0, 1.0, start), product + start, scale)


@pytest.mark.parametrize("dtype", (*FLOATS, pt.int64))
@pytest.mark.parametrize(("m", "n", "k"), [(4, 4, 4), (1, 9, 30), (20, 21, 22), (120, 70, 90)])
def test_batched_matmul(kernels: Kernels, m: int, n: int, k: int, dtype: pt.dtype) -> None:
    forms = ("plain", "turned", "spread", "expanded")
    for left, right in itertools.product(forms, repeat=2):
        a, b = operand(5, m, k, dtype, left), operand(5, k, n, dtype, right)
        exact = a.double() @ b.double()
        close(matmul(kernels, a, b), exact.to(dtype), k**0.5)


@pytest.mark.parametrize("sizes", [(0, 2, 3, 4), (2, 0, 3, 4), (2, 3, 0, 4), (2, 3, 4, 0)])
def test_empty_matmul(kernels: Kernels, sizes: tuple[int, ...]) -> None:
    batch, m, n, k = sizes
    for dtype in (*FLOATS, pt.int64):
        a, b = pt.ones(batch, m, k, dtype=dtype), pt.ones(batch, k, n, dtype=dtype)
        assert pt.equal(matmul(kernels, a, b), a @ b)


def test_integers_wrap_around(kernels: Kernels) -> None:
    a = pt.randint(-128, 127, (1, 9, 30), dtype=pt.int8)
    b = pt.randint(-128, 127, (1, 30, 11), dtype=pt.int8)
    assert pt.equal(matmul(kernels, a, b), (a.long() @ b.long()).to(pt.int8))
    big = pt.full((1, 2, 2), 2**62, dtype=pt.int64)
    assert pt.equal(matmul(kernels, big, 3 * pt.ones_like(big)), pt.full_like(big, -(2**63)))  # 6 * 2^62 - 2^64


def test_not_a_number_stays_in_its_row(kernels: Kernels) -> None:
    for size in (4, 40, 200):
        a, b = pt.randn(1, size, size), pt.randn(1, size, size)
        a[0, 1, 2] = float("nan")
        b[0, 3, 0] = float("inf")
        result = matmul(kernels, a, b)
        assert result[0, 1].isnan().all()
        assert result[0, 2:, 1:].isfinite().all()
        assert result[0, 2:, 0].isinf().all()


# --- convolution ---

CONVS = [
    # batch, channels, size, k, kernel, stride, padding, dilation, groups
    (2, 3, (9,), 4, (3,), (1,), (0,), (1,), 1),
    (2, 4, (11,), 6, (4,), (3,), (2,), (2,), 2),
    (16, 1, (8, 8), 16, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (3, 4, (7, 9), 8, (3, 2), (2, 1), (1, 0), (1, 2), 1),
    (2, 6, (8, 5), 6, (3, 3), (1, 2), (2, 1), (1, 1), 6),
    (2, 8, (6, 6), 12, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    (2, 8, (6, 7), 4, (1, 1), (2, 3), (0, 0), (1, 1), 4),
    (1, 20, (13, 40), 33, (5, 5), (1, 1), (2, 2), (1, 1), 1),
    (2, 5, (4, 4), 3, (1, 1), (1, 1), (1, 1), (1, 1), 1),
    (1, 2, (3, 3), 2, (3, 3), (1, 1), (4, 4), (1, 1), 1),
    (2, 3, (5, 6, 7), 4, (3, 2, 3), (1, 2, 1), (1, 0, 1), (1, 1, 2), 1),
    (9, 70, (30, 31), 9, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    (0, 3, (5, 5), 4, (3, 3), (1, 1), (1, 1), (1, 1), 1),
]


def conv_case(case: tuple, dtype: pt.dtype) -> tuple[list[int], pt.Tensor, pt.Tensor, pt.Tensor, pt.Tensor, Callable]:
    n, c, size, k, kernel, stride, padding, dilation, groups = case
    x, w, bias = (pt.randn(s, dtype=dtype) for s in ((n, c, *size), (k, c // groups, *kernel), (k,)))
    function = (F.conv1d, F.conv2d, F.conv3d)[len(size) - 1]

    def run(x: pt.Tensor, w: pt.Tensor, bias: pt.Tensor | None) -> pt.Tensor:
        return function(x, w, bias, stride, padding, dilation, groups)

    out = run(x.double(), w.double(), None).shape[2:]
    shape = [n, c, k, groups, *spatial(size, 1), *spatial(kernel, 1), *spatial(out, 1), *spatial(stride, 1)]
    shape += [*spatial(padding, 0), *spatial(dilation, 1)]
    return shape, x, w, bias, pt.randn(n, k, *out, dtype=dtype), run


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", CONVS)
def test_conv(kernels: Kernels, case: tuple, dtype: pt.dtype) -> None:
    shape, x, w, bias, dy, run = conv_case(case, dtype)
    exact = [t.double().requires_grad_() for t in (x, w, bias)]
    expected = run(*exact)
    expected.backward(dy.double())
    y, dx, dw, db = (pt.full_like(t, float("nan")) for t in (dy, x, w, bias))
    scale = max(1.0, (dy.numel() * w[0].numel() / max(1, dy.shape[0] * dy.shape[1])) ** 0.5)
    kernels.call("conv_forward", dtype, shape, x, w, bias, y)
    close(y, expected.detach(), scale)
    kernels.call("conv_forward", dtype, shape, x, w, None, y)
    close(y, (expected - exact[2].view(1, -1, *[1] * (x.ndim - 2))).detach(), scale)
    kernels.call("conv_backward_input", dtype, shape, dy, w, dx, None)
    close(dx, exact[0].grad, scale)
    kernels.call("conv_backward_weight", dtype, shape, x, dy, dw)
    close(dw, exact[1].grad, scale)
    kernels.call("conv_backward_bias", dtype, shape, dy, db)
    close(db, exact[2].grad, scale)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("stride", "padding", "extra", "dilation", "groups"),
    [(1, 0, 0, 1, 1), (2, 1, 1, 1, 2), (3, 2, 2, 2, 1), (1, 1, 1, 2, 1)],
)
def test_transposed_conv(
    kernels: Kernels, stride: int, padding: int, extra: int, dilation: int, groups: int, dtype: pt.dtype
) -> None:  # fmt: skip
    x, w, bias = (
        pt.randn(2, 4, 5, 6, dtype=dtype),
        pt.randn(4, 6 // groups, 3, 3, dtype=dtype),
        pt.randn(6, dtype=dtype),
    )
    expected = F.conv_transpose2d(x, w, bias, stride, padding, extra, groups, dilation)
    shape = [
        2,
        6,
        4,
        groups,
        1,
        *expected.shape[2:],
        1,
        3,
        3,
        1,
        5,
        6,
        1,
        stride,
        stride,
        0,
        padding,
        padding,
        1,
        dilation,
        dilation,
    ]
    y = pt.full_like(expected, float("nan"))
    kernels.call("conv_backward_input", dtype, shape, x, w, y, bias)
    close(y, expected, 10)


# --- pooling ---

POOLS = [
    # size, kernel, stride, padding, dilation, ceil
    ((9,), (3,), (2,), (1,), (1,), False),
    ((8, 8), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ((7, 9), (3, 2), (2, 3), (1, 1), (1, 1), True),
    ((10, 11), (3, 3), (2, 1), (1, 0), (2, 3), False),
    ((5, 6, 7), (2, 3, 2), (2, 2, 3), (1, 1, 0), (1, 1, 2), True),
]


def pool_shape(
    planes: int, size: tuple, kernel: tuple, out: tuple, stride: tuple, padding: tuple, dilation: tuple
) -> list[int]:
    return [
        planes, *spatial(size, 1), *spatial(kernel, 1), *spatial(out, 1), *spatial(stride, 1), *spatial(padding, 0),
        *spatial(dilation, 1),
    ]  # fmt: skip


def pooled(
    kernels: Kernels, size: tuple, kernel: tuple, stride: tuple, padding: tuple, dilation: tuple, ceil: bool
) -> tuple:
    zipped = zip(size, kernel, stride, padding, dilation, strict=True)
    return tuple(kernels.call("pool_size", None, *sizes, ceil) for sizes in zipped)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("case", POOLS)
def test_max_pool(kernels: Kernels, case: tuple, dtype: pt.dtype) -> None:
    size, kernel, stride, padding, dilation, ceil = case
    x = pt.randint(-3, 3, (2, 3, *size)).to(dtype).requires_grad_()  # ties
    with pt.no_grad():
        x[0, 0].view(-1)[::5] = float("nan")
        x[0, 1] = -float("inf")
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(size) - 1]
    expected, places = function(x, kernel, stride, padding, dilation, ceil, return_indices=True)
    out = pooled(kernels, *case)
    assert out == expected.shape[2:]
    y, indices = pt.empty_like(expected), pt.full_like(places, -1)
    shape = pool_shape(6, size, kernel, out, stride, padding, dilation)
    kernels.call("max_pool", dtype, shape, x, y, indices)
    assert pt.equal(indices, places)
    pt.testing.assert_close(y, expected.detach(), rtol=0, atol=0, equal_nan=True)
    kernels.call("max_pool", dtype, shape, x, pt.empty_like(y), None)
    dy, dx = pt.randn_like(y), pt.full_like(x, float("nan"))
    expected.backward(dy)
    kernels.call("max_pool_backward", dtype, 6, x[0, 0].numel(), y[0, 0].numel(), dy, indices, dx)
    close(dx, x.grad)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "case",
    [case for case in POOLS if set(case[4]) == {1}] + [((5, 6, 7), (2, 3, 2), (2, 2, 3), (1, 1, 0), (1, 1, 1), True)],
)
def test_avg_pool(kernels: Kernels, case: tuple, dtype: pt.dtype) -> None:
    size, kernel, stride, padding, _, ceil = case
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(size) - 1]
    for count_pad, divisor in ((True, 0), (False, 0), (True, 5)):
        if divisor and len(size) == 1:
            continue
        x = pt.randn(2, 3, *size, dtype=dtype, requires_grad=True)
        more = () if len(size) == 1 else (divisor or None,)
        expected = function(x, kernel, stride, padding, ceil, count_pad, *more)
        shape = pool_shape(6, size, kernel, pooled(kernels, *case), stride, padding, (1,) * len(size))
        y = pt.full_like(expected, float("nan"))
        kernels.call("avg_pool", dtype, shape, count_pad, divisor, x, y)
        close(y, expected.detach())
        dy, dx = pt.randn_like(y), pt.full_like(x, float("nan"))
        expected.backward(dy)
        kernels.call("avg_pool_backward", dtype, shape, count_pad, divisor, dy, dx)
        close(dx, x.grad)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("size", "out"), [((9,), (4,)), ((7, 8), (3, 5)), ((4, 4), (1, 1)), ((3, 2), (5, 7)), ((5, 6, 7), (2, 4, 3))]
)
def test_adaptive_pool(kernels: Kernels, size: tuple, out: tuple, dtype: pt.dtype) -> None:
    x = pt.randn(2, 3, *size, dtype=dtype, requires_grad=True)
    one = (1,) * len(size)
    shape = pool_shape(6, size, one, out, one, (0,) * len(size), one)
    average = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[len(size) - 1](x, out)
    y = pt.full_like(average, float("nan"))
    kernels.call("adaptive_avg_pool", dtype, shape, x, y)
    close(y, average.detach())
    dy, dx = pt.randn_like(y), pt.full_like(x, float("nan"))
    average.backward(dy)
    kernels.call("adaptive_avg_pool_backward", dtype, shape, dy, dx)
    close(dx, x.grad)
    largest, places = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[len(size) - 1](
        x, out, return_indices=True
    )
    indices = pt.full_like(places, -1)
    kernels.call("adaptive_max_pool", dtype, shape, x, y, indices)
    assert pt.equal(indices, places)
    assert pt.equal(y, largest)


# --- softmax and losses ---


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [(1, 1, 1), (5, 10, 1), (3, 1000, 1), (700, 33, 1), (4, 7, 5), (2, 3, 200), (3, 40, 1100), (0, 3, 1), (2, 0, 3)],
)
def test_softmax(kernels: Kernels, sizes: tuple[int, int, int], log: bool, dtype: pt.dtype) -> None:
    x = (pt.randn(sizes, dtype=dtype) * 10).requires_grad_()
    expected = (F.log_softmax if log else F.softmax)(x, 1)
    y, dy, dx = pt.full_like(x, float("nan")), pt.randn_like(x), pt.full_like(x, float("nan"))
    kernels.call("softmax", dtype, log, *sizes, x, y)
    close(y, expected.detach())
    expected.backward(dy)
    kernels.call("softmax_backward", dtype, log, *sizes, dy, y, dx)
    close(dx, x.grad, max(sizes[1], 1) ** 0.5)


@pytest.mark.parametrize("inner", [1, 3])
def test_softmax_of_extremes(kernels: Kernels, inner: int) -> None:
    inf, nan = float("inf"), float("nan")
    rows = pt.tensor(
        [[1e4, 0, -1e4], [-inf, 2, 3], [-inf, -inf, -inf], [inf, 1, 2], [nan, 1, 2], [-1e30, -1e30, -1e30]]
    )
    x = rows.unsqueeze(-1).expand(6, 3, inner).contiguous()
    for log in (False, True):
        y = pt.empty_like(x)
        kernels.call("softmax", pt.float32, log, 6, 3, inner, x, y)
        close(y, (F.log_softmax if log else F.softmax)(x, 1))


REDUCTIONS = ("none", "mean", "sum")
LOSSES = [(6, 10, ()), (300, 5, ()), (3, 37, ()), (2, 4, (5, 6)), (1, 3, (9000,)), (9, 1, ())]


def loss_case(
    n: int, classes: int, space: tuple, dtype: pt.dtype, ignored: float = 0.3
) -> tuple[pt.Tensor, pt.Tensor, pt.Tensor]:
    x = pt.randn(n, classes, *space, dtype=dtype, requires_grad=True)
    target = pt.randint(0, classes, (n, *space))
    target[pt.rand(n, *space) < ignored] = -100
    return x, target, pt.rand(classes, dtype=dtype)


def loss_shape(x: pt.Tensor, target: pt.Tensor, reduction: str, ignore: int = -100) -> list[int]:
    n, classes = x.shape[:2]
    # The enum is a 32-bit int in the last field.
    return [n, classes, target[0].numel() if n else 1, ignore, REDUCTIONS.index(reduction)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("n", "classes", "space"), LOSSES)
def test_nll_loss(kernels: Kernels, n: int, classes: int, space: tuple, reduction: str, dtype: pt.dtype) -> None:
    for weighted in (False, True):
        x, target, weight = loss_case(n, classes, space, dtype)
        weight = weight if weighted else None
        expected = F.nll_loss(x, target, weight, reduction=reduction)
        shape = loss_shape(x, target, reduction)
        loss, total, dx = pt.empty_like(expected), pt.empty(1, dtype=dtype), pt.full_like(x, float("nan"))
        assert kernels.call("nll_loss", dtype, shape, x, target, weight, loss, total) == -1
        close(loss, expected.detach(), 10)
        dloss = pt.randn_like(expected)
        expected.backward(dloss)
        kernels.call("nll_loss_backward", dtype, shape, dloss, target, weight, total.item(), dx)
        close(dx, x.grad, 10)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize(("n", "classes", "space"), LOSSES)
def test_cross_entropy(
    kernels: Kernels, n: int, classes: int, space: tuple, smoothing: float, reduction: str, dtype: pt.dtype
) -> None:  # fmt: skip
    for weighted in (False, True):
        x, target, weight = loss_case(n, classes, space, dtype)
        weight = weight if weighted else None
        expected = F.cross_entropy(x, target, weight, reduction=reduction, label_smoothing=smoothing)
        loss, total, dx = pt.empty_like(expected), pt.empty(1, dtype=dtype), pt.full_like(x, float("nan"))
        saved = pt.empty(2 * max(1, target.numel()), dtype=dtype)
        shape = loss_shape(x, target, reduction)
        assert kernels.call("cross_entropy", dtype, shape, smoothing, x, target, weight, loss, total, saved) == -1
        close(loss, expected.detach(), 10)
        dloss = pt.randn_like(expected)
        expected.backward(dloss)
        kernels.call(
            "cross_entropy_backward", dtype, shape, smoothing, dloss, x, target, weight, total.item(), saved, dx
        )
        close(dx, x.grad, 10)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_no_target_counts(kernels: Kernels, smoothing: float) -> None:
    for n, ignored in ((4, 2.0), (0, 0.0)):
        for reduction in ("mean", "sum"):
            x, target, _ = loss_case(n, 3, (), pt.float32, ignored)
            expected = F.cross_entropy(x, target, reduction=reduction, label_smoothing=smoothing)
            loss, total, saved, dx = pt.empty(()), pt.empty(1), pt.empty(8), pt.full_like(x, 7.0)
            shape = loss_shape(x, target, reduction)
            kernels.call("cross_entropy", pt.float32, shape, smoothing, x, target, None, loss, total, saved)
            close(loss, expected.detach())
            kernels.call(
                "cross_entropy_backward",
                pt.float32,
                shape,
                smoothing,
                pt.ones(()),
                x,
                target,
                None,
                total.item(),
                saved,
                dx,
            )
            assert pt.equal(dx, pt.zeros_like(x))


@pytest.mark.parametrize("bad", [-1, 5, 2**40])
def test_target_out_of_range(kernels: Kernels, bad: int) -> None:
    for n, position in ((7, 3), (9000, 8999), (9000, 4096)):
        x, target, _ = loss_case(n, 5, (), pt.float32)
        target[position] = bad
        loss, total, saved = pt.empty(()), pt.empty(1), pt.empty(2 * n)
        shape = loss_shape(x, target, "mean")
        assert kernels.call("nll_loss", pt.float32, shape, x, target, None, loss, total) == position
        assert kernels.call("cross_entropy", pt.float32, shape, 0.0, x, target, None, loss, total, saved) == position


# --- threads ---


def everything(kernels: Kernels, dtype: pt.dtype) -> list[pt.Tensor]:
    """Results of one large case of every family that could depend on the number of threads."""
    pt.manual_seed(1)
    results = []
    for m, n, k in ((300, 310, 520), (60, 900, 300), (1, 3000, 400), (3000, 1, 400), (5000, 10, 30)):
        results.append(matmul(kernels, operand(1, m, k, dtype, "plain"), operand(1, k, n, dtype, "turned")))
    shape, x, w, bias, dy, _ = conv_case((9, 8, (20, 20), 16, (3, 3), (1, 1), (1, 1), (1, 1), 1), dtype)
    y, dx, dw, db = (pt.empty_like(t) for t in (dy, x, w, bias))
    kernels.call("conv_forward", dtype, shape, x, w, bias, y)
    kernels.call("conv_backward_input", dtype, shape, dy, w, dx, None)
    kernels.call("conv_backward_weight", dtype, shape, x, dy, dw)
    kernels.call("conv_backward_bias", dtype, shape, dy, db)
    x, target, weight = loss_case(20000, 12, (), dtype)
    loss, total, saved, dlogits = (
        pt.empty((), dtype=dtype),
        pt.empty(1, dtype=dtype),
        pt.empty(40000, dtype=dtype),
        pt.empty_like(x),
    )
    shape = loss_shape(x, target, "mean")
    kernels.call("cross_entropy", dtype, shape, 0.1, x, target, weight, loss, total, saved)
    kernels.call(
        "cross_entropy_backward",
        dtype,
        shape,
        0.1,
        pt.ones((), dtype=dtype),
        x,
        target,
        weight,
        total.item(),
        saved,
        dlogits,
    )
    return [*results, y, dx, dw, db, loss, total, dlogits]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("level", WAYS[:3])
def test_results_do_not_depend_on_threads(built: dict[str, Kernels], level: str, dtype: pt.dtype) -> None:
    kernels = built[level]
    runs = []
    for count in (1, 2, 3):
        kernels.threads(count)
        assert kernels.call("get_threads", None) == count
        runs.append(everything(kernels, dtype))
    kernels.threads(1)
    for results in zip(*runs, strict=True):
        assert all(pt.equal(results[0], other) for other in results[1:])


def test_threads_at_load(built: dict[str, Kernels]) -> None:
    """OMP_NUM_THREADS decides, else the processors that this process may use."""
    program = "import ctypes, os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); "
    program += f"print(ctypes.CDLL({str(built['base'].path)!r}).get_threads())"
    bare = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    for environment, count in ((bare, 1), (bare | {"OMP_NUM_THREADS": "3"}, 3), (bare | {"OMP_NUM_THREADS": "x"}, 1)):
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
        )
        assert int(run.stdout) == count


def test_forked_child_computes(kernels: Kernels) -> None:
    """A child of fork has none of the parent's threads, and must not wait for them."""
    kernels.threads(2)
    before = everything(kernels, pt.float32)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            after = everything(kernels, pt.float32)
            same = all(pt.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(before, after, strict=True))
            os.write(write, b"same" if same else b"different")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"same"
    os.waitpid(child, 0)
