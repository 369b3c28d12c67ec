"""16-bit floats in rows with kernels of their own: computed as float32, rounded once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl
from tests.unit.ops.oracle import agree, equal, numbers, ours, refuse

NARROW = (pt.float16, pt.bfloat16)
UNIT = {pt.float16: 2.0**-10, pt.bfloat16: 2.0**-7}

# Each is called with a (4, 5) matrix x, a (5, 4) one y and int64 places p (4, 5) below 4.
ROUNDED_ONCE: dict[str, Callable[..., Any]] = {
    "mm": lambda m, x, y, p: m.mm(x, y),
    "bmm": lambda m, x, y, p: m.bmm(x[None], y[None]),
    "mv": lambda m, x, y, p: m.mv(x, y[:, 0]),
    "dot": lambda m, x, y, p: m.dot(x[0], y[:, 1]),
    "linear": lambda m, x, y, p: m.nn.functional.linear(x, y.t(), x[:, 0]),
    "softmax": lambda m, x, y, p: m.softmax(x, 1),
    "log_softmax": lambda m, x, y, p: m.log_softmax(x, 0),
    "nll_loss": lambda m, x, y, p: m.nn.functional.nll_loss(x, p[:, 0]),
    "cross_entropy": lambda m, x, y, p: m.nn.functional.cross_entropy(x, p[:, 1], x[0].detach().abs()),
    "conv1d": lambda m, x, y, p: m.nn.functional.conv1d(x[None], y[:4, :, None].reshape(4, 4, 1), x[:, 0]),
    "max_pool1d": lambda m, x, y, p: m.nn.functional.max_pool1d(x, 2),
    "avg_pool1d": lambda m, x, y, p: m.nn.functional.avg_pool1d(x, 2),
    "var": lambda m, x, y, p: m.var(x, 1),
    "std": lambda m, x, y, p: m.std(x),
    "norm": lambda m, x, y, p: m.norm(x, 3.0, 1),
    "logsumexp": lambda m, x, y, p: m.logsumexp(x, 1),
    "cumsum": lambda m, x, y, p: m.cumsum(x, 1),
    "cumprod": lambda m, x, y, p: m.cumprod(x, 0),
    "cummax": lambda m, x, y, p: m.cummax(x, 1)[0],
    "logcumsumexp": lambda m, x, y, p: m.logcumsumexp(x, 0),
    "sort": lambda m, x, y, p: m.sort(x, 1)[0],
    "topk": lambda m, x, y, p: m.topk(x, 2)[0],
    "kthvalue": lambda m, x, y, p: m.kthvalue(x, 2)[0],
    "median": lambda m, x, y, p: m.median(x, 1)[0],
    "mode": lambda m, x, y, p: m.mode(x, 1)[0],
    "max": lambda m, x, y, p: m.max(x, 0)[0],
    "gather": lambda m, x, y, p: m.gather(x, 0, p),
    "scatter": lambda m, x, y, p: m.scatter(x, 0, p[:1], y.t()[:1]),
    "scatter_add": lambda m, x, y, p: m.scatter_add(x, 0, p, y.t()),
    "scatter_reduce": lambda m, x, y, p: m.scatter_reduce(x, 0, p, y.t(), "mean"),
    "index_add": lambda m, x, y, p: m.index_add(x, 0, p[0], x[p[0]]),
    "index_put": lambda m, x, y, p: m.index_put(x, (p[0],), y.t()[p[0]], accumulate=True),
    "put": lambda m, x, y, p: m.Tensor.put(x, p, y.t(), accumulate=True),
    "unfold": lambda m, x, y, p: x.unfold(1, 3, 1),
    "tril": lambda m, x, y, p: m.tril(x),
    "flip": lambda m, x, y, p: m.flip(x, (0,)),
}


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", ROUNDED_ONCE)
def test_rounds_once(name: str, dtype: pt.dtype) -> None:
    call = ROUNDED_ONCE[name]
    x, y = numbers(4, 5, dtype=dtype), numbers(5, 4, dtype=dtype, seed=1)
    p = pt.arange(20).reshape(4, 5) * 7 % 4
    expected = call(pt, x.float(), y.float(), p).to(dtype)
    equal(call(rl, *map(ours, (x, y, p))), expected, tolerance=UNIT[dtype] / 2)
    agree(lambda m, x, y, p: call(m, x, y, p) + 0 * y.sum(), x, y, p, tolerance=16 * UNIT[dtype], order=1)


def test_every_float16_and_what_rounds_to_it() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    floats = np.random.default_rng(1).integers(0, 1 << 32, 1 << 18, dtype=np.uint32).view(np.float32)
    near = np.nextafter(halves[:-1].astype(np.float32) / 2 + halves[1:].astype(np.float32) / 2, np.float32(0))
    for x, name, dtype in ((halves, "float", np.float32), (floats, "half", np.float16), (near, "half", np.float16)):
        for part in (slice(None), slice(1, None, 3)):
            mine = getattr(rl.from_numpy(x)[part], name)().numpy()
            with np.errstate(all="ignore"):
                np.testing.assert_array_equal(mine, x[part].astype(dtype))
            np.testing.assert_array_equal(np.signbit(mine), np.signbit(x[part]))


@pytest.mark.parametrize("dtype", NARROW)
def test_accumulates_as_float(dtype: pt.dtype) -> None:
    ones = ours(pt.ones(4000, dtype=dtype))
    places = rl.zeros(4000, dtype=rl.int64)
    exact = float(pt.tensor(4000.0, dtype=dtype))
    assert rl.cumsum(ones, 0)[-1].item() == exact
    assert rl.dot(ones, ones).item() == exact
    assert rl.zeros(1, dtype=ones.dtype).scatter_add_(0, places, ones).item() == exact
    assert rl.zeros(1, dtype=ones.dtype).index_put_((places,), ones, accumulate=True).item() == exact


@pytest.mark.parametrize("dtype", NARROW)
def test_result_dtype(dtype: pt.dtype) -> None:
    x = numbers(3, 4, dtype=dtype)
    for d in ("float16", "bfloat16", "float32", "float64"):
        agree(lambda m, x, d=d: m.softmax(x, 1, dtype=getattr(m, d)), x, tolerance=8e-3, order=1)
        agree(lambda m, x, d=d: m.cumsum(x, 1, dtype=getattr(m, d)), x, tolerance=2e-2, order=1)
    agree(lambda m, x: m.cumsum(x, 0, dtype=m.bfloat16), pt.tensor([257, 1, 1]), tolerance=0, order=0)


@pytest.mark.parametrize("dtype", NARROW)
def test_written_in_place(dtype: pt.dtype) -> None:
    def cumsum_of_columns(m: Any, x: Any) -> Any:
        columns = x[:, ::2]
        version = x._version
        assert columns.cumsum_(1) is columns and x._version == version + 1
        return x

    agree(cumsum_of_columns, numbers(3, 6, dtype=dtype), tolerance=UNIT[dtype], order=0)
    agree(lambda m, x, p: x.t().scatter_add_(0, p, x.t().clone()), numbers(4, 4, dtype=dtype),
          pt.arange(16).reshape(4, 4) % 4, tolerance=2 * UNIT[dtype], order=0)  # fmt: skip
    text = refuse(
        lambda m, x, p: x.expand(2, 3).scatter_add_(0, p, x), numbers(1, 3, dtype=dtype), pt.zeros(1, 3).long()
    )
    assert "scatter_add_" in text


def test_floats_of_several_dtypes_are_refused() -> None:
    for a, b in ((pt.float16, pt.bfloat16), (pt.bfloat16, pt.float32), (pt.float64, pt.float16)):
        x, y = numbers(2, 2, dtype=a), numbers(2, 2, dtype=b)
        p = pt.zeros(2, 2).long()
        refuse(lambda m, x, y: m.mm(x, y), x, y)
        refuse(lambda m, x, y: m.nn.functional.linear(x, y), x, y)
        refuse(lambda m, x, y, p: x.scatter_add_(0, p, y), x, y, p)


@pytest.mark.parametrize("dtype", NARROW)
def test_numbers_in_order(dtype: pt.dtype) -> None:
    name = str(dtype).split(".")[1]
    for a, b, n in ((-3, 10, 7), (0, 1, 50), (2.7, -5.3, 33), (0.1, 100, 1000), (0, 5, 1), (1, 7, 300), (0, 1, 0)):
        agree(lambda m, a=a, b=b, n=n: m.linspace(a, b, n, dtype=getattr(m, name)), tolerance=0, order=0)
        agree(lambda m, n=n: m.logspace(-1, 2, n, dtype=getattr(m, name)), tolerance=UNIT[dtype], order=0)
    agree(lambda m: m.arange(0, 300, dtype=getattr(m, name)), tolerance=0, order=0)
    agree(lambda m: m.arange(0.3, 7, 0.7, dtype=getattr(m, name)), tolerance=UNIT[dtype], order=0)


@pytest.mark.parametrize("dtype", NARROW)
def test_largest_numbers(dtype: pt.dtype) -> None:
    agree(
        lambda m, x: m.nan_to_num(x), pt.tensor([float("inf"), -float("inf"), float("nan"), 2.0], dtype=dtype), order=0
    )


@pytest.mark.parametrize("dtype", [pt.float32, *NARROW])
def test_histogram_borders(dtype: pt.dtype) -> None:
    x = numbers(200, dtype=dtype)
    for bins in (3, 7, 50):
        agree(lambda m, x, bins=bins: m.histc(x, bins), x, order=0)
        agree(lambda m, x, bins=bins: m.histc(x, bins, -1, 1), x, order=0)
    refuse(lambda m, x: m.histc(x), pt.tensor([float("nan"), 1.0, 2.0], dtype=dtype))


def test_shapes_on_meta() -> None:
    x = rl.ones(3, 4, dtype=rl.bfloat16, device="meta")
    y = rl.mm(x, x.t())
    assert y.device.type == "meta" and y.dtype is rl.bfloat16 and tuple(y.shape) == (3, 3)
    assert rl.zeros(3, dtype=rl.float16, device="meta").cumsum_(0).dtype is rl.float16
