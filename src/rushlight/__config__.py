"""How this build was made and what it uses, as text."""

from __future__ import annotations

from . import _native, version

__all__ = ["parallel_info", "show"]


def show() -> str:
    """A readable description of the build: compiler, instruction levels, libraries."""
    build = _native.build_info()
    return (
        f"Rushlight {version.__version__} built with:\n"
        f"  - compiler {build['compiler']}\n"
        f"  - {build['level']} kernels in use\n"
        f"  - oneDNN {'found' if build['onednn'] else 'not found'}\n"
        f"  - CUDA not available\n"
    )


def parallel_info() -> str:
    """A readable description of the threads in use."""
    return f"OpenMP: {_native.build_info()['threads']} threads\n"
