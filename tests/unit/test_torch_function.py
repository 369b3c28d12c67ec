"""What classes with a __torch_function__ are asked for. Each program is run with PyTorch too."""

from __future__ import annotations

import operator as python_operator
from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit.twin import agree

START = """
import copy, operator
class L(torch.Tensor):
    log = []
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.log.append(getattr(func, '__name__', str(func)))
        return super().__torch_function__(func, types, args, kwargs or {})
l = torch.arange(6.).reshape(2, 3).as_subclass(L)
z = torch.ones(2, 3)
L.log.clear()
def logged(f):
    L.log.clear()
    try: r = f()
    except Exception as e: r = type(e).__name__
    return list(L.log), type(r).__name__
class D:
    '''duck'''
    def __init__(self, v): self.v = v
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        f = lambda a: a.v if isinstance(a, D) else a
        return 'D', getattr(func, '__name__', str(func)), len(args), sorted(kwargs)
d = D(z)
"""


def each(*expressions: str) -> str:
    return "\n".join(f"tried(lambda: {expression})" for expression in expressions)


def lg(*expressions: str) -> str:
    return "\n".join(f"show(logged(lambda: {expression}))" for expression in expressions)


PROGRAMS = [
    lg(
        "l + 1",
        "1 + l",
        "l - 1",
        "l * 2",
        "2 * l",
        "l / 2",
        "l % 2",
        "l ** 2",
        "l @ l.t()",
        "-l",
        "abs(l)",
        "~l.bool()",
        "l != 1",
        "l < 1",
        "l <= 1",
        "l > 1",
        "l >= 1",
        "divmod(l, 2)",
        "bool(l[0, 0])",
        "float(l[0, 0])",
        "int(l[0, 0])",
        "complex(l[0,0])",
        "len(l)",
        "iter(l)",
        "list(l)",
        "l[0]",
        "l[0, 1]",
        "l[l > 1]",
        "l[...]",
        "1 in l",
        "reversed(l)",
        "round(l)",
        "hash(l)",
        "repr(l)",
        "str(l)",
        "f'{l}'",
        "f'{l[0,0]:.2f}'",
        "dir(l)",
        "copy.copy(l)",
        "pickle.dumps(l)",
        "operator.index(l[0,0].long())",
    ),
    lg(
        "l.shape",
        "l.dtype",
        "l.device",
        "l.grad",
        "l.grad_fn",
        "l.requires_grad",
        "l.is_leaf",
        "l.data",
        "l.T",
        "l.mT",
        "l.H",
        "l.ndim",
        "l.layout",
        "l.is_cuda",
        "l.is_sparse",
        "l.is_meta",
        "l.itemsize",
        "l.nbytes",
        "l._version",
        "l._base",
        "l.output_nr",
        "l.retains_grad",
        "l.names",
        "l.is_cpu",
        "l.is_quantized",
        "l.volatile",
        "l.name",
        "l._grad",
        "l._backward_hooks",
    ),
    lg(
        "setattr(l, 'requires_grad', True)",
        "setattr(l, 'grad', None)",
        "setattr(l, 'data', z)",
        "setattr(l, 'foo', 1)",
        "l.foo",
        "delattr(l, 'grad')",
        "setattr(l, 'requires_grad', False)",
    ),
    lg(
        "l.size()",
        "l.size(0)",
        "l.dim()",
        "l.stride()",
        "l.numel()",
        "l.is_contiguous()",
        "l.storage_offset()",
        "l.data_ptr()",
        "l.element_size()",
        "l.is_floating_point()",
        "l.is_complex()",
        "l.item()",
        "l[0,0].item()",
        "l.tolist()",
        "l.numpy()",
        "l.detach()",
        "l.clone()",
        "l.contiguous()",
        "l.to(torch.float64)",
        "l.to('cpu')",
        "l.double()",
        "l.float()",
        "l.cpu()",
        "l.cuda()",
        "l.type()",
        "l.type(torch.int64)",
        "l.type_as(z)",
        "l.backward()",
        "l.requires_grad_()",
        "l.detach_()",
        "l.retain_grad()",
        "l.register_hook(print)",
        "l.new_zeros(2)",
        "l.new_tensor([1])",
        "l.new_empty(1)",
        "l.new_ones(2)",
        "l.new_full((2,), 1)",
        "l.storage()",
        "l.untyped_storage()",
        "l.is_shared()",
        "l.share_memory_()",
        "l.is_pinned()",
        "l.is_set_to(z)",
        "l.resize_(2, 3)",
        "l.copy_(z)",
        "l.fill_(1)",
        "l.zero_()",
        "l.t_()",
        "l.get_device()",
        "l.is_inference()",
        "l.is_signed()",
        "l.is_same_size(z)",
        "l.dim_order()",
        "l.nonzero()",
        "l.where(l > 0, l)",
        "l.unbind()",
        "l.split(1)",
        "l.chunk(2)",
        "l.max(0)",
        "l.sort()",
        "l.topk(1)",
        "l.unique()",
        "l.norm()",
        "l.einsum",
        "l.view(3, 2)",
        "l.view(torch.int32)",
        "l.reshape(-1)",
        "l.expand(2, 2, 3)",
        "l.permute(1, 0)",
        "l.flatten()",
        "l.squeeze()",
        "l.as_strided((2,), (1,))",
        "l.add_(1)",
        "l.add(1, alpha=2)",
        "l.masked_fill(l > 0, 0)",
        "l.index_select(0, torch.tensor([0]))",
        "l.as_subclass(torch.Tensor)",
        "l.sum()",
        "l.sum(0, keepdim=True)",
        "l.mean()",
        "l.var()",
        "l.std()",
        "l.any()",
        "l.all()",
        "l.argmax()",
        "l.cumsum(0)",
        "l.softmax(0)",
        "l.exp()",
        "l.exp_()",
        "l.bernoulli()",
        "l.normal_()",
        "l.uniform_()",
        "l.random_()",
        "l.is_nonzero()",
        "l.__len__()",
        "l.__getitem__(0)",
        "l.__setitem__(0, 1)",
        "l.dist(z)",
        "l.allclose(z)",
        "l.equal(z)",
        "l.isclose(z)",
        "l.data.shape",
        "l.tensor_split(2)",
        "l.median()",
        "l.repeat(2, 1)",
        "l.tile(2)",
        "l.matmul(z.t())",
        "l.mm(z.t())",
        "l.lerp(z, .5)",
        "l.clamp(0, 1)",
        "l.type(torch.FloatTensor)",
        "l.__reduce_ex__(2)",
        "l.half()",
        "l.bool()",
    ),
    lg(
        "torch.add(l, 1)",
        "torch.add(1, l)",
        "torch.exp(l)",
        "torch.sum(l)",
        "torch.cat([l, z])",
        "torch.cat([z, l])",
        "torch.stack([z, l])",
        "torch.where(l > 0, l, z)",
        "torch.zeros_like(l)",
        "torch.ones_like(l)",
        "torch.rand_like(l)",
        "torch.empty_like(l)",
        "torch.full_like(l, 1)",
        "torch.matmul(l, z.t())",
        "torch.max(l)",
        "torch.max(l, 0)",
        "torch.sort(l)",
        "torch.split(l, 1)",
        "torch.chunk(l, 2)",
        "torch.unbind(l)",
        "torch.is_tensor(l)",
        "torch.is_floating_point(l)",
        "torch.is_complex(l)",
        "torch.numel(l)",
        "torch.allclose(l, z)",
        "torch.equal(l, z)",
        "torch.as_tensor(l)",
        "torch.tensor(l)",
        "torch.clone(l)",
        "torch.detach(l)",
        "torch.broadcast_tensors(l, z)",
        "torch.meshgrid(l[0], z[0])",
        "torch.nn.functional.relu(l)",
        "torch.nn.functional.softmax(l, 0)",
        "torch.nn.functional.linear(l, z)",
        "torch.nn.functional.mse_loss(l, z)",
        "torch.nn.functional.dropout(l)",
        "torch.nn.functional.cross_entropy(l, torch.tensor([0, 1]))",
        "torch.nn.functional.layer_norm(l, (3,))",
        "torch.nn.functional.normalize(l)",
        "torch.nn.functional.pad(l, (1, 1))",
        "torch.nn.functional.one_hot(l.long())",
        "torch.nn.functional.embedding(l.long(), z)",
        "torch.numel(l)",
        "torch.norm(l)",
        "torch.unique(l)",
        "torch.tensordot(l, z)",
        "torch.std_mean(l)",
        "torch.isnan(l)",
        "torch.save if 0 else torch.flatten(l)",
        "torch.clamp(l, 0)",
        "torch.nn.functional.gelu(l)",
        "torch.atleast_2d(l)",
        "torch.block_diag(l)",
        "torch.cartesian_prod(l[0])",
        "torch.nonzero(l)",
        "torch.argwhere(l)",
        "torch.is_nonzero(l[0,0])",
        "torch.empty(2).add(l[0,0])",
        "torch.nn.Linear(3, 1)(l)",
        "torch.nn.ReLU()(l)",
        "torch.nn.Parameter(l)",
        "torch.typename(l)",
        "torch.quantile(l, .5)",
        "torch.kron(l, z)",
        "torch.logsumexp(l, 0)",
    ),
    each(
        "torch.add(d, 1)",
        "torch.add(z, d)",
        "torch.exp(d)",
        "torch.cat([d, z])",
        "torch.cat((z, d))",
        "z + d",
        "d + z",
        "z.add(d)",
        "torch.matmul(d, d)",
        "torch.sum(d, dim=0)",
        "torch.sum(d, 0, keepdim=True)",
        "torch.where(z > 0, d, z)",
        "torch.nn.functional.linear(z, d)",
        "torch.stack([d])",
        "torch.zeros_like(d)",
        "torch.is_tensor(d)",
        "torch.is_floating_point(d)",
        "torch.max(d)",
        "torch.broadcast_tensors(z, d)",
        "torch.allclose(z, d)",
        "torch.numel(d)",
        "torch.tensor(d)",
        "torch.as_tensor(d)",
        "z @ d",
        "z == d",
        "z.where(z > 0, d)",
        "torch.nn.functional.conv2d(d, z)",
        "torch.nn.init.zeros_(d)",
        "torch.clone(d)",
        "torch.t(d)",
        "torch.permute(d, (0,))",
    ),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program: str) -> None:
    agree(f"{START}show(0)\n{program}", names=False)


