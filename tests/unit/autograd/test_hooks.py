"""Hooks of every kind: order, replacement, removal, exceptions; and the attributes of nodes."""

from __future__ import annotations

import pytest

import rushlight as rl
from tests.unit.twin import agree

START = """
x = torch.tensor([1., 2., 3.], requires_grad=True)
w = torch.tensor([.5, -1., 2.], requires_grad=True)
log = []
def note(name, result=None):
    def hook(*a):
        log.append((name, [v.tolist() if isinstance(v, torch.Tensor) else
                           None if v is None else [None if t is None else t.tolist() for t in v] for v in a]))
        return result(*a) if result else None
    return hook
"""

ALL = [
    "x.register_hook(note('leaf')); (x * w).sum().backward()",
    "x.register_hook(note('leaf', lambda g: g * 2)); (x * w).sum().backward()",
    "x.register_hook(note('one', lambda g: g * 2)); x.register_hook(note('two')); (x * w).sum().backward()",
    "x.register_hook(note('leaf', lambda g: g * 2)); show(torch.autograd.grad((x * w).sum(), x))",
    "x.register_hook(note('leaf', lambda g: g * 2)); (x * w).sum().backward(inputs=[x])",
    "x.register_hook(note('leaf')); (x * w).sum().backward(inputs=[w])",
    "y = x * w; y.register_hook(note('y', lambda g: g * 3)); y.sum().backward()",
    "y = x * w; y.register_hook(note('y', lambda g: g * 3)); show(torch.autograd.grad(y.sum(), y))",
    "y = x * w; y.register_hook(note('y', lambda g: g * 3)); show(torch.autograd.grad(y.sum(), [y, x]))",
    "y = x * w; y.register_hook(note('y', lambda g: g[:2])); y.sum().backward()",
    "y = x * w; y.register_hook(note('y', lambda g: 'no')); y.sum().backward()",
    "y = x * w; y.register_hook(note('y', lambda g: g.double())); y.sum().backward()",
    "y = x * w; y.retain_grad(); y.register_hook(note('y', lambda g: g * 3)); y.sum().backward(); show(y.grad)",
    "y = x * w; y.register_hook(note('y', lambda g: g * 3)); y.retain_grad(); y.sum().backward(); show(y.grad)",
    "y = x * w; y.register_hook(note('before')); y.mul_(2); y.register_hook(note('after')); y.sum().backward()",
    "x.detach().register_hook(note('none'))",
    "h = x.register_hook(note('gone')); h.remove(); h.remove(); (x * w).sum().backward()",
    "with x.register_hook(note('inside')): (x * w).sum().backward()\n(x * w).sum().backward()",
    "h = x.register_hook(note('self', lambda g: h.remove())); x.register_hook(note('other')); "
    "x.sum().backward(); x.sum().backward()",
    "x.register_hook(note('adds', lambda g: x.register_hook(note('late')) and None)); x.sum().backward(); "
    "x.sum().backward()",
    "x.register_post_accumulate_grad_hook(note('post')); x.register_hook(note('pre', lambda g: g + 1)); "
    "x.sum().backward(); x.sum().backward()",
    "x.register_post_accumulate_grad_hook(lambda p: setattr(p, 'grad', None)); x.sum().backward()",
    "x.register_post_accumulate_grad_hook(note('post', lambda p: p)); x.sum().backward()",
    "(x * 2).register_post_accumulate_grad_hook(note('post'))",
    "y = x * w; y.grad_fn.register_hook(note('post')); y.sum().backward()",
    "y = x * w; y.grad_fn.register_hook(note('post', lambda i, o: (i[0] * 2, i[1]))); y.sum().backward()",
    "y = x * w; y.grad_fn.register_hook(note('post', lambda i, o: (i[0],))); y.sum().backward()",
    "y = x * w; y.grad_fn.register_prehook(note('pre')); y.sum().backward()",
    "y = x * w; y.grad_fn.register_prehook(note('pre', lambda o: (o[0] * 5,))); y.sum().backward()",
    "y = x * w; y.grad_fn.register_prehook(note('pre', lambda o: (o[0] * 5,))); y.register_hook(note('tensor'))\n"
    "y.retain_grad(); y.grad_fn.register_hook(note('post')); y.sum().backward(); show(y.grad)",
    "y = x * w; y.grad_fn.register_prehook(note('pre', lambda o: (o[0] * 5,))); show(torch.autograd.grad(y.sum(), y))",
    "y = x * w; h = y.grad_fn.register_hook(note('post')); h.remove(); y.sum().backward()",
    "y = x + 0; n = y.grad_fn.next_functions[0][0]; n.register_hook(note('acc')); n.register_prehook(note('acc pre'))\n"
    "y.sum().backward()",
    "a, b = (x * w).unbind(0)[:2]; a.register_hook(note('a')); a.backward()",
    "a = x * w; b = a * 2; a.register_hook(note('a', lambda g: b.sum().backward(retain_graph=True, inputs=[w])))\n"
    "b.sum().backward(retain_graph=True)",
    "def again(g):\n    y = (x.detach() * 2).requires_grad_(); (y * y).sum().backward(); log.append(y.grad.tolist())\n"
    "y = x * w; y.register_hook(again); y.sum().backward()",
    "y = x * w; y.register_hook(note('y', lambda g: g.mul_(2) and None)); (y * 3).sum().backward()",
    "y = x.exp(); y.register_hook(note('y', lambda g: g * w)); y.sum().backward(create_graph=True); show(x.grad)",
    "def boom(g): raise KeyError('x')\nx.register_hook(boom); (x * w).sum().backward()",
    "def boom(g): raise KeyError('x')\nx.register_hook(boom); tried(lambda: (x * w).sum().backward()); "
    "show(x.grad, w.grad)",
    "def boom(g): raise KeyError('x')\nx.register_post_accumulate_grad_hook(boom); "
    "tried(lambda: (x * 2).sum().backward()); show(x.grad)",
    # nodes
    "y = x * w; n = y.grad_fn; show(n.name(), type(n).__name__, len(n.next_functions), n.next_functions[0][1]); "
    "show(n is y.grad_fn, n.next_functions[0][0].variable is x, n.next_functions[0][0].name())",
    "y = x * w; n = y.grad_fn; n.metadata['k'] = 1; show(y.grad_fn.metadata); "
    "show(isinstance(n, torch.autograd.graph.Node))",
    "y = x * w; n = y.grad_fn; show(n._saved_self, n._saved_other); show(n._saved_self is x)",
    "y = x.exp(); show(y.grad_fn._saved_result)",
    "y = x.pow(3); show(y.grad_fn._saved_exponent, y.grad_fn._saved_self)",
    "y = x * w; y.sum().backward(); y.grad_fn._saved_self",
    "y = x * w; y.grad_fn._saved_nothing",
    "y = x * w.detach(); show([f[0] and f[0].name() for f in y.grad_fn.next_functions])",
    "y = x * 1; y[0] = 2; show(y.grad_fn.name(), type(y.grad_fn).__name__)",
    "y = x.clone().t(); show(repr(y.grad_fn).split(' at ')[0], str(x.exp()), str(x))",
    "y = x * w; y.grad_fn.nonsense = 1",
    "type((x * w).grad_fn)()",
    "show((x * w).grad_fn._sequence_nr() < (x * w).grad_fn._sequence_nr(), x.expand(1, 3).output_nr)",
]


@pytest.mark.parametrize("program", ALL)
def test_program(program: str) -> None:
    agree(f"{START}\ntried(lambda: 0)\n{program}\nshow(log, x.grad, w.grad)")


def test_exception_texts_and_traceback_pass_through() -> None:
    x = rl.ones(2, requires_grad=True)

    def boom(_: rl.Tensor) -> None:
        raise ZeroDivisionError("in the hook")

    x.register_hook(boom)
    with pytest.raises(ZeroDivisionError, match="in the hook"):
        x.sum().backward()
    assert x.grad is None


def test_hooks_survive_their_removal_during_the_run() -> None:
    """A hook that clears all hooks of its tensor and its node."""
    x = rl.ones(2, requires_grad=True)
    y = x * 2
    handles = []

    def clear(*_: object) -> None:
        for handle in handles:
            handle.remove()

    for _ in range(5):
        handles.append(y.register_hook(clear))
        handles.append(y.grad_fn.register_hook(clear))
        handles.append(y.grad_fn.register_prehook(clear))
        handles.append(x.register_hook(clear))
        handles.append(x.register_post_accumulate_grad_hook(clear))
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [4.0, 4.0]
