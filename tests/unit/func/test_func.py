"""rushlight.func: derivatives as functions, against PyTorch's; nesting, captured tensors, errors, modules."""

from __future__ import annotations

import pytest

import rushlight as rl
from tests.unit.twin import agree

START = """
F = torch.func
x, y = torch.tensor([.5, -1., 2.]), torch.tensor([1., 2., -.5])
w = torch.tensor([3., 1., 2.], requires_grad=True)
def cube(x): return (x ** 3).sum()
def both(x, y): return x * y.sin(), (x + y).sum()
"""

PROGRAMS = {
    "grad": (
        "show(F.grad(cube)(x), F.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))(x, y), F.grad(lambda x, k=1: "
        "(k * x).sum())(x, k=5))"
    ),
    "grad of trees": "show(F.grad(lambda d: (d['a'] * d['b'][0]).sum())({'a': x, 'b': [y, y]}))",
    "aux": "show(F.grad(lambda x: (cube(x), {'twice': x * 2}), has_aux=True)(x))",
    "value": "show(F.grad_and_value(cube)(x), F.grad_and_value(lambda x: (cube(x), x), has_aux=True)(x))",
    "negative argnums": "show(F.grad(lambda a, b: (a * b).sum(), argnums=-1)(x, y))",
    "vjp": "out, f = F.vjp(both, x, y); show(out, f((y, torch.tensor(2.)))); show(f((x, torch.tensor(1.))))",
    "vjp of trees": "out, f = F.vjp(lambda d: {'z': d['a'] * 2}, {'a': x}); show(out, f({'z': y}))",
    "vjp aux": "out, f, aux = F.vjp(lambda x: (x * 2, x), x, has_aux=True); show(out, f(y), aux)",
    "jvp": "show(F.jvp(both, (x, y), (y, x)), F.jvp(lambda x: (x * 2, x), (x,), (y,), has_aux=True))",
    "jvp of constants": "show(F.jvp(lambda x: torch.ones(2), (x,), (y,)), F.jvp(lambda x: x > 0, (x,), (y,)))",
    "jvp of trees": "show(F.jvp(lambda d: [d['a'] * 2], ({'a': x},), ({'a': y},)))",
    "jacobians": (
        "show(F.jacrev(both, (0, 1))(x, y), F.jacfwd(both, (0, 1))(x, y), F.jacfwd(both, (1,))(x, y), "
        "F.jacrev(both)(x, y))"
    ),
    "jacobian of a matrix": (
        "m = torch.arange(6.).view(2, 3); "
        "show(F.jacrev(lambda m: m.t() @ x[:2])(m), F.jacfwd(lambda m: (m * m).sum(0))(m))"
    ),
    "jacobian aux": (
        "show(F.jacrev(lambda x: (x ** 2, x), has_aux=True)(x), F.jacfwd(lambda x: (x ** 2, x), has_aux=True)(x))"
    ),
    "hessian": "show(F.hessian(cube)(x), F.hessian(lambda a, b: (a * a * b).sum(), (0, 1))(x, y))",
    "nested": "show(F.jacfwd(F.jacfwd(cube))(x), F.jacrev(F.jacrev(cube))(x), F.jacrev(F.jacfwd(cube))(x))",
    "three deep": (
        "f = lambda x: x ** 4; g = F.grad; "
        "show(g(g(g(f)))(x[0]), F.jacfwd(F.jacfwd(F.jacfwd(f)))(x[0]), g(F.jacfwd(g(f)))(x[0]))"
    ),
    "jvp of grad": "show(F.jvp(F.grad(cube), (x,), (y,)), F.grad(lambda x: F.jvp(cube, (x,), (y,))[1])(x))",
    "vjp of vjp": "show(F.vjp(lambda v: F.vjp(cube, v)[1](torch.tensor(2.))[0], x)[1](y))",
    "perturbations are not confused": (
        "show(F.jvp(lambda a: a * F.jvp(lambda b: a * b, (a,), (torch.ones(3),))[1], (x,), (torch.ones(3),)))"
    ),
    "linearize": "out, f = F.linearize(lambda x: (x ** 3, x.sum()), x); show(out, f(y)); show(f(x))",
    "captured": (
        "show(F.grad(lambda x: (x * w).sum())(x), F.vjp(lambda x: x * w, x)[0], F.jvp(lambda x: x * w, (x,), (y,))[1])"
    ),
    "by a leaf": "g = F.grad(cube)(w); show(g); g.sum().backward(); show(w.grad)",
    "nothing stays": (
        "show(F.vjp(lambda x: x * x, x)[0].requires_grad, F.grad(cube)(x).requires_grad, x.requires_grad, x.grad)"
    ),
    "no_grad outside": (
        "\nwith torch.no_grad(): show(F.grad(F.grad(lambda x: x ** 3))(x[0]), F.grad(cube)(w), F.vjp(lambda x: x "
        "* w, x)[0])"
    ),
    "no_grad inside": (
        "\ndef f(x):\n    with torch.no_grad(): s = x * 2\n    return (s * x).sum()\nshow(F.grad(f)(x))"
    ),
    "grad under no_grad inside": (
        "\ndef f(x):\n    with torch.no_grad(): s = F.grad(cube)(x)\n    return (s * x).sum()\nshow(F.grad(f)(x))"
    ),
    "inputs inside": "show(F.grad(lambda x: x.requires_grad * x.sum())(x))",
    "unused": (
        "show(F.grad(lambda x, y: x.sum(), (0, 1))(x, y), F.jacrev(lambda x: torch.ones(2))(x), F.jacfwd(lambda "
        "x: torch.ones(2))(x))"
    ),
    "in a level": (
        "\nad = torch.autograd.forward_ad\nwith ad.dual_level():\n    d = ad.make_dual(x, y); "
        "show(ad.unpack_dual(F.grad(cube)(d)).tangent)"
    ),
}

