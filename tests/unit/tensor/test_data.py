"""tensor() and its relatives: nested data of every kind, NumPy and buffers, and sequences that misbehave."""

from __future__ import annotations

import array
import gc
from typing import Any

import numpy as np
import pytest

import rushlight as rl
from tests.unit.twin import agree

DATA = [
    "3", "3.5", "True", "1+2j", "[]", "()", "[[]]", "[[], []]", "[1, 2]", "[1, 2.5]", "[True, 2]", "[True, False]",
    "[1, 2j]", "[[1, 2], [3, 4]]", "((1, 2), [3, 4])", "[[1], [2, 3]]", "[1, [2]]", "[[1], 2]", "[[[1]], [[2]]]",
    "None", "[None]", "'a'", "['a']", "b'ab'", "{}", "{1: 2}", "object()", "[object()]", "range(3)",
    "[range(2), range(2)]",
    "2**63", "[2**63]", "-2**63", "[2**70]", "[1, 2**63]", "[float('nan'), float('inf')]", "[2**62, 1.5]",
    "np.int8(3)", "[np.float64(1.5)]", "[np.int16(1), np.int16(2)]",
    "np.array(5)", "np.array([1, 2])", "np.array([[1., 2.]], dtype=np.float16)",
    "[np.array([1, 2]), np.array([3, 4])]", "[np.array(1), np.array(2)]", "np.array([1, 2], dtype=np.uint8)",
    "np.zeros((0, 3))", "np.arange(6).reshape(2, 3).T", "np.arange(6)[::-1]", "np.arange(6)[::2]",
    "np.array(['a'])", "np.array([1], dtype=object)", "np.array([1, 2], dtype='>i4')", "np.array([1], dtype='M8[s]')",
    "torch.tensor(3)", "torch.tensor([1., 2.])",     "[torch.tensor(1), 2]", "[[torch.tensor(1)], [torch.tensor(2)]]",
    "bytearray(b'ab')", "memoryview(b'ab')", "{1, 2}", "iter([1])",
    "(i for i in range(3))", "[[1, 2], 'ab']",
]  # fmt: skip
DTYPES = ["None", "torch.float32", "torch.int64", "torch.bool", "torch.uint8"]


@pytest.mark.parametrize("data", DATA)
def test_tensor_of(data: str) -> None:
    lines = "\n".join(f"tried(lambda: torch.tensor({data}, dtype={d}))" for d in DTYPES)
    agree(f"import numpy as np\n{lines}")


