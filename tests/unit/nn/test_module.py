"""`Module`: registration, traversal, state, hooks, conversion and printing, beside PyTorch."""

import copy
import gc
import pickle
import warnings
import weakref
from collections import OrderedDict

import pytest
import torch as pt

import rushlight as rl
from tests.unit.nn.helpers import needs, same


def net(torch):
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 3)
            self.tied = self.fc
            self.register_buffer("scale", torch.ones(3))
            self.register_buffer("cache", torch.zeros(2), persistent=False)
            self.register_buffer("nothing", None)
            self.shift = nn.Parameter(torch.zeros(3))
            self.missing = None
            self.register_parameter("absent", None)

        def forward(self, x):
            return self.fc(x) * self.scale + self.shift

    return nn.Sequential(OrderedDict(first=Block(), act=nn.ReLU(), last=nn.Sequential(nn.Linear(3, 2), Block())))


def both(f):
    """What ``f`` gives for each library; equal exceptions count by type."""
    results = []
    for torch in (rl, pt):
        try:
            results.append(f(torch))
        except Exception as error:
            results.append(type(error))
    return results


def agree(f):
    ours, theirs = both(f)
    assert ours == theirs
    return ours


@pytest.mark.parametrize(
    "call",
    [
        lambda m: [n for n, _ in m.named_parameters()],
        lambda m: [n for n, _ in m.named_parameters(prefix="p", remove_duplicate=False)],
        lambda m: [n for n, _ in m.first.named_parameters(recurse=False)],
        lambda m: [n for n, _ in m.named_buffers()],
        lambda m: [n for n, _ in m.first.named_buffers("b", recurse=False)],
        lambda m: [n for n, _ in m.named_modules()],
        lambda m: [n for n, _ in m.named_modules(remove_duplicate=False)],
        lambda m: [n for n, _ in m.named_children()],
        lambda m: [n for n, _ in m.first.named_children()],
        lambda m: list(m.state_dict()),
        lambda m: list(m.state_dict(prefix="x.")),
        lambda m: m.state_dict()._metadata,
        repr,
        lambda m: m.get_submodule("last.1.fc").in_features,
        lambda m: m.get_submodule("") is m,
        lambda m: m.get_submodule("last.2"),
        lambda m: m.get_submodule("first.shift"),
        lambda m: m.get_parameter("first.scale"),
        lambda m: m.get_buffer("first.shift"),
        lambda m: m.get_buffer("first.scale").shape[0],
        lambda m: m.get_parameter("first.fc.weight").shape[1],
        lambda m: m.nope,
        lambda m: delattr(m, "nope"),
        lambda m: m.first.absent,
        lambda m: setattr(m, "first", 3),
        lambda m: setattr(m.first, "shift", 3),
        lambda m: setattr(m.first, "scale", 3),
        lambda m: m.add_module("a.b", m),
        lambda m: m.add_module("", m),
        lambda m: m.add_module("train", m.act),
        lambda m: m.add_module("x", 3),
        lambda m: m.add_module(3, m),
        lambda m: m.register_parameter("x", 3),
        lambda m: m.register_buffer("x", 3),
        lambda m: m.register_buffer("a.b", None),
        lambda m: m.first.register_buffer("shift", None),
        lambda m: m.first.register_parameter("shift2", m.first.shift * 2),
        lambda m: m.train(1),
        lambda m: m.set_submodule("", m),
        lambda m: m.set_submodule("first.shift", m.act),
        lambda m: m.set_submodule("last.0", 3),
        lambda m: m.set_submodule("last.9", m.act, strict=True),
        lambda m: m.load_state_dict(3),
        lambda m: m.load_state_dict({}),
        lambda m: m.to(int),
        lambda m: m(1, 2),
        lambda m: m.get_extra_state(),
    ],
)
def test_like_pytorch(call):
    agree(lambda torch: call(net(torch)))


def test_before_init():
    for name in ("Parameter(torch.ones(2))", "ReLU()"):

        def assign(torch, name=name):
            class Early(torch.nn.Module):
                def __init__(self):
                    self.x = eval("nn." + name, {"nn": torch.nn, "torch": torch})

            Early()

        assert agree(assign) is AttributeError
    assert agree(lambda torch: torch.nn.Module(1)) is TypeError
    assert agree(lambda torch: torch.nn.Module(a=1)) is TypeError
    assert agree(lambda torch: torch.nn.Module()(1)) is NotImplementedError


