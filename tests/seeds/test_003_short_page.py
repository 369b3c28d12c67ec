"""A short page: creation, NumPy both ways, the device."""

from __future__ import annotations

import pytest

from tests.seeds.notes import PAGE, Note, Snippet

NOTE = Note(
    "003",
    "a short page",
    [
        Snippet(28, "import torch\n\nprint(torch.cuda.is_available())", "False for a build without CUDA"),
        Snippet(47, "torch.empty()", "sizes are needed"),
        Snippet(47, "torch.empty(2, 3)", "shows memory that nobody wrote", meant=True, unwritten=True),
        Snippet(48, "torch.rand()", "sizes are needed"),
        Snippet(48, "torch.rand(2, 3)", meant=True),
        Snippet(49, "torch.zeros(2, 3)", meant=True),
        Snippet(50, "torch.ones(2, 3)", meant=True),
        Snippet(51, "torch.tensor()", "data are needed"),
        Snippet(51, "torch.tensor([1.5, 2])", meant=True),
        Snippet(52, "tensor = torch.zeros(2, dtype=torch.double)\ntensor.new_ones(2, 3)", meant=True),
        Snippet(53, "old_tensor = torch.zeros(2, 3)\ntorch.randn_like(old_tensor)", meant=True),
        Snippet(54, "tensor.size()"),
        Snippet(71, "a = torch.ones(5)\nprint(a)\nb = a.numpy()\nprint(b)"),
        Snippet(83, "a.add_(1)\nprint(a)\nprint(b)"),
        Snippet(
            98,
            "import numpy as np\na = np.ones(5)\nb = torch.from_numpy(a)\nnp.add(a, 1, out=a)\nprint(a)\nprint(b)",
        ),
        Snippet(
            119,
            "if torch.cuda.is_available():\n"
            '    device = torch.device("cuda")\n'
            "    y = torch.ones_like(x, device=device)\n"
            "    x = x.to(device)\n"
            "    z = x + y\n"
            "    print(z)\n"
            '    print(z.to("cpu", torch.double))',
            "without a GPU nothing runs",
        ),
        Snippet(
            119,
            'x = torch.randn(1)\ndevice = torch.device("cpu")\ny = torch.ones_like(x, device=device)\n'
            'x = x.to(device)\nz = x + y\nprint(z)\nprint(z.to("cpu", torch.double))',
            "on the CPU",
            meant=True,
        ),
    ],
)


@pytest.mark.parametrize("snippet", NOTE.snippets, ids=str)
def test_snippet_shows_what_it_shows_in_pytorch(snippet: Snippet) -> None:
    NOTE.check(snippet)


def test_page_lists_the_snippets() -> None:
    assert NOTE.section() in PAGE.read_text()
