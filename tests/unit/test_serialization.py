"""Checkpoints travel both ways between `rushlight` and PyTorch."""

import collections
import io
import os
import pathlib
import pickle
import struct
import sys
import zipfile

import pytest
import torch as pt

import rushlight as rl
from rushlight import serialization
from rushlight._serialization import zip_writer
from rushlight.storage import memory_of

DTYPES = """
    bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128 uint16 uint32 uint64
    float8_e4m3fn float8_e5m2
"""


def raw(tensor):
    """The bytes of a tensor's storage."""
    storage = tensor.untyped_storage()
    if isinstance(tensor, pt.Tensor):
        return bytes(storage.tolist())
    return bytes(memory_of(storage))


def describe(value):
    """What must be equal after a journey."""
    if isinstance(value, (rl.Tensor, pt.Tensor)):
        place = "meta" if value.device.type == "meta" else raw(value)
        return (
            str(value.dtype), tuple(value.shape), value.stride(), value.storage_offset(), value.requires_grad,
            place, type(value).__name__,
        )
    if isinstance(value, dict):
        return type(value).__name__, [(key, describe(member)) for key, member in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [describe(member) for member in value]
    if isinstance(value, (rl.dtype, pt.dtype, rl.device, pt.device, rl.layout, pt.layout)):
        return repr(value)
    return type(value).__name__, value


def content(torch):
    """One object of everything that a checkpoint may hold, made by either library."""
    base = torch.arange(6.0).reshape(2, 3)
    state = collections.OrderedDict(a=base, turned=base.t(), row=base[1], weight=torch.nn.Parameter(base.clone()))
    state._metadata = collections.OrderedDict(version=2)
    return {
        "state": state,
        "scalar": torch.tensor(3),
        "empty": torch.empty(0, 3),
        "expanded": torch.ones(1).expand(5),
        "grad": torch.ones(2, requires_grad=True),
        "meta": torch.empty(2, 3, device="meta"),
        "dtype": torch.float64,
        "size": torch.Size([2, 3]),
        "device": torch.device("cuda", 1),
        "cpu": torch.device("cpu"),
        "layout": torch.strided,
        "numbers": [1, -5, 300, 70_000, 2**40, -(2**70), 1.5, float("inf"), 1j, True, None],
        "texts": ["plain", "ünïcode", "x" * 300, b"bytes", bytearray(b"array")],
        "containers": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {1, 2}, {(1, 2): "key"}, [[]]],
        "counter": collections.Counter("abca"),
    }


def buffer_of(save, obj, **arguments):
    buffer = io.BytesIO()
    save(obj, buffer, **arguments)
    buffer.seek(0)
    return buffer


JOURNEYS = {
    "rushlight to torch": (rl, rl.save, pt.load),
    "torch to rushlight": (pt, pt.save, rl.load),
    "rushlight to rushlight": (rl, rl.save, rl.load),
}


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("zipped", [True, False])
def test_everything_travels(journey, weights_only, zipped):
    torch, save, load = JOURNEYS[journey]
    obj = content(torch)
    loaded = load(buffer_of(save, obj, _use_new_zipfile_serialization=zipped), weights_only=weights_only)
    assert describe(loaded) == describe(obj)
    assert loaded["state"]._metadata == {"version": 2}
    assert loaded["state"]["a"].data_ptr() == loaded["state"]["turned"].data_ptr()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("weights_only", [True, False])
def test_pickle_protocols(protocol, weights_only):
    obj = content(rl)
    loaded = rl.load(buffer_of(rl.save, obj, pickle_protocol=protocol), weights_only=weights_only)
    assert describe(loaded) == describe(obj)
    theirs = pt.load(buffer_of(rl.save, obj, pickle_protocol=protocol), weights_only=False)
    assert describe(theirs) == describe(obj)


