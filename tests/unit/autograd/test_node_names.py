"""Every kind of call names its backward node as PyTorch does, and puts its result at the same output."""

from __future__ import annotations

import pytest

import rushlight as rl
from tests.unit.twin import agree

START = """
x = torch.tensor([[1., 2., 3.], [4., 5., 6.]], requires_grad=True)
z, w, i = x * 1, torch.ones(2, 3), torch.tensor([[0, 1, 0]])
"""

CALLS = [
    "x.sum()", "x.sum(0)", "x.mean()", "x.mean(0)", "x.prod()", "x.prod(0)", "x.max()", "x.max(0)[0]", "x.min()",
    "x.amax()", "x.std()", "x.std(0)", "x.var()", "x.norm()", "x.norm(dim=0)", "x.norm(p=1)", "x.logsumexp(0)",
    "x.cumsum(0)", "x.cumprod(0)", "x.median()", "x.median(0)[0]", "x.mode(0)[0]", "x.sort()[0]", "x.topk(1)[0]",
    "x.kthvalue(1)[0]", "x.diag()", "x[0].diag()", "x.diagonal()", "x.tril()", "x.triu()", "x.unbind(0)[0]",
    "x.split(1)[0]", "x.split([1,1])[1]", "x.chunk(2)[0]", "torch.stack([x,x])", "torch.cat([x,x])",
    "torch.hstack([x,x])", "torch.vstack([x,x])", "torch.dstack([x,x])", "torch.column_stack([x,x])", "x.t()", "x.T",
    "x.mT", "x.permute(1,0)", "x.transpose(0,1)", "x.view(6)", "x.reshape(6)", "x.reshape(3,2)", "x.flatten()",
    "x.squeeze()", "x.squeeze(0)", "x.unsqueeze(0)", "x.expand(2,2,3)", "x.expand_as(torch.ones(2,2,3))",
    "x.narrow(0,0,1)", "x[0]", "x[:,0]", "x[:1]", "x[::2]", "x[None]", "x[...,0]", "x[0,0]", "x[[0]]", "x[x>2]",
    "x[i[0]]", "x.select(0,0)", "x.movedim(0,1)", "x.swapaxes(0,1)", "x.unfold(0,1,1)", "x.as_strided((2,),(1,))",
    "x.ravel()", "x.contiguous()", "x.t().contiguous()", "x.clone()", "x.detach().requires_grad_()", "x.view_as(x)",
    "x.unflatten(1,(3,1))", "x.flip(0)", "x.roll(1)", "x.roll(1,0)", "x.rot90()", "x.repeat(2,1)",
    "x.repeat_interleave(2)", "x.tile(2)", "x.fliplr()", "x.flipud()", "x+1", "x+x", "1+x", "x-1", "1-x", "x*x",
    "x*2", "x/2", "x/x", "2/x", "x**2", "x**x", "2**x", "x.pow(2)", "x.square()", "-x", "abs(x)", "x.abs()", "x//2",
    "x%2", "x.fmod(2)", "x.remainder(2)", "x.exp()", "x.log()", "x.sqrt()", "x.rsqrt()", "x.reciprocal()", "x.sin()",
    "x.sigmoid()", "x.tanh()", "x.relu()", "x.clamp(1,2)", "x.clamp_min(1)", "x.clip(1,2)", "x.clamp(1)",
    "x.clamp(max=1)", "x.clamp(w)", "x.clip(max=w)", "x.clamp(w,w)", "w.clamp(max=x)", "z.clamp_(w)",
    "x.floor()", "x.round()",
    "x.sign()", "x.lerp(w,.5)", "x.lerp(w,w)", "x.addcmul(w,w)", "x.addcdiv(w,w)", "x.maximum(w)", "x.minimum(w)",
    "torch.where(w>0,x,w)", "x.where(w>0,w)", "x.masked_fill(w>0,1)", "x.masked_select(w>0)", "x.float()",
    "x.double()", "x.half()", "x.to(torch.float64)", "x.type(torch.float64)", "x.add(1)", "x.sub(1)",
    "torch.rsub(x,1)", "x.atan2(w)", "x.hypot(w)", "x.logaddexp(w)", "x.erf()", "x.gelu()", "z.mul_(2)", "z.add_(w)",
    "z.exp_()", "z.relu_()", "z.zero_()", "z.fill_(1.)", "z.copy_(w)", "z.t_()", "z.transpose_(0,1)", "z.squeeze_()",
    "z.unsqueeze_(0)", "z.clamp_(1,2)", "z.masked_fill_(w>0,1)", "z.index_fill_(0,i[0],1.)", "z.scatter_(0,i,1.)",
    "z.scatter_add_(0,i,w)", "z.scatter_reduce_(0,i,w,'sum')", "z.index_add_(0,i[0],torch.ones(3,3))",
    "z.index_copy_(0,i[0][:2],w)", "z.index_put_((i[0],),torch.ones(3,3))", "z.masked_scatter_(w>0,w)", "z.sub_(1)",
    "z.div_(2)", "z.pow_(2)", "z.neg_()", "z.tril_()", "z.normal_()", "z.uniform_()", "z.bernoulli_(.5)",
    "z.requires_grad_()", "z.detach_()", "z.gt_(2)", "z.eq_(1)", "z.ge_(w)", "z.logical_not_()", "z.floor_divide_(2)",
    "z.swapaxes_(0,1)", "z.random_()", "z.resize_(3)",
    "z.lerp_(w,.5)", "z.addcmul_(w,w)", "z.sign_()", "z.floor_()", "z.cumsum_(0)", "z.put_(i,torch.ones(1,3))",
    "z.sigmoid_()", "z.erf_()", "z.fill_(torch.tensor(1.))", "z.gt_(w)", "z.eq_(w)", "z.ne_(1)", "z.lt_(1)",
    "z.le_(w)", "z.logical_not_()", "z.logical_and_(w)", "z.bernoulli_(w)", "z.random_(5)", "z.random_(1,5)",
    "torch.floor_divide(w,z)", "3//z", "torch.rsub(z,w)", "z.copysign(1.)", "z.copysign(w)", "z.clamp_min(w)",
    "z.clamp_max(1)", "z.clamp_max(w)", "torch.xlogy(z,2.)", "torch.xlogy(2.,z)", "torch.xlogy(z,w)",
    "z.index_fill(0,i[0],torch.tensor(1.))", "z.masked_fill(w>0,torch.tensor(1.))", "torch.sub(torch.tensor(1.),z)",
    "z.pow_(w)", "z.fmod(w)", "x.split(1)[1]", "x.split((1,2),1)[1]", "x.chunk(2,1)[1]", "x.tensor_split(2)[1]",
    "x.unbind(1)[2]", "x.hsplit(3)[1]", "x.vsplit(2)[1]", "list(x)[1]",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_name(call: str) -> None:
    agree(f"{START}y = {call}\nshow(y.requires_grad, y.grad_fn and y.grad_fn.name(), y.output_nr)")


PIECES = [
    "a, b = x.unbind(0); (a * b).sum().backward()",
    "a, b = x.unbind(0); b.sum().backward()",
    "p = x.split(2, 1); (p[1] * 3).sum().backward()",
    "p = x.split([1, 2], 1); (p[0] * p[1]).sum().backward()",
    "p = x.chunk(2, 1); g = torch.autograd.grad((p[0] ** 3).sum() + p[1].exp().sum(), x, create_graph=True)[0]\n"
    "show(g); (g * g).sum().backward()",
    "p = x.unbind(1); g = torch.autograd.grad((p[0] * p[1]).sum(), x, create_graph=True)[0]; g.sin().sum().backward()",
    "p = x.unbind(0); show([t.output_nr for t in p], p[0].grad_fn is p[1].grad_fn, p[0]._base is x)",
    "p = z.unbind(0); p[0].mul_(2)",
    "p = z.split(1); z.mul_(2); p[0].grad_fn",
    "p = z.chunk(2); z.mul_(2); show(p[0]); p[0] * 1",
    "with torch.no_grad(): p = z.unbind(0)\nshow(p); p[0].mul_(2)",
    "p = torch.ones(2, 3).unbind(0); p[0].mul_(x[0]); show(p)",
    "y = x.unbind(0)[1]; y.backward(torch.ones(3)); y.backward(torch.ones(3))",
    "p = x[:, :0].unbind(1); show(len(p))",
    "p = x.split(5); show(len(p), p[0]); p[0].sum().backward()",
    "z.gt_(2); z.sum().backward()",
    "z.eq_(w); z.sum().backward()",
    "z.le_(x); z.sum().backward()",
    "(x // 2).sum().backward()",
    "z.floor_divide_(2); z.sum().backward()",
    "z.scatter_reduce_(0, i, w * 2, 'prod'); z.sum().backward(); show(z)",
    "v = z[:1]; v.scatter_reduce_(1, i[:, :2], w, 'amax'); z.sum().backward(); show(z)",
    "z.index_reduce_(0, i[0], torch.full((3, 3), 2.), 'mean'); z.sum().backward(); show(z)",
    "x.scatter_reduce_(0, i, w, 'sum')",
]


@pytest.mark.parametrize("program", PIECES)
def test_gradients_of_pieces_and_of_writes_without_one(program: str) -> None:
    agree(f"{START}show(0)\n{program}\nshow(x.grad)", names=False)


def test_many_pieces_and_many_joined_tensors() -> None:
    """More than 2**16 outputs and inputs of one node."""
    x = rl.arange(70_000.0, requires_grad=True)
    pieces = x.unbind(0)
    assert pieces[69_999].output_nr == 69_999
    (rl.stack(pieces) * rl.arange(70_000.0)).sum().backward()
    assert rl.equal(x.grad, rl.arange(70_000.0))
