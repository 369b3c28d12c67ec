"""One call in Rushlight and in PyTorch, and what it means that both agree."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl
from codegen.table import COMPILED, Operation, Table
from tests.table.arrays import Dtype, Sample

TABLE = Table()
TESTED = [o for o in TABLE.operations if o.row.samples != "none"]
FLOATING = ("float32", "float64")
DTYPES = (*COMPILED, "float16", "bfloat16", "complex32")  # which kernels compute as float32 and complex64
WITHOUT_NUMPY = {"bfloat16": "float32", "complex32": "complex64"}  # and the next wider dtype that NumPy has
LAYOUTS = ("transposed", "sliced", "expanded", "shifted")
EPS = {"bfloat16": 2.0**-7, "float16": 2.0**-10, "float32": 2.0**-23, "float64": 2.0**-52}
# A complex product rounds twice.
EPS |= {"complex32": 2 * EPS["float16"], "complex64": 2 * EPS["float32"], "complex128": 2 * EPS["float64"]}

# ------------------------------------------------------------------ arguments


def array_of(value: np.ndarray, dtype: str) -> np.ndarray:
    """A sample's array in the dtype under test."""
    if value.dtype != np.float64:
        return value.copy()
    with np.errstate(all="ignore"):
        if dtype.startswith("complex"):
            z = value.astype(dtype)
            z.imag = np.roll(value, 1) * 0.7
            return z
        scaled = value * 3 if "int" in dtype and np.isfinite(value).all() else value
        return value > 0 if dtype == "bool" else scaled.astype(dtype)


def tensor(m: Any, value: np.ndarray, dtype: str, layout: str = "plain", device: str = "cpu") -> Any:
    """A sample's array as a tensor, in memory that is laid out in some way."""
    if dtype in WITHOUT_NUMPY and value.dtype == np.float64:
        return tensor(m, value, WITHOUT_NUMPY[dtype], layout, device).to(getattr(m, dtype))
    a = array_of(value, dtype)
    if layout == "transposed":
        x = m.from_numpy(np.ascontiguousarray(a.T)).permute(tuple(range(a.ndim))[::-1])
    elif layout == "sliced" and a.ndim:
        x = m.from_numpy(np.repeat(a, 2, -1))[..., ::2]
    elif layout == "expanded" and a.ndim and a.shape[0]:
        x = m.from_numpy(a[:1].copy()).expand(*a.shape)
    elif layout == "shifted":
        x = m.from_numpy(np.concatenate([a.reshape(-1)[:1], a.reshape(-1)]))[min(1, a.size) :].view(a.shape)
    else:
        x = m.from_numpy(a)
    return x.to(device) if device != "cpu" else x


def build(
    m: Any, value: Any, dtype: str, layout: str = "plain", device: str = "cpu", leaves: list[Any] | None = None
) -> Any:
    """An argument as library `m` takes it. Floating tensors become leaves where a list for them is given."""
    if isinstance(value, np.ndarray):
        x = tensor(m, value, dtype, layout, device)
        if leaves is not None and (x.dtype.is_floating_point or x.dtype.is_complex):
            x = x.detach().requires_grad_()
            leaves.append(x)
        return x
    if isinstance(value, (list, tuple)):
        return type(value)(build(m, v, dtype, layout, device, leaves) for v in value)
    return getattr(m, value) if isinstance(value, Dtype) else value


def arguments(
    m: Any,
    sample: Sample,
    dtype: str | Sequence[str],
    layout: str = "plain",
    device: str = "cpu",
    leaves: list[Any] | None = None,
) -> tuple[list[Any], dict[str, Any]]:
    """All arguments of a call; `dtype` may be one for each positional argument."""
    each = [dtype] * len(sample.args) if isinstance(dtype, str) else dtype
    args = [build(m, a, d, layout, device, leaves) for a, d in zip(sample.args, each, strict=True)]
    return args, {
        k: build(m, v, each[0] if each else "float32", layout, device, leaves) for k, v in sample.kwargs.items()
    }


# ------------------------------------------------------------------ calls


def function(m: Any, o: Operation) -> Callable[..., Any]:
    """The row's function, or its method called like one (as where sizes may stand one by one: `x.view(3, 4)`)."""
    if o.row.function and not (o.row.method and o.parameters[-1].type == "*int"):
        for home in (m, m.nn.functional):
            if hasattr(home, o.name):
                return getattr(home, o.name)
    own = getattr(m.Tensor, o.name)
    return lambda *args, **kwargs: own(*args, **kwargs)


def caller(m: Any, o: Operation, sample: Sample) -> Callable[..., Any]:
    if sample.call is None:
        return function(m, o)
    own = sample.call
    return lambda *args, **kwargs: own(m, *args, **kwargs)


def attempt(call: Callable[[], Any]) -> Any:
    """What a call returns, or the exception it raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return call()
        except Exception as error:
            return error


def outcome(
    m: Any, o: Operation, sample: Sample, dtype: str | Sequence[str], layout: str = "plain", device: str = "cpu"
) -> Any:
    """What the row's call gives."""

    def call() -> Any:
        args, kwargs = arguments(m, sample, dtype, layout, device)
        return caller(m, o, sample)(*args, **kwargs)

    return attempt(call)