def test_assignment_moves_a_name_between_kinds():
    def walk(torch):
        m = torch.nn.Module()
        seen = []
        for value in (torch.nn.Parameter(torch.ones(1)), None, torch.nn.ReLU(), None):
            m.x = value
            seen.append(([*m._parameters], [*m._modules], [*m._buffers], type(m.x).__name__))
        del m.x
        m.x = torch.nn.Buffer(torch.ones(1), persistent=False)
        seen.append(([*m._buffers], sorted(m._non_persistent_buffers_set)))
        m.x = torch.nn.Parameter(torch.ones(1))
        seen.append(([*m._parameters], [*m._buffers], sorted(m._non_persistent_buffers_set)))
        del m.x
        seen.append(hasattr(m, "x"))
        return seen

    agree(walk)


def test_direct_changes_of_the_registries_are_seen():
    m = rl.nn.Linear(2, 2)
    new = rl.nn.Parameter(rl.zeros(2, 2))
    m._parameters["weight"] = new
    assert m.weight is new
    assert m._parameters.pop("weight") is new and not hasattr(m, "weight")
    m._parameters = {"weight": new}
    assert m.weight is new and not hasattr(m, "bias")
    m._parameters.update(bias=None)
    assert m.bias is None
    m._parameters.clear()
    assert not hasattr(m, "weight")


def test_module_dies_with_its_last_reference():
    gc.disable()
    try:
        m = net(rl)
        ref = weakref.ref(m.last)
        m.first(rl.ones(1, 3))
        del m
        assert ref() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_deepcopy_and_pickle(clone):
    m = rl.nn.Sequential(rl.nn.Linear(2, 2), rl.nn.BatchNorm1d(2))
    n = clone(m)
    assert n[0].weight is not m[0].weight and n[0].weight.tolist() == m[0].weight.tolist()
    assert n[0].weight is n[0]._parameters["weight"]
    n.double()
    assert n[0].weight.dtype == rl.float64 and m[0].weight.dtype == rl.float32
    assert type(n[0]._parameters) is type(m[0]._parameters)
    assert "weight" not in m[0].__getstate__()


def test_shallow_copy_shares_parameters():
    m = rl.nn.Linear(2, 2)
    n = copy.copy(m)
    n.bias = None
    assert m.bias is None and n.bias is None
    assert n.weight is m.weight


def test_tied_parameters_stay_tied_in_a_deepcopy():
    m = copy.deepcopy(net(rl))
    assert m.first.fc is m.first.tied and m.first.fc.weight is m.first.tied.weight


def test_state_dict_shares_memory_and_loads():
    ours, theirs = net(rl), net(pt)
    state = ours.state_dict()
    ours.first.shift.data.fill_(5)
    assert state["first.shift"].tolist() == [5.0] * 3 and not state["first.shift"].requires_grad
    assert ours.state_dict(keep_vars=True)["first.shift"] is ours.first.shift
    result = ours.load_state_dict({k: rl.tensor(v.tolist()) for k, v in theirs.state_dict().items()})
    assert repr(result) == "<All keys matched successfully>" and result.missing_keys == []
    for key, value in theirs.state_dict().items():
        same(ours.state_dict()[key], value)


def test_load_state_dict_reports_what_does_not_fit():
    def report(torch):
        m = net(torch)
        state = m.state_dict()
        del state["first.fc.bias"]
        state["first.more.x"] = state["other"] = torch.ones(1)
        return repr(m.load_state_dict(state, strict=False)), m

    (text, m), (expected, _) = both(report)
    assert text == expected
    state = m.state_dict()
    state["last.0.weight"] = rl.ones(3, 3)
    state["wrong"] = 3
    state["act.x"] = rl.ones(1)
    del state["last.0.bias"]
    with pytest.raises(RuntimeError) as error:
        m.load_state_dict(state)
    for part in ("Sequential", '"last.0.bias"', '"wrong"', '"act.x"', "[>3<, 3]", "[>2<, 3]"):
        assert part in str(error.value)
    with pytest.raises(RuntimeError, match=r"\[>3<, 3\]"):
        m.load_state_dict(state, strict=False)


