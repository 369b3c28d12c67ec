"""Every row against PyTorch: values, types, shapes, memory and errors. One item is one property of one row."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest
import torch as pt

import rushlight as rl
from codegen.operations import has_inplace
from codegen.table import COMPILED, Operation
from tests.table.compare import (
    FLOATING,
    LAYOUTS,
    TABLE,
    Cases,
    Check,
    Properties,
    all_same,
    arguments,
    attempt,
    both,
    build,
    caller,
    function,
    results,
    same,
)
from tests.table.samples import AWKWARD, BROADCAST, REFUSED, Sample, mask, numbers, of_shapes, samples

properties = Properties()


@pytest.mark.parametrize(("o", "check"), properties.items)
def placeholder() -> None: ...
