"""Functions over statistics and orders that stand outside the table, and the edges of those in it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch as pt

import rushlight as rl

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4, 5, 6))


def same(mine, theirs, tolerance=1e-12):
    """Equal in values, shape and dtype; tuples element by element."""
    if isinstance(theirs, tuple):
        assert len(mine) == len(theirs)
        for a, b in zip(mine, theirs, strict=True):
            same(a, b, tolerance)
        return
    assert str(mine.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
    assert tuple(mine.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(force=True), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("p", [0.5, 1, 2, 3, float("inf"), -float("inf"), -1, "fro", None])
@pytest.mark.parametrize("dim", [None, 0, (0, 2), -1])
def test_norm_and_its_gradients(p, dim):
    results = []
    for m in (rl, pt):
        x = m.from_numpy(X.copy()).requires_grad_()
        y = m.norm(x, p, dim, dim is not None)
        (g,) = m.autograd.grad(y.sum(), x, create_graph=True)
        results.append((y, g) + (() if p in (1, float("inf"), -float("inf")) else m.autograd.grad((g * g).sum(), x)))
    mine, theirs = results
    same(mine, theirs, 1e-9)


def test_norm_counts_with_order_0_and_takes_a_dtype():
    x = np.array([[0.0, 3.0], [4.0, 0.0]], dtype="float32")
    same(*(m.norm(m.from_numpy(x), 0, 1) for m in (rl, pt)))
    same(*(m.from_numpy(x).norm(dtype=m.float64) for m in (rl, pt)))
    with pytest.raises(RuntimeError, match="norm"):
        rl.ones(2, dtype=rl.int64).norm()


@pytest.mark.parametrize("interpolation", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("name", ["quantile", "nanquantile"])
def test_quantile(name, interpolation):
    x = X.copy()
    x[1, 2, 3] = x[0, 0, 0] = np.nan
    for q, dim, keepdim in itertools.product((0.3, [0.0, 0.25, 1.0]), (None, 0, 1, -1), (False, True)):

        def call(m, q=q, dim=dim, keepdim=keepdim):
            given = m.tensor(q, dtype=m.float64) if isinstance(q, list) else q
            return getattr(m, name)(m.from_numpy(x), given, dim, keepdim, interpolation=interpolation)

        same(call(rl), call(pt))


def test_quantile_refuses_what_is_no_quantile():
    x = rl.zeros(3)
    for call in (
        lambda: x.quantile(1.5),
        lambda: x.quantile(rl.tensor([-0.1])),
        lambda: x.quantile(0.5, interpolation="cubic"),
        lambda: x.long().quantile(0.5),
        lambda: x[:0].quantile(0.5),
    ):
        with pytest.raises(RuntimeError, match="quantile"):
            call()


@pytest.mark.parametrize("name", ["unique", "unique_consecutive"])
@pytest.mark.parametrize("dim", [None, 0, 1, -1])
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_unique(name, dim, dtype):
    x = RANDOM.integers(0, 2, (6, 3)).astype(dtype)
    for inverse, counts in itertools.product((False, True), repeat=2):
        got, want = (
            getattr(m, name)(m.from_numpy(x), return_inverse=inverse, return_counts=counts, dim=dim) for m in (rl, pt)
        )
        same(got, want)


def test_unique_tells_nans_apart():
    assert rl.tensor([1.0, float("nan"), 0.0, -0.0, float("nan")]).unique().shape == (4,)


def test_look_up():
    rows = np.sort(X, axis=-1)
    for right, int32 in itertools.product((False, True), repeat=2):
        same(
            *(
                m.searchsorted(m.from_numpy(rows), m.from_numpy(X[..., :2].copy()), right=right, out_int32=int32)
                for m in (rl, pt)
            )
        )
        same(
            *(m.bucketize(m.from_numpy(X), m.tensor([-1.0, 0.0, 1.0], dtype=m.float64), right=right) for m in (rl, pt))
        )
    sorter = np.argsort(X, axis=-1)
    same(
        *(m.searchsorted(m.from_numpy(X), m.from_numpy(X), sorter=m.from_numpy(sorter), side="right") for m in (rl, pt))
    )
    assert rl.searchsorted(rl.tensor([1, 3, 5]), 3).item() == 1
    assert rl.searchsorted(rl.tensor([1, 3, 5]), rl.tensor([3.5, 3])).tolist() == [2, 1]  # in their common dtype
    with pytest.raises(NotImplementedError):
        rl.searchsorted(rl.tensor([False, True]), rl.tensor([True]))
    with pytest.raises(RuntimeError, match="searchsorted"):
        rl.searchsorted(rl.tensor([1.0]), rl.tensor([1.0]), side="left", right=True)


def test_isin():
    x = RANDOM.integers(0, 9, (5, 4))
    for invert in (False, True):
        same(*(m.isin(m.from_numpy(x), m.tensor([1, 5, 7]), invert=invert) for m in (rl, pt)))
        same(*(m.isin(m.from_numpy(x), 3, invert=invert) for m in (rl, pt)))
    assert not rl.isin(rl.tensor([float("nan")]), rl.tensor([float("nan")])).item()


def test_comparisons_of_whole_tensors_are_python_bools():
    a = rl.tensor([1.0, float("nan")])
    assert rl.equal(rl.ones(2), rl.ones(2)) is True and rl.equal(rl.ones(2), rl.ones(1)) is False
    assert a.equal(a) is False and rl.allclose(a, a) is False and a.allclose(a, equal_nan=True) is True


def test_products_and_running_products_with_zeros_have_gradients():
    for zeros, name in itertools.product((1, 2, 3), ("prod", "cumprod")):
        given = X[0, :3].copy()
        given.reshape(-1)[: 6 * zeros : 5] = 0
        results = []
        for m in (rl, pt):
            x = m.from_numpy(given).requires_grad_()
            (g,) = m.autograd.grad(getattr(x, name)(1).sum(), x, create_graph=True)
            results.append((g, *m.autograd.grad((g * g).sum(), x)))
        same(*results)


def test_extremes_of_running_sums():
    for values in (
        [-np.inf, 0.0, 1e3],
        [np.inf, 1.0, -np.inf],
        [-np.inf, -np.inf],
        [1e300, -1e300],
        [0.0, np.nan, 1.0],
    ):
        results = []
        for m in (rl, pt):
            x = m.tensor(values, dtype=m.float64, requires_grad=True)
            results.append((x.logcumsumexp(0), x.logsumexp(0), *x.cummax(0), *x.cummin(0)))
        same(*results)


def test_logcumsumexp_keeps_small_gradients():
    results = []
    for m in (rl, pt):
        x = m.tensor([-700.0, 0.0, 700.0, 690.0], dtype=m.float64, requires_grad=True)
        results.append(m.autograd.grad(x.logcumsumexp(0).sum(), x)[0])
    same(*results)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("n", [1, 3, 255, 256, 5000])
def test_sort_is_stable_for_every_dtype_and_length(dtype, n):
    x = (RANDOM.normal(size=(2, n)) * 50).round().astype(dtype)
    for descending in (False, True):
        got, want = (m.sort(m.from_numpy(x), stable=True, dim=1, descending=descending) for m in (rl, pt))
        same(tuple(got), tuple(want))


def test_sort_puts_nans_last_and_zeros_as_they_stood():
    x = [0.0, -0.0, float("nan"), -float("inf"), float("inf"), -float("nan"), -1.0]
    assert rl.tensor(x).sort(stable=True)[1].tolist() == [3, 6, 0, 1, 4, 2, 5]
    assert rl.tensor(x).sort(stable=True, descending=True)[1].tolist() == [2, 5, 4, 0, 1, 6, 3]


def test_variance_of_a_far_off_mean():
    x = rl.arange(1000, dtype=rl.float64) + 1e9
    assert x.var().item() == pytest.approx(np.var(np.arange(1000), ddof=1), rel=1e-12)
    assert np.isnan(rl.ones(1).var().item()) and rl.full((7,), 0.1).std().item() == 0
