"""A sheet of layers, data, losses, optimizers, and a training loop with words between its lines."""

from __future__ import annotations

import pytest

from tests.seeds.notes import PAGE, Note, Snippet

WORDS = "words between the lines"
NUMBERS = "the note leaves out the numbers"

NOTE = Note(
    "002",
    "layers and a training loop",
    [
        Snippet(32, "import torch\nimport torch.nn as nn"),
        Snippet(36, "from torchvision import datasets, models, transforms", needs="torchvision"),
        Snippet(37, "import torch.nn.functional as F"),
        Snippet(39, "torch.randn(*size)", "names that the note does not give"),
        Snippet(39, "size = (2, 3)\ntorch.randn(*size)", meant=True),
        Snippet(40, "torch.Tensor(L)", "names that the note does not give"),
        Snippet(40, "L = [1, 2, 3, 4]\ntorch.Tensor(L)", meant=True),
        Snippet(41, "tnsr = torch.randn(6)\na, b = 2, 3\ntnsr.view(a, b, ...)", "an ellipsis is no size"),
        Snippet(41, "tnsr.view(a, b)", meant=True),
        Snippet(42, "requires_grad=True"),
        Snippet(42, "torch.zeros(2, requires_grad=True)", meant=True),
        Snippet(48, "nn.Linear(m, n)\n从m到n神经元的全连接层（或稠密层）", WORDS),
        Snippet(48, "m, n, s = 4, 3, 2\nfc = nn.Linear(m, n)\nfc, fc(torch.randn(2, m))", meant=True),
        Snippet(51, "nn.Flatten()\nnn.Flatten()(torch.ones(2, 3, 2))", meant=True),
        Snippet(54, "drop = nn.Dropout(p=0.5)\ndrop\ndrop(torch.ones(3, 4))\ndrop.eval()(torch.ones(2))", meant=True),
        Snippet(57, "table = nn.Embedding(m, n)\ntable\ntable(torch.tensor([[0, 2], [3, 0]])).detach()", meant=True),
        Snippet(60, "nn.ConvXd(m, n, s)", "X stands for 1, 2 or 3"),
        Snippet(
            60,
            "for conv, size in (nn.Conv1d, (5,)), (nn.Conv2d, (3, 4)), (nn.Conv3d, (3, 2, 3)):\n"
            "    layer = conv(m, n, s)\n"
            "    print(layer, layer(torch.randn(2, m, *size)))",
            meant=True,
        ),
        Snippet(63, "nn.MaxPoolXd(s)", "X stands for 1, 2 or 3"),
        Snippet(
            63,
            "for pool, size in (nn.MaxPool1d, (5,)), (nn.MaxPool2d, (3, 4)), (nn.MaxPool3d, (3, 2, 4)):\n"
            "    print(pool(s), pool(s)(torch.randn(2, m, *size)))",
            meant=True,
        ),
        Snippet(66, "nn.BatchNormXd(n)", "X stands for 1, 2 or 3"),
        Snippet(
            66,
            "for norm, size in (nn.BatchNorm1d, ()), (nn.BatchNorm2d, (2, 2)), (nn.BatchNorm3d, (1, 2, 2)):\n"
            "    print(norm(n), norm(n)(torch.randn(4, n, *size)).detach())",
            meant=True,
        ),
        Snippet(69, "nn.RNN/LSTM/GRU", "`LSTM` has no name of its own"),
        Snippet(
            69,
            "for cells in nn.RNN, nn.LSTM, nn.GRU:\n"
            "    layer = cells(m, n)\n"
            "    output, state = layer(torch.randn(3, 2, m))\n"
            "    print(layer, output.detach(), state)",
            meant=True,
        ),
        Snippet(
            80, "from torch. utils. data2\n    import Dataset, Tensordataset, Dataloader, random_splits", "on two lines"
        ),
        Snippet(80, "from torch.utils.data import Dataset, TensorDataset, DataLoader, random_split", meant=True),
        Snippet(
            83,
            "train_data, test_data = random_split(TensorDataset(inps, tgts), \n"
            "                                     [train_size, test_size])",
            "names that the note does not give",
        ),
        Snippet(
            83,
            "inps, tgts = torch.randn(50, 1, 8, 8), torch.randint(10, (50,))\n"
            "train_size, test_size = 40, 10\n"
            "train_data, test_data = random_split(TensorDataset(inps, tgts), \n"
            "                                     [train_size, test_size])\n"
            "len(train_data), test_data.indices",
            meant=True,
        ),
        Snippet(
            86,
            "train_loader = DataLoader(dataset=train_data,\n"
            "                          batch_size=16,\n"
            "                          shuffle=True)\n"
            "[tuple(inputs.shape) for inputs, labels in train_loader]",
        ),
        Snippet(95, "nn.ReLU() 是一个新的模块和序列模型，是ReLU函数的新版本。", WORDS),
        Snippet(97, "nn.ReLU() oder F.relu()", WORDS),
        Snippet(97, "x = torch.linspace(-2, 2, 5)\nnn.ReLU(), nn.ReLU()(x), F.relu(x)", meant=True),
        Snippet(100, "nn.Sigmoid(), nn.Sigmoid()(x), F.sigmoid(x)", meant=True),
        Snippet(103, "nn.Tanh(), nn.Tanh()(x), F.tanh(x)", meant=True),
        Snippet(
            112,
            "model = nn.Sequential(\n    nn.Conv2D( , , )\n    nn.ReLU()\n    nn.MaxPool2D( )\n    nn.Flatten()\n"
            "    nn.Linear( ,  )\n)",
            NUMBERS,
        ),
        Snippet(
            112,
            "model = nn.Sequential(\n    nn.Conv2d(1, 4, 3),\n    nn.ReLU(),\n    nn.MaxPool2d(2),\n    nn.Flatten(),\n"
            "    nn.Linear(36, 10),\n)\nmodel\nmodel(inps[:2])",
            "the classes end in `2d`",
            meant=True,
        ),
        Snippet(
            122,
            "class Net(nn.Module):\n    def  init ():\n        super(Net, self). init ()",
            "the underscores of `__init__` are lost",
        ),
        Snippet(
            122,
            "class Net(nn.Module):\n"
            "    def __init__(self):\n"
            "        super(Net, self).__init__()\n"
            "        self.conv = nn.Conv2d(1, 4, 3)\n"
            "        self.pool = nn.MaxPool2d(2)\n"
            "        self.fc = nn.Linear(36, 10)\n\n"
            "    def forward(self, x):\n"
            "        x = self.pool(F.relu(self.conv(x)))\n"
            "        x = x.view(-1, 36)\n"
            "        x = self.fc(x)\n"
            "        return x\n\n"
            "model = Net()\nmodel\nmodel(inps[:2])",
            meant=True,
        ),
        Snippet(141, "model = torch.load('PATH')", "loaded before it is saved"),
        Snippet(
            142,
            "torch.save(model, 'PATH')\ntorch.load('PATH')",
            "a whole model is no plain data: `weights_only=False` is needed",
            meant=True,
        ),
        Snippet(142, "print(torch.load('PATH', weights_only=False))", meant=True),
        Snippet(145, "model.state_dict()：通常只保存模型参数，而不保存整个模型", WORDS),
        Snippet(145, "model.state_dict()", meant=True),
        Snippet(
            146, "torch.save(model.state_dict(), 'params.ckpt') \nmodel.load_state_dict(torch.load('params.ckpt'))"
        ),
        Snippet(155, "device = torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')\ndevice"),
        Snippet(159, "inputs, labels = data[0].to(device), data[1].to(device)", "names that the note does not give"),
        Snippet(
            159,
            "data = next(iter(train_loader))\ninputs, labels = data[0].to(device), data[1].to(device)\n"
            "inputs.device, labels",
            meant=True,
        ),
        Snippet(
            166,
            "nn.L1Loss\nnn.MSELoss\nnn.CrossEntropyLoss\nnn.BCELoss",
        ),
        Snippet(
            166,
            "outputs, targets = torch.rand(3, 4), torch.rand(3, 4)\n"
            "for loss in nn.L1Loss(), nn.MSELoss(), nn.CrossEntropyLoss(), nn.BCELoss():\n"
            "    print(loss, loss(outputs, targets))",
            meant=True,
        ),
        Snippet(184, "optim.SGD", "imported 14 lines later"),
        Snippet(184, "import torch.optim as optim\noptim.SGD\noptim.Adam\noptim.Adagrad", meant=True),
        Snippet(194, "optim.RMSProp", "the class is `RMSprop`"),
        Snippet(194, "optim.RMSprop", meant=True),
        Snippet(198, "import torch.optim as optim\nloss_fn = nn.CrossEntropyLoss()\nloss_fn"),
        Snippet(
            204,
            "optimizer = optim.SGD(model.parameters(), lr = 0.001, momentum = 0.9)\noptimizer",
        ),
        Snippet(
            207,
            "for epoch in range(2):\n    model.train()\n    for i, data in enumerate(train_loader, 0) : \n\n"
            "    inputs, labels = data\n",
            "the body of the loop is not indented",
        ),
        Snippet(
            207,
            "for epoch in range(2):\n"
            "    model.train()\n"
            "    for i, data in enumerate(train_loader, 0) : \n"
            "        inputs, labels = data\n"
            "        optimizer.zero_grad()\n"
            "        outputs = model(inputs)\n"
            "        loss = loss_fn(outputs, labels)\n"
            "        loss.backward()\n"
            "        optimizer.step()\n"
            "        print(loss)",
            meant=True,
        ),
        Snippet(233, "model.eval() \ntorch.no_grad() "),
        Snippet(
            239,
            "correct = 0\ntotal = 0\n\nmodel.eval()\nwith torch.no_grad():\n    for data in test_loader:\n"
            "        inputs, labels = data\n        outputs = model(inputs)\n"
            "        _, predicted = torch.max(outputs.data, 1)\n        total += labels.size 0)\n"
            "        correct += (predicted == labels)\n                    .sum().item ()\n\n"
            "print ('Accuracy: %s' % (correct/total))",
            "brackets are lost",
        ),
        Snippet(
            239,
            "correct = 0\ntotal = 0\ntest_loader = DataLoader(test_data, batch_size=4)\n\nmodel.eval()\n"
            "with torch.no_grad():\n    for data in test_loader:\n"
            "        inputs, labels = data\n        outputs = model(inputs)\n"
            "        _, predicted = torch.max(outputs.data, 1)\n        total += labels.size(0)\n"
            "        correct += (predicted == labels).sum().item ()\n\n"
            "print ('Accuracy: %s' % (correct/total))",
            meant=True,
        ),
    ],
)


@pytest.mark.parametrize("snippet", NOTE.snippets, ids=str)
def test_snippet_shows_what_it_shows_in_pytorch(snippet: Snippet) -> None:
    NOTE.check(snippet)


def test_page_lists_the_snippets() -> None:
    assert NOTE.section() in PAGE.read_text()
