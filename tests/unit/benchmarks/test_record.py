"""benchmarks/record.py keeps runs by family and tells what got worse."""

import importlib.util
import json
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[3] / "benchmarks" / "record.py"
spec = importlib.util.spec_from_file_location("record", PATH)
assert spec is not None
assert spec.loader is not None
record = importlib.util.module_from_spec(spec)
spec.loader.exec_module(record)


def row(case, ratio):
    return {"case": case, "theirs": 1.0, "ours": ratio, "min": ratio, "median": ratio, "target": 0.1}


@pytest.mark.parametrize(
    ("vendor", "flags", "expected"),
    [
        ("GenuineIntel", "avx2 avx512f amx_tile", "amx"),
        ("GenuineIntel", "avx2 avx512f", "avx512-intel"),
        ("AuthenticAMD", "avx2 avx512f", "avx512-amd"),
        ("AuthenticAMD", "avx2", "avx2"),
        ("GenuineIntel", "sse2", "other"),
    ],
)
def test_machine_class(vendor, flags, expected):
    cpuinfo = f"processor : 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\nprocessor : 1\n"
    assert record.machine_class(cpuinfo) == expected


def test_runs_are_kept_by_family_and_what_got_worse_is_told(tmp_path):
    first = [row("tiny/add", 0.1), row("tiny/mul", 0.1), row("conv/a", 0.9), {**row("tiny/new", 0.0), "min": None}]
    assert record.update(tmp_path, first, "2026-01-01", keep=True) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["conv.json", "tiny.json"]
    second = [row("tiny/add", 0.116), row("tiny/mul", 0.114), row("conv/a", 1.8)]
    lines = record.update(tmp_path, second, "2026-01-02", keep=False)
    assert [line.split()[0] for line in lines] == ["tiny/add", "conv/a"]
    assert len(json.loads((tmp_path / "tiny.json").read_text())) == 1


def test_only_the_last_runs_are_kept(tmp_path):
    for day in range(9):
        record.update(tmp_path, [row("tiny/add", 0.1)], f"2026-01-0{day}", keep=True)
    runs = json.loads((tmp_path / "tiny.json").read_text())
    assert [run["when"] for run in runs] == [f"2026-01-0{day}" for day in range(4, 9)]
