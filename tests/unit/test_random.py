"""Seeds, states and `fork_rng`; the bits themselves are tested with the generator."""

from __future__ import annotations

from typing import Any

import pytest
import torch as pt

import rushlight as rl


@pytest.mark.parametrize("seed", [0, 1, -1, 2**64 - 1, -(2**63), 3.7, True, "12"])
def test_seeds(seed: Any) -> None:
    assert rl.manual_seed(seed) is rl.default_generator
    pt.manual_seed(seed)
    assert rl.initial_seed() == pt.initial_seed()
    assert rl.rand(3).tolist() == pt.rand(3).tolist()


@pytest.mark.parametrize(("seed", "error"), [(2**64, ValueError), (-(2**63) - 1, ValueError), ("a", ValueError)])
def test_refused_seeds(seed: Any, error: type[Exception]) -> None:
    for m in (rl, pt):
        with pytest.raises(error):
            m.manual_seed(seed)


def test_states_repeat_and_are_pytorchs() -> None:
    rl.manual_seed(5)
    state = rl.get_rng_state()
    assert tuple(state.shape) == (5056,)
    drawn = rl.rand(5).tolist()
    assert rl.rand(5).tolist() != drawn
    rl.set_rng_state(state)
    assert rl.rand(5).tolist() == drawn
    with pytest.raises(TypeError):
        rl.set_rng_state(3)


def test_random_seed_differs() -> None:
    assert rl.seed() != rl.seed()


def test_fork_rng() -> None:
    rl.manual_seed(5)
    with rl.random.fork_rng():
        inside = rl.rand(3).tolist()
    assert rl.rand(3).tolist() == inside
    with rl.random.fork_rng(enabled=False):
        rl.rand(1)
    rl.manual_seed(5)
    rl.rand(4)
    with pytest.raises(AssertionError, match="fork_rng"), rl.random.fork_rng(devices=[0]):
        pass
