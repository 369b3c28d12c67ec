"""Nested containers of values: taken apart into a flat list, and put together again.

Tuples, named tuples, lists, dicts and deques are containers; everything else, None included, is a leaf.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

PyTree: TypeAlias = Any
Context: TypeAlias = Any
FlattenFunc: TypeAlias = Callable[[Any], tuple[list[Any], Context]]
UnflattenFunc: TypeAlias = Callable[[Iterable[Any], Context], Any]


class NodeDef(NamedTuple):
    """How one type of container is taken apart and made."""

    flatten: FlattenFunc
    unflatten: UnflattenFunc


def _dict_parts(tree: Any) -> tuple[list[Any], Context]:
    return list(tree.values()), list(tree)


SUPPORTED_NODES: dict[type, NodeDef] = {
    tuple: NodeDef(lambda t: (list(t), None), lambda values, _: tuple(values)),
    list: NodeDef(lambda t: (list(t), None), lambda values, _: list(values)),
    dict: NodeDef(_dict_parts, lambda values, keys: dict(zip(keys, values, strict=True))),
    OrderedDict: NodeDef(_dict_parts, lambda values, keys: OrderedDict(zip(keys, values, strict=True))),
    defaultdict: NodeDef(
        lambda t: (list(t.values()), (t.default_factory, list(t))),
        lambda values, c: defaultdict(c[0], zip(c[1], values, strict=True)),
    ),
    deque: NodeDef(lambda t: (list(t), t.maxlen), lambda values, maxlen: deque(values, maxlen)),
}
_NAMED_TUPLE = NodeDef(lambda t: (list(t), type(t)), lambda values, cls: cls(*values))
_NAMED_RESULT = NodeDef(lambda t: (list(t), type(t)), lambda values, cls: cls(tuple(values)))


def register_pytree_node(cls: type, flatten_fn: FlattenFunc, unflatten_fn: UnflattenFunc, **_: Any) -> None:
    """Make `cls` a container: `flatten_fn(x)` gives (values, context), `unflatten_fn(values, context)` an equal x.

    Raises:
        ValueError: `cls` is registered already.
    """
    if cls in SUPPORTED_NODES:
        raise ValueError(f"register_pytree_node: {cls.__name__} is registered already")
    SUPPORTED_NODES[cls] = NodeDef(flatten_fn, unflatten_fn)


def _node(tree: Any) -> NodeDef | None:
    cls = type(tree)
    found = SUPPORTED_NODES.get(cls)
    if found is None and issubclass(cls, tuple):
        if hasattr(cls, "_fields"):
            return _NAMED_TUPLE
        if hasattr(cls, "n_sequence_fields"):
            return _NAMED_RESULT
    return found


@dataclass(eq=True)
class TreeSpec:
    """The structure of a nested container without its leaves; a leaf's own is `TreeSpec(None, None, [])`."""

    type: type | None
    context: Context
    children_specs: list[TreeSpec]
    num_leaves: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        self.num_leaves = 1 if self.type is None else sum(c.num_leaves for c in self.children_specs)

    @property
    def num_children(self) -> int:
        return len(self.children_specs)

    def is_leaf(self) -> bool:
        """Whether this is the structure of a single value."""
        return self.type is None

    def unflatten(self, leaves: Iterable[Any]) -> PyTree:
        """The container with these leaves."""
        return tree_unflatten(leaves, self)

    def __repr__(self) -> str:
        if self.type is None:
            return "*"
        return f"TreeSpec({self.type.__name__}, {self.context}, {self.children_specs})"


def LeafSpec() -> TreeSpec:
    """The structure of a leaf."""
    return TreeSpec(None, None, [])


def tree_flatten(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeSpec]:
    """The leaves in order, and the structure.

    Args:
        tree: a nested container, or a single value.
        is_leaf: says of a container whether it is to be taken as a leaf.
    """
    leaves: list[Any] = []
    return leaves, _flatten(tree, is_leaf, leaves)


def _flatten(tree: PyTree, is_leaf: Callable[[Any], bool] | None, leaves: list[Any]) -> TreeSpec:
    node = None if is_leaf is not None and is_leaf(tree) else _node(tree)
    if node is None:
        leaves.append(tree)
        return LeafSpec()
    children, context = node.flatten(tree)
    return TreeSpec(type(tree), context, [_flatten(child, is_leaf, leaves) for child in children])


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The container of that structure with these leaves.

    Raises:
        ValueError: their number is not that of the structure.
    """
    values = list(leaves)
    if len(values) != treespec.num_leaves:
        raise ValueError(f"tree_unflatten: {len(values)} leaves were given, the structure has {treespec.num_leaves}")
    return _unflatten(iter(values), treespec)


def _unflatten(leaves: Iterable[Any], spec: TreeSpec) -> PyTree:
    if spec.type is None:
        return next(iter(leaves))
    children = [_unflatten(leaves, child) for child in spec.children_specs]
    node = SUPPORTED_NODES.get(spec.type) or (_NAMED_TUPLE if hasattr(spec.type, "_fields") else _NAMED_RESULT)
    return node.unflatten(children, spec.context)


def tree_leaves(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> TreeSpec:
    """The structure alone."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: Callable[[Any], bool] | None = None
) -> PyTree:
    """The same structure with `func` of each leaf, and of the leaves of `rests` at its place.

    Raises:
        ValueError: one of `rests` has another structure.
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    columns = [leaves]
    for rest in rests:
        others, structure = tree_flatten(rest, is_leaf)
        if structure != spec:
            raise ValueError(f"tree_map: the trees differ in structure: {spec} and {structure}")
        columns.append(others)
    return tree_unflatten(map(func, *columns), spec)


def tree_map_only(
    type_or_types: Any, func: Callable[[Any], Any], tree: PyTree, is_leaf: Callable[[Any], bool] | None = None
) -> PyTree:
    """The same structure with `func` of the leaves that are instances of a type; the others stay."""
    return tree_map(lambda x: func(x) if isinstance(x, type_or_types) else x, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether `pred` holds for every leaf."""
    return all(map(pred, tree_leaves(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: Callable[[Any], bool] | None = None) -> bool:
    """Whether `pred` holds for some leaf."""
    return any(map(pred, tree_leaves(tree, is_leaf)))
