"""Reads the zip archive of a checkpoint from a file nobody vouches for.

Only stored records are read (that is all that checkpoints use), so that no record is larger than the file it comes
from. Every offset and size is checked before it is used, records may not overlap or repeat a name, and nothing is ever
written to a path that the archive names.
"""

from __future__ import annotations

import os
import struct
import zlib
from pickle import UnpicklingError
from typing import IO, NamedTuple

__all__ = ["FileFormatError", "Record", "ZipReader"]

_END, _END_SIZE = b"PK\5\6", 22
_ZIP64_LOCATOR, _ZIP64_LOCATOR_SIZE = b"PK\6\7", 20
_ZIP64_END, _ZIP64_END_SIZE = b"PK\6\6", 56
_ENTRY, _ENTRY_SIZE = b"PK\1\2", 46
_LOCAL, _LOCAL_SIZE = b"PK\3\4", 30
_LIMIT_32, _LIMIT_16 = 0xFFFFFFFF, 0xFFFF
_MAX_COMMENT = 0xFFFF
_ENCRYPTED = 0x1
_PIECE = 1 << 18


class FileFormatError(UnpicklingError, RuntimeError):
    """The file is damaged, or no checkpoint."""


class Record(NamedTuple):
    """Where one record lies: its name inside the archive's folder, its size, its CRC-32, and its local header."""

    name: str
    size: int
    crc: int
    header: int


class ZipReader:
    """The records of an archive, by name.

    Args:
        file: seekable; the archive is the whole of it.

    Raises:
        FileFormatError: when the directory is damaged or asks for what checkpoints never need.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.length = file.seek(0, os.SEEK_END)
        count, size, start = self._find_directory()
        self.folder, self.records = _parse_directory(self._read_at(start, size, "directory"), count, start)

    def has(self, name: str) -> bool:
        return name in self.records

    def read(self, name: str) -> bytes:
        """The bytes of a record, checked against its CRC."""
        record = self._record(name)
        data = self._read_at(self.data_offset(record), record.size, f"record {name!r}")
        _check_crc(record, zlib.crc32(data))
        return data

    def read_into(self, name: str, memory: memoryview) -> None:
        """Fills ``memory``, of exactly the record's size, and checks it against the record's CRC."""
        record = self._record(name)
        self._file.seek(self.data_offset(record))
        done, crc = 0, 0
        while done < record.size:
            # In pieces that stay in the cache between the reading and the check.
            count = _read_some(self._file, memory[done : done + _PIECE])
            if not count:
                raise FileFormatError(f"record {name!r} ends after {done} of {record.size} bytes: truncated file")
            crc = zlib.crc32(memory[done : done + count], crc)
            done += count
        _check_crc(record, crc)

    def size_of(self, name: str) -> int:
        return self._record(name).size

    def data_offset(self, record: Record | str) -> int:
        """Where the record's bytes start in the file."""
        if isinstance(record, str):
            record = self._record(record)
        header = self._read_at(record.header, _LOCAL_SIZE, f"header of record {record.name!r}")
        name_size, extra_size = struct.unpack_from("<HH", header, 26)
        if not header.startswith(_LOCAL):
            raise FileFormatError(f"record {record.name!r} has no local header where the directory says")
        name = self._read_at(record.header + _LOCAL_SIZE, name_size, f"header of record {record.name!r}")
        if name != f"{self.folder}/{record.name}".encode():
            raise FileFormatError(f"record {record.name!r} has another name in its local header: {name!r:.200}")
        start = record.header + _LOCAL_SIZE + name_size + extra_size
        if start + record.size > self.length:
            raise FileFormatError(f"record {record.name!r} of {record.size} bytes reaches beyond the end of the file")
        return start

    def _record(self, name: str) -> Record:
        try:
            return self.records[name]
        except KeyError:
            raise FileFormatError(f"the archive has no record {name!r:.200}") from None

    def _find_directory(self) -> tuple[int, int, int]:
        """Number of entries, size and start of the central directory."""
        tail_start = max(0, self.length - _MAX_COMMENT - _END_SIZE)
        tail = self._read_at(tail_start, self.length - tail_start, "tail")
        at = tail.rfind(_END)
        if at < 0 or len(tail) - at < _END_SIZE:
            raise FileFormatError("the zip archive has no directory at its end: the file is truncated")
        count, size, start = struct.unpack_from("<HII", tail, at + 10)
        end = tail_start + at
        if (count == _LIMIT_16 or size == _LIMIT_32 or start == _LIMIT_32) and end >= _ZIP64_LOCATOR_SIZE:
            locator = self._read_at(end - _ZIP64_LOCATOR_SIZE, _ZIP64_LOCATOR_SIZE, "zip64 locator")
            if locator.startswith(_ZIP64_LOCATOR):
                (end,) = struct.unpack_from("<Q", locator, 8)
                record = self._read_at(end, _ZIP64_END_SIZE, "zip64 directory")
                if not record.startswith(_ZIP64_END):
                    raise FileFormatError("the zip64 directory is not where the archive says")
                count, size, start = struct.unpack_from("<QQQ", record, 32)
        if start + size > end or count * _ENTRY_SIZE > size:
            raise FileFormatError(f"the directory ({count} entries, {size} bytes at {start}) does not fit in the file")
        return count, size, start

    def _read_at(self, offset: int, size: int, what: str) -> bytes:
        if offset < 0 or offset + size > self.length:
            raise FileFormatError(f"the {what} of the archive ({size} bytes at {offset}) lies outside the file")
        self._file.seek(offset)
        data = self._file.read(size)
        while len(data) < size:  # a raw file may give less than it is asked for
            more = self._file.read(size - len(data))
            if not more:
                raise FileFormatError(f"the {what} of the archive is truncated")
            data += more
        return data


