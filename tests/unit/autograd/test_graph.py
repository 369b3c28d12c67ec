"""Edges, saved-tensor hooks, hooks on several tensors, changes of saved tensors: programs run by both libraries."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import rushlight as rl
from rushlight.autograd import graph
from tests.unit.twin import agree

START = """
graph = torch.autograd.graph
x = torch.tensor([1., 2., 3.], requires_grad=True)
w = torch.tensor([.5, -1., 2.], requires_grad=True)
def same(t): return t
def saying(name): return lambda t: (show(name, t), t)[1]
hooks = graph.saved_tensors_hooks
"""

EDGES = [
    "e = graph.get_gradient_edge(x * w); show(e.node.name(), e.output_nr, type(e).__name__, len(e))",
    "e = graph.get_gradient_edge(x); show(e.node.name(), e.output_nr, e.node.variable is x)",
    "graph.get_gradient_edge(x.detach())",
    "y = x * w; e = graph.get_gradient_edge(y); show(torch.autograd.grad((y * y).sum(), e))",
    "y = x * w; e = graph.get_gradient_edge(y); show(torch.autograd.grad((y * y).sum(), [e, x, graph.GradientEdge"
    "(x.grad_fn, 0) if x.grad_fn else w]))",
    "show(torch.autograd.grad((x * w).sum(), graph.get_gradient_edge(x)))",
    "y = x * w; e = graph.get_gradient_edge(y); torch.autograd.backward(e, torch.ones(3)); show(x.grad, w.grad)",
    "y = x * w; torch.autograd.backward([graph.get_gradient_edge(y), y], [torch.ones(3)] * 2); show(x.grad, w.grad)",
    "y = x * w; e = graph.get_gradient_edge(y); del y; show(torch.autograd.grad(e, x, torch.ones(3)))",
    "(x * w).sum().backward(inputs=[graph.get_gradient_edge(x)]); show(x.grad, w.grad)",
    "torch.autograd.backward(graph.GradientEdge((x * w).grad_fn, 5), torch.ones(3))",
    "show(issubclass(torch.autograd.Function._backward_cls, graph.Node), isinstance((x * w).grad_fn, graph.Node))",
    "graph.increment_version(x); show(x._version); graph.increment_version([x, w]); show(x._version, w._version)",
    "y = x * 1; z = y * y; graph.increment_version(y); z.sum().backward()",
    "with torch.inference_mode(): y = torch.ones(2)\ngraph.increment_version(y); show(y)",
    "graph.increment_version(3)",
]

SAVED = [
    "with hooks(saying('pack'), saying('unpack')): y = x * w\nshow(0); y.sum().backward()",
    "with hooks(lambda t: t * 2, saying('unpack')): y = x.detach().requires_grad_() * w\ny.sum().backward()",
    "with hooks(lambda t: t.tolist(), lambda l: torch.tensor(l)): y = x.exp().sin()\ny.sum().backward()",
    "with hooks(same, same): y = x.exp()\ng, = torch.autograd.grad(y.sum(), x, create_graph=True); g.sum().backward()",
    "with hooks(lambda t: t.detach().clone(), same): y = x * x * x\n"
    "g, = torch.autograd.grad(y.sum(), x, create_graph=True); show(g); (g * g).sum().backward()",
    "with hooks(lambda t: t.detach().clone(), same): y = (x * w).exp() * w\n"
    "g, = torch.autograd.grad(y.sum(), x, create_graph=True); show(g); (g * g).sum().backward()",
    "with hooks(lambda t: 3, same): y = x * x\ny.sum().backward()",
    "with hooks(lambda t: t.mul_(2), same): (x * 1).exp()",
    "with hooks(1, 2): pass",
    "with hooks(saying('outer'), same), hooks(saying('inner'), same): x.exp() * 1\nshow(0)",
    "z = x * 1\nwith hooks(same, same): y = z * z\nz.add_(1); y.sum().backward()",
    "def bad(t): raise KeyError('p')\nwith hooks(bad, same): tried(lambda: x * x)\ny = x * x; y.sum().backward()",
    "def bad(t): raise KeyError('p')\nwith hooks(same, bad): y = x * x\ntried(y.sum().backward); show(x.grad)",
    "with hooks(saying('p'), same): torch.ones(2) * torch.ones(2); (x.detach() * 2); x + w\nshow(0)",
    "with hooks(same, lambda t: (show(t.tolist()), t)[1]): y = x * 1; y.mul_(w); y.exp_()\ny.sum().backward()",
    "with hooks(saying('p'), saying('u')): y = (x + w).relu()\ny.sum().backward()",
    "with torch.no_grad(), hooks(saying('p'), same): x * x\nshow(0)",
    "with hooks(lambda t: (show(torch.is_grad_enabled()), t)[1], same): y = x * x",
    "y = x * x; r = y.grad_fn._raw_saved_self; r.register_hooks(saying('p'), saying('u')); y.sum().backward()\n"
    "tried(lambda: r.register_hooks(same, same))",
    "y = x * x; r = y.grad_fn._raw_saved_self; r.register_hooks(lambda t: t * 5, same); y.sum().backward()",
    "y = x * x; r = y.grad_fn._raw_saved_self; y.sum().backward(); r.register_hooks(same, same)",
    "y = x * x.detach(); tried(lambda: y.grad_fn._raw_saved_self.register_hooks(same, same))\n"
    "tried(lambda: y.grad_fn._raw_saved_other.register_hooks(1, 2)); y.grad_fn._raw_saved_zz",
    "y = x * x; r = y.grad_fn._raw_saved_self; r.register_hooks(same, same); r.register_hooks(same, same)",
    "y = x.exp(); r = y.grad_fn._raw_saved_result; r.register_hooks(lambda t: t * 3, same)\n"
    "g, = torch.autograd.grad(y.sum(), x, create_graph=True); show(g); g.sum().backward()",
    "with graph.save_on_cpu(): y = (x * w).exp()\ny.sum().backward(); show(w.grad)",
    "with graph.disable_saved_tensors_hooks('no'):\n    with hooks(same, same): pass",
    "with hooks(same, same):\n    with graph.disable_saved_tensors_hooks('no'): pass",
    "with graph.disable_saved_tensors_hooks('no'): y = x * x\ny.sum().backward()\nwith hooks(same, same): show(1)",
    "class F(torch.autograd.Function):\n"
    "    @staticmethod\n    def forward(ctx, x): ctx.save_for_backward(x); return x * 2\n"
    "    @staticmethod\n    def backward(ctx, g): return g * ctx.saved_tensors[0]\n"
    "with hooks(saying('p'), lambda t: t * 10): y = F.apply(x)\n"
    "show(len(y.grad_fn._raw_saved_tensors)); y.sum().backward()",
]

MUTATION = [
    "with graph.allow_mutation_on_saved_tensors():\n    y = x * 1; z = y * y; y.add_(1); y.zero_(); z.sum().backward()",
    "with graph.allow_mutation_on_saved_tensors():\n    y = x.exp(); z = y.sin(); y[0] = 7; z.sum().backward()",
    "with graph.allow_mutation_on_saved_tensors():\n    y = x * 1; z = y[:2] * w[:2]; y.mul_(3); (z.sum() + y.sum())"
    ".backward(); show(w.grad)",
    "with graph.allow_mutation_on_saved_tensors(): y = x * x\ny.sum().backward()",
]

MULTI = [
    "graph.register_multi_grad_hook([x, w], lambda g: show('all', g)); (x * w).sum().backward()\n"
    "(x * 2).sum().backward()",
    "graph.register_multi_grad_hook([x * 2, w * 2], lambda g: show('all', g)); (x * w).sum().backward()",
    "y = x * w; graph.register_multi_grad_hook([x, y], lambda g: show('all', g)); (y * x).sum().backward()",
    "graph.register_multi_grad_hook([x, w], lambda g: show('any', g), mode='any'); (x * w).sum().backward()\n"
    "(x * 2).sum().backward()",
    "h = graph.register_multi_grad_hook([x, w], lambda g: show('all', g)); h.remove(); (x * w).sum().backward()",
    "graph.register_multi_grad_hook([x], lambda g: show(1), mode='some')",
    "graph.register_multi_grad_hook([x.detach()], lambda g: show(1))",
    "def bad(g): raise KeyError('m')\ngraph.register_multi_grad_hook([x, w], bad); tried((x * w).sum().backward)\n"
    "tried((x * w).sum().backward)",
]

RAW_ATTRIBUTES = [
    "n = torch.ones(2, 3, requires_grad=True).sum(1).grad_fn; show(n._saved_dim, n._saved_keepdim, "
    "n._saved_self_sym_sizes)",
    "n = torch.ones(2, 3, requires_grad=True).mean((0, 1), keepdim=True).grad_fn; show(n._saved_dim, n._saved_keepdim)",
    "n = torch.ones(2, 3, requires_grad=True).sum().grad_fn; show(n._saved_self_sym_sizes); n._saved_dim",
    "n = torch.ones(2, 3, requires_grad=True).amax(1).grad_fn; show(n._saved_dim, n._saved_result)",
    "n = torch.ones(2, 3, requires_grad=True).prod(1).grad_fn; show(n._saved_dim, n._saved_keepdim)",
]


@pytest.mark.parametrize("program", EDGES + SAVED + MUTATION + MULTI + RAW_ATTRIBUTES)
def test_program(program: str) -> None:
    agree(f"{START}\nshow(0)\n{program}\nshow(x.grad)")


SECOND_DERIVATIVES_THROUGH_VIEWS = [
    "v.exp_()",
    "v.mul_(w)",
    "v.mul_(w); v.sin_()",
    "v.copy_(w * w); v.tanh_()",
    "v.sigmoid_(); x.mul_(x.detach()); v.exp_()",
]


@pytest.mark.parametrize("write", SECOND_DERIVATIVES_THROUGH_VIEWS)
@pytest.mark.parametrize("view", ["x[0]", "x.t()[1]", "x.view(-1)[1:3]"])
def test_second_derivatives_of_a_write_to_a_view(write: str, view: str) -> None:
    agree(
        "a = torch.tensor([[.1, .2], [.3, .4]], dtype=torch.float64, requires_grad=True)\n"
        "b = torch.tensor([.5, .6], dtype=torch.float64, requires_grad=True)\n"
        f"x = a * 2; w = b * 3; v = {view}; {write}\n"
        "g = torch.autograd.grad((x * x).sum(), [a, b], create_graph=True, materialize_grads=True); show(g)\n"
        "show(torch.autograd.grad((g[0] * g[0]).sum() + g[1].sum(), [a, b], materialize_grads=True))",
        names=False,
    )


def test_packed_values_go_with_their_graph() -> None:
    class Box:
        def __init__(self, t: rl.Tensor) -> None:
            self.t = t

    boxes: list[weakref.ref[Box]] = []

    def pack(t: rl.Tensor) -> Box:
        box = Box(t)
        boxes.append(weakref.ref(box))
        return box

    x = rl.ones(3, requires_grad=True)
    with graph.saved_tensors_hooks(pack, lambda box: box.t):
        y = x * x
        z = x.exp()  # the box keeps z, and z's node the box
    y.sum().backward()
    assert boxes[0]() is None
    del y, z
    gc.collect()
    assert all(box() is None for box in boxes)


def test_hooks_of_a_nested_run_count_for_themselves() -> None:
    x, w = rl.ones(2, requires_grad=True), rl.ones(2, requires_grad=True)
    seen: list[Any] = []

    def inner(_: rl.Tensor) -> None:
        if len(seen) == 0:
            seen.append("nested")
            with rl.enable_grad():
                (x * w).sum().backward()

    graph.register_multi_grad_hook([x, w], lambda g: seen.append([t is not None for t in g]))
    y = x * 2
    y.register_hook(inner)
    (y * w).sum().backward()
    assert seen == ["nested", [True, True], [True, True]]


def test_gradient_edge_of_a_leaf_keeps_the_leaf() -> None:
    edge = graph.get_gradient_edge(rl.ones(2, requires_grad=True))
    gc.collect()
    assert edge.node.variable.tolist() == [1.0, 1.0]