def test_load_state_dict_assign():
    m = rl.nn.Linear(2, 2)
    m.weight.requires_grad_(False)
    old, new = m.weight, rl.ones(2, 2)
    m.load_state_dict({"weight": new, "bias": rl.zeros(2)}, assign=True)
    assert m.weight is not old and isinstance(m.weight, rl.nn.Parameter) and not m.weight.requires_grad
    new.fill_(3)
    assert m.weight.tolist() == [[3.0, 3.0], [3.0, 3.0]]
    state = m.state_dict()
    m.load_state_dict(state, assign=True)
    weight = m.weight
    m.load_state_dict(state)  # does not remember the assignment
    assert m.weight is weight


def test_extra_state():
    class Counter(rl.nn.Module):
        count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    m = rl.nn.Sequential(Counter())
    m[0].count = 7
    n = rl.nn.Sequential(Counter())
    assert list(m.state_dict()) == ["0._extra_state"]
    n.load_state_dict(m.state_dict())
    assert n[0].count == 7
    with pytest.raises(RuntimeError, match="_extra_state"):
        n.load_state_dict({})


def test_order_of_all_hooks():
    def trace(torch):
        m = torch.nn.Sequential(torch.nn.Linear(2, 2))
        lin, log = m[0], []

        def note(name, result=None):
            return lambda *args: log.append((name, len(args))) or result

        handles = [
            m.register_forward_pre_hook(note("pre")),
            lin.register_forward_pre_hook(note("inner pre")),
            lin.register_forward_pre_hook(
                note("first inner pre", ((torch.ones(1, 2),), {})), prepend=True, with_kwargs=True
            ),
            lin.register_forward_hook(note("post")),
            lin.register_forward_hook(note("post kw"), with_kwargs=True, prepend=True),
            m.register_state_dict_pre_hook(note("save pre")),
            m.register_state_dict_post_hook(note("save post")),
            m.register_load_state_dict_pre_hook(note("load pre")),
            lin.register_load_state_dict_post_hook(note("load post")),
            torch.nn.modules.module.register_module_forward_pre_hook(note("global pre")),
            torch.nn.modules.module.register_module_forward_hook(note("global post"), always_call=True),
        ]
        m(torch.ones(1, 2))
        m.load_state_dict(m.state_dict())
        for handle in handles:
            handle.remove()
        m(torch.ones(1, 2))
        return log

    assert len(agree(trace)) > 10


def test_forward_hooks_replace_arguments_and_results():
    def run(torch):
        m = torch.nn.Identity()
        out = []
        with m.register_forward_pre_hook(lambda mod, args: args[0] + 1):
            out.append(m(torch.ones(1)).item())
        with m.register_forward_hook(lambda mod, args, result: result * 5):
            out.append(m(torch.ones(1)).item())
        m.register_forward_pre_hook(lambda mod, args, kwargs: 3, with_kwargs=True)
        try:
            m(torch.ones(1))
        except RuntimeError:
            out.append("refused")
        return out

    assert agree(run) == [2.0, 5.0, "refused"]


def test_always_called_hook_runs_after_an_error():
    def run(torch):
        class Broken(torch.nn.Module):
            def forward(self, x):
                raise KeyError("x")

        m, log = Broken(), []
        m.register_forward_hook(lambda *a: log.append(a[2]), always_call=True)
        m.register_forward_hook(lambda *a: log.append("never"))
        try:
            m(1)
        except KeyError:
            log.append("raised")
        return log

    assert agree(run) == [None, "raised"]


@needs("autograd.Function")
def test_full_backward_hooks():
    def run(torch):
        m = torch.nn.Linear(2, 2)
        torch.nn.init.ones_(m.weight)
        log = []
        m.register_full_backward_pre_hook(lambda mod, grads: log.append(grads[0].tolist()) or (grads[0] * 2,))
        m.register_full_backward_hook(lambda mod, i, o: log.append((i[0].tolist(), o[0].tolist())) or (i[0] * 3,))
        x = torch.ones(1, 2, requires_grad=True)
        m(x).sum().backward()
        return log, x.grad.tolist(), m.weight.grad.tolist()

    agree(run)


def test_backward_hook_styles_do_not_mix():
    def run(torch):
        m = torch.nn.Linear(1, 1)
        m.register_full_backward_hook(lambda *a: None)
        m.register_backward_hook(lambda *a: None)

    assert agree(run) is RuntimeError


