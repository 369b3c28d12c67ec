"""Say where oneDNN is: its include folder, its library, its licence files, one path a line; nothing if it is not here.

The pip packages put their files outside the Python packages' folder, and in an isolated build that is not below
sys.prefix either; each package's own list of files says where they went.
"""

import importlib.metadata
import os
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("onednn-cpu-gomp", "onednn-devel-cpu-gomp")
LICENCES = ("LICENSE", "THIRD-PARTY-PROGRAMS")


def installed_files() -> list[Path]:
    """The files of the two pip packages, or none if either is missing."""
    files: list[Path] = []
    for name in PACKAGES:
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            return []
        files += [Path(os.path.normpath(str(distribution.locate_file(file)))) for file in distribution.files or []]
    return files


def choose(files: Iterable[Path]) -> list[Path]:
    """The include folder, the library and the licences among `files`; nothing unless headers and library are there."""
    by_tail = {"/".join(file.parts[-3:]): file for file in files}
    header = by_tail.get("oneapi/dnnl/dnnl.h")
    library = next((file for file in by_tail.values() if file.name == "libdnnl.so.3"), None)
    if header is None or library is None or not library.is_file():
        return []
    licences = {file.name: file for file in by_tail.values() if file.name in LICENCES}
    return [header.parents[2], library, *(licences[name] for name in LICENCES if name in licences)]


def main(arguments: list[str]) -> int:
    """Print the paths; `arguments` may name a folder to search in place of the installed packages."""
    files = [path for path in Path(arguments[0]).rglob("*") if path.is_file()] if arguments else installed_files()
    print("\n".join(str(path) for path in choose(files)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
