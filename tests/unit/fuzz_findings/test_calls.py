"""Call forms, in-place rules and errors that random programs disagreed on."""

import numpy as np
import pytest
import torch as pt

import rushlight as rl


def both(call):
    """What the call gives in each library: a value as a list, or the error's class."""
    results = []
    for library in (rl, pt):
        try:
            results.append(call(library).tolist())
        except Exception as error:
            results.append(type(error))
    return results


@pytest.mark.parametrize(
    "write", [lambda x: x.fill_(2.0), lambda x: x.reciprocal_(), lambda x: x.le_(0.5), lambda x: x.__setitem__(0, 1.0)]
)
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
@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.add(t.tensor([1, 2]), 7, 5),
        lambda t: t.sub(t.ones(2), -2, 3.5),
        lambda t: t.ones(2).add_(2, t.ones(2)),
        lambda t: t.ones(2).sub_(t.tensor(2), 0.25),
        lambda t: t.addcmul(t.ones(2), 3, t.ones(2), t.ones(2)),
        lambda t: t.ones(2).addcdiv_(3, t.ones(2), t.ones(2)),
        lambda t: t.add(t.ones(2), 1, 2, 3),
    ],
)
def test_the_older_order_with_the_factor_first(call) -> None:
    ours, theirs = both(call)
    assert ours == theirs


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.ones(2) + 2**64,
        lambda t: t.full((), 2**64),
        lambda t: t.ones(2).sum(2**64),
        lambda t: t.ones(2)[2**64],
        lambda t: t.ones(2).select(0, 2**64),
        lambda t: t.ones(2).requires_grad_(dtype=1),
        lambda t: t.ones(2).requires_grad_(1),
        lambda t: t.ones(2).mT,
        lambda t: t.ones(()).mT,
        lambda t: t.index_select(t.ones(3), 0, t.tensor([2, 0], dtype=t.int32)),
        lambda t: t.index_select(t.ones(()), 0, t.tensor([], dtype=t.int64)),
        lambda t: t.ones(3)[t.tensor([0], dtype=t.int16)],
        lambda t: t.ones(3)[t.tensor([0], dtype=t.int32)],
        lambda t: t.tensor(2.0).mean(dim=3, dtype=t.bool),
        lambda t: t.tensor(-2.0).__setitem__(slice(None), 1j),
    ],
)
def test_values_and_classes_of_errors_agree(call) -> None:
    ours, theirs = both(call)
    assert ours == theirs


@pytest.mark.parametrize("value", [1e300, float("inf"), float("nan"), 300, -3, -300, 2**40, 1e5, 1e19, 127.5, 2.7])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "bool"]
)
def test_filling_refuses_what_the_dtype_cannot_hold(value: float, dtype: str) -> None:
    for call in (
        lambda t: t.full((2,), value, dtype=getattr(t, dtype)),
        lambda t: t.zeros(2, dtype=getattr(t, dtype)).fill_(value),
    ):
        ours, theirs = both(call)
        assert str(ours) == str(theirs)


@pytest.mark.parametrize("data", [None, [None], [object()], "a"])
def test_data_that_is_no_number(data: object) -> None:
    ours, theirs = both(lambda t: t.tensor(data))
    assert ours is theirs


def test_cat_looks_for_0d_tensors_first() -> None:
    with pytest.raises(RuntimeError):
        rl.cat((rl.ones(2, 2), rl.tensor(1.0)), dim=6)


def test_index_arrays_that_do_not_broadcast() -> None:
    with pytest.raises(IndexError):
        rl.zeros(3, 2)[[0, 1], [0, 1, 1]]


@pytest.mark.parametrize(
    ("shape", "dims"), [((0, 0), (1,)), ((2, 0), (0,)), ((2, 0), (1,)), ((0, 0), (0, 1)), ((0,), ()), ((0, 2), (1,))]
)
def test_extremes_of_no_elements(shape: tuple[int, ...], dims: tuple[int, ...]) -> None:
    ours, theirs = both(lambda t: t.zeros(shape).amax(dims))
    assert ours == theirs


def test_sum_computes_in_the_dtype_of_out() -> None:
    out = rl.empty(0, dtype=rl.float32)
    assert rl.sum(rl.tensor([1, 2]), 0, out=out).item() == 3.0


def test_out_of_an_operation_without_gradient_may_require_grad() -> None:
    out = rl.zeros(2, requires_grad=True)
    rl.logical_or(rl.tensor([0, 1]), rl.tensor([0, 0]), out=out)
    assert out.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.tensor(-6) / 2**63,
        lambda t: t.ones(1) * (2**64 - 1),
        lambda t: t.ones(1, dtype=t.int64) * 2**63,
        lambda t: t.full((1,), 2**63, dtype=t.int64),
        lambda t: t.ones(2).sub(t.ones(2), alpha=False),
        lambda t: t.add(t.ones(2), True, 3),
        lambda t: t.addcmul(t.ones(2, dtype=t.int64), t.ones(2, dtype=t.int64), t.ones(2, dtype=t.int64), value=2.0),
        lambda t: t.ones(2, 2).diagonal(True),
        lambda t: t.ones(2, 3).expand(True),
        lambda t: t.ones(2).narrow(-4, -1, -1),
        lambda t: t.max(t.tensor([1, 5]), t.tensor([2.5, 3.0])),
        lambda t: t.min(t.tensor([1, 5]), t.tensor([2, 3])),
        lambda t: t.nonzero(t.tensor([[0, 1], [2, 0]]), as_tuple=True)[1],
        lambda t: t.nonzero(t.tensor(3), as_tuple=True)[0],
    ],
)
def test_numbers_and_forms(call) -> None:
    ours, theirs = both(call)
    assert ours == theirs


def test_numpy_numbers_can_be_looked_for() -> None:
    x = rl.tensor([1.5, 2.0])
    assert np.float32(1.5) in x and np.int64(3) not in x


def test_numpy_without_recording_takes_a_leaf() -> None:
    x = rl.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError):
        x.numpy()
    with rl.no_grad():
        assert x.numpy().tolist() == [1.0, 1.0]


def test_a_copy_into_integers_records_nothing() -> None:
    x = rl.zeros((), dtype=rl.int64).copy_(rl.tensor(2.0, requires_grad=True))
    assert not x.requires_grad and x.item() == 2


def test_the_other_of_max_may_be_a_0d_integer() -> None:
    assert rl.max(rl.tensor(2), rl.tensor(6)).item() == 6 and rl.min(rl.tensor(2), rl.tensor(6)).item() == 2


def test_hardtanh_keeps_integers() -> None:
    for library in (rl, pt):
        y = library.nn.functional.relu6(library.tensor([-3, 4, 9]))
        assert str(y.dtype) == "torch.int64" and y.tolist() == [0, 4, 6]
        with pytest.raises(RuntimeError):
            library.nn.functional.hardtanh(library.tensor([True]))


INDICES = [
    lambda m: m.tensor([0, 1]),
    lambda m: m.tensor([[0], [1]]),
    lambda m: m.tensor([True, False, True]),
    lambda m: (slice(1, None), m.tensor([2, 0])),
    lambda m: (m.tensor([0, 1]), m.tensor([1, 2])),
    lambda m: (None, m.tensor([1])),
]


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2), (1, 1, 1, 2, 3), (1, 1, 1, 1), (2, 1, 3)])
def test_values_may_have_leading_ones_in_an_assignment(index, shape) -> None:
    def write(m):
        x = m.zeros(3, 3)
        x[index(m)] = m.arange(1.0, 1 + np.prod(shape)).reshape(shape)
        return x

    ours, theirs = both(write)
    assert ours == theirs
