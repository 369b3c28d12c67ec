"""One formula, four readings: scalar and vector (one C++ template), GPU text, and differentiable composition."""

from __future__ import annotations

import ast

from codegen.signature import TYPES
from codegen.table import SYMBOLS, Operation, Table


def elementwise(tree: ast.expr, constant: str = "V({})") -> str:
    """The formula for one element or one vector of them; numbers get the arithmetic type V."""
    match tree:
        case ast.BinOp():
            left, right = elementwise(tree.left, constant), elementwise(tree.right, constant)
            return f"({left} {SYMBOLS[type(tree.op)]} {right})"
        case ast.UnaryOp(op=ast.USub()):
            return f"(-{elementwise(tree.operand, constant)})"
        case ast.Compare():
            left, right = elementwise(tree.left, constant), elementwise(tree.comparators[0], constant)
            return f"({left} {SYMBOLS[type(tree.ops[0])]} {right})"
        case ast.Call(func=ast.Name(id=name)):
            return f"{name}({', '.join(elementwise(a, constant) for a in tree.args)})"
        case ast.Name():
            return tree.id
        case ast.Constant():
            return constant.format(repr(tree.value))
    raise ValueError(f"no elementwise reading for {ast.dump(tree)}")


def gpu_text(tree: ast.expr) -> str:
    """The same formula as the text of a GPU kernel, over the element type T."""
    return elementwise(tree, "T({})")


class Composition:
    """The differentiable reading: calls of rl::ops. `values` maps a name to (kind, C++ expression), the kind being
    'tensor', 'sizes' (a tensor of which only the sizes were kept), 'scalar', or the type of a plain argument."""

    def __init__(self, table: Table, where: str, values: dict[str, tuple[str, str]]) -> None:
        self.table, self.where, self.values = table, where, values

    def emit(self, tree: ast.expr) -> str:
        return self.value(tree)[1]

    def value(self, tree: ast.expr) -> tuple[str, str]:
        match tree:
            case ast.Constant(value=None):
                return "none", "nullptr"
            case ast.Constant(value=bool()):
                return "bool", "true" if tree.value else "false"
            case ast.Constant(value=complex() as z):
                return "scalar", f"Scalar(std::complex<double>({z.real!r}, {z.imag!r}))"
            case ast.Constant(value=str(text)):
                return "text", f'"{text}"'
            case ast.Constant():
                return "scalar", f"Scalar({tree.value!r})"
            case ast.Name():
                if tree.id not in self.values:
                    raise ValueError(
                        f"{self.where}: the formula mentions {tree.id!r}, which is neither an argument nor a result"
                    )
                return self.values[tree.id]
            case ast.UnaryOp():
                kind, text = self.value(tree.operand)
                return (kind, f"(-{text})") if kind != "tensor" else ("tensor", f"ops::neg({text})")
            case ast.BinOp():
                return self._operator(SYMBOLS[type(tree.op)], tree.left, tree.right)
            case ast.Compare():
                return self._operator(SYMBOLS[type(tree.ops[0])], tree.left, tree.comparators[0])
            case ast.Call(func=ast.Name(id=name)):
                o = self.table.find(name, len(tree.args), self.where)
                return "tensor", self._call(o, list(tree.args))
        raise ValueError(f"{self.where}: no composed reading for {ast.dump(tree)}")

    def _operator(self, symbol: str, left: ast.expr, right: ast.expr) -> tuple[str, str]:
        (left_kind, a), (right_kind, b) = self.value(left), self.value(right)
        if "tensor" not in (left_kind, right_kind):
            return "scalar", f"(Scalar({a}) {symbol} Scalar({b}))"
        o = self.table.by_symbol[symbol]
        return "tensor", self._call(o, [left, right])

    def _call(self, o: Operation, arguments: list[ast.expr]) -> str:
        texts = []
        positional = [p for p in o.parameters if not p.keyword_only]
        for p, tree in zip(positional, arguments, strict=False):
            kind, text = self.value(tree)
            texts.append(self._argument(p.type, kind, text))
        for p in o.parameters[len(arguments) :]:
            texts.append(default_value(p.type, p.default or ""))
        return f"ops::{o.name}({', '.join(texts)})"

    def _argument(self, type_: str, kind: str, text: str) -> str:
        cpp = TYPES[type_].cpp
        if cpp == "DimSpan":
            if kind == "tensor":
                return f"{text}->sizes()"
            return f"DimSpan(Dims{{{text}}})" if kind in ("int", "scalar") else f"DimSpan({text})"
        if type_ == "Operand":
            return f"Arg({text})"
        if kind == "scalar" and type_ in ("int", "float", "bool"):
            return {"int": f"({text}).to_int()", "float": f"({text}).to_double()", "bool": f"({text}).to_bool()"}[type_]
        return text


def default_value(type_: str, source: str) -> str:
    """C++ of a default that stands in a signature."""
    if type_ in ("Number", "Operand"):
        return f"Scalar({source})"
    if type_ == "bool":
        return source.lower()
    if type_ == "str":
        return source.replace("'", '"')
    if TYPES[type_].cpp == "DimSpan":
        return "DimSpan()" if source in ("None", "()", "") else f"DimSpan(Dims{{{source.strip('()')}}})"
    if type_ == "PaddingInts":
        return f"Padding(int64_t({source}))"
    if type_ == "str | None":
        return "nullptr"
    if type_ == "MemoryFormat | None":
        return "MemoryFormat::Preserve"
    if source == "None":
        return "nullptr" if type_ in ("Tensor | None", "Generator | None") else "std::nullopt"
    return source


def call_condition(text: str, where: str) -> str:
    """C++ of a condition on a call's arguments, such as `dims(input) > 2 and bias is None`."""

    def emit(tree: ast.expr) -> str:
        match tree:
            case ast.BoolOp(op=ast.And()):
                return " && ".join(map(emit, tree.values))
            case ast.Compare(ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                return f"!{emit(tree.left)}.tensor()"
            case ast.Compare(ops=[operator], comparators=[right]):
                return f"{emit(tree.left)} {SYMBOLS[type(operator)]} {emit(right)}"
            case ast.Call(func=ast.Name(id="number"), args=[operand]):
                return f"!{emit(operand)}.tensor"
            case ast.Call(func=ast.Name(id="dims"), args=[tensor]):
                return f"{emit(tensor)}->ndim"
            case ast.Call(func=ast.Name(id="count"), args=[numbers]):
                return f"{emit(numbers)}.n"
            case ast.Name():
                return "overwritten" if tree.id == "in_place" else tree.id
            case ast.Constant():
                return repr(tree.value)
        raise ValueError(f"{where}: the condition {text!r} is not in the language of row.nodes")

    return emit(ast.parse(text, mode="eval").body)
