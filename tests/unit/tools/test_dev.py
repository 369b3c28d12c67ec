"""tools/dev: the parts that need no build."""

import os

import pytest

AVX512 = "flags\t\t: fpu sse2 avx2 fma f16c avx512f avx512bw avx512vl avx512dq"


@pytest.mark.parametrize(
    ("cpuinfo", "level"),
    [
        (AVX512, "avx512"),
        (AVX512.replace("avx512vl", ""), "avx2"),
        ("processor : 0\nflags : sse2 avx2 fma\n", "base"),
        ("processor : 0\nflags : sse2 avx2 fma f16c\n", "avx2"),
        ("Features : fp asimd", "base"),
        ("", "base"),
    ],
)
def test_machine_level(script, cpuinfo, level):
    assert script("tools/dev").machine_level(cpuinfo) == level


def test_links_follow_the_build(script, tree):
    dev = script("tools/dev")
    root = tree({
        "one/_native.cpython-311.so": "1", "one/gen/_native.pyi": "1", "one/lib/libdnnl.so.3": "1",
        "two/_native.cpython-311.so": "2", "package/_native.pyi": "an old copy",
    })  # fmt: skip
    dev.link_into_package(root / "one", root / "package")
    dev.link_into_package(root / "two", root / "package")
    module = root / "package" / "_native.cpython-311.so"
    assert module.read_text() == "2"
    assert (root / "package" / "_native.pyi").read_text() == "1"
    assert os.readlink(root / "package" / "lib" / "libdnnl.so.3") == str(root / "one" / "lib" / "libdnnl.so.3")


def test_build_folders_differ(script):
    dev = script("tools/dev")
    kinds = [(False, ""), (True, ""), (False, "address,undefined")]
    assert [dev.build_folder(*kind).name for kind in kinds] == ["dev", "dev-all", "dev-address-undefined"]


def test_arguments(script, capsys):
    dev = script("tools/dev")
    options, rest = dev.parse(["test", "tanh", "-x"])
    assert (options.action, options.pattern, rest) == ("test", "tanh", ["-x"])
    assert dev.parse([])[0].action == "build"
    with pytest.raises(SystemExit):
        dev.parse(["build", "tanh"])


def test_missing_tool_says_how_to_get_it(script, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="pip install cmake ninja"):
        script("tools/dev").find_tool("no-such-tool")
