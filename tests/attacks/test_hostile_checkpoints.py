"""Files nobody should trust: each is refused by a clear error, at once, and nothing in it runs."""

import io
import os
import pickle
import random
import struct
import time
import zipfile

import pytest
import torch as pt

import rushlight as rl

# One of these, and never another: a crash of the interpreter would end the test run.
HANGS = 20  # seconds; what a hostile file makes slow takes hours
REFUSED = (pickle.UnpicklingError, RuntimeError, EOFError)


def archive_of(data, records=None, folder="archive"):
    """A checkpoint with this pickle and these storage records."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{folder}/data.pkl", data)
        for name, content in (records or {}).items():
            archive.writestr(f"{folder}/{name}", content)
        archive.writestr(f"{folder}/version", "3\n")
    return buffer.getvalue()


def text(value):
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value):
    if 0 <= value < 256:
        return b"K" + bytes([value])
    data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def numbers(*values):
    return b"(" + b"".join(map(number, values)) + b"t"


def identity(key="0", count=4, kind=b"ctorch\nFloatStorage\n", location="cpu"):
    return b"(" + text("storage") + kind + text(key) + text(location) + number(count) + b"tQ"


def tensor(offset=0, size=(4,), stride=(1,), storage=None):
    """A pickle of one tensor."""
    storage = identity() if storage is None else storage
    return (
        b"\x80\2ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + numbers(*size) + numbers(*stride)
        + b"\x89ccollections\nOrderedDict\n)RtR."
    )


def load(data, **arguments):
    start = time.monotonic()
    try:
        return rl.load(io.BytesIO(data), **arguments)
    finally:
        assert time.monotonic() - start < HANGS


FLOATS = {"data/0": struct.pack("<4f", 1, 2, 3, 4)}


def test_the_tools_of_this_file_make_good_checkpoints():
    data = archive_of(tensor(1, (2,), (2,)), FLOATS)
    assert load(data).tolist() == pt.load(io.BytesIO(data)).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("offset,size,stride", [
    (0, (5,), (1,)), (1, (4,), (1,)), (2**40, (1,), (1,)), (2**70, (1,), (1,)), (-1, (1,), (1,)), (0, (-4,), (1,)),
    (0, (2**62,), (1,)), (0, (2**33, 2**33), (0, 0)), (0, (2,), (-1,)), (0, (2,), (2**62,)), (0, (2,), (2**63,)),
    (0, (2, 2), (1,)), (4, (1,), (1,)), (0, (3,), (2,)),
])
def test_views_outside_of_their_storage(offset, size, stride, weights_only):
    with pytest.raises((*REFUSED, ValueError)):
        load(archive_of(tensor(offset, size, stride), FLOATS), weights_only=weights_only)


@pytest.mark.parametrize("weights_only", [True, False])
@pytest.mark.parametrize("storage", [
    identity(count=5), identity(count=3), identity(count=2**50), identity(count=2**62), identity(count=-1),
    identity(key="1"), identity(key="../version"), identity(key="/etc/passwd"), identity(key=""),
    identity(kind=text("FloatStorage")), identity(kind=b"ctorch\nfloat32\n"), identity(kind=b"N"),
    identity(location="nowhere"), b"(" + text("storage") + b"tQ", b"NQ", b"K\1Q", b"]Q", b"(" + text("module") + b"tQ",
    b"K\1",
])
def test_storages_that_are_not_there(storage, weights_only):
    with pytest.raises((*REFUSED, TypeError)):
        load(archive_of(tensor(storage=storage), FLOATS), weights_only=weights_only)


def test_one_storage_under_two_sizes():
    pair = b"\x80\2]" + tensor()[2:-1] + b"a" + tensor(storage=identity(count=2), size=(1,))[2:-1] + b"a."
    with pytest.raises(pickle.UnpicklingError, match="once with"):
        load(archive_of(pair, FLOATS))


EXECUTED = []


def execute(*arguments):
    EXECUTED.append(arguments)


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("function,arguments", [
    (os.system, ("true",)), (eval, ("1",)), (exec, ("1",)), (print, ("x",)), (getattr, ([], "append")),
    (__import__, ("os",)), (open, ("/dev/null",)), (bytes, (5,)), (map, (print, [])), (pickle.loads, (b"",)),
    (type, ("A", (), {})), (object, ()), (dict, ()), (compile, ("1", "", "eval")), (io.BytesIO, ()),
])
@pytest.mark.parametrize("protocol", [2, 4])
def test_calls_are_refused_by_name(function, arguments, protocol):
    data = archive_of(pickle.dumps(Runs(function, *arguments), protocol))
    with pytest.raises(pickle.UnpicklingError, match=getattr(function, "__name__", "")):
        load(data)


@pytest.mark.parametrize("name", ["os\nsystem", "posix\nsystem", "sys\nexit", "os.path\njoin", "nt\nsystem"])
def test_modules_that_stay_closed_whatever_is_allowed(name):
    full_name = name.replace("\n", ".")
    allowed = rl.serialization.safe_globals([(os.system, full_name)])
    with allowed, pytest.raises(pickle.UnpicklingError, match="no checkpoint may use"):
        load(archive_of(f"c{name}\n".encode() + b"."))


@pytest.mark.parametrize("data", [
    b"ctorch\nTensor\n)R.",  # data, no function
    b"ctorch\nTensor\n)\x81.",
    b"ctorch\nfloat32\n)R.",
    b"ctorch\nFloatStorage\n)R.",
    b"c__builtin__\nbytearray\n" + number(10**12) + b"\x85R.",
    b"c__builtin__\nset\n" + number(5) + b"\x85R.",
    b"ccollections\nCounter\n" + text("abc") + b"\x85R.",
    b"ccollections\nOrderedDict\n" + number(5) + b"\x85R.",
    b"ccollections\nOrderedDict\n)R]b.",
    b"ccollections\nOrderedDict\n)R}K\1K\2sb.",
    b"c_codecs\nencode\n" + text("x") + text("zlib") + b"\x86R.",
    b"ctorch._tensor\n_rebuild_from_type_v2\n(c__builtin__\nbytearray\nctorch\nTensor\n"
    + number(10**12) + b"\x85}tR.",
    b"ctorch._tensor\n_rebuild_from_type_v2\n(" + text("x") + b"ctorch\nTensor\n)}tR.",
    b"ctorch._utils\n_rebuild_parameter\n(K\1\x88NtR.",
    b"ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.",
    b"ctorch.serialization\n_get_layout\n" + text("torch.load") + b"\x85R.",
    b"]R.", b"NR.", b"R.", b")R.", b"]]b.", b"}K\1b.",
    b"c__builtin__\ngetattr\n.", b"c__builtin__\n__import__\n.", b"ctorch\nload\n.", b"ctorch\nops\n.",
    b"crushlight\nload\n.", b"ctorch.hub\nload\n.", b"ctorch._utils\n_rebuild_parameter.__globals__\n.",
    b"\x8c\2os\x8c\6system\x93.", b"K\1K\2\x93.", b"\x80\4\x8c\1a\x93.",
    b"cos\nsystem", b"c" + b"x" * 10_000, b"c\xff\xfe\n\n.",
    b"i__main__\nx\n.", b"o.", b"\x82\1.", b"\x83\1\0.", b"\x84\1\0\0\0.", b"P1\n.", b"\x92.", b"\x97.", b"\x98.",
])
def test_what_the_subset_does_not_allow(data):
    with pytest.raises(pickle.UnpicklingError):
        load(archive_of(data))


@pytest.mark.parametrize("data", [
    b"", b".", b"K", b"X", b"X\xff\xff\xff\xffabc.", b"X\x10\0\0\0abc.", b"\x8d" + b"\xff" * 8 + b".",
    b"B\xff\xff\xff\x7f.", b"\x8e" + b"\xff" * 7 + b"\x7f.", b"\x96" + b"\xff" * 7 + b"\x7f.",
    b"\x8b\xff\xff\xff\x7f.", b"\x8b\xff\xff\xff\xff.", b"T\xff\xff\xff\xff.", b"\x95" + b"\xff" * 8 + b".",
    b"\x80\xff.", b"h\0.", b"j\xff\xff\xff\xff.", b"q\0.", b"\x94.", b"t.", b"e.", b"u.", b"s.", b"a.", b"]a.",
    b"(", b"(.", b"((((.", b"K\1K\2.", b"0.", b"1.", b"2.", b"\x85.", b"K\1\x86.", b"K\1\x87.", b"(K\1\x86.",
    b"K\1(K\2e.", b"(K\1u.", b"}(K\1u.", b"}]K\1s.", b"}}K\1s.", b"\x8f(]\x90.", b"](K\1\x90.", b"(]\x91.", b"(K\1d.",
    b"\xff.", b"\0.", b"U\1\xff.", b"X\1\0\0\0\xff.", b"G\0\0.", b"(K\1t", b"N",
])
def test_damaged_pickles(data):
    with pytest.raises(pickle.UnpicklingError):
        load(archive_of(data))


def nested_tuple(depth):
    return b")" + b"\x85" * depth


def doubling_tuple(depth):
    """A tuple of 2**depth members in a few bytes."""
    return b")" + b"2\x86" * depth


@pytest.mark.parametrize("key", [nested_tuple(200_000), doubling_tuple(100)], ids=["deep", "doubling"])
@pytest.mark.parametrize("frame", [b"}%sNs.", b"}(%sNu.", b"\x8f(%s\x90.", b"(%s\x91.", b"(%sNd.",
                                   b"c__builtin__\nset\n](%se\x85R.",
                                   b"ccollections\nOrderedDict\n](%sN\x86e\x85R."])
def test_keys_that_take_for_ever_or_overflow_the_stack(key, frame):
    with pytest.raises(pickle.UnpicklingError, match="too deep or is too large"):
        load(archive_of(frame % key))


def test_deep_values_are_only_values():
    value = load(archive_of(nested_tuple(200_000) + b"."))
    assert type(value) is tuple
    del value
    assert type(load(archive_of(b"]" * 200_000 + b"a" * 199_999 + b"."))) is list


@pytest.mark.parametrize("size", [doubling_tuple(200), nested_tuple(100_000)])
def test_errors_do_not_print_endless_values(size):
    data = (
        b"\x80\2ctorch._utils\n_rebuild_tensor_v2\n(" + identity() + b"K\0" + size + size + b"\x89NtR."
    )
    with pytest.raises(pickle.UnpicklingError) as caught:
        load(archive_of(data, FLOATS))
    assert len(str(caught.value)) < 100_000


# ---------------------------------------------------------------- the archive
def good():
    buffer = io.BytesIO()
    rl.save({"w": rl.arange(100.0), "n": 1}, buffer)
    return buffer.getvalue()


def test_every_truncation_is_refused():
    data = good()
    for end in range(0, len(data), 7):
        with pytest.raises(REFUSED):
            load(data[:end])


def test_any_damage_is_refused_or_harmless():
    data, chance = good(), random.Random(0)
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 3, 10])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            loaded = load(bytes(damaged))
        except REFUSED:
            continue
        repr(loaded)


def test_any_damage_of_a_pickle_is_refused_or_harmless():
    with zipfile.ZipFile(io.BytesIO(good())) as archive:
        data = archive.read("archive/data.pkl")
        records = {"data/0": archive.read("archive/data/0")}
    chance = random.Random(1)
    for _ in range(2000):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 5])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            load(archive_of(bytes(damaged), records))
        except REFUSED:
            continue


def test_any_damage_of_the_older_format_is_refused_or_harmless():
    buffer = io.BytesIO()
    pt.save({"w": pt.arange(20.0), "n": 1}, buffer, _use_new_zipfile_serialization=False)
    data, chance = buffer.getvalue(), random.Random(2)
    assert load(data)["w"].shape == (20,)
    for end in range(len(data)):
        with pytest.raises(REFUSED):
            load(data[:end])
    for _ in range(1000):
        damaged = bytearray(data)
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            load(bytes(damaged))
        except REFUSED:
            continue


def test_older_format_with_a_storage_larger_than_the_file():
    buffer = io.BytesIO()
    pt.save(pt.arange(20.0), buffer, _use_new_zipfile_serialization=False)
    data = buffer.getvalue()
    with pytest.raises(RuntimeError, match="larger than"):
        load(data.replace(b"K\x14N", b"J\xff\xff\xff\x7fN", 1))


def test_a_wrong_checksum():
    data = bytearray(good())
    data[data.find(struct.pack("<f", 57.0))] ^= 1
    with pytest.raises(RuntimeError, match="CRC"):
        load(bytes(data))


def test_compressed_records_are_refused_before_anything_is_unpacked():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    with pytest.raises(RuntimeError, match="compressed"):
        load(buffer.getvalue())


@pytest.mark.parametrize("name", [
    "../data.pkl", "/data.pkl", "data.pkl", "other/data/0", "archive/../x", "archive\0/x", "archivex/data/0", "",
])
def test_names_outside_of_the_archive(name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/version", "3\n")
        info = zipfile.ZipInfo("placeholder")
        info.filename = name
        archive.writestr(info, pickle.dumps(1, 2))
    with pytest.raises(RuntimeError):
        load(buffer.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_repeated_records():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for value in (1, 2):
            archive.writestr("archive/data.pkl", pickle.dumps(value, 2))
    with pytest.raises(RuntimeError, match="twice"):
        load(buffer.getvalue())


def patched_directory(entry, layout, offset, value):
    """A good archive with one field of a directory entry changed."""
    data = bytearray(good())
    at = -1
    for _ in range(entry + 1):
        at = data.index(b"PK\1\2", at + 1)
    struct.pack_into(layout, data, at + offset, value)
    return bytes(data)


@pytest.mark.parametrize("entry", [0, 4])
@pytest.mark.parametrize("layout,offset,value", [
    ("<I", 24, 0xFFFFFFFF), ("<I", 24, 2**31), ("<I", 20, 5), ("<I", 42, 0xFFFFFFFF), ("<I", 42, 2**31), ("<I", 42, 1),
    ("<H", 28, 0xFFFF), ("<H", 30, 0xFFFF), ("<H", 32, 0xFFFF), ("<H", 8, 1), ("<H", 10, 8), ("<I", 0, 0),
    ("<I", 16, 12345),
])
def test_directories_that_lie(entry, layout, offset, value):
    with pytest.raises(RuntimeError):
        load(patched_directory(entry, layout, offset, value))


@pytest.mark.parametrize("layout,offset,value", [
    ("<H", 10, 0), ("<H", 10, 0xFFFF), ("<H", 10, 500), ("<I", 12, 0xFFFFFFFF), ("<I", 12, 1), ("<I", 16, 0xFFFFFFFF),
    ("<I", 16, 0), ("<I", 16, 2**31),
])
def test_end_records_that_lie(layout, offset, value):
    data = bytearray(good())
    struct.pack_into(layout, data, data.rindex(b"PK\5\6") + offset, value)
    with pytest.raises(RuntimeError):
        load(bytes(data))


def test_records_that_overlap():
    data = bytearray(good())
    first = data.index(b"PK\1\2")
    second = data.index(b"PK\1\2", first + 1)
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    with pytest.raises(RuntimeError, match="overlaps"):
        load(bytes(data))


def test_a_record_with_another_name_in_front_of_it():
    data = good().replace(b"archive/data/0", b"archive/data/1", 1)
    with pytest.raises(RuntimeError, match="another name"):
        load(data)


@pytest.mark.parametrize("head,words", [
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n", "git lfs pull"),
    (b"\n<!DOCTYPE html><html></html>", "web page"),
    (b"<html><body>404</body></html>", "web page"),
    (struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}}', "safetensors"),
    (b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5"),
    (b"\x1f\x8b\x08" + bytes(20), "compressed"),
    (b"PK\5\6" + bytes(18), "empty archive"),
    (bytes(257) + b"ustar" + bytes(100), "tar"),
    (b"hello", "neither"),
    (b"{}", "neither"),
    (bytes(100), "neither"),
])
@pytest.mark.parametrize("weights_only", [True, False])
def test_what_is_loaded_by_mistake_is_named(head, words, weights_only):
    with pytest.raises(RuntimeError, match=words):
        load(head, weights_only=weights_only)


def test_archives_that_are_no_checkpoints():
    for names, words in [(["a/b"], "data.pkl"), (["a/constants.pkl", "a/data.pkl"], "TorchScript"), ([], "empty")]:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        with pytest.raises(RuntimeError, match=words):
            load(buffer.getvalue())


def test_plain_pickles_are_not_checkpoints():
    for value in (1, {"a": 1}, "text"):
        with pytest.raises(REFUSED):
            load(pickle.dumps(value, 2))


def test_nothing_ran():
    data = archive_of(pickle.dumps(Runs(print, "x"), 2).replace(b"print", b"input"))
    with pytest.raises(pickle.UnpicklingError):
        load(data)
    assert EXECUTED == []


@pytest.mark.parametrize("order", [b"middle", b"", b"\xff"])
def test_unknown_byte_orders(order):
    with pytest.raises(RuntimeError, match="byte order"):
        load(archive_of(tensor(), {**FLOATS, "byteorder": order}))


def test_mapped_files_that_lie(tmp_path):
    path = tmp_path / "a.pt"
    for data in (archive_of(tensor(size=(5,)), FLOATS), archive_of(tensor(storage=identity(count=5)), FLOATS)):
        path.write_bytes(data)
        with pytest.raises(REFUSED):
            rl.load(path, mmap=True)
    unaligned = b"N0" * 5 + tensor()[2:]
    path.write_bytes(archive_of(unaligned, FLOATS))
    assert rl.load(path, mmap=True).tolist() == [1.0, 2.0, 3.0, 4.0]
