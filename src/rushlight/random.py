"""The random numbers of the CPU: one default generator, its seed and its state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rushlight._native import Generator, default_generator

if TYPE_CHECKING:
    from rushlight._native import Tensor

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


def manual_seed(seed: int) -> Generator:
    """Seed the default generator.

    Args:
        seed: from -2**63 to 2**64 - 1; a negative one counts back from 2**64.
    Returns:
        The default generator.
    Raises:
        ValueError: the seed is out of range, or not a number.
    """
    seed = int(seed)
    if not -(2**63) <= seed < 2**64:
        raise ValueError(f"manual_seed: the seed must be from -2**63 to 2**64 - 1, but got {seed}")
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator with a number that differs from run to run, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator last started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator, uint8 of 5056 bytes; PyTorch reads and writes the same ones."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Give the default generator a state that `get_rng_state` returned, here or in PyTorch."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """Draw random numbers inside without a trace: afterwards the generator is where it was.

    Args:
        devices: accelerators whose generators are kept as well; there are none in this build.
        enabled: False leaves the generators alone.
        device_type: the kind of `devices`.
    Raises:
        AssertionError: `devices` names an accelerator.
    """
    if not enabled:
        yield
        return
    if devices is not None and list(devices):
        raise AssertionError(f"{_caller}: {_devices_kw} names accelerators, but this build of Rushlight knows none")
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