ERRORS = (
    "F.grad(lambda x: x * 2)(x)",
    "F.grad(lambda x: 3.)(x)",
    "F.grad(cube, argnums=5)(x)",
    "F.grad(cube, argnums=(0, 0))(x)",
    "F.grad(cube, argnums=[0])(x)",
    "F.grad(cube, argnums=1.)(x)",
    "F.grad(cube)(3.)",
    "F.grad(lambda x: x.sum())(torch.arange(3))",
    "F.grad(lambda x: x.sum(), has_aux=True)(x)",
    "F.grad(lambda x: (x.sum(), 5), has_aux=True)(x)",
    "F.vjp(lambda x: 3., x)",
    "F.vjp(both, x, y)[1](x)",
    "F.vjp(both, x, y)[1]((x, x, x))",
    "F.vjp(cube, x)[1](y)",
    "F.vjp(cube, x)[1](3.)",
    "F.vjp(cube, x)[1]()",
    "F.jvp(cube, x, x)",
    "F.jvp(cube, (x,), (x[:2],))",
    "F.jvp(cube, (x,), (x, x))",
    "F.jvp(cube, (), ())",
    "F.jvp(lambda x: 3., (x,), (x,))",
    "F.jvp(cube, (torch.arange(3),), (torch.arange(3),))",
    "F.jacrev(cube, argnums=3)(x)",
    "F.jacrev(lambda x: 3.)(x)",
    "F.jacfwd(lambda x: 3.)(x)",
    "F.jacrev(cube)(torch.ones(2, dtype=torch.complex64))",
    "F.jacfwd(cube)(torch.ones(2, dtype=torch.complex64))",
)

MODULES = """
class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.ones(1)); self.b = self.a; self.register_buffer('c', torch.zeros(1))
    def forward(self, x, k=1): return x * self.a + self.b * k + self.c
tied = Tied(); one = torch.ones(1)
"""

CALLS = (
    "{'a': one * 3}, one",
    "{'b': one * 3}, (one,), {'k': 2}",
    "({'a': one * 2}, {'c': one}), one",
    "{'a': one * 3}, one, tie_weights=False",
    "{'a': one, 'b': one * 2}, one",
    "{'a': one, 'unknown': one}, one",
    "{'a': one}, one, strict=True",
    "{'a': one, 'c': one}, one, strict=True",
    "({'a': one}, {'a': one}), one",
    "3, one",
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    agree(START + PROGRAMS[name], names=False)


@pytest.mark.parametrize("call", ERRORS)
def test_errors(call: str) -> None:
    agree(START + call)


@pytest.mark.parametrize("call", CALLS)
def test_functional_call(call: str) -> None:
    named = call.replace(", {'k'", ", kwargs={'k'")
    program = f"try: show(torch.func.functional_call(tied, {named}))\nfinally: show(tied.a, tied.c)"
    agree(f"{MODULES}\n{program}", names=False)


def test_stacked_modules() -> None:
    models = [rl.nn.Sequential(rl.nn.Linear(2, 3), rl.nn.BatchNorm1d(3)) for _ in range(4)]
    parameters, buffers = rl.func.stack_module_state(models)
    assert parameters["0.weight"].shape == (4, 3, 2) and parameters["0.weight"].is_leaf
    assert parameters["0.weight"].requires_grad and not buffers["1.running_mean"].requires_grad
    for bad in ([], [rl.nn.Linear(2, 2), rl.nn.ReLU()], [rl.nn.Linear(2, 2), rl.nn.Linear(2, 2).eval()]):
        with pytest.raises(RuntimeError, match="stack_module_state"):
            rl.func.stack_module_state(bad)


def test_batch_norm_without_running_statistics() -> None:
    model = rl.func.replace_all_batch_norm_modules_(rl.nn.Sequential(rl.nn.BatchNorm1d(3)))
    assert model[0].running_mean is None and not model[0].track_running_stats
    assert model.eval()(rl.randn(4, 3)).mean(0).abs().max() < 1e-5
