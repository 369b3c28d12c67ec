"""`torch.cuda` as a build for the CPU answers: there is no device, and what needs one says so."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from . import amp, nvtx, streams  # noqa: F401
from .streams import CUDAGraph, Event, ExternalStream, Stream, StreamContext, set_stream, stream  # noqa: F401

default_generators: tuple[Any, ...] = ()
has_half = True
has_magma = False


class CudaError(RuntimeError):
    """An error that the CUDA runtime reports."""


class DeferredCudaCallError(Exception):
    """An error in a call that waited for CUDA's initialisation."""


def _needs_cuda(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(
            f"torch.cuda.{name}: this build of Rushlight has no CUDA; ask torch.cuda.is_available() before, and use "
            "the device 'cpu'"
        )

    call.__name__ = call.__qualname__ = name
    call.__doc__ = "Raises AssertionError: this build has no CUDA."
    return call


_lazy_init = _needs_cuda("_lazy_init")
can_device_access_peer = _needs_cuda("can_device_access_peer")
caching_allocator_alloc = _needs_cuda("caching_allocator_alloc")
cudart = _needs_cuda("cudart")
current_blas_handle = _needs_cuda("current_blas_handle")
current_device = _needs_cuda("current_device")
current_stream = _needs_cuda("current_stream")
default_stream = _needs_cuda("default_stream")
get_device_capability = _needs_cuda("get_device_capability")
get_device_name = _needs_cuda("get_device_name")
get_device_properties = _needs_cuda("get_device_properties")
get_rng_state = _needs_cuda("get_rng_state")
get_sync_debug_mode = _needs_cuda("get_sync_debug_mode")
init = _needs_cuda("init")
initial_seed = _needs_cuda("initial_seed")
ipc_collect = _needs_cuda("ipc_collect")
mem_get_info = _needs_cuda("mem_get_info")
set_per_process_memory_fraction = _needs_cuda("set_per_process_memory_fraction")
set_sync_debug_mode = _needs_cuda("set_sync_debug_mode")
synchronize = _needs_cuda("synchronize")


# -- what there is ---------------------------------------------------------------------------------------------


def is_available() -> bool:
    """Whether a CUDA device can be used: False."""
    return False


def device_count() -> int:
    """The number of CUDA devices: 0."""
    return 0


def is_initialized() -> bool:
    """Whether CUDA has been initialised: False."""
    return False


def _is_compiled() -> bool:
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether the CUDA device computes in bfloat16: False."""
    return False


def is_tf32_supported() -> bool:
    """Whether the CUDA device computes in TF32: False."""
    return False


def is_current_stream_capturing() -> bool:
    """Whether a CUDA graph is being captured: False."""
    return False


def get_arch_list() -> list[str]:
    """The GPU architectures that this build has code for: none."""
    return []


def get_gencode_flags() -> str:
    """The compiler flags for `get_arch_list()`."""
    return ""


class device:
    """`with torch.cuda.device(index):`; a negative index is the only one that can be entered here.

    Raises:
        RuntimeError: on entry with an index of 0 or more.
    """

    def __init__(self, device: Any) -> None:
        self.idx = _index(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            raise RuntimeError(f"torch.cuda.device: device {self.idx} does not exist; this build has no CUDA")

    def __exit__(self, *error: Any) -> None:
        pass


class device_of(device):
    """`device` of the device that a tensor is on; without effect for a tensor on the CPU."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def set_device(device: Any) -> None:
    """Choose the current CUDA device; a negative index is ignored.

    Raises:
        AssertionError: any other index: there is no CUDA device.
    """
    if _index(device) >= 0:
        _needs_cuda("set_device")()


def _index(device: Any) -> int:
    if isinstance(device, int):
        return device
    kind, _, index = str(device).partition(":")
    if kind != "cuda":
        raise ValueError(f"torch.cuda: expected a CUDA device, but got {device}")
    return int(index or 0)


# -- memory: none is in use ------------------------------------------------------------------------------------


def empty_cache() -> None:
    """Give cached GPU memory back: there is none."""


def memory_allocated(device: Any = None) -> int:
    """Bytes of GPU memory in tensors: 0."""
    return 0


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes of GPU memory that tensors have had: 0."""
    return 0


def memory_reserved(device: Any = None) -> int:
    """Bytes of GPU memory held: 0."""
    return 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes of GPU memory held: 0."""
    return 0


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """Figures of the GPU allocator: empty."""
    return OrderedDict()


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start the peaks of `max_memory_allocated` anew; they stay 0."""


# -- random numbers: no generator to seed ----------------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Seed the current GPU's generator: checks the number, and has nothing to seed."""
    int(seed)


def manual_seed_all(seed: int) -> None:
    """Seed all GPUs' generators: checks the number, and has nothing to seed."""
    int(seed)


def seed() -> None:
    """Seed the current GPU's generator with a random number: there is none."""


def seed_all() -> None:
    """Seed all GPUs' generators with a random number: there are none."""


def get_rng_state_all() -> list[Any]:
    """The states of all GPUs' generators: an empty list."""
    return []


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Set the state of a GPU's generator: without effect."""


def set_rng_state_all(new_states: Any) -> None:
    """Set the states of all GPUs' generators: without effect."""


def __getattr__(name: str) -> Any:
    from rushlight._tensor_types import cuda_types

    if name in cuda_types:
        return cuda_types[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
