"""Plain pickles and copies of tensors."""

import copy
import pickle

import pytest

import rushlight as rl
from rushlight import _tensor_pickle

PROTOCOLS = [2, 3, 4, 5]


class Wrapped:
    """Pickles a tensor by this module's functions, whatever the class of the tensor does."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce_ex__(self, protocol):
        return _tensor_pickle.reduce_ex(self.tensor, protocol)


def travel(tensors, protocol):
    return pickle.loads(pickle.dumps([Wrapped(tensor) for tensor in tensors], protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_values_geometry_and_flags(protocol):
    base = rl.arange(12.0).reshape(3, 4)
    tensors = [base, base.t(), base[1:, ::2], rl.tensor(5), rl.empty(0, 2), rl.ones(1).expand(3)]
    for before, after in zip(tensors, travel(tensors, protocol), strict=True):
        assert after.tolist() == before.tolist()
        assert (after.dtype, after.shape, after.stride()) == (before.dtype, before.shape, before.stride())
    grown, meta = travel([rl.ones(2, requires_grad=True), rl.empty(2, 3, device="meta")], protocol)
    assert grown.requires_grad and meta.device.type == "meta" and meta.shape == (2, 3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tensors_of_one_storage_share_it_afterwards(protocol):
    base = rl.zeros(4)
    first, second = travel([base, base[2:]], protocol)
    first[2] = 9.0
    assert second.tolist() == [9.0, 0.0]
    assert base.tolist() == [0.0] * 4
    assert len(pickle.dumps([Wrapped(rl.zeros(1000)) for _ in range(2)], protocol)) > 8000
    shared = rl.zeros(1000)
    assert len(pickle.dumps([Wrapped(shared), Wrapped(shared[:5])], 5)) < 5000


def test_buffers_stay_outside_of_a_pickle_that_asks_for_it():
    tensor = rl.arange(1000.0)
    buffers = []
    data = pickle.dumps(Wrapped(tensor), 5, buffer_callback=buffers.append)
    assert len(data) < 500 and len(buffers) == 1
    assert pickle.loads(data, buffers=buffers).data_ptr() == tensor.data_ptr()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_attributes(protocol):
    tensor = rl.ones(2)
    tensor.note = ["a"]
    (loaded,) = travel([tensor], protocol)
    assert loaded.note == ["a"]


def test_deepcopy_keeps_sharing_gradients_and_attributes():
    base = rl.zeros(4)
    view = base[2:]
    memo = {}
    copied, copied_view = _tensor_pickle.deepcopy(base, memo), _tensor_pickle.deepcopy(view, memo)
    copied[3] = 1.0
    assert copied_view.tolist() == [0.0, 1.0] and base.tolist() == [0.0] * 4
    assert _tensor_pickle.deepcopy(base, memo) is copied
    leaf = rl.ones(2, requires_grad=True)
    leaf.note = [1]
    leaf.grad = rl.full((2,), 3.0)
    twin = _tensor_pickle.deepcopy(leaf, {})
    assert twin.requires_grad and twin.is_leaf and twin.grad.tolist() == [3.0, 3.0]
    assert twin.grad is not leaf.grad and twin.note == [1] and twin.note is not leaf.note
    assert _tensor_pickle.deepcopy(rl.empty(2, device="meta"), {}).shape == (2,)


def test_deepcopy_refuses_history():
    with pytest.raises(RuntimeError, match="detach"):
        _tensor_pickle.deepcopy(rl.ones(2, requires_grad=True) * 2, {})


def test_the_tensor_class_uses_them():
    base = rl.zeros(4)
    first, second = pickle.loads(pickle.dumps([base, base[1:]]))
    first[1] = 2.0
    assert second[0].item() == 2.0
    first, second = copy.deepcopy([base, base[1:]])
    first[1] = 2.0
    assert second[0].item() == 2.0 and base[1].item() == 0.0
    assert copy.copy(base).data_ptr() == base.data_ptr()


def test_sending_a_small_view_leaves_the_rest_behind():
    function, arguments = _tensor_pickle.reduce_to_send(rl.zeros(10_000)[:10])
    assert arguments[0].nbytes() == 40 and function(*arguments).tolist() == [0.0] * 10
    with pytest.raises(RuntimeError, match="detach"):
        _tensor_pickle.reduce_to_send(rl.ones(1, requires_grad=True) * 2)
    leaf = _tensor_pickle.reduce_to_send(rl.ones(1, requires_grad=True))
    assert leaf[0](*leaf[1]).requires_grad
