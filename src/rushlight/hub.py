"""Files from the internet: download with a check of their hash, and load weights."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

__all__ = ["download_url_to_file", "get_dir", "load_state_dict_from_url", "set_dir"]

# `resnet18-f37072fd.pth`: the beginning of the file's SHA-256, in its name.
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
READ_DATA_CHUNK = 128 * 1024

_folder: str | None = None


def get_dir() -> str:
    """Where downloads are kept: `set_dir`'s folder, or `hub` in `$TORCH_HOME`, or in `~/.cache/torch`."""
    if _folder is not None:
        return _folder
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    home = os.environ.get("TORCH_HOME", os.path.join(cache, "torch"))
    return os.path.join(os.path.expanduser(home), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose where downloads are kept."""
    global _folder
    _folder = os.path.expanduser(d)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Download a file; `dst` appears complete or not at all.

    Args:
        url: where it is.
        dst: the path it gets.
        hash_prefix: the beginning of its SHA-256, in hexadecimal.
        progress: show a bar on the standard error stream, if tqdm is installed.
    Raises:
        RuntimeError: the file's hash is another one.
        urllib.error.URLError: the download failed.
    """
    target = Path(os.path.expanduser(dst))
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "rushlight.hub"})
    with urllib.request.urlopen(request) as answer:
        part = tempfile.NamedTemporaryFile(delete=False, dir=target.parent, suffix=".part")  # noqa: SIM115
        try:
            with part:
                for block in _blocks(answer, progress):
                    digest.update(block)
                    part.write(block)
            if hash_prefix and not digest.hexdigest().startswith(hash_prefix):
                raise RuntimeError(
                    f"download_url_to_file: {url} has the SHA-256 {digest.hexdigest()}, which does not begin with "
                    f"{hash_prefix}; the file was not kept"
                )
            os.replace(part.name, target)
        finally:
            Path(part.name).unlink(missing_ok=True)


def _blocks(answer: Any, progress: bool) -> Iterator[bytes]:
    bar = _bar(int(answer.headers.get("Content-Length") or 0)) if progress else None
    while block := answer.read(READ_DATA_CHUNK):
        yield block
        if bar is not None:
            bar.update(len(block))
    if bar is not None:
        bar.close()


def _bar(size: int) -> Any:
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        return None
    return tqdm(total=size or None, unit="B", unit_scale=True, unit_divisor=1024)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> dict[str, Any]:
    """Load weights from a URL; a file that was downloaded before is not downloaded again.

    Args:
        url: where the checkpoint is.
        model_dir: the folder it is kept in; `get_dir()/checkpoints` if left out.
        map_location: as in `load`.
        progress: show a bar.
        check_hash: compare the file's SHA-256 with the part of it in the file's name.
        file_name: the name it is kept under; the URL's if left out.
        weights_only: refuse anything but tensors and plain data. Unlike PyTorch's function, this is the default.
    """
    from rushlight import load

    folder = Path(model_dir or os.path.join(get_dir(), "checkpoints"))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (file_name or os.path.basename(urlparse(url).path))
    if not file.exists():
        print(f"Downloading {url} to {file}", file=sys.stderr)
        found = HASH_REGEX.search(file.name) if check_hash else None
        download_url_to_file(url, str(file), found.group(1) if found else None, progress=progress)
    return load(file, map_location=map_location, weights_only=weights_only)
