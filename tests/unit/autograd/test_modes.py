"""no_grad, enable_grad, inference_mode and set_grad_enabled: as context, decorator, generator, and for each thread."""

from __future__ import annotations

import threading

import pytest

import rushlight as rl
from tests.unit.twin import agree

START = "x = torch.tensor([1., 2., 3.], requires_grad=True)\non = torch.is_grad_enabled\n"

ALL = [
    "with torch.no_grad(): y = x * 2; show(on(), y.requires_grad)\nshow(on())",
    "with torch.no_grad():\n    with torch.enable_grad(): y = x * 2; show(on(), y.requires_grad)\n    show(on())",
    "with torch.set_grad_enabled(False): show(on())\nshow(on())",
    "torch.set_grad_enabled(False); show(on()); torch.set_grad_enabled(True); show(on())",
    "@torch.no_grad()\ndef f(): return on()\nshow(f(), on())",
    "@torch.no_grad\ndef f(): return on()\nshow(f(), on())",
    "@torch.inference_mode()\ndef f(): return on(), torch.is_inference_mode_enabled()\nshow(f(), on())",
    "@torch.set_grad_enabled(False)\ndef f(): return on()\nshow(on(), f(), on())",
    "@torch.no_grad()\ndef g():\n    show(on()); yield 1; show(on()); yield 2\nfor i in g(): show(i, on())",
    "@torch.no_grad()\ndef g():\n    got = yield on(); show(got, on()); yield on()\n"
    "i = g(); show(next(i), on()); show(i.send(5), on()); i.close(); show(on())",
    "def f():\n    with torch.no_grad(): raise KeyError\ntried(f); show(on())",
    "with torch.inference_mode(): y = x * 2; show(y.requires_grad, y.is_inference())\nshow(y.is_inference(), on())",
    "with torch.inference_mode(): y = torch.ones(3)\ny.add_(1)",
    "with torch.inference_mode(): y = torch.ones(3)\nz = y * x",
    "with torch.inference_mode(): y = torch.ones(3)\nz = y * 2; show(z, z.is_inference())",
    "with torch.inference_mode(): y = torch.ones(3)\nz = y[0]; show(z.is_inference()); z.add_(1)",
    "with torch.inference_mode(): y = torch.ones(3)\ny.requires_grad_()",
    (
        "with torch.inference_mode(): y = torch.ones(3)\nz = y.clone(); show(z.is_inference()); "
        "z.requires_grad_(); show(z)"
    ),
    "with torch.inference_mode(): y = torch.ones(3); y.add_(1); y._version",
    "z = torch.ones(3)\nwith torch.inference_mode(): z.add_(1); v = z[0]; show(z.is_inference(), v.is_inference())\n"
    "show(z._version)",
    "z = torch.ones(3)\nwith torch.inference_mode(): v = z.view(3, 1)\nv.add_(1); show(v, z)",
    "z = x * 1\nwith torch.inference_mode(): v = z.view(3, 1)\nv.add_(1)",
    "with torch.inference_mode(False): y = x * 2; show(y.requires_grad)",
    "with torch.inference_mode():\n    with torch.inference_mode(False): y = x * 2; show(y.requires_grad)",
    "with torch.inference_mode():\n    with torch.enable_grad(): y = x * 2; show(y.requires_grad, on())",
    "with torch.inference_mode(): y = torch.ones(3); show(y.detach().is_inference(), y.data.is_inference())",
    "with torch.no_grad(): y = x.view(3, 1); show(y.requires_grad, y.is_leaf, y._is_view())",
    "with torch.no_grad(): x.mul_(2); x[0] = 7\nshow(x, x.is_leaf, x._version)",
    "with torch.no_grad(): y = torch.ones(3, requires_grad=True); show(y.requires_grad)",
    "with torch.no_grad(): y = x.requires_grad_(False).requires_grad_(); show(y.requires_grad)",
    "with torch.no_grad(): y = (x * 2).requires_grad_(); show(y.is_leaf)\n(y * 2).sum().backward(); show(y.grad)",
    "with torch.no_grad(): y = x.detach_(); show(y.requires_grad)",
    "y = x * 2\nwith torch.no_grad(): y.sum().backward()",
    "y = (x * 2).sum()\nwith torch.no_grad(): y.backward()\nshow(x.grad)",
    "y = (x * x).sum()\nwith torch.no_grad(): g, = torch.autograd.grad(y, x, create_graph=True)\nshow(g)",
]


@pytest.mark.parametrize("program", ALL)
def test_program(program: str) -> None:
    agree(START + program + "\nshow(on())")


def test_each_thread_has_its_own_mode() -> None:
    seen: list[bool] = []
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        seen.append(rl.is_grad_enabled())
        with rl.no_grad():
            entered.set()
            leave.wait()
            seen.append(rl.is_grad_enabled())
        seen.append(rl.is_grad_enabled())

    with rl.inference_mode():
        thread = threading.Thread(target=other)
        thread.start()
        entered.wait()
    assert rl.is_grad_enabled()
    leave.set()
    thread.join()
    assert seen == [True, False, True]
    assert rl.is_grad_enabled()
