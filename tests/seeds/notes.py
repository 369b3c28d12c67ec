"""Study notes about PyTorch, snippet by snippet: PyTorch and Rushlight must show the same, character by character.

Each note is a test file with its snippets as data. A snippet as the note has it may err; then the exception has the
same type, and a second snippet of the same line, `meant=True`, is what the note wanted to say. `docs/seeds.md` lists
them all and is written by

    python -m tests.seeds.page
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DRIVER = Path(__file__).with_name("driver.py")
PAGE = Path(__file__).parents[2] / "docs" / "seeds.md"
WAYS = {
    "PyTorch": [str(DRIVER), "torch"],
    "runner": ["-m", "rushlight", str(DRIVER), "torch"],
    "import": [str(DRIVER), "rushlight"],
}


@dataclass(frozen=True)
class Snippet:
    """`code`, which the note has at `line`. `needs` names a part outside the heart: then only Rushlight runs it.

    `unwritten` says that the snippet shows memory that nobody wrote: its numbers are not compared.
    """

    line: int
    code: str
    remark: str = ""
    meant: bool = False
    needs: str = ""
    unwritten: bool = False

    def __str__(self) -> str:
        return f"line {self.line}{', as meant' * self.meant}"


@dataclass(frozen=True)
class Outcome:
    """What a snippet showed, and the type of the exception that ended it."""

    shown: str
    error: str | None

    def __str__(self) -> str:
        if self.error:
            return f"`{self.error}`"
        lines = self.shown.splitlines()
        short = len(lines) == 1 and len(lines[0]) <= 60
        return f"`{lines[0]}`" if short else f"{len(lines)} line{'s' * (len(lines) > 1)}" if lines else "runs"


@dataclass(frozen=True)
class Note:
    """A note of `name` (its file begins so) with its snippets, in order."""

    name: str
    title: str
    snippets: list[Snippet]

    @cached_property
    def outcomes(self) -> dict[str, dict[Snippet, Outcome]]:
        return {way: self._run(way) for way in WAYS}

    def _run(self, way: str) -> dict[Snippet, Outcome]:
        chosen = [s for s in self.snippets if not (s.needs and way == "PyTorch")]
        program = json.dumps([{"line": s.line, "code": s.code} for s in chosen])
        done = subprocess.run(
            [sys.executable, *WAYS[way]], input=program, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return {s: _outcome(s, **result) for s, result in zip(chosen, json.loads(done.stdout), strict=True)}

    def check(self, snippet: Snippet) -> None:
        """Under the runner and imported by its name, Rushlight shows what PyTorch shows."""
        runner, imported = self.outcomes["runner"][snippet], self.outcomes["import"][snippet]
        assert imported == runner
        if not snippet.needs:
            assert runner == self.outcomes["PyTorch"][snippet]

    def section(self) -> str:
        """What the page says of this note."""
        lines = [f"## {self.name}: {self.title}", "", "| line | snippet | PyTorch 2.13 | Rushlight | remark |"]
        lines.append("|---|---|---|---|---|")
        for s in self.snippets:
            ours = self.outcomes["runner"][s]
            theirs = f"needs {s.needs}" if s.needs else str(self.outcomes["PyTorch"][s])
            cells = [str(s.line), _first_line(s), theirs, str(ours) if s.needs else "the same", s.remark]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        return "\n".join(lines) + "\n"


def _outcome(snippet: Snippet, shown: str, error: str | None) -> Outcome:
    shown = re.sub(r"0x[0-9a-f]+", "0x...", shown).replace(
        "rushlight", "torch"
    )  # where an object lies, and whose it is
    if snippet.unwritten:
        shown = re.sub(r"[^\s\[\](),]+(?=[,\]])", "#", re.sub(r"(?<=[\[\s])\s+", "", shown))
    return Outcome(shown, error)


def _first_line(snippet: Snippet) -> str:
    first, *rest = snippet.code.strip().splitlines()
    return f"`{first.strip()}`{' ...' * bool(rest)}{' (as meant)' * snippet.meant}"