def test_registration_hooks():
    def run(torch):
        from importlib import import_module

        module = import_module(torch.nn.Module.__module__)
        log = []
        handles = [
            module.register_module_parameter_registration_hook(lambda m, n, p: log.append(("p", n))),
            module.register_module_buffer_registration_hook(lambda m, n, p: log.append(("b", n))),
            module.register_module_module_registration_hook(lambda m, n, p: log.append(("m", n))),
        ]
        torch.nn.Sequential(torch.nn.BatchNorm1d(2))
        for handle in handles:
            handle.remove()
        torch.nn.Linear(1, 1)
        return log

    agree(run)


def test_conversion_keeps_parameters():
    m = rl.nn.BatchNorm1d(2)
    weight = m.weight
    m(rl.ones(3, 2)).sum().backward()
    m.double()
    assert m.weight is weight and weight.dtype == rl.float64 and weight.grad.dtype == rl.float64
    assert m.running_mean.dtype == rl.float64 and m.num_batches_tracked.dtype == rl.int64
    m.to(rl.float32)
    assert weight.dtype == rl.float32
    m.to(rl.ones(1, dtype=rl.float64))
    assert weight.dtype == rl.float64
    m.to("cpu", dtype=rl.float32)
    assert weight.dtype == rl.float32 and m.running_var.dtype == rl.float32
    m.apply(lambda module: module.register_buffer("seen", rl.ones(1)))
    assert m.seen.item() == 1
    for bad in ((3.5,), ("cpu", 3), (rl.int64,)):
        with pytest.raises(TypeError):
            m.to(*bad)


def test_meta_and_to_empty():
    def run(torch):
        m = torch.nn.Linear(2, 2, device="meta")
        weight = m.weight
        try:
            m.to("cpu")
        except NotImplementedError:
            m.to_empty(device="cpu")
        return weight.is_meta, m.weight is weight, m.weight.is_meta, m.weight.requires_grad

    agree(run)


def test_training_and_gradients():
    def run(torch):
        m = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout())
        seen = [m.eval().training, m[1].training, m.train()[1].training]
        m[0](torch.ones(1, 2)).sum().backward()
        m.zero_grad(set_to_none=False)
        seen.append(m[0].weight.grad.tolist())
        m.zero_grad()
        seen.append(m[0].weight.grad)
        seen.append([p.requires_grad for p in m.requires_grad_(False).parameters()])
        return seen

    agree(run)


def test_dir_and_super_getattr():
    class Wrapped(rl.nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = rl.nn.Linear(2, 2)

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    m = Wrapped()
    assert m.in_features == 2
    assert {"inner", "training", "forward"} <= set(dir(m))
    assert "0" not in dir(rl.nn.Sequential(rl.nn.ReLU()))


def test_state_without_own_setstate_keeps_working():
    class Own(rl.nn.Linear):
        def __getstate__(self):
            return self.__dict__.copy()

        def __setstate__(self, state):
            self.__dict__.update(state)

    m = copy.deepcopy(Own(2, 2))
    m.double()
    assert m.weight.dtype == rl.float64
    m.weight = rl.nn.Parameter(rl.ones(1, 1))
    assert m.weight.shape == (1, 1) and [p.shape[0] for p in m.parameters()] == [1, 2]
    m._apply(lambda t: t.float())
    assert m.weight.dtype == rl.float32


def test_call_super_init():
    def run(torch):
        class Other:
            def __init__(self, value):
                self.value = value

        class Both(torch.nn.Module, Other):
            call_super_init = True

        return Both(3).value

    assert agree(run) == 3


def test_deprecated_positional_state_dict():
    m = rl.nn.Linear(1, 1)
    with pytest.warns(FutureWarning):
        state = m.state_dict(None, "p.")
    assert list(state) == ["p.weight", "p.bias"]


def test_handles_can_be_pickled_and_used_as_contexts():
    m = rl.nn.ReLU()
    with m.register_forward_hook(print) as handle:
        assert len(m._forward_hooks) == 1
    assert not m._forward_hooks
    assert pickle.loads(pickle.dumps(handle)).id == handle.id


def test_warns_when_loading_into_meta():
    m = rl.nn.Linear(1, 1, device="meta")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        m.load_state_dict({"weight": rl.ones(1, 1), "bias": rl.ones(1)})
    assert len(caught) == 2 and "assign=True" in str(caught[0].message)
