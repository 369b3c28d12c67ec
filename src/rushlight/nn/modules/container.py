"""Modules that hold other modules or parameters."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from rushlight.nn.modules._parameter_containers import ParameterDict, ParameterList, pairs_of
from rushlight.nn.modules.module import Module, _addindent

__all__ = ["ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _position(index: Any, size: int, name: str) -> int:
    """A position from 0 for ``index``, which may count from the end.

    Raises:
        IndexError: when it lies outside.
    """
    index = operator.index(index)
    if not -size <= index < size:
        raise IndexError(f"{name}: index {index} is out of range for {size} entries")
    return index % size


class _Numbered(Module):
    """Submodules under the names "0", "1", ...: what Sequential and ModuleList share."""

    def _key(self, index: Any) -> str:
        size = len(self._modules)
        return str(_position(index, size, type(self).__name__))

    def _renumber(self, modules: Iterable[Module]) -> None:
        modules = list(modules)
        self._modules.clear()
        for i, module in enumerate(modules):
            self._modules[str(i)] = module

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __dir__(self) -> list[str]:
        return [key for key in super().__dir__() if not key.isdigit()]


class Sequential(_Numbered):
    """Calls its modules one after another.

    Args:
        args: the modules in order, or one ordered dictionary of names to modules.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = len(args) == 1 and isinstance(args[0], Mapping)
        for name, module in args[0].items() if named else ((str(i), m) for i, m in enumerate(args)):
            self.add_module(name, module)

    def _key(self, index: Any) -> str:
        # The names need not be numbers here.
        position = _position(index, len(self._modules), "Sequential")
        return next(itertools.islice(self._modules, position, None))

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            part = type(self)()
            for name, module in list(self._modules.items())[idx]:
                part.add_module(name, module)
            return part
        return self._modules[self._key(idx)]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, self._key(idx), module)

    def __delitem__(self, idx: Any) -> None:
        keys = list(self._modules)[idx] if isinstance(idx, slice) else [self._key(idx)]
        for key in keys:
            delattr(self, key)
        self._renumber(self._modules.values())

    def __add__(self, other: Any) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(f"Sequential: only another Sequential can be added, met {type(other).__name__}")
        return Sequential(*self, *other)

    def __iadd__(self, other: Any) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(f"Sequential: only another Sequential can be added, met {type(other).__name__}")
        return self.extend(list(other))

    def __mul__(self, other: Any) -> Sequential:
        return Sequential(*list(self) * _times(other))

    def __rmul__(self, other: Any) -> Sequential:
        return self * other

    def __imul__(self, other: Any) -> Self:
        return self.extend(list(self) * (_times(other) - 1))

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def append(self, module: Module) -> Self:
        """Add ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put ``module`` before position ``index``.

        Raises:
            AssertionError: when it is no module.
            IndexError: when the position lies outside.
        """
        if not isinstance(module, Module):
            raise AssertionError(f"Sequential.insert: expected a Module, met {type(module).__name__}")
        size = len(self)
        if not -size <= index <= size:
            raise IndexError(f"Sequential.insert: index {index} is out of range for {size} modules")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add the modules of ``sequential`` at the end."""
        for module in list(sequential):
            self.append(module)
        return self

    def pop(self, key: Any) -> Module:
        """Take out and return the module at ``key``."""
        module = self[key]
        del self[key]
        return module


def _times(other: Any) -> int:
    if not isinstance(other, int):
        raise TypeError(f"Sequential: expected an int to multiply with, met {type(other).__name__}")
    if other <= 0:
        raise ValueError(f"Sequential: expected a factor above 0, met {other}")
    return other


class ModuleList(_Numbered):
    """A list of modules, all of them registered.

    Args:
        modules: the first entries.
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)(list(self._modules.values())[idx])
        return self._modules[self._key(idx)]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, self._key(idx), module)

    def __delitem__(self, idx: Any) -> None:
        keys = [str(i) for i in range(len(self))[idx]] if isinstance(idx, slice) else [self._key(idx)]
        for key in keys:
            delattr(self, key)
        self._renumber(self._modules.values())

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def insert(self, index: int, module: Module) -> None:
        """Put ``module`` before position ``index``."""
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def append(self, module: Module | None) -> Self:
        """Add ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: Any) -> Module:
        """Take out and return the module at ``key``."""
        module = self[key]
        del self[key]
        return module

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add the modules at the end.

        Raises:
            TypeError: when ``modules`` cannot be iterated.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(f"ModuleList.extend: expected an iterable of modules, met {type(modules).__name__}")
        for module in list(modules):
            self.append(module)
        return self

    def __repr__(self) -> str:
        # Neighbours that print alike share a line: "(0-2): 3 x Linear(...)".
        lines = []
        start = 0
        for text, group in itertools.groupby(repr(module) for module in self):
            count = len(list(group))
            text = _addindent(text, 2)
            lines.append(f"({start}): {text}" if count == 1 else f"({start}-{start + count - 1}): {count} x {text}")
            start += count
        if not lines:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules, all of them registered, in the order of insertion.

    Args:
        modules: the first entries: a mapping, or (name, module) pairs.
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: str) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take out and return the module under ``key``."""
        return self._modules.pop(key)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def items(self) -> Iterable[tuple[str, Module]]:
        """The (name, module) pairs."""
        return self._modules.items()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add entries, from a mapping or (name, module) pairs.

        Raises:
            TypeError: when ``modules`` cannot be iterated, or an entry is no pair.
            ValueError: when an entry has another length than 2.
        """
        for name, module in pairs_of(modules, "ModuleDict.update"):
            self[name] = module