CALLS = [
    "torch.tensor([1.], requires_grad=True)", "torch.tensor([1], requires_grad=True)", "torch.tensor()",
    "torch.tensor(1, 2)",
    "torch.tensor([1], device='cpu')", "torch.tensor([1], dtype=3)", "torch.tensor(data=[1])",
    "torch.tensor([1], nonsense=1)",
    "torch.as_tensor([1, 2])", "torch.as_tensor(np.ones(2))", "torch.as_tensor(torch.ones(2), dtype=torch.int64)",
    "torch.asarray([1, 2])", "torch.asarray(np.ones(2))", "torch.from_numpy([1])", "torch.from_numpy(np.float32(1))",
    "torch.frombuffer(bytearray(8), dtype=torch.float32)", "torch.frombuffer(bytearray(7), dtype=torch.float32)",
    "torch.frombuffer(bytearray(8), dtype=torch.int32, offset=4)",
    "torch.frombuffer(bytearray(8), dtype=torch.int32, offset=8)",
    "torch.frombuffer(bytearray(8), dtype=torch.int32, count=3)",
    "torch.frombuffer(bytearray(8), dtype=torch.int32, offset=-1)",
    "torch.frombuffer(bytearray(8), dtype=torch.int32, count=1)", "torch.frombuffer(bytearray(0), dtype=torch.int32)",
    "torch.frombuffer(b'12345678', dtype=torch.uint8)", "torch.frombuffer(bytearray(8))",
    "torch.frombuffer('ab', dtype=torch.uint8)",
    "torch.frombuffer(bytearray(8), dtype=torch.float32, requires_grad=True)",
    "torch.frombuffer(bytearray(8), dtype=torch.int32, requires_grad=True)",
    "torch.ones(3).numpy()", "torch.ones(3, requires_grad=True).numpy()",
    "torch.ones(3, requires_grad=True).numpy(force=True)",
    "np.array(torch.ones(2, 3))", "np.asarray(torch.ones(2), dtype=np.float64)", "np.sin(torch.zeros(2))",
    "np.ones(2) + torch.ones(2)", "torch.ones(2) + np.ones(2)", "np.float64(2) * torch.ones(2)",
    "torch.ones(2) * np.float32(2)",
    "torch.ones(2) + np.int64(1)", "torch.ones(2, dtype=torch.int64) * np.float64(1.5)", "np.int64(3) - torch.ones(2)",
    "torch.zeros(2)[np.int64(1)]", "torch.zeros(np.int64(2))", "torch.zeros(np.int64(2), 3)",
    "torch.arange(4.)[np.array([0, 2])]",
    "torch.arange(4.)[np.array([True, False, True, False])]", "torch.zeros(2, 3).sum(np.int64(1))",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_call(call: str) -> None:
    agree(f"import numpy as np\ntried(lambda: {call})")


NUMPY_DTYPES = [
    np.bool_,
    np.uint8,
    np.int8,
    np.int16,
    np.int32,
    np.int64,
    np.float16,
    np.float32,
    np.float64,
    np.complex64,
    np.complex128,
]


@pytest.mark.parametrize("dtype", NUMPY_DTYPES)
def test_numpy_shares_memory(dtype: Any) -> None:
    a = np.arange(12).reshape(3, 4).astype(dtype)
    t = rl.from_numpy(a)
    assert t.tolist() == a.tolist()
    a[1, 2] = 1
    assert t[1, 2].item() == a[1, 2]
    assert t.numpy().ctypes.data == a.ctypes.data
    for view in (a.T, a[::2], a[:, 1:3], a[1:1], a[0, 0:1].reshape(()), np.broadcast_to(a[0], (2, 4)).copy()):
        t = rl.from_numpy(view)
        assert (t.tolist(), t.shape) == (view.tolist(), view.shape)
        back = t.numpy()
        assert back.dtype == view.dtype
        assert np.array_equal(back, view)
        assert np.array_equal(np.asarray(rl._native._memory(t)), view)
        assert np.array_equal(t.__array__(), view)


def test_numpy_writes_both_ways_and_lifetimes() -> None:
    a = np.zeros(3, dtype=np.float32)
    t = rl.from_numpy(a)
    t.add_(1)
    assert a.tolist() == [1, 1, 1]
    b = rl.ones(1000).numpy()  # the tensor is gone, its memory is not
    gc.collect()
    junk = [rl.zeros(1000) for _ in range(50)]
    assert b.sum() == 1000
    del junk
    t = rl.from_numpy(np.full(1000, 2.0))
    gc.collect()
    assert t.sum().item() == 2000


@pytest.mark.parametrize("change", ["x.set_(rl.zeros(3))", "x.data = rl.zeros(3)", "x.set_()", "del x"])
def test_an_exported_buffer_outlives_a_change_of_memory(change: str) -> None:
    x = rl.full((5000,), 7.0)
    seen, view = x.numpy(), rl._native._memory(x)
    scope = {"x": x, "rl": rl}
    del x
    exec(change, scope)
    scope.clear()
    junk = [rl.zeros(5000) for _ in range(20)]
    assert seen.sum() == 35000
    assert view[4999] == 7.0
    del junk


def test_exported_memory_cannot_be_moved() -> None:
    x = rl.ones(4)
    seen = x.numpy()
    for tensor in (x, x.data, x.view(2, 2), x.detach()):
        with pytest.raises(RuntimeError, match="cannot grow"):
            tensor.resize_(100_000)
    assert seen.sum() == 4
    with pytest.raises(RuntimeError, match="cannot grow"):
        rl.from_numpy(np.ones(3)).resize_(4)


def test_memory_that_moves_moves_for_all() -> None:
    """`.data` shares the memory, not the version: a resize of one is seen by the other."""
    x = rl.ones(4)
    others = [x.data, x.data.data, x.view(2, 2), x.detach()]
    x.resize_(100_000)
    x.fill_(3.0)
    assert all(other.flatten()[0].item() == 3.0 for other in others if other.numel())
    others[0].resize_(200_000).fill_(5.0)
    assert x[0].item() == 5.0
    assert others[2].tolist() == [[5.0, 5.0], [5.0, 5.0]]


def test_out_of_bounds_is_refused() -> None:
    x = rl.arange(6.0)
    for size, stride, offset in (
        ((9,), (2,), 1),
        ((2,), (5,), 3),
        ((1,), (1,), 6),
        ((2, 2**62), (2**62, 1), 0),
        ((2,), (2**63 - 1,), 2),
    ):
        with pytest.raises(RuntimeError):
            x.as_strided(size, stride, offset)
        with pytest.raises(RuntimeError):
            x.set_(rl.ones(6), offset, size, stride)
    for huge in ((2**62, 4), (2**40, 2**40), (2**63 - 1,)):
        with pytest.raises((RuntimeError, MemoryError)):
            x.resize_(*huge)
        with pytest.raises((RuntimeError, MemoryError)):
            rl.empty(*huge)
    assert x.tolist() == [0, 1, 2, 3, 4, 5]


def test_read_only_and_reversed_arrays() -> None:
    a = np.ones(3)
    a.flags.writeable = False
    with pytest.warns(UserWarning, match="read-only"):
        t = rl.from_numpy(a)
    assert t.tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="negative"):
        rl.from_numpy(np.arange(3)[::-1])
    with pytest.raises(ValueError, match="multiple"):
        rl.from_numpy(np.zeros(4, dtype=[("a", "i1"), ("b", "<i4")])["b"])
    with pytest.raises(TypeError):
        rl.from_numpy(np.array(["a"]))
    assert rl.tensor(array.array("d", [1.5, 2.5])).tolist() == [1.5, 2.5]
    assert rl.tensor(array.array("d", [1.5, 2.5])).dtype is rl.float32