def results(value: Any) -> list[Any]:
    """The tensors of a result."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


# ------------------------------------------------------------------ comparison


def name_of(dtype: Any) -> str:
    return str(dtype).split(".")[-1]


def strides(x: Any) -> list[int]:
    """The strides that matter: of dimensions with more than one element, where there are elements at all."""
    return [s for n, s in zip(x.shape, x.stride(), strict=True) if n > 1] if x.numel() else []


class MissingDtype(AssertionError):
    """PyTorch computes in a dtype that the row does not list: counted by a test of its own, no failure of each case."""


def same(mine: Any, theirs: Any, tolerance: float = 0.0, layout: bool = False) -> None:
    """Asserts that one result of ours is PyTorch's: exception; or shape, dtype, values and (asked for) strides.

    tolerance: relative and for float32, on top of 4 units in the last place. An exception is PyTorch's where a program
    that catches theirs catches ours.
    """
    if isinstance(mine, NotImplementedError) and not isinstance(theirs, Exception) and "dtype" in str(mine):
        raise MissingDtype(str(mine))
    if isinstance(theirs, Exception) or isinstance(mine, Exception):
        # Of a call that is wrong in two ways, either may be named.
        no_kernel = isinstance(theirs, NotImplementedError) and "ComplexHalf" in str(theirs)
        expected = Exception if no_kernel else type(theirs)
        assert isinstance(mine, expected), f"ours gives {_brief(mine)}, PyTorch {_brief(theirs)}"
        return
    if not isinstance(theirs, pt.Tensor):
        assert mine == theirs, f"ours is {mine!r}, PyTorch's {theirs!r}"
        return
    assert tuple(mine.shape) == tuple(theirs.shape), f"shape {tuple(mine.shape)}, PyTorch's {tuple(theirs.shape)}"
    assert name_of(mine.dtype) == name_of(theirs.dtype), f"dtype {mine.dtype}, PyTorch's {theirs.dtype}"
    assert mine.requires_grad == theirs.requires_grad, (
        f"requires_grad is {mine.requires_grad}, PyTorch's {theirs.requires_grad}"
    )
    if layout:
        assert strides(mine) == strides(theirs), f"strides {mine.stride()}, PyTorch's {theirs.stride()}"
    if not theirs.is_meta:
        close(to_numpy(mine), to_numpy(theirs), tolerance, EPS.get(name_of(theirs.dtype), 0.0))


def to_numpy(x: Any) -> np.ndarray:
    """The values of a tensor of either library."""
    x = x.detach().resolve_conj().resolve_neg()
    if name_of(x.dtype) in WITHOUT_NUMPY:
        x = x.cfloat() if x.is_complex() else x.float()
    return x.numpy()


def close(a: np.ndarray, b: np.ndarray, tolerance: float = 0.0, unit: float = EPS["float32"]) -> None:
    """Asserts that the arrays hold the same numbers, up to a few units in the last place."""
    allowed = (4 + tolerance / EPS["float32"]) * unit
    with np.errstate(all="ignore"):
        assert np.array_equal(a, b) or np.allclose(a, b, allowed, allowed, equal_nan=True), (
            f"values\n{a}\nexpected\n{b}"
        )


def all_same(mine: Any, theirs: Any, tolerance: float = 0.0, layout: bool = False) -> None:
    """`same` for each tensor of results that may be tuples."""
    if isinstance(theirs, (list, tuple)) and isinstance(mine, (list, tuple)):
        assert len(mine) == len(theirs), f"{len(mine)} results, PyTorch's {len(theirs)}"
        for a, b in zip(mine, theirs, strict=True):
            same(a, b, tolerance, layout)
    else:
        same(mine, theirs, tolerance, layout)


def _brief(value: Any) -> str:
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {str(value).splitlines()[0][:140] if str(value) else ''}"
    return ", ".join(f"{name_of(v.dtype)}{list(v.shape)}" if hasattr(v, "shape") else repr(v) for v in results(value))


# ------------------------------------------------------------------ test items


class Cases:
    """Collects the failing cases of one (row, property), so that one run names them all."""

    def __init__(self, o: Operation, name: str) -> None:
        keys = [k.partition(": ") for k in o.row.exceptions]
        self.excused = {case: False for property_, _, case in keys if property_ == name}
        self.failed: list[str] = []

    @contextmanager
    def __call__(self, label: str) -> Iterator[None]:
        try:
            yield
        except MissingDtype:
            pass
        except Exception as error:
            excuses = [e for e in self.excused if e in label]
            self.excused.update(dict.fromkeys(excuses, True))
            if not excuses:
                kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
                self.failed.append(f"{label}: {kind}{error}")

    def finish(self) -> None:
        assert not self.failed, "\n".join(self.failed)
        stale = [e for e, met in self.excused.items() if not met]
        assert not stale, f"the row excuses what passes now: {stale}"


Check = Callable[[Operation, Cases], None]


class Properties:
    """The checks of one test file, and the items they make: one for each row that a check applies to."""

    def __init__(self) -> None:
        self.checks: list[tuple[Callable[[Operation], bool], Check]] = []

    def of(self, applies: Callable[[Operation], bool]) -> Callable[[Check], Check]:
        def register(check: Check) -> Check:
            self.checks.append((applies, check))
            return check

        return register

    def items(self) -> list[Any]:
        return [
            pytest.param(o, check, id=f"{o.identifier}-{check.__name__}")
            for o in TESTED
            for applies, check in self.checks
            if applies(o)
        ]

    @staticmethod
    def run(o: Operation, check: Check) -> None:
        case = Cases(o, check.__name__)
        check(o, case)
        case.finish()


def both(
    o: Operation, sample: Sample, dtype: str | Sequence[str], layout: str = "plain", device: str = "cpu"
) -> tuple[Any, Any]:
    """The outcome here and in PyTorch."""
    return outcome(rl, o, sample, dtype, layout, device), outcome(pt, o, sample, dtype, layout, device)
