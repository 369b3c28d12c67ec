"""First steps: tensors, addition, views, gradients."""

from __future__ import annotations

import pytest

from tests.seeds.notes import PAGE, Note, Snippet

NOTE = Note(
    "001",
    "first steps",
    [
        Snippet(
            41, "import torch\n\nx = torch.empty(5, 3)\nprint(x)", "shows memory that nobody wrote", unwritten=True
        ),
        Snippet(58, "x = torch.rand(5, 3)\nprint(x)"),
        Snippet(73, "x = torch.zeros(5, 3, dtype=torch.long)\nprint(x)"),
        Snippet(88, "x = torch.tensor([5.5, 3])\nprint(x)"),
        Snippet(
            100,
            "x = x.new_ones(5, 3, dtype=torch.float)\nprint(x)\ny = torch.randn_like(x, dtype=torch.float)\nprint(y)\n"
            "print(x.size())\nprint(y.size())\nprint(x + y)\nprint(torch.add(x, y))",
        ),
        Snippet(146, "result = torch.empty(5, 3)\ntorch.add(x, y, out=result)\nprint(result)"),
        Snippet(163, "y.add_(x)\nprint(y)"),
        Snippet(174, "x.copy(y)", "the method is `copy_`"),
        Snippet(174, "x.copy_(y)\nx.t_()", meant=True),
        Snippet(180, "print(y[:, 1])"),
        Snippet(186, "torch.view", "a method of tensors only"),
        Snippet(190, "x = torch.randn(4, 4)\ny = x.view(16)\nz = x.view(-1, 8)\nprint(x.size(), y.size(), z.size())"),
        Snippet(203, "x = torch.randn(1,3)\nprint(x)\nprint(x[0,1].item())"),
        Snippet(224, "x.grad_fn"),
        Snippet(230, "import torch\n\nx = torch.ones(2, 2, requires_grad=True)\nprint(x)"),
        Snippet(243, "y = x + 2\nprint(y)\nprint(y.grad_fn)"),
        Snippet(255, "z = y * y * 3\nout = z.mean()\nprint(z, out)", "`MeanBackward1` in the note is `MeanBackward0`"),
        Snippet(
            264, "torch.ones(2).requires_grad_()", "without an argument the flag becomes True; the note says False"
        ),
        Snippet(
            268,
            "a = torch.randn(2, 2)\na = ((a * 3) / (a - 1))\nprint(a.requires_grad)\na.requires_grad_(True)\n"
            "print(a.requires_grad)\nb = (a * a).sum()\nprint(b.grad_fn)",
        ),
        Snippet(282, "out.backward(torch.tensor(1.), retain_graph=True)\nx.grad = None", meant=True),
        Snippet(286, "out.backward()"),
        Snippet(293, "print(x.grad)"),
        Snippet(
            304,
            "x = torch.randn(3, requires_grad=True)\ny = x ** 2\nwhile y.data.norm() < 1000:\n    y = y ** 2\n\n\n"
            "print(y)",
        ),
        Snippet(
            320,
            "v = torch.tensor([0.1, 1.0, 0.0001], dtype=torch.float)\ny.backward(v)\n\nprint(x.grad)",
        ),
        Snippet(
            333,
            "print(x.requires_grad)\nprint((x ** 2).requires_grad)\n\n"
            "with torch.no_grad():\n    print((x ** 2).requires_grad)",
        ),
    ],
)


@pytest.mark.parametrize("snippet", NOTE.snippets, ids=str)
def test_snippet_shows_what_it_shows_in_pytorch(snippet: Snippet) -> None:
    NOTE.check(snippet)


def test_page_lists_the_snippets() -> None:
    assert NOTE.section() in PAGE.read_text()
