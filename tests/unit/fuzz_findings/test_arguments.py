"""Which arguments are refused, in what order and with which class: both libraries do the same."""

import pytest

from tests.unit.twin import agree

SETUP = """
import numpy as np
inf, nan, both, T = float("inf"), float("nan"), np.ones(2), torch.tensor
f, i, b, z = torch.ones(3), torch.ones(3, dtype=torch.int64), torch.ones(3, dtype=torch.bool), torch.ones(2) * 1j
m, small, nothing = torch.arange(12.0).view(4, 3), torch.zeros(0, 4, dtype=torch.int16), torch.tensor([])
x, w = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([1j, 2j], requires_grad=True)
places, none = torch.tensor([0]), torch.tensor([], dtype=torch.int64)

def written(call, x):
    call(x)
    return x

def gradient(y, x):
    y.sum().backward()
    return x.grad
"""

NUMBERS = """
i.to(1.5)
i.to(inf)
i.to(1j)
i.to(np.float32(2))
i.to(2.5, copy=True)
i.to(2.5, True, True)
i.to(1.5, torch.float32)
i.to(other=2.5)
i.to(1)
i.to(True)
i.to(2**63)
i.type_as(1.5)
f.double().to(1.5) is f
f.fill_diagonal_(2**70)
m.fill_diagonal_(2**64)
m.fill_diagonal_(7)
small.fill_diagonal_(2**63 - 1)
small.fill_diagonal_(1j)
small.fill_diagonal_(2**64)
torch.empty(0, 5, requires_grad=True).fill_diagonal_(2)
torch.where(b, i.int(), 2**40)
torch.where(b, 2**40, i.int())
torch.where(b, i.byte(), -255)
torch.where(b, i.byte(), -256)
torch.where(b, T(1, dtype=torch.int8), 300)
torch.where(b, torch.empty(0, 1).int(), 2**40)
torch.where(~b, f, 1e300)
torch.where(~b, f.half(), 1e300)
torch.where(~b, f.bfloat16(), 1e300)
torch.where(~b, z[:1], 1e300)
torch.where(b, b, 2)
torch.where(b, 2.5, 1.5)
torch.where(b, 2.5, 1)
torch.where(b, 1, 2.5j)
i.where(b, 2**63 - 1)
torch.nan_to_num(b, 1j)
torch.nan_to_num(f, 1, 2j)
torch.nan_to_num(T([nan, inf, -inf]), 1e300, 2**70, -1e300)
torch.nan_to_num(T([nan]).half(), 1e6)
torch.nan_to_num(i, 2**70)
f.nan_to_num_(1j)
torch.logit(f, 1j)
torch.logit(f, 0.4)
torch.clamp(f.half(), 1e6)
torch.add(f, 1, alpha=None)
i.subtract(2**31, None)
torch.arange(3, 7, None)
torch.histc(f, 10, None)
torch.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 1), None, None)
torch.roll(i, 1, None)
torch.roll(nothing, [1, 2])
torch.roll(nothing, [1, 2], [0])
torch.roll(nothing, [1, 2], [0, 0])
"""

NOT_A_NUMBER = """
f.norm(both)
f.norm([1])
f.norm(np.float32(1))
f.norm(T(2.0))
f.norm("x")
f.norm(1j)
f.norm(dim=2**63)
f.norm(dim=(0, 2**63))
torch.norm(f, 1, dim=2**70)
torch.norm(m, dim=T(1))
torch.norm(m, dim=1)
torch.linalg.matrix_norm(m, both)
torch.linalg.matrix_norm(m, 1j)
torch.linalg.matrix_norm(m, [1])
torch.renorm(m, both, 0, 1.0)
torch.renorm(m, 1j, 0, 1.0)
torch.renorm(m, 2, 0, 1j)
torch.unique_consecutive(f, both)
torch.unique_consecutive(f, return_counts=both)
torch.unique_consecutive(f, np.ones(1))
torch.unique_consecutive(f, T([1, 2]))
f.unique_consecutive(both)
f.unique(True, both)
f.unique(both, both)
f.unique(both)
torch.split(i, np.int64(1))
i.split(np.int64(1), dim=0)
i.split(T(1))
i.split(True)
i.split(2)
i.split((np.int64(1), 2))
torch.bucketize(f, m, out=3)
torch.kthvalue(m, -1, out=())
torch.is_complex(1)
torch.is_floating_point([1.0])
torch.numel(both)
torch.sort(m, 5, out=(torch.empty(0),))
"""

