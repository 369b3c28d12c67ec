"""Clipping of gradients and parameters as one vector."""

import math

import pytest
import torch as pt

import rushlight as rl


def with_gradients(torch):
    params = [
        torch.nn.Parameter(torch.ones(2, 3)),
        torch.nn.Parameter(torch.ones(4)),
        torch.nn.Parameter(torch.ones(1)),
    ]
    params[0].grad = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.0, -4.0]])
    params[1].grad = torch.tensor([5.0, -1.0, 2.0, 0.25])
    return params


@pytest.mark.parametrize("norm", [2.0, 1.0, 3.0, 0.0, math.inf, -math.inf])
@pytest.mark.parametrize("limit", [1.0, 100.0])
def test_clip_grad_norm(norm, limit):
    results = []
    for torch in (rl, pt):
        params = with_gradients(torch)
        total = torch.nn.utils.clip_grad_norm_(params, limit, norm)
        results.append([total.item(), *params[0].grad.view(-1).tolist(), *params[1].grad.tolist()])
        assert params[2].grad is None
    assert results[0] == pytest.approx(results[1], rel=1e-6)


def test_clip_grad_value_and_total_norm():
    results = []
    for torch in (rl, pt):
        params = with_gradients(torch)
        torch.nn.utils.clip_grad_value_(params, 1.5)
        results.append(
            [
                *params[0].grad.view(-1).tolist(),
                *params[1].grad.tolist(),
                torch.nn.utils.get_total_norm([p.grad for p in params[:2]]).item(),
            ]
        )
    assert results[0] == pytest.approx(results[1])
    assert rl.nn.utils.get_total_norm([]).item() == 0.0


def test_errors_and_warnings():
    p = rl.nn.Parameter(rl.ones(1))
    p.grad = rl.tensor([math.nan])
    with pytest.raises(RuntimeError, match="total norm"):
        rl.nn.utils.clip_grad_norm_(p, 1.0, error_if_nonfinite=True)
    with pytest.warns(FutureWarning):
        rl.nn.utils.clip_grad_norm(p, 1.0)
    with pytest.raises(TypeError):
        rl.nn.utils.vector_to_parameters([1.0], [p])


def test_vector_round_trip():
    m = rl.nn.Linear(2, 3)
    vector = rl.nn.utils.parameters_to_vector(m.parameters())
    assert vector.shape == (9,)
    rl.nn.utils.vector_to_parameters(rl.ones(9), m.parameters())
    assert m.weight.tolist() == [[1.0, 1.0]] * 3 and m.bias.tolist() == [1.0] * 3


def test_skip_init():
    m = rl.nn.utils.skip_init(rl.nn.Linear, 2, 3, bias=False)
    assert m.weight.shape == (3, 2) and not m.weight.is_meta
    with pytest.raises(RuntimeError):
        rl.nn.utils.skip_init(rl.nn.ReLU)
