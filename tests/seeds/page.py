"""Write `docs/seeds.md` from what the snippets do."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.seeds.notes import PAGE

HEAD = """\
# Five notes about PyTorch

Every snippet of the notes in `shared/seeds`, with its line, what PyTorch 2.13 does with it and what Rushlight does:
under `python -m rushlight` and with `import rushlight as torch`. `tests/seeds` runs them all, in the order of the note,
and compares what they show to the character: values of expressions too, random numbers after the same seed, the type of
the exception where a note errs. A snippet that errs comes a second time *as meant*: names that the note leaves to the
reader are given, words between its lines left out. Written by `python -m tests.seeds.page`.
"""


def main() -> None:
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_*.py"))
    notes = [importlib.import_module(f"tests.seeds.{name}").NOTE for name in names]
    PAGE.write_text("\n".join([HEAD, *(note.section() for note in notes)]))


if __name__ == "__main__":
    main()
