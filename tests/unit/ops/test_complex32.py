"""Complex numbers of two float16: the dtype, its memory, what computes it (rounding once), what refuses it."""

from __future__ import annotations

import copy
import io
import itertools
import operator
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl
from tests.unit.ops.oracle import agree, equal, ours, refuse

UNIT = 2.0**-10
DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex32",
    "complex64", "complex128",
)  # fmt: skip
PARTS = (0.0, -0.0, 1.0, -2.5, 300.0, 65504.0, 6e-8, float("inf"), -float("inf"), float("nan"))


def numbers(*shape: int, seed: int = 0) -> pt.Tensor:
    found = np.random.default_rng([seed, *shape]).normal(size=(*shape, 2)).view(complex)[..., 0]
    return pt.from_numpy(found).to(pt.complex32)


def halves(*shape: int, seed: int = 0) -> pt.Tensor:
    return pt.view_as_real(numbers(*shape, seed=seed))[..., 0].clone()


def awkward() -> pt.Tensor:
    return pt.tensor([complex(a, b) for a, b in itertools.product(PARTS, PARTS)], dtype=pt.complex32)


# ------------------------------------------------------------------ the dtype


def test_the_dtype() -> None:
    d = rl.complex32
    assert repr(d) == "torch.complex32" and rl.chalf is d and d.itemsize == 4 and d.is_complex and d.is_signed
    assert not d.is_floating_point and d.to_real() is rl.float16 and d.to_complex() is d
    assert rl.float16.to_complex() is d and rl.bfloat16.to_complex() is rl.complex64
    assert rl.finfo(d) == rl.finfo(rl.float16) and rl.can_cast(rl.half, d) and not rl.can_cast(d, rl.half)
    assert pickle.loads(pickle.dumps(d)) is d
    for m in (rl, pt):
        with pytest.raises(TypeError):
            m.set_default_dtype(m.complex32)
        with pytest.raises(TypeError):
            m.iinfo(m.complex32)


@pytest.mark.parametrize("x", [numbers(3), numbers(2, 3), numbers(), numbers(0), numbers(2, 0), awkward()[40:70]])
def test_repr(x: pt.Tensor) -> None:
    assert repr(ours(x)) == repr(x)
    assert ours(x).type() == "torch.ComplexHalfTensor" and rl.is_complex(ours(x))


def test_numbers() -> None:
    x = rl.tensor(1.5 - 2j, dtype=rl.complex32)
    assert x.item() == complex(x) == 1.5 - 2j and bool(x) and x.element_size() == 4
    assert rl.tensor([1e-8 + 1e5j], dtype=rl.chalf).tolist() == [complex(0, float("inf"))]
    assert float(rl.tensor(2, dtype=rl.chalf)) == 2.0
    for call in (lambda m, x: x.numpy(), lambda m, x: np.asarray(x)):
        refuse(call, pt.tensor([1j], dtype=pt.complex32), error=TypeError)


def test_created() -> None:
    for call in (
        lambda m: m.zeros(2, dtype=m.complex32), lambda m: m.ones(2, 2, dtype=m.chalf),
        lambda m: m.full((2,), 2 - 1j, dtype=m.complex32), lambda m: m.full((2,), 1e6, dtype=m.complex32),
        lambda m: m.zeros_like(m.ones(2), dtype=m.complex32), lambda m: m.tensor([1, 2.5, 1j], dtype=m.complex32),
        lambda m: m.empty(3, dtype=m.complex32).fill_(1e6j), lambda m: m.ones(2).new_full((1,), 1j, dtype=m.complex32),
        lambda m: m.complex(m.ones(2).half(), m.zeros(2).half()), lambda m: m.as_tensor(1j, dtype=m.complex32),
    ):  # fmt: skip
        agree(call, order=0)


@pytest.mark.parametrize("name", ["rand", "randn"])
def test_random_numbers(name: str) -> None:
    def drawn(m: Any) -> Any:
        m.manual_seed(3)
        return getattr(m, name)(33, dtype=m.complex32)

    agree(drawn, order=0)


