"""The formula language: what it takes, what it refuses and where it says so, and the readings of one formula."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from codegen import kernels, operations
from codegen.expr import Composition, call_condition, elementwise, gpu_text
from codegen.table import Table, names_in, parse_formula
from ops.kinds import composite, kernel, loss, pointwise, reduction, view
from ops.row import TABLE, Row, floating

FORMULA = "where(x < 0, -x, x * (w + 1) / 2)"


def rows(*made: Row) -> list[Row]:
    """Rows that are not left behind in the table of the library."""
    for row in made:
        TABLE[:] = [r for r in TABLE if r is not row]
    return list(made)


def basics() -> list[Row]:
    """Enough of a table for formulas to call."""
    return rows(
        pointwise("add(a: Operand, b: Operand)", body="a + b", operator="+", doc="a + b."),
        pointwise("mul(a: Operand, b: Operand)", body="a * b", operator="*", doc="a * b."),
        pointwise("div(a: Operand, b: Operand)", body="a / b", operator="/", doc="a / b."),
        pointwise("lt(a: Operand, b: Operand)", body="a < b", operator="<", bool_output=True, doc="a < b."),
        pointwise("neg(x)", body="-x", doc="-x."),
        pointwise("exp(x)", body="exp(x)", doc="e ** x."),
        pointwise("where(c, a: Operand, b: Operand)", body="where(c, a, b)", bool_inputs=("c",), doc="a or b."),
        reduction(
            "sum(x, dim: Ints, keepdim: bool = False)", map="x", combine="a + b", start="0", finish="a", doc="Sum."
        ),
    )


def generate(*made: Row) -> str:
    """The operations that the rows become."""
    table = Table([*basics(), *rows(*made)])
    return "".join(operations.source(o, table) for o in table.operations)


# ------------------------------------------------------------------ readings


def test_scalars_and_vectors_give_numbers_the_arithmetic_type() -> None:
    tree = parse_formula(FORMULA, "here")
    assert elementwise(tree) == "where((x < V(0)), (-x), ((x * (w + V(1))) / V(2)))"


def test_gpu_text() -> None:
    tree = parse_formula(FORMULA, "here")
    assert gpu_text(tree) == "where((x < T(0)), (-x), ((x * (w + T(1))) / T(2)))"


def test_composition_calls_operations() -> None:
    values = {"x": ("tensor", "x"), "w": ("scalar", "v.w")}
    text = Composition(Table(basics()), "here", values).emit(parse_formula(FORMULA, "here"))
    assert text.count("ops::") == 5  # where, <, unary -, *, /: the sum of two numbers needs no tensor
    assert text.startswith("ops::where(ops::lt(")
    assert "(Scalar(v.w) + Scalar(Scalar(1)))" in text


def test_composition_of_sizes() -> None:
    text = Composition(Table(basics()), "here", {"x": ("tensor", "x"), "dim": ("Ints", "v.dim")}).emit(
        parse_formula("sum(x, dim, True)", "here")
    )
    assert text == "ops::sum(x, DimSpan(v.dim), true)"


def test_every_formula_of_the_table_has_its_readings() -> None:
    table = Table()
    for o in table.operations:
        if o.row.kind == "pointwise":
            tree = parse_formula(o.row.body, o.where)
            assert elementwise(tree).replace("V(", "T(") == gpu_text(tree)
            kernels._pointwise(o, table)
        operations.source(o, table)


def test_only_gradients_of_several_operations_get_a_kernel() -> None:
    made = pointwise("f(a, b)", body="a * b", grad={"a": "g * b", "b": "g * (a + 1)"}, doc="A row.")
    table = Table([*basics(), *rows(made)])
    assert [name for name, _, _ in kernels.fused_gradients(table.operations[-1], table)] == ["b"]


def test_gradients_with_reductions_are_composed_only() -> None:
    made = pointwise("f(a)", body="a * a", grad={"a": "g * sum(a, 0) * 2"}, doc="A row.")
    table = Table([*basics(), *rows(made)])
    assert kernels.fused_gradients(table.operations[-1], table) == []


def test_saved_values_are_the_names_a_formula_mentions() -> None:
    by_result = generate(pointwise("f(a)", types=floating, body="exp(a)", grad={"a": "g * y"}, doc="A row."))
    assert "Saved y;" in by_result and "Saved a;" not in by_result
    by_argument = generate(pointwise("f(a)", types=floating, body="a * a", grad={"a": "g * a"}, doc="A row."))
    assert "Saved a;" in by_argument and "Saved y;" not in by_argument
    assert "save_copy(a)" in by_argument  # the in-place form overwrites it


def test_names_come_in_order_and_without_functions() -> None:
    assert names_in(ast.parse("where(c, exp(b) * a, b)", mode="eval")) == ["c", "b", "a"]


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    "formula", ["x +", "x = 1", "import os", "x if c else y", "[x]", "lambda: x", "x[0]", "'text' and x", "x.y"]
)
def test_what_is_not_in_the_language_is_refused_where_it_stands(formula: str) -> None:
    with pytest.raises(ValueError, match=r"^ops/some\.py:12: "):
        parse_formula(formula, "ops/some.py:12")


WRONG = {
    "mentions 'missing'": lambda: pointwise("f(a)", body="a", grad={"a": "g * missing"}, doc="A row."),
    "calls exp with 2 arguments": lambda: pointwise("f(a)", body="a", grad={"a": "exp(g, a)"}, doc="A row."),
    "calls nothing_like_it": lambda: pointwise("f(a)", body="a", grad={"a": "nothing_like_it(g)"}, doc="A row."),
    "'b', which is not an argument": lambda: pointwise("f(a)", body="a", grad={"b": "g"}, doc="A row."),
    "List is not part of the formula": lambda: pointwise("f(a)", body="a", grad={"a": "[g]"}, doc="A row."),
    "has no doc": lambda: pointwise("f(a)", body="a"),
    "needs its body": lambda: pointwise("f(a)", doc="A row."),
    "needs its layout": lambda: view("f(a)", doc="A row."),
    "stands in": lambda: pointwise("exp(a)", body="a", doc="A row."),
    "must name all that have one": lambda: kernel("f(a, b, c)", grad={("b", "a"): "g", "c": "g"}, doc="A row."),
    "unknown type 'Tensr'": lambda: composite("f(a: Tensr)", doc="A row."),
    "is not valid": lambda: composite("f(a", doc="A row."),
}


@pytest.mark.parametrize("message", WRONG)
def test_mistakes_name_the_file_and_line_of_the_row(message: str) -> None:
    made = WRONG[message]()
    line = WRONG[message].__code__.co_firstlineno
    assert (made.file, made.line) == (f"ops/{Path(__file__).name}", line)
    with pytest.raises(ValueError, match=rf"^{made.file}:{line}: ") as error:
        generate(made)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("in_place", "overwritten"),
        ("number(other)", "!other.tensor"),
        ("count(dim) != 1", "dim.n != 1"),
        ("label_smoothing > 0", "label_smoothing > 0"),
        ("dims(input) == 2 and bias is None", "input->ndim == 2 && !bias.tensor()"),
    ],
)
def test_conditions_of_node_names(condition: str, text: str) -> None:
    assert call_condition(condition, "ops/f.py:1") == text


def test_a_condition_out_of_the_language_names_its_row() -> None:
    with pytest.raises(ValueError, match=r"^ops/f\.py:1: .*input"):
        call_condition("input.size(0) > 1", "ops/f.py:1")


def test_a_loss_has_its_reduction_beside_the_loop_and_its_share_in_the_gradient() -> None:
    made = loss("f(a, b, reduction: Reduction, c: Number)", body="a * b * c", grad={"a": "g * b * c"}, doc="A loss.")
    table = Table([*basics(), *rows(made)])
    o = table.by_name["f"][0]
    assert o.reduces and [p.name for p in o.operands] == ["a", "b", "c"]
    assert kernels.fused_gradients(o, table)[0][1] == ["g", "b", "c", "scale"]  # numbers last


def test_the_table_stays_as_it_was() -> None:
    assert not [row for row in TABLE if row.file == f"ops/{Path(__file__).name}"]
