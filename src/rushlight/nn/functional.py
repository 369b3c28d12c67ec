"""Functions of neural networks, without parameters of their own.

What has a kernel comes from the native core under its own name; what is made of other operations stands in
``nn/_functional/``. A name that neither has yet raises AttributeError.
"""

from __future__ import annotations

from typing import Any

from rushlight import _native
from rushlight._overridable import make_overridable as _make_overridable
from rushlight.nn import _reduction as _Reduction  # noqa: F401 - PyTorch offers this name here
from rushlight.nn._functional.activations import *  # noqa: F403
from rushlight.nn._functional.attention import *  # noqa: F403
from rushlight.nn._functional.distances import *  # noqa: F403
from rushlight.nn._functional.dropouts import *  # noqa: F403
from rushlight.nn._functional.embeddings import *  # noqa: F403
from rushlight.nn._functional.grids import *  # noqa: F403
from rushlight.nn._functional.interpolation import *  # noqa: F403
from rushlight.nn._functional.kernels import *  # noqa: F403
from rushlight.nn._functional.losses import *  # noqa: F403
from rushlight.nn._functional.norms import *  # noqa: F403
from rushlight.nn._functional.padding import *  # noqa: F403
from rushlight.nn._functional.patches import *  # noqa: F403
from rushlight.nn._functional.pooling import *  # noqa: F403
from rushlight.nn._functional.sequences import *  # noqa: F403

_make_overridable(globals(), __name__)


def __getattr__(name: str) -> Any:
    function = None if name.startswith("_") else getattr(_native, name, None)
    if function is None or isinstance(function, type):
        raise AttributeError(f"nn.functional has no {name!r} in Rushlight yet")
    globals()[name] = function
    return function
