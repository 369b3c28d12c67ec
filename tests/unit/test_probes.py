"""Modules that programs ask before they choose what to do: the answers are those of PyTorch's build for the CPU."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import pytest
import torch as pt

import rushlight as rl

ANSWERS = """
cuda.is_available()
cuda.device_count()
cuda.is_initialized()
cuda.is_bf16_supported()
cuda.get_arch_list()
cuda.get_gencode_flags()
cuda.current_device()
cuda.init()
cuda.get_device_name()
cuda.get_device_capability()
cuda.get_device_properties(0)
cuda.synchronize()
cuda.empty_cache()
cuda.memory_allocated()
cuda.max_memory_allocated()
cuda.memory_reserved()
cuda.memory_stats()
cuda.mem_get_info()
cuda.manual_seed(1)
cuda.manual_seed("a")
cuda.manual_seed_all(1)
cuda.seed()
cuda.seed_all()
cuda.initial_seed()
cuda.get_rng_state()
cuda.get_rng_state_all()
cuda.set_rng_state_all([])
cuda.Stream()
cuda.Event(enable_timing=True)
cuda.CUDAGraph()
cuda.current_stream()
cuda.stream(None).__enter__()
cuda.set_stream(None)
cuda.set_device(-1)
cuda.device(-1).__enter__()
cuda.device(0).__enter__()
cuda.device("cpu")
cuda.nvtx.range_push("a")
cuda.amp.GradScaler().get_scale()
cuda.amp.GradScaler().is_enabled()
cuda.amp.GradScaler().scale(3.0)
cuda.amp.GradScaler().state_dict()
cuda.default_generators
backends.cudnn.enabled
backends.cudnn.benchmark
backends.cudnn.deterministic
backends.cudnn.allow_tf32
backends.cudnn.version()
backends.cudnn.is_available()
backends.mkldnn.enabled
backends.openmp.is_available()
backends.mps.is_available()
backends.mps.is_built()
backends.mps.is_macos_or_newer(14, 0)
backends.cuda.is_built()
backends.cuda.matmul.allow_tf32
backends.cuda.matmul.allow_fp16_reduced_precision_reduction
backends.cuda.matmul.nope
backends.cuda.flash_sdp_enabled()
backends.cuda.math_sdp_enabled()
backends.cuda.is_flash_attention_available()
accelerator.is_available()
accelerator.device_count()
accelerator.current_accelerator()
accelerator.synchronize()
accelerator.current_device_index()
accelerator.memory_allocated()
cpu.is_available()
cpu.device_count()
cpu.current_device()
cpu.synchronize()
cpu.stream(None).__enter__()
mps.is_available()
mps.device_count()
mps.manual_seed(1)
mps.synchronize()
xpu.is_available()
xpu.device_count()
xpu.empty_cache()
xpu.current_device()
get_float32_matmul_precision()
compiler.is_compiling()
compiler.is_dynamo_compiling()
compiler.is_exporting()
compiler.disable(3)
compile(3)
compile(len, mode="nope")
compile(len, mode="default", options={})
compile(mode="default")(len)([1, 2])
_dynamo.is_compiling()
_jit_internal.is_scripting()
overrides.has_torch_function((1, 2))
overrides.is_tensor_like(3)
overrides.is_tensor_like(ones(1))
overrides.has_torch_function((ones(1), nn.Parameter(ones(1))))
_C._get_tracing_state()
_C._log_api_usage_once("a")
version.cuda
version.hip
version.debug
__version__.partition("+")[0]
__version__ >= "2.9"
__version__ > (1, 13)
__version__ < "2.13.0"
__version__ == "2.13.0"
__version__ >= (2, 14)
__version__ != "nope"
"""


def answer(library: str, question: str) -> Any:
    """The value, or the type of the error; modules below the root are imported as programs do."""
    root = importlib.import_module(library)
    first = question.partition(".")[0]
    if first.isidentifier() and not hasattr(root, first):
        importlib.import_module(f"{library}.{first}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return eval(question, {name: getattr(root, name) for name in dir(root)})
        except Exception as error:
            return next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")


@pytest.mark.parametrize("question", ANSWERS.split("\n")[1:-1])
def test_answers(question: str) -> None:
    for library in ("rushlight", "torch"):
        for name in ("_dynamo", "_jit_internal", "_C", "overrides", "compiler"):
            if name in question:
                importlib.import_module(f"{library}.{name}")
    assert answer("rushlight", question) == answer("torch", question)


def test_flags_are_restored() -> None:
    cudnn, mkldnn = rl.backends.cudnn, rl.backends.mkldnn
    with cudnn.flags(enabled=False, benchmark=True, deterministic=True), mkldnn.flags(enabled=False):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, mkldnn.enabled) == (False, True, True, False)
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, mkldnn.enabled) == (True, False, False, True)
    with rl.backends.cuda.sdp_kernel(enable_flash=False):
        assert not rl.backends.cuda.flash_sdp_enabled()
    assert rl.backends.cuda.flash_sdp_enabled()


def test_matmul_precision() -> None:
    rl.set_float32_matmul_precision("high")
    assert rl.get_float32_matmul_precision() == "high" and rl.backends.cuda.matmul.allow_tf32
    with pytest.warns(UserWarning, match="nope"):
        rl.set_float32_matmul_precision("nope")
    rl.set_float32_matmul_precision("highest")
    assert not rl.backends.cuda.matmul.allow_tf32


def test_compiled_functions_and_modules_work() -> None:
    @rl.compile
    def double(x: Any) -> Any:
        """Doubles."""
        return x * 2

    assert double(3) == 6 and double.__doc__ == "Doubles."
    with rl.compiler.set_stance("force_eager"):
        assert double(3) == 6

    layer = rl.nn.Linear(2, 3)
    compiled = rl.compile(layer, mode="reduce-overhead", backend="inductor")
    x = rl.ones(1, 2)
    assert compiled(x).tolist() == layer(x).tolist()
    assert compiled._orig_mod is layer and compiled.weight is layer.weight and compiled.in_features == 2
    theirs = pt.compile(pt.nn.Linear(2, 3))
    assert list(compiled.state_dict()) == list(theirs.state_dict())
    assert repr(compiled) == repr(theirs)
    compiled.eval()
    assert not layer.training and not compiled.training
    compiled.extra = 5
    assert layer.extra == 5
    assert rl.compile(layer, disable=True) is layer


def test_torch_function_precedence() -> None:
    class Base:
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return NotImplemented

    class Derived(Base):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return cls.__name__, [kind.__name__ for kind in types], args, kwargs

    for m in (rl, pt):
        overrides = importlib.import_module(f"{m.__name__}.overrides")

        @overrides.wrap_torch_function(lambda a, b=None: (a, b))
        def add(a: Any, b: Any = None) -> Any:
            return "plain"

        assert add(1, 2) == "plain"
        assert add(Base(), b=Derived())[:2] == ("Derived", ["Derived", "Base"])
        with pytest.raises(TypeError):
            add(Base(), Base())


def test_boolean_dispatch() -> None:
    for m in (rl, pt):
        dispatch = importlib.import_module(f"{m.__name__}._jit_internal").boolean_dispatch
        pool = dispatch("both", 1, False, lambda x, both=True: (x, "both"), lambda x, both=False: x, "here", "pool")
        assert [pool(1), pool(1, True), pool(1, both=True), pool(1, both=False)] == [1, (1, "both"), (1, "both"), 1]
        assert pool.__name__ == "pool"


def test_config_and_capability() -> None:
    assert rl.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
    config = importlib.import_module("rushlight.__config__")
    assert "oneDNN" in config.show() and "threads" in config.parallel_info()
