"""`import torch` in an interpreter that was started from under `python -m rushlight`."""

import sys
from pathlib import Path

try:
    import rushlight  # noqa: F401
except ModuleNotFoundError:
    # Rushlight runs from a folder that only the first interpreter had on its path.
    sys.path.append(str(Path(__file__).parents[4]))

from rushlight._compat.names import activate

activate()
