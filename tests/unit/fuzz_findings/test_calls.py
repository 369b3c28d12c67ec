"""Call forms, in-place rules and errors that random programs disagreed on."""

import pytest
import rushlight as rl
import torch as pt


def both(call):
    """What the call gives in each library: a value as a list, or the error's class."""
    results = []
    for library in (rl, pt):
        try:
            results.append(call(library).tolist())
        except Exception as error:
            results.append(type(error))
    return results


@pytest.mark.parametrize("write", [lambda x: x.fill_(2.0), lambda x: x.reciprocal_(), lambda x: x.le_(0.5), lambda x: x.__setitem__(0, 1.0)])
def test_a_view_that_is_itself_a_leaf_cannot_be_written(write) -> None:
    x = rl.ones(4).reshape(2, 2).requires_grad_()
    with pytest.raises(RuntimeError):
        write(x)
    with rl.no_grad():
        write(x)


def test_power_in_place_writes_the_tensor_itself() -> None:
    x = rl.tensor([1.0, 3.0])
    y = x
    y **= 2
    assert y is x and x.tolist() == [1.0, 9.0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", [
    lambda t: t.add(t.tensor([1, 2]), 7, 5), lambda t: t.sub(t.ones(2), -2, 3.5), lambda t: t.ones(2).add_(2, t.ones(2)),
    lambda t: t.ones(2).sub_(t.tensor(2), 0.25), lambda t: t.addcmul(t.ones(2), 3, t.ones(2), t.ones(2)),
    lambda t: t.ones(2).addcdiv_(3, t.ones(2), t.ones(2)), lambda t: t.add(t.ones(2), 1, 2, 3),
])
def test_the_older_order_with_the_factor_first(call) -> None:
    ours, theirs = both(call)
    assert ours == theirs


@pytest.mark.parametrize("call", [
    lambda t: t.ones(2) + 2**64, lambda t: t.full((), 2**64), lambda t: t.ones(2).sum(2**64), lambda t: t.ones(2)[2**64], lambda t: t.ones(2).select(0, 2**64),
    lambda t: t.ones(2).requires_grad_(dtype=1), lambda t: t.ones(2).requires_grad_(1), lambda t: t.ones(2).mT, lambda t: t.ones(()).mT,
    lambda t: t.index_select(t.ones(3), 0, t.tensor([2, 0], dtype=t.int32)), lambda t: t.index_select(t.ones(()), 0, t.tensor([], dtype=t.int64)),
    lambda t: t.ones(3)[t.tensor([0], dtype=t.int16)], lambda t: t.ones(3)[t.tensor([0], dtype=t.int32)], lambda t: t.tensor(2.0).mean(dim=3, dtype=t.bool),
    lambda t: t.tensor(-2.0).__setitem__(slice(None), 1j),
])
def test_values_and_classes_of_errors_agree(call) -> None:
    ours, theirs = both(call)
    assert ours == theirs


def test_out_of_an_operation_without_gradient_may_require_grad() -> None:
    out = rl.zeros(2, requires_grad=True)
    rl.logical_or(rl.tensor([0, 1]), rl.tensor([0, 0]), out=out)
    assert out.tolist() == [0.0, 1.0]
