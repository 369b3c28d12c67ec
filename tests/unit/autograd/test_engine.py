"""The engine: shapes of graphs, retain_graph, create_graph, what `grad` and `backward` take, accumulation, freeing."""

from __future__ import annotations

import threading

import pytest

import rushlight as rl
from tests.unit.twin import agree

START = """
x = torch.tensor([1., 2., 3.], requires_grad=True)
w = torch.tensor([.5, -1., 2.], requires_grad=True)
grad = torch.autograd.grad
"""

GRAPHS = [
    "y = x * x; z = y + y * y; z.sum().backward(); show(x.grad)",
    "y = x.exp(); z = (y * w).sum() * (y + w).sum(); z.backward(); show(x.grad, w.grad)",
    "y = x * 2\nfor _ in range(12): y = y * .5 + y\ny.sum().backward(); show(x.grad)",
    "y = x * x * x; g, = grad(y.sum(), x, create_graph=True); h, = grad(g.sum(), x, create_graph=True); "
    "k, = grad(h.sum(), x); show(g, h, k)",
    "y = (x.exp() * w.sin()).sum(); gx, gw = grad(y, (x, w), create_graph=True); (gx * gw).sum().backward(); "
    "show(x.grad, w.grad)",
    (
        "y = (x * w).sum(); y.backward(create_graph=True); show(x.grad); (x.grad * x).sum().backward(); "
        "show(x.grad, w.grad)"
    ),
    "y = x.pow(3).sum(); y.backward(retain_graph=True); y.backward(); show(x.grad)",
    "y = x.pow(3).sum(); y.backward(); y.backward()",
    "y = x * x; y.sum().backward(); show(1); (y * 2).sum().backward()",
    "y = x + 1; y.sum().backward(); y.sum().backward(); show(x.grad)",
    "y = x * 2; y.sum().backward(); y.sum().backward(); show(x.grad)",
    "y = x.exp(); z = y.sum(); z.backward(); tried(lambda: y.grad_fn._saved_result)",
]

ARGUMENTS = [
    "show(grad((x * w).sum(), x))",
    "show(grad((x * w).sum(), [x, w]))",
    "show(grad((x * w).sum(), (x, x)))",
    "show(grad(x.sum(), w))",
    "show(grad(x.sum(), w, allow_unused=True))",
    "show(grad(x.sum(), [x, w], materialize_grads=True))",
    "show(grad(x.sum(), w, allow_unused=False, materialize_grads=True))",
    "y = x * w; show(grad((y * y).sum(), y))",
    "y = x * w; z = y.exp(); show(grad(z.sum(), [y, x, z]))",
    "y = x * w; show(grad(y, x, grad_outputs=torch.tensor([1., 10., 100.])))",
    "y = x * w; show(grad(y, x, torch.ones(2)))",
    "y = x * w; show(grad(y, x))",
    "y = x * w; show(grad([y.sum(), y.exp().sum()], x, [torch.tensor(2.), None]))",
    "y = x * w; show(grad([y, y], x, [torch.ones(3), torch.ones(3) * 2]))",
    "y = x * w; show(grad([y.sum(), x], x, [None, torch.ones(3)]))",
    "show(grad(x.detach().sum(), x))",
    "show(grad(x.sum(), x.detach()))",
    "show(grad(x.sum(), []))",
    "show(grad(x, x, torch.ones(3)))",
    "y = x * w; show(grad(y, x, is_grads_batched=True, grad_outputs=torch.eye(3)))",
    "x.sum().backward(); show(x.grad)",
    "(x * w).backward()",
    "(x * w).backward(torch.ones(3)); show(x.grad)",
    "(x * w).backward(torch.ones(1))",
    "(x * w).backward(torch.ones(3, 1))",
    "(x * w).backward(1.)",
    "(x * w).sum().backward(torch.tensor(2)); show(x.grad)",
    "(x * w).sum().backward(torch.tensor(2, dtype=torch.int64)); show(x.grad)",
    "(x * w).sum().backward(torch.tensor(2., dtype=torch.float64)); show(x.grad)",
    "(x * w).backward(torch.ones(3, dtype=torch.float64)); show(x.grad)",
    "(x * w).sum().backward(torch.tensor([2.])); show(x.grad)",
    "(x * w).sum().reshape(1).backward(); show(x.grad)",
    "x.detach().sum().backward()",
    "torch.tensor(1).backward()",
    "(x * w).sum().backward(inputs=x); show(x.grad, w.grad)",
    "(x * w).sum().backward(inputs=[w]); show(x.grad, w.grad)",
    "(x * w).sum().backward(inputs=())",
    "y = x * w; (y * y).sum().backward(inputs=[y, x]); show(x.grad, w.grad, y.grad)",
    "y = x * w; (y * y).sum().backward(inputs=[y]); show(x.grad, y.grad)",
    "(x * w).sum().backward(inputs=[x, x]); show(x.grad)",
    "x.sum().backward(inputs=[w]); show(x.grad, w.grad)",
    "torch.autograd.backward([x.sum(), w.sum()]); show(x.grad, w.grad)",
    "torch.autograd.backward([x * w, x.sum()], [torch.ones(3), None]); show(x.grad)",
    "torch.autograd.backward([x * w, x.sum()], [torch.ones(3)])",
    "torch.autograd.backward(x.sum(), torch.tensor(3.)); show(x.grad)",
    "torch.autograd.backward((t for t in [x.sum(), w.sum()])); show(x.grad, w.grad)",
    "(x * w).sum().backward(None, False, True); show(x.grad)",
    "(x * w).sum().backward(gradient=None, inputs=(x,)); show(x.grad, w.grad)",
    "(x * w).sum().backward(nonsense=1)",
]

