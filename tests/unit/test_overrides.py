"""overrides: modes, contexts, subclasses. Each program is run with PyTorch too."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import pytest

import rushlight as rl
from rushlight._ops import OpOverload
from rushlight.utils._python_dispatch import BaseTorchDispatchMode, TorchDispatchMode
from tests.unit.twin import agree

START = """
import copy
from contextlib import ExitStack
O = torch.overrides
class S(torch.Tensor): pass
class L(torch.Tensor):
    log = []
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.log.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs or {})
class M(O.TorchFunctionMode):
    def __init__(self): self.log = []
    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.log.append(func.__name__)
        return func(*args, **(kwargs or {}))
class D:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None): return 'D', func.__name__
class N:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None): return NotImplemented
z = torch.ones(2, 3)
s, l, d, n, m = z.as_subclass(S), z.as_subclass(L), D(), N(), M()
"""


def each(*expressions: str) -> str:
    return "\n".join(f"tried(lambda: {expression})" for expression in expressions)


PROGRAMS = [
    each(
        "O.has_torch_function((z, l))",
        "O.has_torch_function((z,))",
        "O.has_torch_function([d])",
        "O.has_torch_function_unary(l)",
        "O.has_torch_function_unary(z)",
        "O.has_torch_function_variadic(z, d)",
        "O.has_torch_function((torch.nn.Parameter(z),))",
        "O.is_tensor_like(z)",
        "O.is_tensor_like(d)",
        "O.is_tensor_like(3)",
        "O.is_tensor_method_or_property(torch.Tensor.add)",
        "O.is_tensor_method_or_property(torch.add)",
        "O.is_tensor_method_or_property(torch.Tensor.shape.__get__)",
        "O.handle_torch_function(torch.add, (d,), d, 1)",
        "O.handle_torch_function(torch.add, (n,), n, 1)",
        "O.handle_torch_function(torch.add, (n, d), n, d)",
        "O.resolve_name(torch.Tensor.add)",
        "O.resolve_name(torch.add)",
        "O.resolve_name(torch.nn.functional.relu)",
        "O.resolve_name(torch.Tensor.shape.__get__)",
        "O.resolve_name(len)",
        "torch.add in O.get_testing_overrides()",
        "torch.Tensor.add in O.get_testing_overrides()",
        "O.get_testing_overrides()[torch.exp](1)",
        "torch.nn.functional.relu in O.get_testing_overrides()",
        "torch.zeros in O.get_ignored_functions()",
        "torch.add in O.get_ignored_functions()",
        "torch.tensor in O.get_ignored_functions()",
        "torch.manual_seed in O.get_ignored_functions()",
        "torch.exp in O.get_overridable_functions()[torch]",
        "torch.Tensor.exp in O.get_overridable_functions()[torch.Tensor]",
        "torch.nn.functional.relu in O.get_overridable_functions()[torch.nn.functional]",
        "torch.Tensor.grad.__get__ in O.get_default_nowrap_functions()",
        "torch.Tensor.shape.__get__ in O.get_default_nowrap_functions()",
    ),
    "with m:\n  y = torch.ones(2); y = y + 1; y.add_(1); torch.tensor([1]); torch.nn.functional.relu(y); "
    "y[0]; y[0] = 1; torch.cat([y, y]); y.sum(); -y; float(y[0]); bool(y[0]); len(y); y.exp(); "
    "torch.exp(y); y @ y; torch.rand(2); repr(y)\nshow(m.log)",
    "with m:\n  with M() as k: z + 1\nshow(m.log, k.log); z + 1; show(m.log)",
    "with m: l.exp()\nshow(m.log, L.log)",
    "class R(O.TorchFunctionMode):\n  def __torch_function__(self, func, types, args=(), "
    "kwargs=None): return 'mine'\nwith R(): show(torch.add(z, 1), z + 1, z.exp(), torch.ones(2), "
    "torch.tensor(1))\nshow(z + 1)",
    "class E(O.TorchFunctionMode):\n  def __torch_function__(self, func, types, args=(), "
    "kwargs=None): raise KeyError\nwith E(): tried(lambda: z + 1); tried(lambda: torch.ones(1))\n"
    "show(z + 1)",
    "class X(O.TorchFunctionMode): pass\nwith X(): tried(lambda: z + 1)",
    "with torch._C.DisableTorchFunctionSubclass(): show(type(s + 1).__name__, type(l.exp()).__name__)\n"
    "show(L.log, type(s + 1).__name__)",
    "with m:\n  with torch._C.DisableTorchFunctionSubclass(): l + 1\nshow(m.log)",
    "with m:\n  with torch._C.DisableTorchFunction(): l + 1\nshow(m.log, L.log)",
    "with O.BaseTorchFunctionMode(): show(z + 1)",
    # subclasses
    each(
        "type(s.double()).__name__",
        "type(s.to('cpu')).__name__",
        "type(s.new_zeros(2)).__name__",
        "type(s.new_tensor([1])).__name__",
        "type(s.T).__name__",
        "type(s.data).__name__",
        "type(s.shape).__name__",
        "s.shape",
        "s.dtype",
        "s.size()",
        "type(s.max(0)).__name__",
        "type(s.max(0)[0]).__name__",
        "type(s.unbind()).__name__",
        "type(s.split(1)[0]).__name__",
        "type(s.tolist()).__name__",
        "type(s.clone()).__name__",
        "type(s.contiguous()).__name__",
        "type(s.cpu()).__name__",
        "type(s.view(3, 2)).__name__",
        "type(s.requires_grad_()).__name__",
        "type(s.grad).__name__",
        "s.is_leaf",
        "type(torch.nn.functional.relu(s)).__name__",
        "type(torch.nn.Linear(3, 1)(s)).__name__",
        "type(copy.deepcopy(l)).__name__ if 0 else 1",
        "type(pickle.loads(pickle.dumps(z.as_subclass(torch.nn.Parameter)))).__name__",
        "hash(s) == hash(s)",
        "s in [s]",
        "len(s)",
        "bool(s[0, 0])",
        "float(s[0, 0])",
        "int(s[0, 0])",
        "f'{s[0, 0]}'",
        "repr(s)",
        "str(s + 1)",
        "[type(r).__name__ for r in s]",
        "s.tolist()",
        "type(s.sum().item()).__name__",
        "type(torch.stack([s])).__name__",
    ),
    "s.requires_grad_(); y = (s * 2).sum(); y.backward(); show(type(s.grad).__name__, s.grad.tolist()); "
    "s.grad = None; show(s.grad); s.grad = z * 3; show(type(s.grad).__name__); del s.grad; show(s.grad); "
    "s.foo = 1; show(s.foo); s.data = torch.zeros(4); show(s.shape); s.requires_grad = False; "
    "show(s.requires_grad)",
    "class G(torch.Tensor):\n  def __getattr__(self, name):\n    if name == 'magic': return 42\n"
    "    raise AttributeError(name)\ng = z.as_subclass(G); show(g.magic, g.shape, g.sum()); "
    "tried(lambda: g.nothing)",
    "class P(torch.Tensor):\n  @property\n  def shape(self): return 'mine'\n"
    "  def size(self): return 'size'\np = z.as_subclass(P); show(p.shape, p.size(), p.dim())",
    "x = torch.ones(2); x.__class__ = S; show(type(x).__name__, type(x + 1).__name__); "
    "x.__class__ = torch.Tensor; show(type(x + 1).__name__); x.__class__ = torch.nn.Parameter; "
    "show(isinstance(x, torch.nn.Parameter)); tried(lambda: setattr(x, '__class__', int))",
    "p = torch.nn.Parameter(z); show(isinstance(p, torch.nn.Parameter), isinstance(z, "
    "torch.nn.Parameter), p.requires_grad, repr(p)); b = torch.nn.Buffer(z); show(isinstance(b, "
    "torch.nn.Buffer), type(b).__name__, b.requires_grad, b.persistent); b = torch.nn.Buffer(z, "
    "persistent=False); show(b.persistent)",
    "U = torch.nn.parameter.UninitializedParameter; u = U(); is_lazy = torch.nn.parameter.is_lazy; "
    "show(isinstance(u, torch.nn.Parameter), is_lazy(u), is_lazy(z)); tried(lambda: u.shape); "
    "u.materialize((2, 3)); show(type(u).__name__, u.shape, u.requires_grad)",
    each(
        "torch.Tensor._make_subclass(S, z)",
        "torch.Tensor._make_subclass(S, z, True)",
        "torch.Tensor._make_subclass(int, z)",
        "torch.Tensor._make_subclass(S, 3)",
        "z.as_subclass(S).data_ptr() == z.data_ptr()",
        "z.as_subclass(int)",
        "z.as_subclass(3)",
    ),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str) -> None:
    agree(f"{START}show(0)\n{program}", names=False)


class Seen(TorchDispatchMode):
    """Notes the operations that run inside."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[type, ...], dict[str, Any]]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert isinstance(func, OpOverload)
        assert getattr(rl.ops.aten, func.overloadpacket.__name__) is func.overloadpacket
        self.calls.append((str(func), types, kwargs or {}))
        return func(*args, **(kwargs or {}))


