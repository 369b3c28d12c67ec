"""The same module in Rushlight and PyTorch, and comparisons between them."""

import pytest
import torch as pt

import rushlight as rl


def same(ours, theirs, tolerance=0.0):
    """Equal shapes and values, up to ``tolerance`` (relative and absolute)."""
    assert tuple(ours.shape) == tuple(theirs.shape)
    a, b = pt.tensor(ours.detach().tolist()), pt.tensor(theirs.detach().tolist())
    if tolerance:
        pt.testing.assert_close(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        assert a.tolist() == b.tolist()


def copy_into(ours, theirs):
    """Give our module the values of theirs."""
    ours.load_state_dict({k: rl.tensor(v.tolist()) for k, v in theirs.state_dict().items()})


def twin(make):
    """``make(nn)`` in both libraries, with equal values."""
    pt.manual_seed(0)
    theirs = make(pt.nn)
    ours = make(rl.nn)
    copy_into(ours, theirs)
    return ours, theirs


def needs(*names):
    """Skip a test until the core has what it stands on: dotted names below ``rushlight``."""

    def missing(name):
        place = rl
        for part in name.split("."):
            place = getattr(place, part, None)
        return place is None

    absent = [name for name in names if missing(name)]
    return pytest.mark.skipif(bool(absent), reason=f"not in the core yet: {', '.join(absent)}")
