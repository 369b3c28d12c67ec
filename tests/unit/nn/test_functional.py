"""Functions against PyTorch: values, gradients, warnings and the types of errors."""

import inspect

import pytest
import torch as pt

import rushlight as rl
from tests.unit.nn.helpers import needs

F, PF = rl.nn.functional, pt.nn.functional
GENERATOR = pt.Generator().manual_seed(3)
X = pt.randn(4, 6, generator=GENERATOR, dtype=pt.float64)
Y = pt.randn(4, 6, generator=GENERATOR, dtype=pt.float64)
EDGE = pt.tensor([-30.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 30.0, 100.0, -100.0], dtype=pt.float64).view(2, 6)
SIGN = pt.tensor([1.0, -1.0, 1.0, -1.0], dtype=pt.float64)
PROBABILITY = X.sigmoid()

ACTIVATIONS = [
    ("relu", {}),
    ("threshold", {"threshold": 0.2, "value": 3.0}),
    ("hardtanh", {}),
    ("relu6", {}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("selu", {}),
    ("celu", {"alpha": 2.0}),
    ("leaky_relu", {"negative_slope": 0.3}),
    ("softplus", {}),
    ("softplus", {"beta": 2.0, "threshold": 3.0}),
    ("logsigmoid", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("silu", {}),
    ("mish", {}),
    pytest.param("gelu", {}, marks=needs("Tensor.erf")),
    ("gelu", {"approximate": "tanh"}),
    ("glu", {}),
    ("glu", {"dim": 0}),
    ("hardsigmoid", {}),
    ("hardswish", {}),
    ("hardshrink", {}),
    ("softshrink", {}),
    ("softsign", {}),
    ("tanhshrink", {}),
    ("softmax", {"dim": 1}),
    ("softmax", {"dim": 0}),
    ("softmin", {"dim": -1}),
    ("log_softmax", {"dim": 1}),
    ("rrelu", {}),
    ("normalize", {}),
    ("normalize", {"p": 1.0, "dim": 0}),
    ("layer_norm", {"normalized_shape": (6,)}),
    ("rms_norm", {"normalized_shape": (6,), "eps": 1e-3}),
    pytest.param("rms_norm", {"normalized_shape": (6,)}, marks=needs("finfo")),
    ("layer_norm", {"normalized_shape": (6,), "eps": 0.1}),
]


def ours_of(value):
    if isinstance(value, pt.Tensor):
        return rl.tensor(value.detach().tolist(), dtype=getattr(rl, str(value.dtype).split(".")[1]))
    return value


ROUGH = {"hardsigmoid": 1e-7}  # PyTorch rounds its 1/6 to float32


def compare(name, tensors, options, grads=True):
    """Values and gradients of a function of ``tensors`` (all of which get gradients) in both libraries."""
    rough = ROUGH.get(name, 0)
    mine = [ours_of(t) for t in tensors]
    his = [t.clone() for t in tensors]
    if grads:
        mine, his = [t.requires_grad_() for t in mine], [t.requires_grad_() for t in his]
    a = getattr(F, name)(*mine, **{k: ours_of(v) for k, v in options.items()})
    b = getattr(PF, name)(*his, **options)
    pt.testing.assert_close(pt.tensor(a.tolist(), dtype=b.dtype), b.detach(), rtol=rough or 1e-12, atol=rough or 1e-12)
    if grads:
        a.sum().backward()
        b.sum().backward()
        for p, q in zip(mine, his, strict=True):
            pt.testing.assert_close(
                pt.tensor(p.grad.tolist(), dtype=q.dtype), q.grad, rtol=rough or 1e-9, atol=rough or 1e-10
            )


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS)
@pytest.mark.parametrize("x", [X, EDGE], ids=["normal", "edges"])
def test_activations(name, options, x):
    compare(name, [x], options)


@pytest.mark.parametrize(
    "name",
    [
        "relu",
        "elu",
        "selu",
        "celu",
        "silu",
        "mish",
        "leaky_relu",
        "hardtanh",
        "relu6",
        "hardswish",
        "hardsigmoid",
        "threshold",
    ],
)
def test_in_place(name):
    x = ours_of(X).requires_grad_()
    y = x * 1
    options = {"threshold": 0.1, "value": 2.0} if name == "threshold" else {}
    result = getattr(F, name)(y, inplace=True, **options)
    assert result is y
    result.sum().backward()
    z = X.clone().requires_grad_()
    expected = getattr(PF, name)(z, **options)
    expected.sum().backward()
    pt.testing.assert_close(pt.tensor(y.tolist(), dtype=pt.float64), expected.detach())
    pt.testing.assert_close(pt.tensor(x.grad.tolist(), dtype=pt.float64), z.grad)


LOSSES = [
    ("mse_loss", [X, Y], {}),
    ("l1_loss", [X, Y], {}),
    ("mse_loss", [X, Y], {"weight": PROBABILITY}),
    ("l1_loss", [X, Y], {"weight": PROBABILITY}),
    ("huber_loss", [X, Y], {"weight": PROBABILITY}),
    ("smooth_l1_loss", [X, Y], {}),
    ("smooth_l1_loss", [X, Y], {"beta": 0.3}),
    ("smooth_l1_loss", [X, Y], {"beta": 0.0}),
    ("huber_loss", [X, Y], {"delta": 0.7}),
    ("binary_cross_entropy", [PROBABILITY, Y.sigmoid()], {}),
    ("binary_cross_entropy", [PROBABILITY], {"target": (Y > 0).double(), "weight": Y.abs()}),
    ("binary_cross_entropy_with_logits", [X, Y.sigmoid()], {}),
    ("binary_cross_entropy_with_logits", [EDGE], {"target": (EDGE > 1).double(), "weight": EDGE.abs()}),
    ("binary_cross_entropy_with_logits", [X, Y.sigmoid()], {"pos_weight": Y[0].abs()}),
    ("kl_div", [X.log_softmax(1), Y.softmax(1)], {}),
    ("kl_div", [X.log_softmax(1), Y.log_softmax(1)], {"log_target": True}),
    ("poisson_nll_loss", [X], {"target": (Y * 3).abs().round(), "full": True}),
    ("poisson_nll_loss", [PROBABILITY, Y.abs()], {"log_input": False}),
    ("gaussian_nll_loss", [X, Y], {"var": PROBABILITY, "full": True}),
    ("gaussian_nll_loss", [X, Y], {"var": 0.5}),
    ("gaussian_nll_loss", [X, Y, PROBABILITY[:, :1]], {}),
    ("gaussian_nll_loss", [X, Y, PROBABILITY[:, 0]], {}),
    ("hinge_embedding_loss", [X], {"target": Y.sign()}),
    ("soft_margin_loss", [X], {"target": Y.sign()}),
    ("multilabel_soft_margin_loss", [X], {"target": (Y > 0).double(), "weight": Y[0].abs()}),
    ("cosine_embedding_loss", [X, Y], {"target": SIGN, "margin": 0.1}),
    ("margin_ranking_loss", [X[:, 0], Y[:, 0]], {"target": SIGN, "margin": 0.3}),
    ("triplet_margin_loss", [X, Y, X.flip(0)], {}),
    ("triplet_margin_loss", [X, Y, X.flip(0)], {"swap": True, "p": 1.0}),
    ("triplet_margin_with_distance_loss", [X, Y, X.flip(0)], {"margin": 2.0}),
]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("name", "tensors", "options"), LOSSES)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_losses(name, tensors, options, reduction):
    compare(name, tensors, {**options, "reduction": reduction})


