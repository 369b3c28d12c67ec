"""Cycles are collected, counts come back, and memory stays flat over training steps and over good and bad calls."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from typing import Any

import pytest

import rushlight as rl
from rushlight import _native


def attribute_cycle() -> Any:
    t = rl.ones(2)
    t.extra = t
    return t


def attribute_cycle_of_a_leaf() -> Any:
    t = rl.ones(2, requires_grad=True)
    t.extra = {"list": [t * 2]}
    return t


def view_as_attribute_of_its_base() -> Any:
    t = rl.ones(4)
    t.pairs = t.view(2, 2)
    return t


def hook_that_closes_over_its_leaf() -> Any:
    t = rl.ones(2, requires_grad=True)
    t.register_hook(lambda g: g * t.detach())
    t.sum().backward()
    return t


def hook_that_closes_over_its_intermediate() -> Any:
    t = rl.ones(2, requires_grad=True) * 2
    t.register_hook(lambda g: g * t.detach())
    return t


def post_accumulate_hook() -> Any:
    t = rl.ones(2, requires_grad=True)
    t.register_post_accumulate_grad_hook(lambda p: t.zero_() and None)
    return t


def node_hooks() -> Any:
    t = rl.ones(2, requires_grad=True) * 2
    t.grad_fn.register_hook(lambda i, o: (t, i)[0] and None)
    t.grad_fn.register_prehook(lambda o: (t, o)[0] and None)
    return t


def node_metadata() -> Any:
    t = rl.ones(2, requires_grad=True) * 2
    t.grad_fn.metadata["me"] = t
    return t


def saved_value_whose_dict_leads_back() -> Any:
    t = rl.ones(2, requires_grad=True)
    t.result = t.exp() * t
    return t


def saved_output() -> Any:
    t = rl.ones(2, requires_grad=True)
    y = t.exp()
    y.extra = [y]
    return y


def gradient_with_its_graph() -> Any:
    t = rl.ones(2, requires_grad=True)
    (t * t).sum().backward(create_graph=True)
    return t


def gradient_that_is_a_view() -> Any:
    t = rl.ones(2, requires_grad=True)
    t.grad = rl.zeros(2, requires_grad=True)
    t.grad.grad = t.detach().view(2)
    t.grad.back = t
    return t


def view_and_base() -> Any:
    t = rl.ones(2, requires_grad=True) * 1
    v = t[0]
    t.view_of_me = v
    v.mul_(2)
    return v


def retained() -> Any:
    t = rl.ones(2, requires_grad=True) * 1
    t.retain_grad()
    t.sum().backward(create_graph=True)
    return t


@pytest.mark.parametrize("make", [
    attribute_cycle, attribute_cycle_of_a_leaf, view_as_attribute_of_its_base,
    hook_that_closes_over_its_leaf, hook_that_closes_over_its_intermediate,
    post_accumulate_hook, node_hooks, node_metadata, saved_value_whose_dict_leads_back, saved_output,
    gradient_with_its_graph, gradient_that_is_a_view, view_and_base, retained,
])  # fmt: skip
def test_cycle_is_collected(make: Callable[[], Any]) -> None:
    gc.collect()
    live = _native.memory_stats()["allocated"]
    refs = [weakref.ref(make()) for _ in range(50)]
    gc.collect()
    assert [ref() for ref in refs] == [None] * 50
    assert _native.memory_stats()["allocated"] == live


def test_plain_tensors_are_not_tracked() -> None:
    x = rl.ones(2)
    assert not gc.is_tracked(x + 1)
    assert not gc.is_tracked(x)
    x.note = 1
    assert gc.is_tracked(x)
    assert gc.is_tracked(rl.ones(2, requires_grad=True) * 2)


def test_no_cycle_without_a_reason() -> None:
    """Training makes nothing that only the collector could free."""
    gc.collect()
    gc.disable()
    try:
        x = rl.ones(3, requires_grad=True)
        y = (x.exp() * x).relu().softmax(0)
        refs = [weakref.ref(y)]
        y.sum().backward()
        z = x * 1
        z[0].mul_(2)
        refs.append(weakref.ref(z))
        del y, z
        assert [ref() for ref in refs] == [None, None]
    finally:
        gc.enable()


def resident() -> int:
    """Bytes of the process that lie in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def flat(step: Callable[[], object], warm: int, steps: int, slack: int) -> None:
    """Runs the step; objects, live bytes and resident bytes stay as they were after the warm-up."""
    for _ in range(warm):
        step()
    gc.collect()
    objects, live, size = len(gc.get_objects()), _native.memory_stats()["allocated"], resident()
    for _ in range(steps):
        step()
    gc.collect()
    assert len(gc.get_objects()) <= objects + 20
    assert _native.memory_stats()["allocated"] <= live + 4096
    assert resident() <= size + slack


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_training_is_flat(name: str) -> None:
    rl.manual_seed(0)
    net = rl.nn.Sequential(rl.nn.Linear(4, 8), rl.nn.ReLU(), rl.nn.Linear(8, 2))
    optimizer = getattr(rl.optim, name)(net.parameters(), lr=1e-3)
    x, y = rl.randn(5, 4), rl.randint(0, 2, (5,))

    def step() -> None:
        optimizer.zero_grad()
        rl.nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    flat(step, 300, 10_000, 2 << 20)


