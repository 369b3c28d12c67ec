"""`assert_close`: numbers, tensors, arrays and nested containers of them, compared within tolerances."""

from __future__ import annotations

import cmath
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rushlight._native import Tensor

__all__ = ["assert_close", "default_tolerances"]

# (rtol, atol) by the name of the dtype; all others are compared exactly.
TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex32": (1e-3, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


def default_tolerances(*dtypes: Any) -> tuple[float, float]:
    """The loosest (rtol, atol) that `assert_close` uses for these dtypes."""
    known = [TOLERANCES.get(str(dtype).rpartition(".")[2], (0.0, 0.0)) for dtype in dtypes]
    return max(rtol for rtol, _ in known), max(atol for _, atol in known)


@dataclasses.dataclass
class _Rules:
    """The arguments of `assert_close` that hold for each pair."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *dtypes: Any) -> tuple[float, float]:
        if self.rtol is None or self.atol is None:
            return default_tolerances(*dtypes)
        return self.rtol, self.atol


class _Differs(Exception):
    """What two values differ in, and where in the containers they stand."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.where: list[Any] = []

    def __str__(self) -> str:
        path = "".join(f"[{key!r}]" for key in reversed(self.where))
        return f"{self.args[0]}" + (f"\nThey are the items at {path}." if path else "")


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise unless `actual` equals `expected` within `|actual - expected| <= atol + rtol * |expected|`.

    Args:
        actual, expected: tensors, arrays, numbers, bools or None, or sequences and mappings of these.
        allow_subclasses: let a tensor be compared with one of a related class.
        rtol, atol: the tolerances, both or neither; left out, they depend on the dtype.
        equal_nan: let NaN equal NaN.
        check_device, check_dtype, check_layout, check_stride: let tensors differ in these where False.
        msg: the text of the error, or a function that makes it from the one here.
    Raises:
        AssertionError: they differ in structure, in a property that is checked, or in a value.
        TypeError: there is no way to compare values of these types.
        ValueError: only one of `rtol` and `atol` is given.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: give both rtol and atol, or neither")
    rules = _Rules(allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride)
    try:
        _compare(actual, expected, rules)
    except _Differs as found:
        text = str(found)
        failure = msg(text) if callable(msg) else msg if msg is not None else text
    else:
        return
    raise AssertionError(failure)


def _compare(actual: Any, expected: Any, rules: _Rules) -> None:
    if _is_sequence(actual) and _is_sequence(expected):
        _compare_sequences(actual, expected, rules)
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        _compare_mappings(actual, expected, rules)
    elif actual is None or expected is None:
        if actual is not expected:
            raise _Differs(f"Only one is None: got {actual!r}, expected {expected!r}.")
    elif isinstance(actual, bool) and isinstance(expected, bool):
        if actual is not expected:
            raise _Differs(f"Got {actual}, expected {expected}.")
    elif isinstance(actual, (int, float, complex)) and isinstance(expected, (int, float, complex)):
        _compare_numbers(actual, expected, rules)
    else:
        _compare_tensors(*_tensors(actual, expected, rules), rules)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _compare_sequences(actual: Sequence[Any], expected: Sequence[Any], rules: _Rules) -> None:
    if len(actual) != len(expected):
        raise _Differs(f"The sequences have different lengths: got {len(actual)}, expected {len(expected)}.")
    _compare_items(actual, expected, range(len(actual)), rules)


def _compare_mappings(actual: Mapping[Any, Any], expected: Mapping[Any, Any], rules: _Rules) -> None:
    missing = [key for key in expected if key not in actual]
    surplus = [key for key in actual if key not in expected]
    if missing or surplus:
        raise _Differs(f"The mappings have different keys: {missing} are missing, {surplus} were not expected.")
    _compare_items(actual, expected, expected, rules)


def _compare_items(actual: Any, expected: Any, keys: Any, rules: _Rules) -> None:
    for key in keys:
        try:
            _compare(actual[key], expected[key], rules)
        except _Differs as found:
            found.where.append(key)
            raise


# -- numbers ---------------------------------------------------------------------------------------------------

_DTYPE_OF_NUMBER = {float: "float64", complex: "complex128"}


def _compare_numbers(actual: Any, expected: Any, rules: _Rules) -> None:
    kinds = type(actual), type(expected)
    if rules.check_dtype and kinds[0] is not kinds[1]:
        raise _Differs(f"The numbers have different types: got {kinds[0].__name__}, expected {kinds[1].__name__}.")
    rtol, atol = rules.tolerances(*(_DTYPE_OF_NUMBER.get(kind, "int64") for kind in kinds))
    if not _close(actual, expected, rtol, atol, rules.equal_nan):
        raise _Differs(_describe_numbers(actual, expected, rtol, atol))


