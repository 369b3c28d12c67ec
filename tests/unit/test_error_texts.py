"""What the commonest mistakes are told: the type is PyTorch's, the text is ours and stands in `golden/errors.txt`.

A text names the operation and what it met, with the offending sizes marked (`[2, >3<]`), and one way out. After a
change of a text read the file's difference and renew it with

    python -m tests.unit.test_error_texts --update
"""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch as pt

import rushlight as rl

GOLDEN = Path(__file__).parent / "golden" / "errors.txt"
LEAF = "x = torch.ones(2, requires_grad=True); "
NET = """\
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(6, 2))
    def forward(self, x):
        return self.encoder(x)
Net()(torch.ones(1, 4))"""

MISTAKES = {
    "shapes of matrices": [
        "torch.ones(2, 3) @ torch.ones(4, 5)",
        "torch.mm(torch.ones(2, 3), torch.ones(2, 3))",
        "torch.mm(torch.ones(2, 3), torch.ones(3))",
        "torch.ones(2, 3) @ torch.ones(4)",
        "torch.bmm(torch.ones(2, 3, 4), torch.ones(3, 4, 5))",
        "torch.ones(5, 2, 3) @ torch.ones(4, 3, 2)",
        "torch.dot(torch.ones(2), torch.ones(3))",
        "torch.einsum('ij,jk->ik', torch.ones(2, 3), torch.ones(4, 5))",
        "torch.ones(2, 3, 4).t()",
    ],
    "shapes of operands": [
        "torch.ones(2, 3) + torch.ones(2, 4)",
        "torch.ones(2, 3) * torch.ones(2)",
        "torch.ones(3).add_(torch.ones(2, 3))",
        "torch.where(torch.ones(2) > 0, torch.ones(3), torch.ones(2))",
        "torch.cat([torch.ones(2, 3), torch.ones(2, 4)])",
        "torch.cat([])",
        "torch.stack([torch.ones(2), torch.ones(3)])",
        "torch.split(torch.ones(5), [2, 2])",
    ],
    "views": [
        "torch.ones(2, 3).view(4, 2)",
        "torch.ones(2, 3).t().view(6)",
        "torch.ones(2, 3).reshape(-1, -1)",
        "torch.ones(2, 3).reshape(4, -1)",
        "torch.ones(2, 3).expand(4, 3)",
        "torch.ones(2, 3).permute(0, 2)",
        "torch.ones(2, 3).transpose(0, 2)",
        "torch.ones(2, 3).unsqueeze(4)",
        "torch.ones(2, 3).sum(2)",
        "torch.zeros(2, -1)",
        "torch.ones(3).expand(2, 3).add_(1)",
    ],
    "indices": [
        "torch.ones(3)[5]",
        "torch.ones(2, 3)[0, 3]",
        "torch.ones(3)[0, 0]",
        "torch.tensor(1.0)[0]",
        "torch.ones(3)[torch.tensor([5])]",
        "torch.ones(3)[torch.tensor([True, False])]",
        "torch.ones(3)[torch.tensor([0.5])]",
        "torch.ones(3)[0.5]",
        "torch.ones(3)['a']",
        "torch.ones(3)[::-1]",
        "torch.ones(3)[0:2] = torch.ones(3)",
        "torch.ones(2, 3).index_select(0, torch.tensor([4]))",
        "torch.ones(2, 3).gather(1, torch.tensor([0, 1]))",
        "torch.ones(2, 3).gather(1, torch.tensor([[5]]))",
        "torch.topk(torch.ones(3), 5)",
        "torch.ones(4)[torch.tensor([0, 1])] = torch.ones(3)",
        "torch.ones(2, 3).copy_(torch.ones(2, 4))",
        "torch.ones(2, 3).narrow(1, 2, 3)",
        "torch.ones(2, 3).scatter_add_(1, torch.tensor([[0, 1, 2]]), torch.ones(1, 2))",
    ],
    "numbers and data": [
        "torch.ones(3).item()",
        "float(torch.ones(3))",
        "int(torch.ones(2))",
        "assert torch.ones(2) > 0",
        "len(torch.tensor(1.0))",
        "list(torch.tensor(1.0))",
        "torch.tensor([[1, 2], [3]])",
        "torch.tensor('abc')",
        "torch.tensor([1, 'a'])",
        "torch.tensor([1.0, None])",
        "torch.from_numpy([1, 2])",
    ],
    "dtypes": [
        "torch.ones(2, 3) @ torch.ones(3, 2, dtype=torch.float64)",
        "torch.ones(3, dtype=torch.long).add_(0.5)",
        "torch.ones(2, dtype=torch.long).mean()",
        "torch.ones(2) & torch.ones(2)",
        "-torch.tensor([True])",
        "torch.tensor([True]) - torch.tensor([True])",
        "torch.where(torch.ones(2), 1.0, 2.0)",
        "torch.tensor([1, 2], requires_grad=True)",
        "torch.ones(2, dtype='float32')",
    ],
    "calls": [
        "torch.add(torch.ones(2))",
        "torch.ones(2).sum(axs=1)",
        "torch.sum([1, 2])",
        "torch.zeros(2.5)",
        "torch.empty()",
        "torch.full((2,), [1])",
        "torch.clamp(torch.ones(2))",
        "torch.arange(0, 10, -1)",
        "torch.ones(0).max()",
    ],
    "devices": [
        "torch.ones(2).cuda()",
        "torch.ones(2, device='cuda')",
        "torch.ones(2, device='gpu')",
        "torch.ones(2) + torch.ones(2, device='meta')",
        "torch.ones(1, device='meta').item()",
    ],
    "gradients": [
        LEAF + "x += 1",
        LEAF + "x[0] = 1",
        LEAF + "x.numpy()",
        LEAF + "(x * x).backward()",
        LEAF + "y = (x * x).sum(); y.backward(); y.backward()",
        LEAF + "x.sum().backward(torch.ones(2))",
        LEAF + "(x * 2).requires_grad_(False)",
        LEAF + "torch.autograd.grad(x.sum(), torch.ones(2, requires_grad=True))",
        LEAF + "y = x.exp(); y.add_(1); y.sum().backward()",
        LEAF + "x.unbind(0)[0].add_(1)",
        LEAF + "x.grad = torch.ones(3)",
        "torch.ones(2).sum().backward()",
    ],
    "layers and losses": [
        "torch.nn.Linear(3, 2)(torch.ones(4, 5))",
        "torch.nn.Linear(3, 2)(torch.ones(4, 3, dtype=torch.long))",
        "torch.nn.Linear(3, 2)([1.0, 2.0, 3.0])",
        "torch.nn.Conv2d(3, 8, 3)(torch.ones(32, 32))",
        "torch.nn.Conv2d(3, 8, 3)(torch.ones(1, 1, 32, 32))",
        "torch.nn.Conv2d(3, 8, 3)(torch.ones(1, 3, 2, 4))",
        "torch.nn.BatchNorm1d(3)(torch.ones(2, 4))",
        "torch.nn.BatchNorm1d(3)(torch.ones(1, 3))",
        "torch.nn.LayerNorm((2, 3))(torch.ones(5, 2, 4))",
        "torch.nn.Embedding(4, 2)(torch.tensor([4]))",
        "torch.nn.Embedding(4, 2)(torch.tensor([1.0]))",
        "torch.nn.LSTM(3, 4)(torch.ones(2, 2, 5))",
        "torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0.0, 1.0]))",
        "torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 5]))",
        "torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([0, 1, 1]))",
        "torch.nn.functional.cross_entropy(torch.ones(2, 3), torch.tensor([[0], [1]]))",
        "torch.nn.functional.binary_cross_entropy(torch.ones(2), torch.ones(3))",
        "torch.nn.functional.mse_loss(torch.ones(2), torch.ones(3))",
        "torch.nn.functional.cosine_similarity(torch.ones(2, 3), torch.ones(2, 4))",
        "torch.nn.functional.relu([1.0])",
        "torch.nn.Linear(2, 2).load_state_dict({})",
        "torch.nn.Linear(2, 2).load_state_dict(torch.nn.Linear(3, 2).state_dict())",
        "torch.nn.Linear(2, 2).weight = torch.ones(2, 2)",
        "torch.optim.SGD([], lr=0.1)",
        LEAF + "torch.optim.SGD([x * 2], lr=0.1)",
        NET,
    ],
}


def error_of(code: str, library: Any) -> BaseException:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(code, {"torch": library})
        except Exception as error:
            return error
    raise AssertionError(f"{code} raises nothing")


def entry(code: str) -> str:
    """One mistake in the file: the code, and what a traceback ends with."""
    error = error_of(code, rl)
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())]
    return f">>> {code}".replace("\n", "\n... ") + "\n" + "\n".join(lines) + "\n"


def page() -> str:
    parts = ["\n".join([f"# {group}\n", *map(entry, codes)]) for group, codes in MISTAKES.items()]
    return "\n".join(parts)


@pytest.mark.parametrize("code", [code for codes in MISTAKES.values() for code in codes])
def test_type_is_pytorchs_and_text_the_golden_one(code: str) -> None:
    assert type(error_of(code, rl)).__name__ == type(error_of(code, pt)).__name__
    assert entry(code) in GOLDEN.read_text()


def test_golden_file_has_no_more() -> None:
    codes = re.findall(r"^>>> ", GOLDEN.read_text(), re.MULTILINE)
    assert len(codes) == sum(map(len, MISTAKES.values()))


def update() -> None:
    """Writes the golden file anew."""
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(page())


if __name__ == "__main__" and "--update" in sys.argv:
    update()
