"""Programs of one line that random programs were shrunk to: both libraries show the same, or raise the same."""

import pytest

from tests.unit.twin import agree

SETUP = """
f, i, b, u = torch.ones(3), torch.ones(3, dtype=torch.int64), torch.ones(3, dtype=torch.bool), torch.ones(3).byte()
m, h, scalar = torch.arange(12.0).view(4, 3), torch.ones(2, dtype=torch.float16), torch.tensor(2.0)
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
small = torch.tensor([1, 2, 3], dtype=torch.int8)

def written(call, out):
    call(out=out)
    return out, out.stride()

def after(write, *tensors):
    write()
    return tensors
"""

OUT = """
torch.neg(f, out=torch.empty(0, dtype=torch.float64))
torch.sign(i, out=torch.empty(0))
torch.floor(f.half(), out=torch.empty(0))
torch.signbit(f, out=torch.empty(0))
torch.isposinf(f, out=torch.empty(0, dtype=torch.int64))
torch.bitwise_not(small, out=torch.empty(0))
torch.nan_to_num(f, out=torch.empty(0, dtype=torch.float64))
torch.gather(small, 0, torch.tensor([0]), out=torch.empty(0, dtype=torch.int64))
torch.index_select(f.double(), 0, torch.tensor([0]), out=torch.empty(0))
torch.cumsum(f, 0, dtype=torch.float64, out=torch.empty(0))
torch.cumsum(f, 0, out=torch.empty(0, dtype=torch.float64))
torch.mm(m.double(), m.double().T, out=torch.empty(0))
torch.addmm(m, m, m[:3], out=torch.empty(0, dtype=torch.float64))
torch.dot(i, i, out=torch.empty(0))
torch.sort(f, out=(torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64)))
torch.cat([f, i], out=torch.empty(0, dtype=torch.int64))
torch.clamp(f, min=0, out=torch.empty(0, dtype=torch.float64))
torch.any(f, 0, out=torch.empty(0))
torch.any(f, 0, out=torch.empty(0, dtype=torch.uint8))
torch.float_power(f, 2, out=torch.empty(0))
torch.mean(f, 0, out=[])
torch.sort(f, out=f)
torch.add(f, 1, out=torch.empty(0, dtype=torch.float64))
torch.tanh(h, out=torch.empty(0))
written(lambda out: torch.add(m.t(), 0.5, out=out), torch.empty(0))
"""

CALLS = """
torch.flip(m, 0)
torch.flip(m, dims=0)
m.flip(0)
m.flip()
m.permute(1, 0)
torch.permute(m, 1, 0)
torch.tile(f, 2)
f.tile()
f.view()
f.repeat()
torch.zeros()
torch.zeros(size=3)
torch.full(3, 1)
f.new_full(3, 1)
f.new_full((3,), 1)
torch.rot90(m, dims=0)
torch.broadcast_to(f, 3)
m.unflatten(0, 2)
m.as_strided(2, 1)
torch.randint(3, 2)
torch.reshape(m, 12)
m.reshape(12)
torch.roll(m, 1, 0)
torch.block_diag([m, m])
torch.broadcast_tensors([f, f])
torch.cartesian_prod([f, f])
torch.meshgrid([f, f], indexing="ij")
torch.nn.functional.pad(f, 1)
f.type(torch.DoubleTensor)
f.to(f.numpy())
torch.can_cast(torch.int32, float)
torch.unique(f, True, 2)
torch.tensor([f])
torch.tensor([i])
torch.tensor([[scalar, 1.0], [m[:1, :1], 2]])
"""

NUMBERS = """
i.add(5, alpha=2**63 - 1), small.add(5, alpha=300)
small.add(5, alpha=300)
small.clamp(min=-200)
small ** 2**31
small ** -1
i ** -200
after(lambda: small.__ipow__(-1), small)
2 ** torch.tensor([-1, 2])
torch.full((2,), 1j, dtype=torch.float32)
torch.full((2,), -1.5, dtype=torch.uint8)
torch.full((2,), -1, dtype=torch.uint8)
small.remainder(2**40)
small % -2**63
small[:0] % 0
f % 0
i // 0
h != 2**40
1e10 % h
h * 1e10, h * torch.tensor([-2**63, 1])
torch.addcmul(torch.tensor(-2147483648), h, torch.tensor(-2147483648))
h.nan_to_num(posinf=1.0)
torch.tensor([float("inf")], dtype=torch.float16).nan_to_num()
torch.addcdiv(f, i, i)
torch.addcdiv(f, i, f)
torch.lerp(i, i, 0.5)
torch.lerp(f, f, torch.tensor(0.5, dtype=torch.float64))
torch.clamp(i, scalar.double())
torch.clamp(i, scalar.bfloat16(), None)
b.clip(True), b.clip(torch.tensor(True))
b.clamp_max(True)
torch.lerp(f, f, 2 - 1j)
torch.clip(small, min=0.5, max=torch.tensor(2))
b.masked_fill(b, 1j)
f.masked_fill(b, 1j)
i.scatter(0, torch.tensor([], dtype=torch.int64), float("nan"))
i.scatter(0, torch.tensor([0]), float("nan"))
torch.equal(f, i), torch.equal(b, u), torch.equal(f, torch.ones(2))
torch.searchsorted(i, f), torch.bucketize(scalar, i), torch.bucketize(1.5, i)
torch.isin(b, b)
torch.sum(b, dtype=torch.bool), torch.prod(f, 0, dtype=torch.bool)
"""

