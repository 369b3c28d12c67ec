"""Losses that are rows: one node and one pass, PyTorch's values, names, dtypes, strides, errors and derivatives."""

import itertools
import warnings

import numpy as np
import pytest
import torch as pt

import rushlight as rl

RANDOM = np.random.default_rng(5)
X, Y = RANDOM.normal(size=(2, 4, 5))
P, Q = RANDOM.uniform(0.05, 0.95, size=(2, 4, 5))
W = RANDOM.uniform(0.5, 1.5, size=5)
PLAIN = [
    ("mse_loss", X, Y, {}),
    ("smooth_l1_loss", X, Y, {"beta": 0.3}),
    ("huber_loss", X, Y, {"delta": 0.4}),
    ("binary_cross_entropy", P, Q, {}),
    ("binary_cross_entropy", P, Q, {"weight": W}),
    ("binary_cross_entropy_with_logits", X, Q, {}),
    ("binary_cross_entropy_with_logits", X, Q, {"weight": W[:4, None], "pos_weight": W}),
    ("soft_margin_loss", X, np.sign(Y), {}),
]
TARGETS = [case for case in PLAIN if case[0] != "soft_margin_loss"]
REDUCTIONS = ("none", "mean", "sum")
TOLERANCE = {"float16": 5e-3, "bfloat16": 4e-2, "float32": 1e-5, "float64": 1e-10}


def tensors(m, arrays, dtype="float64", options=()):
    options = {k: m.from_numpy(v).to(getattr(m, dtype)) if isinstance(v, np.ndarray) else v for k, v in options}
    return [m.from_numpy(np.array(a)).to(getattr(m, dtype)) for a in arrays], options


def numbers(t):
    return np.asarray(t.detach().to(pt.float64 if isinstance(t, pt.Tensor) else rl.float64).tolist())


def agree(ours, theirs, tolerance=1e-10):
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=tolerance, atol=tolerance)


def gradients(m, name, arrays, options, reduction, dtype, order=1):
    """The loss, its gradients by both arguments where they have one, and with order 2 those of a sum of these."""
    (x, y), options = tensors(m, arrays, dtype, options.items())
    leaves = [t.requires_grad_() for t in ((x,) if name == "soft_margin_loss" else (x, y))]
    loss = getattr(m.nn.functional, name)(x, y, reduction=reduction, **options)
    found = m.autograd.grad((loss * 0.7).sum(), leaves, create_graph=order > 1)
    if order > 1:
        found = (*found, *m.autograd.grad(sum((g * g).sum() for g in found), leaves))
    return loss, *found


@pytest.mark.parametrize(("name", "x", "y", "options"), PLAIN)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_values_and_gradients(name, x, y, options, reduction):
    for dtype, tolerance in TOLERANCE.items():
        ours, theirs = (gradients(m, name, (x, y), options, reduction, dtype) for m in (rl, pt))
        assert type(ours[0].grad_fn).__name__ == type(theirs[0].grad_fn).__name__
        for a, b in zip(ours, theirs, strict=True):
            agree(a, b, tolerance)
    ours, theirs = (gradients(m, name, (x, y), options, reduction, "float64", 2) for m in (rl, pt))
    for a, b in zip(ours, theirs, strict=True):
        agree(a, b, 1e-8)


@pytest.mark.parametrize(("name", "x", "y", "options"), PLAIN)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_forward_mode(name, x, y, options, reduction):
    """Along a direction the loss changes as finite differences say."""
    (value, target, direction), options = tensors(rl, (x, y, np.cos(y)), options=options.items())
    loss = lambda v: getattr(rl.nn.functional, name)(v, target, reduction=reduction, **options)  # noqa: E731
    _, tangent = rl.func.jvp(loss, (value,), (direction,))
    step = 1e-6
    slope = (loss(value + step * direction) - loss(value - step * direction)) / (2 * step)
    np.testing.assert_allclose(numbers(tangent), numbers(slope), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("name", "x", "y", "options"), PLAIN)
