"""The versions that programs ask for: `torch.version.cuda`, `torch.__version__`."""

from __future__ import annotations

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "rocm", "xpu"]

# The PyTorch that Rushlight behaves like, with its own name as the local part.
__version__ = "2.13.0+rushlight"
debug = False
cuda: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
git_version = "unknown"  # of PyTorch's repository, to which no commit of Rushlight's belongs
