"""Functions over statistics and orders whose result or arguments the table cannot state: flags that add results,
strings, Python truth values, numbers in the place of tensors."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from numbers import Real
from typing import Any

from . import _native
from ._errors import check_bools, check_integer, check_number, check_tensors
from ._native import Tensor, dtype
from ._out import written

__all__ = [
    "allclose",
    "bucketize",
    "equal",
    "isin",
    "nanquantile",
    "norm",
    "quantile",
    "searchsorted",
    "unique",
    "unique_consecutive",
]

_METHODS = ("allclose", "equal", "nanquantile", "quantile", "unique")


def attach(cls: type) -> None:
    """Gives Tensor those of the functions that are its methods."""
    for name in _METHODS:
        setattr(cls, name, globals()[name])
    cls.unique_consecutive = _unique_consecutive_method  # type: ignore[attr-defined]


# ------------------------------------------------------------------ comparisons


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether both tensors have the same shape and the same elements."""
    check_tensors("equal", input=input, other=other)
    if input.shape != other.shape:
        return False
    common = _native.promote_types(input.dtype, other.dtype)
    return bool(_native._equal(input.to(common), other.to(common)))


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether abs(input - other) <= atol + rtol * abs(other) everywhere, shapes broadcast."""
    for name, limit in (("rtol", rtol), ("atol", atol)):
        if not isinstance(limit, (int, float)) and not hasattr(limit, "__float__"):
            raise TypeError(f"allclose: {name} must be a number, got {type(limit).__name__}")
    return bool(_native.isclose(input, other, rtol, atol, equal_nan).all())


# ------------------------------------------------------------------ norms


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: dtype | None = None,
) -> Tensor:
    """The p-norm of the elements along `dim` (all of them where it is None).

    p: a number, inf and -inf too; "fro" or None is 2.
    """
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"norm: p must be a number or 'fro', got {p!r}")
    if p is not None and not isinstance(p, str):
        check_number("norm", "p", p)
    if isinstance(dim, int):
        dim = (dim,)
    if isinstance(p, str) and dim is not None and len(dim) > 2:
        raise RuntimeError(f"norm: p='fro' takes one or two dimensions, got dim={dim}; give p=2 for more")
    return vector_norm(input, 2.0 if p is None or isinstance(p, str) else p, dim, keepdim, dtype=dtype, out=out)


def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None,
                out: Tensor | None = None) -> Tensor:
    """The ord-norm of the elements along `dim` (all of them where it is None), taken in `dtype`, a wider one.

    TypeError where an argument is of no fitting type; RuntimeError for an ord or dtypes that do not fit, and where no
    elements have no such norm.
    """
    check_tensors("linalg.vector_norm", x=x, **({} if out is None else {"out": out}))
    if isinstance(ord, complex):
        raise RuntimeError(f"linalg.vector_norm: ord must be real, got {ord}")
    if dtype is not None:
        if not (x.is_floating_point() or x.is_complex()):
            raise RuntimeError(f"linalg.vector_norm: expected floating or complex numbers, met {x.dtype}")
        if not isinstance(dtype, _native.dtype):
            raise TypeError(f"linalg.vector_norm: dtype must be a dtype, got {type(dtype).__name__}")
        if x.is_complex() != dtype.is_complex or _native.promote_types(x.dtype, dtype) != dtype:
            raise RuntimeError(f"linalg.vector_norm: dtype={dtype} is not as wide as the input's, {x.dtype}")
        x = x.to(dtype)
    result = _native._vector_norm(x, ord, dim, keepdim)
    if out is not None and out.dtype != result.dtype:
        raise RuntimeError(f"linalg.vector_norm: the result has dtype {result.dtype}, but out= has {out.dtype}")
    return written(result, out)


# ------------------------------------------------------------------ quantiles


def quantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """The q-quantiles (0 <= q <= 1) of the elements along `dim`; NaN where an element is NaN.

    The result's first dimension is that of q, where q is a vector. interpolation between two elements: "linear",
    "lower", "higher", "midpoint" or "nearest".
    """
    return written(_quantile(input, q, dim, keepdim, interpolation, ignore_nan=False), out)


def nanquantile(
    input: Tensor,
    q: float | Tensor,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """As `quantile`, of the elements that are not NaN."""
    return written(_quantile(input, q, dim, keepdim, interpolation, ignore_nan=True), out)


def _quantile(
    input: Tensor, q: float | Tensor, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    _check_types(input, q, dim, keepdim, interpolation)
    _check_quantile(input, q, interpolation)
    if not isinstance(q, Tensor):
        q = _native.tensor(float(q), dtype=input.dtype, device=input.device)
    shape = [1] * input.dim() if dim is None else list(input.shape)
    rows = input.flatten() if dim is None else input
    if dim is not None and shape:
        shape[dim] = 1
    if not rows.dim():
        rows = rows.reshape(1)
    rows = rows.sort(-1 if dim is None else dim)[0].movedim(-1 if dim is None else dim, -1)
    last = rows.shape[-1] - 1
    wanted = q.flatten().to(rows.dtype)
    at = _positions(rows, wanted, ignore_nan)
    if interpolation in ("lower", "higher", "nearest"):
        at = {"lower": at.floor, "higher": at.ceil, "nearest": at.round}[interpolation]()
    below = at.floor()
    low = _native._take_along(rows, -1, below.long())
    if interpolation in ("linear", "midpoint"):
        weight = at - below if interpolation == "linear" else _native.full_like(at, 0.5)
        high = _native._take_along(rows, -1, at.ceil().long().clamp(max=last))
        low = _native.lerp(low, high, weight)
    result = low.movedim(-1, 0)
    if keepdim:
        return result.reshape([*q.shape, *shape])
    return result if q.dim() else result.squeeze(0)


def _positions(rows: Tensor, q: Tensor, ignore_nan: bool) -> Tensor:
    """Where the quantiles stand in the sorted rows, as fractions; the NaN at the end where one must win."""
    last = rows.shape[-1] - 1
    nan = rows.isnan()
    if ignore_nan:
        return q * ((~nan).sum(-1, keepdim=True) - 1).clamp(min=0)
    at = (q * last).expand([*rows.shape[:-1], q.shape[0]])
    return _native.where(nan.any(-1, keepdim=True), float(last), at)


def _check_types(input: Tensor, q: Any, dim: Any, keepdim: Any, interpolation: Any) -> None:
    check_tensors("quantile", input=input)
    check_integer("quantile", "dim", dim, optional=True)
    for name, value, wanted in (("q", q, (Tensor, Real)), ("keepdim", keepdim, bool),
                                ("interpolation", interpolation, str)):
        if not isinstance(value, wanted):
            raise TypeError(f"quantile: {name} cannot be {type(value).__name__}")


def _check_quantile(input: Tensor, q: float | Tensor, interpolation: str) -> None:
    if input.numel() == 0:
        raise RuntimeError("quantile: the input has no elements")
    if input.dtype not in (_native.float32, _native.float64):
        raise RuntimeError(f"quantile: expected float32 or float64, got {input.dtype}")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            f"quantile: interpolation must be linear, lower, higher, midpoint or nearest, got {interpolation!r}"
        )
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"quantile: q must be from 0 to 1, got {q}")
        return
    if q.dim() > 1:
        raise RuntimeError(f"quantile: q must be a number or a vector, got shape {list(q.shape)}")
    if q.dtype != input.dtype:
        raise RuntimeError(f"quantile: q is {q.dtype} but the input is {input.dtype}; both must have one dtype")
    if q.numel() and not bool(((q >= 0) & (q <= 1)).all()):
        raise RuntimeError("quantile: q must be from 0 to 1")


# ------------------------------------------------------------------ unique elements and look-up


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements in order, or the different slices along `dim`.

    With return_inverse and return_counts a tuple: also where each element of the input is found in the output, and
    how often each occurs.
    """
    _check_flags("unique", return_inverse=return_inverse, return_counts=return_counts)
    check_bools("unique", sorted=sorted)
    return _chosen(_unique(input, dim, consecutive=False), return_inverse, return_counts)