def _close(actual: Any, expected: Any, rtol: float, atol: float, equal_nan: bool) -> bool:
    if actual == expected:
        return True
    if equal_nan and actual != actual and expected != expected:
        return True
    error = abs(actual - expected)
    return math.isfinite(error) and error <= atol + abs(rtol * expected)


def _errors(actual: Any, expected: Any) -> tuple[float, float]:
    """The absolute and the relative error."""
    if actual == expected:
        return 0, 0
    error = abs(actual - expected)
    if expected == 0:
        return error, math.inf
    return error, error / abs(expected) if math.isfinite(error) else error


def _describe_numbers(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    absolute, relative = _errors(actual, expected)
    return (
        f"The numbers are not {'equal' if rtol == atol == 0 else 'close'}: got {actual}, expected {expected}.\n"
        f"Absolute difference: {absolute} ({atol} allowed)\n"
        f"Relative difference: {relative} ({rtol} allowed)"
    )


# -- tensors ---------------------------------------------------------------------------------------------------


def _tensors(actual: Any, expected: Any, rules: _Rules) -> tuple[Any, Any]:
    """Both values as tensors; the types have to be the same, or related."""
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if type(actual) is type(expected) or (related and rules.allow_subclasses):
        pair = _as_tensor(actual), _as_tensor(expected)
        if None not in pair:
            return pair
    raise TypeError(
        f"assert_close: cannot compare {type(actual).__name__} with {type(expected).__name__}; give two tensors, "
        "arrays, numbers, bools or None, or containers of these"
    )


def _as_tensor(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, str) or not (hasattr(value, "__array__") or hasattr(value, "__dlpack__")):
        return None
    from rushlight import as_tensor

    return as_tensor(value)


def _compare_tensors(actual: Any, expected: Any, rules: _Rules) -> None:
    _compare_properties(actual, expected, rules)
    if actual.is_meta or expected.is_meta:
        return
    rtol, atol = rules.tolerances(actual.dtype, expected.dtype)
    pairs = list(zip(_values(actual), _values(expected), strict=True))
    wrong = [i for i, (a, e) in enumerate(pairs) if not _close(a, e, rtol, atol, rules.equal_nan)]
    if not wrong:
        return
    if actual.dim() == 0:
        raise _Differs(_describe_numbers(*pairs[0], rtol, atol))
    raise _Differs(_describe_tensors(pairs, wrong, tuple(expected.shape), rtol, atol))


def _compare_properties(actual: Any, expected: Any, rules: _Rules) -> None:
    checks: Iterator[tuple[str, bool, Any, Any]] = iter(
        [
            ("shape", True, tuple(actual.shape), tuple(expected.shape)),
            ("layout", rules.check_layout, actual.layout, expected.layout),
            ("device", rules.check_device, str(actual.device), str(expected.device)),
            ("dtype", rules.check_dtype, actual.dtype, expected.dtype),
            ("stride", rules.check_stride, actual.stride(), expected.stride()),
        ]
    )
    for name, checked, got, wanted in checks:
        if checked and got != wanted:
            raise _Differs(f"The tensors have different {name}s: got {got}, expected {wanted}.")


def _values(t: Any) -> Iterator[Any]:
    """The elements in order, as Python numbers."""
    level = [t.detach().tolist()]
    for _ in range(t.dim()):
        level = [value for values in level for value in values]
    return iter(level)


def _describe_tensors(
    pairs: list[tuple[Any, Any]], wrong: list[int], shape: tuple[int, ...], rtol: float, atol: float
) -> str:
    errors = {i: _errors(*pairs[i]) for i in wrong}
    lines = [
        f"The tensors are not {'equal' if rtol == atol == 0 else 'close'}.",
        f"Elements that differ: {len(wrong)} of {len(pairs)} ({100 * len(wrong) / len(pairs):.1f}%)",
    ]
    for which, (name, allowed) in enumerate((("absolute", atol), ("relative", rtol))):
        worst = max(wrong, key=lambda i: _rank(errors[i][which]))
        got, wanted = pairs[worst]
        lines.append(
            f"Greatest {name} difference: {errors[worst][which]} at index {_position(worst, shape)}: got {got}, "
            f"expected {wanted} ({allowed} allowed)"
        )
    return "\n".join(lines)


def _rank(error: float) -> float:
    return math.inf if cmath.isnan(error) else error


def _position(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    index = []
    for size in reversed(shape):
        flat, place = divmod(flat, size)
        index.append(place)
    return tuple(reversed(index))
