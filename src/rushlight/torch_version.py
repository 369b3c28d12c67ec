"""`torch.__version__`: a string that compares as a version, with strings, tuples and other versions."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from .version import __version__ as _version

__all__ = ["TorchVersion"]

# The version scheme of PEP 440, as far as releases of libraries use it.
_PATTERN = re.compile(
    r"\s*v?(?P<release>\d+(?:\.\d+)*)[-_.]?(?:(?P<pre>a|b|rc|alpha|beta|c|pre|preview)[-_.]?(?P<number>\d*))?"
    r"(?:[-_.]?post[-_.]?(?P<post>\d*))?(?:[-_.]?(?P<dev>dev)[-_.]?(?P<devnumber>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*",
    re.IGNORECASE,
)
_STAGES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_FINAL = 9


class TorchVersion(str):
    """A version that is also its text: `torch.__version__ >= "2.1"`, `torch.__version__ > (1, 13)`."""

    def _compare(self, other: Any, holds: Callable[[Any, Any], bool]) -> bool:
        ours, theirs = _order(self), _order(other)
        if ours is None or theirs is None:
            return holds(str(self), other if isinstance(other, str) else str(other))
        return holds(ours, theirs)

    def __eq__(self, other: object) -> bool:
        return self._compare(other, operator.eq)

    def __ne__(self, other: object) -> bool:
        return self._compare(other, operator.ne)

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, operator.lt)

    def __le__(self, other: Any) -> bool:
        return self._compare(other, operator.le)

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, operator.gt)

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, operator.ge)

    __hash__ = str.__hash__


def _order(version: Any) -> tuple[Any, ...] | None:
    """What a version is sorted by, in the order of PEP 440: development < pre-release < final < post < local."""
    text = version if isinstance(version, str) else _dotted(version)
    found = _PATTERN.fullmatch(str(text)) if text is not None else None
    if found is None:
        return None
    release = [int(part) for part in found["release"].split(".")]
    while release and release[-1] == 0:
        release.pop()
    if found["pre"]:
        stage = (_STAGES[found["pre"].lower()], int(found["number"] or 0))
    else:
        stage = (-1, 0) if found["dev"] and found["post"] is None else (_FINAL, 0)
    post = -1 if found["post"] is None else int(found["post"] or 0)
    development = (0, int(found["devnumber"] or 0)) if found["dev"] else (1, 0)
    local = re.split(r"[-_.]", found["local"].lower()) if found["local"] else []
    words = [(1, int(word), "") if word.isdigit() else (0, 0, word) for word in local]
    return release, stage, post, development, words


def _dotted(version: Any) -> str | None:
    if isinstance(version, Iterable):
        return ".".join(str(part) for part in version)
    return str(version) if hasattr(version, "release") else None  # packaging's Version


__version__ = TorchVersion(_version)