OPERATORS = [
    "x+1", "1+x", "x-1", "1-x", "x*2", "2*x", "x/2", "x//2", "2//x", "x%2", "2%x", "x**2", "2**x", "-x",
    "abs(x)", "~i", "i&1", "1&i", "i|1", "1|i", "i^1", "1^i", "i<<1", "1<<i", "i>>1", "1>>i", "s@s", "y@s",
    "x<1", "x<=1", "x>1", "x>=1", "x!=1", "1<x", "x+y", "y+x", "y-x", "y*x", "y/x", "y//x", "y%x", "y**x",
    "y<x", "x-y", "x[0]", "len(x)", "2/x", "+x", "i.__iand__(1)", "o.iand(i,3)", "o.ior(i,3)",
    "o.ixor(i,3)", "o.ilshift(i,1)", "o.irshift(i,1)", "o.iadd(x,1)", "o.itruediv(x,2)", "o.ifloordiv(x,2)",
]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
def test_operators_reach_it_as_the_methods_they_are(operator: str) -> None:
    """A subclass is told the same method, with the same kinds of arguments, as PyTorch tells it."""

    def heard(m: Any) -> list[Any]:
        calls: list[Any] = []

        class Listening(m.Tensor):  # type: ignore[name-defined,misc]
            @classmethod
            def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                calls.append((func.__name__, [type(a).__name__ for a in args], kwargs or {}))
                return super().__torch_function__(func, types, args, kwargs or {})

        scope = {
            "x": m.tensor([1.0, 2.0]).as_subclass(Listening),
            "i": m.tensor([1, 2]).as_subclass(Listening),
            "s": m.ones(2, 2).as_subclass(Listening),
            "y": m.ones(2, 2) if "@" in operator else m.tensor([3.0, 4.0]),
            "o": python_operator,
        }
        eval(operator, scope)
        return calls

    assert heard(rl) == heard(pt)
