"""Rushlight: a small deep-learning library that runs PyTorch programs unchanged.

`import rushlight as torch` in a file, or `python -m rushlight script.py` for a file that says `import torch`.
"""

from __future__ import annotations

import importlib as _importlib
from typing import Any

from . import _native
from ._native import *  # noqa: F403
from ._native import Tensor
from ._tensor import attach as _attach
from ._tensor_questions import attach as _attach_questions
from .torch_version import __version__

_attach(Tensor)
_attach_questions(Tensor)

from . import _functions  # noqa: E402
from ._contractions import *  # noqa: E402,F403
from ._copies import *  # noqa: E402,F403
from ._copies import attach as _attach_copies  # noqa: E402
from ._functions import *  # noqa: E402,F403
from ._interchange import *  # noqa: E402,F403
from ._interchange import attach as _attach_interchange  # noqa: E402
from ._overridable import make_overridable as _make_overridable  # noqa: E402
from ._series import *  # noqa: E402,F403
from ._series import attach as _attach_series  # noqa: E402
from ._statistics import *  # noqa: E402,F403
from ._statistics import attach as _attach_statistics  # noqa: E402
from .autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402
from .random import fork_rng, get_rng_state, initial_seed, manual_seed, seed, set_rng_state  # noqa: E402

_attach_interchange(Tensor)
_attach_copies(Tensor)
_attach_series(Tensor)
_attach_statistics(Tensor)
_make_overridable(globals(), __name__)

# Loaded when first asked for, so that importing the package stays cheap.
_LAZY_MODULES = frozenset(
    (
        "accelerator", "autograd", "backends", "compiler", "cpu", "cuda", "func", "hub", "linalg", "mps", "nn", "optim",
        "overrides", "random", "serialization", "storage", "testing", "types", "utils", "version", "xpu", "special",
        "return_types", "__config__", "_C", "_dynamo", "_jit_internal", "_tensor_str", "_utils", "torch_version",
    )
)  # fmt: skip
_LAZY_NAMES = {
    **dict.fromkeys(
        ("gru", "gru_cell", "lstm", "lstm_cell", "rnn_relu", "rnn_relu_cell", "rnn_tanh", "rnn_tanh_cell"), "_recurrent"
    ),
    "FloatTensor": "_tensor_types",
    "DoubleTensor": "_tensor_types",
    "HalfTensor": "_tensor_types",
    "BFloat16Tensor": "_tensor_types",
    "LongTensor": "_tensor_types",
    "IntTensor": "_tensor_types",
    "ShortTensor": "_tensor_types",
    "CharTensor": "_tensor_types",
    "ByteTensor": "_tensor_types",
    "BoolTensor": "_tensor_types",
    "as_torch": "_compat",
    "ops": "_ops",
    "compile": "compiler",
    "finfo": "_type_info",
    "iinfo": "_type_info",
    "set_default_tensor_type": "_tensor_types",
    "get_float32_matmul_precision": "backends",
    "set_float32_matmul_precision": "backends",
    "load": "serialization",
    "save": "serialization",
    "get_printoptions": "_tensor_str",
    "printoptions": "_tensor_str",
    "set_printoptions": "_tensor_str",
    "TypedStorage": "storage",
    "is_storage": "storage",
    "DoubleStorage": "storage",
    "FloatStorage": "storage",
    "HalfStorage": "storage",
    "BFloat16Storage": "storage",
    "LongStorage": "storage",
    "IntStorage": "storage",
    "ShortStorage": "storage",
    "CharStorage": "storage",
    "ByteStorage": "storage",
    "BoolStorage": "storage",
    "ComplexDoubleStorage": "storage",
    "ComplexFloatStorage": "storage",
    "UntypedStorage": "storage",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return _importlib.import_module(f"{__name__}.{name}")
    if name in _LAZY_NAMES:
        value = getattr(_importlib.import_module(f"{__name__}.{_LAZY_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}: if this is a name of PyTorch's, it is not in Rushlight yet"
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_MODULES, *_LAZY_NAMES})


__all__ = [
    *(name for name in dir(_native) if not name.startswith("_")),
    *_functions.__all__,
    *_LAZY_NAMES,
    "__version__",
    "enable_grad",
    "fork_rng",
    "get_rng_state",
    "inference_mode",
    "initial_seed",
    "manual_seed",
    "no_grad",
    "seed",
    "set_grad_enabled",
    "set_rng_state",
]
