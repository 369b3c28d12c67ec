"""Notes on the sixty-minute tutorial: tensors, gradients, `contiguous`."""

from __future__ import annotations

import pytest

from tests.seeds.notes import PAGE, Note, Snippet

NOTE = Note(
    "004",
    "notes on the sixty-minute tutorial",
    [
        Snippet(13, "import torch\nx = torch.empty(3, 3, 1)\nx.shape"),
        Snippet(15, "x = torch.rand(3, 4)\nx"),
        Snippet(17, "x = torch.zeros(4, 2, dtype=torch.long)\nx"),
        Snippet(19, "x = torch.tensor([44, 1])\nx"),
        Snippet(23, "x.new_ones(1, 4)"),
        Snippet(25, "x = torch.randn_like(x, dtype=torch.double64)", "the dtype is `double` or `float64`"),
        Snippet(25, "x = torch.randn_like(x, dtype=torch.double)\nx", meant=True),
        Snippet(27, "x = torch.randint_like(x, 1, 4)\nx"),
        Snippet(31, "x.size()\nx.shape\nisinstance(x.shape, tuple)"),
        Snippet(39, "result = torch.zeros_like(x)\ntorch.add(x, y, out=result)\ny.add_(x)", "`y` comes later"),
        Snippet(
            39,
            "y = torch.ones_like(x)\nresult = torch.zeros_like(x)\ntorch.add(x, y, out=result)\ny.add_(x)",
            meant=True,
        ),
        Snippet(46, "y += 1\ny -= 2\ny"),
        Snippet(50, "torch.view", "a method of tensors only, as the note finds"),
        Snippet(54, "x = x.view(-1, 1)\nx"),
        Snippet(56, "import numpy as np\nnp.reshape(x, (1, -1))", "gives a tensor"),
        Snippet(58, "x.item()", "of several elements: `RuntimeError`; the note says `ValueError`"),
        Snippet(58, "x[0].item()", meant=True),
        Snippet(68, "x_ay =x.numpy()\nx_ay"),
        Snippet(70, "b = torch.from_numpy(x_ay)\nb.zero_()\nx_ay", "the memory is shared"),
        Snippet(
            79,
            "if torch.cuda.is_available():\n"
            '    device = torch.device("cuda")\n'
            "    y = torch.ones_like(x, device=device)\n"
            "    x = x.to(device)\n"
            "    z = x + y\n"
            "    print(z)\n"
            "    print(z.\n\n"
            '          to("cpu", torch.double))',
            "without a GPU nothing runs",
        ),
        Snippet(97, "x = torch.tensor([1, 2, 3])\nx.repeat(4, 2)\nx.repeat(4, 2, 1).size()"),
        Snippet(107, "x.numel()", meant=True),
        Snippet(116, "s = torch.Tensor([1, 2, 3])\ns.unsqueeze(1)\ns.unsqueeze(1).squeeze()"),
        Snippet(122, "m = torch.rand(2, 3)\ntorch.max(m)\ntorch.max(m, 1)", meant=True),
        Snippet(126, "torch.nonzero(torch.tensor([[0, 3], [4, 0]]))", meant=True),
        Snippet(130, "clamp(input, min, max)", "a function of `torch`"),
        Snippet(130, "input, min, max = torch.linspace(-2, 2, 5), -1, 1\ntorch.clamp(input, min, max)", meant=True),
        Snippet(142, "x.detach()\nwith torch.no_grad():\n    print(x)", meant=True),
        Snippet(152, "x = torch.ones(2, 2, requires_grad=True)\nx.requires_grad"),
        Snippet(157, "y = x + 2\nz = y * y * 3\nout = z.mean()\nout"),
        Snippet(
            165,
            "a = torch.randn(2, 2)\na = ((a * 3) / (a - 1))\nprint(a.requires_grad)\na.requires_grad_(True)\n"
            "print(a.requires_grad)\nb = (a * a).sum()\nprint(b.grad_fn)",
        ),
        Snippet(180, "out.backward(torch.tensor(1), retain_graph=True)", "an int64 gradient is taken"),
        Snippet(180, "x.grad = None\nout.backward()"),
        Snippet(185, "tensor([[ 4.5000,  4.5000],\n        [ 4.5000,  4.5000]])", "what `x.grad` printed in 2018"),
        Snippet(185, "x.grad", "fewer spaces since", meant=True),
        Snippet(191, "x = torch.randn(3, requires_grad=True)\ny = x * 2\ny.backward()", "a vector needs a gradient"),
        Snippet(191, "y.backward(torch.tensor([0.1, 1.0, 0.0001]))\nx.grad", meant=True),
        Snippet(193, "with torch.no_grad():\n    print((x * 2).requires_grad)"),
        Snippet(
            219,
            "t = torch.arange(6)\nt.narrow(0, 1, 2)\nt.view(2, 3)\nt[:1].expand(2, 3)\nt.view(2, 3).transpose(0, 1)",
            meant=True,
        ),
        Snippet(
            224,
            "a = torch.Tensor([[1, 2, 3], [2, 4, 5]])\na\nb = a.transpose(0, 1)\nb\na[1, 2] = 555\nb",
        ),
        Snippet(250, "b.view(1, -1)", "the text has changed since"),
        Snippet(257, "b.contiguous().view(1, -1)"),
    ],
)


@pytest.mark.parametrize("snippet", NOTE.snippets, ids=str)
def test_snippet_shows_what_it_shows_in_pytorch(snippet: Snippet) -> None:
    NOTE.check(snippet)


def test_page_lists_the_snippets() -> None:
    assert NOTE.section() in PAGE.read_text()
