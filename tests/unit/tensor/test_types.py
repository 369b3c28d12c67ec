"""finfo, devices, defaults, layouts, dtypes, Size: each program is run with PyTorch too."""

from __future__ import annotations

import pytest

from tests.unit.twin import agree

START = """
import copy, math
x = torch.arange(6.).reshape(2, 3)
"""
DT = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]
DT += ["complex64", "complex128"]


def each(*expressions: str) -> str:
    return "\n".join(f"tried(lambda: {expression})" for expression in expressions)


PROGRAMS = [
    each(
        *(
            f"torch.finfo(torch.{d}).{a}"
            for d in DT
            for a in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype")
        )
    ),
    each(
        *(f"repr(torch.finfo(torch.{d}))" for d in DT),
        *(f"repr(torch.iinfo(torch.{d}))" for d in DT),
        "torch.finfo()",
        "torch.finfo().bits",
        "torch.finfo(3)",
        "torch.iinfo()",
        "torch.iinfo(3)",
        "torch.finfo(float).bits",
        "torch.iinfo(int).bits",
        "torch.finfo(dtype=torch.float32).eps",
        "torch.finfo(type=torch.float32).eps",
        "torch.iinfo(type=torch.int8).max",
        "torch.finfo(torch.float32) == torch.finfo(torch.float32)",
        "torch.finfo(torch.float32) == torch.finfo(torch.float64)",
        "torch.iinfo(torch.int8) == torch.iinfo(torch.int8)",
        "hash(torch.finfo(torch.float32)) == hash(torch.finfo(torch.float32))",
        "torch.finfo(torch.float32) != torch.finfo(torch.float64)",
        "copy.copy(torch.finfo(torch.float32))",
        "pickle.dumps(torch.finfo(torch.float32))",
        "torch.finfo('float32')",
        "torch.finfo(torch.float32).nothing",
        "str(torch.finfo(torch.float16))",
        "type(torch.finfo(torch.float32)).__name__",
    ),
    each(*(f"torch.iinfo(torch.{d}).{a}" for d in DT for a in ("bits", "max", "min", "dtype"))),
    "with torch.device('meta'):\n    show(torch.empty(2).device.type, torch.ones(2).device.type, "
    "torch.tensor([1]).device.type, torch.arange(3).device.type, torch.zeros(2, device='cpu').device.type, "
    "torch.nn.Linear(2, 3).weight.device.type, torch.rand(2).device.type, torch.full((2,), 1).device.type, "
    "torch.empty_like(x).device.type, x.new_zeros(2).device.type, torch.eye(2).device.type, torch.linspace(0, 1, "
    "3).device.type, torch.as_tensor([1.]).device.type, torch.asarray([1.]).device.type, torch.randint(3, "
    "(2,)).device.type, torch.randperm(3).device.type, torch.get_default_device())\n"
    "show(torch.empty(2).device.type, torch.get_default_device())",
    "d = torch.device('meta')\nwith d:\n  with torch.device('cpu'):\n    show(torch.ones(1).device.type)\n"
    "  show(torch.ones(1).device.type)\nshow(torch.ones(1).device.type)",
    "try:\n  with torch.device('meta'): raise KeyError\nexcept KeyError: show(torch.ones(1).device.type)",
    "with torch.device('meta') as m: show(m)",
    "@torch.device('meta')\ndef f(): return torch.ones(2)\nshow(f().device.type, torch.ones(1).device.type)",
    "torch.set_default_device('meta'); show(torch.ones(2).device.type, torch.get_default_device(), "
    "torch.tensor(1.).device.type); torch.set_default_device(None); show(torch.ones(1).device.type, "
    "torch.get_default_device())",
    "torch.set_default_device('cpu'); show(torch.get_default_device()); "
    "torch.set_default_device(torch.device('meta')); show(torch.get_default_device()); torch.set_default_device(None)",
    each("torch.set_default_device('nowhere')", "torch.set_default_device(3.5)"),
    "with torch.device('cuda'): tried(lambda: torch.ones(1))",
    each(
        "torch.device('cuda')",
        "torch.device(0)",
        "torch.device(1)",
        "torch.device('cuda:1').index",
        "torch.device(-1)",
        "torch.device('cpu', None)",
        "torch.device(device='cpu')",
        "torch.device('CPU')",
        "torch.device(' cpu')",
        "torch.device('cpu:0') == torch.device('cpu')",
        "torch.device('cpu') != 'cpu'",
        "torch.device('cpu') < torch.device('cuda')",
        "str(torch.device('cuda:0'))",
        "'%s' % torch.device('cpu')",
        "f'{torch.device(0)}'",
        "torch.device('cuda', index=0)",
        "torch.device(torch.device('cpu'), 0)",
        "torch.device(None)",
        "torch.device(True)",
        "torch.device(type='cuda')",
        "torch.device(index=0)",
        "copy.deepcopy(torch.device('cpu'))",
        "copy.copy(torch.device('cuda:1'))",
        "{torch.device('cpu'): 1}[torch.device('cpu')]",
        "torch.device('cpu').__reduce__()[1]",
        "torch.device('cuda:2').__reduce__()[1]",
        "isinstance(torch.device('cpu'), torch.device)",
        "torch.device('cpu')('x')",
        "x.device == torch.device('cpu')",
        "x.to(torch.device('cpu')) is x",
        "torch.zeros(1, device='cpu:0').device",
        "torch.zeros(1, device=torch.device('cpu', 0)).device",
    ),
    "torch.set_default_tensor_type(torch.DoubleTensor); show(torch.get_default_dtype(), torch.tensor(1.)); "
    "torch.set_default_tensor_type('torch.FloatTensor'); show(torch.get_default_dtype())",
    each(
        "torch.set_default_tensor_type('torch.LongTensor')",
        "torch.set_default_tensor_type(3)",
        "torch.set_default_tensor_type(torch.LongTensor)",
        "torch.set_default_tensor_type('nothing')",
        "torch.set_default_dtype(torch.complex64)",
        "torch.set_default_dtype(3)",
        "torch.set_default_dtype('float32')",
        "torch.set_default_dtype(torch.int8)",
        "torch.set_default_dtype(float)",
    ),
    "for d in (torch.float64,):\n  torch.set_default_dtype(d)\n  tried(lambda: (torch.tensor(1.), torch.ones(1), "
    "torch.tensor(1j), torch.tensor([1]) / 2, torch.Tensor([1]), torch.Tensor(0), torch.get_default_dtype(), "
    "torch.tensor([1]).float(), torch.nn.Linear(1,1).weight.dtype, torch.result_type(torch.tensor([1]), 1.5), "
    "torch.full((1,), 1.), torch.linspace(0, 1, 2), torch.rand(1).dtype, torch.empty(0).dtype))\n"
    "torch.set_default_dtype(torch.float32)",
    each(
        "torch.strided",
        "torch.sparse_coo",
        "torch.sparse_csr",
        "torch.sparse_csc",
        "torch.sparse_bsr",
        "torch.sparse_bsc",
        "torch.jagged",
        "torch.zeros(1, layout=torch.strided)",
        "torch.zeros(1, layout=torch.sparse_coo)",
        "x.layout == torch.strided",
        "torch.layout()",
        "copy.copy(torch.strided) is torch.strided",
        "copy.deepcopy(torch.strided) is torch.strided",
        "pickle.loads(pickle.dumps(torch.strided)) is torch.strided",
        "hash(torch.strided) == hash(torch.strided)",
    ),
    each(
        "torch.memory_format()",
        "repr(torch.channels_last)",
        "copy.deepcopy(torch.channels_last) is torch.channels_last",
        "isinstance(torch.channels_last, torch.memory_format)",
    ),
    each(
        "torch.float32.__reduce__()",
        "copy.deepcopy(torch.float32) is torch.float32",
        "copy.copy(torch.float32) is torch.float32",
        "torch.bfloat16.to_complex()",
        "torch.complex64.to_real()",
        "torch.complex64.to_complex()",
        "torch.int64.to_real()",
        "torch.bool.itemsize",
        "isinstance(torch.float32, torch.dtype)",
        "torch.float32 is torch.float",
        "torch.float32 in (torch.float16, torch.float32)",
        "sorted([str(torch.float32), str(torch.int8)])",
        "torch.float32.name",
        "torch.dtype('float32')",
        "torch.dtype.__name__",
        "torch.float32.is_signed",
        "torch.float32.x",
    ),
    # Size
    each(
        *(
            f"torch.Size({a})"
            for a in (
                "",
                "[]",
                "[1, 2]",
                "(1,)",
                "range(3)",
                "[1.0]",
                "[True]",
                "['a']",
                "3",
                "[-1]",
                "[2**40]",
                "[2**63]",
                "[torch.tensor(2)]",
                "[torch.tensor(2.)]",
                "torch.Size([1])",
                "iter([1, 2])",
                "{1: 2}",
                "None",
                "[None]",
                "[[1]]",
                "x.shape",
                "[1], [2]",
            )
        )
    ),
    "s = torch.Size([2, 3, 4])\n"
    + each(
        "s.numel()",
        "s[1:]",
        "s[::-1]",
        "s[1:].numel()",
        "s[-1]",
        "s[5]",
        "s['a']",
        "s[torch.tensor(1)]",
        "s + s",
        "s + (5,)",
        "(5,) + s",
        "s + [5]",
        "[5] + s",
        "s * 2",
        "2 * s",
        "s * 0",
        "s * -1",
        "s * 1.5",
        "s == (2, 3, 4)",
        "s == [2, 3, 4]",
        "(2, 3, 4) == s",
        "s != s",
        "s < (3,)",
        "s > s",
        "hash(s) == hash((2, 3, 4))",
        "repr(s)",
        "str(s)",
        "f'{s}'",
        "'%s' % (s,)",
        "list(s)",
        "tuple(s)",
        "type(tuple(s)).__name__",
        "set(s)",
        "len(s)",
        "3 in s",
        "s.index(3)",
        "s.count(2)",
        "sum(s)",
        "max(s)",
        "math.prod(s)",
        "copy.copy(s)",
        "copy.deepcopy(s)",
        "type(copy.deepcopy(s)).__name__",
        "type(s[:2]).__name__",
        "type(s + s).__name__",
        "type((1,) + s).__name__",
        "type(s * 2).__name__",
        "type(2 * s).__name__",
        "torch.zeros(s).shape",
        "torch.zeros(*s).shape",
        "pickle.loads(pickle.dumps(s))",
        "isinstance(s, tuple)",
        "s.__add__((1,))",
        "s.__radd__((1,))",
        "s.__mul__(2)",
        "s.__rmul__(2)",
        "s.__getitem__(0)",
        "s.__reduce__()[1]",
        "bool(torch.Size())",
        "not torch.Size()",
        "a if False else s",
        "sorted(s)",
        "torch.Size(s) is s",
        "s.__getnewargs__()",
        "torch.Size.numel(s)",
        "torch.Size.numel((1, 2))",
        "s.numel(1)",
        "s is x.shape",
        "s[()]",
        "s[...]",
        "s[True]",
        "s[1.5]",
        "torch.Size([0, 3]).numel()",
        "torch.Size([2**40, 2**40]).numel()",
    ),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str) -> None:
    agree(f"{START}show(0)\n{program}")
