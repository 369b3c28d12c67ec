"""tools/check_floors finds includes and imports that go up or sideways."""

import pytest


def said(findings):
    return [finding.what for finding in findings]


@pytest.mark.parametrize(
    ("path", "line", "message"),
    [
        ("tensor/a.h", '#include "base/dtype.h"', None),
        ("cpu/level/a.cpp", '#include "cpu/matmul.h"', None),
        ("python/a.cpp", '#include "gen/ops.h"', None),
        ("iterate/a.cpp", '#include "gen/ops.h"', "native/iterate includes gen/ops.h, which is not on a floor below"),
        ("cpu/a.cpp", '#include "vec.h"', '"vec.h" is not written from native/'),
        ("tensor/a.h", "#include <Python.h>", None),
        ("cpu/a.cpp", "#include <Python.h>", "native/cpu knows no Python.h"),
        ("base/a.h", '#include "tensor/a.h"', "native/base includes tensor/a.h, which is not on a floor below"),
        ("autograd/a.h", '# include "cpu/a.h"', "native/autograd includes cpu/a.h, which is not on a floor below"),
        ("cpu/a.h", '#include "level/vec.h"', '"level/vec.h" is not written from native/'),
        ("cpu/rows/a.cpp", '#include "autograd/node.h"', None),
        ("cpu/a.cpp", '#include "cpu/rows/a.h"', "native/cpu includes cpu/rows/a.h, which is not on a floor below"),
        ("attic/a.h", "#include <vector>", "native/attic is on no floor: give it one in tools/check_floors"),
    ],
)
def test_includes(script, tree, path, line, message):
    root = tree({f"native/{path}": f"#pragma once\n{line}\n"})
    assert said(script("tools/check_floors").check(root)) == ([message] if message else [])


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("optim/sgd.py", "from rushlight.nn import Parameter", None),
        ("nn/functional.py", "def f():\n    from rushlight.optim import SGD", None),
        ("nn/functional.py", "if TYPE_CHECKING:\n    from rushlight.optim import SGD", None),
        ("nn/modules/linear.py", "from ..functional import linear", None),
        ("nn/hooks.py", "import rushlight", None),
        ("nn/hooks.py", "from rushlight.utils.hooks import Handle", None),
        ("nn/hooks.py", "from rushlight.utils.data import Dataset", "nn.hooks imports rushlight.utils.data.Dataset"),
        ("nn/modules/linear.py", "from ...optim import SGD", "rushlight.nn.modules.linear imports rushlight.optim.SGD"),
        ("autograd/a.py", "try:\n    import rushlight.nn.init\nexcept ImportError: pass", "imports rushlight.nn.init"),
        ("nn/hooks.py", "from rushlight import Tensor", "rushlight.nn.hooks imports the package itself"),
        ("hub.py", "from . import random", None),
        ("hub.py", "from .nn import Module", "rushlight.hub imports rushlight.nn.Module"),
    ],
)  # fmt: skip
def test_imports(script, tree, path, text, message):
    package = {f"src/rushlight/{folder}/__init__.py": "" for folder in (".", "nn", "optim", "utils", "random")}
    found = said(script("tools/check_floors").check(tree({**package, f"src/rushlight/{path}": f"{text}\n"})))
    assert len(found) == (message is not None)
    assert message is None or message in found[0]
