"""The type stub of the native module tells of all that is there, and of nothing else."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rushlight as rl
from codegen import stubs
from codegen.table import Table
from rushlight import _native


def named(body: list[ast.stmt]) -> Iterator[str]:
    """The names that a stub's statements declare, aliases with an underscore left out."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


@pytest.fixture(scope="module")
def stub() -> ast.Module:
    return ast.parse(Path(rl.__file__).with_name("_native.pyi").read_text())


def test_tensor(stub: ast.Module) -> None:
    tensor = next(node for node in stub.body if isinstance(node, ast.ClassDef) and node.name == "Tensor")
    assert {n for n in named(tensor.body) if not n.startswith("__")} == {
        n for n in dir(rl.Tensor) if not n.startswith("__")
    }


def test_module(stub: ast.Module) -> None:
    declared = {n for n in named(stub.body) if not n.endswith("_result")}
    assert declared == {n for n in vars(_native) if not n.startswith("__")}


def test_every_mark_is_filled() -> None:
    text = stubs.native(Table())
    assert stubs.METHODS not in text and stubs.FUNCTIONS not in text


def test_new_forms() -> None:
    """new_ forms exist of what takes a size and draws nothing, and take the tensor's dtype."""
    import torch as pt

    assert [n for n in dir(rl.Tensor) if n.startswith("new_")] == [n for n in dir(pt.Tensor) if n.startswith("new_")]
    x = rl.ones(2, dtype=rl.float64)
    made = x.new_empty_strided((2, 3), (1, 2))
    assert made.stride() == (1, 2) and made.dtype is rl.float64
    assert x.new_full((2,), 3).tolist() == [3.0, 3.0] and x.new_zeros(2, 3).shape == (2, 3)
    assert x.new_ones(size=(2,), dtype=rl.int64).dtype is rl.int64
