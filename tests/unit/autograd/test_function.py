"""Custom Functions: both styles, what ctx can say, what may be returned, errors, cycles, second derivatives."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import rushlight as rl
from tests.unit.twin import agree

START = """
from types import SimpleNamespace
import gc
Function = torch.autograd.Function
def leaf(): return torch.tensor([1., 2., 3.], requires_grad=True)
x = leaf()
def make(forward, backward=None, **more):
    d = {'forward': staticmethod(forward)} | {k: staticmethod(v) for k, v in more.items()}
    if backward: d['backward'] = staticmethod(backward)
    return type('F', (Function,), d)
def first(ctx, *g):
    show(ctx.needs_input_grad, g)
    return g[0]
"""

STYLES = [
    "y = make(lambda ctx, x: x * 2, first).apply(x); show(y, y.grad_fn.name()); y.sum().backward()",
    "y = make(lambda ctx, x, k: x * k, lambda ctx, g: (g * 2, None)).apply(x, 3); y.sum().backward()",
    "def fw(ctx, x, w): ctx.save_for_backward(x, w); return x * w\n"
    "def bw(ctx, g):\n    a, b = ctx.saved_tensors; return g * b, g * a\n"
    "w = leaf(); y = make(fw, bw).apply(x, w); y.sum().backward(); show(w.grad)",
    "def fw(ctx, x, w): ctx.save_for_backward(x, w); return x * w\n"
    "def bw(ctx, g):\n    a, b = ctx.saved_tensors; return g * b, g * a\n"
    "w = leaf(); y = make(fw, bw).apply(x, w); g, = torch.autograd.grad(y.sum(), x, create_graph=True)\n"
    "show(g); (g * g).sum().backward(); show(w.grad)",
    "class F(Function):\n"
    "    @staticmethod\n    def forward(x, k=2): return x.exp() * k\n"
    "    @staticmethod\n    def setup_context(ctx, inputs, output):\n"
    "        show(inputs, output, ctx.needs_input_grad); ctx.save_for_backward(output); ctx.k = inputs[1]\n"
    "    @staticmethod\n    def backward(ctx, g): y, = ctx.saved_tensors; return g * y, None\n"
    "y = F.apply(x); y.sum().backward(); show(y.grad_fn.k, F.apply(x, 3), F.apply(x, k=4), F.apply(k=1, x=x))\n"
    "g, = torch.autograd.grad(F.apply(x).sum(), x, create_graph=True); show(torch.autograd.grad(g.sum(), x))",
    "y = make(lambda ctx, x: x * 2, None, vjp=first).apply(x); y.sum().backward()",
    "class A(Function):\n"
    "    @staticmethod\n    def forward(ctx, x): return x * 2\n"
    "    @staticmethod\n    def backward(ctx, g): return g * 2\n"
    "class B(A):\n    @staticmethod\n    def backward(ctx, g): return g * 5\n"
    "y = B.apply(x); show(y.grad_fn.name()); y.sum().backward()",
    "class A(Function):\n"
    "    @classmethod\n    def apply(cls, x, k=7): return super().apply(x, k)\n"
    "    @staticmethod\n    def forward(ctx, x, k): return x * k\n"
    "    @staticmethod\n    def backward(ctx, g): return g, None\n"
    "show(A.apply(x))",
]

KEYWORDS = [
    "make(lambda ctx, x: x * 2, first).apply(x=x).sum().backward()",
    "make(lambda ctx, x, y=2: x * y, first).apply(x).sum().backward()",
    "make(lambda ctx, x, y=2: x * y, lambda ctx, g: (first(ctx, g), None)).apply(x, y=3).sum().backward()",
    "make(lambda ctx, x, *, y=2: x * y, first).apply(x, y=3)",
    "make(lambda ctx, x, **k: x, first).apply(x, y=3)",
    "make(lambda ctx, x, z=1, y=2: x * y, first).apply(x, y=3)",
    "make(lambda ctx, x: x, first).apply(x, q=3)",
    "make(lambda ctx, x: x, first).apply()",
    "make(lambda ctx, x: x, first).apply(x, x)",
    "s = lambda ctx, i, o: show(len(i))\nmake(lambda x, *, y=2: x * y, first, setup_context=s).apply(x)",
    "s = lambda ctx, i, o: show(len(i))\nmake(lambda x, *a: x * a[0], lambda ctx, g: (g, None, None), "
    "setup_context=s).apply(x, 1, 2).sum().backward()",
    "s = lambda ctx, i, o: show(len(i))\nmake(lambda x, y=2: x, first, setup_context=s).apply(x, z=1)",
    "s = lambda ctx, i, o: show(len(i))\nmake(lambda x, y=2: x, first, setup_context=s).apply()",
]

ERRORS = [
    "type('F', (Function,), {}).apply(x)",
    "make(lambda ctx, x: x * 2).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: (g, g)).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: (g, None, None)).apply(x).sum().backward()",
    "make(lambda ctx, x, y: x * 2, lambda ctx, g: (g,)).apply(x, x).sum().backward()",
    "make(lambda ctx, x, y: x * 2, lambda ctx, g: g).apply(x, x).sum().backward()",
    "make(lambda ctx, x, y: x * 2, lambda ctx, g: (g, g)).apply(x, 3).sum().backward()",
    "make(lambda ctx, x, y: x * 2, lambda ctx, g: (g, g)).apply(x, torch.ones(3)).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: 3).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: [g]).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: None).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: torch.ones(4)).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: torch.ones(1)).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: torch.tensor(1.)).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: torch.ones(2, 3)).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: g.double() * 3).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: g.long() * 3).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, lambda ctx, g: torch.ones(3, dtype=torch.complex64)).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, first, vjp=lambda ctx, g: g).apply(x).sum().backward()",
    "make(lambda ctx, x: x * 2, first)()(x)",
    "show(isinstance(make(lambda ctx, x: x * 2, first)(), Function))",
    "def fw(ctx, x): ctx.save_for_backward(x, 3); return x * 2\nmake(fw, first).apply(x)",
    "def fw(ctx, x): ctx.save_for_backward(x, 3); return x * 2\nshow(make(fw, first).apply(torch.ones(2)))",
    "def fw(ctx, x): ctx.to_save = [x]; return x * 2\nmake(fw, first).apply(x)",
    "def fw(ctx, x): ctx.save_for_forward(x, 3); return x * 2\nmake(fw, first).apply(x)",
    "def fw(ctx, x): ctx.set_materialize_grads(1); return x * 2\nmake(fw, first).apply(x)",
    "def fw(ctx, x): raise KeyError('f')\nmake(fw, first).apply(x)",
    "def bw(ctx, g): raise KeyError('b')\ny = make(lambda ctx, x: x * 2, bw).apply(x); tried(y.sum().backward); "
    "show(x.grad, y)\ntried(y.sum().backward)",
    "tried(lambda: Function.backward(None)); tried(lambda: Function.jvp(None)); tried(lambda: Function.forward(None))\n"
    "tried(lambda: Function.vmap(None, None)); tried(lambda: Function.setup_context(None, None, None))\n"
    "show(Function.generate_vmap_rule)",
    "def fw(ctx, x): ctx.save_for_backward(x); return x * 2\ny = make(fw, lambda ctx, g: g * ctx.saved_tensors[0])"
    ".apply(x * 1); y.sum().backward(); y.sum().backward()",
    "y = make(lambda ctx, x: x * 2, first).apply(x); y.sum().backward(); y.sum().backward()",
    "def fw(ctx, x): ctx.save_for_backward(x); return x * 2\nz = x * 1; y = make(fw, lambda ctx, g: "
    "ctx.saved_tensors[0]).apply(z); z.add_(1); y.sum().backward()",
]

OUTPUTS = [
    "show(make(lambda ctx, x: [x * 2, x], first).apply(x))",
    "show(make(lambda ctx, x: None, first).apply(x))",
    "show(make(lambda ctx, x: (), first).apply(x))",
    "o = make(lambda ctx, x: (x * 2, 3, 'a', x.long()), first).apply(x); show(o); o[0].sum().backward()",
    "o = make(lambda ctx, x: (x * 2, 3, x.long(), x + 1), first).apply(x); o[0].sum().backward()",
    "def fw(ctx, x): ctx.set_materialize_grads(False); return x * 2, 3, x.long(), x + 1\n"
    "o = make(fw, first).apply(x); o[0].sum().backward()",
    "o = make(lambda ctx, x: (x * 2,), first).apply(x); show(o); o[0].sum().backward()",
    "o = make(lambda ctx, x: (x * 2, x * 3), lambda ctx, a, b: a + 10 * b).apply(x); show([t.output_nr for t in o])\n"
    "(o[0] * o[1]).sum().backward()",
    # inputs and views
    "y = make(lambda ctx, x: x, first).apply(x); show(y is x, y, y._is_view(), y._base is x); y.sum().backward()",
    "z = x * 1; y = make(lambda ctx, x: x, first).apply(z); show(y._is_view(), z); y.mul_(2)",
    "z = torch.ones(2); y = make(lambda ctx, x: x, first).apply(z); show(y is z, y._is_view()); y.mul_(2); show(y, z)",
    "z = x * 1; y = make(lambda ctx, x: x[:1], lambda ctx, g: g.expand(3)).apply(z); show(y, y._is_view()); y.mul_(2)",
    "z = x * 1; y = make(lambda ctx, x: x[:1], lambda ctx, g: g.expand(3)).apply(z); z.mul_(2); show(z); y.grad_fn",
    "y = make(lambda ctx, x: x[:1], lambda ctx, g: g.expand(3)).apply(torch.ones(3)); show(y); y.mul_(2)",
    "z = x * 1; y, w = make(lambda ctx, x: (x[:1], x[1:]), lambda ctx, g, h: torch.cat([g, h])).apply(z); show(y, w)\n"
    "tried(lambda: y.mul_(2)); (y.sum() + w.sum()).backward()",
    "z = x * 1; y = make(lambda ctx, a, b: (a, b), lambda ctx, g, h: (g, h)).apply(z, x); show(y)\n"
    "(y[0] * y[1]).sum().backward()",
    "y = make(lambda ctx, x: x.detach(), first).apply(x); show(y); y.sum().backward()",
    "y = make(lambda ctx, x: x.view_as(x), first).apply(x); show(y, y._is_view())",
    "y = make(lambda ctx, x: torch.ones(2, requires_grad=True), lambda ctx, g: x).apply(x); show(y, y.is_leaf)",
    # in place
    "def fw(ctx, a): a.mul_(2); ctx.mark_dirty(a); return a\nF = make(fw, lambda ctx, g: g * 7)\n"
    "tried(lambda: F.apply(x)); z = leaf() * 1; v = z._version; y = F.apply(z); show(y is z, y, y._version - v)",
    "def fw(ctx, a): a.mul_(2); ctx.mark_dirty(a); return a\nF = make(fw, lambda ctx, g: g * 7)\n"
    "z = x * 1; y = F.apply(z); z.sum().backward()",
    "def fw(ctx, a): a.mul_(2); ctx.mark_dirty(a); return a\nF = make(fw, lambda ctx, g: g * 7)\n"
    "z = x * 1; v = z[:1]; y = F.apply(v); show(y is v); z.sum().backward()",
    "def fw(ctx, a): a.mul_(2); ctx.mark_dirty(a); return a\nF = make(fw, lambda ctx, g: g * 7)\n"
    "F.apply(x[:1])",
    "def fw(ctx, a): a.mul_(2); ctx.mark_dirty(a); return a\nz = torch.ones(2); y = make(fw, first).apply(z)\n"
    "show(y is z, y, y._version)",
    "def fw(ctx, a): ctx.mark_dirty(a); return a\nz = x * 1; y = make(fw, first).apply(z); show(y is z, z, z._version)",
    "def fw(ctx, a): a.mul_(2); ctx.mark_dirty(a); return a * 2\nmake(fw, first).apply(x * 1)",
    "def fw(ctx, a): b = a * 2; ctx.mark_dirty(b); return b\nz = x * 1; y = make(fw, first).apply(z)\n"
    "show(y, z._version); y.sum().backward()",
    "def fw(ctx, a): a.mul_(2); ctx.mark_dirty(a); return a, a * 2\nF = make(fw, lambda ctx, g, h: g + h)\n"
    "tried(lambda: F.apply((x * 1)[:1])); z = x * 1; y = F.apply(z); show(y[0] is z); (y[0] + y[1]).sum().backward()",
    "def fw(ctx, a):\n    b = a * 2; c = a[:1]; ctx.mark_non_differentiable(b, a, c); return b, a, c, a * 3\n"
    "y = make(fw, lambda ctx, *g: (show(g), g[3])[1]).apply(x); show(y, y[1] is x, y[1]._is_view(), y[2]._is_view())\n"
    "y[3].sum().backward()",
    # saved
    "def fw(ctx, a): b = a * 2; ctx.save_for_backward(a, None, b); return b\ny = make(fw, first).apply(x)\n"
    "s = y.grad_fn.saved_tensors; show(s, s[0] is x, s[2] is y, y.grad_fn.to_save); y.sum().backward()\n"
    "tried(lambda: y.grad_fn.saved_tensors)",
    "def fw(ctx, a): show(ctx.saved_tensors); return a * 2\nmake(fw, first).apply(x)",
    "def fw(x): return x\ndef s(ctx, i, o): ctx.save_for_backward(o)\nmake(fw, first, setup_context=s).apply(x)",
    "class F(Function):\n"
    "    clear_saved_tensors_on_access = True\n"
    "    @staticmethod\n    def forward(ctx, x): ctx.save_for_backward(x); return x * 2\n"
    "    @staticmethod\n    def backward(ctx, g): show(ctx.saved_tensors); return ctx.saved_tensors[0]\n"
    "F.apply(x).sum().backward()",
    # ctx
    "def fw(ctx, *a): show(ctx.needs_input_grad, torch.is_grad_enabled()); return a[0] * 2\n"
    "y = make(fw, lambda ctx, g: (g, None, None, None)).apply(x, torch.ones(2, dtype=torch.int64), 3, [x])\n"
    "show([(n and n.name(), i) for n, i in y.grad_fn.next_functions]); y.sum().backward()",
    "n = make(lambda ctx, a: a * 2, first).apply(x).grad_fn; show(n.needs_input_grad, n.metadata, n.dirty_tensors, "
    "n.non_differentiable, n.requires_grad, n.saved_for_forward, n.saved_tensors, type(n).__name__)\n"
    "show(isinstance(n, torch.autograd.graph.Node), isinstance(n, torch.autograd.function.FunctionCtx))",
    "def bw(ctx, g): show(ctx.y.grad_fn is ctx, ctx.k); return g\n"
    "def fw(ctx, a): ctx.k = 5; ctx.y = a * 2; return ctx.y\n"
    "make(fw, bw).apply(x).sum().backward()",
    "with torch.no_grad(): show(make(lambda ctx, a: a * 2, first).apply(x))",
    "with torch.inference_mode(): show(make(lambda ctx, a: a * 2, first).apply(x))",
    "y = make(lambda ctx, a: a * 2, lambda ctx, g: (show(torch.is_grad_enabled()), g)[1]).apply(x)\n"
    "y.sum().backward(create_graph=True)",
    "y = make(lambda ctx, a: a * 2, first).apply(x); y.grad_fn.register_hook(lambda i, o: show('hook', i, o))\n"
    "y.grad_fn.register_prehook(lambda o: (o[0] * 2,)); y.register_hook(lambda g: g * 10); y.sum().backward()",
    "z = x * 2; y = make(lambda ctx, a, b: a * b, lambda ctx, g, : (None, g)).apply(z, z); y.sum().backward()",
    "y = make(lambda ctx, a: a.sum(), lambda ctx, g: g.expand(3)).apply(x); show(y); y.backward()",
    "class F(Function):\n"
    "    @staticmethod\n    def forward(ctx, x): ctx.save_for_backward(x); return x ** 3\n"
    "    @staticmethod\n    def backward(ctx, g): return G.apply(g, *ctx.saved_tensors)\n"
    "class G(Function):\n"
    "    @staticmethod\n    def forward(ctx, g, x): ctx.save_for_backward(g, x); return g * 3 * x ** 2\n"
    "    @staticmethod\n    def backward(ctx, h): g, x = ctx.saved_tensors; return h * 3 * x ** 2, h * g * 6 * x\n"
    "g, = torch.autograd.grad(F.apply(x).sum(), x, create_graph=True); show(g)\n"
    "h, = torch.autograd.grad(g.sum(), x, create_graph=True); show(h); show(torch.autograd.grad(h.sum(), x))",
    # once differentiable
    "once = torch.autograd.function.once_differentiable\n"
    "y = make(lambda ctx, a: a * 2, once(lambda ctx, g: (show(torch.is_grad_enabled(), g.requires_grad), g * 2)[1]))"
    ".apply(x)\ny.sum().backward(retain_graph=True); show(x.grad)\n"
    "g, = torch.autograd.grad((y * y).sum(), x, create_graph=True); show(g.requires_grad); g.sum().backward()",
    "once = torch.autograd.function.once_differentiable\n"
    "y = make(lambda ctx, a, b: a * 2, once(lambda ctx, g: (g * 2, None))).apply(x, 1)\n"
    "g, = torch.autograd.grad((y * y).sum(), x, create_graph=True); show(g.requires_grad); g.sum().backward()",
]


@pytest.mark.parametrize("program", STYLES + KEYWORDS + ERRORS + OUTPUTS)
def test_program(program: str) -> None:
    agree(f"{START}\nshow(0)\n{program}\nshow(x.grad)")


class Doubled(rl.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: rl.Tensor) -> rl.Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: rl.Tensor) -> rl.Tensor:
        return g * 2


def test_a_context_that_keeps_its_output_is_collected() -> None:
    class Keeps(Doubled):
        @staticmethod
        def forward(ctx: Any, x: rl.Tensor) -> rl.Tensor:
            ctx.y = x * 2
            ctx.save_for_backward(ctx.y)
            return ctx.y

    y = Keeps.apply(rl.ones(2, requires_grad=True))
    node, output = weakref.ref(y.grad_fn), weakref.ref(y)
    del y
    gc.collect()
    assert node() is None
    assert output() is None


def test_a_class_goes_with_its_last_node() -> None:
    def make() -> Any:
        class Local(Doubled):
            pass

        y = Local.apply(rl.ones(2, requires_grad=True))
        Local.y = y  # type: ignore[attr-defined]
        return weakref.ref(Local)

    cls = make()
    gc.collect()
    assert cls() is None


def test_a_long_chain_is_run_and_freed_without_recursion() -> None:
    x = rl.ones(1, requires_grad=True)
    y = x
    for _ in range(50_000):
        y = Doubled.apply(y)
    y = y * 0
    y.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0]
    del y


def test_nothing_leaks() -> None:
    x = rl.ones(2, requires_grad=True)

    def work() -> None:
        y = Doubled.apply(x)
        y.sum().backward(retain_graph=True)
        with pytest.raises(TypeError):
            Doubled.apply()
        assert y.grad_fn.saved_tensors[0] is x

    for _ in range(20):
        work()
    gc.collect()
    before = len(gc.get_objects()), rl._native.memory_stats()["allocated"]
    for _ in range(200):
        work()
    gc.collect()
    assert len(gc.get_objects()) - before[0] < 20
    assert rl._native.memory_stats()["allocated"] == before[1]


def test_saved_tensors_name_the_function_when_they_were_changed() -> None:
    x = rl.ones(2, requires_grad=True) * 1

    class Reads(Doubled):
        @staticmethod
        def backward(ctx: Any, g: rl.Tensor) -> rl.Tensor:
            return ctx.saved_tensors[0] * g

    y = Reads.apply(x)
    x.add_(1)
    with pytest.raises(RuntimeError, match=r"ReadsBackward.*\[2\].*version"):
        y.sum().backward()


def test_more_inputs_than_a_word_has_bits() -> None:
    class Weighted(rl.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            return sum(inputs[1:], inputs[0])

        @staticmethod
        def backward(ctx, g):
            return tuple(g * i for i in range(len(ctx.needs_input_grad)))

    inputs = [rl.ones(2, requires_grad=i in (3, 62, 63, 64, 69)) for i in range(70)]
    Weighted.apply(*inputs).sum().backward()
    assert {i: x.grad.tolist() for i, x in enumerate(inputs) if x.grad is not None} == {
        i: [i, i] for i in (3, 62, 63, 64, 69)
    }
    (g,) = rl.autograd.grad(Weighted.apply(*inputs).sum(), inputs[69])
    assert g.tolist() == [69, 69]
