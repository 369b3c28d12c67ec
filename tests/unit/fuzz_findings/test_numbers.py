"""Values, arguments and errors of numeric operations that random programs disagreed on: one line a case."""

import pytest

import rushlight as rl
from tests.unit.twin import agree

SETUP = """
from math import inf, nan
F = torch.nn.functional
f, i, b, u = torch.tensor([1.0, -2.0, 3.0]), torch.tensor([1, -2, 3]), torch.tensor([True, False]), torch.ones(3).byte()
h, brain, c = torch.tensor([1.0, inf, 0.0]).half(), torch.tensor([1.0, -2.0, inf]).bfloat16(), torch.tensor([3 + 4j])
odd = torch.tensor([inf, 1.0, -0.0, -inf, nan, 0.0, -4.0])
plane = torch.tensor([1 + 1j, 0j, complex(-0.0, -0.0), -1j, 2 - 1j])
m = torch.arange(6.0).reshape(2, 3)
x = torch.tensor([1.0, 2.0], requires_grad=True)
z = torch.tensor([1 + 1j], requires_grad=True)
"""

HALVES = """
h + -2**63, h - 1e10, 1e10 - h, h.add(torch.tensor([1.0, 2, 3]).half(), alpha=0.3)
torch.mul(1e10, h), h * 1e10, torch.div(1e10, h), h / 1e10
0.1 * torch.tensor([0.5, 3, 7]).half(), 0.1 / torch.tensor([0.5, 3, 7]).half(), 2**63 * h, 1e10 / h, 1j / (brain + 2)
h // 0.3, torch.floor_divide(h, 0.3), h.div(0.3, rounding_mode="trunc")
torch.lerp(h, h * 0, 1e10), torch.lerp(f, f, 1e300)
torch.lerp(torch.tensor(-2147483648), torch.tensor(-2147483648), torch.tensor(-2.0).half())
torch.addcmul(h, h, h * 0, value=1e10), torch.addcdiv(h, h, h, value=2**40)
torch.addcmul(h, h, h, value=1e300)
h.add(h, alpha=1e10)
h.clamp(min=1e10)
torch.full((), 1e10, dtype=torch.float16), torch.full((1,), 1e300, dtype=torch.bfloat16)
torch.full((2,), 1e10, dtype=torch.float16)
torch.nextafter(brain, torch.tensor(5)), torch.nextafter(h, -h), torch.nextafter(h, h)
torch.nextafter(brain, torch.tensor(nan).bfloat16()), torch.nextafter(brain * 0, brain)
F.normalize(torch.tensor([[60000.0, 2.0]]).half()), F.normalize(torch.tensor([[60000.0, 2.0]]).half(), 3)
F.cosine_similarity(torch.tensor([[60000.0, 2.0]]).half(), torch.tensor([[60000.0, 2.0]]).half())
"""

SUBTRACTION = """
torch.sub(f, 1, alpha=-2**63), torch.rsub(f, 1, alpha=-2**63), f.clone().sub_(1, alpha=-2**63), c.sub(1, alpha=-2**63)
torch.sub(i.int(), i.int(), alpha=2**31)
torch.sub(i.int(), i.int(), alpha=-2**31)
torch.sub(u, u, alpha=-255), torch.sub(u, u, alpha=255)
torch.sub(u, u, alpha=256)
torch.subtract(i, 1.5, 5), i.subtract(2, 3), f.clone().subtract_(0.5, 2)
torch.subtract(f, 1, 2.0, out=torch.empty(0))
torch.subtract(f, i, 2)
i.subtract(3, 0.5)
torch.subtract(f, i, alpha=2, out=torch.empty(0))
torch.add(7, 2.5), torch.sub(7, 2.5), torch.mul(7, 2.5), torch.div(7, 2), torch.floor_divide(7, 2), torch.subtract(7, 2)
torch.pow(7, 1.5)
torch.remainder(False, -1)
torch.bitwise_and(7, 2)
"""

