"""Downloads, from a file URL: complete or absent, with the hash checked."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import rushlight as rl
from rushlight import hub


def test_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_folder", None)
    monkeypatch.delenv("TORCH_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert hub.get_dir() == "/cache/torch/hub"
    monkeypatch.setenv("TORCH_HOME", "/home/torch")
    assert hub.get_dir() == "/home/torch/hub"
    hub.set_dir("/chosen")
    assert hub.get_dir() == "/chosen"


def test_download(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 300_000)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    folder = tmp_path / "folder"
    folder.mkdir()
    hub.download_url_to_file(source.as_uri(), str(folder / "copy"), digest[:8], progress=False)
    assert (folder / "copy").read_bytes() == source.read_bytes()
    with pytest.raises(RuntimeError, match="SHA-256"):
        hub.download_url_to_file(source.as_uri(), str(folder / "other"), "00000000", progress=False)
    assert [file.name for file in folder.iterdir()] == ["copy"]


def test_load_state_dict_from_url(tmp_path: Path) -> None:
    source = tmp_path / "weights.pt"
    rl.save({"w": rl.ones(2)}, source)
    named = tmp_path / f"net-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}.pt"
    source.rename(named)
    kept = tmp_path / "kept"
    for _ in range(2):
        state = hub.load_state_dict_from_url(named.as_uri(), str(kept), progress=False, check_hash=True)
        assert state["w"].tolist() == [1, 1]
    assert [file.name for file in kept.iterdir()] == [named.name]
