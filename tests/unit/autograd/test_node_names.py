"""Names of backward nodes that depend on how an operation was called."""

import pytest
import torch as pt

import rushlight as rl

CALLS = [
    lambda m, F, x, s: F.elu(x * 1),
    lambda m, F, x, s: F.elu(x * 1, inplace=True),
    lambda m, F, x, s: F.celu(x * 1, 0.7),
    lambda m, F, x, s: F.celu(x * 1, inplace=True),
    lambda m, F, x, s: F.selu(x * 1, inplace=True),
    lambda m, F, x, s: F.leaky_relu(x * 1, inplace=True),
    lambda m, F, x, s: F.threshold(x * 1, 0.1, 0.2, inplace=True),
    lambda m, F, x, s: F.rrelu(x),
    lambda m, F, x, s: F.rrelu(x, training=True),
    lambda m, F, x, s: F.rrelu(x * 1, inplace=True),
    lambda m, F, x, s: F.rrelu(x * 1, training=True, inplace=True),
    lambda m, F, x, s: F.linear(x, s),
    lambda m, F, x, s: F.linear(x, s, s[0]),
    lambda m, F, x, s: F.embedding(m.tensor([[0, 2]]), x),
    lambda m, F, x, s: x[None, None].squeeze((0, 1)),
    lambda m, F, x, s: x[None].squeeze(0),
    lambda m, F, x, s: x.sort(0)[0],
    lambda m, F, x, s: x.sort(dim=0, stable=True)[0],
    lambda m, F, x, s: x.fmod(2),
    lambda m, F, x, s: x.fmod(x),
    lambda m, F, x, s: x**2,
    lambda m, F, x, s: 2**x,
    lambda m, F, x, s: F.multilabel_soft_margin_loss(x, x.detach(), reduction="none"),
    lambda m, F, x, s: F.margin_ranking_loss(x, x * 2, x.detach(), reduction="none"),
    lambda m, F, x, s: F.triplet_margin_loss(x, x * 2, x * 3, reduction="none"),
    lambda m, F, x, s: F.hinge_embedding_loss(x, x.detach().sign(), reduction="none"),
    *(
        lambda m, F, x, s, equation=equation: m.einsum(equation, x)
        for equation in ("...j->...", "ij->i", "ij->", "ij->ji", "ij->ij", "...")
    ),
    *(
        lambda m, F, x, s, equation=equation: m.einsum(equation, x, s)
        for equation in ("ij,jk->ik", "ij,jk->i", "ij,jk", "...j,jk->...k")
    ),
    lambda m, F, x, s: m.einsum("ij,ij->ij", x, x),
    lambda m, F, x, s: m.einsum("ij,ij->ji", x, x),
    lambda m, F, x, s: m.einsum("ij,ij->", x, x),
    lambda m, F, x, s: m.einsum("i,j->ji", s[0], s[1]),
    lambda m, F, x, s: m.einsum("ii", s),
]


@pytest.mark.parametrize("call", CALLS)
def test_the_name_is_pytorchs(call):
    names = []
    for m in (rl, pt):
        x = (m.arange(12.0).reshape(4, 3) / 7 - 0.6).requires_grad_()
        s = m.ones(3, 3, requires_grad=True)
        names.append(type(call(m, m.nn.functional, x, s).grad_fn).__name__)
    assert names[0] == names[1]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_rrelu(dtype, inplace, training):
    """The same draws, in the input's dtype, and gradients by the same slopes."""
    results = []
    for m in (rl, pt):
        m.manual_seed(3)
        x = (m.arange(12.0).reshape(4, 3) / 7 - 0.6).to(getattr(m, dtype)).requires_grad_()
        y = m.nn.functional.rrelu(x * 1, training=training, inplace=inplace)
        y.sum().backward()
        results.append((str(y.dtype), y.tolist(), x.grad.tolist()))
    assert results[0][0] == results[1][0]
    for ours, theirs in zip(results[0][1:], results[1][1:], strict=True):
        pt.testing.assert_close(pt.tensor(ours), pt.tensor(theirs), rtol=1e-2 if dtype == "bfloat16" else 1e-6, atol=0)


def test_a_loss_tells_its_reduction():
    for m in (rl, pt):
        x = m.ones(3, requires_grad=True)
        node = m.nn.functional.huber_loss(x, m.zeros(3), delta=0.5, reduction="sum").grad_fn
        assert node._saved_reduction == 2 and node._saved_delta == 0.5
