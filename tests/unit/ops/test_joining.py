"""cat and stack: names of their nodes, gradients in the dtype of each part, and what they refuse."""

from __future__ import annotations

import pytest

from tests.unit.twin import agree


@pytest.mark.parametrize("join", ["stack([a, b, a], 0)", "stack((a, b), -1)", "cat([a, b], 1)", "cat((a, b))"])
def test_gradients(join: str) -> None:
    agree(f"""
a = torch.tensor([[1.0, 2], [3, 4]], requires_grad=True)
b = torch.tensor([[0.5, -1], [2, 7]], dtype=torch.float64, requires_grad=True).t()
y = torch.{join}
first = torch.autograd.grad((y * y * y).sum(), [a, b], create_graph=True)
show(y, *first, *torch.autograd.grad(first[0].sum() + first[1].sum(), [a, b]))
""")


def test_stack_of_awkward_tensors() -> None:
    agree("""
show(torch.stack([torch.tensor(1), torch.tensor(2.5)]), torch.stack([torch.zeros(2, 0)] * 3, 1))
show(torch.stack([torch.ones(2).expand(3, 2), torch.zeros(2, 3).t()], 2).stride())
out = torch.empty(0)
show(torch.stack([torch.ones(2)], out=out), out)
tried(lambda: torch.stack([]))
tried(lambda: torch.stack([torch.ones(2), torch.ones(3)]))
tried(lambda: torch.stack([torch.ones(2)], 2))
tried(lambda: torch.stack([torch.ones(2, requires_grad=True)], out=out))
""")
