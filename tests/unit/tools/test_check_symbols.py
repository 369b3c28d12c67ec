"""tools/check_symbols reads what nm prints, and what a compiler really makes."""

import shutil
import subprocess

import pytest


@pytest.mark.parametrize(
    ("symbol", "stranger"),
    [
        ("T rl::avx2::add(float*)", False),
        ("t helper()", False),
        ("W std::vector<rl::avx2::Row>::push_back()", False),
        ("V DW.ref.__gxx_personality_v0", False),
        ("T rl::add(float*)", True),
        ("W rl::avx512::add(float*)", True),
        ("W std::vector<int>::push_back(int&&)", True),
        ("u rl::shared_counter", True),
    ],
)
def test_strangers(script, symbol, stranger):
    assert list(script("tools/check_symbols").strangers("avx2", [symbol])) == ([symbol[2:]] if stranger else [])


def test_objects(script, tree):
    compiler = shutil.which("c++") or pytest.fail("the tests need a C++ compiler, as the library does")
    folder = tree({
        "rl_level_base.dir/good.cpp": "namespace rl::base { template <class T> T f(T x); int g() { return f(1); } }",
        "rl_level_base.dir/bad.cpp": "inline int f() { return 1; } namespace rl::base { int (*g)() = f; }",
    })  # fmt: skip
    for source in folder.glob("*/*.cpp"):
        subprocess.run([compiler, "-std=c++20", "-c", source, "-o", source.with_suffix(".o")], check=True)
    (finding,) = script("tools/check_symbols").check(folder)
    assert finding.path.endswith("bad.o")
    assert finding.what.startswith("f() is open to objects of other levels")


def test_nothing_built(script, tree, capsys):
    assert script("tools/check_symbols").main([str(tree({}))]) == 2