POWERS = """
odd ** 0.5, odd ** -0.5, odd.double() ** 0.5, odd.float_power(0.5), odd.clone().pow_(-0.5)
odd ** torch.tensor(0.5), odd ** torch.tensor([0.5]), torch.pow(odd, 0.5, out=torch.empty(0))
plane ** 0, plane ** 1, plane ** 2, plane ** 3, plane ** 0j
(plane + 1) ** -1, (plane + 1) ** -2, (plane + 1) ** 0.5, (plane + 1) ** -0.5, (plane + 1) ** (0.5 + 0j)
2**63 - 1 ** i.int(), torch.pow(2**63 - 1, u), torch.pow(-2**63, u.int()), 300 ** u, 1e10 ** h
u ** 300
"""

NORMS = """
torch.norm(torch.tensor([1e30, 1.0])), torch.norm(torch.tensor([1e30])), torch.norm(torch.tensor([1e-30, 0.0]))
torch.linalg.vector_norm(torch.tensor([1e30, 1e30]), 3), torch.linalg.vector_norm(torch.tensor([1e30, 1e30]), -2)
torch.dist(torch.tensor([1e30, 2.0]).bfloat16(), torch.tensor([1, 2]))
torch.dist(f, f, 1j)
torch.norm(m.reshape(1, 2, 3), dim=(0, 1, 2))
torch.norm(m.reshape(1, 2, 3), 2, dim=(0, 1, 2))
m.norm(out=torch.empty(0))
m.norm(2, 0, False, torch.float64)
torch.norm(m, 2, 0, out=torch.empty(0).double())
torch.norm(m, 1j)
torch.linalg.vector_norm(i, dim=1.5)
torch.linalg.vector_norm(m, 1, torch.tensor(1))
torch.linalg.vector_norm(m, dtype="x")
torch.linalg.vector_norm(m.double(), dtype=torch.float32)
F.normalize(torch.tensor([[1e30, 2.0]])), F.pairwise_distance(torch.tensor([[1e30, 2.0]]), torch.tensor([[1.0, 2.0]]))
torch.std_mean(torch.tensor([inf, 1.0])), torch.var_mean(torch.tensor([1.0, inf])), torch.var_mean(torch.tensor([-inf]))
torch.var_mean(torch.tensor([[inf, 1.0], [2.0, 3.0]]).half(), 1, keepdim=True)
torch.var(f[:0], correction=-1), torch.std(torch.ones(0, 2), 0, correction=-1)
torch.var(f, correction=1j)
torch.logsumexp(m, dim=())
torch.logsumexp(m, dim=(), keepdim=True), torch.logsumexp(torch.tensor(2.0), dim=())
"""

LOSSES = """
F.mse_loss(c, c)
F.smooth_l1_loss(c, c)
F.smooth_l1_loss(c, c, beta=0)
F.huber_loss(c, c)
F.mse_loss(i, i, reduction="avg")
F.l1_loss(b, b, reduction="avg")
F.l1_loss(f, m, reduction="avg")
F.mse_loss(f, b, reduction="avg")
F.silu(z)
z.nan_to_num()
torch.nan_to_num(z.detach()), F.silu(c)
"""

