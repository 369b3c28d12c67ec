"""Size, dtype, device, layout and memory_format against PyTorch's: text, pickle, hash, equality, arithmetic."""

from __future__ import annotations

import pytest

from tests.unit.twin import agree

NAMES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]

ALL = [
    ("s = torch.Size([2, 3]); show(s, repr(s), str(s), len(s), s[0], s[-1], s[:1], s[::-1], list(s), "
     "s.numel(), hash(s) == hash((2, 3)))"),
    "s = torch.Size([2, 3]); show(s == (2, 3), (2, 3) == s, s == [2, 3], s != (2, 3), s < (3,), {s: 1}[(2, 3)])",
    ("s = torch.Size([2, 3]); show(s + (1,), type(s + (1,)).__name__, (1,) + s, type((1,) + s).__name__, s * "
     "2, 2 * s, type(s * 2).__name__)"),
    "torch.Size([2]) + [1]",
    "[1] + torch.Size([2])",
    "torch.Size([1.5])",
    "torch.Size(['a'])",
    "torch.Size(3)",
    "show(torch.Size(), torch.Size([]).numel(), torch.Size((1, True)), torch.Size(range(3)))",
    "show(torch.Size([torch.tensor(2), 3]))",
    ("show(isinstance(torch.Size([1]), tuple), type(torch.Size([1, 2])[:]).__name__, torch.Size([1, "
     "1]).count(1), torch.Size([1]).index(1))"),
    ("a, b = torch.zeros(2, 3).shape; show(a, b, torch.zeros(2, 3).size(), torch.zeros(2, 3).size(-1), "
     "torch.zeros(2, 3).shape == torch.Size([2, 3]))"),
    "torch.zeros(2).size(1)",
    "torch.zeros(2).size('a')",
    "show('%s' % (torch.Size([1]),), f'{torch.Size([1, 2])}')",
    ("show(pickle.loads(pickle.dumps(torch.Size([1, 2]))), type(pickle.loads(pickle.dumps(torch.Size([1, "
     "2])))).__name__)"),
    *(f"d = torch.{n}; show(repr(d), str(d), d.is_floating_point, d.is_complex, d.is_signed, d.itemsize, "
      f"hash(d) == hash(torch.{n}), "
      f"d == torch.{n}, d is pickle.loads(pickle.dumps(d)), d != torch.int16, d.to_real(), d.to_complex() if "
      f"d.is_floating_point else 0, {{d: 1}}[d])" for n in NAMES),
    ("show(torch.float is torch.float32, torch.long is torch.int64, torch.half is torch.float16, torch.double "
     "is torch.float64, torch.cfloat is torch.complex64)"),
    "torch.dtype()",
    "torch.float32 < torch.float64",
    "torch.float32.nothing",
    ("d = torch.device('cpu'); show(d, repr(d), d.type, d.index, d == torch.device('cpu'), d == 'cpu', "
     "hash(d) == hash(torch.device('cpu')))"),
    ("d = torch.device('cuda:1'); show(d, repr(d), d.type, d.index, d == torch.device('cuda', 1), d != "
     "torch.device('cuda'))"),
    ("show(torch.device('cpu', 0), torch.device('cpu:0') == torch.device('cpu'), "
     "torch.device(torch.device('meta')), torch.device(type='cpu'))"),
    "show(torch.device(type='cuda', index=2), torch.device('cuda', index=3))",
    "torch.device('nowhere')",
    "torch.device('cpu:')",
    "torch.device('cpu:a')",
    "torch.device('cpu:-1')",
    "torch.device('cuda:01')",
    "torch.device('cuda:0', 0)",
    "torch.device(1.5)",
    "torch.device()",
    "torch.device('')",
    "torch.device('cuda', -1)",
    "torch.device('cuda', 'a')",
    "torch.device('cpu').type = 'a'",
    ("show(pickle.loads(pickle.dumps(torch.device('cuda:1'))), torch.zeros(1).device, torch.zeros(1, "
     "device=torch.device('cpu')).device)"),
    ("show(torch.strided, torch.zeros(1).layout, torch.zeros(1).layout is torch.strided, torch.channels_last, "
     "torch.contiguous_format, torch.preserve_format)"),
    "torch.zeros(2, layout='a')",
    "torch.zeros(2, dtype='float32')",
    "show(torch.zeros(2, dtype=float), torch.zeros(2, dtype=int), torch.zeros(2, dtype=bool))",
    ("show(torch.promote_types(torch.int64, torch.float32), torch.result_type(torch.ones(2), 1.5), "
     "torch.can_cast(torch.float32, torch.int64))"),
    ("show(torch.get_default_dtype()); torch.set_default_dtype(torch.float64); show(torch.tensor(1.5), "
     "torch.zeros(1)); torch.set_default_dtype(torch.float32)"),
    "torch.set_default_dtype(torch.int64)",
]  # fmt: skip


@pytest.mark.parametrize("program", ALL)
def test_program(program: str) -> None:
    agree(f"show(0)\n{program}")
