"""A cheat sheet: creation, addition, shapes, NumPy, imports."""

from __future__ import annotations

import pytest

from tests.seeds.notes import PAGE, Note, Snippet

MEMORY = "shows memory that nobody wrote"
SHAPES = "x has shape [2] since line 51, y has [5, 3]"

NOTE = Note(
    "000",
    "a cheat sheet",
    [
        Snippet(
            18,
            "from __future__ import print_function\nimport torch\nx = torch.empty(5, 3)\nprint(x)",
            MEMORY,
            unwritten=True,
        ),
        Snippet(37, "x = torch.zeros(5, 3, dtype=torch.long)\nprint(x)"),
        Snippet(51, "x = torch.tensor([2.5, 3.5])\nprint(x)", "the note prints 3.3000"),
        Snippet(62, "y = torch.rand(5, 3)\nprint(x + y)", SHAPES),
        Snippet(62, "x = torch.randn(5, 3)\ny = torch.rand(5, 3)\nprint(x + y)", meant=True),
        Snippet(74, "print(torch.add(x, y))"),
        Snippet(86, "result = torch.empty(5, 3)\n torch.add(x, y, out=result)\nprint(result)", "indented by one space"),
        Snippet(86, "result = torch.empty(5, 3)\ntorch.add(x, y, out=result)\nprint(result)", meant=True),
        Snippet(100, "y.add_(x)\nprint(y)"),
        Snippet(110, "x.copy_(y)\nx.add_(y)"),
        Snippet(115, "print(x[:, 1])"),
        Snippet(123, "x = torch.randn(4, 4)\ny = x.view(16)\nz = x.view(-1, 8)\nprint(x.size(), y.size(), z.size())"),
        Snippet(136, "x = torch.randn(1)\nprint(x)\nprint(x.item())"),
        Snippet(146, "a = torch.ones(5)\nprint(a)"),
        Snippet(156, "b = a.numpy()\nprint(b)"),
        Snippet(
            164,
            "import numpy as np\na = np.ones(5)\nb = torch.from_numpy(a)\nnp.add(a, 1, out=a)\nprint(a)\nprint(b)",
        ),
        Snippet(
            175,
            "torch.tensor([1, -2], dtype=torch.int8).numpy()\ntorch.from_numpy(np.array([1, -2], dtype=np.int8))",
            "a CharTensor converts too, against what the note says",
            meant=True,
        ),
        Snippet(184, "import torch\nfrom torch.utils.data import Dataset, DataLoader\nDataset, DataLoader"),
        Snippet(
            194,
            "import torch.autograd as autograd\nfrom torch import Tensor\nimport torch.nn as nn\n"
            "import torch.nn.functional as F\nimport torch.optim as optim\n"
            "autograd.__name__, Tensor, nn.__name__, F.__name__, optim.__name__",
        ),
        Snippet(204, "from torch.jit import script, trace", needs="`jit`"),
        Snippet(210, "torch.jit.trace()", needs="`jit`"),
        Snippet(216, "@script", needs="`jit`"),
        Snippet(224, "torch.onnx.export(model, dummy data, xxxx.proto)", needs="ONNX"),
        Snippet(229, 'model = onnx.load("alexnet.proto")', needs="ONNX"),
        Snippet(231, "onnx.checker.check_model(model)", needs="ONNX"),
        Snippet(234, "onnx.helper.printable_graph(model.graph)", needs="ONNX"),
        Snippet(243, "from torchvision import datasets, models, transforms", needs="torchvision"),
        Snippet(245, "import torchvision.transforms as transforms", needs="torchvision"),
        Snippet(253, "import torch.distributed as dist", needs="`distributed`"),
        Snippet(255, "from torch.multiprocessing import Process", needs="`distributed`"),
    ],
)


@pytest.mark.parametrize("snippet", NOTE.snippets, ids=str)
def test_snippet_shows_what_it_shows_in_pytorch(snippet: Snippet) -> None:
    NOTE.check(snippet)


def test_page_lists_the_snippets() -> None:
    assert NOTE.section() in PAGE.read_text()
