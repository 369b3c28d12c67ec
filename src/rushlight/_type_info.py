"""`finfo` and `iinfo`: the limits of the floating and the integer dtypes."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from . import _native
from ._native import dtype as _DType

__all__ = ["finfo", "iinfo"]

_PYTHON_TYPES = {float: _native.float64, complex: _native.complex128, int: _native.int64, bool: _native.bool}
# Bits of the mantissa, and the exponents of the smallest normal and of the largest number.
_FLOATS = {
    _native.float16: (10, -14, 15),
    _native.bfloat16: (7, -126, 127),
    _native.float32: (23, -126, 127),
    _native.float64: (52, -1022, 1023),
}


class _TypeInfo:
    """What both have in common: the dtype's name and size, equality, no hash, no pickling."""

    bits: int
    dtype: str
    __slots__ = ("bits", "dtype")

    def __init__(self, type: Any) -> None:
        wanted = _PYTHON_TYPES.get(type, type)
        if not isinstance(wanted, _DType):
            raise TypeError(f"{self._name()}: expected a dtype, got {wanted!r}")
        if not self._takes(wanted):
            raise TypeError(f"{self._name()}: {wanted} has none; finfo is for floating dtypes, iinfo for integers")
        wanted = wanted.to_real()
        self.bits = 8 * wanted.itemsize
        self.dtype = str(wanted).removeprefix("torch.")
        self._fill(wanted)

    @classmethod
    def _name(cls) -> str:
        return cls.__name__

    def _takes(self, wanted: _DType) -> bool:
        raise NotImplementedError

    def _fill(self, wanted: _DType) -> None:
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, _TypeInfo) and self.dtype == other.dtype

    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError(f"cannot pickle a {self._name()}; pickle its dtype")


class finfo(_TypeInfo):
    """The limits of a floating dtype; those of its parts for a complex one.

    Args:
        type: the dtype; the default dtype when left out.

    Attributes:
        bits, dtype: the size and the name.
        min, max: the smallest and the largest number.
        tiny, smallest_normal: the smallest positive number of full precision.
        eps: the distance from 1 to the next number.
        resolution: 10 to the number of decimal digits that always hold, inverted.
    """

    __slots__ = ("eps", "max", "min", "resolution", "smallest_normal", "tiny")
    eps: float
    max: float
    min: float
    resolution: float
    smallest_normal: float
    tiny: float

    def __init__(self, type: Any = None) -> None:
        super().__init__(_native.get_default_dtype() if type is None else type)

    def _takes(self, wanted: _DType) -> bool:
        return wanted.is_floating_point or wanted.is_complex

    def _fill(self, wanted: _DType) -> None:
        mantissa, lowest, highest = _FLOATS[wanted]
        self.eps = 2.0**-mantissa
        self.tiny = self.smallest_normal = 2.0**lowest
        self.max = (2.0 - self.eps) * 2.0**highest
        self.min = -self.max
        self.resolution = float(f"1e-{math.floor(mantissa * math.log10(2))}")

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{name}={getattr(self, name):g}' for name in names)}, dtype={self.dtype})"


class iinfo(_TypeInfo):
    """The limits of an integer dtype.

    Args:
        type: the dtype.

    Attributes:
        bits, dtype: the size and the name.
        min, max: the smallest and the largest number.
    """

    __slots__ = ("max", "min")
    max: int
    min: int

    def _takes(self, wanted: _DType) -> bool:
        return not (wanted.is_floating_point or wanted.is_complex or wanted is _native.bool)

    def _fill(self, wanted: _DType) -> None:
        self.min = -(2 ** (self.bits - 1)) if wanted.is_signed else 0
        self.max = 2 ** (self.bits - wanted.is_signed) - 1

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


for _class in (finfo, iinfo):
    _class.__module__ = "rushlight"
