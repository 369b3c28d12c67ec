"""Products with the Jacobian and the Hessian, and gradcheck: the same programs as PyTorch."""

from __future__ import annotations

import pytest

from tests.unit.twin import agree

START = """
F = torch.autograd.functional
vjp, jvp, vhp, hvp, jacobian, hessian = F.vjp, F.jvp, F.vhp, F.hvp, F.jacobian, F.hessian
d = torch.float64
x = torch.tensor([1., 2.], dtype=d); y = torch.tensor([3., 4.], dtype=d); leaf = x.clone().requires_grad_()
f = lambda x, y: (x * y).sum()
cube = lambda x: (x * x * x).sum()
both = lambda x, y: (x * y, x.sum())
const = lambda x: torch.ones(2, dtype=d)
"""

PRODUCTS = [
    "vjp(torch.exp, x)",
    "vjp(torch.exp, x, y)",
    "vjp(f, (x, y))",
    "vjp(torch.exp, x, torch.ones(3, dtype=d))",
    "vjp(torch.exp, leaf, y, create_graph=True)",
    "vjp(const, x, y, strict=True)",
    "vjp(const, x, y)",
    "vjp(lambda x, y: x.sum(), (x, y), strict=True)",
    "vjp(lambda x, y: x.sum(), (x, y))",
    "vjp(torch.exp, x, 3)",
    "vjp(f, (x, y), (x, y))",
    "vjp(torch.exp, leaf, x)",
    "vjp(both, (x, y), (x, torch.tensor(2., dtype=d)))",
    "jvp(torch.exp, x, y)",
    "jvp(f, (x, y), (x, y))",
    "jvp(torch.exp, torch.tensor(2.))",
    "jvp(torch.exp, x)",
    "jvp(const, x, x)",
    "jvp(const, x, x, strict=True)",
    "jvp(torch.exp, leaf, x, create_graph=True)",
    "jvp(both, (x, y), (x, y))",
    "jvp(torch.exp, x, (x, y))",
    "hvp(cube, x, y)",
    "vhp(cube, x, y)",
    "hvp(f, (x, y), (x, y))",
    "vhp(f, (x, y), (x, y))",
    "hvp(torch.sum, x, x)",
    "vhp(torch.sum, x, x)",
    "hvp(torch.sum, x, x, strict=True)",
    "vhp(torch.sum, x, x, strict=True)",
    "hvp(torch.exp, x, x)",
    "vhp(torch.exp, x, x)",
    "hvp(cube, x)",
    "hvp(cube, x[:1])",
    "vhp(cube, x[:1])",
    "hvp(cube, leaf, x, create_graph=True)",
    "vhp(cube, leaf, x, create_graph=True)",
]
MATRICES = [
    "jacobian(torch.exp, x)",
    "jacobian(both, (x, y))",
    "jacobian(f, (x, y))",
    "jacobian(both, (x, y), vectorize=True)",
    "jacobian(torch.exp, x, strategy='forward-mode')",
    "jacobian(torch.exp, x, strategy='forward-mode', vectorize=True)",
    "jacobian(both, (x, y), strategy='forward-mode', vectorize=True)",
    "jacobian(torch.exp, x, strategy='x')",
    "jacobian(torch.exp, x, create_graph=True, strict=True)",
    "jacobian(torch.exp, x, vectorize=True, strict=True)",
    "jacobian(torch.exp, x, strategy='forward-mode', vectorize=True, create_graph=True)",
    "jacobian(const, x)",
    "jacobian(const, x, strict=True)",
    "jacobian(const, 3)",
    "jacobian(lambda x: 3, x)",
    "jacobian(f, [x, y])",
    "jacobian(lambda x: [x, x], x)",
    "jacobian(torch.exp, torch.tensor(2.))",
    "jacobian(torch.exp, x, create_graph=True)",
    "jacobian(lambda x: x.view(2, 1) * x, x)",
    "jacobian(lambda x: (x,), (x,))",
    "hessian(cube, x)",
    "hessian(f, (x, y))",
    "hessian(torch.exp, x)",
    "hessian(cube, x, create_graph=True)",
    "hessian(torch.sum, x, strict=True)",
    "hessian(torch.sum, x)",
    "hessian(cube, x, vectorize=True)",
    "hessian(lambda x: (cube(x),), x)",
    "hessian(cube, x, outer_jacobian_strategy='forward-mode')",
    "hessian(cube, x, outer_jacobian_strategy='forward-mode', vectorize=True).detach()",
    "hessian(cube, (x,))",
]


@pytest.mark.parametrize("call", PRODUCTS + MATRICES)
def test_same_as_pytorch(call: str) -> None:
    agree(f"{START}\nshow(0)\nshow({call})", names=False)


def test_results_can_be_differentiated_with_create_graph() -> None:
    agree(
        f"{START}\nj = jacobian(lambda v: v * v * v, leaf, create_graph=True); j.sum().backward(); show(leaf.grad)\n"
        "h = hessian(lambda v: (v ** 4).sum(), leaf, create_graph=True); show(torch.autograd.grad(h.sum(), leaf))\n"
        "_, p = hvp(cube, leaf, y, create_graph=True); show(torch.autograd.grad(p.sum(), leaf))\n"
        "_, p = jvp(torch.exp, leaf, y, create_graph=True); show(torch.autograd.grad(p.sum(), leaf))",
        names=False,
    )