@pytest.fixture(params=["float16", "bfloat16"])
def default(request: pytest.FixtureRequest) -> Iterator[None]:
    for m in (rl, pt):
        m.set_default_dtype(getattr(m, request.param))
    yield
    for m in (rl, pt):
        m.set_default_dtype(m.float32)


@pytest.mark.usefixtures("default")
def test_under_a_16_bit_default_dtype() -> None:
    half = rl.get_default_dtype() is rl.float16  # PyTorch has no complex numbers under bfloat16
    assert rl.tensor(1j).dtype is (rl.tensor([1]) * 1j).dtype is (rl.complex32 if half else rl.complex64)
    assert rl.full((1,), 1j).dtype is rl.complex64 and rl.full((1,), 1.0).dtype is rl.get_default_dtype()
    if half:
        assert repr(rl.tensor([1j])) == repr(pt.tensor([1j]))


# ------------------------------------------------------------------ memory


@pytest.mark.parametrize("dtype", DTYPES)
def test_converted(dtype: str) -> None:
    x = pt.tensor([0, 1, 2.5, 100.25]) + 0j
    for view in (slice(None), slice(None, None, 2), slice(1, 2)):
        agree(lambda m, x, v=view: x.to(getattr(m, dtype))[v].to(m.complex32), x, order=0)
        agree(lambda m, x, v=view: x.to(m.complex32)[v].to(getattr(m, dtype)), x, order=0)


def test_converted_where_it_rounds() -> None:
    x = pt.tensor([65519.0 - 65520j, 1e-7 + 2e-8j, complex(1 + 2.0**-11, 1 + 3 * 2.0**-11), complex("nan")])
    agree(lambda m, x: x.to(m.complex32), x, order=0)
    assert rl.ones(2).half().chalf().dtype is rl.complex32
    z = ours(numbers(3))
    assert z.chalf() is z


def test_views() -> None:
    x = numbers(2, 3)
    for call in (
        lambda m, x: m.view_as_real(x), lambda m, x: x.real, lambda m, x: x.imag, lambda m, x: x.view(m.float16),
        lambda m, x: x.view(m.int32), lambda m, x: m.view_as_complex(m.view_as_real(x)), lambda m, x: x.t().real,
        lambda m, x: x.view(m.float32).view(m.complex32), lambda m, x: x.unfold(1, 2, 1), lambda m, x: x.mT,
    ):  # fmt: skip
        agree(call, x, order=0)
        y = ours(x)
        assert call(rl, y).untyped_storage().data_ptr() == y.untyped_storage().data_ptr()
    refuse(lambda m, x: m.view_as_complex(x), pt.zeros(1, 2, dtype=pt.bfloat16))


def test_shared_by_dlpack() -> None:
    x = rl.tensor([1 + 2j, 3], dtype=rl.complex32)
    theirs = pt.from_dlpack(x)
    theirs[0] = 5j
    assert theirs.dtype is pt.complex32 and x.tolist() == [5j, 3 + 0j]
    equal(rl.from_dlpack(numbers(3)), numbers(3))


def test_saved() -> None:
    x = ours(numbers(3))
    for again in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert again.dtype is rl.complex32 and again.tolist() == x.tolist()
    for writer, reader in itertools.product((rl, pt), repeat=2):
        file = io.BytesIO()
        writer.save({"x": writer.tensor([1 + 2j], dtype=writer.complex32), "dtype": writer.complex32}, file)
        file.seek(0)
        found = reader.load(file)
        assert found["x"].tolist() == [1 + 2j] and found["x"].dtype is found["dtype"] is reader.complex32


# ------------------------------------------------------------------ computed

