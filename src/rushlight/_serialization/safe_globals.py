"""What a checkpoint may name when nothing in it is trusted."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from pickle import UnpicklingError
from typing import Any

import rushlight as rl
from rushlight import _tensor_pickle, _utils
from rushlight._serialization import names
from rushlight._serialization.layouts import _get_layout
from rushlight._serialization.storages import StorageKind

__all__ = [
    "Allowed",
    "add",
    "allowed_by_default",
    "allowed_by_user",
    "check_key",
    "check_keys",
    "clear",
    "listed",
    "rebuild_from_type",
    "replace",
]

# Modules that stay closed whatever the program allows.
BLOCKED_MODULES = frozenset({"sys", "os", "posix", "nt"})

_MAX_KEY_NODES = 10_000
_MAX_KEY_DEPTH = 100
_DTYPES = """
    bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 bfloat16 float32 float64 complex32 complex64
    complex128 float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2
"""

Entry = Any  # a class or function, or a pair of one and the full name it has in files
_user_entries: list[Entry] = []


class Allowed:
    """One global that may be named.

    Args:
        value: what the name becomes on the stack.
        call: what runs when the pickle calls it; None where it is only data.
        new: whether the pickle may make instances by ``__new__`` and give them a state.
    """

    def __init__(self, value: Any, call: Callable[..., Any] | None = None, new: bool = False) -> None:
        self.value = value
        self.call = call
        self.new = new


def add(entries: list[Entry]) -> None:
    """Allows more globals."""
    for entry in entries:
        _full_name(entry)  # checks its form
    _user_entries.extend(entry for entry in entries if entry not in _user_entries)


def clear() -> None:
    """Takes back what ``add`` allowed."""
    _user_entries.clear()


def listed() -> list[Entry]:
    """What ``add`` allowed."""
    return list(_user_entries)


def replace(entries: list[Entry]) -> None:
    """Sets what is allowed beside the defaults."""
    _user_entries[:] = entries


def allowed_by_user() -> dict[str, Allowed]:
    """Full name in files -> the global, for what ``add`` allowed."""
    table = {}
    for entry in _user_entries:
        value = entry[0] if isinstance(entry, tuple) else entry
        table[_full_name(entry)] = Allowed(value, value if callable(value) else None, isinstance(value, type))
    return table


def _full_name(entry: Entry) -> str:
    if isinstance(entry, tuple):
        if len(entry) != 2 or not isinstance(entry[1], str):
            raise ValueError(f"add_safe_globals: a tuple must be (class or function, full name), got {entry!r:.200}")
        return entry[1]
    module = getattr(entry, "__module__", None)
    name = getattr(entry, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str):
        raise ValueError(
            f"add_safe_globals: {entry!r:.200} has no module and name; pass a class or function, or (it, 'full.name')"
        )
    return ".".join(names.torch_name(module, name))


def allowed_by_default() -> dict[str, Allowed]:
    """Full name in files -> the global, for all that checkpoints of tensors need."""
    table = {
        "collections.OrderedDict": Allowed(OrderedDict, _ordered_dict),
        "collections.Counter": Allowed(Counter, _counter),
        "builtins.set": Allowed(set, _set),
        "builtins.complex": Allowed(complex, _complex),
        "builtins.bytearray": Allowed(bytearray, _bytearray),
        "_codecs.encode": Allowed(_encode, _encode),
        "torch.Size": Allowed(rl.Size, rl.Size),
        "torch.device": Allowed(rl.device, rl.device),
        "torch.Tensor": Allowed(rl.Tensor),
        "torch.serialization._get_layout": Allowed(_get_layout, _get_layout),
        "torch._tensor._rebuild_from_type_v2": Allowed(_tensor_pickle._rebuild_from_type_v2, rebuild_from_type),
        "torch._utils._rebuild_parameter_with_state": Allowed(_utils._rebuild_parameter_with_state, _parameter),
    }
    if hasattr(rl, "nn"):
        table["torch.nn.parameter.Parameter"] = Allowed(rl.nn.Parameter, rl.nn.Parameter)
    for function in (
        _utils._rebuild_tensor,
        _utils._rebuild_tensor_v2,
        _utils._rebuild_tensor_v3,
        _utils._rebuild_parameter,
        _utils._rebuild_meta_tensor_no_storage,
    ):
        table[f"torch._utils.{function.__name__}"] = Allowed(function, function)
    for name in _DTYPES.split():
        if hasattr(rl, name):
            table[f"torch.{name}"] = Allowed(getattr(rl, name))
    return table


def storage_kind(module: str, name: str) -> Allowed | None:
    """A storage class's name, which is only data."""
    kind = StorageKind.find(module, name)
    return None if kind is None else Allowed(kind)


