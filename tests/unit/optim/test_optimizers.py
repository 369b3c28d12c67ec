"""Optimizers against PyTorch: trajectories but for the last bits, checkpoints, groups, hooks and errors."""

import copy
import pickle

import pytest
import torch as pt

import rushlight as rl

GRADS = [
    [[0.5, -1.0, 2.0], [0.1, 0.0, -3.0]],
    [[-0.2, 0.7, 1.0], [0.3, -0.4, 0.9]],
    [[1.5, 0.2, -0.1], [2.0, 1.0, 0.6]],
]

OPTIONS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.5, "dampening": 0.3, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}),
    ("Adam", {"weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"maximize": True, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"centered": True, "alpha": 0.9, "maximize": True}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.8, "weight_decay": 0.1, "maximize": True}),
    ("Adamax", {}),
    ("Adamax", {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1, "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.1, "lambd": 0.1, "t0": 4, "weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (0.01, 0.3), "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "beta2_decay": -0.5, "d": 2.0, "weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.2, "initial_accumulator_value": 0.5, "maximize": True}),
]


def make(torch, name, options, dtype="float32"):
    p = torch.nn.Parameter(torch.tensor([[0.3, -0.6, 1.0], [2.0, -1.5, 0.25]], dtype=getattr(torch, dtype)))
    unused = torch.nn.Parameter(torch.ones(2, dtype=getattr(torch, dtype)))
    return p, unused, getattr(torch.optim, name)([p, unused], **options)


def walk(torch, name, options, dtype="float32", steps=12, resume_at=None):
    p, unused, optimizer = make(torch, name, options, dtype)
    seen = []
    for i in range(steps):
        if i == resume_at:
            saved = (
                pickle.loads(pickle.dumps(optimizer.state_dict()))
                if torch is rl
                else copy.deepcopy(optimizer.state_dict())
            )
            optimizer = getattr(torch.optim, name)([p, unused], lr=5.0)
            optimizer.load_state_dict(saved)
        optimizer.zero_grad()
        p.grad = torch.tensor(GRADS[i % 3], dtype=getattr(torch, dtype))
        optimizer.step()
        seen.append(p.tolist())
    return seen, optimizer


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_trajectory(name, options, dtype):
    ours, a = walk(rl, name, options, dtype)
    theirs, b = walk(pt, name, {**options, "foreach": False}, dtype)
    tolerance = 2e-6 if dtype == "float32" else 1e-14
    pt.testing.assert_close(
        pt.tensor(ours, dtype=pt.float64), pt.tensor(theirs, dtype=pt.float64), rtol=tolerance, atol=tolerance
    )
    mine, his = a.state_dict()["state"], b.state_dict()["state"]
    assert mine.keys() == his.keys()
    for key, state in his.items():
        assert list(mine[key]) == list(state)
        for name, value in state.items():
            assert str(mine[key][name].dtype) == str(value.dtype)
            pt.testing.assert_close(
                pt.tensor(mine[key][name].tolist()), pt.tensor(value.tolist()), rtol=1e-5, atol=1e-7
            )


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_resuming_from_a_checkpoint_changes_nothing(name, options):
    assert walk(rl, name, options)[0] == walk(rl, name, options, resume_at=5)[0]


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_repr_defaults_and_param_groups(name):
    _, _, ours = make(rl, name, {})
    _, _, theirs = make(pt, name, {})
    assert repr(ours) == repr(theirs)
    assert ours.defaults == theirs.defaults and list(ours.defaults) == list(theirs.defaults)
    assert ours.state_dict()["param_groups"] == theirs.state_dict()["param_groups"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {"lr": -1}),
        ("SGD", {"momentum": -1}),
        ("SGD", {"weight_decay": -1}),
        ("SGD", {"nesterov": True}),
        ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        ("SGD", {"fused": True, "foreach": True}),
        ("SGD", {"fused": True, "differentiable": True}),
        ("Adam", {"lr": -1}),
        ("Adam", {"eps": -1}),
        ("Adam", {"betas": (1.0, 0.9)}),
        ("Adam", {"betas": (0.9, -0.1)}),
        ("Adam", {"weight_decay": -1}),
        ("Adam", {"fused": True, "foreach": True}),
        ("Adam", {"fused": True, "differentiable": True}),
        ("AdamW", {"lr": -1}),
        ("RMSprop", {"alpha": -1}),
        ("RMSprop", {"momentum": -1}),
        ("RMSprop", {"eps": -1}),
        ("Adagrad", {"lr_decay": -1}),
        ("Adagrad", {"initial_accumulator_value": -1}),
        ("Adagrad", {"eps": -1}),
        ("Adagrad", {"fused": True, "foreach": True}),
    ],
)
def test_wrong_options(name, options):
    with pytest.raises(Exception) as theirs:
        make(pt, name, options)
    with pytest.raises(theirs.type):
        make(rl, name, options)


def test_capturable_needs_a_device():
    for torch in (rl, pt):
        p, _, optimizer = make(torch, "Adam", {"capturable": True})
        p.grad = torch.ones(2, 3)
        with pytest.raises(AssertionError):
            optimizer.step()


