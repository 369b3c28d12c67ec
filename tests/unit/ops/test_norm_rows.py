"""The normalisations against PyTorch and against their compositions: values, gradients, layouts, statistics, errors."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch as pt

import rushlight as rl
from rushlight import _native
from tests.unit.ops.oracle import agree, equal, numbers, ours, refuse

F = rl.nn.functional


def functional(name: str, *options: Any, **more: Any) -> Any:
    """A call of nn.functional with the tensors first."""
    return lambda m, *tensors: getattr(m.nn.functional, name)(tensors[0], *options, *tensors[1:], **more)


# ------------------------------------------------------------------ over the last dimensions

ROWS = [((3, 5), 1), ((2, 3, 4), 2), ((2, 3, 4), 3), ((6, 1), 1), ((4, 70), 1), ((2, 1100), 1), ((0, 5), 1)]


@pytest.mark.parametrize(("shape", "count"), ROWS)
def test_layer_norm(shape: tuple[int, ...], count: int) -> None:
    x, normalized = numbers(*shape), shape[-count:]
    w, b = numbers(*normalized, seed=1), numbers(*normalized, seed=2)
    agree(functional("layer_norm", normalized), x)
    agree(functional("layer_norm", normalized, eps=0.1), x, w)
    agree(functional("layer_norm", normalized), x, w, b)
    agree(lambda m, x, b: m.nn.functional.layer_norm(x, normalized, None, b), x, b, order=1)
    agree(functional("layer_norm", normalized), x.float() * 3 + 5, w.float(), b.float(), tolerance=3e-5, order=1)


@pytest.mark.parametrize(("shape", "count"), ROWS)
def test_rms_norm(shape: tuple[int, ...], count: int) -> None:
    x, normalized = numbers(*shape), shape[-count:]
    w = numbers(*normalized, seed=1)
    agree(functional("rms_norm", normalized), x)
    agree(functional("rms_norm", normalized, eps=0.1), x)
    agree(functional("rms_norm", normalized), x, w)
    agree(functional("rms_norm", normalized), x.float(), w.float(), tolerance=3e-5, order=1)


def test_rms_norm_of_other_dtypes() -> None:
    z = pt.complex(numbers(3, 4), numbers(3, 4, seed=1))
    agree(functional("rms_norm", (4,)), z)
    agree(functional("rms_norm", (4,)), numbers(3, 4).float(), numbers(4), tolerance=1e-5, order=1)
    small = numbers(3, 4).bfloat16() * 1e-3  # the epsilon is that of float32
    agree(functional("rms_norm", (4,)), small, order=0, tolerance=1e-2)


# ------------------------------------------------------------------ over channels

IMAGES = [(4, 6), (3, 6, 5), (2, 6, 3, 4), (2, 6, 2, 3, 2), (3, 6, 40), (70, 6), (3, 96, 2, 2), (1, 6, 7)]


@pytest.mark.parametrize("shape", IMAGES)
@pytest.mark.parametrize("groups", [1, 3])
def test_group_norm(shape: tuple[int, ...], groups: int) -> None:
    x, w, b = numbers(*shape), numbers(shape[1], seed=1), numbers(shape[1], seed=2)
    agree(functional("group_norm", groups), x, tolerance=1e-8)
    agree(functional("group_norm", groups), x, w, b, tolerance=1e-8)
    if x[0].numel() // groups > 2:  # of two values the difference alone counts, which float32 has no digits of
        agree(functional("group_norm", groups), x.float() * 2 - 3, w.float(), b.float(), tolerance=1e-4, order=1)


@pytest.mark.parametrize("shape", IMAGES)
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(shape: tuple[int, ...], training: bool) -> None:
    channels = shape[1]
    w, b = numbers(channels, seed=1), numbers(channels, seed=2)
    statistics = [numbers(channels, seed=3), numbers(channels, seed=4).abs() + 0.5]

    def call(m: Any, x: Any, *affine: Any) -> Any:
        running = [r if m is pt else ours(r) for r in (s.clone().to(x.dtype) if m is pt else s for s in statistics)]
        running = [r.to(x.dtype) for r in running]
        y = m.nn.functional.batch_norm(x, *running, *affine, training=training, momentum=0.3)
        kept.append(running)
        return y

    kept: list[Any] = []
    agree(call, numbers(*shape), tolerance=1e-8)
    agree(call, numbers(*shape) * 2 + 5, w, b, tolerance=1e-8)
    agree(call, numbers(*shape).float(), w.float(), b.float(), tolerance=1e-4, order=1)
    for mine, theirs in zip(kept[::2], kept[1::2], strict=True):
        for a, b in zip(mine, theirs, strict=True):
            equal(a, b, 1e-6)


@pytest.mark.parametrize("shape", [s for s in IMAGES if len(s) > 2])
@pytest.mark.parametrize("use_input_stats", [True, False])
def test_instance_norm(shape: tuple[int, ...], use_input_stats: bool) -> None:
    channels = shape[1]
    w, b = numbers(channels, seed=1), numbers(channels, seed=2)
    statistics = [numbers(channels, seed=3), numbers(channels, seed=4).abs() + 0.5]

    def call(m: Any, x: Any, *affine: Any) -> Any:
        running = [s.clone() if m is pt else ours(s) for s in statistics]
        kept.append(running)
        return m.nn.functional.instance_norm(x, *running, *affine, use_input_stats=use_input_stats)

    kept: list[Any] = []
    agree(call, numbers(*shape), w, b, tolerance=1e-8)
    for a, b in zip(*kept, strict=True):
        equal(a, b, 1e-9)
    if use_input_stats:
        agree(functional("instance_norm"), numbers(*shape), tolerance=1e-8)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_norm_follows_its_batches(momentum: float | None) -> None:
    nets = [m.nn.BatchNorm1d(3, momentum=momentum) for m in (rl, pt)]
    for step in range(3):
        x = numbers(5, 3, seed=step).float()
        for net, m in zip(nets, (rl, pt), strict=True):
            net(ours(x) if m is rl else x)
    mine, theirs = nets
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        equal(getattr(mine, name), getattr(theirs, name), 1e-6)
    nets = [net.eval() for net in nets]
    equal(nets[0](ours(x)), nets[1](x), 1e-5)


def test_batch_norm_may_run_twice_before_its_backward() -> None:
    net = rl.nn.BatchNorm1d(3)
    x = rl.ones(4, 3, requires_grad=True)
    (net(x * 2) + net(x * 3)).sum().backward()
    assert x.grad is not None and net.num_batches_tracked.item() == 2


# ------------------------------------------------------------------ dtypes, layouts, values

CALLS = {
    "layer_norm": ((3, 6, 4, 5), lambda m, x: m.nn.functional.layer_norm(x, (4, 5))),
    "rms_norm": ((3, 6, 4, 5), lambda m, x: m.nn.functional.rms_norm(x, (4, 5))),
    "group_norm": ((3, 6, 4, 5), lambda m, x: m.nn.functional.group_norm(x, 2)),
    "batch_norm": ((3, 6, 4, 5), lambda m, x: m.nn.functional.batch_norm(x, None, None, training=True)),
    "instance_norm": ((3, 6, 4, 5), lambda m, x: m.nn.functional.instance_norm(x)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", [pt.float16, pt.bfloat16])
def test_16_bits(name: str, dtype: pt.dtype) -> None:
    shape, call = CALLS[name]
    agree(call, (numbers(*shape) * 2 + 1).to(dtype), order=1, tolerance=3e-2)


@pytest.mark.parametrize("dtype", [pt.float16, pt.bfloat16])
def test_16_bits_with_wide_parameters(dtype: pt.dtype) -> None:
    x, w, b = numbers(4, 6).to(dtype), numbers(6, seed=1).float(), numbers(6, seed=2).float()
    agree(functional("layer_norm", (6,)), x, w, b, order=1, tolerance=3e-2)
    agree(functional("group_norm", 2), x, w, b, order=1, tolerance=3e-2)
    agree(lambda m, x, w, b: m.nn.functional.batch_norm(x, None, None, w, b, True), x, w, b, order=1, tolerance=3e-2)
    found = rl.native_layer_norm(ours(x), (6,), ours(w), ours(b), 1e-5)
    assert [r.dtype for r in found] == [ours(x).dtype, rl.float32, rl.float32]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("layout", ["last", "transposed", "sliced", "expanded"])
def test_layouts(name: str, layout: str) -> None:
    shape, call = CALLS[name]
    x = numbers(*shape)
    views = {
        "last": x.contiguous(memory_format=pt.channels_last),
        "transposed": numbers(*shape[::-1]).permute(3, 2, 1, 0),
        "sliced": numbers(*shape[:-1], 2 * shape[-1])[..., ::2],
        "expanded": numbers(1, 1, *shape[2:]).expand(shape),
    }
    agree(call, views[layout], tolerance=1e-7, order=1)
    assert call(rl, ours(views[layout])).stride() == call(pt, views[layout]).stride()


@pytest.mark.parametrize("name", CALLS)
def test_nan_and_infinity_stay_in_their_group(name: str) -> None:
    shape, call = CALLS[name]
    x = numbers(*shape)
    x[0, 0, 0, 0], x[1, 3, 2, 1] = math.nan, math.inf
    agree(call, x, order=0)


@pytest.mark.parametrize("size", [50, 700, 5000])
def test_far_from_zero(size: int) -> None:
    """The variance is that of distances from the mean: nothing cancels, whatever part of a group lies elsewhere."""
    x = numbers(3, size)
    x[0] += 1000.0
    x[1, size // 10 :] += 1000.0
    x[2, : size // 2] = 0
    for call in (
        lambda m, x: m.nn.functional.layer_norm(x, (size,)),
        lambda m, x: m.nn.functional.group_norm(x.view(3, 2, -1), 1),
        lambda m, x: m.nn.functional.batch_norm(x.view(1, 3, -1), None, None, training=True),
        lambda m, x: m.nn.functional.batch_norm(x.t().contiguous(), None, None, training=True),
    ):
        x = x.float()
        mine = pt.tensor(call(rl, ours(x)).tolist(), dtype=pt.float64)
        pt.testing.assert_close(mine, call(pt, x.double()), rtol=1e-4, atol=1e-4)


def test_empty() -> None:
    for shape, normalized in (((2, 0), (0,)), ((0, 3), (3,)), ((2, 0, 3), (0, 3))):
        agree(functional("layer_norm", normalized), pt.zeros(shape, dtype=pt.float64), order=1)
    for shape in ((0, 4, 2), (2, 4, 0), (0, 4)):
        x, w, b = pt.zeros(shape, dtype=pt.float64), numbers(4), numbers(4, seed=1)
        if 0 not in shape[1:]:  # PyTorch gives NaN as the weight's gradient of no values
            agree(functional("group_norm", 2), x, w, b, order=1)
        agree(lambda m, x, w, b: m.nn.functional.batch_norm(x, None, None, w, b, True), x, w, b, order=1)
    running = rl.ones(4)
    F.batch_norm(rl.zeros(0, 4), running, running, training=True)
    assert running.tolist() == [1.0] * 4


def test_statistics_that_are_no_plain_tensors() -> None:
    """Running statistics of another layout are followed, too."""
    x = numbers(4, 3).float()
    running = [[m.zeros(3, 2)[:, 0], m.ones(6)[::2]] for m in (rl, pt)]
    F.batch_norm(ours(x), *running[0], training=True)
    pt.nn.functional.batch_norm(x, *running[1], training=True)
    for a, b in zip(*running, strict=True):
        equal(a, b, 1e-6)
    before = running[0][0]._version
    F.batch_norm(ours(x), *running[0], training=True)
    assert running[0][0]._version > before


# ------------------------------------------------------------------ fused and composed, threads


def both_backward(make: Any, *tensors: pt.Tensor) -> tuple[list[Any], list[Any]]:
    """Gradients by the fused kernel and by the composition."""
    found = []
    for graph in (False, True):
        leaves = [ours(t).requires_grad_() for t in tensors]
        y = make(*leaves)
        g = ours(numbers(*y.shape, seed=7)).to(y.dtype)
        found.append([x.detach() for x in rl.autograd.grad(y, leaves, g, create_graph=graph)])
    return found[0], found[1]


FUSED = {
    "layer_norm": lambda x, w, b: F.layer_norm(x, (6,), w, b),
    "rms_norm": lambda x, w, b: F.rms_norm(x, (6,), w),
    "group_norm": lambda x, w, b: F.group_norm(x.view(-1, 6, 2), 3, w, b),
    "batch_norm": lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
    "batch_norm_eval": lambda x, w, b: F.batch_norm(x, rl.zeros(6, dtype=x.dtype), rl.ones(6, dtype=x.dtype), w, b),
}


@pytest.mark.parametrize("name", FUSED)
def test_fused_and_composed_gradients_are_the_same(name: str) -> None:
    tensors = numbers(8, 6), numbers(6, seed=1), numbers(6, seed=2)
    tensors = tensors[:2] if name == "rms_norm" else tensors
    call = FUSED[name]
    fused, composed = both_backward(lambda *t: call(*t, *[None] * (3 - len(t))), *tensors)
    for a, b in zip(fused, composed, strict=True):
        equal(a, pt.tensor(b.tolist(), dtype=pt.float64), 1e-10)


@pytest.mark.parametrize("name", FUSED)
def test_only_gradients_that_are_wanted(name: str) -> None:
    call = FUSED[name]
    tensors = numbers(8, 6), numbers(6, seed=1), numbers(6, seed=2)
    reference = both_backward(lambda *t: call(*t), *tensors)[0] if name != "rms_norm" else None
    for k in range(2 if name == "rms_norm" else 3):
        leaves = [ours(t) for t in tensors]
        leaves[k].requires_grad_()
        y = call(*leaves)
        (g,) = rl.autograd.grad(y, [leaves[k]], ours(numbers(*y.shape, seed=7)))
        if reference:
            assert g.tolist() == reference[k].tolist()


@pytest.mark.parametrize("last", [False, True])
def test_results_do_not_depend_on_threads(last: bool) -> None:
    x = numbers(40, 32, 12, 12).float()
    x = ours(x.contiguous(memory_format=pt.channels_last) if last else x)
    w, b = (ours(numbers(32, seed=k).float()) for k in (0, 1))
    g = ours(numbers(40, 32, 12, 12, seed=2).float())
    calls = [
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        lambda x, w, b: F.group_norm(x, 4, w, b),
        lambda x, w, b: F.layer_norm(x.reshape(-1, 32), (32,), w, b).view(x.shape),
        lambda x, w, b: F.rms_norm(x.reshape(-1, 32), (32,), w).view(x.shape) + b.sum(),
    ]
    before = rl.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            rl.set_num_threads(threads)
            for call in calls:
                leaves = [t.detach().requires_grad_() for t in (x, w, b)]
                y = call(*leaves)
                y.backward(g)
                found.append([y.detach(), *(leaf.grad for leaf in leaves)])
    finally:
        rl.set_num_threads(before)
    for one, two, three in zip(found[:4], found[4:8], found[8:], strict=True):
        for a, b, c in zip(one, two, three, strict=True):
            assert rl.equal(a, b) and rl.equal(a, c)


def test_a_listener_sees_gradients_that_were_not_asked_for_as_none() -> None:
    x, w = rl.ones(2, 3), rl.ones(3)
    found = _native._layer_norm_grad(x, x, (3,), rl.zeros(2, 1), rl.ones(2, 1), w, 2)
    assert found.input is None and found.bias is None and found.weight.tolist() == [2.0] * 3
    seen = []

    def listener(operation: Any, args: Any, kwargs: Any) -> Any:
        seen.append(operation.name)
        return operation(*args, **kwargs)

    leaf = rl.ones(3, requires_grad=True)
    y = F.layer_norm(x, (3,), leaf)
    _native.push_listener(listener)
    try:
        y.sum().backward()
    finally:
        _native.pop_listener()
    assert "_layer_norm_grad" in seen and leaf.grad.tolist() == [0.0] * 3


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.nn.functional.layer_norm(x, 3),
        lambda m, x: m.nn.functional.layer_norm(x, ()),
        lambda m, x: m.nn.functional.layer_norm(x, (2,)),
        lambda m, x: m.nn.functional.layer_norm(x, (1, 2, 3)),
        lambda m, x: m.nn.functional.layer_norm(x, (3,), m.ones(2)),
        lambda m, x: m.nn.functional.layer_norm(x, (3,), m.ones(3, dtype=m.float64)),
        lambda m, x: m.nn.functional.layer_norm(x.long(), (3,)),
        lambda m, x: m.nn.functional.layer_norm(x + 0j, (3,)),
        lambda m, x: m.nn.functional.rms_norm(x.long(), (3,)),
        lambda m, x: m.nn.functional.rms_norm(x, (2,)),
        lambda m, x: m.nn.functional.group_norm(x, 2),
        lambda m, x: m.nn.functional.group_norm(x.long(), 3),
        lambda m, x: m.nn.functional.group_norm(x, 3, m.ones(2)),
        lambda m, x: m.nn.functional.group_norm(x, 3, m.ones(3, 1)),
        lambda m, x: m.nn.functional.batch_norm(x, None, None),
        lambda m, x: m.nn.functional.batch_norm(x[:1], None, None, training=True),
        lambda m, x: m.nn.functional.batch_norm(x, m.zeros(2), m.ones(3)),
        lambda m, x: m.nn.functional.batch_norm(x, m.zeros(3), m.ones(3), m.ones(4)),
        lambda m, x: m.nn.functional.batch_norm(x, m.zeros(3, dtype=m.float64), m.ones(3)),
        lambda m, x: m.nn.functional.batch_norm(x.long(), m.zeros(3), m.ones(3)),
        lambda m, x: m.nn.functional.batch_norm(x.requires_grad_(), m.zeros(3, requires_grad=True), m.ones(3)),
        lambda m, x: m.nn.functional.batch_norm(x, m.zeros(3), m.ones(3), eps=-1.0),
        lambda m, x: m.nn.functional.batch_norm(x, m.zeros(3), m.ones(3), training=True, eps=0.0),
        lambda m, x: m.nn.functional.batch_norm(x[0], m.zeros(3), m.ones(3)),
        lambda m, x: m.nn.functional.instance_norm(x),
        lambda m, x: m.nn.functional.instance_norm(x.view(1, 2, 3), use_input_stats=False),
    ],
)  # fmt: skip
def test_errors(call: Any) -> None:
    refuse(call, pt.ones(2, 3))
