"""Switches of PyTorch's compiler that programs set; they are kept, and change nothing."""

from __future__ import annotations

cache_size_limit = 8
recompile_limit = 8
accumulated_cache_size_limit = 256
capture_scalar_outputs = False
dynamic_shapes = True
optimize_ddp = True
suppress_errors = False
verbose = False
