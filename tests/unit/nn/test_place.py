"""The note that tells where in a network an exception arose."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import rushlight as rl
from rushlight import nn

PREFIX = "in the module "


class Net(nn.Module):
    def __init__(self, bad: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Sequential(nn.Linear(4, 4), nn.ReLU()), nn.Sequential(nn.ReLU(), bad)])

    def forward(self, x: rl.Tensor) -> rl.Tensor:
        for block in self.blocks:
            x = block(x)
        return x


def notes_of(module: nn.Module, *arguments: Any) -> list[str]:
    with pytest.raises(Exception) as raised:
        module(*arguments)
    return getattr(raised.value, "__notes__", [])


@pytest.mark.parametrize("hooked", [False, True])
def test_path_from_the_outermost_module(hooked: bool) -> None:
    net = Net(nn.Linear(3, 2))
    if hooked:
        net.blocks[1].register_forward_pre_hook(lambda module, inputs: None)
    assert notes_of(net, rl.ones(1, 4)) == [PREFIX + "Net: blocks.1.1 (Linear)"]
    assert notes_of(net.blocks[1], rl.ones(1, 4)) == [PREFIX + "Sequential: 1 (Linear)"]
    assert notes_of(nn.Linear(3, 2), rl.ones(1, 4)) == [PREFIX + "Linear"]


def test_an_error_of_the_program_gets_it_too_and_keeps_its_notes() -> None:
    class Own(nn.Module):
        def forward(self, x: rl.Tensor) -> rl.Tensor:
            error = KeyError("missing")
            error.add_note("look in the table")
            raise error

    assert notes_of(Net(Own()), rl.ones(1, 4)) == ["look in the table", PREFIX + "Net: blocks.1.1 (Own)"]


def test_a_module_that_its_caller_does_not_hold() -> None:
    class Outer(nn.Module):
        def forward(self, x: rl.Tensor) -> rl.Tensor:
            return nn.Sequential(nn.Linear(3, 2))(x)

    assert notes_of(Outer(), rl.ones(1, 4)) == [PREFIX + "Outer: <Sequential>.0 (Linear)"]


def test_an_error_caught_inside_leaves_nothing() -> None:
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 2), nn.Linear(5, 2)

        def forward(self, x: rl.Tensor) -> rl.Tensor:
            try:
                return self.first(x)
            except RuntimeError:
                return self.second(x)

    assert notes_of(Careful(), rl.ones(1, 4)) == [PREFIX + "Careful: second (Linear)"]
    assert Careful()(rl.ones(1, 5)).shape == (1, 2)


def test_the_exception_still_pickles() -> None:
    with pytest.raises(RuntimeError) as raised:
        Net(nn.Linear(3, 2))(rl.ones(1, 4))
    again = pickle.loads(pickle.dumps(raised.value))
    assert str(again) == str(raised.value) and again.__notes__ == [PREFIX + "Net: blocks.1.1 (Linear)"]
