"""Initialisers: PyTorch's values bit for bit, gains, fans, errors and warnings."""

import pytest
import torch as pt

import rushlight as rl
from tests.unit.nn.helpers import needs, same

FILLS = [
    ("uniform_", (3, 4), {"a": -1.0, "b": 2.0}),
    ("normal_", (5, 7), {"mean": 1.0, "std": 2.0}),
    ("ones_", (2, 3), {}),
    ("zeros_", (2, 3), {}),
    ("constant_", (2, 3), {"val": 2.5}),
    ("eye_", (3, 4), {}),
    ("dirac_", (4, 2, 3), {"groups": 2}),
    ("dirac_", (2, 2, 3, 3), {}),
    ("xavier_uniform_", (3, 4, 2), {"gain": 2.0}),
    ("xavier_normal_", (9, 4), {}),
    ("kaiming_uniform_", (3, 4), {"a": 5**0.5}),
    ("kaiming_normal_", (8, 4, 3, 3), {"mode": "fan_out", "nonlinearity": "relu"}),
    ("sparse_", (6, 4), {"sparsity": 0.4}),
    ("trunc_normal_", (20, 3), {"std": 2.0}),
    ("trunc_normal_", (20, 3), {"a": 0.7, "b": 5.0}),
    ("trunc_normal_", (5, 3), {"mean": 3.0}),
    ("trunc_normal_", (8, 3), {"std": 100.0}),
    pytest.param("orthogonal_", (4, 3), {}, marks=needs("linalg.qr")),
    pytest.param("orthogonal_", (2, 3, 2), {"gain": 2.0}, marks=needs("linalg.qr")),
]
TOLERANCE = {"trunc_normal_": 1e-6, "orthogonal_": 1e-5}


@pytest.mark.parametrize(("name", "shape", "options"), FILLS)
def test_values(name, shape, options):
    results = []
    for torch in (rl, pt):
        torch.manual_seed(5)
        tensor = torch.nn.Parameter(torch.empty(shape))
        assert getattr(torch.nn.init, name)(tensor, **options) is tensor
        assert tensor.requires_grad and tensor.grad_fn is None
        results.append(tensor)
    same(*results, tolerance=TOLERANCE.get(name, 0.0))


def test_generator():
    values = []
    for torch in (rl, pt):
        generator = torch.Generator()
        generator.manual_seed(1)
        values.append(torch.nn.init.kaiming_uniform_(torch.empty(3, 4), generator=generator).tolist())
    assert values[0] == values[1]


@pytest.mark.parametrize(
    "args",
    [
        ("linear",),
        ("conv_transpose2d",),
        ("sigmoid",),
        ("tanh",),
        ("relu",),
        ("leaky_relu",),
        ("leaky_relu", 0.3),
        ("selu",),
        ("conv2d", 5),
    ],
)
def test_gain(args):
    assert rl.nn.init.calculate_gain(*args) == pt.nn.init.calculate_gain(*args)


@pytest.mark.parametrize(
    "call",
    [
        lambda i, t: i.calculate_gain("gelu"),
        lambda i, t: i.calculate_gain("leaky_relu", True),
        lambda i, t: i.calculate_gain("conv4d"),
        lambda i, t: i.kaiming_uniform_(t.empty(3)),
        lambda i, t: i.eye_(t.empty(3)),
        lambda i, t: i.kaiming_normal_(t.empty(2, 2), mode="fan"),
        lambda i, t: i.dirac_(t.empty(2, 2)),
        lambda i, t: i.dirac_(t.empty(3, 2, 2), groups=2),
        lambda i, t: i.xavier_uniform_(t.empty(())),
        lambda i, t: i.orthogonal_(t.empty(3)),
        lambda i, t: i.sparse_(t.empty(3), 0.1),
    ],
)
def test_errors(call):
    for torch in (rl, pt):
        with pytest.raises(ValueError):
            call(torch.nn.init, torch)


def test_warnings():
    with pytest.warns(UserWarning, match="without elements"):
        rl.nn.init.kaiming_uniform_(rl.empty(0, 3))
    with pytest.warns(UserWarning, match="two deviations"):
        rl.nn.init.trunc_normal_(rl.empty(3), mean=10.0)
    with pytest.warns(FutureWarning, match="kaiming_uniform_"):
        rl.nn.init.kaiming_uniform(rl.empty(2, 2))


def test_layers_draw_what_pytorch_draws():
    states = []
    for torch in (rl, pt):
        torch.manual_seed(11)
        nn = torch.nn
        states.append(
            nn.Sequential(
                nn.Conv2d(1, 8, 3),
                nn.Conv2d(8, 4, 3, groups=2, bias=False),
                nn.Linear(20, 10),
                nn.Embedding(7, 5),
                nn.Bilinear(2, 3, 4),
            ).state_dict()
        )
    for (name, a), b in zip(states[0].items(), states[1].values(), strict=True):
        assert a.tolist() == b.tolist(), name
