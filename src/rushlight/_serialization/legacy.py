"""The format before the zip archive: pickles one after another, then the storages' bytes.

In order: a magic number, the format's version, facts on the machine, the object, the keys of its storages, and for each
key the number of elements (int64) and the bytes.
"""

from __future__ import annotations

import os
import pickle
import pickletools
import struct
import sys
from collections.abc import Callable
from typing import IO, Any

import rushlight as rl
from rushlight._serialization.full_unpickler import make_unpickler
from rushlight._serialization.pickler import StorageTable, make_pickler
from rushlight._serialization.safe_unpickler import SafeUnpickler
from rushlight._serialization.storages import StorageLoader, swap_bytes
from rushlight._serialization.zip_reader import FileFormatError
from rushlight.storage import allocate, memory_of

__all__ = ["load", "save"]

_MAGIC = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_TYPE_SIZES = {"short": 2, "int": 4, "long": 4}


def save(obj: Any, file: IO[bytes], pickle_module: Any, protocol: int, host_bytes: Callable[[Any], memoryview]) -> None:
    """Writes ``obj``; ``host_bytes`` gives a storage's bytes in main memory."""
    machine = {
        "protocol_version": _VERSION,
        "little_endian": sys.byteorder == "little",
        "type_sizes": _TYPE_SIZES,
    }
    for value in (_MAGIC, _VERSION, machine):
        file.write(pickle.dumps(value, protocol))
    storages = StorageTable()
    make_pickler(file, protocol, pickle_module, storages, old_format=True).dump(obj)
    keys = sorted(storages.by_key)
    file.write(pickle.dumps(keys, protocol))
    for key in keys:
        storage = storages.by_key[key]
        count = storage.nbytes() if storage.type_name is None else storage.size()
        file.write(struct.pack("<q", count))
        file.write(host_bytes(storage))


def load(
    file: IO[bytes],
    restore: Callable[[Any, str], Any],
    safe: bool,
    pickle_module: Any,
    arguments: dict[str, Any],
) -> Any:
    """Reads one object and leaves the file behind it.

    Storages are made when the pickle names them and filled afterwards, since their bytes come last.
    """
    magic, version, machine = (_plain(file) for _ in range(3))
    if magic != _MAGIC or version != _VERSION or not isinstance(machine, dict):
        raise FileFormatError("the file is no checkpoint: it starts like a pickle, but without the magic number")
    unfilled = _Unfilled(file, restore)
    load_storage = StorageLoader(unfilled.make, unfilled.restore)
    if safe:
        result = SafeUnpickler(_next_pickle(file), load_storage, arguments["encoding"]).load()
    else:
        result = make_unpickler(file, pickle_module, load_storage, **arguments).load()
    keys = _plain(file)
    if not isinstance(keys, list) or set(map(str, keys)) != set(load_storage.loaded) or len(set(keys)) != len(keys):
        raise FileFormatError("the file's list of storages is not what its object names")
    swap = machine.get("little_endian", True) != (sys.byteorder == "little")
    for key in keys:
        unfilled.fill(key, load_storage.loaded[key].dtype, swap)
    return result


class _Unfilled:
    """Storages whose bytes have not been read yet: in main memory, and where they were moved to."""

    def __init__(self, file: IO[bytes], restore: Callable[[Any, str], Any]) -> None:
        self._file = file
        self._restore = restore
        here = file.tell()
        self._left = file.seek(0, os.SEEK_END) - here
        file.seek(here)
        self._pairs: dict[str, list[Any]] = {}
        self._last = ""

    def make(self, key: str, nbytes: int) -> Any:
        self._left -= nbytes
        if self._left < 0:
            raise FileFormatError(f"storage {key!r:.80} of {nbytes} bytes is larger than the rest of the file")
        untyped = allocate(nbytes)
        self._pairs[key] = [untyped]
        self._last = key
        return untyped

    def restore(self, untyped: Any, location: str) -> Any:
        moved = self._restore(untyped, location)
        self._pairs[self._last].append(moved)
        return moved

    def fill(self, key: str, dtype: Any, swap: bool) -> None:
        """Reads the next storage of the file, which is that of ``key``."""
        untyped, moved = self._pairs[key]
        memory = memory_of(untyped)
        head = self._file.read(8)
        if len(head) < 8 or struct.unpack("<q", head)[0] * dtype.itemsize != len(memory):
            raise FileFormatError(f"storage {key!r:.80} has another size than its tensors say: the file is damaged")
        data = self._file.read(len(memory))
        if len(data) < len(memory):
            raise FileFormatError(f"storage {key!r:.80} ends early: the file is truncated")
        memory[:] = data
        if swap:
            swap_bytes(memory, dtype)
        if moved is not untyped and moved.device.type != "meta":
            _flat(moved).copy_(_flat(untyped))


def _flat(untyped: Any) -> Any:
    return rl.empty(0, dtype=rl.uint8, device=untyped.device).set_(untyped, 0, (untyped.nbytes(),), (1,))


def _plain(file: IO[bytes]) -> Any:
    """The next pickle, which holds plain values only."""
    return SafeUnpickler(_next_pickle(file), _refuse_storage).load()


def _next_pickle(file: IO[bytes]) -> bytes:
    start = file.tell()
    try:
        for _ in pickletools.genops(file):
            pass
    except ValueError as error:
        raise FileFormatError(f"the file is no checkpoint, or is truncated: {error}") from None
    end = file.tell()
    file.seek(start)
    return file.read(end - start)


def _refuse_storage(identity: Any) -> Any:
    raise FileFormatError("the head of the file names a storage; the file is damaged")
