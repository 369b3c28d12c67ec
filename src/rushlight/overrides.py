"""`__torch_function__`: objects that are not plain tensors, and modes, answer for the functions that are called."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, ClassVar

import rushlight as rl
from rushlight import _native
from rushlight._native import Tensor

__all__ = [
    "BaseTorchFunctionMode",
    "DisableTorchFunction",
    "DisableTorchFunctionSubclass",
    "TorchFunctionMode",
    "enable_reentrant_dispatch",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


def _disabled_torch_function(func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
    """Given as its `__torch_function__` by a class that wants to be taken for a plain tensor."""
    return func(*args, **(kwargs or {}))


# ------------------------------------------------------------------ asking


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """Whether any of the arguments answers for itself, or a mode for all, so that `handle_torch_function` is due."""
    return _native._has_torch_function(tuple(relevant_args))


def has_torch_function_unary(value: Any) -> bool:
    """`has_torch_function` of one argument."""
    return _native._has_torch_function((value,))


def has_torch_function_variadic(*values: Any) -> bool:
    """`has_torch_function` of the arguments as they are."""
    return _native._has_torch_function(values)


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Call `public_api` through the active mode, or the `__torch_function__` of its arguments.

    Args:
        public_api: the function that the user called.
        relevant_args: the arguments that may answer; subclasses are asked before their bases, then from the left.
        args, kwargs: what the function was called with.
    Raises:
        TypeError: all of them returned NotImplemented.
    """
    return _native._call_torch_function(public_api, tuple(relevant_args), args, kwargs)


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that lets arguments answer for a function.

    Args:
        dispatcher: takes the function's arguments and gives those that may answer.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(run, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return run

    return decorate


def is_tensor_like(inp: Any) -> bool:
    """Whether functions take the object for a tensor: it is one, or has a `__torch_function__`."""
    return type(inp) is Tensor or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Whether a function is a method of Tensor's, or reads or sets one of its properties."""
    name = getattr(func, "__name__", "")
    return name in ("__get__", "__set__", "__delete__") or getattr(Tensor, name, None) is func


# ------------------------------------------------------------------ modes


class TorchFunctionMode:
    """Answers for every function called inside `with mode:`, whatever its arguments are.

    A subclass defines `__torch_function__(self, func, types, args=(), kwargs=None)`; while that runs the mode does not
    hear itself. Getters of plain tensors (`x.shape`) are no functions that it sees.
    """

    inner: TorchFunctionMode

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must define __torch_function__")

    def __enter__(self) -> Any:
        _native._push_function_mode(self)
        return self

    def __exit__(self, *_: Any) -> None:
        _native._pop_function_mode()

    @classmethod
    def push(cls, *args: Any, **kwargs: Any) -> TorchFunctionMode:
        """The older spelling of making a mode for a `with` block."""
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """Runs the functions as they are."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


class DisableTorchFunctionSubclass:
    """A context in which subclasses are taken for plain tensors; modes go on answering."""

    def __enter__(self) -> None:
        self._before = _native._set_torch_function_off(True)

    def __exit__(self, *_: Any) -> None:
        _native._set_torch_function_off(self._before)


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """The same, without modes too."""

    def __enter__(self) -> None:
        super().__enter__()
        self._modes = [_native._pop_function_mode() for _ in _native._function_modes()]

    def __exit__(self, *_: Any) -> None:
        for mode in reversed(self._modes):
            _native._push_function_mode(mode)
        super().__exit__()


@contextmanager
def enable_reentrant_dispatch() -> Iterator[None]:
    """Subclasses answer again inside their own `__torch_function__`."""
    before = _native._set_torch_function_off(False)
    try:
        yield
    finally:
        _native._set_torch_function_off(before)


def _get_current_function_mode_stack() -> list[Any]:
    return _native._function_modes()


def _get_current_function_mode() -> Any:
    return next(reversed(_native._function_modes()), None)


# ------------------------------------------------------------------ what can be overridden


class _Names:
    """The functions that can be overridden, by the namespaces they stand in; looked up once."""

    namespaces: ClassVar[dict[Any, list[Any]]] = {}
    names: ClassVar[dict[Any, str]] = {}

    @classmethod
    def fill(cls) -> None:
        if cls.namespaces:
            return
        spaces = [("torch.nn.functional", rl.nn.functional), ("torch.special", rl.special), ("torch", rl)]
        for prefix, space in [*spaces, ("torch.Tensor", Tensor)]:
            for name in dir(space):
                cls._add(prefix, space, name)

    @classmethod
    def _add(cls, prefix: str, space: Any, name: str) -> None:
        dunder = name.startswith("__")
        if name.startswith("_") and not (dunder and space is Tensor and name not in _NO_OPERATIONS):
            return
        value: Any = vars(space).get(name) if isinstance(space, type) else getattr(space, name, None)
        if hasattr(value, "__set__") and space is Tensor:
            value, name = value.__get__, f"{name}.__get__"
        elif isinstance(value, type) or not callable(value) or value in _ignored():
            return
        cls.namespaces.setdefault(space, []).append(value)
        cls.names.setdefault(value, f"{prefix}.{name}")


# What every class has, and what makes tensors or classes rather than taking tensors.
_NO_OPERATIONS = {
    *dir(object), "__dict__", "__weakref__", "__module__", "__torch_function__", "__array_priority__",
}  # fmt: skip


@functools.cache
def _ignored() -> frozenset[Any]:
    functions = (getattr(rl, name) for name in dir(rl) if not name.startswith("_"))
    return frozenset(f for f in functions if callable(f) and not isinstance(f, type) and not _asks(f))


def _asks(function: Any) -> bool:
    """Whether a function of the top level asks its arguments: it is wrapped, or a row that takes a tensor (a row's
    docstring opens with its signature, in which a parameter without a type is a tensor)."""
    if type(function) is _WRAPPED or isinstance(function, FunctionType):
        return type(function) is _WRAPPED
    signature = (getattr(function, "__doc__", None) or "").partition("\n")[0]
    first, _, rest = signature.partition("(")[2].partition(",")
    kind = first.partition(":")[2]
    return bool(first) and "=" not in rest.replace(" = ", "") and (not kind or "Operand" in kind or "Tensor" in kind)


_WRAPPED = type(_native._overridable(len))


def get_ignored_functions() -> set[Any]:
    """Public functions that no `__torch_function__` is asked for: they take no tensors, or make them."""
    return set(_ignored())


def get_overridable_functions() -> dict[Any, list[Any]]:
    """The functions that can be overridden, by the module or class they stand in."""
    _Names.fill()
    return {space: list(functions) for space, functions in _Names.namespaces.items()}


def get_testing_overrides() -> dict[Any, Callable[..., Any]]:
    """For each function that can be overridden one that takes the same arguments and returns -1."""
    _Names.fill()
    return {function: lambda *args, **kwargs: -1 for function in _Names.names}


def get_default_nowrap_functions() -> set[Any]:
    """Getters whose results the default `__torch_function__` hands on as they are stored."""
    return {vars(Tensor)[name].__get__ for name in ("grad", "_base", "_grad")}


def resolve_name(f: Any) -> str | None:
    """The name of a function that can be overridden, such as "torch.Tensor.add"; None for any other."""
    _Names.fill()
    return _Names.names.get(f)