def test_any_layout_gives_the_same(name, x, y, options):
    changes = [lambda t: t, lambda t: t.t().contiguous().t(), lambda t: t.repeat(1, 2)[:, ::2], lambda t: t[:1]]
    for (change, other), reduction in itertools.product(itertools.product(changes, repeat=2), REDUCTIONS):
        results = []
        for m in (rl, pt):
            pair, more = tensors(m, (x, y), options=options.items())
            a, b = (f(t).expand(4, 5) for f, t in zip((change, other), pair, strict=True))
            results.append(getattr(m.nn.functional, name)(a, b, reduction=reduction, **more))
        agree(*results)
        assert results[0].stride() == results[1].stride()


@pytest.mark.parametrize(("name", "x", "y", "options"), PLAIN)
def test_pairs_of_dtypes(name, x, y, options):
    """The result's dtype, or the exception, of each pair; complex targets aside, which have no kernel here."""
    dtypes = ("bool", "int64", "float16", "float32", "float64")
    for dtype, other, reduction in itertools.product(dtypes, dtypes, ("none", "mean")):
        results = []
        for m in (rl, pt):
            (a, _), more = tensors(m, (x, y), dtype)
            (_, b), more = tensors(m, (x, y), other, options.items())
            try:
                results.append(getattr(m.nn.functional, name)(a, b, reduction=reduction, **more).dtype)
            except Exception as error:
                results.append(type(error).__name__)
        assert str(results[0]) == str(results[1]), (dtype, other, reduction)


@pytest.mark.parametrize(("name", "x", "y", "options"), PLAIN)
def test_shapes(name, x, y, options):
    """Empty, 0-d, broadcast, refused; larger than a tile."""
    shapes = [((0, 5), (0, 5)), ((), ()), ((4, 5), (5,)), ((4, 5), ()), ((5,), (4, 5)), ((4, 1), (1, 5)),
              ((4, 5), (3,)), ((41, 211), (41, 211))]
    options = {} if "weight" in options else options
    for (a, b), reduction in itertools.product(shapes, REDUCTIONS):
        values = [RANDOM.uniform(0.1, 0.9, size=s) for s in (a, b)]
        results = []
        for m in (rl, pt):
            pair, more = tensors(m, values, options=options.items())
            with warnings.catch_warnings(record=True) as met:
                warnings.simplefilter("always")
                try:
                    results.append((getattr(m.nn.functional, name)(*pair, reduction=reduction, **more), len(met)))
                except Exception as error:
                    results.append((type(error).__name__, len(met)))
        (ours, warned), (theirs, expected) = results
        assert warned == expected
        if isinstance(theirs, str) or isinstance(ours, str):
            assert ours == theirs, (a, b, reduction)
        else:
            agree(ours, theirs)


@pytest.mark.parametrize(("name", "x", "y", "options"), TARGETS)
def test_infinities_and_nan(name, x, y, options):
    """Gradients of the pieces stay finite where the loss is not."""
    if name == "binary_cross_entropy":
        values = np.array([0.0, 1.0, 0.5, 1e-45, 1.0])
    else:
        values = np.array([-np.inf, np.inf, np.nan, 1e30, -1e30])
    results = []
    for m in (rl, pt):
        (a, b), more = tensors(m, (values, y[0]), "float32", options.items() if "weight" not in options else ())
        a.requires_grad_()
        loss = getattr(m.nn.functional, name)(a, b, reduction="none", **more)
        loss.backward(m.ones_like(loss))
        results.append((loss, a.grad))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-5)


def test_a_mean_of_16_bits_keeps_small_shares():
    """The gradient of a mean of many is computed before it is rounded: 1 / n alone would be 0 in float16."""
    n = 1 << 20
    x = rl.full((n,), 200.0, dtype=rl.float16).requires_grad_()
    loss = rl.nn.functional.mse_loss(x, rl.zeros(n, dtype=rl.float16))
    assert loss.item() == 40000
    loss.backward()
    assert x.grad[0].item() == pytest.approx(400 / n, rel=0.1)


