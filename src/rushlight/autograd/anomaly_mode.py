"""Anomaly mode: a failing backward says which line of the forward pass it belongs to."""

from __future__ import annotations

import warnings
from types import TracebackType

from rushlight import _native

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch anomaly mode on or off: at once as a call, and until its end as a context manager.

    While it is on, each operation that records a gradient notes where in the program it was called, and each write in
    place too. An error in `backward` is preceded by a warning with the traceback of the forward call; the error about
    a saved value that was changed names both lines. It holds for all threads and costs time in every operation.

    Args:
        mode: on or off.
        check_nan: whether a gradient with a NaN is an error, too.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.prev = _native.is_anomaly_enabled()
        self.prev_check_nan = _native.is_anomaly_check_nan_enabled()
        _native._set_anomaly(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_anomaly(self.prev, self.prev_check_nan)


class detect_anomaly:
    """Anomaly mode for the operations inside, forward and backward; see `set_detect_anomaly`.

    Args:
        check_nan: whether a gradient with a NaN is an error, too.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warnings.warn("anomaly mode is on: every operation notes where it was called, which is slow", stacklevel=2)

    def __enter__(self) -> None:
        self._outer = _native.is_anomaly_enabled(), _native.is_anomaly_check_nan_enabled()
        _native._set_anomaly(True, self.check_nan)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _native._set_anomaly(*self._outer)