def test_numpy_scalars_and_lists_of_tensors() -> None:
    """Where PyTorch refuses to convert, the nearest number is taken."""
    assert rl.tensor(np.float32(1.5), dtype=rl.int64).item() == 1
    assert rl.tensor([np.bool_(True), np.bool_(False)]).dtype is rl.bool
    assert rl.tensor([np.float32(1.5), 2]).dtype is rl.float32
    assert rl.tensor([rl.tensor([1]), rl.tensor(3)]).tolist() == [1, 3]
    with pytest.raises(TypeError):
        rl.tensor([rl.tensor([1, 2]), rl.tensor([3, 4])])
    with pytest.raises(ValueError):
        rl.tensor([rl.tensor([1.0, 2.0])])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "bool", "float32"])
def test_numbers_at_the_limits(dtype: str) -> None:
    numbers = [
        300,
        255,
        256,
        -1,
        -128,
        -129,
        -255,
        -256,
        -300,
        2**31,
        -(2**31),
        2**40,
        2**62,
        1e300,
        1e10,
        -5.5,
        127.5,
        255.5,
        256.5,
        -0.5,
    ]
    agree("\n".join(f"tried(lambda: torch.tensor([{v}], dtype=torch.{dtype}))" for v in numbers))


class Trickster:
    """An element that changes its list while it is read."""

    def __init__(self, act: Any) -> None:
        self.act = act

    def __index__(self) -> int:
        self.act()
        return 1

    def __float__(self) -> float:
        self.act()
        return 1.0


@pytest.mark.parametrize("dtype", [None, rl.float32, rl.int64])
@pytest.mark.parametrize("kind", ["clear", "grow", "replace", "raise"])
def test_lists_that_change_while_they_are_read(kind: str, dtype: Any) -> None:
    def act() -> None:
        if kind == "clear":
            data.clear()
        elif kind == "grow":
            data.extend([1] * 100)
        elif kind == "replace":
            data[:] = [object() for _ in range(2000)]
        else:
            raise KeyError("no")

    for nested in (False, True):
        data: list[Any] = [Trickster(act)] + [1] * 1000
        for call in (
            lambda d, nested=nested: rl.tensor([d] if nested else d, dtype=dtype),
            lambda d: rl.zeros(d),
            lambda d: rl.zeros(3).reshape(d),
            lambda d: rl.zeros(3)[d],
            lambda d: rl.zeros(3).permute(d),
            lambda d: rl.zeros(3).__setitem__(0, d),
            lambda d: rl.Tensor(d),
            lambda d: rl.zeros(2, 2).sum(d),
        ):
            data[:] = [Trickster(act)] + [1] * 1000
            try:
                call(data)
            except (TypeError, ValueError, RuntimeError, KeyError, IndexError):
                pass


class Liar:
    """A sequence whose length and elements do not fit."""

    def __init__(self, length: Any, items: int) -> None:
        self.length, self.items = length, items

    def __len__(self) -> Any:
        return self.length

    def __getitem__(self, i: int) -> int:
        if i >= self.items:
            raise IndexError
        return i


@pytest.mark.parametrize(("length", "items"), [(3, 1), (1, 3), (0, 3), (2**40, 2), (-1, 2), ("a", 2)])
def test_sequences_that_lie(length: Any, items: int) -> None:
    for data in (Liar(length, items), [Liar(length, items)], [[1, 2], Liar(length, items)]):
        with pytest.raises((TypeError, ValueError, RuntimeError, IndexError, MemoryError, OverflowError)):
            rl.tensor(data)
            raise TypeError  # a length that is too short may be taken at its word


def test_deep_and_cyclic_nesting() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with pytest.raises(ValueError):
        rl.tensor(deep)
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    with pytest.raises((ValueError, RecursionError)):
        rl.tensor(cyclic)
