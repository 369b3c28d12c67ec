"""What the build and the checks are told, in cmake/, pyproject.toml and the README."""

import importlib.metadata
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ONEDNN = ["include/oneapi/dnnl/dnnl.h", "lib/libdnnl.so.3", "share/doc/onednn/LICENSE", "share/THIRD-PARTY-PROGRAMS"]


def test_onednn_is_found_in_a_folder(script, tree, capsys):
    root = tree(dict.fromkeys(ONEDNN, ""))
    assert script("cmake/find_onednn.py").main([str(root)]) == 0
    expected = ["include", *ONEDNN[1:]]
    assert capsys.readouterr().out.split("\n")[:-1] == [str(root / name) for name in expected]


@pytest.mark.parametrize("missing", ONEDNN[:2])
def test_half_an_onednn_is_none(script, tree, capsys, missing):
    script("cmake/find_onednn.py").main([str(tree(dict.fromkeys(set(ONEDNN) - {missing}, "")))])
    assert capsys.readouterr().out == "\n"


def test_readme_has_two_commands_and_ci_takes_the_second():
    blocks = re.findall(r"```sh\n(.*?)\n```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    assert all("\n" not in block for block in blocks)
    assert blocks[0].endswith("-m rushlight examples/digits.py")
    pattern = re.search(r"grep -E '(.*)' README.md", (ROOT / ".ci" / "run").read_text())
    assert pattern is not None
    matches = [line for line in (ROOT / "README.md").read_text().splitlines() if re.search(pattern[1], line)]
    assert matches == [blocks[1]]


def test_ci_is_valid_bash():
    subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=True)


def test_the_library_requires_nothing():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"] == []


def test_the_wheel_keeps_the_metadata_that_the_runner_shows():
    """scikit-build-core drops every nested .dist-info folder; importlib.metadata reads .egg-info as well."""
    package = ROOT / "src" / "rushlight"
    assert not list(package.rglob("*.dist-info"))
    (folder,) = package.rglob("*.egg-info")
    (distribution,) = importlib.metadata.distributions(path=[str(folder.parent)])
    assert (distribution.name, distribution.version) == ("torch", "2.13.0")
