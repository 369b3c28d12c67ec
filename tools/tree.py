"""Which files the project holds, and how a check reports what it found."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
# Folders that hold no sources of ours: built, or kept word for word as they came.
SKIPPED_FOLDERS = {"build", "dist", "venv", "__pycache__"}
AS_THEY_CAME = ("tests/conformance/", "benchmarks/cases.py", "benchmarks/side_by_side.py")
SCRIPTS = ("tools/", ".ci/")


class Finding(NamedTuple):
    """One thing that a check objects to, and where."""

    path: str
    line: int
    what: str


def sources(root: Path, *suffixes: str) -> Iterator[Path]:
    """The project's own files with one of the suffixes, sorted; links and built folders are left out.

    A script without a suffix counts as Python, or as shell, by its first line.
    """
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS and not is_hidden(name))
        for name in sorted(names):
            path = Path(folder, name)
            if path.is_symlink() or path.relative_to(root).as_posix().startswith(AS_THEY_CAME):
                continue
            if suffix_of(path, root) in suffixes:
                yield path


def is_hidden(folder: str) -> bool:
    """Folders of tools (.git, .venv, caches); .ci is ours."""
    return folder.startswith(".") and folder != ".ci"


def suffix_of(path: Path, root: Path) -> str:
    """A file's suffix; for a script without one, the suffix of its language."""
    if path.suffix or not path.relative_to(root).as_posix().startswith(SCRIPTS):
        return path.suffix
    with path.open(errors="replace") as file:
        first = file.readline()
    return ".py" if "python" in first else ".sh" if first.startswith("#!") else ""


def report(check: str, findings: Iterable[Finding], root: Path = ROOT) -> int:
    """Print the findings, one a line, as an editor can follow them; the exit status."""
    lines = [f"{os.path.relpath(f.path, root)}:{f.line}: {f.what}" for f in findings]
    print("\n".join([*lines, f"{check}: {f'{len(lines)} found' if lines else 'nothing to object to'}"]))
    return 1 if lines else 0


def root_argument() -> Path:
    """The tree to check: the first argument, or this one."""
    return Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
