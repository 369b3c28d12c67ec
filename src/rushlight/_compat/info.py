"""`python -m rushlight info`: what is installed, and what it found on this machine."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path

from rushlight import _native, version


def text() -> str:
    """The lines that `python -m rushlight info` prints; NumPy is looked for without being imported."""
    build = _native.build_info()
    folder = Path(__file__).parents[1]
    lines = {
        "Rushlight": f"{version.__version__}, Python {platform.python_version()}, compiler {build['compiler']}",
        "processor": f"{_processor()}, {build['threads']} threads",
        "instructions": f"{build['level']} kernels in use",
        "oneDNN": "found" if build["onednn"] else "not found: matmul and convolution use Rushlight's own kernels",
        "NumPy": _installed("numpy"),
        "operations": f"{build['operations']} in the table",
        "installed in": f"{folder}, {_size(folder) / 1e6:.1f} MB",
    }
    width = max(map(len, lines)) + 2
    return "\n".join(f"{name:{width}}{value}" for name, value in lines.items())


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            names = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")
