"""The gradient modes against PyTorch's: each scenario runs on both libraries and has to record the same."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch as pt

import rushlight as rl

Scenario = Callable[[Any], list[Any]]


def nesting(m: Any) -> list[Any]:
    seen = [m.is_grad_enabled()]
    with m.no_grad():
        seen.append(m.is_grad_enabled())
        with m.enable_grad():
            seen.append(m.is_grad_enabled())
            with m.no_grad(), m.set_grad_enabled(True):
                seen.append(m.is_grad_enabled())
            seen.append(m.is_grad_enabled())
        seen.append(m.is_grad_enabled())
        with m.inference_mode(False):
            seen.append(m.is_grad_enabled())
    return [*seen, m.is_grad_enabled()]


def errors_restore(m: Any) -> list[Any]:
    for context in (m.no_grad, m.inference_mode, lambda: m.set_grad_enabled(False)):
        with pytest.raises(KeyError), context():
            raise KeyError
    return [m.is_grad_enabled()]


def inference(m: Any) -> list[Any]:
    with m.inference_mode():
        seen = [m.is_grad_enabled(), m.is_inference_mode_enabled()]
        with m.inference_mode(False):
            seen += [m.is_grad_enabled(), m.is_inference_mode_enabled()]
        seen += [m.is_grad_enabled(), m.is_inference_mode_enabled()]
    return [*seen, m.is_grad_enabled(), m.is_inference_mode_enabled()]


def switched_by_call(m: Any) -> list[Any]:
    switch = m.set_grad_enabled(False)
    seen = [m.is_grad_enabled(), repr(switch).rpartition(".")[2]]
    m.set_grad_enabled(True)
    return [*seen, m.is_grad_enabled()]


def decorators(m: Any) -> list[Any]:
    def ask(a: int, *, b: int = 2) -> tuple[int, int, bool]:
        """Asks."""
        return a, b, m.is_grad_enabled()

    wrapped = [
        m.no_grad()(ask),
        m.no_grad(ask),
        m.enable_grad(ask),
        m.inference_mode(ask),
        m.set_grad_enabled(False)(ask),
    ]
    seen: list[Any] = [m.is_grad_enabled()]
    for function in wrapped:
        with m.no_grad():
            seen.append(function(1, b=3))
        seen += [function(1), function.__name__, function.__doc__, m.is_grad_enabled()]
    return seen


def recursive(m: Any) -> list[Any]:
    seen = []

    @m.no_grad()
    def down(depth: int) -> None:
        seen.append(m.is_grad_enabled())
        if depth:
            down(depth - 1)
        seen.append(m.is_grad_enabled())

    down(2)
    return [*seen, m.is_grad_enabled()]


def generators(m: Any) -> list[Any]:
    seen: list[Any] = []

    @m.no_grad()
    def count() -> Iterator[Any]:
        try:
            for i in range(4):
                try:
                    seen.append(("sent", (yield i, m.is_grad_enabled())))
                except ValueError:
                    seen.append(("caught", m.is_grad_enabled()))
            return "end"
        finally:
            seen.append(("final", m.is_grad_enabled()))

    generator = count()
    seen.append((next(generator), m.is_grad_enabled()))
    seen.append((generator.send("x"), m.is_grad_enabled()))
    seen.append((generator.throw(ValueError), m.is_grad_enabled()))
    next(generator)
    with pytest.raises(StopIteration) as stop:
        next(generator)
    seen.append((stop.value.value, m.is_grad_enabled()))

    closed = count()
    next(closed)
    closed.close()
    return [*seen, m.is_grad_enabled()]


def classes(m: Any) -> list[Any]:
    class Made:
        def __init__(self) -> None:
            self.enabled = m.is_grad_enabled()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made = m.no_grad()(Made)()
    return [made.enabled, type(made) is Made, [w.category for w in caught]]


def threads(m: Any) -> list[Any]:
    seen = []
    with m.no_grad():
        thread = threading.Thread(target=lambda: seen.append(m.is_grad_enabled()))
        thread.start()
        thread.join()
    return seen


@pytest.mark.parametrize(
    "scenario",
    [nesting, errors_restore, inference, switched_by_call, decorators, recursive, generators, classes, threads],
)
def test_same_as_pytorch(scenario: Scenario) -> None:
    assert scenario(rl) == scenario(pt)
    assert rl.is_grad_enabled()


def test_variable() -> None:
    from rushlight.autograd import Variable

    x = Variable(rl.ones(2), requires_grad=True)
    assert x.requires_grad and isinstance(x, Variable) and not isinstance(3, Variable)
    with pytest.raises(TypeError, match="Variable"):
        Variable([1.0])