PLACES = """
f.index_copy_(-1, T([2, 0]), T(1))
f.index_copy_(0, T([[1, 0]]), T([1, 2, 3]))
f.index_copy_(0, T([1]), T([[1]]))
f.index_copy_(0, T([1.0]), T([1.0]))
f.index_copy_(0, T([1]), T([1]))
f.index_copy_(0, T([1]), T([1.0, 2.0]))
f.index_copy_(0, T([7]), T([1.0]))
m.index_copy_(0, T([1]), torch.ones(1, 2))
f.index_copy_(0, T([1]), T(7.0))
torch.zeros(()).index_copy_(0, T([0, 0]), T(1.0))
m.expand(2, 4, 3).scatter_reduce_(8, places, f, "no")
m.scatter_reduce_(2, T([[0]]), T(1), "mean")
w.scatter_reduce(0, places, z[:1], "sum")
w.scatter_reduce(0, none, z[:0], "amax")
z.scatter_reduce(0, none, z[:0], "amax")
z.scatter_reduce(0, places, z[:1], "amin")
torch.rot90(torch.zeros(5, 4, 5), -1, (0, 3))
torch.rot90(torch.zeros(5, 4, 5), -1, (3, 3))
torch.rot90(torch.zeros(5, 4, 5), -1, (0, -3))
T(-0.5).repeat_interleave(-1, 3)
T([-0.5]).repeat_interleave(-1, 0)
written(lambda x: x.masked_fill_(x[0], True), torch.eye(2).bool())
written(lambda x: x.masked_fill_(x.t(), True), torch.eye(2).bool())
written(lambda x: x.masked_fill_(x, False), torch.eye(2).bool())
written(lambda x: x.unsqueeze(0).masked_fill_(x, True), T(False))
written(lambda x: x.__setitem__(x[0], True), torch.eye(2).bool())
written(lambda x: x.__setitem__(x, x.clone()), torch.ones(0).bool())
written(lambda x: x.__setitem__(x, True), torch.eye(2).bool())
"""

GRADIENTS = """
x.sum().backward((0, 0))
x.sum().backward("xy")
x.sum().backward((0,))
w.backward(torch.ones(2))
(w * 2).backward(torch.ones(2).long())
x.backward(torch.ones(2) * 1j)
x.backward(torch.ones(2).double())
(w.to(torch.complex128) * 2).backward(z)
torch.autograd.grad(w * 2, w, torch.ones(2))
gradient(torch.unique(x, dim=0), x)
gradient(torch.unique_consecutive(x, dim=0), x)
torch.unique(x, dim=0).grad_fn.name(), torch.unique_consecutive(x, dim=0).grad_fn.name()
torch.logsumexp(x.view(1, 2), 1).detach_()
torch.logsumexp(x.view(1, 2), 1).exp_()
gradient(torch.logsumexp(x.view(1, 2), 1).exp_(), x)
torch.logsumexp(m, 1)._base is None
T(1.0).mT, T(1.0).H, T(1j).H
written(lambda x: x.mH.fill_(2.0), T(1.0))
"""

DTYPES = """
b.square()
torch.square(b, out=torch.empty(0))
b.square_()
torch.cumsum(b[0], 0, dtype=torch.bool)
torch.cumprod(b[:0], 0, dtype=torch.bool)
torch.cumsum(b, 0, dtype=torch.bool)
torch.softmax(i[:0], 0)
torch.log_softmax(b[:0], 0)
torch.softmax(f[:0], 0, dtype=torch.int32)
torch.softmax(i, 0)
b[0].kthvalue(1)
b.kthvalue(1)
b[:0].median()
z.mode()
torch.bucketize(b[:0], b)
torch.bucketize(b, b)
"""


@pytest.mark.parametrize("program", [
    line for block in (NUMBERS, NOT_A_NUMBER, PLACES, GRADIENTS, DTYPES) for line in block.strip().splitlines()
])
def test_both_libraries_show_the_same(program: str) -> None:
    agree(f"{SETUP}\ntried(lambda: ({program}))")
