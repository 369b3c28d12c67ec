"""Pointwise rows and reductions at each instruction level: one process a level, the same numbers from all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rushlight as rl
from tests.table.compare import EPS, FLOATING, TESTED, close, outcome, results
from tests.table.samples import samples

ROOT = Path(__file__).resolve().parents[2]
LEVELS = ("base", "avx2", "avx512")


def level() -> str:
    return rl._native.build_info()["level"]


def compute() -> dict[str, np.ndarray]:
    """The results of all samples of the rows that have loops of their own."""
    found = {}
    for o in TESTED:
        if o.row.kind not in ("pointwise", "reduction"):
            continue
        for dtype in FLOATING:
            for i, sample in enumerate(samples(o)):
                y = outcome(rl, o, sample, dtype)
                if not isinstance(y, Exception):
                    found |= {f"{o.identifier} {dtype} {i} {k}": r.numpy() for k, r in enumerate(results(y))}
    return found


@pytest.fixture(scope="module")
def here() -> dict[str, np.ndarray]:
    return compute()


@pytest.mark.parametrize("name", LEVELS)
def test_level(name: str, here: dict[str, np.ndarray], tmp_path: Path) -> None:
    paths = [str(ROOT), str(Path(rl.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "RUSHLIGHT_CPU": name, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "tests.table.test_levels", str(tmp_path / "results.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, check=True)
    if done.stdout.strip() != name:
        pytest.skip(f"this build or machine has no level {name}")
    there = np.load(tmp_path / "results.npz")
    assert set(there.files) == set(here)
    for key, value in here.items():
        try:
            close(value, there[key], 4e-7, EPS.get(value.dtype.name, 0.0))
        except AssertionError as error:
            raise AssertionError(f"{key} at {name}: {error}") from None


if __name__ == "__main__":
    np.savez(sys.argv[1], **compute())
    print(level())
