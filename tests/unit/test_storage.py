"""Storages share memory with their tensors."""

import copy
import pickle

import pytest

import rushlight as rl
from rushlight.storage import TypedStorage, UntypedStorage, memory_of, storage_over
from tests.unit.twin import agree

START = """
import copy
x = torch.arange(4.)
u = x.untyped_storage()
s = x.storage()
"""


def each(*expressions: str) -> str:
    return "\n".join(f"tried(lambda: {expression})" for expression in expressions)


PROGRAMS = [
    each(
        "len(u)",
        "u.size()",
        "u.nbytes()",
        "u.element_size()",
        "u.data_ptr() == x.data_ptr()",
        "u.tolist()",
        "u[0]",
        "u[-1]",
        "u[99]",
        "type(u[4:8]).__name__",
        "u[4:8].tolist()",
        "u[4:8].data_ptr() - u.data_ptr()",
        "u[::2]",
        "repr(u)",
        "repr(u[:2])",
        "str(u.device)",
        "u.type()",
        "u.is_cuda",
        "u.is_sparse",
        "u.is_shared()",
        "u.is_pinned()",
        "u.get_device()",
        "u.resizable()",
        "list(u)[:3]",
        "u.untyped() is u",
        "u.cpu() is u",
        "u._cdata == x[1:].untyped_storage()._cdata",
        "u is x.untyped_storage()",
        "u is x[1:].untyped_storage()",
        "u.to(device='cpu') is u",
        "u.new().size()",
        "u.dtype",
        "hash(u) == hash(x.untyped_storage())",
        "u == x.untyped_storage()",
        "u.filename",
    ),
    each(
        "len(s)",
        "s.size()",
        "s.nbytes()",
        "s.element_size()",
        "s.data_ptr() == x.data_ptr()",
        "s.tolist()",
        "s[0]",
        "s[-1]",
        "s[99]",
        "s['a']",
        "s[1:3]",
        "repr(s)",
        "str(s.device)",
        "s.dtype",
        "s.type()",
        "s.is_cuda",
        "s.is_sparse",
        "s.is_shared()",
        "s.is_pinned()",
        "s.resizable()",
        "list(s)",
        "s.untyped() is u",
        "s.cpu().data_ptr() == s.data_ptr()",
        "s.pickle_storage_type()",
        "s.get_device()",
        "s.filename",
        "type(s).__name__",
    ),
    "u[0] = 255; show(u.tolist()[:2]); u[1:3] = 7; show(u.tolist()[:4]); u.fill_(0); show(x); s[1] = 5; show(x); "
    "s.fill_(2.); show(x); s[1:3] = 9; show(x)",
    each("u.__setitem__('a', 1)", "s.__setitem__(99, 1)", "s.__setitem__(0, 'a')", "s.__setitem__('a', 1)"),
    "y = torch.ones(4); u.copy_(y.untyped_storage()); show(x); s.copy_((y * 2).storage()); show(x); c = u.clone(); "
    "c.fill_(0); show(x, type(c).__name__, c.data_ptr() == u.data_ptr()); c = s.clone(); c.fill_(0); show(x, "
    "type(c).__name__)",
    "v = x[1:]; u.resize_(32); show(u.nbytes(), x.untyped_storage().nbytes(), v.untyped_storage().nbytes(), "
    "x.data_ptr() == u.data_ptr(), x); x.resize_(100); show(u.nbytes(), s.size())",
    "t = torch.UntypedStorage(8); t.fill_(1); t.resize_(4); show(t.nbytes(), t.tolist()); t.resize_(0); "
    "show(len(t)); s2 = torch.FloatStorage(3); s2.fill_(1); s2.resize_(2); show(s2.tolist())",
    each(
        "torch.UntypedStorage().size()",
        "torch.UntypedStorage(5).size()",
        "torch.UntypedStorage([1,2,3]).tolist()",
        "torch.UntypedStorage(4, device='meta').device",
        "torch.UntypedStorage(-1)",
        "torch.TypedStorage().dtype",
        "torch.TypedStorage(3, dtype=torch.int64).size()",
        "torch.TypedStorage([1,2], dtype=torch.int32).tolist()",
        "torch.TypedStorage(wrap_storage=u, dtype=torch.float32).tolist()",
        "torch.FloatStorage(2).size()",
        "torch.FloatStorage([1,2]).tolist()",
        "torch.LongStorage([1,2]).dtype",
        "torch.FloatStorage().size()",
        "isinstance(s, torch.FloatStorage)",
        "isinstance(s, torch.LongStorage)",
        "isinstance(s, torch.TypedStorage)",
        "isinstance(u, torch.UntypedStorage)",
        "torch.is_storage(s)",
        "torch.is_storage(u)",
        "torch.is_storage(x)",
        "torch.is_storage(3)",
        "torch.FloatStorage.dtype",
        "torch.BoolStorage([True, False]).tolist()",
        "torch.ComplexFloatStorage([1j]).tolist()",
        "torch.HalfStorage(2).element_size()",
        "issubclass(torch.FloatStorage, torch.TypedStorage)",
        "torch.FloatStorage.from_buffer(bytearray(8), 'little').tolist()",
        "torch.FloatStorage.from_buffer(b'\\x3f\\x80\\x00\\x00', 'big').tolist()",
        "torch.UntypedStorage.from_buffer(b'1234', 'little', dtype=torch.float32).tolist()",
    ),
    each(
        *(
            f"s.{k}().dtype"
            for k in (
                "float",
                "double",
                "half",
                "long",
                "int",
                "short",
                "char",
                "byte",
                "bool",
                "bfloat16",
                "complex_double",
                "complex_float",
            )
        ),
        *(f"s.{k}().tolist()" for k in ("long", "bool", "double")),
        "u.float()",
        "s.type()",
    ),
    "d = copy.deepcopy(s); d.fill_(0); show(x, type(d).__name__, d.dtype); d = copy.deepcopy(u); d.fill_(0); "
    "show(x); d = copy.copy(s); d.fill_(0); show(x); p = pickle.loads(pickle.dumps(s)); show(p.tolist(), p.dtype)",
    "l = [x, s]; m = copy.deepcopy(l); m[1].fill_(7); show(m[0], x)",
    "show(torch.tensor([]).set_(s), torch.FloatTensor(s), torch.FloatTensor(u).shape if False else 0); "
    "tried(lambda: torch.Tensor(s))",
    "show(torch.arange(4, dtype=torch.int16).untyped_storage().tolist()); b = torch.arange(4, "
    "dtype=torch.int16).untyped_storage(); b.byteswap(torch.int16); show(b.tolist())",
    "m = torch.empty(3, device='meta').untyped_storage(); show(m.nbytes(), str(m.device)); tried(lambda: repr(m)); "
    "tried(lambda: m.tolist())",
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program):
    agree(f"{START}show(0)\n{program}")


