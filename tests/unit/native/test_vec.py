"""Compiles tests/native/test_vec.cpp at every instruction level and runs it where the processor has that level."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FLAGS = ["-O2", "-std=c++20", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
AVX2 = ["-mavx2", "-mfma", "-mf16c"]
AVX512 = ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq"]
LEVELS = {"base": [], "avx2": AVX2, "avx512": AVX2 + AVX512}


def processor_has(flags: list[str]) -> bool:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    known = next(line for line in lines if line.startswith("flags")).split()
    return all(flag.removeprefix("-m") in known for flag in flags)


@pytest.mark.parametrize("level", LEVELS)
def test_vectors(level: str, tmp_path: Path) -> None:
    program = tmp_path / level
    source = ROOT / "tests/native/test_vec.cpp"
    flags = [*FLAGS, *LEVELS[level], f"-DRL_LEVEL={level}", f"-I{ROOT / 'native'}", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["g++", *flags, str(source), "-o", str(program)], check=True)
    if processor_has(LEVELS[level]):
        done = subprocess.run([str(program)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