ROUND = """
torch.round(torch.tensor([1.2345, -2.5, 1e30, float("inf")]), decimals=2)
torch.round(torch.tensor([123.0, 155.0]), decimals=-1)
f.round_(decimals=3)
i.round(decimals=1)
torch.round(x, decimals=1)
torch.round(f, decimals=1, out=torch.empty(0, dtype=torch.float64))
torch.round(f, decimals=400)
"""

SHAPES = """
m.all([]), m.any(()), m.sum(())
b.view(3, 1).all(dim=[], keepdim=True)
torch.topk(scalar, 0)
torch.diff(m, 2**40)
f.mvlgamma(2**63 - 1)
torch.take_along_dim(m, torch.tensor([[3, -1, 100]] * 4), 1)
torch.take_along_dim(scalar, torch.tensor(0), 0)
torch.take_along_dim(m, torch.tensor([12]))
scalar.repeat_interleave(2, dim=0)
scalar.repeat_interleave(torch.tensor([2]), dim=0)
scalar.index_add(0, torch.tensor([0, 0]), scalar)
scalar.index_add(0, torch.tensor([0]), torch.ones(1))
scalar.index_copy(0, torch.tensor([], dtype=torch.int64), scalar)
m.view(2, 2, 3).index_add(1, torch.tensor([5]), torch.ones(2, 1, 3))
m.index_add(0, torch.tensor([5]), torch.ones(1, 3))
m.index_select(1, torch.tensor([7]))
m.index_select(0, torch.tensor([7]))
torch.diag_embed(scalar, 0, 0, 0)
torch.split(f, -1, 4)
torch.unflatten(scalar, 0, (-1,))
f.unflatten(5, ())
torch.roll(f[:0], 1, 5)
m[:0].cummax(5)
m.narrow(1, 2, 2**63 - 1)
m.baddbmm(f, f)
torch.addbmm(m, f, m)
torch.mv(scalar, scalar)
torch.addr(torch.ones(2, 2).bool(), b[:2], b[:2], beta=2, alpha=2)
torch.addr(torch.ones(2, 2).bool(), b[:2], b[:2], beta=False)
torch.tensordot(scalar, scalar, dims=1)
torch.tensordot(torch.ones(4, 1).int(), torch.ones(4, 1).int(), dims=1)
torch.einsum("ij,jk->ik", torch.ones(2, 1).int(), torch.ones(1, 2))
scalar.copy_(torch.ones(1, 1))
scalar.T
torch.nonzero(m).stride(), torch.nonzero(f[:0]).stride(), torch.argwhere(m)
i.expand(2, 3)[:, :0].nan_to_num_()
i.nan_to_num_()
"""

INDEXING = """
after(lambda: small.__setitem__(torch.tensor([0]), torch.tensor(1.5)), small)
after(lambda: small.__setitem__(small > 1, torch.tensor(1.5)), small)
after(lambda: small.__setitem__(small > 1, torch.tensor([1.5])), small)
after(lambda: f.__setitem__(f > 0, torch.full((1, 3), 2.0)), f)
after(lambda: m.__setitem__(torch.tensor([0, 1]), torch.full((1, 2, 3), 7.0)), m)
after(lambda: m.__setitem__((slice(2, 2), [1, 0]), torch.ones(1, 1, 2)), m)
f[[1.5, 0.0]]
f[["a"]]
m[0, [7], :0]
f[torch.tensor([1.0])]
f[[True, False, True]]
"""

GRADIENTS = """
x // 2, 0.5 // x, (x * 1).floor_divide_(2)
torch.heaviside(x, x)
torch.unique(x), torch.unique_consecutive(x)
torch.nextafter(x, x * 2)
torch.floor_divide(x, 2, out=torch.empty(0))
torch.floor_divide(f, 2, out=x)
torch.bitwise_or(i, i, out=x)
f.le_(x), torch.zeros(3).gt_(x)
(x * 1).ge_(0)
x.le_(0)
x.logical_not_()
x.sum(dtype=torch.int64)
x.cumsum(0, dtype=torch.int8)
x.prod(0, dtype=torch.int64)
x.to(torch.int64)
"""

LOSSES = """
torch.nn.functional.mse_loss(f, torch.tensor(1.0, dtype=torch.float64))
torch.nn.functional.l1_loss(f, torch.tensor(1.0, dtype=torch.float64))
torch.nn.functional.l1_loss(i, i, reduction="none")
torch.nn.functional.mse_loss(i, i)
torch.nn.functional.smooth_l1_loss(i, i)
torch.nn.functional.huber_loss(b, b)
torch.nn.functional.normalize(scalar.int())
torch.nn.functional.hardtanh(u)
torch.nn.functional.hardsigmoid(f, inplace=True)
torch.nn.functional.gelu(i)
"""

# Names of nodes differ where a number and a tensor make two nodes of one row.
UNNAMED = ("le_", "ge_", "_floor", "round")


@pytest.mark.parametrize("program", [
    line for block in (OUT, CALLS, NUMBERS, ROUND, SHAPES, INDEXING, GRADIENTS, LOSSES)
    for line in block.strip().splitlines()
])
def test_both_libraries_show_the_same(program: str) -> None:
    agree(f"{SETUP}\ntried(lambda: ({program}))", names=not any(word in program for word in UNNAMED))