COMPUTED: dict[str, Callable[..., Any]] = {
    "add": lambda m, x, y: x + y, "add alpha": lambda m, x, y: m.add(x, y, alpha=2), "sub": lambda m, x, y: x - y,
    "rsub": lambda m, x, y: 2j - x, "mul": lambda m, x, y: x * y, "neg": lambda m, x, y: -x,
    "abs": lambda m, x, y: abs(x), "sgn": lambda m, x, y: x.sgn(), "conj": lambda m, x, y: x.conj().resolve_conj(),
    "addcmul": lambda m, x, y: m.addcmul(x, x, y, value=2), "eq": lambda m, x, y: x == y,
    "ne": lambda m, x, y: x != 2, "isnan": lambda m, x, y: x.isnan(), "isinf": lambda m, x, y: x.isinf(),
    "isfinite": lambda m, x, y: x.isfinite(), "isreal": lambda m, x, y: x.isreal(),
    "any": lambda m, x, y: x.any(0), "all": lambda m, x, y: x.all(), "nonzero": lambda m, x, y: x.nonzero(),
    "count_nonzero": lambda m, x, y: x.count_nonzero(), "where": lambda m, x, y: m.where(x == y, x, 1j),
    "cat": lambda m, x, y: m.cat([x.reshape(-1), y.real.reshape(-1)]), "stack": lambda m, x, y: m.stack([x, y]),
    "with float16": lambda m, x, y: x * y.real, "with float32": lambda m, x, y: x + y.real.float(),
    "with bfloat16": lambda m, x, y: x * y.imag.bfloat16(), "numbers": lambda m, x, y: (x + 1) * 2.5 - 3j,
    "float_power": lambda m, x, y: x.float_power(2), "outer": lambda m, x, y: m.outer(x.reshape(-1), y.reshape(-1)),
    "in place": lambda m, x, y: x.clone().mul_(y).add_(1j).neg_().sub_(y),
    "out": lambda m, x, y: m.mul(x, y, out=m.empty(0, dtype=m.complex32)),
}  # fmt: skip


@pytest.mark.parametrize("name", COMPUTED)
def test_computed(name: str) -> None:
    call = COMPUTED[name]
    for x, y in (
        (numbers(4, 5), numbers(4, 5, seed=1)), (numbers(3, 4).t(), numbers(4, 3)), (numbers(6, 4)[::2], numbers(3, 4)),
        (numbers(1, 4).expand(3, 4), numbers(3, 4)), (numbers(0, 2), numbers(0, 2)), (numbers(), numbers(seed=1)),
    ):  # fmt: skip
        agree(call, x, y, tolerance=4 * UNIT, order=0)


@pytest.mark.parametrize("name", ["add", "sub", "mul", "abs", "neg", "eq", "isfinite", "any", "with float16"])
def test_infinities_and_nan(name: str) -> None:
    agree(COMPUTED[name], awkward(), awkward().roll(7), tolerance=2 * UNIT, order=0)


def test_a_number_is_rounded_first() -> None:
    for number in (1e6, 1 / 3, 1e-9, 1 + 2.0**-11 - 3.3j):
        agree(lambda m, x, n=number: x * n, numbers(50), tolerance=UNIT / 2, order=0)
        agree(lambda m, x, n=number: x * m.tensor(n), numbers(50), tolerance=UNIT / 2, order=0)


def test_rounds_once() -> None:
    x, y = numbers(200), numbers(200, seed=1)
    wide = x.to(pt.complex128), y.to(pt.complex128)
    for name in ("mul", "add", "sub", "abs", "sgn"):
        exact = COMPUTED[name](pt, *wide)
        equal(COMPUTED[name](rl, ours(x), ours(y)), exact.to(pt.half if name == "abs" else pt.complex32), UNIT / 2)


