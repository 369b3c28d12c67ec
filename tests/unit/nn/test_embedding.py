"""Look-ups in tables: values, gradients, derivatives of these, refusals."""

import itertools

import numpy as np
import pytest
import torch as pt

import rushlight as rl

TABLE = np.random.default_rng(2).normal(size=(7, 3))
INDICES = np.random.default_rng(3).integers(0, 7, size=(2, 9))


@pytest.mark.parametrize(("padding_idx", "by_frequency"), itertools.product((None, 2, -1), (False, True)))
def test_values_and_derivatives(padding_idx, by_frequency):
    dtypes = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2, "bfloat16": 8e-2}
    shapes = ((), (1,), (9,), (2, 9), (0,))
    for (dtype, tolerance), shape, index in itertools.product(dtypes.items(), shapes, ("int64", "int32")):
        found = []
        for m in (rl, pt):
            weight = m.from_numpy(TABLE).to(getattr(m, dtype)).requires_grad_()
            indices = m.from_numpy(np.resize(INDICES, shape)).to(getattr(m, index))
            y = m.nn.functional.embedding(indices, weight, padding_idx=padding_idx, scale_grad_by_freq=by_frequency)
            (g,) = m.autograd.grad((y * y).sum(), weight, create_graph=indices.numel() > 0)
            results = [y, g]
            if indices.numel():  # PyTorch has no second derivative of nothing
                results += m.autograd.grad((g * g).sum(), weight)
            found.append([(tuple(t.shape), t.stride(), t.dtype, t.double().tolist()) for t in results])
        for ours, theirs in zip(*found, strict=True):
            assert ours[:2] == theirs[:2] and str(ours[2]) == str(theirs[2])
            np.testing.assert_allclose(ours[3], theirs[3], rtol=tolerance, atol=tolerance)


def test_the_gradient_does_not_depend_on_threads():
    table, indices = rl.rand(300, 64), rl.randint(0, 300, (4000,))
    before, found = rl.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            rl.set_num_threads(threads)
            weight = table.clone().requires_grad_()
            y = rl.nn.functional.embedding(indices, weight)
            (y * y).sum().backward()
            found.append(weight.grad)
    finally:
        rl.set_num_threads(before)
    assert found[0].equal(found[1]) and found[0].equal(found[2])


def test_forward_mode():
    table, tangent = rl.from_numpy(TABLE), rl.from_numpy(TABLE[::-1].copy())
    indices = rl.from_numpy(INDICES)
    _, found = rl.func.jvp(lambda w: rl.nn.functional.embedding(indices, w), (table,), (tangent,))
    assert found.equal(rl.nn.functional.embedding(indices, tangent))


@pytest.mark.parametrize(
    "call",
    [
        lambda F, m, w: F.embedding(m.tensor([7]), w),
        lambda F, m, w: F.embedding(m.tensor([-1]), w),
        lambda F, m, w: F.embedding(m.tensor([0.0]), w),
        lambda F, m, w: F.embedding(m.tensor([0]), w, padding_idx=7),
        lambda F, m, w: F.embedding(m.tensor([0]), w[0]),
        lambda F, m, w: F.embedding(m.tensor([0]), (w + 0j).detach().requires_grad_()),
    ],
)
def test_refused(call):
    with pytest.raises(Exception) as theirs:
        call(pt.nn.functional, pt, pt.from_numpy(TABLE))
    with pytest.raises(theirs.type):
        call(rl.nn.functional, rl, rl.from_numpy(TABLE))
