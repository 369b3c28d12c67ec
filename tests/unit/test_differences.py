"""docs/differences.md says what both libraries do."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
import torch as pt

import rushlight as rl

PAGE = (Path(__file__).parents[2] / "docs" / "differences.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```\n```\nPyTorch( \(.*?\))?: (.*?)\nRushlight: (.*?)\n```", PAGE, re.DOTALL)


def shown(library: Any, program: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"torch": library})
    return " ".join(printed.getvalue().split("\n")).strip()


def test_the_page_is_read_whole() -> None:
    assert len(PROGRAMS) == PAGE.count("```python")


@pytest.mark.parametrize(("program", "sometimes", "theirs", "ours"), PROGRAMS)
@pytest.mark.filterwarnings("ignore")
def test_a_difference(program: str, sometimes: str, theirs: str, ours: str) -> None:
    assert shown(rl, program) == ours
    if not sometimes:
        assert shown(pt, program) == theirs
