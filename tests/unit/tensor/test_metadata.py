"""In-place changes of sizes, strides and memory; memory formats; view(dtype). Each program is run with PyTorch too."""

from __future__ import annotations

import pytest

from tests.unit.twin import agree

START = """
import copy
x = torch.arange(6.).reshape(2, 3)
z = torch.arange(6.)
r = torch.ones(2, 3, requires_grad=True)
c = torch.arange(48.).reshape(2, 3, 2, 4)
c3 = torch.arange(48.).reshape(1, 3, 2, 2, 4)
CL, CL3, CF, PF = torch.channels_last, torch.channels_last_3d, torch.contiguous_format, torch.preserve_format
def lay(t):
    channels_last = t.is_contiguous(memory_format=CL) if t.dim() == 4 else None
    nbytes = t.untyped_storage().nbytes()
    return tuple(t.shape), t.stride(), t.storage_offset(), t.is_contiguous(), channels_last, nbytes
"""


def each(*expressions: str) -> str:
    return "\n".join(f"tried(lambda: {expression})" for expression in expressions)


PROGRAMS = [
    "show(lay(z.resize_(2, 2)), z); show(lay(z.resize_(4, 4))); show(lay(z.resize_((2,)))); show(lay(z.resize_([2, "
    "1]))); show(lay(z.resize_(torch.Size([1])))); show(lay(z.resize_()))",
    each(
        "z.resize_(2.5)",
        "z.resize_('a')",
        "z.resize_(-1)",
        "z.resize_(2, -1)",
        "r.resize_(3)",
        "r[0].resize_(2)",
        "(r*2).resize_(1)",
        "z.resize_(2, 3, memory_format=CF).stride()",
        "lay(c.clone().resize_(2, 3, 4, 5, memory_format=CL))",
        "z.resize_(2,3, memory_format=CL)",
        "z.resize_(2, 3, memory_format=PF)",
        "z.resize_(size=(2,2))",
        "x.t().resize_(2, 2)",
        "x.resize_(torch.tensor(2))",
    ),
    "t = x.t(); show(lay(t.resize_(2, 3))); t = x.t(); show(lay(t.resize_(3, 2))); t = x[1:]; "
    "show(lay(t.resize_(3))); t = x[1:]; show(lay(t.resize_(9)));  e = x[0].expand(2, 3); show(lay(e.resize_(2, "
    "3)), lay(e.resize_(3, 3)))",
    "show(lay(z.resize_as_(x)), lay(z.resize_as_(c))); show(lay(z.resize_as_(c.contiguous(memory_format=CL), "
    "memory_format=PF))); show(lay(z.resize_as_(c.contiguous(memory_format=CL), memory_format=CF))); "
    " show(lay(z.resize_as_(c, memory_format=CL))); show(lay(z.resize_as_(c.contiguous(memory_format=CL))))",
    each(
        "z.resize_as_(3)",
        "r.resize_as_(x)",
        "z.resize_as_(r)",
        "torch.resize_as_(z, x)",
        "z.resize_as_(torch.ones(2, dtype=torch.int64))",
    ),
    # set_
    "t = torch.empty(0); show(lay(t.set_(z))); show(t.data_ptr() == z.data_ptr()); show(lay(t.set_())); "
    "show(lay(t.set_(z.untyped_storage()))); show(lay(t.set_(z.storage()))); show(lay(t.set_(z.untyped_storage(), "
    "1, (2, 2), (2, 1)))); show(lay(t.set_(z.untyped_storage(), 2, (2,)))); show(lay(t.set_(z, 1, (2, 2), (1, "
    "1)))); show(lay(t.set_(source=z.untyped_storage(), storage_offset=1, size=(2,), stride=(2,)))); "
    "show(lay(t.set_(z.storage(), 1, (3,)))); show(lay(t.set_(z, 0, (2,2)))) ",
    each(
        "torch.empty(0).set_(3)",
        "torch.empty(0).set_(torch.ones(2, dtype=torch.int64))",
        "torch.empty(0, dtype=torch.int64).set_(z.storage())",
        "torch.empty(0, dtype=torch.int64).set_(z.untyped_storage())",
        "torch.empty(0).set_(z, -1, (2,), (1,))",
        "torch.empty(0).set_(z, 0, (2,), (-1,))",
        "torch.empty(0).set_(z, 0, (-2,), (1,))",
        "torch.empty(0).set_(z, 0, (2,2), (1,))",
        "lay(torch.empty(0).set_(torch.ones(2).untyped_storage(), 0, (10,), (1,)))",
        "torch.empty(0).set_(z.untyped_storage(), 0)",
        "z.set_(x.t()).stride()",
    ),
    "with torch.no_grad(): tried(lambda: r.set_(z)); show(r.requires_grad, r.is_leaf)",
    "y = torch.ones(2).data; show(y.is_set_to(y), y.is_set_to(y[:]), y.is_set_to(y[:1]), y.is_set_to(y.clone()), "
    "y.is_set_to(y.view(2, 1))); tried(lambda: y.is_set_to(3)); show(torch.empty(0).is_set_to(torch.empty(0)))",
    # in-place views
    "for f in ('t_()', 'transpose_(0, 1)', 'transpose_(0, -1)', 'swapaxes_(0, 1)', 'swapdims_(0, 1)', "
    "'unsqueeze_(0)', 'unsqueeze_(-1)', 'squeeze_()', 'squeeze_(0)', 'as_strided_((2,), (2,))', 'as_strided_((2,), "
    "(2,), 1)', 'transpose_(0, 5)', 'unsqueeze_(9)', 'squeeze_(7)', 'transpose_(dim0=0, dim1=1)', 't_(1)', "
    "'squeeze_(dim=0)', 'unsqueeze_()'):\n  for t in (x.clone(), z.clone(), torch.tensor(3.), torch.ones(1, 2), "
    "c.clone(), r * 1):\n    tried(lambda: eval('t.' + f)); tried(lambda: (lay(t), t._version))",
    "y = r * 2; y.t_(); show(y, y.shape); y.sum().backward(); show(r.grad)",
    "y = (r * 2)[0]; y.unsqueeze_(0); y.mul_(2); y.sum().backward(); show(r.grad)",
    "tried(lambda: r.t_()); tried(lambda: r.data.t_().shape); v = r[0]; tried(lambda: v.unsqueeze_(0))",
    "b = x.clone(); v = b[0]; v.unsqueeze_(0); v.fill_(9); show(b, v, v._is_view(), v._base is b, v._version, "
    "b._version)",
    # data
    "x.data = torch.ones(5); show(x, x._version); r.data = torch.zeros(4); show(r, r.requires_grad, r.is_leaf); "
    "(r * 2).sum().backward(); show(r.grad)",
    each(
        "setattr(x, 'data', 3)",
        "setattr(x, 'data', torch.ones(2, dtype=torch.int64))",
        "setattr(r, 'data', torch.ones(2, dtype=torch.int64))",
        "setattr(r, 'data', torch.ones(2, dtype=torch.float64))",
        "setattr(x, 'data', torch.ones(2, device='meta'))",
        "delattr(x, 'data')",
        "setattr(x, 'data', None)",
    ),
    "y = r * 2; y.data = torch.ones(2); show(y); y2 = x.data; y2 += 1; show(x, x._version, y2._version)",
    # offset etc.
    "show(x[1].storage_offset(), x[1].data_ptr() - x.data_ptr(), x.element_size(), x.nbytes, x.itemsize, "
    "x[0].nbytes, x.double().nbytes, torch.empty(0).data_ptr(), x.untyped_storage().nbytes(), x.numel(), "
    "x.nelement(), x.ndim, x.ndimension(), x.dim())",
    each(
        "x.stride(0)",
        "x.stride(-1)",
        "x.stride(2)",
        "x.stride(dim=1)",
        "x.stride('a')",
        "x.stride()",
        "x.size(dim=0)",
        "x.size(-1)",
        "x.size(5)",
        "torch.tensor(1).stride()",
        "torch.tensor(1).stride(0)",
        "x.stride(None)",
        "type(x.stride()).__name__",
        "x.storage_offset(1)",
        "x.numel(3)",
        "x.dim(1)",
        "torch.numel(x)",
        "x.size(0, 1)",
        "x.size(nonsense=1)",
        "x.stride(0, 1)",
    ),
    each(
        "x.is_contiguous(memory_format=CL)",
        "c.is_contiguous(memory_format=PF)",
        "c.is_contiguous(CL)",
        "c.is_contiguous(memory_format=3)",
        "c3.is_contiguous(memory_format=CL3)",
        "c.is_contiguous(memory_format=CL3)",
        "torch.ones(0, 3, 2, 2).is_contiguous(memory_format=CL)",
        "torch.ones(1, 1, 1, 1).is_contiguous(memory_format=CL)",
        "torch.ones(2, 1, 3, 3).is_contiguous(memory_format=CL)",
        "x.is_contiguous(nonsense=1)",
    ),
    # memory formats
    "for f in (CL, CF):\n  for t in (c, c.contiguous(memory_format=CL), c.transpose(1, 2), c[:, :, ::2], "
    "c.permute(0, 2, 3, 1), c[:1]):\n    tried(lambda: lay(t.contiguous(memory_format=f))); "
    "tried(lambda: lay(t.clone(memory_format=f))); tried(lambda: lay(t.to(memory_format=f))); "
    "tried(lambda: lay(t.to(torch.float64, memory_format=f))); tried(lambda: lay(torch.empty_like(t, "
    "memory_format=f))); tried(lambda: lay(torch.zeros_like(t, memory_format=f))); "
    "tried(lambda: lay(t.double(memory_format=f))); tried(lambda: lay(t.float(memory_format=f))); "
    "tried(lambda: lay(torch.rand_like(t, memory_format=f))); tried(lambda: lay(torch.full_like(t, 2, "
    "memory_format=f))); tried(lambda: lay(torch.empty(t.shape, memory_format=f))); "
    "tried(lambda: t.contiguous(memory_format=f) is t); tried(lambda: t.to(memory_format=f) is t); "
    "tried(lambda: lay(t.to(torch.float64, copy=True, memory_format=f)))",
    "for t in (c3, c3.contiguous(memory_format=CL3)):\n  for f in (CL3, CL):\n"
    "    tried(lambda: t.contiguous(memory_format=f).stride()); tried(lambda: t.clone(memory_format=f).stride()); "
    "tried(lambda: torch.empty(t.shape, memory_format=f).stride()); tried(lambda: t.to(memory_format=f).stride())",
    each(
        "x.contiguous(memory_format=CL)",
        "x.clone(memory_format=CL)",
        "x.to(memory_format=CL)",
        "torch.empty(2, 3, memory_format=CL)",
        "x.contiguous(CL)",
        "c.contiguous(memory_format='a')",
        "torch.zeros(2, 2, memory_format=CL)",
    ),
    "for t in (c, c.contiguous(memory_format=CL), c.transpose(1, 2), c[:, :, ::2], c.permute(0, 2, 3, 1), "
    "c.expand(2, 3, 2, 4), c[0].expand(2, 3, 2, 4), x.t(), x[:, 1:], x[:, ::2].t(), c.permute(3, 1, 0, 2)):\n"
    "  tried(lambda: lay(torch.empty_like(t))); tried(lambda: lay(torch.zeros_like(t))); "
    "tried(lambda: lay(t.clone())); tried(lambda: lay(t.double())); tried(lambda: lay(t + 1)); "
    "tried(lambda: lay(t.exp())); tried(lambda: lay(t + t)); tried(lambda: lay(torch.ones_like(t))); "
    "tried(lambda: lay(t.to(torch.int64))); tried(lambda: lay(torch.rand_like(t))); "
    "tried(lambda: lay(t.to('meta'))); tried(lambda: lay(t.type(torch.int64))); "
    "tried(lambda: lay(t.new_empty(t.shape))); tried(lambda: lay(copy.deepcopy(t))); "
    "tried(lambda: lay(torch.where(t > 3, t, 0))); tried(lambda: lay(t * torch.ones(4 if t.dim() == 4 else 1)))",
    each(
        *(
            f"{t}.dim_order()"
            for t in (
                "x",
                "x.t()",
                "c",
                "c.contiguous(memory_format=CL)",
                "torch.ones(1,1,1)",
                "torch.tensor(1)",
                "c.permute(3,1,0,2)",
                "x.expand(2,2,3)",
                "torch.ones(2,1,3)",
                "torch.zeros(0,3)",
            )
        ),
        "x.dim_order(ambiguity_check=True)",
        "torch.ones(1,1).dim_order(ambiguity_check=True)",
        "c.dim_order(ambiguity_check=[CF, CL])",
        "torch.ones(2,1,3,3).dim_order(ambiguity_check=[CF, CL])",
        "x.dim_order(ambiguity_check='ABC')",
    ),
    # view(dtype)
    *(
        f"t = torch.arange(16).to(torch.{d})\n"
        + "\n".join(
            f"tried(lambda: lay({v}.view(torch.{e})))"
            for v in (
                "t",
                "t.view(4, 4)",
                "t.view(4, 4).t()",
                "t[1:]",
                "t[:3]",
                "t[0]",
                "t[::2]",
                "t.view(4,4)[:, 1:3]",
                "t[:0]",
            )
            for e in ("bool", "uint8", "int16", "float16", "float32", "int64", "complex64", "complex128")
        )
        for d in ("uint8", "int16", "float32", "int64", "complex64", "complex128")
    ),
    "t = torch.tensor([1., -1.]); show(t.view(torch.int32), t.view(torch.uint8), t.view(torch.int64)); "
    "v = t.view(torch.int32); v[0] = 0; show(t, t._version, v._base is t, v.dtype)",
    "r2 = torch.ones(4, requires_grad=True); tried(lambda: r2.view(torch.int32)); "
    "tried(lambda: r2.view(torch.complex64)); tried(lambda: r2.view(torch.float16).requires_grad)",
    each(
        "x.view(dtype=torch.int32)",
        "x.view('a')",
        "x.view(torch.float32) is x",
        "x.view(3, 2.)",
        "x.view(size=(3, 2)).shape",
        "x.view((3, 2)).shape",
        "x.view([3, 2]).shape",
        "x.view(torch.Size([6])).shape",
        "torch.tensor(1.).view(torch.int32)",
        "torch.tensor(1.).view(torch.uint8)",
        "torch.tensor(1.).view(torch.int64)",
    ),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str) -> None:
    agree(f"{START}show(0)\n{program}")