ARGUMENTS = """
torch.bucketize(f, 1.0)
torch.bucketize("a", f)
torch.bucketize(f, f, right=1)
torch.bucketize(1, f.sort()[0]), torch.bucketize(True, f.sort()[0])
torch.kron(m, {})
m.t().kron(m.t()), torch.kron(m, m.t(), out=torch.empty(0))
torch.ones(3).cross(torch.Size([2]))
torch.cross(f.half(), f, object)
torch.cross(f.bool(), f.bool())
f.equal(3)
torch.allclose(i, f, None)
torch.tensordot(f, f, dims=object)
torch.tensordot(f, f, dims=(0, 0))
torch.broadcast_shapes(f, f)
torch.broadcast_shapes((3, 4, 5), (2, -1))
torch.broadcast_shapes((2, -1), (3, 4, 5))
torch.broadcast_shapes((2, 2), (2.0,))
F.one_hot(f, [])
F.one_hot(i, 1.5)
F.one_hot(input=torch.tensor([1]), num_classes=2**63)
F.one_hot(input=torch.tensor([1]), num_classes=torch.tensor(3))
i.quantile(())
f.quantile(0.5, True)
f.quantile(0.5, 0, 1)
f.quantile(0.5, interpolation=None)
torch.vander(x[:1].detach().requires_grad_()), torch.vander(x, 1), torch.vander(x)
torch.diff(f, 0, dim=-5), torch.diff(x[:0]).is_leaf, torch.diff(torch.ones(0, 3))
torch.broadcast_tensors(x, f[:1])[0] is x, torch.broadcast_tensors(f[:1], x)[0] is x
torch.cat([f[:0], f[:0]], dim=-5)
torch.repeat_interleave(m, -1, dim=5)
torch.repeat_interleave(torch.tensor(1), -1, dim=0)
f.tile(2**63)
f.reshape((2**70,))
f.sum(2**70)
F.linear(f, f, torch.tensor(3)), F.linear(m.reshape(1, 2, 3), m, torch.tensor(3.0).double())
F.linear(m, m, torch.tensor(3))
F.linear(f, f, torch.tensor(1j))
F.linear(b[:0], b[:0])
f.addcmul(f, f, value=1, out=None)
u.isneginf(out=None)
torch.abs(c, out=torch.empty(0).double()), torch.abs(c, out=torch.zeros(1) + 0j)
torch.abs(c, out=torch.empty(0, dtype=torch.complex128))
torch.abs(f, out=torch.empty(0).double())
torch.lerp(f, f, f, out=torch.empty(0).double())
torch.lerp(f, f, 0.5, out=torch.empty(0).double()), torch.lerp(f, f, torch.tensor(0.5), out=torch.empty(0).double())
"""

PADDING = """
F.pad(m, (1, 1), value=2**64), F.pad(m, (), value=2**64)
F.pad(u, (0, -1), value=-1.5)
F.pad(u, (1, 0), value=-1)
F.pad(m, (1, 0), value=1j)
F.pad(torch.ones(3, 1, 5), (0, 0, -2, 2))
F.pad(torch.ones(3, 0, 5), (0, 0, -1, 1))
F.pad(m, (0, 0), "reflect", value=2)
"""

BYTES = """
f.view(torch.bool).long(), f.view(torch.bool) + 1.5, f.view(torch.bool) == True, torch.nansum(f.view(torch.bool))
torch.cosh(f.view(torch.bool)), f.view(torch.bool) + brain[:1]
"""

BLOCKS = (HALVES, SUBTRACTION, POWERS, NORMS, LOSSES, ARGUMENTS, PADDING, BYTES)


@pytest.mark.parametrize("dtype", [rl.uint8, rl.int32, rl.int64])
@pytest.mark.parametrize("name", ["remainder_", "floor_divide_", "fmod_"])
def test_a_refused_division_writes_nothing(name: str, dtype: rl.dtype) -> None:
    for divisor in (rl.tensor([2, 3, 0]), rl.tensor([2, 0, 1], dtype=dtype), 0, rl.tensor(0)):
        x = rl.tensor([7, 8, 9], dtype=dtype)
        with pytest.raises(RuntimeError, match="zero"):
            getattr(x, name)(divisor)
        assert x.tolist() == [7, 8, 9]


WRITES = ["fill_(v)", "scatter_(0, torch.tensor([0]), v)", "index_fill(0, torch.tensor([0]), v)", "__setitem__(0, v)",
          "masked_fill(torch.tensor([True]), v)"]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_what_fits_one_element(dtype: str, write: str) -> None:
    lines = "".join(
        f"v = {v}; x = torch.ones(1, dtype=torch.{dtype}); tried(lambda: x.{write}); show(x)\n"
        for v in ("1j", "2 - 1j", "1e5", "1e39", "2**63 - 1", "float('inf')")
    )
    agree(lines)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", [line for block in BLOCKS for line in block.strip().splitlines()])
def test_both_libraries_show_the_same(program: str) -> None:
    agree(f"{SETUP}\ntried(lambda: ({program}))", names=False)