def test_a_storage_under_tensors_does_not_shrink():
    """PyTorch lets it, and tensors then look at memory that is gone."""
    x = rl.arange(4.0)
    with pytest.raises(RuntimeError, match="shrink"):
        x.untyped_storage().resize_(0)
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_storage_and_its_tensors_share_memory():
    base = rl.zeros(3)
    storage, other = base.untyped_storage(), base[1:].untyped_storage()
    assert storage.nbytes() == len(storage) == storage.size() == 12
    assert storage._cdata == other._cdata != rl.zeros(3).untyped_storage()._cdata
    assert storage.data_ptr() == base.data_ptr() and storage.device.type == "cpu" and storage.element_size() == 1
    memory_of(storage)[4:8] = b"\0\0\x80\x3f"
    assert base.tolist() == [0.0, 1.0, 0.0] and storage[7] == 0x3F and storage.tolist()[4:8] == [0, 0, 0x80, 0x3F]


def test_storages_of_their_own():
    assert UntypedStorage(5).nbytes() == 5 and UntypedStorage([1, 2]).tolist() == [1, 2]
    assert UntypedStorage(3, device="meta").device.type == "meta"
    first = UntypedStorage([1, 2, 3])
    twin = first.clone()
    twin.copy_(UntypedStorage([4, 5, 6]))
    assert first.tolist() == [1, 2, 3] and twin.tolist() == [4, 5, 6]
    assert first.cpu() is first is first.untyped() and "of size 3" in repr(first)


def test_pickles_and_copies():
    storage = UntypedStorage([1, 2, 3])
    for twin in (pickle.loads(pickle.dumps(storage)), copy.deepcopy(storage)):
        assert twin.tolist() == [1, 2, 3] and twin.data_ptr() != storage.data_ptr()


def test_empty_storages():
    assert len(memory_of(UntypedStorage(0))) == 0 and storage_over(b"", 0, 0).nbytes() == 0
    assert rl.empty(0).untyped_storage().nbytes() == 0


def test_a_storage_over_foreign_memory_keeps_it_alive():
    memory = bytearray(range(8))
    storage = storage_over(memory, 2, 4)
    memory[2] = 99
    assert storage.tolist() == [99, 3, 4, 5]
    del memory
    assert storage.tolist() == [99, 3, 4, 5]


def test_typed_storages():
    storage = TypedStorage(wrap_storage=rl.tensor([1, 2]).untyped_storage(), dtype=rl.int64)
    assert storage.tolist() == [1, 2] and len(storage) == storage.size() == 2 and storage.type_name == "LongStorage"
    assert storage.element_size() == 8 and storage.device.type == "cpu"
    assert TypedStorage().dtype == rl.get_default_dtype()
