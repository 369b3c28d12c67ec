"""Builds the matrix, convolution, pooling and loss kernels into a shared library, and loads it once per way to run."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch as pt

ROOT = Path(__file__).parents[3]
SOURCES = (
    "base/cpu_level", "base/parallel", "cpu/scratch", "cpu/matmul", "cpu/conv", "cpu/pool", "cpu/softmax", "cpu/losses",
    "cpu/norm", "cpu/attention", "cpu/onednn/library", "cpu/onednn/conv",
)  # fmt: skip
LEVEL_SOURCES = tuple(f"cpu/level/{name}_kernels" for name in ("matmul", "nn_rows", "pool", "norm", "attention"))
LEVELS = {
    "base": [],
    "avx2": ["-mavx2", "-mfma", "-mf16c"],
    "avx512": ["-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx2", "-mfma", "-mf16c"],
}
FLAGS = [
    "-std=c++20", "-O2", "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden", "-fopenmp",
    "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", f"-I{ROOT / 'native'}",
]  # fmt: skip
WAYS = (*LEVELS, "onednn")
FLOATS = (pt.float32, pt.float64)
SUFFIX = {pt.float32: "f32", pt.float64: "f64", pt.int64: "i64", pt.int8: "i8"}
CTYPE = {pt.float32: ctypes.c_float, pt.float64: ctypes.c_double, pt.int64: ctypes.c_int64, pt.int8: ctypes.c_int8}


def find_onednn() -> tuple[Path, Path] | None:
    """The include folder and the shared library of oneDNN, where the build would find them."""
    folder = os.environ.get("RL_ONEDNN_ROOT")
    command = [sys.executable, str(ROOT / "cmake/find_onednn.py"), *([folder] if folder else [])]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return (Path(lines[0]), Path(lines[1])) if lines else None


def build(folder: Path) -> Path:
    """Compile everything into one shared library in `folder`."""
    onednn = find_onednn()
    jobs = []
    for name in SOURCES:
        flags = ["-DRL_ONEDNN=1", f"-I{onednn[0]}"] if onednn and "onednn" in name else []
        jobs.append((ROOT / f"native/{name}.cpp", folder / f"{name.replace('/', '_')}.o", flags))
    for level, flags in LEVELS.items():
        for name in LEVEL_SOURCES:
            jobs.append(
                (ROOT / f"native/{name}.cpp", folder / f"{Path(name).name}_{level}.o", [f"-DRL_LEVEL={level}", *flags])
            )
    jobs.append((Path(__file__).with_name("kernels_nn_exports.cpp"), folder / "exports.o", []))

    def compile_one(job: tuple[Path, Path, list[str]]) -> Path:
        source, target, flags = job
        subprocess.run(["g++", *FLAGS, *flags, "-c", str(source), "-o", str(target)], check=True)
        return target

    with ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_one, jobs))
    library = folder / "kernels.so"
    subprocess.run(["g++", "-shared", "-fopenmp", "-o", str(library), *map(str, objects), "-ldl"], check=True)
    return library


class Kernels:
    """One copy of the library at one level, with or without oneDNN. Arguments are tensors, ints and arrays of ints."""

    def __init__(self, library: Path, level: str, onednn: str = "off") -> None:
        copy = library.with_name(f"kernels_{level}_{'own' if onednn == 'off' else 'onednn'}.so")
        shutil.copy(library, copy)
        before = {name: os.environ.get(name) for name in ("RUSHLIGHT_CPU", "RUSHLIGHT_ONEDNN")}
        os.environ.update(RUSHLIGHT_CPU=level, RUSHLIGHT_ONEDNN=onednn)
        try:
            self.path = copy
            self.library = ctypes.CDLL(str(copy))
            self.library.level_name.restype = ctypes.c_char_p
            self.library.has_onednn.restype = ctypes.c_bool
            # Both choices are made at their first use.
            self.level = self.library.level_name().decode()
            self.onednn = self.library.has_onednn()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def threads(self, count: int) -> None:
        self.library.set_threads(count)

    def call(self, name: str, dtype: pt.dtype | None, *arguments: Any) -> int:
        """Call `<name>_<dtype>`; floats become the dtype's C type, lists arrays of int64, None a null pointer."""
        function = getattr(self.library, f"{name}_{SUFFIX[dtype]}" if dtype else name)
        function.restype = ctypes.c_int64
        return function(*(as_c(argument, dtype) for argument in arguments))


def as_c(value: Any, dtype: pt.dtype | None) -> Any:
    if value is None:
        return ctypes.c_void_p(None)
    if isinstance(value, pt.Tensor):
        return ctypes.c_void_p(value.data_ptr())
    if isinstance(value, float) and dtype is not None:
        return CTYPE[dtype](value if dtype.is_floating_point else int(value))
    if isinstance(value, bool):
        return ctypes.c_bool(value)
    if isinstance(value, Sequence):
        return (ctypes.c_int64 * len(value))(*value)
    return ctypes.c_int64(value)


def spatial(values: Sequence[int], rest: int) -> list[int]:
    """One to three sizes as three, filled from the front with `rest`."""
    return [rest] * (3 - len(values)) + list(values)


def close(ours: pt.Tensor, theirs: pt.Tensor, scale: float = 1) -> None:
    tolerance = {pt.float32: 2e-5, pt.float64: 1e-12}.get(ours.dtype, 0) * scale
    pt.testing.assert_close(ours, theirs.to(ours.dtype), rtol=tolerance, atol=tolerance, equal_nan=True)
