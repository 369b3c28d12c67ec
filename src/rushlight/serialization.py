"""``save`` and ``load``: checkpoints in PyTorch's file format, both ways.

By default ``load`` runs nothing that a file says: it rebuilds tensors and plain containers, and refuses all else by
name. ``weights_only=False`` is full pickle, which can run anything; it is for files whose author you trust.
"""

from __future__ import annotations

import io
import os
import pickle
import sys
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import rushlight as rl
from rushlight._serialization import detect, legacy, locations
from rushlight._serialization import safe_globals as _globals
from rushlight._serialization.full_unpickler import make_unpickler
from rushlight._serialization.locations import default_restore_location, location_tag, register_package
from rushlight._serialization.options import LoadEndianness, options, set_default_mmap_options
from rushlight._serialization.pickler import StorageTable, make_pickler
from rushlight._serialization.safe_unpickler import SafeUnpickler
from rushlight._serialization.scan import named_globals
from rushlight._serialization.storages import StorageLoader
from rushlight._serialization.zip_reader import FileFormatError, ZipReader
from rushlight._serialization.zip_writer import ALIGNMENT, ZipWriter
from rushlight.storage import TypedStorage, allocate, memory_of, storage_over

__all__ = [
    "LoadEndianness",
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_crc32_options",
    "get_default_load_endianness",
    "get_default_mmap_options",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "location_tag",
    "register_package",
    "safe_globals",
    "save",
    "set_crc32_options",
    "set_default_load_endianness",
    "set_default_mmap_options",
]

_FORMAT_VERSION = "3"
_HEAD_SIZE = 512
_MAPPED_ALIGNMENT = 16  # a storage at another offset is copied instead of mapped


