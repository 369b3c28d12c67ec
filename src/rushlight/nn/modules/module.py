"""`Module`: the base of every network and layer."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Self

from rushlight._native import Tensor
from rushlight.nn.modules._convert import ConvertMixin
from rushlight.nn.modules._hooks import (  # noqa: F401 - PyTorch offers these names here
    HooksMixin,
    _global_backward_hooks,
    _global_backward_pre_hooks,
    _global_buffer_registration_hooks,
    _global_forward_hooks,
    _global_forward_pre_hooks,
    _global_module_registration_hooks,
    _global_parameter_registration_hooks,
    _has_any_global_hook,
    _WrappedHook,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from rushlight.nn.modules._place import note_place
from rushlight.nn.modules._registry import CALL_HOOKS, HOOKS_IN_USE, OTHER_HOOKS, REGISTRIES, HookDict, Registry
from rushlight.nn.modules._state import (  # noqa: F401 - PyTorch offers these names here
    _EXTRA_STATE_KEY_SUFFIX,
    StateMixin,
    _IncompatibleKeys,
    _is_tensor_like,
)
from rushlight.nn.parameter import Buffer, Parameter

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]


def _addindent(text: str, spaces: int) -> str:
    """Indent all lines of ``text`` but the first."""
    return text.replace("\n", "\n" + " " * spaces)


def _forward_unimplemented(self: Any, *input: Any) -> None:
    raise NotImplementedError(f"{type(self).__name__} defines no forward; a module needs one to be called")


def _forget(name: str, *places: Any) -> None:
    for place in places:
        if isinstance(place, set):
            place.discard(name)
        else:
            place.pop(name, None)


class Module(HooksMixin, StateMixin, ConvertMixin):
    """Base of all layers and networks.

    A subclass creates its parameters and submodules in ``__init__``, after ``super().__init__()``, by assigning them
    as attributes, and computes in ``forward``.
    """

    dump_patches: bool = False
    _version: int = 1
    training: bool
    call_super_init: bool = False
    _compiled_call_impl: Callable[..., Any] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            met = f"positional arguments {args!r}" if args else f"the keyword argument {next(iter(kwargs))!r}"
            raise TypeError(f"{type(self).__name__}.__init__: met {met}, but Module takes none")
        state = self.__dict__
        state["training"] = True
        for name in REGISTRIES:
            state[name] = Registry(self)
        state["_non_persistent_buffers_set"] = set()
        state["_is_full_backward_hook"] = None
        for name in CALL_HOOKS:
            state[name] = HookDict()
        for name in OTHER_HOOKS:
            state[name] = OrderedDict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward: Callable[..., Any] = _forward_unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if not HOOKS_IN_USE:
                return self.forward(*args, **kwargs)
            if self._compiled_call_impl is not None:
                return self._compiled_call_impl(*args, **kwargs)
            return self._call_impl(*args, **kwargs)
        except Exception as error:
            note_place(error, Module.__call__.__code__)
            raise

    _wrapped_call_impl = __call__

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile the module's call, in place; arguments as of ``rushlight.compile``."""
        import rushlight

        self._compiled_call_impl = rushlight.compile(self._call_impl, *args, **kwargs)
        HOOKS_IN_USE.add(True)

    # --- registration

    def _check_new_name(self, kind: str, registry: Any, name: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name: expected a str, met {type(name).__name__}")
        if hasattr(self, name) and name not in registry:
            raise KeyError(f"{kind} {name!r}: {type(self).__name__} has an attribute of that name already")
        if "." in name:
            raise KeyError(f"{kind} {name!r}: a name cannot have a '.'")
        if name == "":
            raise KeyError(f"{kind} name: it cannot be empty")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that belongs to the module but is not trained.

        Args:
            name: the attribute it is reached by.
            tensor: any shape; None keeps the name without a tensor.
            persistent: whether it is part of ``state_dict``.
        """
        if "_buffers" not in self.__dict__:
            raise AttributeError(f"buffer {name!r}: call super().__init__() of {type(self).__name__} before")
        self._check_new_name("buffer", self._buffers, name)
        if tensor is not None and not _is_tensor_like(tensor):
            raise TypeError(f"buffer {name!r}: expected a tensor or None, met {type(tensor).__name__}")
        for hook in _global_buffer_registration_hooks.values():
            replaced = hook(self, name, tensor)
            tensor = tensor if replaced is None else replaced
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, reached by the attribute ``name``; None keeps the name without a parameter."""
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"parameter {name!r}: call super().__init__() of {type(self).__name__} before")
        self._check_new_name("parameter", self._parameters, name)
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(f"parameter {name!r}: expected a Parameter or None, met {type(param).__name__}; wrap "
                                "the tensor in nn.Parameter")
            if param.grad_fn is not None:
                raise ValueError(f"parameter {name!r}: met a tensor that was computed from others; a parameter must "
                                 "be a leaf, so compute it in forward")
            for hook in _global_parameter_registration_hooks.values():
                replaced = hook(self, name, param)
                param = param if replaced is None else replaced
        self._parameters[name] = param

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a submodule, reached by the attribute ``name``."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"submodule {name!r}: expected a Module or None, met {type(module).__name__}")
        self._check_new_name("submodule", self._modules, name)
        self._set_module(name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def _set_module(self, name: str, module: Any) -> None:
        for hook in _global_module_registration_hooks.values():
            replaced = hook(self, name, module)
            module = module if replaced is None else replaced
        self._modules[name] = module

    # --- attributes

    def __getattr__(self, name: str) -> Any:
        # Reached only when the entry is not mirrored in the instance dictionary (see Registry).
        state = self.__dict__
        for kind in REGISTRIES:
            registry = state.get(kind)
            if registry is not None and name in registry:
                return registry[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        if name in REGISTRIES:
            self._replace_registry(name, value)
        elif isinstance(value, Parameter):
            self._require_init("parameter", name)
            _forget(name, state, self._buffers, self._modules, self._non_persistent_buffers_set)
            self.register_parameter(name, value)
        elif name in state.get("_parameters", ()):
            if value is not None:
                raise TypeError(f"parameter {name!r}: cannot assign a {type(value).__name__}; expected a Parameter "
                                "or None; wrap a tensor in Parameter(tensor)")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._require_init("submodule", name)
            _forget(name, state, self._parameters, self._buffers, self._non_persistent_buffers_set)
            self._set_module(name, value)
        elif name in state.get("_modules", ()):
            if value is not None:
                raise TypeError(f"submodule {name!r}: cannot assign a {type(value).__name__}; expected a Module or "
                                "None")
            self._set_module(name, value)
        elif name in state.get("_buffers", ()) or isinstance(value, Buffer):
            self._set_buffer(name, value)
        else:
            super().__setattr__(name, value)

    def _require_init(self, kind: str, name: str) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{kind} {name!r}: call super().__init__() of {type(self).__name__} before assigning "
                                 "it")

    def _set_buffer(self, name: str, value: Any) -> None:
        if value is not None and not _is_tensor_like(value):
            raise TypeError(f"buffer {name!r}: cannot assign a {type(value).__name__}; expected a tensor or None")
        self._require_init("buffer", name)
        persistent = name not in self._non_persistent_buffers_set
        if isinstance(value, Buffer):
            persistent = value.persistent
            _forget(name, self.__dict__, self._parameters, self._modules, self._non_persistent_buffers_set)
        self.register_buffer(name, value, persistent)

    def _replace_registry(self, kind: str, value: Any) -> None:
        old = self.__dict__.get(kind)
        if isinstance(old, Registry):
            old.unbind()
        self.__dict__[kind] = Registry(self, value)

    def __delattr__(self, name: str) -> None:
        for kind in REGISTRIES:
            registry = self.__dict__.get(kind, ())
            if name in registry:
                del registry[name]
                self.__dict__.pop(name, None)
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        for kind in REGISTRIES:
            for name, entry in state.get(kind, {}).items():
                if state.get(name, self) is entry:
                    del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = self.__dict__
        own.update(state)
        own.setdefault("_non_persistent_buffers_set", set())
        own.setdefault("_is_full_backward_hook", None)
        for kind in REGISTRIES:
            # A shallow copy shares the registry of its original, as it shares all else; files bring plain dicts.
            if not isinstance(own.get(kind), Registry):
                own[kind] = Registry(self, own.get(kind, ()))
        for kind in CALL_HOOKS:
            if not isinstance(own.get(kind), HookDict):
                own[kind] = HookDict(own.get(kind, ()))
        for kind in OTHER_HOOKS:
            own.setdefault(kind, OrderedDict())

    # --- reaching what is inside

    def get_submodule(self, target: str) -> Module:
        """Return the submodule of the dotted name ``target``; the module itself for an empty name."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute {name!r} (in {target!r})")
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise AttributeError(f"{name!r} (in {target!r}) is a {type(module).__name__}, not a Module")
        return module

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put ``module`` at the dotted name ``target``; with ``strict`` only where a submodule stands already."""
        if target == "":
            raise ValueError("set_submodule: the name of the submodule cannot be empty")
        path, _, name = target.rpartition(".")
        if not isinstance(module, Module):
            raise ValueError(f"set_submodule: expected a Module, met {type(module).__name__}")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute {name!r} (in {target!r})")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"{name!r} (in {target!r}) is no Module, so none can be put in its place")
        setattr(parent, name, module)

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter of the dotted name ``target``."""
        path, _, name = target.rpartition(".")
        param = self._member_of(path, name)
        if not isinstance(param, Parameter):
            raise AttributeError(f"{target!r} is a {type(param).__name__}, not a Parameter")
        return param

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer of the dotted name ``target``."""
        path, _, name = target.rpartition(".")
        buffer = self._member_of(path, name)
        if name not in self.get_submodule(path)._buffers:
            raise AttributeError(f"{target!r} is no buffer")
        return buffer

    def _member_of(self, path: str, name: str) -> Any:
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute {name!r}")
        return getattr(module, name)

    def _named_members(self, get_members_fn: Callable, prefix: str = "", recurse: bool = True,
                       remove_duplicate: bool = True) -> Iterator[tuple[str, Any]]:
        seen = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, member in get_members_fn(module):
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield path + ("." if path else "") + name, member

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Yield the parameters; with ``recurse`` those of submodules too. Each one once."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_parameters(self, prefix: str = "", recurse: bool = True,
                         remove_duplicate: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield (dotted name, parameter).

        Args:
            prefix: put before each name, with a dot.
            recurse: whether to look into submodules.
            remove_duplicate: whether a parameter reached by two names comes only once.
        """
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Yield the buffers; with ``recurse`` those of submodules too. Each one once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def named_buffers(self, prefix: str = "", recurse: bool = True,
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Yield (dotted name, buffer); arguments as of `named_parameters`."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def children(self) -> Iterator[Module]:
        """Yield the direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Yield (name, module) of the direct submodules, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self) -> Iterator[Module]:
        """Yield this module and all within, each once."""
        for _, module in self.named_modules():
            yield module

    def named_modules(self, memo: set[Module] | None = None, prefix: str = "",
                      remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """Yield (dotted name, module) of this module and all within; ``memo`` holds those seen already."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                inner = prefix + ("." if prefix else "") + name
                yield from module.named_modules(memo, inner, remove_duplicate)

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn`` on all submodules, children first, then on the module itself."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # --- training

    def train(self, mode: bool = True) -> Self:
        """Set training mode, here and in all submodules; dropout and batch norm behave by it."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: expected a bool, met {type(mode).__name__}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Set evaluation mode: ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say of all parameters whether ``backward`` computes their gradients."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or fill them with zeros when ``set_to_none`` is false."""
        for param in self.parameters():
            clear_grad(param, set_to_none)

    def _replicate_for_data_parallel(self) -> Module:
        replica = self.__new__(type(self))
        replica.__dict__.update(self.__getstate__())
        for kind in REGISTRIES:
            entries = {} if kind == "_parameters" else dict(self.__dict__[kind])
            replica.__dict__[kind] = Registry(replica, entries)
        replica.__dict__["_is_replica"] = True
        return replica

    # --- printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands between the parentheses of ``repr``; override in a layer with settings."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [f"({name}): {_addindent(repr(module), 2)}" for name, module in self._modules.items()]
        if not child_lines and len(extra_lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(extra_lines + child_lines) + "\n)"

    def __dir__(self) -> list[str]:
        names = itertools.chain(dir(type(self)), self.__dict__, *(self.__dict__.get(kind, ()) for kind in REGISTRIES))
        return sorted({name for name in names if not name[:1].isdigit()})


def clear_grad(param: Tensor, set_to_none: bool) -> None:
    """Forget the gradient of ``param``, or fill it with zeros, off its history."""
    grad = param.grad
    if grad is None:
        return
    if set_to_none:
        param.grad = None
        return
    if grad.grad_fn is not None:
        grad.detach_()
    else:
        grad.requires_grad_(False)
    grad.zero_()