FUNCTIONS = """
import sys
gradcheck, gg = torch.autograd.gradcheck, torch.autograd.gradgradcheck
d = torch.float64
x = torch.arange(1., 7., dtype=d).view(2, 3).div(7).requires_grad_()
y = torch.linspace(.1, 1, 6, dtype=d).view(3, 2).requires_grad_()
def make(forward, backward):
    return type('F', (torch.autograd.Function,), {'forward': staticmethod(forward), 'backward': staticmethod(backward)})
Wrong = make(lambda ctx, x: x * 2, lambda ctx, g: g * 3)
calls = []
def drift(ctx, g): calls.append(1); return g * (2 + 1e-7 * len(calls))
Drifts = make(lambda ctx, x: x * 2, drift)
Adds = make(lambda ctx, x: x * 2, lambda ctx, g: g * 2 + 1e-7)
def two(ctx, x, y): ctx.set_materialize_grads(False); return x * 2, y * 2
Two = make(two, lambda ctx, g, h: (g * 2, h * 2))
Careful = make(two, lambda ctx, g, h: (None if g is None else g * 2, None if h is None else h * 2))
Single = make(lambda ctx, x: x * 2, lambda ctx, g: (g * 2).float())
def once(ctx, x): ctx.save_for_backward(x); return x * x * x
Once = make(once, torch.autograd.function.once_differentiable(lambda ctx, g: g * 3 * ctx.saved_tensors[0] ** 2))
Detached = make(once, lambda ctx, g: g * 3 * ctx.saved_tensors[0].detach() ** 2)
"""

CHECKS = [
    "gradcheck(torch.matmul, (x, y))",
    "gradcheck(torch.matmul, [x, y])",
    "gradcheck(torch.matmul, (x, y), fast_mode=True)",
    "gg(torch.matmul, (x, y))",
    "gg(torch.exp, x)",
    "gg(torch.exp, x, fast_mode=True)",
    "gradcheck(torch.exp, x, check_batched_grad=True)",
    "gradcheck(torch.exp, x, check_grad_dtypes=True)",
    "gradcheck(Wrong.apply, x)",
    "gradcheck(Wrong.apply, x, raise_exception=False)",
    "gradcheck(Wrong.apply, x, fast_mode=True)",
    "gradcheck(Wrong.apply, x, atol=10.)",
    "gradcheck(torch.exp, x.detach())",
    "gradcheck(torch.exp, x.detach().float().requires_grad_(), eps=1e-2, atol=1e-2)",
    "gradcheck(torch.exp, torch.rand(1, dtype=d).expand(3).detach().requires_grad_())",
    "gradcheck(lambda x: (x * 2, x.argmax()), x)",
    "gradcheck(lambda x, y: (x * 2, x.sum() + y.sum()), (x, y))",
    "gradcheck(lambda x: torch.ones(2, dtype=d), x)",
    "gradcheck(lambda x: x, x)",
    "gradcheck(lambda x: x.detach(), x)",
    "gradcheck(lambda x, k: x * k, (x, 3))",
    "gradcheck(torch.exp, x, check_backward_ad=False)",
    "gradcheck(lambda x, y: x * 2, (x, y))",
    "gradcheck(Drifts.apply, x)",
    "gradcheck(Drifts.apply, x, nondet_tol=1e-3)",
    "gradcheck(Adds.apply, x)",
    "gradcheck(Two.apply, (x, y))",
    "gradcheck(Two.apply, (x, y), check_undefined_grad=False)",
    "gradcheck(Careful.apply, (x, y))",
    "gradcheck(torch.exp, torch.rand(0, dtype=d, requires_grad=True))",
    "gradcheck(torch.exp, x * 1)",
    "gradcheck(torch.exp, x.detach().t().requires_grad_())",
    "gg(torch.mul, (x, y.t()), gen_non_contig_grad_outputs=True)",
    "gg(torch.exp, x, torch.ones(2, 3, dtype=d, requires_grad=True))",
    "gradcheck(lambda x: x.clone().mul_(2), x)",
    "gradcheck(torch.relu, torch.zeros(2, dtype=d, requires_grad=True))",
    "gradcheck(Once.apply, x)",
    "gg(Once.apply, x)",
    "gg(Detached.apply, x)",
    "gg(Detached.apply, x, raise_exception=False)",
    "gradcheck(torch.exp, x, eps=1e-3)",
    "gradcheck(torch.exp, x, check_batched_grad=True, check_backward_ad=False)",
    "issubclass(sys.modules[torch.__name__ + '.autograd.gradcheck'].GradcheckError, RuntimeError)",
]


@pytest.mark.parametrize("call", CHECKS)
def test_gradcheck_says_what_pytorch_says(call: str) -> None:
    agree(f"{FUNCTIONS}\nshow(0)\nshow({call})")
