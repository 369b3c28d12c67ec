"""The kernels of neural networks in every way that they run."""

from collections.abc import Iterator

import pytest
import torch as pt

from tests.unit.native.kernels_nn_library import WAYS, Kernels, build, find_onednn


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kernels]:
    library = build(tmp_path_factory.mktemp("kernels_nn"))
    ways = {level: Kernels(library, level) for level in WAYS[:3]}
    if onednn := find_onednn():
        ways["onednn"] = Kernels(library, "avx512", str(onednn[1]))
    assert {name for name, way in ways.items() if way.onednn} <= {"onednn"}
    assert not onednn or ways["onednn"].onednn
    return ways


@pytest.fixture(params=WAYS)
def kernels(request: pytest.FixtureRequest, built: dict[str, Kernels]) -> Iterator[Kernels]:
    if request.param not in built:
        pytest.skip("the build has no oneDNN")
    found = built[request.param]
    if request.param != "onednn" and found.level != request.param:
        pytest.skip(f"this processor has no {request.param}")
    found.threads(2)
    yield found
    found.threads(1)


@pytest.fixture(autouse=True)
def seeded() -> None:
    pt.manual_seed(0)
