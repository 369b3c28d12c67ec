"""Memory shared with NumPy, buffers and DLPack; asarray; copies. Each program is run with PyTorch too."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch as pt

import rushlight as rl
from tests.unit.twin import agree

START = """
import numpy as np, array, copy
from PIL import Image
x = torch.arange(6.).reshape(2, 3)
r = torch.ones(2, requires_grad=True)
image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
class Old:
    def __init__(self, t): self.t = t
    def __dlpack__(self, stream=None): return self.t.__dlpack__()
    def __dlpack_device__(self): return self.t.__dlpack_device__()
class Asked:
    def __init__(self, t): self.t = t
    def __dlpack__(self, **k): self.k = k; return self.t.__dlpack__(**k)
    def __dlpack_device__(self): return self.t.__dlpack_device__()
"""
DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64",
    "complex128",
]  # fmt: skip
ARRAYS = [d for d in DTYPES if d != "bfloat16"]
ARRAYS += ["longlong", "intc", ">i4", ">f4", "longdouble", "U3", "object", "M8[s]", "m8[s]"]
OPERATORS = ["==", "<", "<=", ">", ">=", "+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>"]


def each(*expressions: str) -> str:
    return "\n".join(f"tried(lambda: {expression})" for expression in expressions)


TO_NUMPY = [
    *(f"t = torch.ones(2, 3, dtype=torch.{d})\n" + each(
        "t.numpy().dtype.name", "np.asarray(t).dtype.name", "np.array(t, dtype='float32').tolist()",
        "t.__array__('int64').tolist()", "t.tolist()", "t.t().numpy().tolist()", "t[:0].numpy().shape",
        "t.expand(2, 2, 3).numpy().strides", "t[0, 0].numpy().shape", "t[0, 0].item()", "type(t[0, 0].item()).__name__",
        "hasattr(t, '__array_interface__')") for d in DTYPES),
    each("x.__array__().shape", "x.__array__(np.float64).dtype.name", "x.__array__(dtype=np.int32).dtype.name",
         "np.array(x, copy=True).ctypes.data == x.data_ptr()", "np.asarray(x).ctypes.data == x.data_ptr()",
         "np.asarray(x, dtype=np.int64, copy=False)", "x.__array_priority__"),
    each("x.__array_wrap__(np.ones(2))", "x.__array_wrap__(np.ones(2, dtype=bool))", "x.__array_wrap__(np.ones(()))",
         "x.__array_wrap__(3)", "x.__array_wrap__(np.float64(2))"),
    each("np.sin(x)", "np.add(x, x)", "np.add(np.ones(3), x)", "np.isnan(x)", "np.max(x)", "np.argmax(x)", "np.std(x)",
         "np.concatenate([x, x])", "np.where(x > 1, x, 0)", "np.transpose(x)", "np.reshape(x, (3, 2))", "np.squeeze(x)",
         "np.cumsum(x, 0)", "np.shape(x)", "np.ndim(x)", "np.allclose(x, x)", "np.sqrt(x)", "np.abs(x)", "np.prod(x)",
         "np.exp(x[0, 0])", "np.dot(x, x.T)", "np.linalg.norm(x)", "np.round(x)", "np.copy(x)", "np.sort(x)"),
    each("np.float32(2) * x", "np.float64(2) + x", "np.int64(2) - x", "np.bool_(True) * x", "np.float64(2) / (x + 1)",
         "np.float64(2) ** x", "np.float64(2) < x", "np.float64(2) == x", "np.array(2.) * x"),
    each("np.array([x, x]).shape", "np.array([x[0, 0], x[0, 1]]).tolist()", "np.arange(6)[torch.tensor([1, 2])]",
         "np.array([torch.tensor(1), torch.tensor(2)]).dtype.name", "np.arange(6)[torch.tensor(1)]",
         "np.arange(6)[torch.tensor([True] * 3 + [False] * 3)]", "np.zeros(torch.tensor(3)).shape",
         "np.zeros(torch.Size([2, 3])).shape"),
    *("a = np.ones((2, 3)); i = torch.ones(2, 3, dtype=torch.int64)\n"
      + each(f"x {o} a", f"a {o} x", f"i {o} a.astype('int32')", f"a.astype('int32') {o} i") for o in OPERATORS),
    each("x == np.ones(5)", "x == np.array(['a'])", "x == np.float32(1)", "x.eq(np.ones(3))", "x.add(np.ones(3))"),
    "a = np.zeros(3); a[1] = torch.tensor(2.); a[0] = torch.tensor([4.]); a[:] += torch.ones(3); show(a.tolist())",
    "a = np.ones(3, dtype=np.float32); a += torch.ones(3); show(type(a).__name__, a.tolist())",
    "a = np.ones((2, 3)); a /= x + 1; show(a)",
    "np.add(np.ones(3), torch.ones(3), out=x[0].numpy()); show(x)",
    each("r.numpy()", "np.asarray(r)", "np.array(r)", "(r * 2).numpy()", "r.__array__()", "np.sin(r)",
         "r.numpy(force=True)", "r.detach().numpy()", "r.tolist()", "r.data.numpy()"),
    "with torch.no_grad(): tried(lambda: r.numpy())",
    each("torch.ones(2, dtype=torch.bfloat16).numpy(force=True)", "torch.ones(2, device='meta').numpy()",
         "torch.ones(2, device='meta').numpy(force=True)", "np.asarray(torch.ones(2, device='meta'))"),
    "a = x.numpy(); a[0, 0] = 9; show(x[0, 0]); x.zero_(); show(a.sum())",
    each("memoryview(x)", "bytes(x)", "bytes(torch.tensor([1, 2], dtype=torch.uint8))",
         "torch.frombuffer(x, dtype=torch.float32)"),
    each("x.item()", "torch.ones(0).item()", "torch.ones(1, requires_grad=True).item()", "x.item(0)",
         "torch.ones(1, device='meta').item()", "torch.ones(1, device='meta').tolist()"),
]  # fmt: skip

FROM_NUMPY = [
    *(f"a = np.arange(4).astype('{d}')\n" + each(
        "torch.from_numpy(a)", "torch.as_tensor(a)", "torch.tensor(a)", "torch.asarray(a)", "torch.from_numpy(a[::2])",
        "torch.from_numpy(a[::-1])", "torch.from_numpy(a.reshape(2, 2).T)", "torch.from_numpy(a[:0])",
        "torch.from_numpy(a[0])", "torch.tensor(a[0])", "torch.as_tensor(a[0])", "torch.asarray(a[0])",
        "torch.tensor([a[0], a[1]])", "torch.full((2,), a[0])") for d in ARRAYS),
    each("torch.from_numpy(np.broadcast_to(np.ones(3), (2, 3)))", "torch.from_numpy(np.float64(3))",
         "torch.from_numpy(np.zeros(4, dtype=[('a', 'i1'), ('b', '<i4')])['b'])", "torch.from_numpy()",
         "torch.from_numpy(np.ones((2, 3), order='F')).stride()", "torch.from_numpy([1])", "torch.from_numpy(x)",
         "torch.from_numpy(np.matrix([[1, 2]]))", "torch.from_numpy(np.ma.array([1, 2]))",
         "torch.tensor(np.matrix([[1, 2]]))", "torch.from_numpy(np.array(image))", "torch.tensor(image)",
         "torch.as_tensor(np.asarray(image)).shape", "torch.tensor(list(image.getdata()))"),
    "a = np.ones(3); show(torch.asarray(a).data_ptr() == a.ctypes.data)\n"
    "show(torch.as_tensor(a).data_ptr() == a.ctypes.data, "
    "torch.as_tensor(a, dtype=torch.float64).data_ptr() == a.ctypes.data, torch.tensor(a).data_ptr() == a.ctypes.data)",
    *(each(*(f"torch.frombuffer({b}, dtype=torch.{d})" for d in ("float32", "uint8", "bool", "bfloat16", "complex64")))
      for b in ("bytearray(8)", "bytes(8)", "array.array('d', [1., 2.])", "memoryview(bytearray(8))", "np.ones((2, 2))",
                "np.ones((2, 2)).T", "'abc'", "[1]", "bytearray(7)", "bytearray(0)", "memoryview(bytearray(16))[::2]")),
    each(*(f"torch.frombuffer(bytearray(8), dtype=torch.float32, {k})"
           for k in ("offset=2", "offset=2, count=1", "count=0", "count=-2", "count=-1", "offset=1.5",
                     "requires_grad=True")),
         "torch.frombuffer(bytearray(8), torch.uint8)", "torch.frombuffer(bytearray(8), dtype=None)",
         "torch.frombuffer(bytearray(8), dtype='float32')", "torch.frombuffer(bytearray(8), dtype=float)",
         "torch.frombuffer(buffer=bytearray(8), dtype=torch.uint8, count=3, offset=2)",
         "torch.frombuffer(bytearray(8), dtype=torch.uint8, requires_grad=True)"),
    "b = bytearray(8); t = torch.asarray(b, dtype=torch.uint8); t[0] = 3; show(b[0])",
    *(each(*(f"torch.asarray({o}, {k})" for k in (
        "", "dtype=torch.float32", "dtype=torch.uint8", "copy=True", "copy=False", "dtype=torch.float64, copy=False",
        "requires_grad=True", "requires_grad=False", "device='cpu'", "dtype=torch.float64, requires_grad=True")))
      for o in ("[1, 2]", "1.5", "bytearray(8)", "array.array('d', [1., 2.])", "np.ones(2)", "np.float32(1)", "x", "r",
                "r * 2", "range(3)", "'ab'", "None", "{1: 2}", "np.ones(3)[::-1]", "x.__dlpack__()", "object()", "1+2j",
                "True", "[]", "[np.ones(2), np.ones(2)]")),
    "show(torch.asarray(x) is x, torch.as_tensor(x) is x, torch.asarray(x, copy=False) is x)",
    "show(torch.asarray(x, requires_grad=True) is x, x.requires_grad)",
    "show(torch.asarray(r, requires_grad=False) is r, r.requires_grad, torch.as_tensor(r) is r)",
]  # fmt: skip

DLPACK = [
    *(f"t = torch.ones(2, 3, dtype=torch.{d})\n" + each(
        "np.from_dlpack(t)", "torch.from_dlpack(t)", "torch.from_dlpack(t.__dlpack__(max_version=(1, 0)))",
        "torch.from_dlpack(t).data_ptr() == t.data_ptr()", f"torch.from_dlpack(np.ones((2, 3), dtype='{d}'))")
      for d in DTYPES),
    each("x.__dlpack_device__()", "torch.ones(2, device='meta').__dlpack_device__()",
         "[type(i).__name__ for i in x.__dlpack_device__()]", "torch.ones(2, device='meta').__dlpack__()"),
    each(*(f"repr(x.__dlpack__(max_version={v})).split()[2]" for v in ("None", "(0, 8)", "(1, 0)", "(1, 5)", "(2, 0)")),
         "repr(torch.to_dlpack(x)).split()[2]", "repr(torch.utils.dlpack.to_dlpack(x)).split()[2]"),
    each(*(f"bool(x.__dlpack__({k}))" for k in (
        "stream=None", "stream=-1", "stream=1", "stream='a'", "None", "dl_device=(1, 0)", "dl_device=(2, 0)",
        "copy=True", "copy=False", "max_version=1", "max_version=(1,)", "nonsense=1", "dl_device=1"))),
    each("torch.from_dlpack(x.__dlpack__(copy=True)).data_ptr() == x.data_ptr()",
         "torch.from_dlpack(x.__dlpack__(copy=False)).data_ptr() == x.data_ptr()",
         "torch.from_dlpack(x, copy=True).data_ptr() == x.data_ptr()",
         "torch.from_dlpack(x, copy=False).data_ptr() == x.data_ptr()"),
    each("r.__dlpack__()", "np.from_dlpack(r)", "torch.from_dlpack(r)", "bool(torch.to_dlpack(r))",
         "(r * 2).__dlpack__()", "bool(r.detach().__dlpack__())"),
    each(*(f"torch.from_dlpack(x, {k})" for k in (
        "device='cpu'", "device='meta'", "device='cuda'", "device='cpu', copy=True")),
        "torch.from_dlpack(x, 'cpu')", "torch.from_dlpack(x.__dlpack__(), copy=True)",
        "torch.from_dlpack(x.__dlpack__(), device='cpu')"),
    "a = Asked(x); torch.from_dlpack(a); show(sorted(a.k.items())); torch.from_dlpack(a, device='cpu', copy=True); "
    "show(sorted((k, str(v)) for k, v in a.k.items()))",
    each("torch.from_dlpack(Old(x))", "torch.utils.dlpack.from_dlpack(x)", "torch.from_dlpack(3)",
         "torch.from_dlpack()", "torch.from_dlpack(torch.to_dlpack(x))", "torch.from_dlpack([1])",
         "torch.from_dlpack(None)"),
    *(f"c = x.__dlpack__(max_version={v}); torch.from_dlpack(c); show(repr(c).split()[2])\n"
      "tried(lambda: torch.from_dlpack(c))" for v in ("None", "(1, 0)")),
    *(f"t = {t}\n" + each("torch.from_dlpack(t)", "torch.from_dlpack(t).stride()", "t.storage_offset()",
                          "t.numel() and np.from_dlpack(t).strides", "torch.from_dlpack(t).storage_offset()",
                          "np.from_dlpack(t).tolist()",
                          "torch.from_dlpack(t.__dlpack__(max_version=(1, 1)))")
      for t in ("x.T", "x[:, 1:]", "x[::2]", "x[0]", "x[1, 2]", "torch.zeros(0, 3)", "torch.zeros(3, 0)",
                "x.expand(2, 2, 3)", "x[:, :1]", "torch.zeros(1, 1)")),
    *("a = np.arange(6.).reshape(2, 3)\n" + each(f"torch.from_dlpack({a})", f"torch.from_dlpack({a}).stride()")
      for a in ("a.T", "a[:, 1:]", "a[::2]", "a[0]", "np.zeros((0, 3))", "np.array(3.)", "np.array(['a'])",
                "np.ones(3, dtype='longdouble')", "np.ones(3, dtype='>f4')", "np.array([object()])")),
    "a = np.ones(3); a.flags.writeable = False; " + each("torch.from_dlpack(a)", "torch.from_dlpack(a, copy=True)"),
    "t = torch.from_dlpack(np.ones(3)); t[0] = 5; show(t, t._version, t.is_leaf, t.untyped_storage().nbytes())\n"
    "t.resize_(100)",
    "y = torch.from_dlpack(x); y[0, 0] = 7; show(x, x._version, y._version); x.add_(1); show(y)",
    "class S(torch.Tensor): pass\nshow(type(torch.from_dlpack(x.as_subclass(S))).__name__)",
    "show([(int(e), e.name) for e in torch.utils.dlpack.DLDeviceType], torch.utils.dlpack.__all__)",
]  # fmt: skip

COPIES = [
    "y = copy.copy(x); show(y.data_ptr() == x.data_ptr(), y is x, y._version); show(copy.deepcopy(x))",
    "x.note = [1]; y = copy.copy(x); show(y.note is x.note); z = copy.deepcopy(x); show(z.note is x.note, z.note)",
    "r.grad = torch.full((2,), 3.)\n" + each("copy.copy(r)", "copy.copy(r).grad", "copy.deepcopy(r).grad",
                                             "copy.deepcopy(r * 2)", "copy.copy(r * 2)"),
    "a = [x, x[0], x.t()]; b = copy.deepcopy(a); b[0][0, 0] = 99; show(b, a)",
    "class S(torch.Tensor): pass\ns = x.as_subclass(S); s.k = 1; t = copy.copy(s); show(type(t).__name__, t.k)",
    "class S(torch.Tensor):\n    def __deepcopy__(self, memo): return 'deep'\n    def __copy__(self): return 'flat'\n"
    "s = x.as_subclass(S); show(copy.deepcopy(s), copy.copy(s))",
    "p = torch.nn.Parameter(x); p.k = 3; q = copy.deepcopy(p); show(type(q).__name__, q, q.k, copy.copy(p))",
    "h = r.register_hook(lambda g: g * 2); d = copy.deepcopy(r); d.sum().backward(); show(d.grad)",
    "m = torch.empty(2, 3, device='meta', requires_grad=True); show(copy.deepcopy(m), copy.copy(m), "
    "pickle.loads(pickle.dumps(m)))",
    "r.grad = torch.ones(2); q = pickle.loads(pickle.dumps(r)); show(q, q.grad, q.is_leaf); "
    "show(pickle.loads(pickle.dumps(r * 2)))",
    "show(pickle.loads(pickle.dumps(x.t())).stride(), pickle.loads(pickle.dumps(x[1:])).storage_offset())",
    *(f"show(pickle.loads(pickle.dumps(torch.ones(2, 2, dtype=torch.{d}))))" for d in DTYPES),
    "show(x.__reduce_ex__(2)[0].__name__, [type(a).__name__ for a in x.__reduce_ex__(2)[1]])",
    "f, a = torch.nn.Parameter(x).__reduce_ex__(2); show(f.__name__, [type(i).__name__ for i in a])",
    "memo = {}; y = copy.deepcopy(x, memo); show(copy.deepcopy(x, memo) is y, id(x) in memo)",
    "e = copy.deepcopy(x.expand(4, 2, 3)); show(e.stride()); e = copy.deepcopy(x[:, 1]); "
    "show(e.stride(), e.storage_offset(), e.untyped_storage().nbytes())",
]  # fmt: skip


@pytest.mark.parametrize("program", TO_NUMPY + FROM_NUMPY + DLPACK + COPIES)
def test_program(program: str) -> None:
    agree(f"{START}show(0)\n{program}")


def test_numpy_is_imported_on_first_use() -> None:
    program = (
        "import sys, rushlight as rl, copy, pickle; x = rl.ones(2); x.tolist(); rl.asarray([1.0]); copy.deepcopy(x); "
        "repr(x); pickle.loads(pickle.dumps(x)); rl.from_dlpack(x); rl.frombuffer(bytearray(4), dtype=rl.uint8); "
        "assert 'numpy' not in sys.modules; x.numpy(); assert 'numpy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_unequal_arrays() -> None:
    """PyTorch compares identities here, and says True; ours compares elements, as == does in both."""
    x = rl.arange(3.0)
    assert (x != np.ones(3)).tolist() == (np.ones(3) != x).tolist() == [True, False, True]


def test_array_with_copy() -> None:
    """NumPy 2 passes copy=, which PyTorch's __array__ does not take yet."""
    x = rl.arange(3.0)
    assert x.__array__(copy=True).ctypes.data != x.data_ptr()
    assert np.asarray(x, copy=False).ctypes.data == x.data_ptr()
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.int32, copy=False)


