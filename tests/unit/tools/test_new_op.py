"""tools/new_op writes a row where it belongs, as the table's files look, and a test for it."""

import ast
import shutil
import subprocess
import sys

import pytest

TABLE = '''"""Rows."""

from ops.kinds import pointwise
from ops.row import floating

pointwise("exp(input)", types=floating, integers_to_float=True, body="exp(input)", doc="e ** input.")
pointwise("abs(input)", types=floating, body="abs(input)",
          doc="The absolute value.")
pointwise("sign(input)", body="sign(input)", doc="-1, 0 or 1.")
'''
SOFTSIGN = [
    "--kind=pointwise",
    "--signature=softsign(input)",
    "--body=input / (1 + abs(input))",
    "--grad=input: g / ((1 + abs(input)) * (1 + abs(input)))",
    "--doc=input / (1 + |input|).",
]


@pytest.fixture
def run(script, tree, capsys):
    """Runs the tool on a small table; the text of the family's file afterwards."""
    root = tree({"ops/pointwise.py": TABLE, "ops/reduction.py": '"""Rows."""\n'})

    def start(arguments, *answers, family="pointwise"):
        replies = iter(answers)
        script("tools/new_op").main(arguments, root, lambda question: next(replies))
        return (root / "ops" / f"{family}.py").read_text()

    start.root = root
    return start


def test_row_goes_behind_its_like(run):
    assert run(SOFTSIGN) == TABLE.replace(
        "pointwise(\"sign",
        'pointwise("softsign(input)", types=floating, integers_to_float=True, body="input / (1 + abs(input))",\n'
        '          grad={"input": "g / ((1 + abs(input)) * (1 + abs(input)))"}, doc="input / (1 + |input|).")\n'
        'pointwise("sign',
    )  # fmt: skip


def test_questions_are_asked(run):
    text = run([], "pointwise", "twice(input)", "input + input", "2 * g", "Both.")
    row = 'pointwise("twice(input)", body="input + input", grad={"input": "2 * g"}, doc="Both.")'
    assert text == f"{TABLE}{row}\n"


def test_another_kind_is_imported(run):
    text = run(["--kind=comparison", "--signature=same(input, other)", "--body=input == other", "--doc=Equal."])
    assert "from ops.kinds import comparison, pointwise\n" in text
    assert text.endswith('comparison("same(input, other)", body="input == other", doc="Equal.")\n')


def test_empty_family_gets_its_imports(run):
    arguments = ["--kind=reduction", "--signature=total(input)", "--body=a + b", "--grad=input: expand(g, input)"]
    with pytest.raises(SystemExit, match="names expand, which it does not know"):
        run([*arguments, "--doc=The sum."], family="reduction")
    text = run([*arguments[:3], "--grad=input: g * input", "--types=floating", "--doc=The sum."], family="reduction")
    ast.parse(text)
    assert text.startswith('"""Rows."""\n\nfrom ops.kinds import reduction\nfrom ops.row import floating\n')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("--signature=exp(input)", "there is a row exp already"),
        ("--signature=a b", "is no signature"),
        ("--body=input +", "does not parse"),
        ("--body=input + nothing", "names nothing, which it does not know"),
        ("--grad=other: g", "there is no tensor argument other"),
        ("--family=attic", "there is no family attic"),
    ],
)
def test_mistakes_are_told_and_write_nothing(run, change, message):
    option = change.partition("=")[0]
    kept = [argument for argument in SOFTSIGN if argument.partition("=")[0] != option]
    with pytest.raises(SystemExit, match=message):
        run([*kept, change])
    assert (run.root / "ops" / "pointwise.py").read_text() == TABLE


def test_long_rows_are_wrapped(run):
    signature = "f(" + ", ".join(f"argument_number_{n}" for n in range(12)) + ")"
    grads = [f"--grad=argument_number_{n}: g * argument_number_{n} * argument_number_{n + 1}" for n in range(4)]
    doc = "x y " * 60
    text = run(["--kind=pointwise", f"--signature={signature}", "--body=argument_number_0", *grads, f"--doc={doc}"])
    assert max(len(line) for line in text.splitlines()) <= 120
    (row,) = [call for call in calls(text) if ast.literal_eval(call.args[0]) == signature]
    fields = {field.arg: ast.literal_eval(field.value) for field in row.keywords}
    assert fields["doc"] == doc
    assert fields["grad"]["argument_number_3"] == "g * argument_number_3 * argument_number_4"


def calls(text):
    statements = [node.value for node in ast.parse(text).body if isinstance(node, ast.Expr)]
    return [value for value in statements if isinstance(value, ast.Call)]


def test_the_test_that_is_written_runs(run, monkeypatch):
    """Under PyTorch on both sides: what is wanted here is that the file is whole."""
    run(["--kind=pointwise", "--signature=hypot(input, other)", "--body=exp(input)", "--grad=input: g", "--doc=A."])
    (file,) = (run.root / "tests" / "table" / "rows").iterdir()
    file.write_text(file.read_text().replace("import rushlight as rl", "import torch as rl"))
    assert file.name == "test_hypot.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file)]
    subprocess.run(command, cwd=run.root, check=True, capture_output=True)


def test_rows_of_the_real_table_load(script, tree, tmp_path):
    """The row that is written is one that the table itself accepts."""
    root = script("tools/new_op").ROOT
    shutil.copytree(root / "ops", tmp_path / "ops", ignore=shutil.ignore_patterns("__pycache__"))
    arguments = [*SOFTSIGN[:1], "--signature=brand_new(input)", *SOFTSIGN[2:]]
    script("tools/new_op").main(arguments, tmp_path, lambda question: "")
    code = "import ops; row = next(r for r in ops.load() if 'brand_new' in r.signature); print(row.types)"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "float32" in result.stdout
    assert "int64" not in result.stdout