@pytest.mark.parametrize("name", DTYPES.split())
@pytest.mark.parametrize("mapped", [True, False])
def test_dtypes(name, mapped, tmp_path):
    if not hasattr(rl, name):
        pytest.skip(f"no {name}")
    dtype = getattr(pt, name)
    pattern = pt.arange(32, dtype=pt.uint8) % (2 if name == "bool" else 251)
    theirs = pt.empty(0, dtype=dtype).set_(pattern.untyped_storage(), 0, (32 // dtype.itemsize,))
    pt.save(theirs, tmp_path / "theirs.pt")
    ours = rl.load(tmp_path / "theirs.pt", mmap=mapped)
    assert describe(ours) == describe(theirs)
    rl.save(ours, tmp_path / "ours.pt")
    assert describe(pt.load(tmp_path / "ours.pt")) == describe(theirs)


def test_archive_is_as_pytorch_writes_it(tmp_path):
    state = {"w": rl.ones(3), "b": rl.zeros(2, dtype=rl.int64)}
    rl.save(state, tmp_path / "model.v1.pt")
    theirs = {"w": pt.ones(3), "b": pt.zeros(2, dtype=pt.int64)}
    pt.save(theirs, tmp_path / "theirs.pt")
    with zipfile.ZipFile(tmp_path / "model.v1.pt") as ours, zipfile.ZipFile(tmp_path / "theirs.pt") as other:
        assert ours.testzip() is None
        expected = [name.removeprefix("theirs/") for name in other.namelist()]
        assert [name.removeprefix("model.v1/") for name in ours.namelist()] == expected
        for name in ("byteorder", "version", ".format_version", ".storage_alignment", "data/0", "data/1", "data.pkl"):
            assert ours.read(f"model.v1/{name}") == other.read(f"theirs/{name}")
        assert {info.compress_type for info in ours.infolist()} == {zipfile.ZIP_STORED}
        data = (tmp_path / "model.v1.pt").read_bytes()
        for info in ours.infolist():
            name_size, extra_size = struct.unpack_from("<HH", data, info.header_offset + 26)
            assert (info.header_offset + 30 + name_size + extra_size) % 64 == 0
    with zipfile.ZipFile(buffer_of(rl.save, 1, _disable_byteorder_record=True)) as archive:
        assert "archive/data.pkl" in archive.namelist() and "archive/byteorder" not in archive.namelist()


def test_zip64(monkeypatch, tmp_path):
    monkeypatch.setattr(zip_writer, "_LIMIT_32", 100)
    monkeypatch.setattr(zip_writer, "_LIMIT_16", 2)
    # With lower limits the 32-bit fields must still read as "see the 64-bit field".
    pack = struct.pack

    def widened(layout, *values):
        if layout.startswith("<4s") or layout == "<HHHHHIII":
            values = tuple(
                0xFFFFFFFF if kind == "I" and value == 100 else 0xFFFF if kind == "H" and value == 2 else value
                for kind, value in zip(layout.replace("4s", "S").lstrip("<"), values, strict=True)
            )
        return pack(layout, *values)

    monkeypatch.setattr(zip_writer.struct, "pack", widened)
    state = {"w": rl.arange(100.0), "b": rl.arange(3.0)}
    rl.save(state, tmp_path / "big.pt")
    monkeypatch.undo()
    assert b"PK\6\6" in (tmp_path / "big.pt").read_bytes()
    for loaded in (rl.load(tmp_path / "big.pt"), pt.load(tmp_path / "big.pt")):
        assert loaded["w"].tolist() == list(range(100)) and loaded["b"].tolist() == [0, 1, 2]
    with zipfile.ZipFile(tmp_path / "big.pt") as archive:
        assert archive.testzip() is None


def test_shared_storages_are_saved_once_and_whole():
    base = rl.zeros(1000)
    size = len(buffer_of(rl.save, [base[:10], base[10:20], base]).getvalue())
    assert 4000 < size < 7000
    first, second, whole = rl.load(buffer_of(rl.save, [base[:10], base[10:20], base]))
    whole[10] = 7.0
    assert second[0].item() == 7.0 and first.untyped_storage().nbytes() == 4000


def test_a_storage_that_is_no_whole_number_of_elements():
    view = rl.empty(0, dtype=rl.int64).set_(rl.arange(3.0).untyped_storage(), 0, (1,), (1,))
    buffer = buffer_of(rl.save, view)
    assert rl.load(buffer).tolist() == view.tolist()


def test_one_storage_of_two_dtypes_is_refused():
    base = rl.zeros(4)
    other = rl.empty(0, dtype=rl.int64).set_(base.untyped_storage(), 0, (2,), (1,))
    with pytest.raises(RuntimeError, match=r"clone\(\)"):
        rl.save([base, other], io.BytesIO())


def test_attributes_of_tensors_and_parameters():
    tensor, parameter = rl.ones(2), rl.nn.Parameter(rl.ones(2), requires_grad=False)
    tensor.note, parameter.note = "t", "p"
    for load in (rl.load, pt.load):
        loaded = load(buffer_of(rl.save, [tensor, parameter]))
        assert [member.note for member in loaded] == ["t", "p"]
        assert type(loaded[1]).__name__ == "Parameter" and not loaded[1].requires_grad


def test_history_is_not_saved():
    result = rl.ones(2, requires_grad=True) * 2
    loaded = rl.load(buffer_of(rl.save, result))
    assert loaded.requires_grad and loaded.is_leaf


class Linear(rl.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = rl.nn.Parameter(rl.ones(2, 3))
        self.note = {"a": 1}


def test_state_dict_of_a_module(tmp_path):
    module = Linear()
    rl.save(module.state_dict(), tmp_path / "m.pt")
    theirs = pt.load(tmp_path / "m.pt")
    assert theirs["weight"].tolist() == [[1.0] * 3] * 2 and type(theirs) is collections.OrderedDict
    pt.save(theirs, tmp_path / "n.pt")
    other = Linear()
    with rl.no_grad():
        other.weight.zero_()
    other.load_state_dict(rl.load(tmp_path / "n.pt"))
    assert other.weight.tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("zipped", [True, False])
def test_whole_modules(zipped, monkeypatch):
    # The class must be importable, as for any pickle.
    monkeypatch.setitem(sys.modules, Linear.__module__, sys.modules.get(Linear.__module__) or pathlib)
    monkeypatch.setattr(sys.modules[Linear.__module__], "Linear", Linear, raising=False)
    buffer = buffer_of(rl.save, Linear(), _use_new_zipfile_serialization=zipped)
    loaded = rl.load(buffer, weights_only=False)
    assert type(loaded) is Linear and loaded.weight.tolist() == [[1.0] * 3] * 2 and loaded.note == {"a": 1}
    buffer.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="Linear, which is not allowed"):
        rl.load(buffer)


def test_paths_and_files(tmp_path):
    for path in (tmp_path / "a.pt", str(tmp_path / "b.pt")):
        rl.save(rl.ones(2), path)
        assert rl.load(path).tolist() == [1.0, 1.0]
        with open(path, "rb") as file:
            assert rl.load(file).tolist() == [1.0, 1.0]
        with open(path, "rb", buffering=0) as file:
            assert rl.load(file).tolist() == [1.0, 1.0]
    with open(tmp_path / "c.pt", "wb", buffering=0) as file:
        rl.save(rl.ones(2), file)
    assert pt.load(tmp_path / "c.pt").tolist() == [1.0, 1.0]
    with pytest.raises(FileNotFoundError):
        rl.load(tmp_path / "none.pt")
    with pytest.raises(RuntimeError, match="does not exist"):
        rl.save(1, tmp_path / "none" / "a.pt")
    with pytest.raises(AttributeError, match="write"):
        rl.save(1, [])
    with pytest.raises(AttributeError, match="BytesIO"):
        rl.load([])
    with pytest.raises(EOFError):
        rl.load(io.BytesIO())


def test_what_cannot_be_pickled_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.pt"
    rl.save(1, path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        rl.save(lambda: 0, path)
    assert rl.load(path) == 1


def test_several_objects_in_one_file_of_the_older_format():
    buffer = io.BytesIO()
    for value in (1, rl.ones(2)):
        rl.save(value, buffer, _use_new_zipfile_serialization=False)
    buffer.seek(0)
    assert rl.load(buffer) == 1 and rl.load(buffer).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("map_location", [
    None, "cpu", {"cpu": "meta"}, {"cuda:0": "cpu"}, "meta", lambda storage, location: storage,
    lambda storage, location: None,
])
def test_map_location_as_pytorch(map_location, zipped):
    data = buffer_of(pt.save, pt.arange(4.0), _use_new_zipfile_serialization=zipped).getvalue()
    ours = rl.load(io.BytesIO(data), map_location=map_location)
    theirs = pt.load(io.BytesIO(data), map_location=map_location)
    assert describe(ours) == describe(theirs)


def test_map_location_device_objects_and_calls():
    data = buffer_of(rl.save, rl.ones(2)).getvalue()
    assert rl.load(io.BytesIO(data), map_location=rl.device("meta")).device.type == "meta"
    seen = []
    rl.load(io.BytesIO(data), map_location=lambda storage, location: seen.append((storage.nbytes(), location)))
    assert seen == [(8, "cpu")]
    for wrong in ("nowhere", {"cpu": "nowhere"}):
        with pytest.raises(RuntimeError, match="map_location"):
            rl.load(io.BytesIO(data), map_location=wrong)
    with pytest.raises(KeyError, match="mine"):
        rl.load(io.BytesIO(data), map_location=lambda storage, location: {}["mine"])


def test_tensors_of_a_device_that_is_not_here():
    if hasattr(rl, "cuda") and rl.cuda.is_available():
        pytest.skip("there is one")
    data = buffer_of(rl.save, rl.ones(2)).getvalue()
    data = _replace_in_pickle(data, b"X\3\0\0\0cpu", b"X\6\0\0\0cuda:0")
    with pytest.raises(RuntimeError, match="map_location='cpu'"):
        rl.load(io.BytesIO(data))
    for map_location in ("cpu", {"cuda:0": "cpu"}, lambda storage, location: storage):
        assert rl.load(io.BytesIO(data), map_location=map_location).tolist() == [1.0, 1.0]


def _replace_in_pickle(data, old, new):
    """The archive with another pickle, rebuilt."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(result, "w") as rebuilt:
        for name in archive.namelist():
            content = archive.read(name)
            rebuilt.writestr(name, content.replace(old, new) if name.endswith("data.pkl") else content)
    return result.getvalue()


def test_registered_locations():
    serialization.register_package(
        5, lambda storage: None, lambda storage, location: storage if location == "attic" else None
    )
    assert rl.load(buffer_of(rl.save, rl.ones(2)), map_location="attic").tolist() == [1.0, 1.0]


def test_mmap(tmp_path):
    path = tmp_path / "a.pt"
    pt.save({"w": pt.arange(1000.0), "e": pt.empty(0)}, path)
    loaded = rl.load(path, mmap=True)
    assert loaded["w"].tolist() == list(range(1000)) and loaded["e"].shape == (0,)
    loaded["w"].add_(1)  # private to this process
    assert rl.load(path)["w"][0].item() == 0.0
    os.unlink(path)
    assert loaded["w"][999].item() == 1000.0
    with pytest.raises(ValueError, match="path"):
        rl.load(io.BytesIO(b"x"), mmap=True)
    rl.save(1, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="zip format"):
        rl.load(path, mmap=True)


def test_shared_mmap_writes_to_the_file(tmp_path):
    import mmap

    path = tmp_path / "a.pt"
    rl.save(rl.zeros(100), path)
    with serialization.set_default_mmap_options(mmap.MAP_SHARED):
        rl.load(path, mmap=True).fill_(3.0)
    assert serialization.get_default_mmap_options() == mmap.MAP_PRIVATE
    with rl.serialization.set_default_mmap_options(mmap.MAP_PRIVATE):
        pass
    loaded = rl.load(path, mmap=True)
    assert loaded[99].item() == 3.0
    with pytest.raises(ValueError):
        serialization.set_default_mmap_options(12345)


def test_checksums_can_be_left_out():
    assert serialization.get_crc32_options()
    serialization.set_crc32_options(False)
    try:
        buffer = buffer_of(rl.save, rl.ones(2))
    finally:
        serialization.set_crc32_options(True)
    assert zipfile.ZipFile(buffer).getinfo("archive/data/0").CRC == 0
    buffer.seek(0)
    assert rl.load(buffer).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("recorded", [True, False])
def test_big_endian_files(recorded):
    swapped = struct.pack(">2q", 1, -2)
    result = io.BytesIO()
    source = buffer_of(pt.save, pt.tensor([1, -2]))
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(result, "w") as rebuilt:
        for name in archive.namelist():
            if name == "archive/byteorder":
                if recorded:
                    rebuilt.writestr(name, "big")
            else:
                rebuilt.writestr(name, swapped if name == "archive/data/0" else archive.read(name))
    result.seek(0)
    if not recorded:
        serialization.set_default_load_endianness(serialization.LoadEndianness.BIG)
    try:
        assert rl.load(result).tolist() == [1, -2]
    finally:
        serialization.set_default_load_endianness(None)
    with pytest.raises(TypeError):
        serialization.set_default_load_endianness("big")


def test_complex_big_endian():
    from rushlight._serialization.storages import swap_bytes

    memory = bytearray(struct.pack(">4f", 1.0, 2.0, 3.0, 4.0))
    swap_bytes(memoryview(memory), rl.complex64)
    assert struct.unpack("<4f", memory) == (1.0, 2.0, 3.0, 4.0)


def test_weights_only_choices(monkeypatch):
    data = buffer_of(rl.save, pathlib.PurePosixPath("a")).getvalue()
    with pytest.raises(pickle.UnpicklingError, match="weights_only=False"):
        rl.load(io.BytesIO(data))
    assert rl.load(io.BytesIO(data), weights_only=False) == pathlib.PurePosixPath("a")
    assert rl.load(io.BytesIO(data), pickle_module=pickle) == pathlib.PurePosixPath("a")
    with pytest.raises(RuntimeError, match="pickle_module"):
        rl.load(io.BytesIO(data), pickle_module=pickle, weights_only=True)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    assert rl.load(io.BytesIO(data)) == pathlib.PurePosixPath("a")
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(pickle.UnpicklingError):
        rl.load(io.BytesIO(data), weights_only=False)


def test_safe_globals():
    data = buffer_of(rl.save, {"d": collections.defaultdict(list, a=[1])}).getvalue()
    names = ["collections.defaultdict", "builtins.list"]
    assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == names
    assert set(pt.serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data))) == set(names)
    with pytest.raises(pickle.UnpicklingError, match=r"add_safe_globals\(\[collections.defaultdict\]\)"):
        rl.load(io.BytesIO(data))
    with serialization.safe_globals([collections.defaultdict, list]):
        assert rl.load(io.BytesIO(data))["d"] == {"a": [1]}
        assert serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(data)) == []
    assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([(collections.defaultdict, "collections.defaultdict"), list])
    try:
        assert len(serialization.get_safe_globals()) == 2
        assert rl.load(io.BytesIO(data))["d"]["b"] == []
    finally:
        serialization.clear_safe_globals()
    with pytest.raises(ValueError):
        serialization.add_safe_globals([5])
    with pytest.raises(ValueError, match="zip"):
        serialization.get_unsafe_globals_in_checkpoint(io.BytesIO(b"none"))


class Config:
    def __init__(self, value):
        self.value = value


class Stateful(Config):
    def __getstate__(self):
        return {"kept": self.value}

    def __setstate__(self, state):
        self.value = state["kept"]


def test_instances_of_allowed_classes(monkeypatch):
    module = sys.modules.setdefault(Config.__module__, pathlib)
    for kind in (Config, Stateful):
        monkeypatch.setattr(module, kind.__qualname__, kind, raising=False)
    for protocol in (2, 4):
        buffer = buffer_of(rl.save, [Config(1), Stateful(2)], pickle_protocol=protocol)
        with serialization.safe_globals([Config, Stateful]):
            first, second = rl.load(buffer)
        assert (type(first), first.value, type(second), second.value) == (Config, 1, Stateful, 2)


def test_default_allowance_as_pytorch():
    from torch import _weights_only_unpickler as oracle

    from rushlight._serialization import safe_globals

    theirs = set(oracle._get_allowed_globals())
    assert set(safe_globals.allowed_by_default()) <= theirs
    assert {name for name in theirs if not name.startswith("torch.")} <= set(safe_globals.allowed_by_default())


def test_texts_that_python_2_wrote():
    data = _replace_in_pickle(
        buffer_of(rl.save, ["text"]).getvalue(), b"X\4\0\0\0text", b"U\4t\xc3\xa4x"
    )
    assert rl.load(io.BytesIO(data)) == rl.load(io.BytesIO(data), weights_only=False) == ["täx"]
    assert rl.load(io.BytesIO(data), encoding="latin1") == ["tÃ¤x"]
    assert rl.load(io.BytesIO(data), encoding="bytes") == [b"t\xc3\xa4x"]
