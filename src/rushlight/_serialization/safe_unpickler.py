"""An unpickler that can neither import nor call anything but what is listed in ``safe_globals``.

It reads the opcodes of protocols 2 to 5 that checkpoints use (Python's ``pickletools`` documents them). All memory that
it takes is in proportion to the pickle's size.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from rushlight import _utils
from rushlight._serialization import safe_globals
from rushlight._serialization.safe_globals import Allowed, check_key, check_keys

__all__ = ["SafeUnpickler"]

_MAX_PROTOCOL = 5
# What stack underflow, wrong types and refused arguments end in.
_DAMAGE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, struct.error)
_PYTHON_2_NAMES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class SafeUnpickler:
    """Reads one pickle.

    Args:
        data: the pickle; what follows its end is left, see ``position``.
        load_storage: from a persistent id to a storage.
        encoding: of strings that Python 2 wrote.
    """

    def __init__(self, data: bytes | memoryview, load_storage: Callable[[Any], Any], encoding: str = "utf-8") -> None:
        self.position = 0
        self._data = memoryview(data)
        self._load_storage = load_storage
        self._encoding = encoding
        self._allowed = {**safe_globals.allowed_by_default(), **safe_globals.allowed_by_user()}
        self._by_id = {id(allowed.value): allowed for allowed in self._allowed.values()}
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._foreign_error: BaseException | None = None

    def load(self) -> Any:
        """The object.

        Raises:
            pickle.UnpicklingError: for a global that is not allowed, and for a damaged or hostile pickle.
        """
        start = self.position
        try:
            while True:
                start = self.position
                opcode = self._take(1)[0]
                if opcode == _STOP:
                    result = self._stack.pop()
                    if self._stack or self._marks:
                        raise UnpicklingError("the pickle ends with values left over")
                    return result
                method = _OPCODES.get(opcode)
                if method is None:
                    raise UnpicklingError(f"opcode {bytes([opcode])!r} has no use in a checkpoint")
                method(self)
        except UnpicklingError:
            raise
        except _DAMAGE as error:
            if error is self._foreign_error:
                raise
            raise UnpicklingError(f"the pickle is damaged at byte {start}: {type(error).__name__}: {error}") from error

    # ---------------------------------------------------------------- reading
    def _take(self, size: int) -> memoryview:
        end = self.position + size
        if size < 0 or end > len(self._data):
            raise UnpicklingError(f"the pickle is truncated: {size} bytes are missing at byte {self.position}")
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _line(self) -> str:
        end = bytes(self._data[self.position : self.position + 4096]).find(b"\n")
        if end < 0:
            raise UnpicklingError(f"a name at byte {self.position} of the pickle has no end")
        return bytes(self._take(end + 1)[:-1]).decode("utf-8")

    def _pop_to_mark(self) -> list[Any]:
        mark = self._marks.pop()
        members = self._stack[mark:]
        del self._stack[mark:]
        return members

    # ---------------------------------------------------------------- structure
    def _proto(self) -> None:
        protocol = self._take(1)[0]
        if protocol > _MAX_PROTOCOL:
            raise UnpicklingError(f"pickle protocol {protocol} is not known")

    def _frame(self) -> None:
        if self._number("<Q") > len(self._data) - self.position:
            raise UnpicklingError("a frame of the pickle is longer than the file")

    def _mark(self) -> None:
        self._marks.append(len(self._stack))

    def _pop(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()

    def _store(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def _fetch(self, key: int) -> None:
        self._stack.append(self._memo[key])

    def _push_bytes(self, layout: str, convert: Callable[[Any], Any]) -> None:
        self._stack.append(convert(self._take(self._number(layout))))

    def _decode(self, data: memoryview) -> Any:
        return bytes(data) if self._encoding == "bytes" else str(data, self._encoding)

    # ---------------------------------------------------------------- containers
    def _tuple(self, count: int) -> None:
        if count > len(self._stack) - (self._marks[-1] if self._marks else 0):
            raise UnpicklingError("a tuple of the pickle has too few members")
        members = tuple(self._stack[len(self._stack) - count :])
        del self._stack[len(self._stack) - count :]
        self._stack.append(members)

    def _append(self, members: list[Any]) -> None:
        _list(self._stack[-1]).extend(members)

    def _set_items(self, members: list[Any]) -> None:
        target = self._stack[-1]
        if not isinstance(target, dict) or len(members) % 2:
            raise UnpicklingError(f"items cannot be set on {type(target).__name__}")
        for key, value in zip(members[::2], members[1::2], strict=True):
            check_key(key)
            target[key] = value

    def _add_items(self) -> None:
        members = self._pop_to_mark()
        check_keys(members)
        target = self._stack[-1]
        if type(target) is not set:
            raise UnpicklingError(f"members cannot be added to {type(target).__name__}")
        target.update(members)

    def _frozen_set(self) -> None:
        members = self._pop_to_mark()
        check_keys(members)
        self._stack.append(frozenset(members))

    def _dict(self) -> None:
        members = self._pop_to_mark()
        self._stack.append({})
        self._set_items(members)

    # ---------------------------------------------------------------- globals and calls
    def _global(self, module: Any, name: Any) -> None:
        if type(module) is not str or type(name) is not str:
            raise UnpicklingError("a global of the pickle has no name")
        module = _PYTHON_2_NAMES.get(module, module)
        full_name = f"{module}.{name}"
        if module.split(".")[0] in safe_globals.BLOCKED_MODULES:
            raise UnpicklingError(f"the file names {full_name}, of a module that no checkpoint may use")
        allowed = self._allowed.get(full_name) or safe_globals.storage_kind(module, name)
        if allowed is None:
            raise UnpicklingError(
                f"the file names the global {full_name}, which is not allowed. If you trust the file's author, allow "
                f"it: torch.serialization.add_safe_globals([{full_name}]), or `with torch.serialization.safe_globals("
                f"[{full_name}]):` around the load"
            )
        self._stack.append(allowed.value)

    def _stack_global(self) -> None:
        name = self._stack.pop()
        self._global(self._stack.pop(), name)

    def _allowed_callable(self, value: Any) -> Allowed:
        # By identity: looking a value up would run its hash and its comparison.
        allowed = self._by_id.get(id(value))
        if allowed is None or allowed.value is not value:
            raise UnpicklingError(f"the pickle calls a {type(value).__name__}, which is not allowed")
        return allowed

    def _reduce(self) -> None:
        arguments = self._stack.pop()
        allowed = self._allowed_callable(self._stack.pop())
        if allowed.call is None or type(arguments) is not tuple:
            raise UnpicklingError(f"the pickle calls {allowed.value!r:.200}, which is only data in a checkpoint")
        if allowed.call is safe_globals.rebuild_from_type and arguments:
            # This one calls its first argument, which needs the same permission.
            arguments = (self._allowed_callable(arguments[0]).call, *arguments[1:])
        self._stack.append(allowed.call(*arguments))

    def _new_object(self) -> None:
        arguments = self._stack.pop()
        allowed = self._allowed_callable(self._stack.pop())
        if not allowed.new or type(arguments) is not tuple:
            raise UnpicklingError(f"the pickle makes an instance of {allowed.value!r:.200}, which is not allowed")
        kind = allowed.value
        self._stack.append(kind.__new__(kind, *arguments))

    def _build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if type(target) is OrderedDict:
            if type(state) is not dict or any(type(name) is not str for name in state):
                raise UnpicklingError(f"an OrderedDict cannot take a {type(state).__name__} as its attributes")
            target.__dict__.update(state)
            return
        allowed = self._by_id.get(id(type(target)))
        if allowed is None or not allowed.new:
            raise UnpicklingError(f"the pickle sets the state of a {type(target).__name__}, which is not allowed")
        set_state = getattr(target, "__setstate__", None)
        if set_state is not None:
            set_state(state)
        else:
            _utils.set_object_state(target, state)

    def _persistent(self) -> None:
        identity = self._stack.pop()
        try:
            self._stack.append(self._load_storage(identity))
        except Exception as error:
            self._foreign_error = error  # the file's or the program's own; it is passed on as it is
            raise


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise UnpicklingError(f"members cannot be appended to {type(value).__name__}")
    return value


def _push(value: Any) -> Callable[[SafeUnpickler], None]:
    return lambda machine: machine._stack.append(value() if isinstance(value, type) else value)


def _number(layout: str) -> Callable[[SafeUnpickler], None]:
    return lambda machine: machine._stack.append(machine._number(layout))


def _counted(layout: str, convert: Callable[[Any], Any]) -> Callable[[SafeUnpickler], None]:
    return lambda machine: machine._push_bytes(layout, convert)


def _text(data: memoryview) -> str:
    return str(data, "utf-8", "surrogatepass")


def _signed(data: memoryview) -> int:
    return int.from_bytes(data, "little", signed=True)


_STOP = ord(".")
_OPCODES: dict[int, Callable[[SafeUnpickler], Any]] = {
    ord(code): method
    for code, method in {
        "\x80": SafeUnpickler._proto,
        "\x95": SafeUnpickler._frame,
        "(": SafeUnpickler._mark,
        "0": SafeUnpickler._pop,
        "1": SafeUnpickler._pop_to_mark,
        "2": lambda machine: machine._stack.append(machine._stack[-1]),
        "q": lambda machine: machine._store(machine._number("<B")),
        "r": lambda machine: machine._store(machine._number("<I")),
        "\x94": lambda machine: machine._store(len(machine._memo)),
        "h": lambda machine: machine._fetch(machine._number("<B")),
        "j": lambda machine: machine._fetch(machine._number("<I")),
        "N": _push(None),
        "\x88": _push(True),
        "\x89": _push(False),
        "K": _number("<B"),
        "M": _number("<H"),
        "J": _number("<i"),
        "\x8a": _counted("<B", _signed),
        "\x8b": _counted("<i", _signed),
        "G": _number(">d"),
        "X": _counted("<I", _text),
        "\x8c": _counted("<B", _text),
        "\x8d": _counted("<Q", _text),
        "B": _counted("<I", bytes),
        "C": _counted("<B", bytes),
        "\x8e": _counted("<Q", bytes),
        "\x96": _counted("<Q", bytearray),
        "T": lambda machine: machine._push_bytes("<i", machine._decode),
        "U": lambda machine: machine._push_bytes("<B", machine._decode),
        ")": _push(tuple),
        "]": _push(list),
        "}": _push(dict),
        "\x8f": _push(set),
        "\x85": lambda machine: machine._tuple(1),
        "\x86": lambda machine: machine._tuple(2),
        "\x87": lambda machine: machine._tuple(3),
        "t": lambda machine: machine._stack.append(tuple(machine._pop_to_mark())),
        "l": lambda machine: machine._stack.append(machine._pop_to_mark()),
        "d": SafeUnpickler._dict,
        "a": lambda machine: machine._append([machine._stack.pop()]),
        "e": lambda machine: machine._append(machine._pop_to_mark()),
        "s": lambda machine: machine._set_items([machine._stack.pop(-2), machine._stack.pop()]),
        "u": lambda machine: machine._set_items(machine._pop_to_mark()),
        "\x90": SafeUnpickler._add_items,
        "\x91": SafeUnpickler._frozen_set,
        "c": lambda machine: machine._global(machine._line(), machine._line()),
        "\x93": SafeUnpickler._stack_global,
        "R": SafeUnpickler._reduce,
        "\x81": SafeUnpickler._new_object,
        "b": SafeUnpickler._build,
        "Q": SafeUnpickler._persistent,
    }.items()
}