INDEXED: dict[str, Callable[..., Any]] = {
    "getitem": lambda m, x, p: x[:, p], "mask": lambda m, x, p: x[x.real > 0], "index_select": lambda m, x, p:
    x.index_select(0, p), "setitem": lambda m, x, p: _written(x, lambda y: y.__setitem__((slice(None), p), 2j)),
    "index_put": lambda m, x, p: m.index_put(x, (p, p), x[0, 0], accumulate=True),
    "index_add": lambda m, x, p: x.index_add(0, p, x[p]), "index_copy": lambda m, x, p: x.index_copy(0, p[:2], x[:2]),
    "index_fill": lambda m, x, p: x.index_fill(0, p, 1j), "masked_fill": lambda m, x, p: x.masked_fill(x.real > 0, 1j),
    "masked_select": lambda m, x, p: x.masked_select(x.imag > 0), "roll": lambda m, x, p: x.roll(1, 0),
    "tril": lambda m, x, p: x.tril(), "diag": lambda m, x, p: x.diag(), "repeat": lambda m, x, p: x.repeat(2, 1),
    "pad": lambda m, x, p: m.nn.functional.pad(x, (1, 2), value=3), "select_scatter": lambda m, x, p:
    x.select_scatter(x[0], 1, 0), "diff": lambda m, x, p: x.diff(),
    "flip of rows": lambda m, x, p: x.contiguous().flip(0), "kron": lambda m, x, p: m.kron(x, x),
    "meshgrid": lambda m, x, p: m.meshgrid(x[0], x[1], indexing="ij")[1],
    "var": lambda m, x, p: x.var(1), "std": lambda m, x, p: x.std(), "std_mean": lambda m, x, p: m.std_mean(x, 0)[1],
    "norm": lambda m, x, p: x.norm(), "vector_norm": lambda m, x, p: m.linalg.vector_norm(x, 3, 1),
    "isclose": lambda m, x, p: m.isclose(x, x * 1.001), "sum as complex64": lambda m, x, p: x.sum(0, dtype=m.complex64),
    "cumsum as complex64": lambda m, x, p: x.cumsum(0, dtype=m.complex64),
    "conv": lambda m, x, p: m.nn.functional.conv1d(x[None], x[:2, None, :2].expand(2, 4, 2)),
    "embedding": lambda m, x, p: m.nn.functional.embedding(p, x),
}  # fmt: skip


def _written(x: Any, write: Callable[[Any], None]) -> Any:
    y = x.clone()
    write(y)
    return y


@pytest.mark.parametrize("name", INDEXED)
def test_moved_and_measured(name: str) -> None:
    for x in (numbers(4, 4), numbers(4, 4, seed=2).t()):
        agree(INDEXED[name], x, pt.tensor([2, 0, 3]), tolerance=4 * UNIT, order=0)


# ------------------------------------------------------------------ refused

REFUSED: dict[str, Callable[..., Any]] = {
    "div": lambda m, x: x / 2, "div by": lambda m, x: 2 / x, "pow": lambda m, x: x**2, "of float16": lambda m, x:
    x.real / 1j, "power of float16": lambda m, x: x.real**1j, "square": lambda m, x: x.square(),
    "reciprocal": lambda m, x: x.reciprocal(), "lt": lambda m, x: x < x, "floor_divide": lambda m, x: x // 2,
    "sqrt": lambda m, x: x.sqrt(), "exp": lambda m, x: x.exp(), "angle": lambda m, x: x.angle(),
    "logical_not": lambda m, x: x.logical_not(), "addcdiv": lambda m, x: m.addcdiv(x, x, x), "lerp": lambda m, x:
    x.lerp(x, 0.5), "polar": lambda m, x: m.polar(x.real, x.imag), "nan_to_num": lambda m, x: x.nan_to_num(),
    "sum": lambda m, x: x.sum(), "sum of float16": lambda m, x: x.real.sum(dtype=m.complex32), "mean": lambda m, x:
    x.mean(0), "prod": lambda m, x: x.prod(), "cumsum": lambda m, x: x.cumsum(0), "trace": lambda m, x: x.trace(),
    "mm": lambda m, x: x @ x, "dot": lambda m, x: x[0].dot(x[0]), "addr": lambda m, x: x.addr(x[0], x[0]),
    "equal": lambda m, x: x.equal(x), "flip": lambda m, x: x.flip(1), "rot90": lambda m, x: x.rot90(),
    "gather": lambda m, x: x.gather(0, _places(m)), "scatter": lambda m, x: x.scatter(0, _places(m), x), "take":
    lambda m, x: x.take(_places(m)), "put_": lambda m, x: x.put_(_places(m), x), "ldexp": lambda m, x: m.ldexp(x, x),
    "masked_scatter_": lambda m, x: x.masked_scatter_(x == x, x), "cumprod_": lambda m, x: x.cumprod_(0),
    "eye": lambda m, x: m.eye(2, dtype=m.complex32), "arange": lambda m, x: m.arange(3, dtype=m.complex32),
    "linspace": lambda m, x: m.linspace(0, 1, 3, dtype=m.complex32), "bernoulli_": lambda m, x: x.bernoulli_(),
    "softmax": lambda m, x: x.softmax(0), "sort": lambda m, x: x.sort(), "random_": lambda m, x: x.random_(),
}  # fmt: skip


