"""Nested containers: taken apart, put together, mapped; the same as PyTorch's."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque, namedtuple
from typing import Any

import pytest
import torch.utils._pytree as theirs

import rushlight as rl
import rushlight.utils._pytree as pytree

Point = namedtuple("Point", ["x", "y"])
TREES: list[Any] = [
    1, None, (), [], {}, (1, [2, {"a": 3, "b": (4,)}]), Point(1, [2, 3]), OrderedDict(b=1, a=2),
    deque([1, (2,)], maxlen=5),    defaultdict(list, {"k": [1]}), {"z": 1, "a": [None, 2]}, "text", {1, 2},
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=repr)
def test_trees(tree: Any) -> None:
    leaves, spec = pytree.tree_flatten(tree)
    assert leaves == theirs.tree_flatten(tree)[0] == pytree.tree_leaves(tree)
    assert spec.num_leaves == len(leaves) and spec == pytree.tree_structure(tree)
    again = pytree.tree_unflatten(leaves, spec)
    assert again == tree and type(again) is type(tree)
    assert pytree.tree_map(repr, tree) == theirs.tree_map(repr, tree)
    assert pytree.tree_map_only(int, lambda v: v + 1, tree) == theirs.tree_map_only(int, lambda v: v + 1, tree)


def test_named_results() -> None:
    found = pytree.tree_map(lambda t: t * 2, rl.max(rl.tensor([[1.0, 3.0]]), 1))
    assert found.values.tolist() == [6.0] and found.indices.tolist() == [2]


def test_several_trees() -> None:
    assert pytree.tree_map(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]
    with pytest.raises(ValueError, match="structure"):
        pytree.tree_map(lambda a, b: a, [1, 2], (1, 2))
    with pytest.raises(ValueError, match="leaves"):
        pytree.tree_unflatten([1], pytree.tree_structure([1, 2]))


def test_is_leaf_and_questions() -> None:
    assert pytree.tree_leaves([(1, 2), 3], is_leaf=lambda t: isinstance(t, tuple)) == [(1, 2), 3]
    assert pytree.tree_all(bool, [1, (2,)]) and not pytree.tree_all(bool, [0, 1]) and pytree.tree_any(bool, [0, 1])
    assert repr(pytree.tree_structure((1, [2]))) == "TreeSpec(tuple, None, [*, TreeSpec(list, None, [*])])"


def test_registered_containers() -> None:
    class Box:
        def __init__(self, value: Any) -> None:
            self.value = value

    pytree.register_pytree_node(Box, lambda b: ([b.value], None), lambda values, _: Box(*values))
    assert pytree.tree_map(lambda v: v + 1, Box([1])).value == [2]
    with pytest.raises(ValueError, match="Box"):
        pytree.register_pytree_node(Box, lambda b: ([b.value], None), lambda values, _: Box(*values))
