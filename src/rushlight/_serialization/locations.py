"""Where storages live: the tag that a file keeps for each, and where a loaded one is put."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rushlight as rl
from rushlight.storage import allocate

__all__ = ["default_restore_location", "location_tag", "register_package", "restorer", "tag"]

Tagger = Callable[[Any], "str | None"]
Deserializer = Callable[[Any, str], Any]

_packages: list[tuple[int, Tagger, Deserializer]] = []


def register_package(priority: int, tagger: Tagger, deserializer: Deserializer) -> None:
    """Teaches ``save`` and ``load`` a kind of location.

    Args:
        priority: lower ones are asked first.
        tagger: from a storage to its location's text, or None when it is of another kind.
        deserializer: from a storage in main memory and a text to the storage there, or None likewise.
    """
    _packages.append((priority, tagger, deserializer))
    _packages.sort(key=lambda package: package[0])


def location_tag(storage: Any) -> str:
    """The text that stands for a storage's place, such as "cpu" or "cuda:0"."""
    for _, tagger, _ in _packages:
        location = tagger(storage)
        if location:
            return location
    raise RuntimeError(f"save: no registered location knows a storage on {storage.device}")


tag = location_tag


def default_restore_location(storage: Any, location: str) -> Any:
    """The storage, moved to where ``location`` says.

    Raises:
        RuntimeError: when that device is not there, or nobody knows the text.
    """
    for _, _, deserializer in _packages:
        restored = deserializer(storage, location)
        if restored is not None:
            return restored
    raise RuntimeError(f"load: unknown location {location!r:.200}; pass map_location='cpu' to load into main memory")


def restorer(map_location: Any) -> Deserializer:
    """What puts a loaded storage into its place, for ``map_location`` in each of its forms."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(storage, map_location.get(location, location))
    if isinstance(map_location, (str, rl.device)):
        target = str(map_location)
        return lambda storage, location: default_restore_location(storage, target)

    def restore(storage: Any, location: str) -> Any:
        moved = map_location(storage, location)
        return default_restore_location(storage, location) if moved is None else moved

    return restore


def _tag_of(kind: str) -> Tagger:
    def tagger(storage: Any) -> str | None:
        device = storage.device
        if device.type != kind:
            return None
        return kind if device.index is None or kind == "cpu" else f"{kind}:{device.index}"

    return tagger


def _restore_cpu(storage: Any, location: str) -> Any:
    return storage if location == "cpu" else None


def _restore_meta(storage: Any, location: str) -> Any:
    return allocate(storage.nbytes(), device="meta") if location == "meta" else None


def _restore_cuda(storage: Any, location: str) -> Any:
    if not location.startswith("cuda"):
        return None
    cuda = getattr(rl, "cuda", None)
    count = cuda.device_count() if cuda is not None and cuda.is_available() else 0
    if count == 0:
        raise RuntimeError(
            f"load: a tensor was saved on {location!r:.80}, but no CUDA device is available here; pass "
            "map_location='cpu'"
        )
    index = rl.device(location).index
    if index is not None and index >= count:
        raise RuntimeError(
            f"load: a tensor was saved on {location!r:.80}, but only {count} CUDA devices are available here; pass "
            "map_location with one of them"
        )
    flat = rl.empty(0, dtype=rl.uint8).set_(storage, 0, (storage.nbytes(),), (1,))
    return flat.to(location).untyped_storage()


register_package(10, _tag_of("cpu"), _restore_cpu)
register_package(20, _tag_of("cuda"), _restore_cuda)
register_package(22, _tag_of("meta"), _restore_meta)