def test_dispatch_modes_see_operations() -> None:
    """The names are PyTorch's where the table gives them."""
    x, y = rl.ones(2, 3), rl.ones(2, 2)
    with Seen() as mode:
        _ = x + 1, x * x, x == 1, x == x, x.exp(), x.add_(1), y.mm(y), x.relu(), x.view(6), x.clone()
        _ = x.sum(), x.mean(1)
        rl.zeros(2), x.t(), rl.cat([x, x]), x.max(1), x.to(rl.float64)
    names = [name for name, *_ in mode.calls]
    assert names == [
        "aten.add.Tensor", "aten.mul.Tensor", "aten.eq.Scalar", "aten.eq.Tensor", "aten.exp.default",
        "aten.add_.Tensor", "aten.mm.default", "aten.relu.default", "aten.view.default", "aten.clone.default",
        "aten.sum.default", "aten.mean.dim", "aten.zeros.default", "aten.t.default", "aten.cat.default",
        "aten.max.dim", "aten._to_copy.default",
    ]  # fmt: skip
    _ = x + 1
    assert len(mode.calls) == len(names)


def test_dispatch_modes_see_the_backward_pass_and_nest() -> None:
    x = rl.ones(2, requires_grad=True)
    with Seen() as outer, BaseTorchDispatchMode(), Seen() as inner:
        x.exp().sum().backward()
    assert [call[0] for call in inner.calls] == [call[0] for call in outer.calls]
    assert "aten.mul.Tensor" in [call[0] for call in inner.calls]
    assert x.grad is not None


