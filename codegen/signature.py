"""Signatures of rows: Python's own def syntax, read with `ast`."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import NamedTuple

from ops.row import Row


class Type(NamedTuple):
    """What one type of a signature is elsewhere."""

    kind: str  # to the parser
    cpp: str  # as a parameter in C++
    saved: str  # as a backward node keeps it; "" where none does
    reader: str  # the parser's function that reads it
    stub: str  # to a type checker


TYPES = {
    "Tensor": Type("Tensor", "In", "Saved", "tensor", "Tensor"),
    "Tensor | None": Type("TensorOpt", "In", "Saved", "tensor_or_none", "Tensor | None"),
    "Operand": Type("Operand", "const Arg&", "SavedArg", "operand", "Tensor | _Number"),
    "Number": Type("Number", "const Scalar&", "Scalar", "number", "_Number"),
    "Number | None": Type(
        "NumberOpt", "const std::optional<Scalar>&", "std::optional<Scalar>", "number_or_none", "_Number | None"
    ),
    "int": Type("Int", "int64_t", "int64_t", "integer", "_int"),
    "Reduction": Type("Int", "int64_t", "int64_t", "integer", "_int"),  # what becomes of a pointwise row's elements
    "PythonInt": Type("PythonInt", "int64_t", "int64_t", "integer", "_int"),  # as int, but NumPy's are refused
    "int | None": Type("IntOpt", "std::optional<int64_t>", "std::optional<int64_t>", "integer_or_none", "_int | None"),
    "float": Type("Float", "double", "double", "real", "_float"),
    "float | None": Type(
        "FloatOpt", "std::optional<double>", "std::optional<double>", "real_or_none", "_float | None"
    ),
    "str": Type("Text", "const std::string&", "std::string", "text", "str"),
    "bool": Type("Bool", "bool", "bool", "boolean", "_bool"),
    "Ints": Type("Ints", "DimSpan", "Dims", "ints", "_int | Sequence[_int]"),
    "IntList": Type("IntList", "DimSpan", "Dims", "ints", "Sequence[_int]"),  # as Ints, but an int alone is refused
    "Ints | None": Type("IntsOpt", "DimSpan", "Dims", "ints", "_int | Sequence[_int] | None"),
    "*int": Type("IntsVar", "DimSpan", "Dims", "ints", "_int | Sequence[_int]"),
    "Sizes": Type("Sizes", "DimSpan", "Dims", "sizes", "Sequence[_int]"),
    "PaddingInts": Type("Padding", "const Padding&", "Padding", "padding", "_int | Sequence[_int] | str"),
    "DType": Type("DType", "DType", "DType", "dtype", "_dtype"),
    "DType | None": Type("DTypeOpt", "std::optional<DType>", "std::optional<DType>", "dtype_or_none", "_dtype | None"),
    "str | None": Type("TextOpt", "const char*", "", "text_or_none", "str | None"),
    "Tensors": Type("Tensors", "Tensors", "SavedList", "tensors", "Sequence[Tensor]"),
    "Indices": Type(
        "Indices", "Tensors", "SavedList", "tensors", "Sequence[Tensor | None]"
    ),  # a list of tensors in which None means all of a dimension
    "*Tensor": Type("TensorsVar", "Tensors", "SavedList", "tensors", "Tensor | Sequence[Tensor]"),
    "*Each": Type(
        "TensorsEach", "Tensors", "SavedList", "tensors", "Tensor"
    ),  # as *Tensor, but a list of them is refused
    "Generator | None": Type("GeneratorOpt", "PyObject*", "", "generator", "Generator | None"),
    "MemoryFormat | None": Type(
        "MemoryFormatOpt", "MemoryFormat", "MemoryFormat", "memory_format", "_memory_format | None"
    ),
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
        return TYPES[self.type].kind

    @property
    def cpp(self) -> str:
        return TYPES[self.type].cpp

    @property
    def saved(self) -> str:
        return TYPES[self.type].saved

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