def test_sums_are_exact_and_do_not_depend_on_threads():
    x, y = RANDOM.normal(size=(2, 300_007)).astype("float32")
    exact = ((x.astype("float64") - y) ** 2).sum()
    before, found = rl.get_num_threads(), set()
    try:
        for threads in (1, 2, 3):
            rl.set_num_threads(threads)
            found.add(rl.nn.functional.mse_loss(rl.from_numpy(x), rl.from_numpy(y), reduction="sum").item())
    finally:
        rl.set_num_threads(before)
    (total,) = found
    assert total == pytest.approx(exact, rel=1e-7)


@pytest.mark.parametrize(
    "call",
    [
        lambda F, t: F.soft_margin_loss(t.ones(2), t.ones(2, requires_grad=True)),
        lambda F, t: F.binary_cross_entropy(t.ones(2), t.ones(2), weight=t.ones(2, requires_grad=True)),
        lambda F, t: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(2), weight=t.ones(2, requires_grad=True)),
        lambda F, t: F.binary_cross_entropy_with_logits(t.ones(2), t.ones(2), pos_weight=t.ones(2, requires_grad=True)),
        lambda F, t: F.binary_cross_entropy(t.tensor([0.5, 1.5]), t.ones(2)),
        lambda F, t: F.binary_cross_entropy(t.tensor([0.5, float("nan")]), t.ones(2)),
        lambda F, t: F.binary_cross_entropy(t.ones(2), t.ones(2), weight=t.ones(3, 2)),
        lambda F, t: F.soft_margin_loss(t.ones(3), t.ones(2, 3)),
        lambda F, t: F.mse_loss(t.ones(3), t.ones(4), reduction="x"),
        lambda F, t: F.mse_loss(t.ones(3), t.ones(3), reduction="x"),
        lambda F, t: F.huber_loss(t.ones(3), t.ones(3), reduction="x", delta=-1.0),
        lambda F, t: F.smooth_l1_loss(t.ones(3), t.ones(3), reduction="x", beta=-1.0),
    ],
)
def test_refused(call):
    with pytest.raises(Exception) as theirs:
        call(pt.nn.functional, pt)
    with pytest.raises(theirs.type):
        call(rl.nn.functional, rl)


def test_refused_gradients_are_fine_without_recording():
    weight = rl.ones(2, requires_grad=True)
    with rl.no_grad():
        assert rl.nn.functional.binary_cross_entropy(rl.ones(2), rl.ones(2), weight=weight).item() == 0


def test_shapes_alone():
    """On the meta device nothing is read."""
    x = rl.empty(3, 4, device="meta")
    for name in {case[0] for case in PLAIN}:
        function = getattr(rl.nn.functional, name)
        assert function(x, x).shape == () and function(x, x, reduction="none").shape == (3, 4)


CLASSES = np.array([0, 4, 2, 2])
LISTED = np.array([[0, 2, -1, 3, 3], [1, -1, 0, 0, 0], [-1, 0, 0, 0, 0], [4, 3, 2, 1, 0]])
MARGINS = [
    ("multi_margin_loss", X, CLASSES, {}),
    ("multi_margin_loss", X, CLASSES, {"p": 2, "margin": 0.7, "weight": W}),
    ("multi_margin_loss", X[0], np.array(4), {"p": 2}),
    ("multi_margin_loss", X[0], CLASSES[:1], {}),
    ("multi_margin_loss", X[0, 0], CLASSES[:1], {}),
    ("multi_margin_loss", RANDOM.normal(size=(7, 300)), RANDOM.integers(0, 300, size=7), {"p": 2}),
    ("multilabel_margin_loss", X, LISTED, {}),
    ("multilabel_margin_loss", X[0], LISTED[0], {}),
    ("multilabel_margin_loss", X[0, 0], np.array(0), {}),
    ("multilabel_margin_loss", RANDOM.normal(size=(2, 70)), RANDOM.integers(0, 70, size=(2, 70)), {}),
]


