"""`torch.x.y is rushlight.x.y`: names, probes, metadata, pickles and child processes under the runner."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

from rushlight._compat import names


def under_runner(tmp_path: Path, program: str) -> list[str]:
    """The lines that `program` prints as a script under the runner; an assertion in it fails the test."""
    script = tmp_path / "program.py"
    script.write_text(program)
    done = subprocess.run(
        [sys.executable, "-m", "rushlight", str(script)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_translation() -> None:
    for real, public in {
        "rushlight": "torch",
        "rushlight.nn.functional": "torch.nn.functional",
        "rushlight.vision.transforms": "torchvision.transforms",
        "rushlights": "rushlights",
    }.items():
        assert names.public_name(real) == public
        assert names.real_name(public) == real
    assert names.public_name("rushlight._native") == "torch._C"


WALK = """
import importlib, pkgutil, sys
import torch, rushlight
assert torch is rushlight and sys.modules["torch"] is torch
count = 0
for found in pkgutil.walk_packages(rushlight.__path__, "rushlight."):
    real = found.name
    if real.startswith(("rushlight._compat", "rushlight.__main__", "rushlight._native")):
        continue
    public = "torch" + real[len("rushlight"):]
    first, second = (real, public) if count % 2 else (public, real)
    one, other = importlib.import_module(first), importlib.import_module(second)
    assert one is other is sys.modules[real] is sys.modules[public], real
    assert one.__name__ == public and one.__spec__.name == real, real
    for name, thing in list(vars(one).items()):
        if isinstance(thing, type):
            assert not thing.__module__.startswith("rushlight") or "_compat" in thing.__module__, (real, name, thing)
    count += 1
assert count > 5
"""


def test_every_module_has_both_names(tmp_path: Path) -> None:
    under_runner(tmp_path, WALK)


def test_classes_read_as_pytorchs(tmp_path: Path) -> None:
    out = under_runner(tmp_path, "import torch\nprint(torch.Tensor, torch.nn.Linear, torch.Size, torch.dtype)")
    assert out == ["<class 'torch.Tensor'> <class 'torch.nn.modules.linear.Linear'> "
                   "<class 'torch.Size'> <class 'torch.dtype'>"]  # fmt: skip


PROBES = """
import importlib.metadata, importlib.util, sys
for name in ("torch", "torch.nn", "torch.nn.functional"):
    assert importlib.util.find_spec(name) is not None, name
assert importlib.util.find_spec("torch.nope") is None
assert importlib.metadata.version("torch") == "2.13.0"
assert importlib.metadata.distribution("torch").read_text("top_level.txt").split() == ["torch", "functorch"]
import torch
assert torch.__version__ == "2.13.0+rushlight"
assert not hasattr(torch, "nope") and not hasattr(torch.nn, "nope")
def text(code):
    try:
        exec(code)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
print(text("import torch.nope"))
print(text("import torch.nope.deeper"))
print(text("torch.nn.Nope"))
print(text("from torch.nn import Nope"))
print(text("import torchvision"))
"""


def test_probes(tmp_path: Path) -> None:
    module, deeper, attribute, imported, vision = under_runner(tmp_path, PROBES)
    not_yet = "if this is a name of PyTorch's, it is not in Rushlight yet"
    assert module == f"ModuleNotFoundError: No module named 'torch.nope': {not_yet}"
    assert deeper == module
    assert attribute == f"AttributeError: module 'torch.nn' has no attribute 'Nope': {not_yet}"
    assert imported.startswith("ImportError: cannot import name 'Nope' from 'torch.nn'")
    assert vision.startswith("ModuleNotFoundError: No module named 'torchvision': Rushlight has no vision package yet")


PICKLES = """
import pickle, pickletools
import torch
for thing in (torch.nn.Linear, torch.Size, torch.nn.functional.relu):
    data = pickle.dumps(thing)
    assert b"rushlight" not in data and b"torch" in data, thing
    assert pickle.loads(data) is thing
outside = b"crushlight.nn.modules.linear\\nLinear\\n."
assert pickle.loads(outside) is torch.nn.Linear
"""


def test_pickles_name_pytorch(tmp_path: Path) -> None:
    under_runner(tmp_path, PICKLES)


CHILDREN = """
import multiprocessing, subprocess, sys
import torch

def work(layer_class):
    import torch, rushlight
    return torch is rushlight and layer_class is torch.nn.Linear

if __name__ == "__main__":
    for method in ("spawn", "fork", "forkserver"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            print(method, pool.apply(work, (torch.nn.Linear,)))
    ask = "import importlib.metadata as m, torch; print(torch.__version__, m.version('torch'), torch.Tensor)"
    print(subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout, end="")
"""


def test_child_processes(tmp_path: Path) -> None:
    assert under_runner(tmp_path, CHILDREN) == [
        "spawn True", "fork True", "forkserver True", "2.13.0+rushlight 2.13.0 <class 'torch.Tensor'>"
    ]  # fmt: skip


def test_as_torch_in_a_notebook() -> None:
    code = (
        "import rushlight; t = rushlight.as_torch(); import torch, torch.nn as nn; rushlight.as_torch();"
        "print(torch is rushlight is t, nn.Linear)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert out == "True <class 'torch.nn.modules.linear.Linear'>\n"


def test_pytorch_is_itself_outside_the_runner() -> None:
    code = "import rushlight, torch; print(torch is rushlight, torch.Tensor is rushlight.Tensor, torch.__name__)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert out == "False False torch\n"
    assert importlib.metadata.version("torch") != ""


def test_info() -> None:
    command = [sys.executable, "-m", "rushlight", "info"]
    out = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    for word in ("Rushlight", "processor", "instructions", "oneDNN", "NumPy", "operations", "installed in"):
        assert f"\n{word} " in "\n" + out
