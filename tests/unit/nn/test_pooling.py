"""Average and adaptive pooling, transposed convolution, embedding and attention against PyTorch."""

import pytest
import torch as pt

import rushlight as rl

F, PF = rl.nn.functional, pt.nn.functional


def _tensor(*shape):
    return pt.randn(shape, generator=pt.Generator().manual_seed(len(shape)), dtype=pt.float64)


def _agree(call, *arrays):
    theirs = [x.clone().requires_grad_(x.is_floating_point()) for x in arrays]
    ours = [rl.from_numpy(x.numpy().copy()).requires_grad_(x.is_floating_point()) for x in arrays]
    mine, wanted = call(F, *ours), call(PF, *theirs)
    pt.testing.assert_close(pt.from_numpy(mine.detach().numpy()), wanted.detach())
    mine.cos().sum().backward()
    wanted.cos().sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        if b.requires_grad:
            pt.testing.assert_close(pt.from_numpy(a.grad.numpy()), b.grad)


SIZES = {1: (9,), 2: (7, 8), 3: (5, 6, 7)}


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("arguments", [{}, {"stride": 1, "padding": 1}, {"padding": 1, "count_include_pad": False},
                                       {"stride": 2, "ceil_mode": True}])
def test_avg_pool(rank, arguments):
    _agree(lambda m, x: getattr(m, f"avg_pool{rank}d")(x, 3, **arguments), _tensor(2, 3, *SIZES[rank]))
    _agree(lambda m, x: getattr(m, f"avg_pool{rank}d")(x, 3, **arguments), _tensor(3, *SIZES[rank]))


@pytest.mark.parametrize("kind", ["avg", "max"])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, 4])
def test_adaptive_pool(kind, rank, size):
    _agree(lambda m, x: getattr(m, f"adaptive_{kind}_pool{rank}d")(x, size), _tensor(2, 3, *SIZES[rank]))


def test_adaptive_pool_keeps_sizes():
    _agree(lambda m, x: m.adaptive_avg_pool2d(x, (None, 2)), _tensor(2, 3, 4, 5))


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("arguments", [{}, {"stride": 2, "output_padding": 1}, {"padding": 1, "dilation": 2},
                                       {"dilation": 3, "output_padding": 2}])
def test_conv_transpose(rank, arguments):
    x, w, b = _tensor(2, 4, *SIZES[rank]), _tensor(4, 3, *(3,) * rank), _tensor(3)
    _agree(lambda m, x, w, b: getattr(m, f"conv_transpose{rank}d")(x, w, b, **arguments), x, w, b)


def test_conv_transpose_in_groups():
    x, w = _tensor(2, 4, 6), _tensor(4, 3, 3)
    _agree(lambda m, x, w: m.conv_transpose1d(x, w, groups=2), x, w)


@pytest.mark.parametrize("arguments", [{}, {"padding_idx": 1}, {"padding_idx": -1}, {"scale_grad_by_freq": True}])
def test_embedding(arguments):
    _agree(lambda m, i, w: m.embedding(i, w, **arguments), pt.tensor([[0, 1, 1], [4, 2, 0]]), _tensor(5, 3))


def test_embedding_refuses():
    with pytest.raises(IndexError):
        F.embedding(rl.tensor([5]), rl.ones(5, 3))


def test_one_hot():
    i = pt.tensor([[0, 2], [1, 1]])
    for classes in (-1, 4):
        assert F.one_hot(rl.from_numpy(i.numpy()), classes).tolist() == PF.one_hot(i, classes).tolist()
    with pytest.raises(RuntimeError):
        F.one_hot(rl.tensor([3]), 2)


@pytest.mark.parametrize("arguments", [{}, {"is_causal": True}, {"scale": 0.3}])
def test_attention(arguments):
    q, k, v = _tensor(2, 3, 5, 4), _tensor(2, 3, 6, 4), _tensor(2, 3, 6, 7)
    _agree(lambda m, q, k, v: m.scaled_dot_product_attention(q, k, v, **arguments), q, k, v)
