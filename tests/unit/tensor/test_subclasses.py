"""Subclasses of Tensor, and `__torch_function__` as functions, methods, operators and properties see it."""

from __future__ import annotations

import pytest

from tests.unit.twin import agree

START = """
class S(torch.Tensor):
    pass
class T(S):
    pass
class Logged(torch.Tensor):
    calls = []
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((func.__name__, [t.__name__ for t in types], len(args), sorted(kwargs or {})))
        return super().__torch_function__(func, types, args, kwargs or {})
class Refuses(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented
class Answers:
    def __init__(self): self.calls = []
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func.__name__, len(args)
z = torch.ones(2, 2)
def made(cls): return torch.ones(2, 2).as_subclass(cls)
s, t, l, r, a = made(S), made(T), made(Logged), made(Refuses), Answers()
"""

ALL = [
    "show(s, s + 1, 1 + s, s * z, z * s, s.exp(), torch.exp(s), s.sum(), s[0], s.t(), s == s)",
    "show(t + s, s + t, torch.add(s, t), torch.add(t, s))",
    "show(type(s.data).__name__, type(s.detach()).__name__, type(s.clone()).__name__, type(s.numpy()).__name__)",
    "show(s.max(0), s.unbind(0), torch.stack([s, s]), torch.cat([z, s]))",
    "s.note = 1; show(s.note, (s + 1).__dict__); s.add_(1); show(s.note, s); s += 1; show(s, s.note)",
    "x = made(S).requires_grad_(); y = (x * 2).sum(); y.backward(); show(x.grad, type(x.grad).__name__, y)",
    "show(S([1, 2]), S(2).shape, S(z), isinstance(S(z), torch.Tensor), isinstance(z, S), issubclass(T, S))",
    "show(z.as_subclass(S), s.as_subclass(torch.Tensor), torch.Tensor._make_subclass(S, z, True))",
    "z.as_subclass(int)",
    "torch.Tensor._make_subclass(int, z)",
    "torch.Tensor._make_subclass(S, torch.tensor([1]), True)",
    "show(torch.Tensor.add(s, 1), torch.Tensor.__add__(s, 1))",
    "l + 1; 1 + l; z + l; l.exp(); torch.exp(l); torch.add(l, 1, alpha=2); l.sum(0, keepdim=True)\n"
    "show([c[1:] for c in l.calls])",
    "torch.exp(l); torch.matmul(l, z); torch.cat([l, z]); torch.sum(l); show([c[:2] for c in l.calls])",
    "l.exp(); l.sum(); l.add_(1); l.t(); show([c[0] for c in l.calls])",
    "show(l.shape, type(l.exp()).__name__)",
    "x = torch.nn.functional.relu(l); show(type(x).__name__)",
    "r + 1",
    "1 + r",
    "z + r",
    "torch.exp(r)",
    "r.exp()",
    "show(torch.exp(a), torch.add(a, 1), torch.add(z, a), torch.cat([z, a]), torch.sum(a))",
    "show(z + a)",
    "show(z.add(a))",
    "show(r.detach() if False else torch.Tensor.__torch_function__ is not None)",
    "p = torch.nn.Parameter(z); show(type(p + 1).__name__, type(p.data).__name__, type(p.detach()).__name__, p)",
    "p = torch.nn.Parameter(s); show(type(p).__name__, isinstance(p, S), isinstance(p, torch.nn.Parameter))",
    "class P(torch.nn.Parameter): pass\np = P(z); show(type(p).__name__, type(p + 1).__name__, isinstance(p, "
    "torch.nn.Parameter))",
    "p = torch.nn.Parameter(z); p.note = 1; show(p.note, p.requires_grad, p.is_leaf); (p * 2).sum().backward(); "
    "show(p.grad)",
    "torch.nn.Parameter(torch.tensor([1]))",
    "show(torch.nn.Parameter(torch.tensor([1]), requires_grad=False))",
    "class B(torch.Tensor):\n    def __init__(self, *a): self.extra = a\nb = B([1., 2.]); show(b.extra, b + 1)",
    "class N(torch.Tensor):\n    def __new__(cls, x, tag):\n        y = torch.Tensor._make_subclass(cls, x); "
    "y.tag = tag; "
    "return y\n    def __init__(self, x, tag): pass\nn = N(z, 'k'); show(n, n.tag)",
    "class O(torch.Tensor):\n    def __add__(self, o): return 'mine'\n    def exp(self): return 'exp'\n"
    "o = z.as_subclass(O); show(o + 1, o.exp(), torch.exp(o))",
    "class R:\n    def __radd__(self, o): return 'r'\n    def __rmatmul__(self, o): return 'm'\n"
    "    def __eq__(self, o): return 'e'\n    def __rtruediv__(self, o): return 'd'\n"
    "show(z + R(), z @ R(), z / R(), z == R())",
    "z + 'a'",
    "z + None",
    "z + [1, 2]",
    "z @ 1",
    "show(z == 'a', z != None, z == None)",
    "z < 'a'",
    "z < None",
]


@pytest.mark.parametrize("program", ALL)
def test_program(program: str) -> None:
    agree(f"{START}\nshow(0)\n{program}", names=False)
