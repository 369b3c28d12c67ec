"""What the generator makes of five rows: a pointwise one, a reduction, a view, a kernel and a composite.

A change of the generator shows here as a change of these files. Read it, and renew them with

    python -m tests.unit.codegen.test_golden --update
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from codegen.__main__ import outputs, show, write
from codegen.table import Table

GOLDEN = Path(__file__).resolve().parent / "golden"
ROWS = {"pointwise": "tanh", "reduction": "amax", "view": "transpose", "kernel": "log_softmax", "composite": "matmul"}


def text_of(table: Table, name: str) -> str:
    """What `codegen --show` prints, without line numbers: rows move."""
    return re.sub(r"(ops/\w+\.py):\d+", r"\1", show(table, name))


@pytest.fixture(scope="module")
def table() -> Table:
    return Table()


@pytest.mark.parametrize(("kind", "name"), ROWS.items())
def test_output_is_the_golden_one(table: Table, kind: str, name: str) -> None:
    assert table.by_name[name][0].row.kind == kind
    assert text_of(table, name) == (GOLDEN / f"{name}.txt").read_text()


def test_show_of_an_unknown_name_ends_with_a_message(table: Table) -> None:
    with pytest.raises(SystemExit, match="no_such_row"):
        show(table, "no_such_row")


def test_only_changed_files_are_written(table: Table, tmp_path: Path) -> None:
    write(tmp_path, table)
    files = [tmp_path / name for name in outputs(table)]
    assert {f for f in tmp_path.rglob("*") if f.is_file()} == set(files)
    before = {f: f.stat().st_mtime_ns for f in files}
    files[0].write_text("changed")
    write(tmp_path, table)
    assert files[0].read_text() != "changed"
    assert all(f.stat().st_mtime_ns == before[f] for f in files[1:])


def update() -> None:
    """Writes the golden files anew."""
    GOLDEN.mkdir(exist_ok=True)
    table = Table()
    for name in ROWS.values():
        (GOLDEN / f"{name}.txt").write_text(text_of(table, name))


if __name__ == "__main__":
    if sys.argv[1:] != ["--update"]:
        sys.exit(__doc__)
    update()
