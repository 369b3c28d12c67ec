"""The kernels of normalisations and of attention against PyTorch: every level, one to three threads."""

import pytest
import torch as pt
import torch.nn.functional as F

from tests.unit.native.kernels_nn_library import FLOATS, WAYS, Kernels, close

NAN = float("nan")


def room(*shape: int, dtype: pt.dtype) -> pt.Tensor:
    return pt.full(shape, NAN, dtype=dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize(("rows", "n"), [(1, 1), (5, 3), (3, 64), (70, 100), (9, 1500), (2, 20000)])
def test_rows(kernels: Kernels, rows: int, n: int, centered: bool, dtype: pt.dtype) -> None:
    x = (pt.randn(rows, n, dtype=dtype) * 3 + 5).requires_grad_()
    w, b = pt.rand(n, dtype=dtype, requires_grad=True), pt.rand(n, dtype=dtype, requires_grad=True)
    expected = F.layer_norm(x, (n,), w, b, 1e-3) if centered else F.rms_norm(x, (n,), w, 1e-3)
    y, dx, dw, db = room(rows, n, dtype=dtype), room(rows, n, dtype=dtype), room(n, dtype=dtype), room(n, dtype=dtype)
    mean, rstd = room(rows, dtype=dtype) if centered else None, room(rows, dtype=dtype)
    kernels.call("norm_rows", dtype, rows, n, x, w, b if centered else None, 1e-3, y, mean, rstd)
    close(y, expected.detach(), 5)
    dy = pt.randn_like(y)
    expected.backward(dy)
    kernels.call("norm_rows_backward", dtype, rows, n, dy, x, w, mean, rstd, dx, dw, db if centered else None)
    close(dx, x.grad, 10)
    close(dw, w.grad, 10 * rows**0.5)
    if centered:
        close(db, b.grad, 10 * rows**0.5)


CHANNELS = [(1, 1, 1), (4, 3, 5), (7, 3, 1), (50, 70, 1), (3, 200, 1), (2, 5, 400), (600, 2, 90), (1, 3, 9000)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", CHANNELS)
def test_channels(kernels: Kernels, shape: tuple[int, int, int], dtype: pt.dtype) -> None:
    channels = shape[1]
    x, dy = pt.randn(shape, dtype=dtype) * 2 + 30, pt.randn(shape, dtype=dtype)
    mean, variance, total, dot = (room(channels, dtype=pt.float64) for _ in range(4))
    kernels.call("channel_moments", dtype, shape, x, mean, variance)
    wide = x.double()
    pt.testing.assert_close(mean, wide.mean((0, 2)), rtol=1e-6, atol=1e-6)
    pt.testing.assert_close(variance, wide.var((0, 2), correction=0), rtol=1e-4, atol=1e-6)
    centre, a, b, e = wide.mean((0, 2)).to(dtype), *(pt.randn(channels, dtype=dtype) for _ in range(3))
    kernels.call("channel_sums", dtype, shape, dy, x, centre, total, dot)
    apart = x - centre.view(-1, 1)
    close(total.to(dtype), dy.double().sum((0, 2)), 10)
    close(dot.to(dtype), (dy.double() * apart.double()).sum((0, 2)), 100)
    y = room(*shape, dtype=dtype)
    kernels.call("channel_scale", dtype, shape, x, centre, a, e, y)
    close(y, apart * a.view(-1, 1) + e.view(-1, 1), 2)
    kernels.call("channel_combine", dtype, shape, dy, x, centre, a, b, e, y)
    close(y, dy * a.view(-1, 1) + apart * b.view(-1, 1) + e.view(-1, 1), 2)


# batch, heads, heads of keys, queries, keys, width, width of values, causal
ATTENTION = [(1, 1, 1, 1, 1, 1, 1, 0), (2, 4, 2, 3, 150, 7, 5, 0), (1, 2, 2, 70, 800, 16, 16, 0),
             (1, 3, 1, 115, 260, 8, 9, 1), (2, 1, 1, 40, 20, 300, 3, 1)]  # fmt: skip


def attend(kernels: Kernels, n: tuple[int, ...], dtype: pt.dtype) -> list[list[pt.Tensor]]:
    """What the kernels and PyTorch give: the result, and the gradients of query, key and value."""
    batch, heads, kv, queries, keys, width, values, causal = n
    q, k, v = (pt.randn(batch, h, rows, e, dtype=dtype, requires_grad=True)
               for h, rows, e in ((heads, queries, width), (kv, keys, width), (kv, keys, values)))  # fmt: skip
    seen = pt.rand(queries, keys) > 0.2
    seen[:, 0] = True
    out, log_sum = room(batch, heads, queries, values, dtype=dtype), room(batch, heads, queries, dtype=dtype)
    kernels.call("attention", dtype, n, 0.4, q, k, v, seen, out, log_sum)
    mask = seen.tril() if causal else seen
    with pt.nn.attention.sdpa_kernel(pt.nn.attention.SDPBackend.MATH):
        expected = F.scaled_dot_product_attention(q, k, v, mask, scale=0.4, enable_gqa=True)
    dout = pt.randn_like(out)
    expected.backward(dout)
    found = [room(*x.shape, dtype=dtype) for x in (q, k, v)]
    kernels.call("attention_backward", dtype, n, 0.4, dout, q, k, v, seen, out, log_sum, *found)
    return [[out, *found], [expected.detach(), q.grad, k.grad, v.grad]]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("n", ATTENTION)
def test_attention(kernels: Kernels, n: tuple[int, ...], dtype: pt.dtype) -> None:
    for ours, theirs in zip(*attend(kernels, n, dtype), strict=True):
        close(ours, theirs, 20)


@pytest.mark.parametrize("level", WAYS[:3])
def test_results_do_not_depend_on_threads(built: dict[str, Kernels], level: str) -> None:
    kernels, runs = built[level], []
    for count in (1, 2, 3):
        kernels.threads(count)
        pt.manual_seed(0)
        found = [y for n in ATTENTION for y in attend(kernels, n, pt.float32)[0]]
        x, dy = pt.randn(300, 400), pt.randn(300, 400)
        y, mean, rstd, dx, dw, db = (pt.empty(s) for s in ((300, 400), 300, 300, (300, 400), 400, 400))
        kernels.call("norm_rows", pt.float32, 300, 400, x, None, None, 1e-5, y, mean, rstd)
        kernels.call("norm_rows_backward", pt.float32, 300, 400, dy, x, None, mean, rstd, dx, dw, db)
        found += [y, mean, rstd, dx, dw, db]
        for shape in ((300, 400, 1), (100, 4, 300)):
            moments = [pt.empty(shape[1], dtype=pt.float64) for _ in range(2)]
            kernels.call("channel_moments", pt.float32, shape, x, *moments)
            found += moments
        runs.append(found)
    kernels.threads(1)
    for one, two, three in zip(*runs, strict=True):
        assert pt.equal(one, two) and pt.equal(one, three)
