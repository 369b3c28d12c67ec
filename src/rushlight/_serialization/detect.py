"""Recognises what is often loaded by mistake, from a file's first bytes."""

from __future__ import annotations

__all__ = ["ZIP_START", "explain"]

ZIP_START = b"PK\3\4"
_TAR_MAGIC_AT = 257


def explain(head: bytes) -> str | None:
    """What the file is instead of a checkpoint, and what to do; None when its start may be a checkpoint's."""
    text = head.lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer, not the file it points to; run `git lfs pull` in its repository"
    if text.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "it is a web page, perhaps an error or log-in page saved by a download; download the file itself"
    if head.startswith(b"\x89HDF"):
        return "it is an HDF5 file (Keras weights?); read it with h5py"
    if head[8:10] == b'{"' and head[:8].endswith(b"\0\0"):
        return "it is a safetensors file; read it with safetensors"
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        return "it is a tar archive (or a checkpoint of before PyTorch 0.1.10); unpack it, or save it anew with PyTorch"
    if head.startswith((b"\x1f\x8b", b"PK\5\6", b"7z\xbc\xaf", b"BZh", b"\xfd7zXZ")):
        return "it is a compressed or empty archive; unpack it first"
    if head.startswith((b"{", b"[")) or not head.startswith(b"\x80"):
        return "its first bytes are neither a zip archive's nor a pickle's"
    return None