def _places(m: Any) -> Any:
    return m.zeros(3, 3, dtype=m.int64)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_as_by_pytorch(name: str) -> None:
    x = numbers(3, 3)
    with pytest.raises(RuntimeError):
        REFUSED[name](pt, x.clone())
    mine = ours(x)
    with pytest.raises(NotImplementedError):
        REFUSED[name](rl, mine)
    equal(mine, x)  # nothing was written


def test_a_float16_tensor_cannot_take_a_complex_result() -> None:
    for symbol in (operator.imul, operator.iadd, operator.isub):
        assert "float16" in refuse(lambda m, x, f=symbol: f(x, 1j), halves(3))


def test_numbers_that_do_not_fit() -> None:
    for call in (
        lambda m, x: m.add(x, x, alpha=1e6), lambda m, x: x.masked_fill(x == x, 1e6),
        lambda m, x: m.addcmul(x, x, x, value=1e6j),
    ):  # fmt: skip
        assert "complex32" in refuse(call, numbers(3))


# ------------------------------------------------------------------ gradients


@pytest.mark.parametrize(
    "f",
    [
        lambda m, h, z: (h * 1j).abs(), lambda m, h, z: (h * z).real, lambda m, h, z: (h[0] + z * 2j).imag,
        lambda m, h, z: (z * z.conj()).real, lambda m, h, z: (z - h).abs(), lambda m, h, z: m.view_as_real(z * h),
        lambda m, h, z: m.complex(h, z.real).abs(), lambda m, h, z: (-z)[:, 1].real,
        lambda m, h, z: m.cat([z, h * 1j]).imag, lambda m, h, z: m.where(h > 0, z, 2j).real,
        lambda m, h, z: z.t()[m.tensor([0, 0, 2])].imag, lambda m, h, z: (z.cfloat() / 2).abs(),
        lambda m, h, z: m.addcmul(z, h, z).real, lambda m, h, z: m.nn.functional.conv1d(z[None], z[:, :, None]).real,
    ],
)  # fmt: skip
def test_gradients(f: Callable[..., Any]) -> None:
    agree(lambda m, h, z: f(m, h, z) + 0 * h[0, 0] + 0 * z.real[0, 0], halves(3, 3), numbers(3, 3), tolerance=16 * UNIT,
          order=1)  # fmt: skip


def test_gradients_that_need_a_quotient_are_refused() -> None:
    for f in (lambda m, z: z.sgn().real, lambda m, z: z.var()):
        refuse(lambda m, z, f=f: f(m, z.requires_grad_()).sum().backward(), numbers(3), error=NotImplementedError)


def test_a_broadcast_float16_input_is_summed_as_a_real_one() -> None:
    def gradient(m: Any, h: Any, z: Any) -> Any:
        h.requires_grad_()
        (h + z).backward(z)
        return h.grad

    agree(gradient, halves(1), numbers(4), tolerance=UNIT, order=0)
    text = refuse(gradient, numbers(1), numbers(4), error=NotImplementedError)
    assert "complex32" in text
