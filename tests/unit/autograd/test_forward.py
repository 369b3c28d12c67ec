"""Forward mode: levels, dual tensors, views and in-place writes, both modes together, threads, garbage."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest

import rushlight as rl
import rushlight.autograd.forward_ad as ad
from tests.unit.twin import agree

START = """
ad = torch.autograd.forward_ad
x, tx = torch.tensor([[1., 2., 3.], [4., 5., 6.]]), torch.tensor([[.5, 1., -1.], [2., -.5, .25]])
y, ty = torch.tensor([.5, 1.5, 2.5]), torch.tensor([1., -2., .5])
def dual(): return ad.make_dual(x.clone(), tx.clone())
def dual_row(): return ad.make_dual(y.clone(), ty.clone())
def shows(*tensors):
    for t in tensors:
        primal, tangent = ad.unpack_dual(t)
        show(primal.detach(), None if tangent is None else (tangent.detach(), tangent.stride(), tangent.requires_grad))
"""

PROGRAMS = {
    "arithmetic": "shows(dual() * dual_row() + 2, dual() / y, 3 - dual(), dual() ** 2)",
    "one of two": "shows(dual() * y, x * dual_row(), x + dual_row(), torch.zeros(2, 2, 3) - dual())",
    "dtypes": "shows(dual().double(), dual() * torch.ones(3, dtype=torch.float64), dual().long(), dual() > 2)",
    "a tangent of another dtype": "shows(ad.make_dual(x, tx.double()))",
    "constants": "shows(dual().floor(), dual().detach(), torch.zeros_like(dual()), dual().argmax(), dual().data)",
    "reductions": (
        "shows(dual().sum(), dual().mean(0), dual().max(1)[0], dual().max(1)[1], dual().norm(), dual().std(1))"
    ),
    "matrices": "shows(dual() @ dual_row(), dual().t() @ dual(), torch.einsum('ij,ik->jk', dual(), x))",
    "lists": "shows(torch.cat([dual(), x]), torch.stack([y, dual_row()]), *dual().unbind(), *dual().split(2, 1))",
    "views": (
        "d = dual(); shows(d.t(), d[1], d[:, ::2], d.view(3, 2), d.expand(2, 2, 3), d.diagonal(), d.unsqueeze(0))"
    ),
    "indices": "shows(dual()[torch.tensor([1, 0])], dual()[x > 2], dual().gather(1, torch.tensor([[0], [2]])))",
    "a view shares the tangent": "d = dual(); v = d[0]; v.mul_(2); shows(d, v)",
    "a write to the base": "d = dual(); v = d[0]; d.mul_(3); shows(d, v)",
    "a dual written into a constant": (
        "z = torch.zeros(2, 3); v = z[1]; z[0] = dual_row(); shows(z, v); v.add_(z[0]); shows(z)"
    ),
    "a dual written through two views": "z = torch.zeros(2, 3); z.t()[1:].t()[0].copy_(dual_row()[1:]); shows(z)",
    "a constant written into a dual": (
        "d = dual(); d[0] = 7; d[1].copy_(y); shows(d); d.zero_(); shows(d); d.fill_(2); shows(d)"
    ),
    "in place": (
        "d = dual(); d.exp_(); shows(d); d.mul_(d.clone()); shows(d); d.sub_(dual_row()); shows(d); "
        "d.clamp_(max=8.); shows(d)"
    ),
    "in place on metadata": "d = dual(); d.t_(); shows(d); d.unsqueeze_(0); shows(d); d.squeeze_(); shows(d * 2)",
    "results do not share": "d = dual(); e = d + 0; e.mul_(2); shows(d, e); c = d.clone(); c.mul_(3); shows(d, c)",
    "expanded tangent": "d = ad.make_dual(x, torch.ones(3).expand(2, 3)); shows(d, d.view(6), d * 1)",
    "transposed tangent": "d = ad.make_dual(x, torch.ones(3, 2).t()); shows(d, d.view(6))",
    "empty and 0-d": (
        "shows(ad.make_dual(torch.ones(0, 3), torch.ones(0, 3)) * 2, ad.make_dual(torch.tensor(2.), "
        "torch.tensor(3.)) ** 3)"
    ),
    "no_grad does not stop it": "\nwith torch.no_grad(): shows(dual() * 2)",
    "inference_mode does": "\nwith torch.inference_mode(): show(ad.unpack_dual(dual() * 2).tangent)",
    "switched off": (
        "d = dual()\nwith ad._set_fwd_grad_enabled(False): e = d * 2\nshows(e, d * 2); show(ad._is_fwd_grad_enabled())"
    ),
    "repr": "show(repr(dual_row()))",
    "no names left": "show(ad.unpack_dual(x).tangent, ad.unpack_dual(dual()).primal.requires_grad)",
    "detach_": "shows(dual().detach_())",
    "loss": (
        "shows(torch.nn.functional.cross_entropy(dual(), torch.tensor([0, 2])), dual().log_softmax(1), "
        "dual().softmax(0))"
    ),
    "layers": (
        "shows(torch.nn.functional.layer_norm(dual(), (3,), dual_row()), torch.nn.functional.linear(dual(), x, None))"
    ),
}

ERRORS = {
    "nested level": "ad.enter_dual_level()",
    "shape": "ad.make_dual(x, ty)",
    "integer": "ad.make_dual(torch.arange(3), ty)",
    "integer tangent": "ad.make_dual(y, torch.arange(3))",
    "dual twice": "ad.make_dual(dual(), tx)",
    "dual tangent": "ad.make_dual(x, dual())",
    "no tensor": "ad.unpack_dual(1.0)",
    "out": "torch.add(dual(), 1, out=torch.empty(2, 3))",
    "out is dual": "torch.add(x, 1, out=dual())",
    "out of a matrix product": "torch.mm(dual(), x.t(), out=torch.empty(2, 2))",
    "no formula": "torch.heaviside(dual(), x)",
    "resize": "dual().resize_(2)",
    "set_": "x.clone().set_(dual())",
}

BOTH_MODES = {
    "reverse of forward": (
        "d = ad.make_dual(a, tx); t = ad.unpack_dual((d ** 3 * d.sin()).sum()).tangent; show(torch.autograd.grad(t, a))"
    ),
    "by the tangent": (
        "t = tx.clone().requires_grad_(); u = ad.unpack_dual(ad.make_dual(x, t) * x).tangent; "
        "show(torch.autograd.grad(u.sum(), t))"
    ),
    "forward of reverse": (
        "d = ad.make_dual(a, tx); (g,) = torch.autograd.grad((d.exp() * d.tanh()).sum(), d); shows(g)"
    ),
    "through a sum of gradients": (
        "d = ad.make_dual(a, tx); (g,) = torch.autograd.grad((d ** 3).sum() + (d @ d.t()).sum(), d); shows(g)"
    ),
    "through a view written": (
        "d = ad.make_dual(a, tx) * 1; d[0].mul_(d[1]); (g,) = torch.autograd.grad((d ** 2).sum(), a); shows(g)"
    ),
    "both recorded": (
        "d = ad.make_dual(a, tx); y2 = d.exp().sum(1); p, t = ad.unpack_dual(y2); "
        "show(torch.autograd.grad(p.sum() + t.sum(), a))"
    ),
    "reductions": (
        "d = ad.make_dual(a, tx); t = ad.unpack_dual((d ** 3).mean(1) + d.amax(1)).tangent; "
        "show(torch.autograd.grad(t.sum(), a))"
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_tangents(name: str) -> None:
    agree(f"{START}\nwith ad.dual_level():\n    " + PROGRAMS[name].replace("\n", "\n    "), names=False)


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    agree(f"{START}\nwith ad.dual_level():\n    {ERRORS[name]}", names=False)


@pytest.mark.parametrize("name", BOTH_MODES)
def test_both_modes(name: str) -> None:
    program = f"{START}\na = x.clone().requires_grad_()\nwith ad.dual_level():\n    {BOTH_MODES[name]}"
    agree(program, names=False)


@pytest.mark.parametrize("call", ["ad.make_dual(x, tx)", "ad.exit_dual_level()", "show(ad.unpack_dual(x))"])
def test_without_a_level(call: str) -> None:
    agree(f"{START}\n{call}", names=False)


def test_the_end_of_the_level_drops_tangents() -> None:
    tangent = rl.ones(3)
    kept = weakref.ref(tangent)
    with ad.dual_level() as level:
        assert level == 0
        x = ad.make_dual(rl.ones(3), tangent)
        y = x * 2
        del tangent
    assert kept() is None
    assert "tangent" not in repr(x) + repr(y)
    with ad.dual_level():
        assert ad.unpack_dual(x).tangent is None


def test_the_level_ends_with_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), ad.dual_level():
        raise ZeroDivisionError
    with ad.dual_level():
        pass


def test_other_threads_see_the_level_and_have_switches_of_their_own() -> None:
    found: list[Any] = []

    def work() -> None:
        found.append(ad._is_fwd_grad_enabled())
        found.append(ad.unpack_dual(x * 2).tangent)

    with ad.dual_level():
        x = ad.make_dual(rl.ones(3), rl.ones(3))
        with ad._set_fwd_grad_enabled(False):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert found[0] is True
    assert found[1].tolist() == [2.0, 2.0, 2.0]


def test_a_tangent_that_leads_back_to_its_tensor_is_collected() -> None:
    with ad.dual_level():
        x = rl.ones(3, requires_grad=True)
        y = ad.make_dual(x, rl.ones(3)).exp()  # its tangent's graph keeps y
        tangent = ad.unpack_dual(y).tangent
        assert tangent is not None
        tangent.back = y
        watched = weakref.ref(y)
        del x, y, tangent
        gc.collect()
        assert watched() is None


def test_long_chain_without_history_keeps_nothing() -> None:
    with ad.dual_level():
        x = ad.make_dual(rl.ones(2), rl.ones(2))
        for _ in range(2000):
            x = x * 1.0005
        assert ad.unpack_dual(x).tangent is not None
        assert x.grad_fn is None
        assert float(ad.unpack_dual(x).tangent[0]) == pytest.approx(1.0005**2000, rel=1e-3)


def test_forward_mode_takes_no_longer_the_longer_the_history_is() -> None:
    """The gradient that forward mode builds and differentiates does not visit what lies before the operation."""
    x = rl.ones(2, requires_grad=True)
    for _ in range(3000):
        x = x * 1.0001
    with ad.dual_level(), rl.no_grad():
        y = ad.make_dual(x, rl.ones(2))
        for _ in range(300):
            y = y.cumsum(0) * 0.5
        assert ad.unpack_dual(y).tangent is not None


FUNCTION = """
class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, b, k):
        ctx.save_for_forward(a, b); ctx.k = k
        show(ad.unpack_dual(a * 1).tangent)
        return a * b * k
    @staticmethod
    def jvp(ctx, ta, tb, tk):
        a, b = ctx.saved_tensors
        show(ta, tb, tk)
        return RESULT
with ad.dual_level():
    shows(Scaled.apply(CALL, 3))
"""


@pytest.mark.parametrize("call", ["dual(), x", "x, dual()", "dual(), dual()", "x, x"])
def test_custom_functions(call: str) -> None:
    agree(START + FUNCTION.replace("RESULT", "(ta * b + a * tb) * ctx.k").replace("CALL", call), names=False)


@pytest.mark.parametrize("result", ["(ta, tb)", "torch.ones(5)", "(ta * b + a * tb).sum()"])
def test_custom_functions_with_wrong_tangents(result: str) -> None:
    agree(START + FUNCTION.replace("RESULT", result).replace("CALL", "dual(), x"), names=False)
