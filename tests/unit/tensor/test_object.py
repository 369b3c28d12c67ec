"""The tensor as a Python object: identity, attributes, classes, copies, legacy constructors, storage, versions."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any

import pytest

import rushlight as rl
from tests.unit.twin import agree

START = "x = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)\nz = torch.arange(6.)\n"

ALL = [
    # identity and attributes
    "x.sum().backward(); show(x.grad is x.grad, x.grad_fn, (x * 2).grad_fn is None)",
    "y = x * 2; show(y.grad_fn is y.grad_fn)",
    "x.note = 5; show(x.note, x.__dict__); del x.note; show(hasattr(x, 'note'), x.__dict__)",
    "x.nothing",
    "del x.nothing",
    "del x.shape",
    "x.shape = (3, 2)",
    "x.grad_fn = None",
    "x.is_leaf = True",
    "x.dtype = torch.float64",
    "x._version = 3",
    "x.__dict__ = {'a': 1}; show(x.a)",
    "x.__dict__ = 1",
    "show(hash(x) == hash(x), {x: 1}[x], x in [x], len({x, x.detach()}))",
    "show(bool(x == x.detach()))",
    # versions
    "show(z._version); z.add_(1); show(z._version, z.view(2, 3)._version, z.detach()._version, z.data._version)",
    "v = z[1:]; d = z.detach(); a = z.data; v.mul_(2); show(z._version, v._version, d._version, a._version); "
    "a.add_(1); show(z._version, a._version, z)",
    "z.zero_(); z.fill_(2); z[0] = 1; z += 1; show(z._version)",
    "z.data = torch.ones(3); show(z._version, z); z.add_(1); show(z._version)",
    "y = torch.ones(6); z.data = y; z.add_(1); show(y, y._version, z._version)",
    "y = torch.ones(6); z.set_(y); show(z._version, y._version, z); z.mul_(3); show(y, y._version, z._version)",
    "z.resize_(2, 2); show(z, z._version)",
    "torch.add(z, 1, out=z); show(z, z._version)",
    "torch.add(z, 1, out=z.view(2, 3)[0, :1])",
    # storage
    "show(z.data_ptr() == z.view(2, 3).data_ptr(), z[2:].storage_offset(), z[2:].data_ptr() - z.data_ptr())",
    "show(z.untyped_storage().nbytes(), z[1:].untyped_storage().data_ptr() == z.data_ptr(), z.is_set_to(z.view(6)))",
    "y = z.data; z.resize_(100); z.fill_(3); show(y[:6], z[99])",
    "y = z.view(2, 3); z.resize_(100); z.fill_(3); show(y)",
    "y = z.data; y.resize_(3); show(y, z)",
    "z.resize_(-1)",
    "z.resize_(2, 'a')",
    "z.resize_((3, 2)); show(z)",
    "z.resize_(0); show(z, z.shape); z.resize_(6); show(z.shape)",
    "x.resize_(2)",
    "z.set_(); show(z)",
    "z.set_(torch.ones(4), 1, (2,), (2,)); show(z)",
    "z.set_(torch.ones(4).untyped_storage(), -1, (2,), (1,))",
    "z.set_(torch.ones(4, dtype=torch.int64))",
    "z.set_(torch.ones(4).untyped_storage()); show(z)",
    "show(z.as_strided((2, 2), (1, 2), 1))",
    "show(z.as_strided((2, 2), (1, 2), 3).shape)",
    "z.as_strided((7,), (1,))",
    "z.as_strided((2,), (-1,), 3)",
    "z.as_strided((2,), (1, 1))",
    "z.as_strided((-2,), (1,))",
    "z.as_strided((2,), (1,), -1)",
    "z.as_strided((2**40, 2**40), (2**40, 1))",
    "show(z.as_strided((0,), (1,), 100).shape)",
    # views and their errors
    "z.view(4)",
    "z.view(-1, -1)",
    "z.view(2, -3)",
    "z.view(-1, 4)",
    "z.view(0, -1)",
    "z.view(2, 3).t().view(6)",
    "show(z.view(2, 3).t().reshape(6))",
    "z.view(2, 3).transpose(0, 2)",
    "z.view(2, 3).permute(0, 0)",
    "z.view(2, 3).permute(0)",
    "z.expand(2)",
    "z.expand(-1, 2)",
    "z.expand(2, 6)[0]; show(z.expand(2, -1).shape, z.expand(2, 6).stride())",
    "z.select(0, 6)",
    "z.select(0, -7)",
    "z.select(1, 0)",
    "z.narrow(0, 3, 4)",
    "z.narrow(0, -2, 2); show(z.narrow(0, -2, 2))",
    "z.unsqueeze(3)",
    "show(z.squeeze(0).shape, z.unsqueeze(-1).squeeze(1).shape)",
    "torch.tensor(1.).t(); show(torch.tensor(1.).t())",
    "torch.zeros(1, 1, 1).t()",
    "z.unfold(0, 7, 1)",
    "z.unfold(0, 2, 0)",
    "z.diagonal()",
    "z[::-1]",
    "z[::0]",
    "z[6]",
    "z[-7]",
    "z[0, 0]",
    "z['a']",
    "z[1.5]",
    "z[0][0]",
    "torch.tensor(1.)[0]",
    "show(torch.tensor(1.)[()], torch.tensor(1.)[...], torch.tensor(1.)[None])",
    "z[..., ...]",
    "show(z[True], z[False].shape, z[None, ::2], z[[0, -1]], z[torch.tensor([True, False] * 3)])",
    "z[[6]]",
    "z[torch.tensor([-7])]",
    "z[torch.tensor([True, False])]",
    "z[torch.tensor([0.5])]",
    "z[10**30]",
    "show(z[-10**30:10**30])",
    "z[0] = 'a'",
    "z[0] = torch.ones(2)",
    "z[2] = True; z[3] = 9; show(z)",
    "del z[0]",
    # reading
    "show(len(z), len(x), list(z)[5], [r.tolist() for r in x])",
    "len(torch.tensor(1))",
    "iter(torch.tensor(1))",
    "list(torch.tensor(1))",
    "show(3 in z, 7 in z, torch.tensor(2.) in z)",
    "'a' in z",
    "bool(z)",
    "bool(torch.zeros(0))",
    "show(bool(torch.tensor([[2.]])), bool(torch.tensor(0)), int(torch.tensor(2.7)), float(torch.tensor(3)))",
    "show(complex(torch.tensor(2.)))",
    "int(z)",
    "float(torch.zeros(0))",
    "int(torch.tensor(float('nan')))",
    "int(torch.tensor(float('inf')))",
    "show([10, 11, 12][torch.tensor(1)], range(5)[torch.tensor([2])], torch.tensor(3).__index__())",
    "[1, 2][torch.tensor(1.)]",
    "[1, 2][torch.tensor([0, 1])]",
    "show('a' * torch.tensor(2))",
    "z.item()",
    "show(x[0, 0].item(), torch.tensor(True).item(), torch.tensor(2**62).item(), torch.tensor(1+2j).item())",
    "show(x.tolist(), torch.tensor(3).tolist(), torch.zeros(2, 0).tolist(), torch.zeros(0, 2).tolist())",
    "show(f'{torch.tensor(1.5):.3f}', '{:d}'.format(torch.tensor(3)))",
    "f'{z:.3f}'",
    "show(round(torch.tensor(2.)), divmod(7, 2), abs(torch.tensor(-2.)), -z[1], +z[1])",
    "show(list(reversed(z))[0])",
    # meta
    "m = torch.zeros(2, 3, device='meta'); show(m, m.is_meta, (m + 1).shape, (m @ m.t()).shape, m.sum().shape)",
    "torch.zeros(2, device='meta').tolist()",
    "torch.zeros(1, device='meta').item()",
    "bool(torch.zeros(1, device='meta'))",
    "torch.zeros(2, device='meta').numpy()",
    "torch.zeros(2, device='meta').to('cpu')",
    "torch.zeros(2, device='meta').cpu()",
    "show(torch.zeros(2).to('meta'), torch.empty_like(z, device='meta'))",
    "torch.zeros(2, device='meta') + torch.zeros(2)",
    "m = torch.zeros(2, device='meta'); m.add_(1); m.fill_(3); m[0] = 1; show(m, m._version)",
    "m = torch.ones(2, device='meta', requires_grad=True); (m * 2).sum().backward(); show(m.grad)",
    "torch.zeros(2, device='nowhere')",
    "show(pickle.loads(pickle.dumps(torch.zeros(2, device='meta'))))",
    # legacy constructors
    "show(torch.Tensor(), torch.Tensor(2, 3).shape, torch.Tensor([1, 2]), torch.Tensor((3, 4)), torch.Tensor([]))",
    "show(torch.Tensor(torch.Size([2, 2])).shape, torch.Tensor([[1, 2], [3, 4]]), torch.Tensor([True]))",
    "y = torch.Tensor(z); show(y is z, y.data_ptr() == z.data_ptr())",
    "torch.Tensor(1.5)",
    "torch.Tensor('a')",
    "torch.Tensor(2, 'a')",
    "torch.Tensor(-1)",
    "torch.Tensor(torch.tensor([1, 2]))",
    "torch.Tensor([1, [2]])",
    "show(torch.FloatTensor([1, 2]), torch.LongTensor([1, 2]), torch.DoubleTensor(2).shape, torch.BoolTensor([0, 1]))",
    "show(isinstance(z, torch.FloatTensor), isinstance(z, torch.LongTensor), isinstance(z, torch.Tensor))",
    "show(torch.IntTensor([1]), torch.ShortTensor([1]), torch.CharTensor([1]), torch.ByteTensor([1]))",
    "torch.LongTensor([1.5]); show(torch.LongTensor([1.5]))",
    "show(z.new(2).shape, z.new([1, 2]), z.new_tensor([1, 2]), z.new_zeros(2), z.type(), z.type('torch.LongTensor'))",
]


@pytest.mark.parametrize("program", ALL)
def test_program(program: str) -> None:
    agree(f"{START}show(0)\n{program}")


def test_free_lists_after_errors() -> None:
    """Objects taken from the free lists carry nothing of their former lives, after good calls and bad ones."""
    for _ in range(700):
        x = rl.ones(2, 3, requires_grad=True)
        x.note = "kept"
        y = x[0] * 2
        y.retain_grad()
        with pytest.raises(RuntimeError):
            _ = x + rl.ones(4)
        with pytest.raises(RuntimeError):
            x.add_(1)
        y.sum().backward()
        del x, y
    for _ in range(700):
        x = rl.ones(2)
        assert (x.__dict__, x.grad, x.grad_fn, x.requires_grad, x._version, x._base, x.is_leaf) == (
            {},
            None,
            None,
            False,
            0,
            None,
            True,
        )
        assert x.shape == (2,)
    deep = [rl.zeros([1] * 9) for _ in range(10)]
    del deep
    assert rl.zeros(1, 2, 3, 4, 5).stride() == (120, 60, 20, 5, 1)


def test_weak_references() -> None:
    x = rl.ones(2)
    seen: list[str] = []
    ref = weakref.ref(x, lambda _: seen.append("gone"))
    keyed = weakref.WeakKeyDictionary({x: 1})
    assert ref() is x
    del x
    assert ref() is None
    assert seen == ["gone"]
    assert not list(keyed)


def test_class_assignment() -> None:
    class Marked(rl.Tensor):
        pass

    class Slotted(rl.Tensor):
        __slots__ = ("place",)

    x = rl.ones(2)
    x.__class__ = Marked
    assert type(x) is Marked
    x.__class__ = rl.nn.Parameter
    assert isinstance(x, rl.nn.Parameter)
    x.__class__ = rl.Tensor
    assert type(x + 1) is rl.Tensor
    for wrong in (Slotted, int, dict):
        with pytest.raises(TypeError):
            x.__class__ = wrong
    del x
    many = [rl.ones(2) for _ in range(600)]
    for tensor in many:
        tensor.__class__ = Marked
    del many, tensor
    assert type(rl.ones(2)) is rl.Tensor
    slotted = rl.ones(2).as_subclass(Slotted)
    slotted.place = [slotted]
    ref = weakref.ref(slotted)
    del slotted
    gc.collect()
    assert ref() is None


def test_a_subclass_with_a_finalizer_may_live_again() -> None:
    kept: list[Any] = []

    class Lazarus(rl.Tensor):
        def __del__(self) -> None:
            kept.append(self)

    x = rl.ones(3).as_subclass(Lazarus)
    x.note = 1
    del x
    gc.collect()
    assert kept[0].tolist() == [1.0, 1.0, 1.0]
    assert kept[0].note == 1
    kept.clear()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_and_copies(protocol: int) -> None:
    base = rl.arange(6.0)
    x = base.view(2, 3).t()
    x.note = {"a": 1}
    y, whole = pickle.loads(pickle.dumps((x, base), protocol))
    assert (y.tolist(), y.stride(), y.note) == (x.tolist(), x.stride(), {"a": 1})
    whole.zero_()
    assert y.sum().item() == 0  # one storage, as before
    assert base.sum().item() == 15
    p = rl.nn.Parameter(rl.ones(2), requires_grad=False)
    q = pickle.loads(pickle.dumps(p, protocol))
    assert type(q) is rl.nn.Parameter
    assert not q.requires_grad
    for value in (rl.Size([2, 3]), rl.float32, rl.device("cpu"), rl.strided, rl.channels_last):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    assert pickle.loads(pickle.dumps(rl.int64, protocol)) is rl.int64


def test_copy_and_deepcopy() -> None:
    x = rl.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    shallow, deep = copy.copy(x), copy.deepcopy([x, x, x.detach()])
    shallow.data.zero_()
    assert x.tolist() == [0.0, 0.0]
    assert deep[0] is deep[1]
    assert deep[0].requires_grad
    assert deep[0].grad.tolist() == [3.0, 3.0]
    assert deep[0].data_ptr() == deep[2].data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError):
        copy.deepcopy(x * 2)


def test_a_long_list_of_gradients_is_freed() -> None:
    """x.grad.grad.grad ... : taken apart without overflow."""
    first = x = rl.ones(1)
    for _ in range(100_000):
        x.grad = rl.ones(1)
        x = x.grad
    del first, x
    first = x = rl.ones(1)
    for _ in range(100_000):
        x.next = rl.ones(1)
        x = x.next
    del first, x