def save(
    obj: object,
    f: Any,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Writes an object to a file that :func:`load` and PyTorch's ``torch.load`` read.

    Args:
        obj: anything that pickles. Tensors keep sharing their storages, which are written whole, once.
        f: a path, or a file object with ``write``.
        pickle_module: the module whose pickler writes the object.
        pickle_protocol: the protocol of the pickle.

    Raises:
        RuntimeError: when the path's folder does not exist.
        AttributeError: when ``f`` cannot be written to.
    """
    if not _is_path(f) and not hasattr(f, "write"):
        raise AttributeError(f"save: expected a path or a file object with write(), got {type(f).__name__}")
    if not _use_new_zipfile_serialization:
        with _opened(f, "wb") as file:
            legacy.save(obj, file, pickle_module, pickle_protocol, _host_bytes)
        return
    # The pickle comes first: when an object cannot be pickled, an older file of that name stays as it was.
    stream, storages = io.BytesIO(), StorageTable()
    make_pickler(stream, pickle_protocol, pickle_module, storages).dump(obj)
    with _opened(f, "wb") as file:
        writer = ZipWriter(file, Path(os.fsdecode(f)).stem if _is_path(f) else "archive", options.checksums)
        writer.write_record("data.pkl", stream.getbuffer())
        writer.write_record(".format_version", b"1")
        writer.write_record(".storage_alignment", str(ALIGNMENT).encode())
        if not _disable_byteorder_record:
            writer.write_record("byteorder", sys.byteorder.encode())
        for key, storage in storages.by_key.items():
            writer.write_record(f"data/{key}", _host_bytes(storage))
        writer.write_record("version", f"{_FORMAT_VERSION}\n".encode())
        writer.write_record(".data/serialization_id", f"{zlib.crc32(stream.getbuffer()):040d}".encode())
        writer.close()


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads an object that :func:`save` or PyTorch's ``torch.save`` wrote.

    Args:
        f: a path, or a file object with ``read``, ``readline``, ``tell`` and ``seek``.
        map_location: where tensors go: None for where they were, a device or its name, a dict from saved to wanted
            names, or a function (storage, location) -> storage or None.
        pickle_module: the module whose unpickler reads the object; only with ``weights_only=False``.
        weights_only: True (the default) runs nothing that the file says and allows tensors, plain containers and
            what :func:`add_safe_globals` added. False is full pickle: it can run any code.
        mmap: map the file into memory instead of reading it; ``f`` must be a path.
        pickle_load_args: for the unpickler, such as ``encoding`` (of strings that Python 2 wrote).

    Raises:
        pickle.UnpicklingError: for a global that is not allowed, and for a damaged pickle.
        RuntimeError: for a file that is damaged or no checkpoint, or a device that is not there.
    """
    safe = _weights_only(weights_only, pickle_module)
    if mmap and not _is_path(f):
        raise ValueError(f"load: mmap=True needs the path of a file, got {type(f).__name__}")
    restore = locations.restorer(map_location)
    arguments = {"encoding": "utf-8", **pickle_load_args}
    with _opened(f, "rb") as file:
        start = file.tell()
        head = file.read(_HEAD_SIZE)
        file.seek(start)
        if not head:
            raise EOFError("load: the file is empty")
        if head.startswith(detect.ZIP_START):
            mapping = _mapped(f) if mmap else None
            return _load_zip(ZipReader(file), mapping, restore, safe, pickle_module or pickle, arguments)
        if problem := detect.explain(head):
            raise FileFormatError(f"load: the file is no checkpoint: {problem}")
        if mmap:
            raise RuntimeError("load: mmap=True needs a file in the zip format; load it without and save it again")
        return _advised(safe, lambda: legacy.load(file, restore, safe, pickle_module or pickle, arguments))


def _load_zip(
    archive: ZipReader, mapping: Any, restore: Any, safe: bool, pickle_module: Any, arguments: dict[str, Any]
) -> Any:
    if archive.has("constants.pkl"):
        raise RuntimeError("load: the file is a TorchScript archive; torch.jit.load reads those")
    if not archive.has("data.pkl"):
        raise FileFormatError("load: the zip archive holds no data.pkl, so it is no checkpoint")

    def read(key: str, nbytes: int) -> Any:
        name = f"data/{key}"
        if archive.size_of(name) != nbytes:
            raise FileFormatError(
                f"load: record {name!r:.200} holds {archive.size_of(name)} bytes, but the pickle says {nbytes}"
            )
        if mapping is not None:
            offset = archive.data_offset(name)
            if offset % _MAPPED_ALIGNMENT == 0:
                return storage_over(mapping, offset, nbytes)
        storage = allocate(nbytes)
        if nbytes:
            archive.read_into(name, memory_of(storage))
        return storage

    load_storage = StorageLoader(read, restore, swap=_byte_order(archive) != sys.byteorder)
    data = archive.read("data.pkl")
    if safe:
        return _advised(True, SafeUnpickler(data, load_storage, arguments["encoding"]).load)
    return make_unpickler(io.BytesIO(data), pickle_module, load_storage, **arguments).load()


def _byte_order(archive: ZipReader) -> str:
    if archive.has("byteorder"):
        order = archive.read("byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise FileFormatError(f"load: unknown byte order {order!r:.40}")
        return order
    assumed = options.endianness
    return sys.byteorder if assumed is LoadEndianness.NATIVE else "big" if assumed is LoadEndianness.BIG else "little"


def _advised(safe: bool, read: Callable[[], Any]) -> Any:
    """Runs ``read``; when a safe load refuses something, the error says which ways remain."""
    try:
        return read()
    except pickle.UnpicklingError as error:
        if not safe or isinstance(error, FileFormatError):
            raise
        raise pickle.UnpicklingError(
            f"load: the checkpoint was not loaded, because weights_only=True runs nothing that a file says: {error}. "
            "weights_only=False would load it by full pickle, which can run any code; use it only for a file whose "
            "author you trust"
        ) from None


def _weights_only(weights_only: bool | None, pickle_module: Any) -> bool:
    if weights_only is None:
        forced_off = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in ("1", "y", "yes", "true")
        weights_only = pickle_module is None and not forced_off
    if os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0").lower() in ("1", "y", "yes", "true"):
        weights_only = True
    if weights_only and pickle_module is not None:
        raise RuntimeError("load: pickle_module is used for full pickle only; pass weights_only=False or leave it out")
    return weights_only


def _is_path(f: Any) -> bool:
    return isinstance(f, (str, os.PathLike))


def _opened(f: Any, mode: str) -> AbstractContextManager[IO[bytes]]:
    if _is_path(f):
        folder = Path(os.fsdecode(f)).parent
        if mode == "wb" and not folder.is_dir():
            raise RuntimeError(f"save: the folder {str(folder)!r} does not exist; make it first")
        return open(f, mode)
    if mode == "rb":
        for method in ("read", "readline", "tell", "seek"):
            if not hasattr(f, method):
                raise AttributeError(
                    f"load: expected a path or a file object, but {type(f).__name__} has no {method}(); read it into "
                    "an io.BytesIO first"
                )
    return nullcontext(f)


def _mapped(path: Any) -> Any:
    import mmap

    shared = options.mmap_flags == mmap.MAP_SHARED
    with open(path, "r+b" if shared else "rb") as file:
        return mmap.mmap(file.fileno(), 0, options.mmap_flags, mmap.PROT_READ | mmap.PROT_WRITE)


def _host_bytes(storage: TypedStorage) -> memoryview:
    """The whole elements of a storage, in main memory."""
    untyped = storage.untyped()
    if untyped.device.type != "cpu":
        flat = rl.empty(0, dtype=rl.uint8, device=untyped.device).set_(untyped, 0, (untyped.nbytes(),), (1,))
        untyped = flat.cpu().untyped_storage()
    return memory_of(untyped)[: storage.size() * storage.element_size()]


# ------------------------------------------------------------------ what a safe load may name
def add_safe_globals(safe_globals: list[Any]) -> None:
    """Allows classes and functions in files that are loaded with ``weights_only=True``.

    Args:
        safe_globals: classes and functions, or pairs of one and the full name that files give it.
    """
    _globals.add(list(safe_globals))


def get_safe_globals() -> list[Any]:
    """What :func:`add_safe_globals` allowed."""
    return _globals.listed()


def clear_safe_globals() -> None:
    """Takes back what :func:`add_safe_globals` allowed."""
    _globals.clear()


@contextmanager
def safe_globals(safe_globals: list[Any]) -> Any:
    """As :func:`add_safe_globals`, until the end of the ``with`` block."""
    before = _globals.listed()
    _globals.add(list(safe_globals))
    try:
        yield
    finally:
        _globals.replace(before)


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The full names in a checkpoint that ``load`` with ``weights_only=True`` would refuse; nothing is loaded.

    Raises:
        ValueError: when the file is not in the zip format.
    """
    with _opened(f, "rb") as file:
        start = file.tell()
        is_zip = file.read(4) == detect.ZIP_START
        file.seek(start)
        if not is_zip:
            raise ValueError("get_unsafe_globals_in_checkpoint: expected a checkpoint in the zip format")
        names = named_globals(ZipReader(file).read("data.pkl"))
    allowed = {**_globals.allowed_by_default(), **_globals.allowed_by_user()}
    return [
        f"{module}.{name}"
        for module, name in names
        if f"{module}.{name}" not in allowed and _globals.storage_kind(module, name) is None
    ]


# ------------------------------------------------------------------ defaults
def get_crc32_options() -> bool:
    """Whether ``save`` computes checksums of the records."""
    return options.checksums


def set_crc32_options(compute_crc32: bool) -> None:
    """Turns the checksums of ``save`` on or off; without them ``load`` cannot notice damage."""
    options.checksums = compute_crc32


def get_default_load_endianness() -> LoadEndianness | None:
    """The byte order assumed for files that do not say theirs; None means little."""
    return options.endianness


def set_default_load_endianness(endianness: LoadEndianness | None) -> None:
    """Sets the byte order assumed for files that do not say theirs.

    Raises:
        TypeError: for anything but a :class:`LoadEndianness` or None.
    """
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError(f"set_default_load_endianness: expected a LoadEndianness or None, got {endianness!r:.80}")
    options.endianness = endianness


def get_default_mmap_options() -> int:
    """The flags that ``load(mmap=True)`` maps files with."""
    return options.mmap_flags
