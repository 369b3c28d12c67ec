"""`Parameter`, `Buffer` and their uninitialized forms."""

import copy
import pickle

import pytest
import torch as pt

import rushlight as rl
from tests.unit.nn.helpers import needs


def test_parameter_shares_data_and_requires_a_gradient():
    data = rl.ones(2, 3)
    p = rl.nn.Parameter(data)
    assert isinstance(p, rl.nn.Parameter) and isinstance(p, rl.Tensor) and p.requires_grad and p.is_leaf
    data.fill_(2)
    assert p.tolist() == [[2.0] * 3] * 2
    assert not rl.nn.Parameter(data, requires_grad=False).requires_grad
    assert rl.nn.Parameter().shape == (0,)
    with rl.no_grad():
        assert rl.nn.Parameter(data).requires_grad
    assert not isinstance(data, rl.nn.Parameter)
    assert type(p + 1) is rl.Tensor
    with pytest.raises(RuntimeError):
        rl.nn.Parameter(rl.ones(2, dtype=rl.int64))
    assert rl.nn.Parameter(rl.ones(2, dtype=rl.int64), requires_grad=False).dtype == rl.int64


def test_repr():
    values = [[1.0, 2.0]]
    assert repr(rl.nn.Parameter(rl.tensor(values))) == repr(pt.nn.Parameter(pt.tensor(values)))
    assert repr(rl.nn.UninitializedParameter()) == repr(pt.nn.UninitializedParameter())


@needs("Tensor.as_subclass")
def test_marked_tensor_counts_as_parameter():
    class Own(rl.Tensor):
        pass

    own = rl.ones(2).as_subclass(Own)
    p = rl.nn.Parameter(own)
    assert type(p) is Own and isinstance(p, rl.nn.Parameter)
    m = rl.nn.Module()
    m.p = p
    assert [n for n, _ in m.named_parameters()] == ["p"]


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies(clone):
    p = rl.nn.Parameter(rl.ones(2), requires_grad=False)
    p.tag = "kept"
    q = clone(p)
    assert type(q) is rl.nn.Parameter and q.tolist() == [1.0, 1.0] and not q.requires_grad
    q.fill_(5)
    assert p.tolist() == [1.0, 1.0]


def test_deepcopy_uses_the_memo():
    p = rl.nn.Parameter(rl.ones(2))
    a, b = copy.deepcopy([p, p])
    assert a is b


def test_buffer():
    b = rl.nn.Buffer(rl.ones(2), persistent=False)
    assert isinstance(b, rl.nn.Buffer) and not isinstance(b, rl.nn.Parameter) and not b.persistent
    m = rl.nn.Module()
    m.b = b
    m.c = rl.nn.Buffer(rl.zeros(1))
    assert list(m.state_dict()) == ["c"] and [n for n, _ in m.named_buffers()] == ["b", "c"]


def test_uninitialized():
    p = rl.nn.UninitializedParameter(dtype=rl.float64)
    assert rl.nn.parameter.is_lazy(p)
    with pytest.raises(RuntimeError):
        p.shape
    p.materialize((2, 3))
    assert type(p) is rl.nn.Parameter and p.shape == (2, 3) and p.dtype == rl.float64 and p.requires_grad
    b = rl.nn.UninitializedBuffer()
    assert isinstance(b, rl.nn.Buffer)
    b.materialize((2,))
    assert type(b) is rl.Tensor
    assert rl.nn.parameter.is_lazy(copy.deepcopy(rl.nn.UninitializedParameter()))
