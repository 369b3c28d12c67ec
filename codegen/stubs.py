"""Output: type stubs of the native module. Rows come from the table, all else from native.pyi beside this file."""

from __future__ import annotations

import ast
from pathlib import Path

from codegen.bindings import public_names, takes_out
from codegen.operations import has_inplace
from codegen.signature import TYPES, Parameter
from codegen.table import ARITHMETIC, COMPARISONS, Operation, Table

TEMPLATE = Path(__file__).with_name("native.pyi")
METHODS = "    # the rows that are methods\n"
FUNCTIONS = "# the rows that are functions\n"

OPTIONS = [
    "dtype: _dtype | None = None",
    "layout: _layout | None = None",
    "device: _Device = None",
    "pin_memory: _bool = False",
    "requires_grad: _bool = False",
]


def _parameter(p: Parameter) -> str:
    """One parameter; a name that Python reserves (from) is out of reach of keywords and keeps its underscore."""
    name = p.name if p.public_name == "from" else p.public_name
    if p.type.startswith("*"):
        return f"*{name}: {TYPES[p.type].stub}"
    return f"{name}: {TYPES[p.type].stub}" + ("" if p.default is None else f" = {p.default}")


def _arguments(o: Operation, method: bool) -> str:
    positional = [p for p in o.parameters if not p.keyword_only]
    parts = ["self"] * method + [_parameter(p) for p in positional[method:]]
    named = [_parameter(p) for p in o.parameters if p.keyword_only]
    if o.row.kind == "creation":
        named += OPTIONS
    if takes_out(o) and not method:
        named.append(f"out: {'Sequence[Tensor]' if o.row.returns else 'Tensor'} | None = None")
    if named and not any(p.type.startswith("*") for p in positional):
        parts.append("*")
    return ", ".join(parts + named)


def _result(o: Operation) -> str:
    if o.row.returns == ("*",):
        return "tuple[Tensor, ...]"
    return f"_{o.identifier}_result" if o.row.returns else "Tensor"


def _result_class(o: Operation) -> str:
    fields = "".join(f"    {name}: Tensor\n" for name in o.row.returns)
    return f"class {_result(o)}(NamedTuple):\n{fields}\n"


def function(name: str, rows: list[Operation], method: bool = False) -> str:
    """The stub of one public name, with @overload where there are several rows."""
    indent = "    " if method else ""
    mark = f"{indent}@overload\n" if len(rows) > 1 else ""
    # A form for one tensor before one for any number of them: the first that fits is the one that runs.
    counts = len({_result(o) for o in rows}) > 1 and any(
        p.type in ("*Tensor", "*Each") for o in rows for p in o.parameters
    )
    ignores = ["  # type: ignore[overload-overlap]" if counts and o is not rows[-1] else "" for o in rows]
    return "".join(
        f"{mark}{indent}def {name}({_arguments(o, method)}) -> {_result(o)}: ...{ignore}\n"
        for o, ignore in zip(rows, ignores, strict=True)
    )


def _new_form(o: Operation) -> str:
    """x.new_zeros(...) of a creation row that takes a size, and neither draws nor permutes."""
    names = o.signature.names()
    if o.row.kind != "creation" or names[0] != "size" or {"generator", "physical_layout"} & set(names):
        return ""
    return (
        f"    def new_{o.name}(self, {', '.join(_parameter(p) for p in o.parameters)}, {_starred(o)}) -> Tensor: ...\n"
    )


def _starred(o: Operation) -> str:
    variadic = any(p.keyword_only or p.type.startswith("*") for p in o.parameters)
    return ", ".join(OPTIONS if variadic else ["*", *OPTIONS])


def _operators(table: Table) -> str:
    """Python's operators: forward, reflected and in-place."""
    out = ""
    for symbol, o in table.by_symbol.items():
        if symbol in COMPARISONS:
            # object compares to bool; nothing else can say that a tensor does not
            ignore = "  # type: ignore[override]" if symbol in ("==", "!=") else ""
            out += f"    def __{COMPARISONS[symbol]}__(self, other: Any) -> Tensor: ...{ignore}\n"
            continue
        forms = ["", "r", *["i"] * has_inplace(o)]
        names = [ARITHMETIC[symbol][1].format(form) for form in forms]
        out += "".join(f"    def {name}(self, other: Any) -> Tensor: ...\n" for name in names)
    return out


def _described(text: str) -> tuple[set[str], set[str]]:
    """The functions of the template, and the methods of its Tensor: they describe the names that rows have too."""
    body = ast.parse(text).body
    tensor = next(node for node in body if isinstance(node, ast.ClassDef) and node.name == "Tensor")
    functions, methods = (
        {node.name for node in nodes if isinstance(node, ast.FunctionDef)} for nodes in (body, tensor.body)
    )
    return functions, methods


def native(table: Table) -> str:
    """_native.pyi."""
    template = TEMPLATE.read_text()
    known_functions, known_methods = _described(template)
    functions, methods = "", _operators(table)
    for rows in table.by_name.values():
        for name in public_names(rows):
            if any(o.row.function for o in rows) and name not in known_functions:
                functions += function(name, rows)
            elif not any(o.row.function or o.row.method for o in rows):  # for listeners
                functions += function(f"_{name}", rows)
            if name.startswith("_") and name != rows[0].name:
                continue  # an alias in another module than the package itself
            own = [o for o in rows if o.row.method and not o.row.private]
            if own and name not in known_methods:
                methods += function(name, own, method=True)
            inplace = [o for o in rows if has_inplace(o)]
            if any(o.row.method for o in inplace):
                methods += function(f"{name}_", inplace, method=True)
            elif inplace:
                functions += function(f"{name}_", inplace)
        methods += "".join(_new_form(o) for o in rows)
    results = "".join(_result_class(o) for o in table.operations if o.row.returns not in ((), ("*",)))
    text = template.replace(METHODS, methods).replace(FUNCTIONS, f"{results}{functions}")
    return f"# Generated from ops/ and codegen/native.pyi.\nfrom typing import NamedTuple\n\n{text}"
