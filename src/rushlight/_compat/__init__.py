"""Programs that say `import torch` run on Rushlight: the runner (`python -m rushlight`) and `as_torch()`.

`names` makes `torch.x.y` and `rushlight.x.y` one module, `run` starts a program as Python itself would, `site` is
the folder that other interpreters and packaging tools find, and `info` prints what is installed.
"""

from __future__ import annotations

from types import ModuleType

__all__ = ["as_torch"]


def as_torch() -> ModuleType:
    """Let `import torch` mean Rushlight from here on, in this process and the ones it starts. For notebooks.

    Returns:
        The package, so that `torch = rushlight.as_torch()` works too.
    Raises:
        RuntimeError: PyTorch itself is imported already; two libraries cannot share the name.
    """
    from . import names

    return names.activate()