def test_a_dispatch_mode_replaces_results() -> None:
    class Zero(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is rl.ops.aten.exp.default:
                return rl.zeros_like(args[0])
            return func(*args, **(kwargs or {}))

    with Zero():
        assert rl.ones(2).exp().tolist() == [0.0, 0.0]
    with TorchDispatchMode(), pytest.raises(NotImplementedError):
        rl.ones(2)
    assert rl.ones(2).exp()[0].item() > 2


def test_operations_by_name() -> None:
    aten = rl.ops.aten
    assert aten.add.Tensor is aten.add.Tensor and aten.add.Tensor.overloadpacket is aten.add
    assert (str(aten.add.Tensor), aten.add.Tensor.name(), aten.exp.default.name()) == (
        "aten.add.Tensor", "aten::add.Tensor", "aten::exp",
    )  # fmt: skip
    assert aten.exp.default._schema.name == "aten::exp" and aten.add.Tensor.__name__ == "add.Tensor"
    assert aten.add(rl.ones(1), 1).tolist() == aten.add.Tensor(rl.ones(1), 1).tolist() == [2.0]
    for missing in (lambda: aten.nothing, lambda: aten.add.nothing, lambda: rl.ops.nothing):
        with pytest.raises(AttributeError):
            missing()


def test_functions_keep_their_faces() -> None:
    """A wrapped function is found, shown, pickled and inspected as the function itself."""
    function = rl.nn.functional.cross_entropy
    assert pickle.loads(pickle.dumps(function)) is function
    assert (function.__name__, function.__module__) == ("cross_entropy", "rushlight.nn.functional")
    assert "label_smoothing" in inspect.signature(function).parameters and function.__doc__
    assert callable(function) and inspect.unwrap(function) is function.__wrapped__


def test_a_missing_attribute_of_a_subclass() -> None:
    """Asked for the first time, when the class's look-ups are not cached yet."""
    for _ in range(5):
        kind = type("Kind", (rl.Tensor,), {})
        x = rl.ones(2).as_subclass(kind)
        assert getattr(x, "nothing", None) is None and not hasattr(x, "_is_param")
        with pytest.raises(AttributeError):
            _ = x.nothing