@pytest.mark.parametrize(("name", "x", "classes", "options"), MARGINS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_margins(name, x, classes, options, reduction):
    for dtype, transposed in itertools.product(("float32", "float64"), (False, True)):
        results = []
        for m in (rl, pt):
            (a,), more = tensors(m, (x,), dtype, options.items())
            a = a.t().contiguous().t() if transposed and a.dim() == 2 else a
            a.requires_grad_()
            loss = getattr(m.nn.functional, name)(a, m.from_numpy(classes), reduction=reduction, **more)
            results.append((loss, *m.autograd.grad((loss * 0.7).sum(), a)))
        assert type(results[0][0].grad_fn).__name__ == type(results[1][0].grad_fn).__name__
        for ours, theirs in zip(*results, strict=True):
            agree(ours, theirs, TOLERANCE[dtype])


@pytest.mark.parametrize(
    "call",
    [
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 5, 2, 2])),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, -1, 2, 2])),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2])),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([[0], [1], [2], [2]])),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2, 2]).int()),
        lambda F, t, x: F.multi_margin_loss(x.half(), t.tensor([0, 1, 2, 2])),
        lambda F, t, x: F.multi_margin_loss(x.long(), t.tensor([0, 1, 2, 2])),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2, 2]), p=3),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2, 2]), reduction="x"),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2, 2]), weight=t.ones(4)),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2, 2]), weight=t.ones(1, 5)),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2, 2]), weight=t.ones(5).half()),
        lambda F, t, x: F.multi_margin_loss(x, t.tensor([0, 1, 2, 2]), weight=t.ones(5, requires_grad=True)),
        lambda F, t, x: F.multi_margin_loss(x, 1.0),
        lambda F, t, x: F.multi_margin_loss(t.ones(3, 0), t.tensor([0, 1, 2])),
        lambda F, t, x: F.multi_margin_loss(t.ones(2, 3, 4), t.tensor([0, 1])),
        lambda F, t, x: F.multilabel_margin_loss(x, t.ones(4, 4).long()),
        lambda F, t, x: F.multilabel_margin_loss(x, t.full((4, 5), 5)),
        lambda F, t, x: F.multilabel_margin_loss(x, t.full((4, 5), -2)),
        lambda F, t, x: F.multilabel_margin_loss(x, t.ones(4, 5).int()),
        lambda F, t, x: F.multilabel_margin_loss(x.half(), t.ones(4, 5).long()),
        lambda F, t, x: F.multilabel_margin_loss(t.ones(0), t.ones(0).long()),
        lambda F, t, x: F.nll_loss(x, t.tensor([0, 1, 2, 2]), weight=t.ones(5, requires_grad=True)),
        lambda F, t, x: F.cross_entropy(x, t.tensor([0, 1, 2, 2]), weight=t.ones(5, requires_grad=True)),
        lambda F, t, x: F.cross_entropy(t.tensor(1.0), t.tensor(0)),
        lambda F, t, x: F.cross_entropy(t.tensor(1.0), t.tensor(0.0)),
    ],
)
def test_refused_classes(call):
    with pytest.raises(Exception) as theirs:
        call(pt.nn.functional, pt, pt.from_numpy(X).float())
    with pytest.raises(theirs.type):
        call(rl.nn.functional, rl, rl.from_numpy(X).float())


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 5, 2, 3), (0, 5)])
def test_names_of_class_losses(shape, smoothing, reduction):
    names = []
    for m in (rl, pt):
        x = m.zeros(shape, requires_grad=True)
        target = m.zeros(shape[:1] + shape[2:] if len(shape) > 1 else (), dtype=m.int64)
        losses = [m.nn.functional.cross_entropy(x, target, reduction=reduction, label_smoothing=smoothing),
                  m.nn.functional.nll_loss(x, target, reduction=reduction)]
        names.append([(type(loss.grad_fn).__name__, tuple(loss.shape)) for loss in losses])
    assert names[0] == names[1]


def test_the_gradient_of_nll_stays_in_the_graph():
    """It does not depend on the input, but a second derivative by it may be asked for: it is 0."""
    for m in (rl, pt):
        x = m.zeros(2, 3, requires_grad=True)
        loss = m.nn.functional.nll_loss(x, m.tensor([0, 2]))
        (g,) = m.autograd.grad(loss, x, create_graph=True)
        (second,) = m.autograd.grad((g * g).sum(), x)
        assert second.tolist() == [[0, 0, 0]] * 2
