"""Whether operations record gradients: context managers that are decorators too."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Generator
from typing import Any

from rushlight import _native

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled", "set_multithreading_enabled"]


class _ContextDecorator:
    """A context manager that also decorates: each call of the function gets a context of its own.

    In a generator the context holds while its body runs, and not while it waits at a `yield`.
    """

    def __enter__(self) -> None:
        raise TypeError(f"{type(self).__name__} does not say what to do on entry")

    def __exit__(self, *error: Any) -> None:
        raise TypeError(f"{type(self).__name__} does not say what to do on exit")

    def clone(self) -> Any:
        """A fresh context with the same arguments."""
        return type(self)()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if isinstance(function, type):
            warnings.warn(
                f"{type(self).__name__}: decorating a class is deprecated and makes a function of it; "
                "decorate its methods instead",
                FutureWarning,
                stacklevel=2,
            )
            cls = function
            return _decorated(lambda *args, **kwargs: cls(*args, **kwargs), self.clone)
        import inspect  # 5 ms, a fifth of importing the package

        if inspect.isgeneratorfunction(function):
            return _decorated_generator(function, self.clone)
        return _decorated(function, self.clone)


def _decorated(function: Callable[..., Any], context: Callable[[], Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with context():
            return function(*args, **kwargs)

    return run


def _decorated_generator(function: Callable[..., Any], context: Callable[[], Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        step = functools.partial(generator.send, None)
        while True:
            try:
                with context():
                    value = step()
            except StopIteration as stop:
                return stop.value
            try:
                step = functools.partial(generator.send, (yield value))
            except GeneratorExit:
                with context():
                    generator.close()
                raise
            except BaseException as error:
                step = functools.partial(generator.throw, error)

    return run


class _BareDecorator(_ContextDecorator):
    """Takes no arguments, so `@no_grad` may stand without its brackets."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)


class _GradMode(_BareDecorator):
    enabled: bool

    def __enter__(self) -> None:
        self.prev = _native._set_grad_enabled(self.enabled)

    def __exit__(self, *error: Any) -> None:
        _native._set_grad_enabled(self.prev)


class no_grad(_GradMode):
    """Operations inside record nothing: `with no_grad():` or `@no_grad()`. It holds for the current thread."""

    enabled = False


class enable_grad(_GradMode):
    """Operations inside record gradients again, within a `no_grad`."""

    enabled = True


class set_grad_enabled(_ContextDecorator):
    """Switch recording on or off: at once as a call, and until its end as a context manager.

    Args:
        mode: whether to record.
    """

    def __init__(self, mode: bool) -> None:
        self.prev = _native._set_grad_enabled(mode)
        self.mode = mode

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        _native._set_grad_enabled(self.prev)  # as a decorator it changes nothing before the function is called
        return super().__call__(function)

    def __enter__(self) -> None:
        _native._set_grad_enabled(self.mode)

    def __exit__(self, *error: Any) -> None:
        _native._set_grad_enabled(self.prev)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.{type(self).__qualname__}(mode={self.mode})"

    def clone(self) -> set_grad_enabled:
        return type(self)(self.mode)


class inference_mode(_ContextDecorator):
    """Like `no_grad`, and what is computed inside can never take part in a gradient.

    Args:
        mode: False leaves inference mode within an outer one; a function is decorated.
    """

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        return super().__new__(cls) if isinstance(mode, bool) else cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        self.prev = _native._set_grad_enabled(not self.mode), _native._set_inference_mode(self.mode)

    def __exit__(self, *error: Any) -> None:
        grad, inference = self.prev
        _native._set_inference_mode(inference)
        _native._set_grad_enabled(grad)

    def clone(self) -> inference_mode:
        return type(self)(self.mode)


class set_multithreading_enabled(_ContextDecorator):
    """Accepted for programs that set it: `backward` always runs in the thread that calls it.

    Args:
        mode: kept, and without effect.
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: Any) -> None:
        pass

    def clone(self) -> set_multithreading_enabled:
        return type(self)(self.mode)
