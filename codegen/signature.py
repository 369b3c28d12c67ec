"""Signatures of rows: Python's own def syntax, read with `ast`."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ops.row import Row

# type in a signature -> (parser kind, C++ parameter type, what a backward node keeps of it)
TYPES = {
    "Tensor": ("Tensor", "In", "Saved"),
    "Tensor | None": ("TensorOpt", "In", "Saved"),
    "Operand": ("Operand", "const Arg&", "SavedArg"),
    "Number": ("Number", "const Scalar&", "Scalar"),
    "Number | None": ("NumberOpt", "const std::optional<Scalar>&", "std::optional<Scalar>"),
    "int": ("Int", "int64_t", "int64_t"),
    "int | None": ("IntOpt", "std::optional<int64_t>", "std::optional<int64_t>"),
    "float": ("Float", "double", "double"),
    "str": ("Text", "const std::string&", "std::string"),
    "bool": ("Bool", "bool", "bool"),
    "Ints": ("Ints", "DimSpan", "Dims"),
    "IntList": ("IntList", "DimSpan", "Dims"),  # as Ints, but an int alone is refused
    "Ints | None": ("IntsOpt", "DimSpan", "Dims"),
    "*int": ("IntsVar", "DimSpan", "Dims"),
    "Sizes": ("Sizes", "DimSpan", "Dims"),
    "PaddingInts": ("Padding", "const Padding&", "Padding"),
    "DType": ("DType", "DType", "DType"),
    "DType | None": ("DTypeOpt", "std::optional<DType>", "std::optional<DType>"),
    "str | None": ("TextOpt", "const char*", ""),
    "Tensors": ("Tensors", "Tensors", "SavedList"),
    "Indices": ("Indices", "Tensors", "SavedList"),  # a list of tensors in which None means all of a dimension
    "*Tensor": ("TensorsVar", "Tensors", "SavedList"),
    "*Each": ("TensorsEach", "Tensors", "SavedList"),  # as *Tensor, but a list of them is refused
    "Generator | None": ("GeneratorOpt", "PyObject*", ""),
    "MemoryFormat | None": ("MemoryFormatOpt", "MemoryFormat", "MemoryFormat"),
}
TENSOR_TYPES = ("Tensor", "Tensor | None", "Operand", "Tensors", "Indices", "*Tensor", "*Each")


@dataclass
class Parameter:
    """One argument of a row."""

    name: str
    type: str
    default: str | None = None  # Python source, or None where the argument is required
    keyword_only: bool = False

    @property
    def public_name(self) -> str:
        return self.name.rstrip("_")

    @property
    def kind(self) -> str:
        return TYPES[self.type][0]

    @property
    def cpp(self) -> str:
        return TYPES[self.type][1]

    @property
    def saved(self) -> str:
        return TYPES[self.type][2]

    @property
    def is_tensor(self) -> bool:
        return self.type in TENSOR_TYPES


@dataclass
class Signature:
    name: str
    parameters: list[Parameter]

    def __getitem__(self, name: str) -> Parameter:
        return next(p for p in self.parameters if p.name == name)

    def names(self) -> list[str]:
        return [p.name for p in self.parameters]


def parse(row: Row) -> Signature:
    """The row's signature; ValueError names the row's file and line."""
    where = f"{row.file}:{row.line}"
    try:
        function = ast.parse(f"def {row.signature}: pass").body[0]
    except SyntaxError as error:
        raise ValueError(f"{where}: the signature {row.signature!r} is not valid: {error.msg}") from None
    assert isinstance(function, ast.FunctionDef)
    a = function.args
    parameters = []
    defaults: list[ast.expr | None] = [None] * (len(a.args) - len(a.defaults)) + list(a.defaults)
    for argument, default in zip(a.args, defaults, strict=True):
        parameters.append(_parameter(argument, default, where))
    if a.vararg:
        each = ast.unparse(a.vararg.annotation) if a.vararg.annotation else ""
        parameters.append(Parameter(a.vararg.arg, {"": "*Tensor", "Tensor": "*Each", "int": "*int"}[each]))
    for argument, default in zip(a.kwonlyargs, a.kw_defaults, strict=True):
        parameters.append(_parameter(argument, default, where, keyword_only=True))
    return Signature(function.name, parameters)


def _parameter(argument: ast.arg, default: ast.expr | None, where: str, keyword_only: bool = False) -> Parameter:
    type_ = ast.unparse(argument.annotation) if argument.annotation else "Tensor"
    if type_ not in TYPES:
        raise ValueError(
            f"{where}: argument {argument.arg!r} has the unknown type {type_!r}; known: {', '.join(TYPES)}"
        )
    return Parameter(argument.arg, type_, None if default is None else ast.unparse(default), keyword_only)
