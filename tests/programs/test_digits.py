"""The main job: `examples/digits.py` under Rushlight and under PyTorch, one unchanged file, the same first losses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits.py"
EPOCH = re.compile(r"epoch +(\d+): loss ([\d.]+), test accuracy ([\d.]+)")


def start(out: Path, *arguments: str, runner: bool) -> subprocess.Popen[str]:
    command = [sys.executable, *(["-m", "rushlight"] if runner else []), str(EXAMPLE), "--out", str(out), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def finish(process: subprocess.Popen[str]) -> tuple[str, list[tuple[float, float]]]:
    """What the program printed, and (loss, accuracy) of each epoch."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out, [(float(loss), float(accuracy)) for _, loss, accuracy in EPOCH.findall(out)]


def test_digits(tmp_path: Path) -> None:
    theirs = start(tmp_path / "theirs", "--epochs=1", runner=False)
    our_text, our_epochs = finish(start(tmp_path / "ours", runner=True))
    their_text, their_epochs = finish(theirs)
    assert our_text.startswith("torch 2.13.0+rushlight:") and "rushlight" not in their_text
    assert abs(our_epochs[0][0] - their_epochs[0][0]) < 1.5e-4, (our_epochs[0], their_epochs[0])
    assert our_epochs[-1][1] > 0.97
    assert "loaded again: same accuracy" in our_text
    assert (tmp_path / "ours" / "digits.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
