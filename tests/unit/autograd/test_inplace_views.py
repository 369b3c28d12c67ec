"""In-place writes, views, versions and errors: many small programs, each run by Rushlight and by PyTorch."""

from __future__ import annotations

import itertools

import pytest

from tests.unit.twin import agree


def same(program: str, names: bool = True) -> None:
    agree(program, names)


START = """
a = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)
b = torch.tensor([[.5, 1., 2.], [3., 1., 2.]], requires_grad=True)
def finish(*ys):
    loss = sum((y * y).sum() for y in ys)
    show(loss)
    loss.backward()
    show(a.grad, b.grad)
"""

# What is looked at through which views, and how it is written.
VIEWS = {
    "whole": "v = x",
    "row": "v = x[0]",
    "column": "v = x[:, 1]",
    "transposed": "v = x.t()",
    "row of transposed": "v = x.t()[1]",
    "flat tail": "v = x.view(6)[2:]",
    "narrow of view": "v = x.view(3, 2).narrow(0, 1, 2)",
    "unsqueezed": "v = x.unsqueeze(0)[0, 1]",
    "element": "v = x[1][2]",
    "diagonal": "v = x.diagonal()",
    "expanded once": "v = x[:, :1].squeeze(1)",
    "permuted": "v = x.permute(1, 0).reshape(3, 2)",
    "strided": "v = x.as_strided((2, 2), (3, 1), 1)",
    "detached": "v = x.detach()[0]",
    "unbound": "v = x.unbind(0)[1]",
}
WRITES = {
    "mul_": "v.mul_(2)",
    "add_ of another": "v.add_(b.sum())",
    "copy_ of another": "v.copy_(b.sum().expand_as(v))",
    "zero_": "v.zero_()",
    "relu_ twice": "v.sub_(2); v.relu_(); v.mul_(3)",
    "exp_": "v.exp_()",
    "fill_": "v.fill_(3.)",
    "square by itself": "v.mul_(v.clone())",
    "index": "v[...] = 7.",
    "under no_grad": "\nwith torch.no_grad(): v.mul_(2)",
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("write", WRITES)
def test_write_to_a_view_of_an_intermediate(view: str, write: str) -> None:
    """x = a * 1 is written through a view; then base and view are used."""
    number = (view, write) == ("whole", "index")  # written as a number; PyTorch makes a tensor of it first
    same(f"{START}\nx = a * 1\n{VIEWS[view]}\n{WRITES[write]}\nshow(x._version, v, x)\nfinish(x, v)", not number)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("write", ["mul_", "copy_ of another", "under no_grad"])
@pytest.mark.parametrize("base", ["a", "torch.zeros(2, 3)", "(a * 1).detach()"])
def test_write_to_a_view_of_a_leaf(view: str, write: str, base: str) -> None:
    same(f"{START}\nx = {base}\n{VIEWS[view]}\n{WRITES[write]}\nshow(x._version, v, x)\nfinish(x, v, b)")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("where", ["view", "write", "both"])
def test_no_grad_around_view_or_write(view: str, where: str) -> None:
    quiet = "torch.no_grad()"
    first = quiet if where in ("view", "both") else "contextlib.nullcontext()"
    second = quiet if where in ("write", "both") else "contextlib.nullcontext()"
    same(
        f"{START}\nx = a * 1\nwith {first}:\n    {VIEWS[view]}\nwith {second}:\n    v.mul_(b.sum())\n"
        "show(x._version, v, x, v._is_view())\nfinish(x, v)"
    )


PAIRS = list(itertools.permutations(["row", "transposed", "flat tail", "diagonal", "column", "whole"], 2))


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_views_written_in_turn(first: str, second: str) -> None:
    """The second view was made before the first write, and regenerates its history."""
    one, other = (VIEWS[name].replace("v =", f"{letter} =") for name, letter in ((first, "p"), (second, "q")))
    same(
        f"{START}\nx = a * 1\n{one}\n{other}\np.mul_(2)\nshow(q)\nq.add_(b.sum())\nshow(p, q, x)\n"
        "p.mul_(p.detach())\nfinish(x, p, q)"
    )


SAVED_VALUES = [
    "y = a * b; x = a * 1; z = x * b; x.mul_(2); z.sum().backward()",
    "x = a * 1; z = x.exp(); x.mul_(2); z.sum().backward(); show(a.grad)",
    "x = a * 1; z = x.exp(); z.mul_(2); z.sum().backward(); show(a.grad)",
    "x = a * 1; z = x.sin(); x.mul_(2); z.sum().backward(); show(a.grad)",
    "x = a * 1; z = x + b; x.mul_(2); z.sum().backward(); show(a.grad, b.grad)",
    "x = a * 1; z = x[0] * b[0]; x[1].mul_(2); z.sum().backward()",
    "x = a * 1; z = x * b; x.data.mul_(2); z.sum().backward(); show(a.grad, b.grad)",
    "x = a * 1; z = x * b; x.detach().mul_(2); z.sum().backward()",
    "x = a * 1; z = x.relu(); z.add_(1); z.sum().backward()",
    "x = a * 1; z = x.sqrt().sigmoid(); x.zero_(); z.sum().backward(); show(a.grad)",
    "x = a * 1; z = x.tanh_(); z.mul_(b); z.sum().backward()",
    "x = a * 1; x.mul_(x); x.sum().backward(); show(a.grad)",
    "x = a * 1; x.mul_(b); b.data.zero_(); x.sum().backward(); show(a.grad, b.grad)",
    "x = a * 1\nwith torch.no_grad(): a.mul_(2)\nx.sum().backward(); show(a.grad)",
    "x = a * a\nwith torch.no_grad(): a.mul_(2)\nx.sum().backward()",
    "x = (a * 1).softmax(1); x[0, 0] = 0; x.sum().backward()",
    "x = a @ b.t(); x[0, 0] = 0; x.sum().backward(); show(a.grad, b.grad)",
    "x = a * 1; y = x @ b.t(); x[0, 0] = 0; y.sum().backward()",
    "x = a.clone(); x[0] = b[1]; x[:, 1] = x[:, 0] * 2; finish(x)",
    "x = torch.zeros(2, 3); x[0] = a[1]; x[1] = b[0] * x[0].clone(); finish(x)",
    "x = torch.zeros(4); x[torch.tensor([0, 2])] = a[0, :2]; finish(x)",
    "x = a * 1; x[x > 2] = 0; finish(x)",
    "x = a * 1; x[torch.tensor([0, 0])] = b; finish(x)",
]


@pytest.mark.parametrize("program", SAVED_VALUES)
def test_saved_values_and_indexed_writes(program: str) -> None:
    same(f"{START}\n{program}\nshow(x, x._version)")


REFUSED = [
    "a.mul_(2)",
    "a += 1",
    "a[0] = 1",
    "a[0].zero_()",
    "a.view(6).zero_()",
    "a.unbind(0)[0].zero_()",
    "a.expand(2, 2, 3).detach().add_(1)",
    "torch.zeros(3, 1).expand(3, 4).add_(1)",
    "torch.zeros(1).expand(5)[0] = 1; show(1)",
    "torch.zeros(4).as_strided((3, 2), (1, 1)).add_(1); show(1)",
    "x = torch.arange(6.); x[1:].copy_(x[:-1]); show(1)",
    "x = torch.arange(6.); x[1:].add_(x[:-1])",
    "x = torch.arange(6.); torch.add(x[:-1], 1, out=x[1:])",
    "torch.mul(a, b, out=torch.zeros(2, 3))",
    "torch.mul(a.detach(), b.detach(), out=a)",
    "torch.mul(a.detach(), b.detach(), out=torch.zeros(2, 3, dtype=torch.int64))",
    "torch.zeros(3, dtype=torch.int64).add_(1.5)",
    "torch.zeros(3, dtype=torch.int64).mul_(torch.ones(3))",
    "torch.zeros(3).add_(torch.ones(2, 3))",
    "x = torch.zeros(3, dtype=torch.bool); x += 1; show(x)",
    "a.detach_(); show(a.requires_grad)",
    "x = a * 1; x.detach_(); show(x, x.is_leaf)",
    "x = a[0]; x.detach_()",
    "x = a * 1; x.requires_grad_(False)",
    "x = a * 1; x.requires_grad = False",
    "x = a * 1; x.requires_grad_(True); show(x.requires_grad)",
    "x = torch.zeros(2, dtype=torch.int64); x.requires_grad_()",
    "x = torch.zeros(2, dtype=torch.int64); x.requires_grad_(False); show(x)",
    "x = a.detach(); x.requires_grad_(); show(x.is_leaf, a.is_leaf, x.requires_grad)",
    "a.requires_grad = 1",
    "a.requires_grad = None",
    "a.requires_grad_(False); x = a * 1; show(x.requires_grad)",
    "x = a.detach().clone(); v = x[0]; x.requires_grad_(); show(v.requires_grad, v.is_leaf, v.grad_fn)",
    "x = a.detach().clone(); v = x[0]; v.requires_grad_(); show(x.requires_grad); x.mul_(2); show(x)",
    "x = a.detach().clone(); v = x[0]; v.requires_grad_(); v.mul_(2)",
]


@pytest.mark.parametrize("program", REFUSED)
def test_refused_or_allowed(program: str) -> None:
    same(f"{START}\nshow(0)\n{program}")


def test_a_view_of_a_base_that_changed_its_own_sizes() -> None:
    """Its history is made anew by places, not by the calls that made it, which fit the base no more."""
    same(f"{START}\nx = a * 1\nv = x.permute(1, 0)\nx.mul_(2)\nx.unsqueeze_(-1)\nfinish(v + 1, x)")
    same(f"{START}\nx = a * 1\nv = x[:, 1]\nx.unsqueeze_(0)\nv.mul_(b[:, 0])\nshow(v, x)\nfinish(v, x)")
    same(f"{START}\nx = a * 1\nv = x[0]\nx.t_()\nv.exp_()\nshow(v, x)\nfinish(v, x)")


def test_a_base_that_is_not_row_major() -> None:
    same(f"{START}\nx = torch.zeros(3, 2).t()\nv = x[1, 1:]\nv.copy_(a[0, :2])\nx.mul_(b)\nfinish(x, v)")
    same(f"{START}\nx = torch.empty_strided((2, 3), (7, 2)).zero_()\nv = x.t()\nv.add_(a.t())\nfinish(x, v)")


STRIDED = {
    "of a transposed view": "(a * 1).t().as_strided((2, 2), (1, 2))",
    "of a view with an offset": "a[1:].as_strided((2,), (1,))",
    "with an offset of its own": "a[1:].as_strided((2,), (1,), 1)",
    "of an expanded view": "a[0].expand(2, 3).as_strided((2,), (1,))",
    "expanding an expanded view": "a[0].expand(2, 3).as_strided((2, 2), (0, 1))",
    "with elements twice": "a.as_strided((3, 3), (1, 1))",
    "of elements seen twice": "a.as_strided((3, 3), (1, 1)).as_strided((2, 2), (1, 1))",
    "0-d": "a.t().as_strided((), (), 3)",
    "in 16 bits": "a.half().t().as_strided((3, 2), (1, 1)).float()",
}


@pytest.mark.parametrize("view", STRIDED)
def test_gradients_of_as_strided(view: str) -> None:
    """First and second derivatives, whatever the input's own layout."""
    same(f"{START}\ny = {STRIDED[view]}\nw = torch.arange(1., y.numel() + 1).reshape(y.shape)\n"
         "g, = torch.autograd.grad((y * w).pow(2).sum(), a, create_graph=True)\n"
         "show(g, torch.autograd.grad(g.pow(2).sum(), a)[0])", names=False)


def test_the_gradient_of_an_empty_as_strided_is_zero() -> None:
    same(f"{START}\nshow(torch.autograd.grad(a.t().as_strided((0, 2), (1, 1)).sum(), a)[0])")
