#!/usr/bin/env python3
"""Keep the figures of side_by_side.py by machine class and family, and say what got worse.

    python benchmarks/side_by_side.py --json out.json
    python benchmarks/record.py out.json             compare with the last run kept, then keep this one
    python benchmarks/record.py out.json --compare   compare only

One file a family, benchmarks/record/<class>/<family>.json, holds the last few runs. A case got worse if its
ratio ours/theirs of minima grew by more than 15%. The exit status is 0 either way: nothing fails on a time.
"""

import argparse
import datetime
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

RECORD = Path(__file__).resolve().parent / "record"
KEPT = 5
WORSE = 1.15
FIGURES = ("theirs", "ours", "min", "median")

Cases = dict[str, dict[str, float]]
Run = dict[str, Any]


def machine_class(cpuinfo: str) -> str:
    """The class of a machine, from the text of its /proc/cpuinfo: amx, avx512-intel, avx512-amd, avx2 or other."""
    fields: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", "").split()
    if "amx_tile" in flags:
        return "amx"
    if "avx512f" in flags:
        return "avx512-amd" if fields.get("vendor_id") == "AuthenticAMD" else "avx512-intel"
    return "avx2" if "avx2" in flags else "other"


def by_family(rows: Iterable[dict[str, Any]]) -> dict[str, Cases]:
    """The figures of the rows that have any, by family (what stands before the slash) and case."""
    families: dict[str, Cases] = {}
    for row in rows:
        if isinstance(row["min"], float):
            family = families.setdefault(row["case"].split("/")[0], {})
            family[row["case"]] = {key: row[key] for key in FIGURES}
    return families


def worse(before: Cases, now: Cases) -> list[tuple[str, float, float]]:
    """The cases of both runs whose ratio grew by more than the limit: name, ratio before, ratio now; worst first."""
    pairs = [(name, before[name]["min"], now[name]["min"]) for name in now if name in before]
    return sorted((pair for pair in pairs if pair[2] > WORSE * pair[1]), key=lambda pair: pair[1] / pair[2])


def load(file: Path) -> list[Run]:
    """The runs kept in a file of the record, oldest first."""
    return json.loads(file.read_text()) if file.exists() else []


def update(folder: Path, rows: Iterable[dict[str, Any]], when: str, keep: bool) -> list[str]:
    """Compare rows with the last runs kept in `folder`, keep them if asked to; lines that tell what got worse."""
    lines = []
    for family, cases in by_family(rows).items():
        file = folder / f"{family}.json"
        runs = load(file)
        if runs:
            found = worse(runs[-1]["cases"], cases)
            lines += [f"{name:42} {old:7.3f} -> {new:7.3f}  (x{new / old:.2f})" for name, old, new in found]
        if keep:
            folder.mkdir(parents=True, exist_ok=True)
            runs = [*runs, {"when": when, "cases": cases}][-KEPT:]
            file.write_text(json.dumps(runs, indent=1) + "\n")
    return lines


def main(arguments: Sequence[str]) -> int:
    """Read the results, print what got worse, keep them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path, help="what side_by_side.py --json wrote")
    parser.add_argument("--compare", action="store_true", help="keep nothing")
    parser.add_argument("--class", dest="machine", help="machine class, if not this machine's")
    options = parser.parse_args(arguments)
    machine = options.machine or machine_class(Path("/proc/cpuinfo").read_text())
    rows = json.loads(options.results.read_text())
    today = datetime.date.today().isoformat()
    lines = update(RECORD / machine, rows, today, keep=not options.compare)
    print("\n".join(lines) if lines else "nothing got worse by more than 15%", f"(class {machine})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