def test_read_only_memory_warns() -> None:
    a = np.ones(3)
    a.flags.writeable = False
    for call in (
        lambda: rl.from_numpy(a),
        lambda: rl.as_tensor(a),
        lambda: rl.asarray(a),
        lambda: rl.frombuffer(b"1234", dtype=rl.uint8),
    ):
        with pytest.warns(UserWarning, match="read-only"):
            call()


def test_negative_strides_of_dlpack_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        rl.from_dlpack(np.arange(3)[::-1])


def test_dlpack_with_pytorch_both_ways() -> None:
    for dtype in DTYPES:
        theirs = pt.arange(6).reshape(2, 3).to(getattr(pt, dtype)).t()
        ours = rl.from_dlpack(theirs)
        assert (str(ours.dtype), ours.stride(), ours.tolist()) == (str(theirs.dtype), theirs.stride(), theirs.tolist())
        back = pt.from_dlpack(ours)
        assert back.data_ptr() == ours.data_ptr() == theirs.data_ptr()
        assert pt.equal(back, theirs)
        ours.zero_()
        assert not theirs.any()


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_dlpack_lifetimes(version: tuple[int, int] | None) -> None:
    x = rl.full((5000,), 7.0)
    capsule = x.__dlpack__(max_version=version)
    with pytest.raises(RuntimeError, match="cannot grow"):
        x.resize_(100_000)
    del x
    taken = rl.from_dlpack(capsule)
    del capsule
    gc.collect()
    junk = [rl.zeros(5000) for _ in range(20)]
    assert taken.sum().item() == 35000
    del taken, junk
    for _ in range(100):
        rl.ones(1000).__dlpack__(max_version=version)  # nobody takes it
    array = np.full(5000, 2.0)
    owner = rl.from_dlpack(array)
    view = owner[1:]
    del array, owner
    gc.collect()
    assert view.sum().item() == 4999 * 2


def test_dlpack_memory_may_be_let_go_in_any_thread() -> None:
    """A consumer may call the deleter without holding the interpreter's lock."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    rename = ctypes.pythonapi.PyCapsule_SetName
    rename.restype, rename.argtypes = ctypes.c_int, [ctypes.py_object, ctypes.c_char_p]
    capsule = rl.full((1000,), 3.0).__dlpack__()
    address = get(capsule, b"dltensor")
    used = ctypes.create_string_buffer(b"used_dltensor")
    rename(capsule, used)
    # data, device, ndim, dtype, shape, strides, byte_offset, context, deleter: 8 bytes each but for the numbers
    deleter = ctypes.c_void_p.from_address(address + 56).value
    thread = threading.Thread(target=ctypes.CFUNCTYPE(None, ctypes.c_void_p)(deleter), args=(address,))
    thread.start()
    thread.join()
    assert rl.full((1000,), 4.0).sum().item() == 4000


def test_bytes_that_are_no_bools_read_as_true() -> None:
    assert rl.frombuffer(bytearray([0, 1, 2, 240]), dtype=rl.bool).tolist() == [False, True, True, True]