def test_other_compositions():
    compare("kl_div", [X.log_softmax(1), Y.softmax(1)], {"reduction": "batchmean"})
    compare("pairwise_distance", [X, Y], {"p": 1.0})
    compare("cosine_similarity", [X, Y], {"dim": 0})
    compare("cosine_similarity", [X.view(4, 1, 6), Y.view(1, 4, 6)], {"dim": -2})
    compare("group_norm", [X.view(2, 4, 3)], {"num_groups": 2, "weight": Y[0, :4], "bias": Y[1, :4]})
    compare("prelu", [X, Y[0].clone()], {})
    compare("prelu", [X, Y[0, :1].clone()], {})
    assert F.softmax(rl.ones(2, 2), 1, dtype=rl.float64).dtype == rl.float64


def test_binary_cross_entropy_at_0_and_1():
    # PyTorch's slope at x = y is 0 here, where the limit is 1 or -1; hence the absolute tolerance.
    x, y = [0.0, 1.0, 0.0, 1.0, 0.5], [0.0, 1.0, 1.0, 0.0, 1.0]
    a, b = rl.tensor(x, requires_grad=True), pt.tensor(x, requires_grad=True)
    ours, theirs = (
        F.binary_cross_entropy(a, rl.tensor(y), reduction="sum"),
        PF.binary_cross_entropy(b, pt.tensor(y), reduction="sum"),
    )
    assert ours.item() == pytest.approx(theirs.item())
    ours.backward()
    theirs.backward()
    assert a.grad.tolist() == pytest.approx(b.grad.tolist(), rel=1e-6, abs=1.0)


