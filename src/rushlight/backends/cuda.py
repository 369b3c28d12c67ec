"""CUDA's switches; kept, and without effect in a build for the CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


def is_built() -> bool:
    """Whether this build has CUDA: False."""
    return False


class _Matmul:
    """How GPUs multiply matrices; an unknown switch raises AttributeError."""

    __slots__ = (
        "allow_bf16_reduced_precision_reduction",
        "allow_fp16_accumulation",
        "allow_fp16_reduced_precision_reduction",
        "allow_tf32",
        "fp32_precision",
    )

    def __init__(self) -> None:
        self.allow_tf32 = False
        self.allow_fp16_accumulation = False
        self.allow_fp16_reduced_precision_reduction = True
        self.allow_bf16_reduced_precision_reduction = True
        self.fp32_precision = "none"


matmul = _Matmul()

_attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def flash_sdp_enabled() -> bool:
    """Whether attention may use the flash kernel of a GPU."""
    return _attention["flash"]


def enable_flash_sdp(enabled: bool) -> None:
    """Set `flash_sdp_enabled`."""
    _attention["flash"] = bool(enabled)


def mem_efficient_sdp_enabled() -> bool:
    """Whether attention may use the memory-efficient kernel of a GPU."""
    return _attention["mem_efficient"]


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Set `mem_efficient_sdp_enabled`."""
    _attention["mem_efficient"] = bool(enabled)


def math_sdp_enabled() -> bool:
    """Whether attention may be computed step by step."""
    return _attention["math"]


def enable_math_sdp(enabled: bool) -> None:
    """Set `math_sdp_enabled`."""
    _attention["math"] = bool(enabled)


def cudnn_sdp_enabled() -> bool:
    """Whether attention may use cuDNN."""
    return _attention["cudnn"]


def enable_cudnn_sdp(enabled: bool) -> None:
    """Set `cudnn_sdp_enabled`."""
    _attention["cudnn"] = bool(enabled)


def is_flash_attention_available() -> bool:
    """Whether this build has the flash kernel for GPUs: False."""
    return False


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[Any]:
    """Choose the kernels that attention may use within a `with` block."""
    before = dict(_attention)
    _attention.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield {}
    finally:
        _attention.update(before)
