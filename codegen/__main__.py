"""python -m codegen --out DIR | --list | --show NAME | --diff REV: everything that is generated from the table."""

from __future__ import annotations

import argparse
import difflib
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from codegen import bindings, expr, kernels, operations, reference, stubs
from codegen.table import Operation, Table, parse_formula

ROOT = Path(__file__).resolve().parent.parent


def outputs(table: Table) -> dict[str, str]:
    """File name -> contents."""
    files = {
        "loops.h": kernels.loops_header(table),
        "registry.cpp": bindings.registry(table),
        "_native.pyi": stubs.native(table),
        "reference.md": reference.page(table),
        "ops_summary.json": reference.summary(table),
    }
    for family in table.families():
        files[f"ops/{family}.h"] = operations.header(family, table)
        files[f"ops_{family}.cpp"] = bindings.family_source(family, table)
        loops = kernels.family_kernels(family, table)
        if loops:
            files[f"kernels_{family}.cpp"] = loops
    return files


def write(folder: Path, table: Table) -> None:
    """Writes what has changed, and nothing else, so that a changed row rebuilds one family."""
    for name, text in outputs(table).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def show(table: Table, name: str) -> str:
    """All that the rows of one public name become, in every reading."""
    rows = table.by_name.get(name)
    if not rows:
        raise SystemExit(f"no row is called {name!r}")
    out = io.StringIO()
    for o in rows:
        print(f"=== {o.where}  {o.row.signature}\n{o.row.doc}\n", file=out)
        if o.row.kind == "pointwise":
            code, loops = kernels._pointwise(o, table)
            print(f"--- scalar and vector\n{code}\n" + "".join(e for _, e in loops), file=out)
            print("--- GPU text\n" + gpu(o, table), file=out)
        elif o.row.kind == "reduction":
            print("--- scalar and vector\n" + "".join(kernels._reduction(o)), file=out)
        print("--- operation, backward node\n" + operations.source(o, table), file=out)
    print("--- Python entry\n" + bindings.entry(name, rows), file=out)
    print("--- stub\n" + stubs.function(name, rows), file=out)
    return out.getvalue()


def gpu(o: Operation, table: Table) -> str:
    """The bodies of the row's GPU kernels."""
    text = f"__device__ {o.name}: {expr.gpu_text(parse_formula(o.row.body, o.where))}\n"
    for target, _, tree in kernels.fused_gradients(o, table):
        text += f"__device__ {o.name} gradient of {target}: {expr.gpu_text(tree)}\n"
    return text


def diff(revision: str) -> str:
    """What the working tree changes in the generated files, against a revision of the table and generator."""
    archive = subprocess.run(
        ["git", "archive", revision, "ops", "codegen"], cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        subprocess.run([sys.executable, "-m", "codegen", "--out", f"{folder}/gen"], cwd=folder, check=True)
        now = outputs(Table())
        lines: list[str] = []
        before = {str(p.relative_to(f"{folder}/gen")): p.read_text() for p in Path(f"{folder}/gen").rglob("*.*")}
        for name in sorted(set(before) | set(now)):
            lines += difflib.unified_diff(
                before.get(name, "").splitlines(),
                now.get(name, "").splitlines(),
                f"{revision}/{name}",
                name,
                lineterm="",
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="codegen", description=__doc__)
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--out", type=Path, help="write all outputs into this folder")
    group.add_argument("--list", action="store_true", help="print the names of all outputs")
    group.add_argument("--show", metavar="NAME", help="print all that one row becomes")
    group.add_argument("--diff", metavar="REV", help="print what changed in the outputs since a revision")
    arguments = parser.parse_args()
    if arguments.diff:
        print(diff(arguments.diff))
        return
    try:
        table = Table()
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if arguments.out:
        write(arguments.out, table)
    elif arguments.list:
        print("\n".join(outputs(table)))
    else:
        print(show(table, arguments.show))


if __name__ == "__main__":
    main()
