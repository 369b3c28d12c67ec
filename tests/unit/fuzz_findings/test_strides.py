"""How results lie in memory: both libraries give the same strides."""

import pytest

from tests.unit.twin import agree

SETUP = """
x = torch.arange(24.0).view(2, 3, 4).permute(2, 0, 1)
z = torch.ones(3, dtype=torch.complex64) * 1j

def into(call, *shape):
    out = torch.empty(shape)
    call(out=out)
    return out
"""

PROGRAMS = """
into(lambda out: torch.clamp(x, 1, out=out), 0)
into(lambda out: torch.clamp(x, 1, 2, out=out), 5)
into(lambda out: torch.clamp(x, x, x, out=out), 4, 2, 3)
into(lambda out: torch.nan_to_num(x, out=out), 0)
into(lambda out: torch.div(x, x + 1, rounding_mode="floor", out=out), 0)
into(lambda out: torch.round(x, decimals=1, out=out), 0)
into(lambda out: torch.logit(x / 30, out=out), 0)
into(lambda out: torch.cumsum(x, 0, out=out), 0)
into(lambda out: torch.index_select(x, 0, torch.tensor([0]), out=out), 0)
(x + 3).mvlgamma(1)
(x + 3).mvlgamma(2)
(x.int() + 3).mvlgamma(2)
torch.unique(x, dim=0)
torch.unique(x, dim=1)
torch.unique(x, dim=-1)
torch.unique(x.contiguous(), dim=1)
torch.unique(x > 5, dim=1)
torch.unique(x.half(), dim=1)
torch.unique_consecutive(x, dim=2)
z.expand(2, 3).conj()
z.view(3, 1).expand(3, 2).conj()
z.expand(2, 3).H
z.expand(2, 3).mH
z[:1].expand(4).conj()
z[:0].expand(2, 0).conj()
z.expand(2, 3).conj_physical()
torch.tensor(1.0).expand(1)
torch.tensor(1.0).expand(1, 1)
torch.tensor(1.0).expand(1, 3)
torch.broadcast_to(torch.tensor(1.0), (1,))
torch.einsum("bij,bjk->bik", torch.ones(7, 5, 1).transpose(0, 1), torch.ones(5, 1, 4))
torch.einsum("bij,bjk->bik", torch.ones(7, 5, 1).transpose(0, 1), torch.ones(5, 1, 1))
torch.einsum("bij,bjk->bik", torch.ones(5, 7, 1).bool(), torch.ones(5, 1, 1).bool())
torch.einsum("bij,bjk->bik", torch.zeros(1, 0, 1), torch.zeros(0, 1, 1))
torch.einsum("bij->jb", x)
torch.einsum("...j->...", x)
"""


@pytest.mark.parametrize("program", PROGRAMS.strip().splitlines())
def test_strides_agree(program: str) -> None:
    agree(f"{SETUP}\nresult = {program}\nshow(result, result.stride())")


def test_the_gradient_of_an_expanded_conjugate() -> None:
    agree("""
z = torch.tensor([1 + 2j, 3j], dtype=torch.complex128, requires_grad=True)
(z.expand(3, 2).conj() * torch.arange(6.0).view(3, 2)).sum().abs().backward()
show(z.grad)
with torch.no_grad():
    show(z.expand(3, 2).conj() * 2)
""")


def test_second_gradients_of_a_transposed_power() -> None:
    agree("""
x = torch.arange(6.0).view(2, 3).requires_grad_()
(g,) = torch.autograd.grad((x.t() ** 2).sum(), [x], create_graph=True)
show(g.detach(), g.stride())
""")


def test_the_sum_that_an_equation_asks_for_is_the_last_node() -> None:
    agree("""
x = torch.ones(2, 3, requires_grad=True)
y = torch.einsum("ij->i", x)
show(type(y.grad_fn).__name__)
y.sum().backward()
show(x.grad)
""")
