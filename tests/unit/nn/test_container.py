"""Containers beside PyTorch's: the same program gives the same result or the same kind of error."""

import pytest
import torch as pt

import rushlight as rl


def results(program, torch):
    nn = torch.nn
    layers = [nn.Linear(1, i) for i in range(1, 5)]
    scope = {
        "nn": nn,
        "torch": torch,
        "a": layers[0],
        "b": layers[1],
        "c": layers[2],
        "d": layers[3],
        "sizes": lambda m: [x.out_features for x in m],
        "one": torch.ones(1),
    }
    try:
        return eval(program, scope)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "program",
    [
        "repr(nn.Sequential(a, b))",
        "repr(nn.Sequential())",
        "repr(nn.ModuleList([a, nn.Linear(1, 1), b]))",
        "repr(nn.ModuleList())",
        "repr(nn.ModuleList([nn.Sequential(nn.ReLU()), nn.Sequential(nn.ReLU())]))",
        "repr(nn.ModuleDict({'x': a, 'y': nn.ModuleList([b])}))",
        "repr(nn.ParameterList([one, 3, torch.ones(2, 3)]))",
        "repr(nn.ParameterDict({'a': one, 'b': 3}))",
        "repr(nn.ParameterList())",
        "sizes(nn.Sequential(a, b, c)[1:])",
        "nn.Sequential(a, b)[-1] is b",
        "nn.Sequential(a, b)[2]",
        "nn.Sequential(a, b).__delitem__(0)",
        "len(nn.Sequential(a, b))",
        "sizes(nn.Sequential(a, b).insert(1, c))",
        "sizes(nn.Sequential(a, b).append(c).extend([d]))",
        "nn.Sequential(a).insert(5, b)",
        "nn.Sequential(a).insert(0, 3)",
        "sizes(nn.Sequential(a) + nn.Sequential(b))",
        "nn.Sequential(a) + [b]",
        "sizes(nn.Sequential(a, b) * 2)",
        "sizes(3 * nn.Sequential(a))",
        "nn.Sequential(a) * 0",
        "nn.Sequential(a) * 1.5",
        "nn.Sequential(a, b).pop(0).out_features",
        "(lambda s: (s.pop(0), list(s._modules)))(nn.Sequential(a, b, c))[1]",
        "(lambda s: (s.__delitem__(slice(0, 2)), sizes(s), list(s._modules)))(nn.Sequential(a, b, c))[1:]",
        "(lambda s: (s.__setitem__(0, c), sizes(s)))(nn.Sequential(a, b))[1]",
        "nn.Sequential(a, 3)",
        "sizes(nn.ModuleList([a, b, c])[::2])",
        "sizes(nn.ModuleList([a]) + [b])",
        "nn.ModuleList([a, b])[-1] is b",
        "nn.ModuleList([a])[1]",
        "(lambda l: (l.insert(0, c), sizes(l)))(nn.ModuleList([a, b]))[1]",
        "nn.ModuleList(3)",
        "nn.ModuleList([a]).extend(3)",
        "(lambda l: (l.__delitem__(0), list(l._modules)))(nn.ModuleList([a, b]))[1]",
        "nn.ModuleList([a])(one)",
        "sizes(nn.ModuleList([a]).append(b))",
        "nn.ModuleList([a, b]).pop(-1) is b",
        "list(nn.ModuleDict({'x': a, 'y': b}))",
        "nn.ModuleDict({'x': a})['x'] is a",
        "nn.ModuleDict({'x': a}).pop('x') is a",
        "'x' in nn.ModuleDict({'x': a})",
        "nn.ModuleDict({'x': 3})",
        "list(nn.ModuleDict([('x', a), ('y', b)]).keys())",
        "nn.ModuleDict([('x',)])",
        "nn.ModuleDict(3)",
        "nn.ModuleDict([3])",
        "nn.ModuleDict({'train': a})",
        "[n for n, _ in nn.ParameterList([one, one]).named_parameters()]",
        "nn.ParameterList(one)",
        "len(nn.ParameterList([one]).append(one))",
        "nn.ParameterList([one])[1]",
        "type(nn.ParameterList([one, 3])[1])",
        "len(nn.ParameterList([one] * 3)[1:])",
        "nn.ParameterList([one])()",
        "list(nn.ParameterDict({'a': one, 'b': 3}))",
        "nn.ParameterDict({'a': one}).pop('a').shape[0]",
        "nn.ParameterDict({'a': one}).popitem()[0]",
        "nn.ParameterDict({'a': one})['b']",
        "nn.ParameterDict({'a': one}).get('b', 5)",
        "nn.ParameterDict().setdefault('a', 3)",
        "list(nn.ParameterDict({'a': 1}) | nn.ParameterDict({'b': 2}))",
        "list(nn.ParameterDict([('a', 1)]).items())",
        "list(nn.ParameterDict().fromkeys(['a', 'b'], 1).values())",
        "list(reversed(nn.ParameterDict({'a': 1, 'b': 2})))",
        "nn.ParameterDict({'a': 1}).copy()['a']",
        "nn.ParameterDict({'a': 1})(one)",
        "dict(nn.ParameterDict({'a': one}).state_dict()).keys()",
    ],
)
def test_like_pytorch(program):
    assert results(program, rl) == results(program, pt)


def test_names_of_a_sequential():
    from collections import OrderedDict

    m = rl.nn.Sequential(OrderedDict(x=rl.nn.ReLU(), y=rl.nn.Tanh()))
    assert m.x is m[0] and list(m[1:]._modules) == ["y"] and m(rl.ones(2)).shape == (2,)