@pytest.mark.parametrize("training", [True, False])
def test_running_statistics(training):
    mean, var = pt.zeros(4, dtype=pt.float64), pt.ones(4, dtype=pt.float64)
    for name, flag in (("batch_norm", "training"), ("instance_norm", "use_input_stats")):
        m, v, n, w = ours_of(mean), ours_of(var), mean.clone(), var.clone()
        x = X.view(2, 4, 3)
        a = getattr(F, name)(ours_of(x), m, v, **{flag: training})
        b = getattr(PF, name)(x, n, w, **{flag: training})
        for p, q in ((a, b), (m, n), (v, w)):
            pt.testing.assert_close(pt.tensor(p.tolist(), dtype=pt.float64), q)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, t: F.mse_loss(t.ones(2, 3), t.ones(3)),
        lambda F, t: F.l1_loss(t.ones(2), t.ones(1)),
        lambda F, t: F.softmax(t.ones(2, 2)),
        lambda F, t: F.log_softmax(t.ones(2, 2)),
        lambda F, t: F.softmin(t.ones(2)),
        lambda F, t: F.kl_div(t.ones(2), t.ones(2)),
        lambda F, t: F.mse_loss(t.ones(2), t.ones(2), size_average=False),
        lambda F, t: F.l1_loss(t.ones(2), t.ones(2), reduce=False),
    ],
)
def test_warnings(call):
    with pytest.warns(UserWarning):
        a = call(F, rl)
    with pytest.warns(UserWarning):
        b = call(PF, pt)
    pt.testing.assert_close(pt.tensor(a.tolist()), b)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, t: F.binary_cross_entropy(t.ones(2), t.ones(3)),
        lambda F, t: F.binary_cross_entropy(2 * t.ones(2), t.ones(2)),
        lambda F, t: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(3)),
        lambda F, t: F.huber_loss(t.ones(1), t.ones(1), delta=0),
        lambda F, t: F.smooth_l1_loss(t.ones(1), t.ones(1), beta=-1.0),
        lambda F, t: F.mse_loss(t.ones(1), t.ones(1), reduction="x"),
        lambda F, t: F.mse_loss(t.ones(2), t.ones(2), weight=t.ones(1)),
        lambda F, t: F.gelu(t.ones(1), approximate="x"),
        lambda F, t: F.glu(t.ones(3)),
        lambda F, t: F.glu(t.ones(())),
        lambda F, t: F.celu(t.ones(1), alpha=0.0),
        lambda F, t: F.hardtanh(t.ones(1), 1, 0),
        lambda F, t: F.softshrink(t.ones(1), -1.0),
        lambda F, t: F.layer_norm(t.ones(2, 3), (2,)),
        lambda F, t: F.layer_norm(t.ones(2, 3), ()),
        lambda F, t: F.group_norm(t.ones(2, 3), 2),
        lambda F, t: F.batch_norm(t.ones(1, 3), None, None, training=True),
        lambda F, t: F.batch_norm(t.ones(2, 3), None, None),
        lambda F, t: F.prelu(t.ones(2, 3), t.ones(2)),
        lambda F, t: F.prelu(t.ones(2, 3), t.ones(3, 1)),
        lambda F, t: F.cosine_embedding_loss(t.ones(2), t.ones(2), t.ones(2)),
        lambda F, t: F.margin_ranking_loss(t.ones(2), t.ones(2), t.ones(2, 1)),
        lambda F, t: F.triplet_margin_loss(t.ones(2), t.ones(2), t.ones(2), margin=0),
        lambda F, t: F.gaussian_nll_loss(t.ones(2), t.ones(2), -1.0),
        lambda F, t: F.gaussian_nll_loss(t.ones(2, 4), t.ones(2, 4), t.ones(3)),
        lambda F, t: F.poisson_nll_loss(t.ones(2), t.ones(2), reduction="x"),
        lambda F, t: F.instance_norm(t.ones(1, 2, 1)),
        lambda F, t: F.there_is_no_such_function,
    ],
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_error_types(call):
    with pytest.raises(Exception) as theirs:
        call(PF, pt)
    with pytest.raises(theirs.type):
        call(F, rl)