def _read_some(file: IO[bytes], memory: memoryview) -> int:
    readinto = getattr(file, "readinto", None)
    if readinto is not None:
        return readinto(memory) or 0
    data = file.read(len(memory))
    memory[: len(data)] = data
    return len(data)


def _check_crc(record: Record, crc: int) -> None:
    # Writers that skip checksums leave 0.
    if record.crc and crc != record.crc:
        raise FileFormatError(
            f"record {record.name!r} is damaged: its CRC-32 is {crc:08x}, the archive says {record.crc:08x}; fetch the "
            "file again"
        )


def _parse_directory(data: bytes, count: int, start: int) -> tuple[str, dict[str, Record]]:
    folder: str | None = None
    records: dict[str, Record] = {}
    at = 0
    for _ in range(count):
        if data[at : at + 4] != _ENTRY or at + _ENTRY_SIZE > len(data):
            raise FileFormatError("the directory of the archive is damaged")
        flags, method = struct.unpack_from("<HH", data, at + 8)
        crc, packed, size, name_size, extra_size, comment_size = struct.unpack_from("<IIIHHH", data, at + 16)
        (header,) = struct.unpack_from("<I", data, at + 42)
        name_end = at + _ENTRY_SIZE + name_size
        path = data[at + _ENTRY_SIZE : name_end].decode("utf-8", "replace")
        extra = data[name_end : name_end + extra_size]
        at = name_end + extra_size + comment_size
        size, packed, header = _widened(extra, size, packed, header)
        if flags & _ENCRYPTED or method != 0 or packed != size:
            raise FileFormatError(f"record {path!r:.200} is compressed or encrypted, as no checkpoint's is")
        top, _, name = path.partition("/")
        if path.endswith("/") and size == 0:
            continue  # a folder's own entry, from a repacked archive
        folder = top if folder is None else folder
        if not name or top != folder or "\0" in path:
            raise FileFormatError(f"record {path!r:.200} lies outside the archive's folder {folder!r:.200}")
        if name in records:
            raise FileFormatError(f"the archive holds record {path!r:.200} twice")
        if header + _LOCAL_SIZE + size > start:
            raise FileFormatError(f"record {path!r:.200} ({size} bytes at {header}) reaches into the directory")
        records[name] = Record(name, size, crc, header)
    _refuse_overlaps(records)
    return folder or "", records


def _widened(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """The 64-bit values of the zip64 extra field, for those that do not fit in 32 bits."""
    wide = b""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            wide = extra[at + 4 : at + 4 + length]
        at += 4 + length
    values = []
    for value in (size, packed, header):
        if value == _LIMIT_32 and len(wide) >= 8:
            (value,), wide = struct.unpack_from("<Q", wide), wide[8:]
        values.append(value)
    return values[0], values[1], values[2]


def _refuse_overlaps(records: dict[str, Record]) -> None:
    end = 0
    for record in sorted(records.values(), key=lambda record: record.header):
        if record.header < end:
            raise FileFormatError(f"record {record.name!r} overlaps another one")
        end = record.header + _LOCAL_SIZE + len(record.name) + record.size
