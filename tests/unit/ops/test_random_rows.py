"""Random fills against PyTorch, bit for bit, in the memory order that PyTorch takes."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

import rushlight as rl
from rushlight import _native
from tests.unit.ops.oracle import equal, refuse

FILLS: dict[str, Callable[[Any], Any]] = {
    "uniform": lambda x: x.uniform_(),
    "uniform from to": lambda x: x.uniform_(-3, 5.5),
    "normal": lambda x: x.normal_(),
    "normal mean std": lambda x: x.normal_(2, 0.3),
    "random": lambda x: x.random_(),
    "random to": lambda x: x.random_(7),
    "random from to": lambda x: x.random_(-5, 2**40),
    "random from": lambda x: x.random_(-9, None),
    "bernoulli": lambda x: x.bernoulli_(),
    "bernoulli p": lambda x: x.bernoulli_(0.2),
    "exponential": lambda x: x.exponential_(),
    "exponential rate": lambda x: x.exponential_(lambd=2.5),
    "cauchy": lambda x: x.cauchy_(1, 2.5),
    "log normal": lambda x: x.log_normal_(-1, 0.3),
    "geometric": lambda x: x.geometric_(0.3),
}
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "row-major": lambda m: m.zeros(5, 7, dtype=m.float32),
    "few": lambda m: m.zeros(3, dtype=m.float32),
    "0-d": lambda m: m.zeros((), dtype=m.float32),
    "empty": lambda m: m.zeros(0, 3, dtype=m.float32),
    "transposed": lambda m: m.zeros(5, 7, dtype=m.float32).t(),
    "permuted": lambda m: m.zeros(3, 4, 5, dtype=m.float32).permute(2, 0, 1),
    "every second": lambda m: m.zeros(6, 9, dtype=m.float32)[::2, ::3],
    "15": lambda m: m.zeros(15, dtype=m.float32),
    "16": lambda m: m.zeros(16, dtype=m.float32),
    "17": lambda m: m.zeros(17, dtype=m.float32),
    "large": lambda m: m.zeros(50000, dtype=m.float32),
}


def seeded(m: Any, seed: int = 11) -> Any:
    m.manual_seed(seed)
    return m


def same_state() -> None:
    """Both libraries drew as many numbers, and keep the same second value of a pair."""
    assert rl.get_rng_state().tolist() == pt.get_rng_state().tolist()


@pytest.mark.filterwarnings("ignore:to - 1 is out of bounds")  # PyTorch's, for float32
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fill", FILLS)
def test_fills(fill: str, layout: str) -> None:
    mine, theirs = (FILLS[fill](LAYOUTS[layout](seeded(m))) for m in (rl, pt))
    equal(mine, theirs)
    same_state()


@pytest.mark.filterwarnings("ignore:to - 1 is out of bounds")
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("count", [0, 40])
@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int64", "int32", "int8", "uint8", "bool"])
def test_fills_of_dtypes(fill: str, dtype: str, count: int) -> None:
    def call(m: Any) -> Any:
        return FILLS[fill](seeded(m).zeros(count, dtype=getattr(m, dtype)))

    try:
        theirs = call(pt)
    except Exception:
        refuse(call)
    else:
        equal(call(rl), theirs, 1e-15 if dtype == "float64" else 0)
        same_state()


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.rand(4, 5),
        lambda m: m.randn(4, 5),
        lambda m: m.randn(3),
        lambda m: m.rand(4, 5, dtype=m.float64),
        lambda m: m.randn(40, dtype=m.float64),
        lambda m: m.randint(10, (4, 5)),
        lambda m: m.randint(-5, 2**33, (9,)),
        lambda m: m.randint(3, (4,), dtype=m.float32),
        lambda m: m.randint(0, 2, (30,), dtype=m.bool),
        lambda m: m.randperm(20),
        lambda m: m.randperm(0),
        lambda m: m.randperm(1),
        lambda m: m.randperm(9, dtype=m.float32),
        lambda m: m.rand_like(m.zeros(3, 4).t()),
        lambda m: m.randn_like(m.zeros(4, 5)),
        lambda m: m.rand(0, 3),
        lambda m: m.randn_like(m.zeros(6, 4, 5).permute(1, 2, 0)),
        lambda m: m.rand(()),
        lambda m: m.rand_like(m.zeros(3, 4), generator=m.Generator().manual_seed(3)),
        lambda m: m.randn_like(m.zeros(3, 4), generator=None, dtype=m.float64),
        lambda m: m.randint_like(m.zeros(3, 4).t(), 7),
        lambda m: m.randint_like(m.zeros(3, 4), -2, 7, dtype=m.int16),
        lambda m: m.randint_like(m.zeros(9, dtype=m.int64), 5, generator=m.Generator().manual_seed(3)),
        lambda m: m.rand(20, out=m.zeros(20, dtype=m.float64)),
        lambda m: m.randn(20, out=m.zeros(3)),
        lambda m: m.randperm(20, out=m.zeros(20, dtype=m.int32)),
        lambda m: m.randint(20, (4,), out=m.zeros(4)),
        lambda m: m.normal(1, 2, (20,), dtype=m.float64),
        lambda m: m.normal(mean=0.5, std=2.0, size=(3, 5), generator=m.Generator().manual_seed(3)),
    ],
)
def test_creation(make: Callable[[Any], Any]) -> None:
    mine, theirs = make(seeded(rl)), make(seeded(pt))
    equal(mine, theirs, 1e-15 if theirs.dtype == pt.float64 else 0)
    assert tuple(mine.stride()) == theirs.stride()


def test_own_generator() -> None:
    values = []
    for m in (rl, pt):
        g = m.Generator()
        assert g.manual_seed(3) is g
        assert g.initial_seed() == 3
        values.append(
            [
                m.rand(5, generator=g),
                m.randn(20, generator=g),
                m.randint(9, (5,), generator=g),
                m.randperm(9, generator=g),
            ]
        )
    for mine, theirs in zip(*values, strict=True):
        equal(mine, theirs)
    with pytest.raises(TypeError):
        rl.rand(3, generator=3)


def test_a_fresh_generator_has_pytorchs_seed() -> None:
    assert rl.Generator().initial_seed() == pt.Generator().initial_seed()
    equal(rl.rand(3, generator=rl.Generator()), pt.rand(3, generator=pt.Generator()))


def test_states() -> None:
    mine, theirs = rl.Generator().manual_seed(8), pt.Generator().manual_seed(8)
    rl.randn(3, generator=mine)  # an odd count leaves the second value of a pair behind
    pt.randn(3, generator=theirs)
    assert mine.get_state().tolist() == theirs.get_state().tolist()
    state = mine.get_state()
    assert state.dtype == rl.uint8
    drawn = rl.randn(5, generator=mine).tolist()
    assert mine.set_state(state) is mine
    assert rl.randn(5, generator=mine).tolist() == drawn
    for other in (copy.copy, copy.deepcopy, lambda g: pickle.loads(pickle.dumps(g)), lambda g: g.clone_state()):
        mine.set_state(state)
        twin = other(mine)
        assert twin is not mine
        assert rl.randn(5, generator=twin).tolist() == drawn
        assert mine.get_state().tolist() == state.tolist()


def test_seed_differs_from_run_to_run() -> None:
    g = rl.Generator()
    assert g.seed() != g.seed()
    assert g.seed() == g.initial_seed()
    assert str(g.device) == "cpu"


@pytest.mark.parametrize("seed", [0, -1, 2**64 - 1, -(2**63), 2**63])
def test_seeds(seed: int) -> None:
    assert rl.Generator().manual_seed(seed).initial_seed() == pt.Generator().manual_seed(seed).initial_seed()


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.Generator().manual_seed("a"),
        lambda m: m.Generator().manual_seed(2.0),
        lambda m: m.Generator().manual_seed(True),
        lambda m: m.Generator().manual_seed(2**64),
        lambda m: m.Generator().manual_seed(-(2**63) - 1),
        lambda m: m.Generator().set_state(3),
        lambda m: m.Generator().set_state(m.zeros(3)),
        lambda m: m.Generator().set_state(m.empty(16, dtype=m.uint8)),
        lambda m: m.Generator().set_state(m.empty(5056, dtype=m.int64)),
        lambda m: m.Generator("meta"),
        lambda m: m.Generator().get_offset(),
        lambda m: m.Generator().set_offset(3),
        lambda m: m.Generator().graphsafe_get_state(),
    ],
)
def test_generator_refuses(call: Callable[[Any], Any]) -> None:
    refuse(call)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.rand(3, dtype=m.int64),
        lambda m: m.randn(3, dtype=m.bool),
        lambda m: m.rand(-1),
        lambda m: m.zeros(3).uniform_(2, 1),
        lambda m: m.zeros(0).uniform_(2, 1),
        lambda m: m.zeros(3).uniform_(0, 1e39),
        lambda m: m.zeros(3).uniform_(-3e38, 3e38),
        lambda m: m.zeros(3).uniform_(float("nan"), 1),
        lambda m: m.zeros(3).normal_(0, -1),
        lambda m: m.zeros(3).normal_(0, float("nan")),
        lambda m: m.zeros(3).random_(0),
        lambda m: m.zeros(0).random_(5, 3),
        lambda m: m.zeros(3, dtype=m.bool).random_(3),
        lambda m: m.zeros(3).random_(2**25, None),
        lambda m: m.zeros(3).bernoulli_(1.5),
        lambda m: m.zeros(3).bernoulli_(float("nan")),
        lambda m: m.randint(0, (3,)),
        lambda m: m.randint(5, 5, (3,)),
        lambda m: m.randint(3, (3,), dtype=m.bool),
        lambda m: m.randperm(-1),
        lambda m: m.randperm(5, dtype=m.bool),
        lambda m: m.zeros(1).expand(3).uniform_(),
        lambda m: m.zeros(1).expand(20).normal_(),
        lambda m: m.zeros(1).expand(3).random_(),
        lambda m: m.zeros(1).expand(3).bernoulli_(),
        lambda m: m.zeros(1).expand(3).exponential_(),
        lambda m: m.rand(3, out=m.zeros(3, dtype=m.float64), dtype=m.float32),
        *(lambda m, v=v: m.zeros(3).exponential_(v) for v in (0, -1, float("nan"))),
        *(lambda m, v=v: m.zeros(3).cauchy_(0, v) for v in (0, -1, float("nan"))),
        *(lambda m, v=v: m.zeros(3).log_normal_(0, v) for v in (0, -1, float("nan"))),
        *(lambda m, v=v: m.zeros(3).geometric_(v) for v in (0, 1, -1, float("nan"))),
        lambda m: m.bernoulli(m.full((3,), 2.0)),
        lambda m: m.bernoulli(m.full((3,), float("nan"))),
        lambda m: m.bernoulli(m.zeros(3, dtype=m.int64)),
        lambda m: m.zeros(2, 5).bernoulli_(m.zeros(3, 2, 5)),
        lambda m: m.zeros(2, 5).bernoulli_(m.zeros(5, dtype=m.int64)),
        lambda m: m.normal(m.ones(5), -1.0),
        lambda m: m.normal(m.ones(5), -m.ones(5)),
        lambda m: m.normal(0.0, m.full((5,), float("nan"))),
        lambda m: m.normal(m.ones(5), m.ones(4)),
        lambda m: m.normal(m.ones(5, dtype=m.int64), 1.0),
        lambda m: m.normal(0.0, 1.0),
        lambda m: m.poisson(-m.ones(5)),
        lambda m: m.poisson(m.ones(5, dtype=m.int64)),
        lambda m: m.binomial(m.ones(5, dtype=m.int64), m.ones(5, dtype=m.int64)),
        lambda m: m.binomial(m.ones(5), m.ones(5, dtype=m.float64)),
        lambda m: m.multinomial(m.ones(5, dtype=m.int64), 2),
        lambda m: m.multinomial(m.ones(5, 2, 2), 2),
        lambda m: m.multinomial(m.tensor(1.0), 1),
        lambda m: m.multinomial(m.ones(5), 6),
        lambda m: m.multinomial(m.ones(5), 0),
        lambda m: m.multinomial(m.zeros(5, 0), 2, True),
        *(
            lambda m, v=v, r=r: m.multinomial(m.tensor([1.0, v, 1.0]), 2, r)
            for v in (-1.0, float("nan"), float("inf"))
            for r in (True, False)
        ),
        lambda m: m.multinomial(m.zeros(5), 2),
        lambda m: m.multinomial(m.zeros(2, 5), 2, True),
        lambda m: m.nn.functional.rrelu(m.ones(3), 0.3, 0.1),
    ],
)
def test_refused(call: Callable[[Any], Any]) -> None:
    refuse(call)


def test_meta_draws_nothing() -> None:
    rl.manual_seed(1)
    assert tuple(rl.rand(3, 4, device="meta").shape) == (3, 4)
    rl.empty(5, device="meta").normal_()
    equal(rl.rand(3), seeded(pt, 1).rand(3))


def test_fill_cuts_the_graph() -> None:
    for m in (rl, pt):
        x = m.ones(3, requires_grad=True)
        y = x * 2
        y.uniform_()
        y.sum().backward()
        assert x.grad.tolist() == [0, 0, 0]


def numbers_up_to(m: Any, end: float, *shape: int, dtype: str = "float32") -> Any:
    count = math.prod(shape)
    return m.tensor([end * i / max(1, count - 1) for i in range(count)], dtype=getattr(m, dtype)).reshape(shape)


DRAWS: dict[str, Callable[[Any, int, str], Any]] = {
    "bernoulli": lambda m, n, d: m.bernoulli(numbers_up_to(m, 1, n, dtype=d)),
    "bernoulli p": lambda m, n, d: numbers_up_to(m, 1, n, dtype=d).bernoulli(0.3),
    "bernoulli_ each": lambda m, n, d: m.zeros(3, n).t().bernoulli_(numbers_up_to(m, 1, n, 3, dtype=d)),
    "bernoulli_ spread": lambda m, n, d: m.zeros(3, n, dtype=m.int64).bernoulli_(numbers_up_to(m, 1, n, dtype=d)),
    "poisson": lambda m, n, d: m.poisson(numbers_up_to(m, 40, n, dtype=d)),
    "poisson transposed": lambda m, n, d: m.poisson(numbers_up_to(m, 12, n, 2, dtype=d).t()),
    "normal mean": lambda m, n, d: m.normal(numbers_up_to(m, 3, n, dtype=d), 0.5),
    "normal std": lambda m, n, d: m.normal(2.5, numbers_up_to(m, 3, n, dtype=d)),
    "normal both": lambda m, n, d: m.normal(numbers_up_to(m, 3, n, dtype=d), numbers_up_to(m, 3, 2, 1, dtype=d)),
    "multinomial again": lambda m, n, d: m.multinomial(numbers_up_to(m, 1, n + 2, dtype=d), 7, True),
    "multinomial once": lambda m, n, d: m.multinomial(numbers_up_to(m, 1, n + 2, dtype=d), 1),
    "multinomial rows": lambda m, n, d: m.multinomial(numbers_up_to(m, 1, 4, n, dtype=d).t() + 0.125, 9, True),
    "alpha_dropout": lambda m, n, d: m.alpha_dropout(numbers_up_to(m, 1, 2, n, 3, dtype=d), 0.3, True),
    "feature_dropout": lambda m, n, d: m.feature_dropout(numbers_up_to(m, 1, 2, n, 3, dtype=d), 0.3, True),
    "feature_alpha_dropout_": lambda m, n, d: m.feature_alpha_dropout_(
        numbers_up_to(m, 1, n, 2, 3, dtype=d).transpose(0, 1), 0.3, True
    ),
    "dropout_": lambda m, n, d: m.dropout_(numbers_up_to(m, 1, n, 6, dtype=d), 0.3, True),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("draw", DRAWS)
def test_draws(draw: str, dtype: str) -> None:
    for count in (0, 1, 5, 16, 40, 1000):
        mine, theirs = (DRAWS[draw](seeded(m), count, dtype) for m in (rl, pt))
        equal(mine, theirs, 1e-15 if dtype == "float64" else 0)
        same_state()


@pytest.mark.parametrize("count", [1, 5, 40, 1000])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_draws_of_two_dtypes(dtype: str, count: int) -> None:
    def binomial(m: Any, tries: float) -> Any:
        prob = numbers_up_to(m, 1, count, dtype=dtype)
        return seeded(m).binomial(numbers_up_to(m, tries, count, dtype=dtype).floor(), prob * prob)

    def categories(m: Any) -> Any:
        return seeded(m).multinomial(numbers_up_to(m, 1, count, 5, dtype=dtype) + 0.125, 3)

    for tries in (20.0, 300.0):
        equal(binomial(rl, tries), binomial(pt, tries))
    equal(categories(rl), categories(pt))
    same_state()


def test_draws_have_no_gradient_but_zeros() -> None:
    for call in (
        lambda m, x: m.bernoulli(x),
        lambda m, x: m.bernoulli(x, 0.5),
        lambda m, x: m.poisson(x),
        lambda m, x: m.normal(x, 1.0),
        lambda m, x: m.normal(1.0, x),
        lambda m, x: m.normal(x, m.ones(2, 1)),
        lambda m, x: (x * 1).exponential_(),
        lambda m, x: m.zeros(2, 3).bernoulli_(x),
    ):
        x = rl.full((3,), 0.5, requires_grad=True)
        y = call(rl, x)
        y.sum().backward()
        assert x.grad.tolist() == [0, 0, 0]
    assert not rl.multinomial(rl.ones(3, requires_grad=True), 2).requires_grad
    assert tuple(rl.multinomial(rl.zeros(0, 5), 2).shape) == (0, 2)


@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5), (2, 3, 4, 5), (2, 3, 4, 5, 6), (3,)])
@pytest.mark.parametrize(
    "name", ["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"]
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_dropout_functions(name: str, shape: tuple[int, ...]) -> None:
    for p in (0.4, 0.0, 1.0, 1.5):
        for inplace in (False, True):

            def call(m: Any, p: float = p, inplace: bool = inplace) -> Any:
                return getattr(seeded(m).nn.functional, name)(m.ones(shape), p, True, inplace)

            try:
                theirs = call(pt)
            except Exception:
                refuse(call)
            else:
                equal(call(rl), theirs)
                same_state()


def test_dropout_without_training_is_the_input() -> None:
    x = rl.ones(3)
    assert rl.dropout(x, 0.5, False) is x
    assert rl.nn.functional.dropout(x, 0.5, False) is x
    with pytest.raises(RuntimeError):
        rl.dropout(x, 2.0, False)


@pytest.mark.parametrize("name", ["dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout"])
def test_dropout_gradients(name: str) -> None:
    gradients = []
    for m in (rl, pt):
        for suffix in ("", "_"):
            x = numbers_up_to(seeded(m), 1, 3, 4, 2).requires_grad_()
            y = getattr(m, name + suffix)(x * 1, 0.4, True)
            (y * y).sum().backward()
            gradients.append((x.grad, y.grad_fn.name()))
    for (mine, my_node), (theirs, their_node) in zip(gradients[:2], gradients[2:], strict=True):
        equal(mine, theirs)
        assert my_node == their_node


def test_rrelu_draws_for_negative_elements() -> None:
    for view in (lambda x: x, lambda x: x.t()):
        x = [view(numbers_up_to(m, 1, 8, 5) - 0.5) for m in (rl, pt)]
        mine, theirs = (seeded(m).nn.functional.rrelu(t, training=True) for m, t in zip((rl, pt), x, strict=True))
        equal(mine, theirs)
        assert tuple(mine.stride()) == theirs.stride()
        same_state()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.0, 1.0])
@pytest.mark.parametrize("view", [lambda x: x, lambda x: x.t(), lambda x: x[::2, ::3], lambda x: x[:1].expand(4, 10)])
def test_dropout(p: float, view: Callable[[Any], Any]) -> None:
    values = [[1.0 + i + j for j in range(10)] for i in range(8)]
    mine, theirs = view(rl.tensor(values)).detach().requires_grad_(), view(pt.tensor(values)).detach().requires_grad_()
    seeded(rl)
    seeded(pt)
    out, mask = _native._dropout(mine, p)
    expected = pt.dropout(theirs, p, True)
    equal(out, expected)
    assert not mask.requires_grad
    out.sum().backward()
    expected.sum().backward()
    equal(mine.grad, theirs.grad)


def test_dropout_refuses() -> None:
    for p in (-0.1, 1.5, float("nan")):
        with pytest.raises(RuntimeError):
            _native._dropout(rl.ones(3), p)
    with pytest.raises(RuntimeError):
        _native._dropout(rl.ones(3, dtype=rl.int64), 0.5)