@pytest.mark.parametrize(
    "name",
    sorted(
        {getattr(case, "values", case)[0] for case in ACTIVATIONS}
        | {loss[0] for loss in LOSSES}
        | {"batch_norm", "group_norm"}
    ),
)
def test_signature(name):
    try:
        theirs = inspect.signature(getattr(PF, name))
    except ValueError:
        pytest.skip("PyTorch's is built in and has no signature")
    ours = inspect.signature(getattr(F, name))
    assert [(p.name, p.default) for p in ours.parameters.values()] == [
        (p.name, p.default) for p in theirs.parameters.values()
    ]


LOGITS = pt.randn(3, 5, 2, generator=GENERATOR, dtype=pt.float64)
CLASSES = pt.tensor([[0, 4], [-100, 2], [3, 3]])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(
    ("name", "tensors", "options"),
    [
        ("nll_loss", [LOGITS.log_softmax(1)], {"target": CLASSES}),
        ("nll_loss", [LOGITS[:, :, 0]], {"target": CLASSES[:, 1], "weight": X[0, :5].abs(), "ignore_index": 2}),
        ("nll_loss", [LOGITS[0, :, 0]], {"target": pt.tensor(3)}),
        ("cross_entropy", [LOGITS], {"target": CLASSES}),
        ("cross_entropy", [LOGITS], {"target": CLASSES, "weight": X[0, :5].abs(), "label_smoothing": 0.3}),
        ("cross_entropy", [LOGITS[:, :, 0]], {"target": CLASSES[:, 1], "ignore_index": 2}),
        ("cross_entropy", [LOGITS[0, :, 0]], {"target": pt.tensor(3), "label_smoothing": 0.1}),
        ("cross_entropy", [LOGITS, LOGITS.flip(0).softmax(1)], {"label_smoothing": 0.2, "weight": X[0, :5].abs()}),
        ("cross_entropy", [LOGITS[0, :, 0], LOGITS[1, :, 0].softmax(0)], {}),
    ],
)
def test_class_losses(name, tensors, options, reduction):
    compare(name, tensors, {**options, "reduction": reduction})


@pytest.mark.parametrize(
    "call",
    [
        lambda F, t: F.cross_entropy(t.ones(2, 3), t.tensor([0, 3])),
        lambda F, t: F.cross_entropy(t.ones(2, 3), t.tensor([0, 1, 2])),
        lambda F, t: F.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), label_smoothing=2.0),
        lambda F, t: F.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), reduction="x"),
        lambda F, t: F.cross_entropy(t.ones(2, 3), t.ones(2, 3, dtype=t.int64)),
        lambda F, t: F.cross_entropy(t.ones(2, 3), t.ones(2, 3), ignore_index=1),
        lambda F, t: F.nll_loss(t.ones(2, 3), t.ones(2)),
        lambda F, t: F.dropout(t.ones(2), 1.5),
        lambda F, t: F.max_pool2d(t.ones(2), 2),
        lambda F, t: F.max_pool1d(t.ones(2, 3), 2, padding=2),
        lambda F, t: F.max_pool3d(t.ones(1, 2, 2, 2), 3),
    ],
)
def test_error_types_of_kernels(call):
    with pytest.raises(Exception) as theirs:
        call(PF, pt)
    with pytest.raises(theirs.type):
        call(F, rl)


@pytest.mark.parametrize(
    ("rank", "shape"), [(1, (2, 3, 8)), (1, (3, 8)), (2, (2, 3, 6, 8)), (2, (3, 6, 8)), (3, (1, 2, 4, 4, 6))]
)
def test_max_pools(rank, shape):
    x = pt.randn(shape, generator=GENERATOR, dtype=pt.float64)
    options = {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
    compare(f"max_pool{rank}d", [x], options)
    mine = getattr(F, f"max_pool{rank}d")(ours_of(x), **options, return_indices=True)
    his = getattr(PF, f"max_pool{rank}d")(x, **options, return_indices=True)
    assert [t.tolist() for t in mine] == [t.tolist() for t in his]


def test_dropout():
    x, y = rl.ones(1000, requires_grad=True), pt.ones(1000, requires_grad=True)
    rl.manual_seed(3)
    pt.manual_seed(3)
    ours, theirs = F.dropout(x, 0.3), PF.dropout(y, 0.3)
    assert ours.tolist() == theirs.tolist()
    ours.sum().backward()
    assert x.grad.tolist() == ours.tolist()
    assert F.dropout(x, 0.3, training=False) is x and F.dropout(x, 0.0) is x
    assert F.dropout(x, 1.0).sum().item() == 0.0
    z = rl.ones(10)
    assert F.dropout(z, 0.5, inplace=True) is z and set(z.tolist()) <= {0.0, 2.0}
