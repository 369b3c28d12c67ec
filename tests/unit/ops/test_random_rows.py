"""Random fills against PyTorch, bit for bit, in the memory order that PyTorch takes."""

from __future__ import annotations

import copy
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
}
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "row-major": lambda m: m.zeros(5, 7, dtype=m.float32),
    "few": lambda m: m.zeros(3, dtype=m.float32),
    "0-d": lambda m: m.zeros((), dtype=m.float32),
    "empty": lambda m: m.zeros(0, 3, dtype=m.float32),
    "transposed": lambda m: m.zeros(5, 7, dtype=m.float32).t(),
    "permuted": lambda m: m.zeros(3, 4, 5, dtype=m.float32).permute(2, 0, 1),
    "every second": lambda m: m.zeros(6, 9, dtype=m.float32)[::2, ::3],
    "large": lambda m: m.zeros(50000, dtype=m.float32),
}


def seeded(m: Any, seed: int = 11) -> Any:
    m.manual_seed(seed)
    return m


@pytest.mark.filterwarnings("ignore:to - 1 is out of bounds")  # PyTorch's, for float32
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("fill", FILLS)
def test_fills(fill: str, layout: str) -> None:
    mine, theirs = (FILLS[fill](LAYOUTS[layout](seeded(m))) for m in (rl, pt))
    equal(mine, theirs)
    equal(rl.empty(2).uniform_(), pt.empty(2).uniform_())  # both drew as many numbers


@pytest.mark.filterwarnings("ignore:to - 1 is out of bounds")
@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("dtype", ["float64", "int64", "bool"])
def test_fills_of_dtypes(fill: str, dtype: str) -> None:
    def call(m: Any) -> Any:
        return FILLS[fill](seeded(m).zeros(40, dtype=getattr(m, dtype)))

    try:
        theirs = call(pt)
    except Exception:
        refuse(call)
    else:
        equal(call(rl), theirs, 1e-15 if dtype == "float64" else 0)


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
