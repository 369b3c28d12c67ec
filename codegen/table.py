"""The table as the outputs see it: rows with parsed signatures, looked up by name, checked."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

import ops
from codegen.signature import Parameter, Signature, parse
from ops.row import Row, every

# dtypes with kernels: RL_FOR_DTYPES in native/base/dtype.h
COMPILED = tuple(d for d in every if d not in ("float16", "bfloat16"))
CPP_TYPE = {"bool": "bool", "float32": "float", "float64": "double"} | {d: f"{d}_t" for d in COMPILED if "int" in d}
CPP_TYPE |= {"complex64": "Complex<float>", "complex128": "Complex<double>"}
REAL_OF = {"complex64": "float32", "complex128": "float64"}
COMPLEX_OF = {real: d for d, real in REAL_OF.items()}
# In formulas: Python's operators, and C++'s but for the two that it has not.
SYMBOLS = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
COMPARISONS = {"<": "lt", "<=": "le", "==": "eq", "!=": "ne", ">": "gt", ">=": "ge"}
# The operators of numbers: Python's slot and its method.
ARITHMETIC = {
    "+": ("add", "__{}add__"),
    "-": ("subtract", "__{}sub__"),
    "*": ("multiply", "__{}mul__"),
    "/": ("true_divide", "__{}truediv__"),
    "@": ("matrix_multiply", "__{}matmul__"),
    "**": ("power", "__{}pow__"),
    "%": ("remainder", "__{}mod__"),
    "//": ("floor_divide", "__{}floordiv__"),
    "&": ("and", "__{}and__"),
    "|": ("or", "__{}or__"),
    "^": ("xor", "__{}xor__"),
    "<<": ("lshift", "__{}lshift__"),
    ">>": ("rshift", "__{}rshift__"),
}


@dataclass
class Operation:
    """A row with what is derived from it."""

    row: Row
    signature: Signature
    grads: dict[str, ast.expr] = field(default_factory=dict)  # input -> parsed gradient
    graphs: dict[str, ast.expr] = field(default_factory=dict)  # input -> parsed gradient for create_graph

    @property
    def name(self) -> str:
        return self.signature.name

    @property
    def identifier(self) -> str:
        """Unique in C++: name and overload."""
        return self.name + (f"_{self.row.overload}" if self.row.overload else "")

    @property
    def where(self) -> str:
        return f"{self.row.file}:{self.row.line}"

    @property
    def parameters(self) -> list[Parameter]:
        return self.signature.parameters

    @property
    def operands(self) -> list[Parameter]:
        """What a pointwise row's loop takes."""
        return [p for p in self.parameters if p.type != "Reduction"]

    @property
    def reduces(self) -> bool:
        """Whether a pointwise row's elements may be reduced."""
        return len(self.operands) < len(self.parameters)

    @property
    def inputs(self) -> list[Parameter]:
        return [p for p in self.parameters if p.is_tensor]

    @property
    def differentiable(self) -> list[Parameter]:
        return [p for p in self.inputs if p.name in self.grads]

    @property
    def together(self) -> list[str]:
        """The inputs whose gradients one formula gives."""
        return [name for names in self.row.grad if not isinstance(names, str) for name in names]

    @property
    def node(self) -> str:
        if self.row.node or self.row.underivable:
            return self.row.node or "NotImplemented"
        return "".join(part[:1].upper() + part[1:] for part in self.name.split("_") if part) + "Backward0"

    @property
    def result(self) -> str:
        """C++ type of the result."""
        if self.row.returns == ("*",):
            return "std::vector<Ref>"
        return f"std::array<Ref, {len(self.row.returns)}>" if self.row.returns else "Ref"

    @property
    def dtypes(self) -> list[str]:
        return [d for d in COMPILED if d in self.row.types]


class Table:
    """All operations, by family and by name."""

    def __init__(self, rows: list[Row] | None = None) -> None:
        self.operations = [self._operation(row) for row in (ops.load() if rows is None else rows)]
        self.by_name: dict[str, list[Operation]] = {}
        for o in self.operations:
            self.by_name.setdefault(o.name, []).append(o)
        self.by_symbol = {o.row.operator: o for o in self.operations if o.row.operator}
        self.check()

    @staticmethod
    def _operation(row: Row) -> Operation:
        o = Operation(row, parse(row))
        for target, source in ((o.grads, row.grad), (o.graphs, row.graph)):
            for names, formula in source.items():
                tree = parse_formula(f"({formula}) * scale" if o.reduces else formula, o.where)
                for name in (names,) if isinstance(names, str) else names:
                    if name not in o.signature.names():
                        raise ValueError(
                            f"{o.where}: a gradient is given for {name!r}, which is not an argument of {o.name}"
                        )
                    target[name] = tree
        if row.underivable:
            o.grads = {p.name: parse_formula(f"_no_derivative(g, '{o.name}', False)", o.where) for p in o.inputs}
        return o

    def family(self, name: str) -> list[Operation]:
        return [o for o in self.operations if o.row.family == name]

    def families(self) -> list[str]:
        return list(dict.fromkeys(o.row.family for o in self.operations))

    def find(self, name: str, arguments: int, where: str) -> Operation:
        """The overload of `name` that takes so many positional arguments."""
        for o in self.by_name.get(name, []):
            required = sum(p.default is None for p in o.parameters if not p.keyword_only)
            positional = sum(not p.keyword_only for p in o.parameters)
            if required <= arguments <= positional:
                return o
        raise ValueError(f"{where}: the formula calls {name} with {arguments} arguments, and no row takes that")

    def check(self) -> None:
        """Raises ValueError at the first row that cannot be right."""
        seen: dict[str, str] = {}
        for o in self.operations:
            if not o.row.doc:
                raise ValueError(f"{o.where}: {o.name} has no doc")
            if o.identifier in seen:
                raise ValueError(
                    f"{o.where}: {o.identifier} stands in {seen[o.identifier]} already; give it another overload="
                )
            seen[o.identifier] = o.where
            if o.together and o.together != [p.name for p in o.differentiable]:
                raise ValueError(f"{o.where}: a gradient of several inputs must name all that have one, in their order")
            if (o.row.kind == "pointwise" and not o.row.body) or (o.row.kind == "view" and not o.row.layout):
                raise ValueError(
                    f"{o.where}: a {o.row.kind} row needs its {'body' if o.row.kind == 'pointwise' else 'layout'}"
                )


def parse_formula(formula: str, where: str) -> ast.expr:
    """The formula's tree; ValueError where it is not in the language."""
    try:
        tree = ast.parse(formula, mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{where}: the formula {formula!r} is not valid: {error.msg}") from None
    allowed = (
        ast.BinOp,
        ast.UnaryOp,
        ast.Compare,
        ast.Call,
        ast.Name,
        ast.Constant,
        ast.Load,
        ast.operator,
        ast.unaryop,
        ast.cmpop,
    )
    for node in ast.walk(tree):
        if not isinstance(node, allowed):
            raise ValueError(f"{where}: {type(node).__name__} is not part of the formula language, in {formula!r}")
    return tree


def names_in(tree: ast.AST) -> list[str]:
    """Names of values a formula mentions, in order of appearance."""
    calls = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in calls]
    found.sort(key=lambda n: (n.lineno, n.col_offset))
    return list(dict.fromkeys(n.id for n in found))
