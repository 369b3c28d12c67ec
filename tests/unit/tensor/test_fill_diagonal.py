"""fill_diagonal_ against PyTorch's: shapes, dtypes, shared memory, history, errors."""

import pytest

from tests.unit.twin import agree

SHAPES = ["3, 3", "5, 3", "3, 5", "7, 3", "8, 2", "2, 2, 2", "2, 3, 2", "3,", "0, 3", "3, 0", "1, 1"]


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape: str, wrap: bool) -> None:
    agree(f"x = torch.zeros({shape}); tried(lambda: x.fill_diagonal_(1, wrap={wrap})); show(x)")


@pytest.mark.parametrize("call", [
    "torch.ones(3).expand(3, 3).contiguous().t().fill_diagonal_(7)", "torch.ones(4, 5)[1:, ::2].fill_diagonal_(7)",
    "torch.ones(2, 2, dtype=torch.int8).fill_diagonal_(300)", "torch.ones(2, 2, dtype=torch.int8).fill_diagonal_(2.7)",
    "torch.ones(2, 2, dtype=torch.bool).fill_diagonal_(0)", "torch.ones(2, 2).cfloat().fill_diagonal_(2j)",
    "torch.ones(2, 2).half().fill_diagonal_(1e6)", "torch.ones(2, 2).fill_diagonal_(torch.tensor(2.0))",
    "torch.ones(2, 2, requires_grad=True).fill_diagonal_(1)", "torch.ones(2).fill_diagonal_('a')",
    "torch.ones(2, 2).fill_diagonal_(1, 1)", "torch.ones(2, 2).fill_diagonal_(torch.ones(2))",
])  # fmt: skip
def test_values(call: str) -> None:
    agree(f"tried(lambda: {call})")


@pytest.mark.parametrize("wrap", [False, True])
def test_history(wrap: bool) -> None:
    agree(
        "x = torch.ones(6, 2, requires_grad=True); y = x * 2\n"
        f"y.fill_diagonal_(5, wrap={wrap}); (y * y).sum().backward(); show(y, x.grad)"
    )
