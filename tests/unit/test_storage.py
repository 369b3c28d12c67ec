"""Storages share memory with their tensors."""

import copy
import pickle

import rushlight as rl
from rushlight.storage import TypedStorage, UntypedStorage, memory_of, storage_over


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
    assert first.cpu() is first is first.untyped() and "3 bytes on cpu" in repr(first)


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