ACCUMULATION = [
    "x.sum().backward(); g = x.grad; x.sum().backward(); show(x.grad is g, g)",
    "x.grad = torch.ones(3); g = x.grad; x.sum().backward(); show(x.grad is g, g)",
    "x.sum().backward(); show(x.grad.is_contiguous(), x.grad.stride()); x.grad.add_(1); show(x.grad)",
    "g = torch.ones(3); x.backward(g); show(x.grad); x.grad.mul_(5); show(g)",
    "g = torch.ones(3); (x + w).backward(g); x.grad.mul_(5); show(x.grad, w.grad, g)",
    "(x + w).sum().backward(); x.grad.mul_(5); show(x.grad, w.grad)",
    "y = x + w; y.retain_grad(); y.sum().backward(); x.grad.mul_(5); w.grad.mul_(3); show(x.grad, w.grad, y.grad)",
    "y = x.view(3, 1); y.retain_grad(); y.sum().backward(); y.grad.mul_(5); show(x.grad, y.grad)",
    "a = torch.zeros(2, 2, requires_grad=True); a.t().backward(torch.tensor([[1., 2.], [3., 4.]])); "
    "show(a.grad, a.grad.stride())",
    "a = torch.zeros(2, 2).t().requires_grad_(); (a * 3).sum().backward(); show(a.grad, a.grad.stride())",
    "x.grad = torch.ones(2)",
    "x.grad = torch.ones(3, dtype=torch.float64)",
    "x.grad = 1",
    "x.grad = x",
    "x.grad = None; show(x.grad); x.sum().backward(); del x.grad; show(x.grad)",
    "x.grad = w; show(x.grad is w); x.sum().backward(); show(x.grad, x.grad is w)",
    "x.sum().backward(); g = x.grad; x.grad.requires_grad_(); x.sum().backward(); show(x.grad, x.grad is g)",
    "y = x * w; y.retain_grad(); y.sum().backward(retain_graph=True); g = y.grad; y.sum().backward(); "
    "show(y.grad, y.grad is g)",
    "(x * 2.).sum().backward(create_graph=True); g = x.grad; (x * 2.).sum().backward(); show(g, x.grad, x.grad is g)",
    "z = torch.tensor(2., requires_grad=True); (z * torch.ones(3)).sum().backward(); show(z.grad)",
    "z = torch.tensor([[2.]], requires_grad=True); (z * torch.ones(4, 3)).sum().backward(); show(z.grad)",
    "z = torch.ones(3, requires_grad=True); (z * torch.ones(3, dtype=torch.float64)).sum().backward(); show(z.grad)",
    "y = x * w; show(y.grad, y.is_leaf, y.retains_grad); y.retain_grad(); show(y.retains_grad); "
    "y.sum().backward(); show(y.grad)",
    "x.retain_grad(); show(x.retains_grad); x.sum().backward(); show(x.grad)",
    "x.detach().retain_grad()",
    "y = x * w; y.retain_grad(); y.mul_(2); y.sum().backward(); show(y.grad, x.grad)",
]


