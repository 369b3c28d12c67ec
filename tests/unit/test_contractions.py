"""einsum, tensordot and kron against PyTorch: values, gradients, errors."""

import pytest
import torch as pt

import rushlight as rl

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,jk", (2, 3), (3, 4)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("ij->ji", (2, 3)),
    ("ij->", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("...ij,...jk->...ik", (2, 1, 3, 4), (5, 4, 2)),
    ("i...->...i", (2, 3, 4)),
    ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 5)),
    ("bhid,bhjd->bhij", (2, 2, 3, 4), (2, 2, 5, 4)),
    ("ijk,ijk->i", (2, 3, 4), (2, 3, 4)),
    ("ij,kl->ik", (2, 3), (4, 5)),
    ("ij,jk->ik", (2, 1), (3, 4)),
]


def _operands(shapes):
    theirs = [pt.randn(s, generator=pt.Generator().manual_seed(k), dtype=pt.float64) for k, s in enumerate(shapes)]
    ours = [rl.from_numpy(x.numpy().copy()).requires_grad_() for x in theirs]
    return ours, [x.requires_grad_() for x in theirs]


def _agree(call, shapes):
    ours, theirs = _operands(shapes)
    mine, wanted = call(rl, *ours), call(pt, *theirs)
    pt.testing.assert_close(pt.from_numpy(mine.detach().numpy()), wanted.detach())
    mine.cos().sum().backward()
    wanted.cos().sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        pt.testing.assert_close(pt.from_numpy(a.grad.numpy()), b.grad)


@pytest.mark.parametrize("equation, shapes", [(e, s) for e, *s in EQUATIONS])
def test_einsum(equation, shapes):
    _agree(lambda m, *xs: m.einsum(equation, *xs), shapes)


def test_einsum_of_lists():
    _agree(lambda m, a, b: m.einsum(a, [0, 1], b, [1, 2], [0, 2]), [(2, 3), (3, 4)])


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ij->ijk", "i->i", "ij->ii"])
def test_einsum_refuses(equation):
    for m in (rl, pt):
        with pytest.raises(RuntimeError):
            m.einsum(equation, m.ones(2, 3))


@pytest.mark.parametrize("dims", [0, 1, 2, ([1, 0], [0, 1]), ([-1], [0])])
def test_tensordot(dims):
    _agree(lambda m, a, b: m.tensordot(a, b, dims), [(3, 3), (3, 3)])


def test_tensordot_refuses():
    for m in (rl, pt):
        with pytest.raises(RuntimeError):
            m.tensordot(m.ones(2, 3), m.ones(2, 3), 1)


@pytest.mark.parametrize("shapes", [((2, 3), (4, 5)), ((2,), (3, 4)), ((), (2,))])
def test_kron(shapes):
    _agree(lambda m, a, b: m.kron(a, b), shapes)


def test_kron_of_any_strides():
    """PyTorch wants a view of the products, which these strides do not allow."""
    a, b = rl.arange(6.0).reshape(2, 3).t(), rl.arange(16.0).reshape(4, 4)[:, ::2]
    expected = pt.kron(pt.tensor(a.tolist()), pt.tensor(b.tolist()))
    assert rl.kron(a, b).tolist() == expected.tolist()
    assert rl.kron(b, a).shape == (12, 4)
