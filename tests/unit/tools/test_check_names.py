"""tools/check_names finds lists of operations outside the table."""

import pytest

TABLE = """
from ops.row import pointwise
pointwise("sin(x)", body="sin(x)")
pointwise("cos(x)", body="cos(x)")
pointwise("tan(x, *, y=1)", body="tan(x)")
"""


def found(script, tree, name, text):
    return script("tools/check_names").check(tree({"ops/pointwise.py": TABLE, name: text}))


@pytest.mark.parametrize(
    "text",
    [
        'A = ["sin", "cos", "tan"]',
        'A = ("sin", 1, "cos", "tan")',
        'A = {"sin": 1, "cos": 2, "tan": 3}',
        'A = [("sin", 1), ("cos", 2), ("tan", 3)]',
        'A = "sin cos tan".split()',
        'def f(x):\n    return x == "sin" or x == "cos" or x == "tan"',
        'match x:\n    case "sin" | "cos" | "tan":\n        pass',
    ],
)
def test_python_lists(script, tree, text):
    (finding,) = found(script, tree, "src/rushlight/a.py", f"{text}\n")
    assert finding.what == "a list of rows outside the table: cos, sin, tan"


@pytest.mark.parametrize(
    "text",
    [
        '__all__ = ["sin", "cos", "tan"]',
        'A = ["sin", "cos", "sinus"]',
        'A = {"sin": 1, "cos": 2, "tan": 3}  # not operations: what a calculator prints',
        "from a import sin, cos, tan",
    ],
)
def test_python_without_lists(script, tree, text):
    assert found(script, tree, "src/rushlight/a.py", f"{text}\n") == []


def test_cpp(script, tree):
    text = 'int x;\nconst char* names[] = {\n  "sin", "cos",\n  "tan"};\nauto a = f("sin");\nauto b = f("cos");\n'
    (finding,) = found(script, tree, "native/cpu/a.cpp", text)
    assert finding.line == 2


def test_tests_may_say_what_they_exercise(script, tree):
    assert found(script, tree, "tests/unit/test_a.py", 'A = ["sin", "cos", "tan"]\n') == []