def unique_consecutive(input: Tensor, *flags: Any, **named: Any) -> Any:
    """The first of each run of equal elements, or of equal slices along `dim`; else as `unique`.

    Takes return_inverse, return_counts and dim. By position this function (the method does not) follows PyTorch 2.13:
    it hands the results back as if return_counts came first, and those that were not computed are empty. So name them.
    """
    results = _runs(input, *flags, **named)
    first, second = (*flags, False, False)[:2]
    asked = [named.get("return_inverse", first), named.get("return_counts", second)]
    given = [named.get("return_inverse", second), named.get("return_counts", first)]
    if asked != given:
        _warn_of_flags_by_position()
    return _chosen(results, *given)


def _unique_consecutive_method(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of each run of equal elements, or of equal slices along `dim`; else as `unique`."""
    return _chosen(_runs(input, return_inverse, return_counts, dim), return_inverse, return_counts)


@cache
def _warn_of_flags_by_position() -> None:
    warnings.warn(
        "unique_consecutive: by position the flags give other results than they say, as in PyTorch; "
        "name them: return_inverse=..., return_counts=...",
        stacklevel=3,
    )


def _runs(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    _check_flags("unique_consecutive", return_inverse=return_inverse, return_counts=return_counts)
    output, inverse, counts = _unique(input, dim, consecutive=True)
    none = _native.empty(0, dtype=_native.int64, device=input.device)
    return output, inverse if return_inverse else none, counts if return_counts else none


def _check_flags(name: str, **flags: Any) -> None:
    """TypeError where a flag is no bool; of an array, which has no truth, its own error."""
    for flag in flags.values():
        bool(flag)
    check_bools(name, **flags)


def _chosen(results: tuple[Tensor, Tensor, Tensor], return_inverse: bool, return_counts: bool) -> Any:
    output, inverse, counts = results
    if not return_inverse and not return_counts:
        return output
    return (output, *[inverse] * return_inverse, *[counts] * return_counts)


def _unique(input: Tensor, dim: int | None, consecutive: bool) -> tuple[Tensor, Tensor, Tensor]:
    if dim is None:
        return (_native._unique_consecutive if consecutive else _native._unique)(input)
    if input.is_complex():
        raise NotImplementedError(f"unique: complex numbers have no order, met {input.dtype}")
    if not hasattr(dim, "__index__"):
        raise TypeError(f"unique: dim must be an int, got {type(dim).__name__}")
    return (_native._unique_dim_consecutive if consecutive else _native._unique_dim)(input, dim)


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False, out: Tensor | None = None
) -> Tensor:
    """True where an element is one of the test elements (invert: where it is none). One of both may be a number."""
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin: elements or test_elements must be a tensor")
    common = _native.result_type(elements, test_elements)
    if any(isinstance(x, Tensor) and x.dtype is _native.bool for x in (elements, test_elements)):
        raise RuntimeError("isin: bools are not looked up; convert them first, with .long()")
    if not isinstance(test_elements, Tensor):
        return written(elements != test_elements if invert else elements == test_elements, out)
    a, b = (
        x.to(common) if isinstance(x, Tensor) else _native.tensor(x, dtype=common) for x in (elements, test_elements)
    )
    return written(_native._isin(a, b, invert), out)


def searchsorted(
    sorted_sequence: Tensor,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Tensor | None = None,
    out: Tensor | None = None,
) -> Tensor:
    """Where each element of `input` would go in the sorted rows: before its equals, or behind them (right, or
    side="right").

    sorted_sequence: (n,), or (..., n) for an input (..., m). sorter: the indices that sort it, where it is not sorted.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted: side must be 'left' or 'right', got {side!r}")
    if side == "left" and right:
        raise RuntimeError("searchsorted: side='left' and right=True contradict each other")
    common = _native.result_type(sorted_sequence, input)
    if not isinstance(input, Tensor):
        if sorted_sequence.dim() != 1:
            raise RuntimeError("searchsorted: a number can be looked up in a vector only")
        input = _native.tensor(input, dtype=common)
    sorted_sequence, input = sorted_sequence.to(common), input.to(common)
    if common is _native.bool and input.numel():
        raise NotImplementedError("searchsorted: not implemented for tensors of dtype torch.bool; use .long()")
    return written(_native._searchsorted(sorted_sequence, input, out_int32, right or side == "right", sorter), out)


def bucketize(
    input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False, out: Tensor | None = None
) -> Tensor:
    """The number of the bucket of each element: how many of the sorted boundaries are below it (right: or equal)."""
    check_tensors("bucketize", boundaries=boundaries, **({} if out is None else {"out": out}))
    if not isinstance(input, Tensor):
        check_number("bucketize", "input", input)
    check_bools("bucketize", out_int32=out_int32, right=right)
    if boundaries.dim() != 1:
        raise RuntimeError(f"bucketize: the boundaries must be a vector, got shape {list(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)
