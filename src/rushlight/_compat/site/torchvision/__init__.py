"""`import torchvision` under `python -m rushlight`: never the one that is compiled against PyTorch."""

import importlib.util
import sys

import torch  # noqa: F401

if importlib.util.find_spec("rushlight.vision") is None:
    raise ModuleNotFoundError(
        "No module named 'torchvision': Rushlight has no vision package yet, and an installed torchvision needs "
        "PyTorch itself; the rest of the program can run if it does without torchvision",
        name="torchvision",
    )

import rushlight.vision

sys.modules["torchvision"] = rushlight.vision
