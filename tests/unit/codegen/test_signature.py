"""Signatures of rows: names, types, defaults and what is given by keyword only."""

from __future__ import annotations

import pytest

from codegen.signature import TYPES, parse
from codegen.table import Table
from ops.row import Row


def row(signature: str) -> Row:
    return Row(kind="composite", signature=signature, file="ops/some.py", line=7, doc="A row.")


def test_arguments() -> None:
    signature = parse(
        row("f(input, dim: int, keepdim: bool = False, *, alpha: Number = 1, dtype: DType | None = None)")
    )
    assert signature.name == "f"
    assert [(p.name, p.type, p.default, p.keyword_only) for p in signature.parameters] == [
        ("input", "Tensor", None, False),
        ("dim", "int", None, False),
        ("keepdim", "bool", "False", False),
        ("alpha", "Number", "1", True),
        ("dtype", "DType | None", "None", True),
    ]
    assert signature["dim"].kind == "Int" and signature["alpha"].keyword_only
    assert signature.names() == ["input", "dim", "keepdim", "alpha", "dtype"]


def test_sizes_one_by_one() -> None:
    signature = parse(row("f(input, *size: int)"))
    assert signature["size"].type == "*int" and signature["size"].kind == "IntsVar"


def test_names_that_python_reserves() -> None:
    assert parse(row("f(self, from_: int)"))["from_"].public_name == "from"


@pytest.mark.parametrize("type_", [t for t in TYPES if not t.startswith("*")])
def test_every_type_parses(type_: str) -> None:
    p = parse(row(f"f(a: {type_})"))["a"]
    assert (p.kind, p.cpp, p.saved) == TYPES[type_][:3]


@pytest.mark.parametrize("signature", ["f(", "f(a: Tensr)", "f(a=1, b)", "(a)", "f(a: int = )"])
def test_mistakes_name_the_row(signature: str) -> None:
    with pytest.raises(ValueError, match=r"^ops/some\.py:7: "):
        parse(row(signature))


def test_overloads_are_found_by_their_arguments() -> None:
    table = Table()
    whole, along = table.find("sum", 1, "here"), table.find("sum", 3, "here")
    assert whole.row.overload == "" and along.row.overload == "dim"
    assert whole.identifier != along.identifier
    with pytest.raises(ValueError, match="here: the formula calls sum with 9 arguments"):
        table.find("sum", 9, "here")


def test_nodes_are_named_as_pytorch_names_them() -> None:
    table = Table()
    assert table.by_name["tanh"][0].node == "TanhBackward0"
    assert table.by_name["index_select"][0].node == "IndexSelectBackward0"
