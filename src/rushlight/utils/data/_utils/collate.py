"""From a list of samples to a batch.

``default_collate_fn_map`` says, for each type of sample, how a list of them becomes one batch; programs may add to it.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import rushlight as rl

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]


def default_convert(data: Any) -> Any:
    """Turns every NumPy array and scalar inside ``data`` into a tensor, and leaves all else as it is.

    Containers keep their type where it can be built from new members; tuples become lists.
    """
    if isinstance(data, rl.Tensor):
        return data
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(data, (numpy.ndarray, numpy.generic)):
        return data if data.dtype.kind in "SUO" else rl.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild_mapping(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(member) for member in data))
    if isinstance(data, tuple):
        return [default_convert(member) for member in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuild_sequence(data, [default_convert(member) for member in data])
    return data


def default_collate(batch: Any) -> Any:
    """Turns a list of samples into one batch with a new first dimension.

    Tensors are stacked, arrays and numbers become tensors (floats float64, ints int64, bools bool), strings and bytes
    stay a list, and mappings, named tuples and sequences are collated member by member.

    Raises:
        TypeError: for a sample of any other type.
        RuntimeError: for sequences of different lengths, or tensors of different shapes.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """As :func:`default_collate`, with a map of one's own.

    Args:
        batch: the samples.
        collate_fn_map: from a type, or a tuple of types, to ``f(batch, *, collate_fn_map)``; the exact type of the
            first sample is looked up, then its base classes in the map's order.
    """
    first = batch[0]
    collate_fn = _find_collate_fn(type(first), collate_fn_map)
    if collate_fn is not None:
        return collate_fn(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        columns = {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map) for key in first}
        return _rebuild_mapping(first, columns)
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        return _collate_sequences(batch, collate_fn_map)
    raise TypeError(
        f"default_collate: samples must be tensors, arrays, numbers, strings, or mappings and sequences of these; got "
        f"{type(first)}; pass collate_fn= to the DataLoader"
    )


def _find_collate_fn(kind: type, collate_fn_map: CollateMap | None) -> Callable[..., Any] | None:
    if collate_fn_map is None:
        return None
    if kind in collate_fn_map:
        return collate_fn_map[kind]
    if collate_fn_map is default_collate_fn_map and "numpy" in sys.modules and kind.__module__ == "numpy":
        _register_numpy(collate_fn_map)
    for candidate, collate_fn in collate_fn_map.items():
        if issubclass(kind, candidate):
            return collate_fn
    return None


def _collate_sequences(batch: Any, collate_fn_map: CollateMap | None) -> Any:
    samples = list(batch)
    first = samples[0]
    sizes = {len(sample) for sample in samples}
    if len(sizes) > 1:
        raise RuntimeError(f"default_collate: the samples of a batch must have one length, got lengths {sorted(sizes)}")
    columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*samples, strict=True)]
    return columns if isinstance(first, tuple) else _rebuild_sequence(first, columns)


def _rebuild_mapping(like: Mapping[Any, Any], members: dict[Any, Any]) -> Any:
    """A mapping of ``like``'s type with new members, or a dict where that type cannot be built so."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(members)
            return clone
        return type(like)(members)  # type: ignore[call-arg]
    except TypeError:
        return members


def _rebuild_sequence(like: Sequence[Any], members: list[Any]) -> Any:
    """A sequence of ``like``'s type with new members, or a list where that type cannot hold them."""
    if type(like) is list:
        return members
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for position, member in enumerate(members):
                clone[position] = member
            return clone
        return type(like)(members)  # type: ignore[call-arg]
    except TypeError:
        return members


def _collate_tensors(batch: Sequence[Any], *, collate_fn_map: Any = None) -> Any:
    return rl.stack(batch, 0)


def _collate_floats(batch: Sequence[float], *, collate_fn_map: Any = None) -> Any:
    return rl.tensor(batch, dtype=rl.float64)


def _collate_ints(batch: Sequence[int], *, collate_fn_map: Any = None) -> Any:
    return rl.tensor(batch)


def _collate_strings(batch: Any, *, collate_fn_map: Any = None) -> Any:
    return batch


def _collate_arrays(batch: Sequence[Any], *, collate_fn_map: Any = None) -> Any:
    if batch[0].dtype.kind in "SUO":
        raise TypeError(f"default_collate: arrays of dtype {batch[0].dtype} have no tensor; pass collate_fn= to the "
                        "DataLoader or convert them in the dataset")
    return collate([rl.as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def _collate_numpy_scalars(batch: Iterable[Any], *, collate_fn_map: Any = None) -> Any:
    return rl.as_tensor(sys.modules["numpy"].asarray(batch))


def _register_numpy(collate_fn_map: CollateMap) -> None:
    """NumPy's types join the map when the first of them is met, so that importing this module does not load NumPy."""
    numpy = sys.modules["numpy"]
    collate_fn_map.setdefault(numpy.ndarray, _collate_arrays)
    collate_fn_map.setdefault((numpy.bool_, numpy.number, numpy.object_), _collate_numpy_scalars)


default_collate_fn_map: CollateMap = {
    rl.Tensor: _collate_tensors,
    float: _collate_floats,
    int: _collate_ints,
    str: _collate_strings,
    bytes: _collate_strings,
}
