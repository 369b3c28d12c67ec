"""Writes the zip archive of a checkpoint: stored records, each starting at a multiple of 64 bytes.

Formats: PKWARE APPNOTE 6.3 (local headers, central directory, zip64). The output is written once from front to back,
so that anything with ``write`` will do.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO, Any

__all__ = ["ALIGNMENT", "ZipWriter"]

ALIGNMENT = 64
_LIMIT_32 = 0xFFFFFFFF
_LIMIT_16 = 0xFFFF
_PADDING_FIELD = 0x4246  # the extra field that PyTorch pads with
_ZIP64_FIELD = 0x0001
_UTF8_NAMES = 0x0800
_DATE_1980 = 0x0021
_VERSION, _VERSION_ZIP64 = 20, 45


class ZipWriter:
    """Appends records to an archive; ``close`` writes the directory.

    Args:
        file: where to write, from its current position.
        folder: the name in front of every record's.
        checksums: compute CRC-32 of the records; without, the field is 0.
    """

    def __init__(self, file: IO[bytes], folder: str, checksums: bool = True) -> None:
        self._file = file
        self._folder = folder
        self._checksums = checksums
        self._position = 0
        self._directory: list[bytes] = []

    def write_record(self, name: str, data: Any) -> None:
        """Adds one record; ``data`` is bytes or a buffer of bytes."""
        path = f"{self._folder}/{name}".encode()
        size = len(data)
        crc = zlib.crc32(data) if self._checksums else 0
        offset = self._position
        zip64 = struct.pack("<HHQQ", _ZIP64_FIELD, 16, size, size) if size >= _LIMIT_32 else b""
        before = offset + 30 + len(path) + len(zip64) + 4
        padding = -before % ALIGNMENT
        extra = zip64 + struct.pack("<HH", _PADDING_FIELD, padding) + b"Z" * padding
        common = struct.pack(
            "<HHHHHIII", _VERSION_ZIP64 if zip64 else _VERSION, _UTF8_NAMES, 0, 0, _DATE_1980, crc,
            min(size, _LIMIT_32), min(size, _LIMIT_32),
        )
        self._write(b"PK\3\4" + common + struct.pack("<HH", len(path), len(extra)) + path + extra)
        self._write(data)
        self._directory.append(_directory_entry(path, size, crc, offset))

    def close(self) -> None:
        """Writes the central directory and its end records."""
        start = self._position
        for entry in self._directory:
            self._write(entry)
        size, count = self._position - start, len(self._directory)
        if start >= _LIMIT_32 or size >= _LIMIT_32 or count >= _LIMIT_16:
            end = self._position
            self._write(struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, _VERSION_ZIP64, _VERSION_ZIP64, 0, 0, count, count,
                                    size, start))
            self._write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        shown = min(count, _LIMIT_16)
        self._write(struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, shown, shown, min(size, _LIMIT_32),
                                min(start, _LIMIT_32), 0))

    def _write(self, data: Any) -> None:
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        while len(view):  # a raw file may take less than it is given
            written = self._file.write(view)
            count = len(view) if written is None else written
            self._position += count
            view = view[count:]


def _directory_entry(path: bytes, size: int, crc: int, offset: int) -> bytes:
    wide = [value for value in (size, size, offset) if value >= _LIMIT_32]
    extra = struct.pack(f"<HH{len(wide)}Q", _ZIP64_FIELD, 8 * len(wide), *wide) if wide else b""
    version = _VERSION_ZIP64 if wide else _VERSION
    return struct.pack(
        "<4sHHHHHHIIIHHHHHII", b"PK\1\2", version, version, _UTF8_NAMES, 0, 0, _DATE_1980, crc, min(size, _LIMIT_32),
        min(size, _LIMIT_32), len(path), len(extra), 0, 0, 0, 0, min(offset, _LIMIT_32),
    ) + path + extra
