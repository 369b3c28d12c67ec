"""Dtypes without kernels are stored, converted and viewed; dtype rules of single operations."""

import numpy as np
import pytest
import torch as pt

import rushlight as rl

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
VALUES = [0, 1, 3, 100]
EDGES = [
    0.0,
    -0.0,
    1.0,
    1.5,
    65504.0,
    65519.0,
    65520.0,
    1e30,
    2.0**-14,
    2.0**-24,
    2.0**-25,
    3.0 * 2.0**-26,
    1 + 2.0**-11,
    1 + 3 * 2.0**-11,
    1 + 2.0**-8,
    float("inf"),
    float("-inf"),
    float("nan"),
    -2.75,
]


@pytest.mark.parametrize("name", DTYPES)
def test_numbers_are_stored_in_every_dtype(name: str) -> None:
    ours, theirs = rl.tensor(VALUES, dtype=getattr(rl, name)), pt.tensor(VALUES, dtype=getattr(pt, name))
    assert ours.tolist() == theirs.tolist()
    assert rl.full((3,), 2, dtype=getattr(rl, name)).tolist() == pt.full((3,), 2, dtype=getattr(pt, name)).tolist()


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.filterwarnings("ignore")
def test_every_dtype_converts_to_every_other(source: str, target: str) -> None:
    ours = rl.tensor(VALUES, dtype=getattr(rl, source)).to(getattr(rl, target))
    theirs = pt.tensor(VALUES, dtype=getattr(pt, source)).to(getattr(pt, target))
    assert str(ours.dtype) == str(theirs.dtype)
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("source", ["float32", "float64"])
def test_halves_round_to_nearest_even(half: str, source: str) -> None:
    ours = rl.tensor(EDGES, dtype=getattr(rl, source)).to(getattr(rl, half))
    theirs = pt.tensor(EDGES, dtype=getattr(pt, source)).to(getattr(pt, half))
    np.testing.assert_array_equal(ours.double().numpy(), theirs.double().numpy())
    np.testing.assert_array_equal(rl.tensor(EDGES, dtype=getattr(rl, half)).tolist(), theirs.tolist())


def test_all_bit_patterns_of_halves_read_as_numpy_reads_them() -> None:
    bits = np.arange(1 << 16, dtype=np.uint16)
    ours = rl.from_numpy(bits.view(np.float16)).float()
    np.testing.assert_array_equal(ours.numpy(), bits.view(np.float16).astype(np.float32))
    np.testing.assert_array_equal(ours.half().numpy(), bits.view(np.float16))


def test_python_types_name_wide_dtypes() -> None:
    x = rl.tensor([1, 2])
    assert [x.to(t).dtype for t in (float, int, bool, complex)] == [rl.float64, rl.int64, rl.bool, rl.complex128]
    assert rl.zeros(2, dtype=float).dtype is rl.float64


def test_any_and_all_keep_uint8() -> None:
    x = rl.tensor([0, 2], dtype=rl.uint8)
    assert x.any().dtype is rl.uint8 and x.all().dtype is rl.uint8 and x.any().item() == 1
    assert rl.tensor([0, 2]).any().dtype is rl.bool
    assert rl.all(rl.ones(2, 3), keepdim=True).shape == (1, 1)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: t.ones(2) - t.tensor(True),
        lambda t: t.ones(2) - True,
        lambda t: True - t.ones(2),
        lambda t: t.tensor([True]) - t.tensor([True]),
        lambda t: t.tensor([True]) - 0.5,
        lambda t: t.lerp(t.ones(2), t.ones(2).double(), 0.5),
        lambda t: t.arange(1j),
        lambda t: +t.tensor([True]),
    ],
)
def test_dtypes_that_an_operation_refuses(call) -> None:
    for library in (pt, rl):
        with pytest.raises(RuntimeError):
            call(library)


@pytest.mark.parametrize(
    ("shape", "source", "target"),
    [
        ((2, 4), "float32", "int32"),
        ((2, 4), "float32", "float64"),
        ((2, 4), "int64", "uint8"),
        ((), "float32", "int32"),
    ],
)
def test_view_as_another_dtype_shares_bytes(shape, source: str, target: str) -> None:
    values = pt.arange(int(np.prod(shape)), dtype=getattr(pt, source)).reshape(shape)
    base = rl.tensor(values.tolist(), dtype=getattr(rl, source))
    ours, theirs = base.view(getattr(rl, target)), values.view(getattr(pt, target))
    assert (tuple(ours.shape), ours.stride()) == (tuple(theirs.shape), theirs.stride())
    assert str(ours.tolist()) == str(theirs.tolist())
    base.zero_()
    assert not ours.any()


def test_view_as_wider_elements_needs_whole_ones() -> None:
    for x in (rl.zeros(2, 3), rl.zeros(()), rl.zeros(4, 2).t()):
        with pytest.raises(RuntimeError):
            x.view(rl.float64)


def test_view_as_a_dtype_leads_no_gradient() -> None:
    x = rl.ones(2, requires_grad=True)
    assert not x.view(rl.float32).requires_grad and not x.view(rl.int32).requires_grad


def test_a_0d_weight_of_lerp_acts_as_a_number() -> None:
    assert rl.lerp(rl.zeros(2), rl.ones(2), rl.tensor(0.5, dtype=rl.float64)).tolist() == [0.5, 0.5]


def test_can_cast_takes_dtypes_only() -> None:
    with pytest.raises(TypeError):
        rl.can_cast(rl.float32, None)


@pytest.mark.parametrize("name", ["mse_loss", "smooth_l1_loss"])
def test_losses_take_a_mask_as_target(name: str) -> None:
    for library in (rl, pt):
        loss = getattr(library.nn.functional, name)(library.tensor([0.5, 2.0]), library.tensor([True, False]))
        assert loss.item() == {"mse_loss": 2.125, "smooth_l1_loss": 0.8125}[name]