def test_random_calls_are_flat() -> None:
    """Good calls and bad ones, mixed."""
    choice = random.Random(0)
    x, w = rl.ones(2, 3), rl.ones(2, 3, requires_grad=True)
    calls: list[Callable[[], object]] = [
        lambda: x + 1, lambda: x + rl.ones(4), lambda: x @ x, lambda: x @ x.t(), lambda: x[5], lambda: x[0, 1],
        lambda: x[[0, 1]],
        lambda: w.mul_(2), lambda: (w * 2).sum().backward(), lambda: (w * 2).backward(), lambda: x.view(4),
        lambda: x.t().reshape(-1),
        lambda: rl.tensor([[1, 2], [3]]), lambda: rl.tensor([[1.0, 2.0]]), lambda: rl.add(x, "a"),
        lambda: rl.add(x, 1, nonsense=2),
        lambda: x.sum(7), lambda: x.sum(1), lambda: rl.cat([x, x]), lambda: rl.cat([x, rl.ones(4)]), lambda: x.max(1),
        lambda: x.item(),
        lambda: x.tolist(), lambda: list(x), lambda: bool(x), lambda: x.numpy(), lambda: memoryview(x),
        lambda: w.numpy(),
        lambda: x.data, lambda: x.detach().resize_(3), lambda: x.as_strided((9,), (9,)), lambda: x.clone().set_(x),
        lambda: rl.autograd.grad((w * w).sum(), w), lambda: rl.autograd.grad(x.sum(), w),
        lambda: (w.exp() * w).sum().grad_fn.next_functions,
        lambda: setattr(w, "grad", None), lambda: setattr(x.clone(), "note", x),
        lambda: w.register_hook(print).remove(), lambda: x == None,  # noqa: E711
        lambda: x.to(rl.int64), lambda: x.to("nowhere"), lambda: rl.zeros(2, device="meta") + 1,
        lambda: x.expand(2, 2, 3).add_(1),
        lambda: rl.max(x), lambda: x.unbind(0), lambda: x[None, ..., ::2], lambda: x.clone().__setitem__(0, 5.0),
        lambda: (*x.shape, 1),
    ]  # fmt: skip

    def step() -> None:
        try:
            choice.choice(calls)()
        except (RuntimeError, TypeError, ValueError, IndexError):
            pass

    flat(step, 5_000, 100_000, 4 << 20)


def test_a_leaf_and_its_accumulator_go_together():
    """The leaf owns its accumulator; once Python has seen that node it keeps the leaf, and the collector frees both."""
    x = rl.ones(3, requires_grad=True)
    seen = weakref.ref(x)
    (x * 2).sum().backward()
    del x
    assert seen() is None

    x = rl.ones(3, requires_grad=True)
    seen = weakref.ref(x)
    node = (x * 2).grad_fn.next_functions[0][0]
    assert node is (x + 1).grad_fn.next_functions[0][0]
    del x
    gc.collect()
    assert node.variable is seen()
    (node.variable * 3).sum().backward()
    assert node.variable.grad.tolist() == [3, 3, 3]
    del node
    gc.collect()
    assert seen() is None
