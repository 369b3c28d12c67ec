"""Programs about views, history, indexing and call forms that random programs were shrunk to; and huge sizes."""

import subprocess
import sys
import warnings

import pytest
import torch as pt

import rushlight as rl
from rushlight import _statistics
from tests.unit.twin import agree

SETUP = """
x = torch.arange(24).view(2, 3, 4)
f = torch.arange(24.0).view(2, 3, 4)
b, m = f > 5, torch.ones(2, 3, dtype=torch.bool)
g = torch.ones(3, requires_grad=True)
i, z = torch.zeros(3, dtype=torch.int32), torch.zeros(3)

def put(x, index, value):
    x[index] = value
    return x, x._version
"""

UNIQUE = [f"torch.unique_consecutive({arguments})" for arguments in (
    "i", "i, True", "i, False", "i, True, True", "i, True, False", "i, False, True", "i, False, False",
    "i, True, True, 0", "i, True, dim=0", "i, False, dim=0", "i, True, return_counts=True",
    "i, True, return_counts=False", "i, False, return_counts=True", "i, return_inverse=True", "i, return_counts=True",
    "i, [1]", "i, return_counts=1", "i, True, None", "i, dim=0.5", "z[0], dim=0",
)] + """
i.unique_consecutive(True), i.unique_consecutive(False, True), i.unique_consecutive(True, return_counts=True)
torch.unique(i, [1])
torch.unique(i, True, 1)
torch.unique(i, dim=[0])
torch.unique(z[0] * 1j, dim=0)
torch.unique(z[0], dim=0)
""".strip().splitlines()

PLACES = ("True", "False", "...", "None", "0", "[0]", "m", "(m, 0)", "(0, m[0])", "(True, 0)", "torch.tensor(True)",
          "[True, False]", "([True, False], [0])", "(m, slice(2))", "(slice(0), [0])", "[0, 5]", "m.T")
VALUES = ("1", "1.5", "1j", "torch.tensor(1.5)", "torch.tensor([1.5])", "torch.tensor(1j)", "torch.tensor([[[[2]]]])",
          "torch.ones(7)", "torch.ones(4)", "x[:1, :1, :1]", "g[0]", "[1.5]", "None", "2**70")

INDEXING = """
x[torch.tensor(1, dtype=torch.int16)], x[:, torch.tensor(1, dtype=torch.uint8)]
x[torch.tensor([1], dtype=torch.int16)]
f.view(1, 2, 3, 4)[:, [0, 1], :, torch.tensor(1)]
f.view(1, 2, 3, 4)[:, m, None, [0]]
torch.empty(2, 0)[:0, [0]]
put(torch.empty(3, 0, 2), (slice(3, None, 2), [0], [0]), 7)
put(x, (None, [2, 4]), torch.ones(5, 1, 2))
put(g, [True, False], g.clone())
put(g, False, 1), g.is_leaf
put(g, True, 1)
put(b, m, torch.tensor(1j))
""".strip().splitlines()

HISTORY = """
i._base is None, x._base is None, x[0]._base is x._base, i.view(3, 1).t()._base is i, x.detach()[0]._is_view()
i.view(3, 1).detach_()
i.le_(g), i.grad_fn.name(), i.is_leaf, i._version
b[0, 0, :3].ne_(g), b.requires_grad
i.fill_(g[0])
i.masked_fill_(i > 5, g[0])
i.copy_(g), i.logical_or_(g)
i.le_(g) + 1
i.le_(g)[0]
i.le_(g) * 2.0, i.float(), i == 1, i.detach()
i.le_(g).float().sum().backward()
(lambda v: (z.mul_(g), v.add_(1)))(z[1:])
(lambda v: (z.mul_(g), v.grad_fn is None, v.add_(1)))(z[1:])
(lambda v: torch.autograd.grad(z.requires_grad_().sum(), v, allow_unused=True))(z[1:])
(lambda v: torch.autograd.grad(z.requires_grad_().sum(), v))(z[1:])
""".strip().splitlines()

CALL_FORMS = """
f.squeeze(0, 1).shape, f[:1].squeeze_(0, 1).shape, f.count_nonzero(0, True), z.broadcast_to(2, 3)
z.broadcast_to(99)
torch.broadcast_to(z, 3)
torch.count_nonzero(f, 0, 1)
f.std(0, 1)
f.view(24, True).shape, f.flip(0, True), torch.ones(2, True)
f.flip(True, 0)
f.flip(2**63)
f.sum([2**63])
f.sum(2**63)
z.masked_select(z > 0, out=None)
z.add(1, out=z)
z.sort(out=None)
i.copy_(2**40), z.copy_(True), b.copy_(1j), i.copy_(torch.ones(1))
z.copy_([1, 2, 3])
z.to(True), z.to(False, True), z.to(None, torch.int64), z.to(torch.int64, True), z.to(i, False, True), z.to(int)
z.to(copy=1)
z.to(i, copy=None)
z.to("cuda:9", copy=3)
z.to(torch.float32, 1)
z.to(torch.int64, torch.int32)
z.unflatten("x", ())
torch.unflatten(z, "x", ())
torch.tensor([z > 0])
torch.tensor([1.0, i])
torch.tensor([i])
torch.tensordot(z, z, dims=object)
torch.cat((z[:0], z[:0]), dim=5), torch.cat((z[:0], i[:0]), dim=-2)
torch.cat((z[:0], z), dim=1)
(z > 0) * 2**63
i * 2**63, z + 2**63
z.equal([1])
torch.allclose(i, i.long(), None)
torch.nn.functional.one_hot(i, 1j)
torch.broadcast_shapes((2, 2), 2), torch.broadcast_shapes((3, 1), [4])
torch.broadcast_shapes(i, i)
torch.broadcast_shapes((3, 4), (2, -1))
torch.broadcast_tensors(z, z)[0] is z
torch.nn.functional.linear(z, z, torch.tensor(1.0, dtype=torch.float64))
torch.nn.functional.linear(z, f[0, 0, :3].view(1, 3), torch.ones(1).double())
f[:1].repeat_interleave(-1, dim=9)
i.index_fill_(9, i.long(), 1j)
f.expand(4, 2, 2, 3, 4).permute(1, 2, 4, 0, 3).tril_()
f.expand(2, 2, 3, 4).triu_()
torch.nn.functional.linear(i, i, torch.tensor(1.0))
put(b, b, torch.ones(24).bool()[:int(b.sum())])
put(z, [0], z[:1])
g.to("cpu", copy=True), g.to(torch.float32, copy=True)
""".strip().splitlines()

