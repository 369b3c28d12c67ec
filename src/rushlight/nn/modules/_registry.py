"""Where a module keeps its parameters, buffers, submodules and hooks."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any


class Registry(dict):
    """The parameters, buffers or submodules of one module by name.

    Each entry also stands in the module's instance dictionary, so that ``module.weight`` is an ordinary attribute
    read. The owner is held weakly: a module must die with its last reference, not wait for the collector.
    """

    __slots__ = ("_owner",)

    def __init__(self, owner: Any, entries: Any = ()) -> None:
        super().__init__()
        self._owner = weakref.ref(owner)
        self.update(entries)

    def __setitem__(self, name: Any, value: Any) -> None:
        super().__setitem__(name, value)
        owner = self._owner()
        if owner is not None:
            owner.__dict__[name] = value

    def __delitem__(self, name: Any) -> None:
        super().__delitem__(name)
        owner = self._owner()
        if owner is not None:
            owner.__dict__.pop(name, None)

    def pop(self, name: Any, *default: Any) -> Any:
        if name not in self:
            return super().pop(name, *default)
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[Any, Any]:
        if not self:
            return super().popitem()
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        for name in list(self):
            del self[name]

    def setdefault(self, name: Any, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def __ior__(self, other: Any) -> Registry:  # type: ignore[misc]
        self.update(other)
        return self

    def copy(self) -> dict:
        return dict(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        # A copy or a file gets a plain dict; Module.__setstate__ binds it to its new owner.
        return dict, (dict(self),)

    def unbind(self) -> None:
        """Take the entries out of the owner's instance dictionary, before another registry replaces this one."""
        owner = self._owner()
        if owner is not None:
            for name in self:
                owner.__dict__.pop(name, None)


# Filled when the first hook of the process is registered, on any module: until then a call looks at no hook at all.
HOOKS_IN_USE: set[bool] = set()


class HookDict(OrderedDict):
    """The hooks of one kind, by the id of their handle."""

    def __setitem__(self, key: Any, value: Any) -> None:
        HOOKS_IN_USE.add(True)
        super().__setitem__(key, value)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return OrderedDict, (), None, None, iter(self.items())


REGISTRIES = ("_parameters", "_buffers", "_modules")
CALL_HOOKS = ("_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_pre_hooks")
# What modules saved by older versions may lack, and what a new module starts with.
OTHER_HOOKS = ("_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs",
               "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
               "_load_state_dict_post_hooks")
