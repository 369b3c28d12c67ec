"""`torch.x.y` and `rushlight.x.y` are one module: the finder that registers both names.

Whichever name is imported first, the module is found, created and run once, as `rushlight.x.y`; then it is filed
under both names, and its classes say `torch.x.y`, so that what programs print and pickle reads as PyTorch's.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from rushlight import _native

if TYPE_CHECKING:
    from importlib.abc import Loader
else:
    Loader = object  # importlib.abc takes longer to load than all of the runner

SITE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "site")

# The public name of a module and of what is below it; the longest match counts.
PUBLIC = {"rushlight.vision": "torchvision", "rushlight._native": "torch._C", "rushlight": "torch"}
REAL = {"torchvision": "rushlight.vision", "torch": "rushlight"}

# The machinery and the extension module keep their one name.
OWN = ("rushlight._compat", "rushlight.__main__", "rushlight._native")


def activate() -> ModuleType:
    """Give `import torch` to Rushlight, here and in the processes that this one starts; calling it again is harmless.

    Raises:
        RuntimeError: PyTorch itself is imported already.
    """
    rushlight = importlib.import_module("rushlight")
    present = sys.modules.get("torch")
    if present is rushlight:
        return rushlight
    if present is not None and not (getattr(present, "__file__", None) or "").startswith(SITE):
        raise RuntimeError(
            "as_torch: PyTorch is imported already in this process, so `torch` cannot become Rushlight any more; "
            "call it before anything imports torch, or start the program with `python -m rushlight`"
        )
    _put_site_on_paths()
    sys.meta_path.insert(0, Names())
    for name, module in list(sys.modules.items()):
        if _is_real(name) and isinstance(module, ModuleType):
            _adopt(name, module)
    return rushlight


def _put_site_on_paths() -> None:
    """The site folder comes before installed packages: after the script's own folder, as PYTHONPATH would put it."""
    if SITE not in sys.path:
        sys.path.insert(0 if sys.flags.safe_path else 1, SITE)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if SITE not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([SITE, *filter(None, paths)])


def public_name(real: str) -> str:
    """`rushlight.nn` -> `torch.nn`; other names stay as they are."""
    return _translate(real, PUBLIC)


def real_name(public: str) -> str:
    """`torch.nn` -> `rushlight.nn`; other names stay as they are."""
    return _translate(public, REAL)


def _translate(name: str, table: dict[str, str]) -> str:
    for prefix, other in table.items():
        if _below(name, prefix):
            return other + name[len(prefix) :]
    return name


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def _is_real(name: str) -> bool:
    return _below(name, "rushlight") and not any(_below(name, own) for own in OWN)


# -- finding and loading ---------------------------------------------------------------------------------------


class Names:
    """First on `sys.meta_path`: answers for PyTorch's names, and files Rushlight's own modules under both."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if _is_real(fullname):
            return self._own_spec(fullname, path, target)
        real = real_name(fullname)
        if real == fullname:
            return None
        spec = importlib.util.find_spec(real) if _is_real(real) and self._has_parent(real) else None
        if spec is not None:
            return _alias_spec(fullname, spec)
        if _below(fullname, "torch") and _called_by_import():
            raise ModuleNotFoundError(f"No module named {fullname!r}: {NOT_YET}", name=fullname)
        return None

    def _own_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = Adopting(spec.loader)
                return spec
        return None

    @staticmethod
    def _has_parent(real: str) -> bool:
        """Whether the parent of `real` is a package; `find_spec` would raise for one that is not there."""
        parent = real.rpartition(".")[0]
        return not parent or hasattr(sys.modules.get(parent), "__path__")


class Adopting(Loader):
    """Stands in for a module's own loader while the module loads, and then files it under both names."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        spec.loader = self.loader
        try:
            return self.loader.create_module(spec)
        finally:
            spec.loader = self

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self.loader
        public = public_name(module.__spec__.name)
        sys.modules[public] = module  # so that a circular import by either name meets this one
        try:
            self.loader.exec_module(module)
        except BaseException:
            del sys.modules[public]
            raise
        _adopt(module.__spec__.name, module)


class Alias(Loader):
    """Imports a module by its real name, for an import by its public one."""

    def __init__(self, real: ModuleSpec) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.real.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec  # the import system has put the alias's in its place

    def get_code(self, fullname: str) -> Any:
        """The code that `python -m torch.x` runs."""
        loader = self.real.loader
        return getattr(loader, "loader", loader).get_code(self.real.name)  # type: ignore[union-attr]


def _alias_spec(name: str, real: ModuleSpec) -> ModuleSpec:
    spec = ModuleSpec(name, Alias(real), origin=real.origin)
    spec.submodule_search_locations = real.submodule_search_locations
    spec.has_location = real.has_location
    return spec


def _called_by_import() -> bool:
    """Told apart from a probe by `importlib.util.find_spec`, which has to answer None, by who asks the finder."""
    return sys._getframe(3).f_code.co_name == "_find_and_load_unlocked"


# -- what a module of Rushlight's becomes under the runner -----------------------------------------------------

NOT_YET = "if this is a name of PyTorch's, it is not in Rushlight yet"


def _adopt(real: str, module: ModuleType) -> None:
    public = public_name(real)
    sys.modules[public] = module
    module.__name__ = public
    for thing in _defined_in(vars(module)):
        with suppress(TypeError):  # the few types of the core that cannot be changed keep their name
            thing.__module__ = public_name(thing.__module__)
    vars(module).setdefault("__getattr__", _missing_from(public))


_WRAPPED = type(_native._overridable(len))


def _defined_in(namespace: Any, outer: str = "") -> Iterator[Any]:
    """The classes (those inside classes too) and functions of Rushlight's that a namespace holds."""
    for thing in list(namespace.values()):
        if not isinstance(thing, (type, FunctionType, _WRAPPED)) or not _below(thing.__module__ or "", "rushlight"):
            continue
        if isinstance(thing, type):
            if not thing.__qualname__.startswith(outer):  # an attribute that is a class, of its own place
                continue
            yield from _defined_in(vars(thing), thing.__qualname__ + ".")
        yield thing


def _missing_from(public: str) -> Any:
    def missing(name: str) -> Any:
        raise AttributeError(f"module {public!r} has no attribute {name!r}: {NOT_YET}")

    return missing