# A view whose base was written has its own node made anew; PyTorch makes it that of as_strided.
UNNAMED = ("b[0, 0, :3]", "v.grad_fn")


@pytest.mark.parametrize("program", UNIQUE + INDEXING + HISTORY + CALL_FORMS)
def test_both_libraries_show_the_same(program: str) -> None:
    agree(f"{SETUP}\ntried(lambda: ({program}))", names=not any(word in program for word in UNNAMED))


@pytest.mark.parametrize("place", PLACES)
def test_values_are_written_to_places_alike(place: str) -> None:
    agree(SETUP + "\n".join(
        f"tried(lambda: put({target}.clone(), {place}, {value}))" for value in VALUES for target in "xfb"
    ), names=False)


@pytest.mark.parametrize("dtype", ["int64", "int32"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_an_index_out_of_range_raises_the_same(shape: tuple[int, ...], dtype: str) -> None:
    for dim, n in enumerate(shape):
        source = [1 if d == dim else size for d, size in enumerate(shape)]
        agree(f"""
x, s = torch.ones({shape}), torch.ones({source})
for at in (-1, {n}):
    j = torch.tensor([at], dtype=torch.{dtype})
    tried(lambda: x.index_add({dim}, j, s))
    tried(lambda: x.index_copy({dim}, j, s))
    tried(lambda: x.index_fill({dim}, j.long(), 0))
    tried(lambda: x.index_select({dim}, j))
    tried(lambda: x.index_reduce({dim}, j, s, "prod"))
""")


def test_the_flags_of_unique_consecutive_by_position_are_warned_of_once(monkeypatch) -> None:
    _statistics._warn_of_flags_by_position.cache_clear()
    with pytest.warns(UserWarning, match="return_inverse="):
        rl.unique_consecutive(rl.ones(2), True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rl.unique_consecutive(rl.ones(2), True)
        rl.unique_consecutive(rl.ones(2), return_inverse=True)


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
def test_triangles_of_indices(name: str) -> None:
    for rows in range(4):
        for columns in range(4):
            for offset in (-2**63, -4, -3, -1, 0, 1, 3, 4, *[2**63 - 1] * (name == "triu_indices" and rows > 3)):
                ours = getattr(rl, name)(rows, columns, offset)
                expected = [[], []] if offset < -9 and name == "tril_indices" else None
                if offset >= -9:
                    expected = getattr(pt, name)(rows, columns, offset).tolist()
                assert expected is None or ours.tolist() == expected


HUGE = """
rl.triu_indices(N, 2), rl.tril_indices(2, N), rl.triu_indices(2, N, N - 1), rl.tril_indices(N, 2, -N + 1)
rl.tril_indices(N, 2)
rl.triu_indices(N, N)
rl.triu_indices(N, 2, -2**63)
rl.ones(3).chunk(N)
rl.ones(0).chunk(N)
rl.ones(3).tensor_split(2**40)
rl.nn.functional.max_pool1d(rl.ones(1, 1, 2), N)
rl.nn.functional.conv1d(rl.ones(1, 1, 2), rl.ones(1, 1, 2), dilation=N)
rl.ones(3).resize_(2**62)
rl.ones(3)[1:].resize_(2**60 + 2**62)
rl.empty_strided((2,), (N,))
rl.empty_strided((2**62,), (1,))
rl.empty_strided((-1,), (0,))
rl.bincount(rl.tensor([N]))
rl.ones(3).repeat_interleave(rl.tensor([N, N, 4]))
rl.diag_embed(rl.ones(2), -2**63)
""".strip().splitlines()


def test_huge_sizes_end_quickly() -> None:
    lines = [f"try: print([t.tolist() for t in ({call})])\nexcept RuntimeError: print('refused')" for call in HUGE]
    program = "import rushlight as rl\nN = 2**63 - 1\n" + "\n".join(lines)
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    last = 2**63 - 2
    assert shown.stdout.splitlines() == [
        str([[[0, 0, 1], [0, 1, 1]], [[0, 1, 1], [0, 0, 1]], [[0], [last]], [[last], [0]]]),
        *["refused"] * 3, "[[1.0], [1.0], [1.0]]", *["refused"] * 12,
    ]
