"""Output: type stubs of the native module, from the table."""

from __future__ import annotations

from codegen.bindings import takes_out
from codegen.operations import has_inplace
from codegen.signature import Parameter
from codegen.table import Operation, Table

TYPES = {
    "Tensor": "Tensor",
    "Tensor | None": "Tensor | None",
    "Operand": "Tensor | Number",
    "Number": "Number",
    "Number | None": "Number | None",
    "int": "int",
    "int | None": "int | None",
    "float": "float",
    "bool": "bool",
    "Ints": "int | Sequence[int]",
    "Ints | None": "int | Sequence[int] | None",
    "Sizes": "Sequence[int]",
    "PaddingInts": "int | Sequence[int] | str",
    "DType": "dtype",
    "DType | None": "dtype | None",
    "Tensors": "Sequence[Tensor]",
    "Generator | None": "Generator | None",
    "MemoryFormat | None": "memory_format | None",
    "*int": "int",
}
OPTIONS = "dtype: dtype | None = None, layout: layout | None = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False"

HEAD = """# Generated from ops/.
from collections.abc import Sequence
from typing import Any, overload

Number = bool | int | float | complex

class dtype: ...
class device: ...
class layout: ...
class memory_format: ...
class Generator: ...
class Size(tuple[int, ...]): ...

def __getattr__(name: str) -> Any: ...
"""


def _parameter(p: Parameter) -> str:
    if p.type == "*int":
        return f"*{p.name}: int | Sequence[int]"
    text = f"{p.public_name}_: {TYPES[p.type]}" if p.public_name in ("from",) else f"{p.public_name}: {TYPES[p.type]}"
    return text if p.default is None else f"{text} = {p.default}"


def _arguments(o: Operation, method: bool) -> str:
    positional = [p for p in o.parameters if not p.keyword_only]
    keyword = [p for p in o.parameters if p.keyword_only]
    parts = ["self"] + [_parameter(p) for p in positional[1:]] if method else [_parameter(p) for p in positional]
    named = [_parameter(p) for p in keyword]
    if o.row.kind == "creation":
        named.append(OPTIONS)
    if takes_out(o) and not method:
        named.append(f"out: {'tuple[Tensor, ...]' if o.row.returns else 'Tensor'} | None = None")
    if named and not any(p.type == "*int" for p in positional):
        parts.append("*")
    return ", ".join(parts + named)


def _result(o: Operation) -> str:
    return "tuple[Tensor, ...]" if o.row.returns else "Tensor"


def function(name: str, rows: list[Operation], method: bool = False) -> str:
    """The stub of one public name, with @overload where there are several rows."""
    indent = "    " if method else ""
    mark = f"{indent}@overload\n" if len(rows) > 1 else ""
    return "".join(f"{mark}{indent}def {name}({_arguments(o, method)}) -> {_result(o)}: ...\n" for o in rows)


def native(table: Table) -> str:
    """_native.pyi."""
    functions, methods = (
        "",
        (
            "class Tensor:\n"
            "    def __getattr__(self, name: str) -> Any: ...\n"
            "    def __getitem__(self, index: Any) -> Tensor: ...\n"
        ),
    )
    methods += "    def __setitem__(self, index: Any, value: Any) -> None: ...\n"
    for symbol, dunder in {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "@": "matmul", "**": "pow"}.items():
        if symbol in table.by_symbol:
            methods += (
                f"    def __{dunder}__(self, other: Any) -> Tensor: ...\n"
                f"    def __r{dunder}__(self, other: Any) -> Tensor: ...\n"
            )
    for name, rows in table.by_name.items():
        if any(o.row.function for o in rows):
            functions += function(name, rows)
        own = [o for o in rows if o.row.method and not o.row.private]
        if own:
            methods += function(name, own, method=True)
        inplace = [o for o in rows if has_inplace(o)]
        if inplace:
            methods += function(name + "_", inplace, method=True)
    return HEAD + "\n" + methods + "\n" + functions
