"""Devices that are not there, and the one without memory."""

import pytest
import torch as pt

import rushlight as rl


@pytest.mark.parametrize(
    "program",
    [
        lambda t: t.ones(2).to("cuda"),
        lambda t: t.ones(2, device="cuda"),
        lambda t: t.tensor([1.0], device="cuda:0"),
        lambda t: t.ones(2).cuda(),
    ],
)
def test_a_missing_gpu_is_an_assertion(program):
    for library in (rl, pt):
        with pytest.raises(AssertionError):
            program(library)


def test_meta_tensors_have_shapes_only():
    x = rl.ones(2, 3, device="meta")
    y = (x @ rl.ones(3, 4, device="meta")).sum(1)
    assert y.shape == (2,) and y.device.type == "meta" and y.dtype is rl.float32
    with pytest.raises(NotImplementedError):
        y.tolist()
