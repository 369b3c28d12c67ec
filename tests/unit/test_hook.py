"""The dispatch hook: listeners see every operation, may run it, and may give a result in its place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import rushlight as rl
from rushlight import _native


@contextmanager
def listening(listener: Callable[..., Any]) -> Iterator[None]:
    _native.push_listener(listener)
    try:
        yield
    finally:
        assert _native.pop_listener() is listener


def test_a_listener_that_prints() -> None:
    log: list[str] = []

    def note(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        log.append(operation.name)
        return operation(*args, **kwargs)

    x = rl.tensor([1.0, 2.0], requires_grad=True)
    with listening(note):
        y = (x * 2 + 1).exp() - x.sum()
        y[0].mul_(2)
    assert log == ["mul", "add", "exp", "sum", "sub", "select", "mul_"]
    y.sum().backward()
    assert x.grad is not None
    before = len(log)
    _ = x + 1
    assert len(log) == before


def test_operations_show_themselves() -> None:
    seen: list[Any] = []

    def note(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen.append((operation, args, kwargs))
        return operation(*args, **kwargs)

    x = rl.ones(2, 3)
    with listening(note):
        rl.add(x, 2, alpha=3)
        x.sum(1, keepdim=True)
        rl.cat([x, x])
        rl.zeros(2)
    operation, args, kwargs = seen[0]
    assert args[0] is x
    assert args[1] == 2
    assert kwargs == {"alpha": 3}
    assert repr(operation).startswith("<operation add")
    assert (operation.name, isinstance(operation.overload, str)) == ("add", True)
    assert [o.name for o, *_ in seen] == ["add", "sum", "cat", "zeros"]
    with pytest.raises(TypeError):
        type(operation)()


def test_a_listener_that_replaces_the_result() -> None:
    with listening(lambda operation, args, kwargs: rl.full((2,), 42.0)):
        assert (rl.ones(2) + 1).tolist() == [42.0, 42.0]
        assert rl.ones(2).exp_().tolist() == [42.0, 42.0]
    assert (rl.ones(2) + 1).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("wrong", [None, 3, "a", [], [rl.ones(1), 2]])
def test_a_listener_that_returns_nonsense(wrong: Any) -> None:
    x = rl.ones(2, 2)
    with listening(lambda *_: wrong):
        for call in (lambda: x + 1, lambda: x.max(0), lambda: rl.cat([x, x]), lambda: x.add_(1)):
            with pytest.raises(TypeError):
                call()
    assert x.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_nested_listeners_hear_from_the_inside_out() -> None:
    log: list[str] = []

    def named(name: str) -> Callable[..., Any]:
        def listener(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            log.append(f"{name} {operation.name}")
            return operation(*args, **kwargs)

        return listener

    with listening(named("outer")), listening(named("inner")):
        _ = rl.ones(2).exp()
    assert log == ["inner ones", "outer ones", "inner exp", "outer exp"]


def test_a_listener_does_not_hear_itself() -> None:
    calls: list[str] = []

    def listener(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        calls.append(operation.name)
        return operation(*args, **kwargs) * 2

    with listening(listener):
        assert rl.ones(2).exp().tolist() == [pytest.approx(2 * 2.718281828 ** 2)] * 2
    assert calls == ["ones", "exp"]


def test_exceptions_pass_through() -> None:
    def fail(*_: Any) -> None:
        raise KeyError("stop")

    x = rl.ones(2)
    with listening(fail):
        for _ in range(3):
            with pytest.raises(KeyError):
                _ = x + 1
        assert x._version == 0
        with listening(lambda o, a, k: o(*a, **k)), pytest.raises(KeyError):
            x.add_(1)
    assert (x + 1).tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError):
        _native.pop_listener()
    with pytest.raises(TypeError):
        _native.push_listener(3)


def test_a_listener_that_pops_and_pushes() -> None:
    def unruly(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with pytest.raises(RuntimeError):
            _native.pop_listener()
        with listening(lambda o, a, k: o(*a, **k)):
            return operation(*args, **kwargs)

    with listening(unruly):
        assert (rl.ones(2) + 1).tolist() == [2.0, 2.0]
    with pytest.raises(RuntimeError):
        _native.pop_listener()


def test_each_thread_has_its_own_listeners() -> None:
    log: list[str] = []

    def note(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        log.append(operation.name)
        return operation(*args, **kwargs)

    def work() -> None:
        _ = rl.ones(2) + 1
        _native.push_listener(lambda o, a, k: o(*a, **k))  # left behind: it goes with its thread

    with listening(note):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert log == []
        _ = rl.ones(2)
    assert log == ["ones"]
