"""The native random fills against PyTorch: values and generator states, bit for bit."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest
import torch as pt

ROOT = Path(__file__).resolve().parents[3]
FLOATS = [pt.float32, pt.float64, pt.float16, pt.bfloat16]
INTEGERS = [pt.int64, pt.int32, pt.int16, pt.int8, pt.uint8, pt.bool]
SIZES = [*range(1, 41), 100, 1000, 65536]
FLAGS = ["-O2", "-std=c++20", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]


def name_of(dtype: pt.dtype) -> str:
    return str(dtype).removeprefix("torch.")


class Native:
    """The library built from the sources, and one generator of it."""

    def __init__(self, path: Path, seed: int = 5) -> None:
        self.library = ctypes.CDLL(str(path))
        self.library.generator_new.restype = ctypes.c_void_p
        self.library.generator_initial_seed.restype = ctypes.c_uint64
        self.library.generator_seed.restype = ctypes.c_uint64
        self.library.generator_set_state.restype = ctypes.c_bool
        self.generator = ctypes.c_void_p(self.library.generator_new(ctypes.c_uint64(seed)))

    def __getattr__(self, name: str):
        return getattr(self.library, name)

    def fill(self, what: str, out: pt.Tensor, *arguments, step: int | None = None) -> pt.Tensor:
        """Calls `what`_`dtype`(data, count, [step,] arguments, generator)."""
        where = [ctypes.c_void_p(out.data_ptr()), ctypes.c_int64(out.numel())]
        where += [] if step is None else [ctypes.c_int64(step)]
        getattr(self.library, f"{what}_{name_of(out.dtype)}")(*where, *arguments, self.generator)
        return out

    def real(self, what: str, out: pt.Tensor, a: float, b: float = 0.0) -> pt.Tensor:
        step = out.stride(0) if out.numel() > 1 else 1
        return self.fill(what, out, ctypes.c_double(a), ctypes.c_double(b), step=step)

    def whole(self, what: str, out: pt.Tensor, *bounds: int) -> pt.Tensor:
        return self.fill(what, out, *map(ctypes.c_int64, bounds))

    @property
    def state(self) -> pt.Tensor:
        out = pt.empty(5056, dtype=pt.uint8)
        self.library.generator_get_state(self.generator, ctypes.c_void_p(out.data_ptr()))
        return out


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("random") / "random.so"
    sources = [
        ROOT / part for part in ("native/cpu/random.cpp", "native/base/cpu_level.cpp", "tests/native/random_api.cpp")
    ]
    subprocess.run(["g++", *FLAGS, f"-I{ROOT / 'native'}", *map(str, sources), "-o", str(path)], check=True)
    return path


@pytest.fixture
def native(library: Path) -> Native:
    return Native(library)


@pytest.fixture
def theirs() -> pt.Generator:
    return pt.Generator().manual_seed(5)


def assert_same(ours: pt.Tensor, expected: pt.Tensor, what: object) -> None:
    bits = {1: pt.uint8, 2: pt.int16, 4: pt.int32, 8: pt.int64}[ours.element_size()]
    same = ours.contiguous().view(bits) == expected.contiguous().view(bits)
    assert same.all(), f"{what}: {int((~same).sum())} of {same.numel()} differ"


REAL_FILLS = {
    "uniform": [(0.0, 1.0), (0.3, 1.7), (-1.0, 1.0), (1.0, 1.0000003)],
    "normal": [(0.0, 1.0), (0.5, 0.7), (-3.0, 0.02)],
    "log_normal": [(1.0, 2.0), (0.5, 0.7)],
    "exponential": [(1.0,), (2.5,)],
    "cauchy": [(0.0, 1.0), (0.5, 2.0)],
    "geometric": [(0.3,), (0.9,)],
    "bernoulli": [(0.5,), (0.1,), (0.0,), (1.0,)],
}


@pytest.mark.parametrize("dtype", FLOATS, ids=name_of)
@pytest.mark.parametrize("what", REAL_FILLS)
def test_real_fills(native: Native, theirs: pt.Generator, what: str, dtype: pt.dtype) -> None:
    for arguments in REAL_FILLS[what]:
        for n in SIZES:
            ours = native.real(what, pt.empty(n, dtype=dtype), *arguments)
            expected = getattr(pt.empty(n, dtype=dtype), what + "_")(*arguments, generator=theirs)
            assert_same(ours, expected, (what, dtype, arguments, n))
            assert pt.equal(native.state, theirs.get_state()), (what, dtype, arguments, n)


def test_normal_without_fused_instructions(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: pt.Generator
) -> None:
    monkeypatch.setenv("RUSHLIGHT_CPU", "base")
    native = Native(Path(shutil.copy(library, tmp_path / "base.so")))  # a copy, as the level is chosen once
    ours = native.real("normal", pt.empty(65536), 0.5, 0.7)
    assert_same(ours, pt.empty(65536).normal_(0.5, 0.7, generator=theirs), "base level")


@pytest.mark.parametrize("dtype", FLOATS, ids=name_of)
@pytest.mark.parametrize("what", REAL_FILLS)
def test_strided_fills(native: Native, theirs: pt.Generator, what: str, dtype: pt.dtype) -> None:
    arguments = REAL_FILLS[what][1]
    for n in (5, 16, 100):
        ours = native.real(what, pt.empty(n, 3, dtype=dtype)[:, 0], *arguments)
        expected = getattr(pt.empty(n, 3, dtype=dtype)[:, 0], what + "_")(*arguments, generator=theirs)
        assert_same(ours, expected, (what, dtype, n))


@pytest.mark.parametrize("dtype", INTEGERS, ids=name_of)
@pytest.mark.parametrize("what", ["geometric", "bernoulli"])
def test_integer_results(native: Native, theirs: pt.Generator, what: str, dtype: pt.dtype) -> None:
    if what == "geometric" and dtype == pt.bool:
        return
    ours = native.real(what, pt.empty(300, dtype=dtype), 0.3)
    assert_same(ours, getattr(pt.empty(300, dtype=dtype), what + "_")(0.3, generator=theirs), (what, dtype))


@pytest.mark.parametrize("p_dtype", [pt.float32, pt.float64], ids=name_of)
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=name_of)
def test_bernoulli_of_tensor(native: Native, theirs: pt.Generator, dtype: pt.dtype, p_dtype: pt.dtype) -> None:
    p = pt.rand(1000, dtype=p_dtype)
    probabilities = ctypes.c_void_p(p.data_ptr())
    ours = native.fill(f"bernoulli_{name_of(p_dtype)}", pt.empty(1000, dtype=dtype), probabilities)
    assert_same(ours, pt.empty(1000, dtype=dtype).bernoulli_(p, generator=theirs), (dtype, p_dtype))


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=name_of)
def test_random_over_the_whole_range(native: Native, theirs: pt.Generator, dtype: pt.dtype) -> None:
    assert_same(
        native.whole("random", pt.empty(1000, dtype=dtype)),
        pt.empty(1000, dtype=dtype).random_(generator=theirs),
        dtype,
    )


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=name_of)
def test_random_from(native: Native, theirs: pt.Generator, dtype: pt.dtype) -> None:
    starts = [0, 1]
    if dtype in (pt.int64, pt.int32, pt.int16, pt.int8):
        starts += [-5, pt.iinfo(dtype).min]
    if dtype.is_floating_point:
        starts += [-100]
    for start in starts:
        ours = native.whole("random_from", pt.empty(200, dtype=dtype), start)
        assert_same(ours, pt.empty(200, dtype=dtype).random_(start, None, generator=theirs), (dtype, start))


@pytest.mark.filterwarnings("ignore:.*precision limitations")
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=name_of)
def test_random_between(native: Native, theirs: pt.Generator, dtype: pt.dtype) -> None:
    bounds = [(0, 1), (0, 2)]
    if dtype != pt.bool:
        bounds += [(3, 100)]
    if dtype.is_signed:
        bounds += [(-128, 127)]
    if dtype in (pt.float32, pt.float64, pt.int32, pt.int64):
        bounds += [(0, 2**28 - 1), (0, 2**28), (-5, 2**28), (-(2**30), 2**31 - 1)]
    if dtype in (pt.float32, pt.float64, pt.int64):
        bounds += [(0, 2**32), (-(2**60) - 3, 2**61 + 1)]
    if dtype == pt.int64:
        bounds += [(-(2**63), 2**63 - 1)]
    if dtype == pt.float16:
        bounds += [(-2049, 4099), (0, 65504)]
    if dtype == pt.bfloat16:
        bounds += [(-257, 1027), (0, 99999)]
    for low, high in bounds:
        ours = native.whole("random_between", pt.empty(200, dtype=dtype), low, high)
        expected = pt.empty(200, dtype=dtype).random_(low, high, generator=theirs)
        assert_same(ours, expected, (dtype, low, high))


@pytest.mark.parametrize("dtype", [pt.int64, pt.int32, pt.float32, pt.float64], ids=name_of)
def test_permutation(native: Native, theirs: pt.Generator, dtype: pt.dtype) -> None:
    for n in (0, 1, 2, 3, 10, 1000, 50000):
        ours = native.whole("permutation", pt.empty(n, dtype=dtype))
        assert_same(ours, pt.randperm(n, dtype=dtype, generator=theirs), (dtype, n))
        assert pt.equal(native.state, theirs.get_state()), (dtype, n)


@pytest.mark.parametrize("dtype", [pt.float32, pt.float64], ids=name_of)
def test_categories_with_replacement(native: Native, theirs: pt.Generator, dtype: pt.dtype) -> None:
    weights = pt.rand(200, dtype=dtype)
    weights[::7] = 0
    ours, scratch = pt.empty(3000, dtype=pt.int64), pt.empty_like(weights)
    getattr(native.library, f"categories_{name_of(dtype)}")(
        ctypes.c_void_p(ours.data_ptr()),
        ctypes.c_int64(ours.numel()),
        ctypes.c_void_p(weights.data_ptr()),
        ctypes.c_int64(weights.numel()),
        ctypes.c_void_p(scratch.data_ptr()),
        native.generator,
    )
    assert pt.equal(ours, pt.multinomial(weights, 3000, replacement=True, generator=theirs))


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32 + 7, 2**63, 2**64 - 1])
def test_seeds(library: Path, seed: int) -> None:
    native, theirs = Native(library, seed), pt.Generator().manual_seed(seed)
    assert native.generator_initial_seed(native.generator) == seed
    assert pt.equal(native.state, theirs.get_state())
    assert_same(native.real("uniform", pt.empty(700), 0, 1), pt.rand(700, generator=theirs), seed)


def test_state_travels_both_ways(native: Native, theirs: pt.Generator) -> None:
    pt.empty(7, dtype=pt.float64).normal_(generator=theirs)  # leaves the second value of a pair behind
    state = theirs.get_state()
    pointer, count = ctypes.c_void_p(state.data_ptr()), ctypes.c_size_t(state.numel())
    assert native.generator_set_state(native.generator, pointer, count)
    assert pt.equal(native.state, state)
    native.real("normal", pt.empty(6), 0, 1)
    theirs.set_state(native.state)
    assert_same(native.real("normal", pt.empty(9), 0, 1), pt.empty(9).normal_(generator=theirs), "after both")


def test_bad_states_are_refused(native: Native) -> None:
    before = native.state
    bad = [before[:-1].clone(), before.clone(), before.clone(), before.clone()]
    bad[1][8:12] = 0  # nothing left
    bad[2][8:12] = pt.tensor([113, 2, 0, 0], dtype=pt.uint8)  # 625 left
    bad[3][16:20] = pt.tensor([113, 2, 0, 0], dtype=pt.uint8)  # 625 is next
    for state in bad:
        pointer, count = ctypes.c_void_p(state.data_ptr()), ctypes.c_size_t(state.numel())
        assert not native.generator_set_state(native.generator, pointer, count)
    assert pt.equal(native.state, before)


def test_entropy_seeds_differ(native: Native) -> None:
    seeds = {native.generator_seed(native.generator) for _ in range(4)}
    assert len(seeds) == 4 and all(0 <= seed < 2**53 for seed in seeds)