def check_key(key: Any) -> None:
    """Refuses a dict key or set member whose hash would nest too deep or take too long.

    Tuples do not cache their hash and hash their members without a limit on depth: a few bytes of pickle could
    otherwise overflow the stack, or take for ever.
    """
    if type(key) in (str, int):
        return
    level, nodes, depth = [key], 0, 0
    while level:
        level = [member for parent in level if isinstance(parent, tuple) for member in parent]
        nodes += len(level)
        depth += 1
        if nodes > _MAX_KEY_NODES or depth > _MAX_KEY_DEPTH:
            raise UnpicklingError("a dict key or set member is a tuple that nests too deep or is too large")


def check_keys(keys: Iterable[Any]) -> None:
    """As :func:`check_key`, for several."""
    for key in keys:
        check_key(key)


def _ordered_dict(pairs: Any = ()) -> Any:
    _expect(isinstance(pairs, (list, tuple)), "OrderedDict", pairs)
    for pair in pairs:
        _expect(isinstance(pair, (list, tuple)) and len(pair) == 2, "OrderedDict", pair)
        check_key(pair[0])
    return OrderedDict(pairs)


def _counter(counts: Any = None) -> Any:
    _expect(counts is None or type(counts) is dict, "Counter", counts)
    return Counter(counts)


def _set(members: Any = ()) -> Any:
    _expect(isinstance(members, (list, tuple)), "set", members)
    check_keys(members)
    return set(members)


def _complex(real: Any, imag: Any = 0) -> complex:
    _expect(isinstance(real, (int, float)) and isinstance(imag, (int, float)), "complex", (real, imag))
    return complex(real, imag)


def _bytearray(data: Any = b"", encoding: Any = None) -> bytearray:
    if isinstance(data, str):
        data = _encode(data, encoding)
    _expect(isinstance(data, (bytes, bytearray)), "bytearray", data)
    return bytearray(data)


def _encode(text: Any, encoding: Any = "utf-8") -> bytes:
    _expect(isinstance(text, str) and encoding in ("latin1", "latin-1", "utf-8", "ascii"), "encode", (text, encoding))
    return text.encode(encoding)


def rebuild_from_type(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """A tensor of an allowed subclass, or with attributes; ``function`` has been checked by the caller."""
    _expect(isinstance(kind, type) and issubclass(kind, rl.Tensor), "a tensor of type", kind)
    _expect(callable(function) and type(arguments) is tuple, "a tensor from", function)
    _expect_attributes(state)
    return _tensor_pickle._rebuild_from_type_v2(function, kind, arguments, state)


def _parameter(data: Any, requires_grad: Any, backward_hooks: Any, state: Any) -> Any:
    _expect_attributes(state)
    return _utils._rebuild_parameter_with_state(data, requires_grad, backward_hooks, state)


def _expect_attributes(state: Any) -> None:
    _expect(type(state) is dict and all(type(name) is str for name in state), "attributes of a tensor", state)


def _expect(good: bool, what: str, given: Any) -> None:
    if not good:
        raise UnpicklingError(f"{what} cannot be made from {type(given).__name__} in a checkpoint")