@pytest.mark.parametrize(
    "make_params",
    [
        lambda t: t.ones(1),
        lambda t: [],
        lambda t: [3],
        lambda t: [{"params": {t.ones(1)}}],
        lambda t: [t.ones(1, requires_grad=True) * 2],
        lambda t: [("a", t.ones(1)), t.ones(1)],
        lambda t: [{"params": [t.ones(1)]}, 3],
        lambda t: (lambda p: [{"params": [p]}, {"params": p}])(t.ones(1)),
        lambda t: [{"params": [("a", t.ones(1))]}, {"params": [t.ones(1)]}],
    ],
)
def test_wrong_parameters(make_params):
    with pytest.raises(Exception) as theirs:
        pt.optim.SGD(make_params(pt), 0.1)
    with pytest.raises(theirs.type):
        rl.optim.SGD(make_params(rl), 0.1)


def test_groups_and_names():
    groups = []
    for torch in (rl, pt):
        net = torch.nn.Linear(2, 2)
        optimizer = torch.optim.SGD(
            [{"params": [("w", net.weight)], "lr": 0.5}, {"params": [("b", net.bias)]}], lr=0.1, momentum=0.9
        )
        optimizer.add_param_group({"params": [("x", torch.nn.Parameter(torch.ones(1)))], "momentum": 0.0})
        groups.append(optimizer.state_dict()["param_groups"])
    assert groups[0] == groups[1]
    p = rl.nn.Parameter(rl.ones(1))
    with pytest.warns(UserWarning, match="twice"):
        rl.optim.SGD([p, p])


def test_load_state_dict_checks_and_casts():
    _, _, optimizer = make(rl, "Adam", {})
    _, _, other = make(rl, "Adam", {}, "float64")
    p = optimizer.param_groups[0]["params"][0]
    p.grad = rl.ones(2, 3)
    optimizer.step()
    other.load_state_dict(optimizer.state_dict())
    state = next(iter(other.state.values()))
    assert state["exp_avg"].dtype == rl.float64 and state["step"].dtype == rl.float32
    wrong = optimizer.state_dict()
    wrong["param_groups"] = wrong["param_groups"] * 2
    with pytest.raises(ValueError, match="groups"):
        other.load_state_dict(wrong)
    with pytest.raises(ValueError, match="parameters in group 0"):
        rl.optim.Adam([rl.nn.Parameter(rl.ones(1))]).load_state_dict(optimizer.state_dict())


def test_hooks():
    from importlib import import_module

    def run(torch):
        log = []
        _, _, o = make(torch, "SGD", {})
        module = import_module(torch.optim.Optimizer.__module__)
        handles = [
            module.register_optimizer_step_pre_hook(lambda *a: log.append("global pre")),
            module.register_optimizer_step_post_hook(lambda *a: log.append("global post")),
        ]
        o.register_step_pre_hook(lambda opt, args, kwargs: log.append("pre") or (args, kwargs))
        o.register_step_post_hook(lambda opt, args, kwargs: log.append("post"))
        o.register_state_dict_pre_hook(lambda opt: log.append("save"))
        o.register_state_dict_post_hook(lambda opt, d: log.append("saved") or {**d, "extra": 1})
        o.register_load_state_dict_pre_hook(lambda opt, d: log.append("load"))
        o.register_load_state_dict_post_hook(lambda opt: log.append("loaded"))
        o.step()
        state = o.state_dict()
        o.load_state_dict(state)
        for handle in handles:
            handle.remove()
        o.register_step_pre_hook(lambda *a: 3)
        try:
            o.step()
        except RuntimeError:
            log.append("refused")
        return log, "extra" in state

    assert run(rl) == run(pt)


def test_closure_runs_with_gradients():
    for torch in (rl, pt):
        p, _, optimizer = make(torch, "SGD", {"lr": 0.1})

        def closure(p=p, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            return loss

        before = p.tolist()
        loss = optimizer.step(closure)
        assert loss.item() == pytest.approx(sum(v * v for row in before for v in row), rel=1e-5)
        assert p.tolist()[0] == pytest.approx([v * 0.8 for v in before[0]], rel=1e-5)


def test_zero_grad():
    p, _, optimizer = make(rl, "SGD", {})
    p.grad = rl.ones(2, 3)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [[0.0] * 3] * 2
    optimizer.zero_grad()
    assert p.grad is None


def test_differentiable_step():
    gradients = []
    for torch in (rl, pt):
        start = torch.tensor([1.0, 2.0], requires_grad=True)
        p = start.clone()
        p.grad = torch.tensor([0.5, 1.0], requires_grad=True)
        grad = p.grad
        optimizer = torch.optim.SGD([p], lr=0.1, differentiable=True)
        optimizer.step()
        (p * p).sum().backward()
        gradients.append([*start.grad.tolist(), *grad.grad.tolist()])
    assert gradients[0] == pytest.approx(gradients[1])


def test_learning_rate_as_a_tensor():
    def run(torch):
        p, _, optimizer = make(torch, "Adam", {"lr": torch.tensor(0.1)})
        p.grad = torch.ones(2, 3)
        optimizer.step()
        optimizer.param_groups[0]["lr"].fill_(0.5)
        optimizer.step()
        return p.tolist()

    for a, b in zip(run(rl), run(pt), strict=True):
        assert a == pytest.approx(b, rel=1e-6)
    for torch in (rl, pt):
        with pytest.raises(ValueError):
            make(torch, "SGD", {"lr": torch.ones(2)})


def test_pickle_and_deepcopy():
    _, _, optimizer = make(rl, "Adam", {})
    for clone in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert clone.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
        clone.step()


def test_base_class():
    p = rl.nn.Parameter(rl.ones(1))

    class Own(rl.optim.Optimizer):
        pass

    with pytest.raises(NotImplementedError):
        Own([p], {}).step()
    from rushlight.optim.optimizer import required

    with pytest.raises(ValueError, match="lr"):
        Own([p], {"lr": required})