@pytest.mark.parametrize("program", GRAPHS + ARGUMENTS + ACCUMULATION)
def test_program(program: str) -> None:
    agree(f"{START}\n{program}\nshow(x._version)")


def test_a_million_nodes() -> None:
    """Built, run and freed without overflow."""
    x = rl.ones(1, requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1
    y.backward(rl.ones(1))
    assert x.grad is not None
    assert x.grad.tolist() == [1.0]
    del y
    y = x
    for _ in range(200_000):
        y = y * 1  # saved values are freed with their nodes
    del y


def test_long_chains_of_views_and_writes_are_freed() -> None:
    x = rl.ones(2, 2, requires_grad=True)
    y = x * 1
    for _ in range(20_000):
        y[0].mul_(1.0)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    y = x
    for _ in range(50_000):
        y = y.t()
    del y


def test_second_derivative_of_a_long_chain() -> None:
    x = rl.tensor(1.5, requires_grad=True)
    y = x
    for _ in range(1000):
        y = y * 1.0 + x * x * 0.001
    (g,) = rl.autograd.grad(y, x, create_graph=True)
    (h,) = rl.autograd.grad(g, x)
    assert g.item() == pytest.approx(1 + 2 * 1.5, rel=1e-4)
    assert h.item() == pytest.approx(2.0, rel=1e-4)


def test_ten_thousand_wide() -> None:
    x = rl.ones(3, dtype=rl.float64, requires_grad=True)
    total = sum(((x * float(i)) for i in range(10_000)), start=rl.zeros(3, dtype=rl.float64))
    total.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [49995000.0] * 3
    parts = [x * 1.0 for _ in range(10_000)]
    x.grad = None
    rl.cat(parts).sum().backward()
    assert x.grad.tolist() == [10_000.0] * 3
    leaves = [rl.ones(1, requires_grad=True) for _ in range(200)]
    found = rl.autograd.grad(rl.cat(leaves).sum(), leaves)
    assert all(g.tolist() == [1.0] for g in found)
    found = rl.autograd.grad(rl.cat(leaves).sum(), leaves[70])
    assert found[0].tolist() == [1.0]


def test_two_threads_run_backward_into_one_leaf() -> None:
    x = rl.ones(50_000, requires_grad=True)
    shared = (x * 2).exp()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(20):
                (x * 3.0).sum().backward()
                shared.sum().backward(retain_graph=True)
        except BaseException as error:  # shown below
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert x.grad is not None
    expected = 40 * (3.0 + 2 * shared.detach())
    assert (x.grad - expected).abs().max().item() < 1e-2


def test_backward_takes_generators_that_own_their_tensors() -> None:
    """The engine keeps alive what nobody else holds."""
    x = rl.ones(3, requires_grad=True)
    rl.autograd.backward((x * i).sum() for i in range(1, 4))
    assert x.grad is not None
    assert x.grad.tolist() == [6.0] * 3
    inputs = [x]

    def hook(_: rl.Tensor) -> None:
        inputs.clear()

    y = x * 2
    y.register_hook(hook)
    y.sum().backward(inputs=inputs)
    assert x.grad.tolist() == [8.0] * 3


def test_a_failed_run_leaves_the_graph_usable() -> None:
    x = rl.ones(3, requires_grad=True)
    y = x * 2
    z = y.exp()

    def fail(_: rl.Tensor) -> None:
        raise KeyError("stop")

    handle = y.register_hook(fail)
    for _ in range(3):
        with pytest.raises(KeyError):
            z.sum().backward(retain_graph=True)
    assert x.grad is None
    assert rl.is_grad_enabled()
    handle.remove()
    z.sum().backward()
    assert x.grad is not None
    assert (x.grad - 2 * rl.exp(rl.tensor(2.0))).abs().max().item() < 1e-5
