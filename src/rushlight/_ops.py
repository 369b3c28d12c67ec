"""`torch.ops.aten`: the table's operations under the names that dispatch modes see, such as `aten.add.Tensor`.

An overload's name is the row's own, or follows from what the row says of its arguments; PyTorch names a few otherwise.
"""

from __future__ import annotations

import functools
import json
from importlib import resources
from types import SimpleNamespace
from typing import Any

from . import _native
from ._native import Tensor

__all__ = ["OpOverload", "OpOverloadPacket", "ops"]


@functools.cache
def _rows() -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in json.loads(resources.files("rushlight").joinpath("ops_summary.json").read_text()):
        rows.setdefault(row["name"], []).append(row)
        if row["inplace"]:
            rows.setdefault(row["name"] + "_", []).append(row)
    return rows


class OpOverload:
    """One overload of an operation; calling it runs the operation."""

    namespace = "aten"

    def __init__(self, packet: OpOverloadPacket, overload: str) -> None:
        self.overloadpacket = packet
        self._overloadname = overload
        self.__name__ = f"{packet.__name__}.{overload}"
        suffix = "" if overload == "default" else f".{overload}"
        self._schema = SimpleNamespace(name=f"aten::{packet.__name__}", overload_name=suffix[1:])
        self._full_name = self._schema.name + suffix

    def name(self) -> str:
        """The full name, such as `aten::add.Tensor`."""
        return self._full_name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.overloadpacket(*args, **kwargs)

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverload(op='{self.overloadpacket}', overload='{self._overloadname}')>"


class OpOverloadPacket:
    """All overloads of one name; calling it runs the one that fits the arguments."""

    def __init__(self, name: str) -> None:
        self.__name__ = name
        self._function = getattr(_native, name, None) or getattr(Tensor, name)
        self._overloads: dict[str, OpOverload] = {}

    def overloads(self) -> list[str]:
        """The names that the table knows overloads by."""
        names = [name for row in _rows()[self.__name__] for name in _possible(row)]
        return list(dict.fromkeys(names))

    def __getattr__(self, name: str) -> OpOverload:
        if name.startswith("_") or name not in self.overloads():
            raise AttributeError(f"aten.{self.__name__} has no overload {name!r} here; it has {self.overloads()}")
        return self._overload(name)

    def _overload(self, name: str) -> OpOverload:
        if name not in self._overloads:
            self._overloads[name] = OpOverload(self, name)
        return self._overloads[name]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __str__(self) -> str:
        return f"aten.{self.__name__}"

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='aten.{self.__name__}')>"


def _takes_operand(row: dict[str, Any]) -> bool:
    return row["signature"].count("Operand") > 1


def _possible(row: dict[str, Any]) -> list[str]:
    if row["overload"]:
        return [row["overload"]]
    if _takes_operand(row):
        return ["Tensor", "Scalar"] if row["comparison"] else ["Tensor"]
    return ["default", "dim"] if row["kind"] == "reduction" else ["default"]


def overload_of(operation: Any, args: tuple[Any, ...]) -> OpOverload:
    """The overload that a call of the dispatch hook's `operation` is."""
    packet: OpOverloadPacket = getattr(ops.aten, operation.name)
    name = operation.overload or "default"
    row = next((row for row in _rows()[operation.name] if row["overload"] == operation.overload), None)
    if row is not None and not operation.overload:
        if _takes_operand(row):
            name = "Scalar" if row["comparison"] and not isinstance(args[1], Tensor) else "Tensor"
        elif row["kind"] == "reduction" and len(args) > 1 and args[1] is not None:
            name = "dim"
    return packet._overload(name)


class _Aten:
    """The namespace of the table's operations."""

    def __getattr__(self, name: str) -> OpOverloadPacket:
        if name not in _rows():
            raise AttributeError(f"torch.ops.aten has no operation {name!r} in Rushlight")
        packet = OpOverloadPacket(name)
        setattr(self, name, packet)
        return packet

    def __dir__(self) -> list[str]:
        return sorted(_rows())


class _Ops:
    """`torch.ops`: operations by namespace; the table's are in `aten`."""

    aten = _Aten()


ops = _Ops()
