"""From samples to batches, beside PyTorch's."""

import collections
import types

import numpy as np
import pytest
import torch as pt
import torch.utils.data as pt_data

import rushlight as rl
from rushlight.utils import data as rl_data
from rushlight.utils.data._utils.collate import collate, default_collate_fn_map

Point = collections.namedtuple("Point", "x y")


class Frozen(collections.abc.Mapping):
    """A mapping that cannot be built from a dict."""

    def __init__(self):
        self.members = {"a": 1}

    def __getitem__(self, key):
        return self.members[key]

    def __iter__(self):
        return iter(self.members)

    def __len__(self):
        return len(self.members)


def plain(value):
    """Tensors as (dtype, list); containers with their types."""
    if isinstance(value, (rl.Tensor, pt.Tensor)):
        return str(value.dtype), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        return type(value).__name__, [(key, plain(member)) for key, member in value.items()]
    if isinstance(value, (list, tuple, collections.deque)):
        return type(value).__name__, [plain(member) for member in value]
    if isinstance(value, np.generic):
        return type(value).__name__, value.item()
    return value


def outcome(call):
    try:
        return plain(call())
    except Exception as error:
        return type(error)


SAMPLES = {
    "ints": [1, 2, 3],
    "floats": [1.0, 2.5],
    "bools": [True, False],
    "int then float": [1, 2.5],
    "strings": ["a", "b"],
    "bytes": [b"a", b"b"],
    "tuples": [(1, 2.0), (3, 4.0)],
    "lists": [[1, 2], [3, 4]],
    "nested": [(1, [2, {"a": "x"}]), (3, [4, {"a": "y"}])],
    "dicts": [{"a": 1, "b": 2.0}, {"a": 3, "b": 4.0}],
    "ordered dicts": [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    "default dicts": [collections.defaultdict(list, a=1), collections.defaultdict(list, a=2)],
    "mapping proxies": [types.MappingProxyType({"a": 1}), types.MappingProxyType({"a": 2})],
    "frozen mappings": [Frozen(), Frozen()],
    "missing key": [{"a": 1}, {"b": 1}],
    "named tuples": [Point(1, 2.0), Point(3, 4.0)],
    "ranges": [range(2), range(2)],
    "bytearrays": [bytearray(b"ab"), bytearray(b"cd")],
    "deques": [collections.deque([1, 2]), collections.deque([3, 4])],
    "different lengths": [[1, 2], [3]],
    "one empty tuple": [(), ()],
    "None": [None, None],
    "objects": [object()],
    "sets": [{1}, {2}],
    "complex": [1j],
    "nothing": [],
    "arrays": [np.ones(2, dtype=np.float32), np.zeros(2, dtype=np.float32)],
    "0-d arrays": [np.array(1.5), np.array(2.5)],
    "array scalars": [np.float64(1), np.float64(2)],
    "int64 scalars": [np.int64(1), np.int64(2)],
    "bool scalars": [np.bool_(True), np.bool_(False)],
    "string arrays": [np.array(["a"])],
    "object arrays": [np.array([None])],
    "string scalars": [np.str_("a")],
    "dates": [np.datetime64("2020")],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_default_collate_as_pytorch(name):
    samples = SAMPLES[name]
    expected = outcome(lambda: pt_data.default_collate(samples))
    assert outcome(lambda: rl_data.default_collate(samples)) == expected


CONVERTED = {
    **SAMPLES,
    "number": 5,
    "string": "abc",
    "array": np.ones((2, 2)),
    "scalar": np.float64(2.5),
    "range": range(3),
    "tuple of arrays": (np.ones(1), "a", 2),
}


@pytest.mark.parametrize("name", [name for name in CONVERTED if name not in ("objects", "string scalars", "dates")])
def test_default_convert_as_pytorch(name):
    data = CONVERTED[name]
    assert outcome(lambda: rl_data.default_convert(data)) == outcome(lambda: pt_data.default_convert(data))


def test_tensors_are_stacked():
    batch = rl_data.default_collate([rl.ones(2), rl.zeros(2)])
    assert plain(batch) == ("torch.float32", [[1.0, 1.0], [0.0, 0.0]])
    assert plain(rl_data.default_collate([(rl.tensor(1), 2), (rl.tensor(3), 4)])) == (
        "list", [("torch.int64", [1, 3]), ("torch.int64", [2, 4])]
    )
    with pytest.raises(RuntimeError):
        rl_data.default_collate([rl.ones(2), rl.ones(3)])


def test_default_convert_shares_memory_with_arrays_and_keeps_tensors():
    array, tensor = np.zeros(2), rl.ones(2)
    converted = rl_data.default_convert({"array": array, "tensor": tensor})
    array[0] = 7
    assert converted["array"].tolist() == [7.0, 0.0]
    assert converted["tensor"] is tensor


def test_a_sample_is_left_as_it_was():
    sample = {"a": [1, 2]}
    rl_data.default_collate([sample, sample])
    assert sample == {"a": [1, 2]}


def test_a_map_of_ones_own():
    class Image:
        pass

    class Photo(Image):
        pass

    fn_map = {Image: lambda batch, *, collate_fn_map=None: f"{len(batch)} images"}
    assert collate([Photo(), Image()], collate_fn_map=fn_map) == "2 images"
    assert collate([(Photo(),)], collate_fn_map=fn_map) == ["1 images"]
    with pytest.raises(TypeError, match="collate_fn"):
        collate([1], collate_fn_map=fn_map)


def test_the_default_map_can_be_extended():
    class Image:
        pass

    default_collate_fn_map[Image] = lambda batch, *, collate_fn_map=None: len(batch)
    try:
        assert rl_data.default_collate([{"image": Image()}, {"image": Image()}]) == {"image": 2}
    finally:
        del default_collate_fn_map[Image]
