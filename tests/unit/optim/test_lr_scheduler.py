"""Schedules against PyTorch: each learning rate and momentum, exactly, also when training is resumed."""

import math
import pickle
import warnings

import pytest
import torch as pt

import rushlight as rl

SCHEDULES = {
    "step": lambda o, s, **k: s.StepLR(o, 3, 0.5, **k),
    "multistep": lambda o, s, **k: s.MultiStepLR(o, [2, 5, 5, 9], 0.5, **k),
    "constant": lambda o, s, **k: s.ConstantLR(o, 0.3, 4, **k),
    "linear": lambda o, s, **k: s.LinearLR(o, 0.2, 0.9, 6, **k),
    "exponential": lambda o, s, **k: s.ExponentialLR(o, 0.9, **k),
    "polynomial": lambda o, s, **k: s.PolynomialLR(o, 7, 2.0, **k),
    "cosine": lambda o, s, **k: s.CosineAnnealingLR(o, 5, 0.01, **k),
    "lambda": lambda o, s, **k: s.LambdaLR(o, lambda e: 0.9**e, **k),
    "lambdas": lambda o, s, **k: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (e + 1)], **k),
    "multiplicative": lambda o, s, **k: s.MultiplicativeLR(o, lambda e: 0.5 + 0.1 * e, **k),
    "restarts": lambda o, s, **k: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.01, **k),
    "cyclic": lambda o, s, **k: s.CyclicLR(o, 0.1, 0.5, 3, 5, **k),
    "cyclic2": lambda o, s, **k: s.CyclicLR(o, [0.1, 0.2], 0.5, 3, mode="triangular2", **k),
    "cyclic3": lambda o, s, **k: s.CyclicLR(o, 0.1, 0.5, 3, mode="exp_range", gamma=0.9, **k),
    "cyclic4": lambda o, s, **k: s.CyclicLR(
        o, 0.1, 0.5, 2, scale_fn=lambda x: 1 / x, scale_mode="cycle", cycle_momentum=False, **k
    ),
    "onecycle": lambda o, s, **k: s.OneCycleLR(o, 1.0, 20, **k),
    "onecycle3": lambda o, s, **k: s.OneCycleLR(o, [1.0, 0.5], 20, three_phase=True, **k),
    "onecycle_linear": lambda o, s, **k: s.OneCycleLR(
        o, 1.0, epochs=4, steps_per_epoch=5, anneal_strategy="linear", pct_start=0.5, **k
    ),
}
JOINED = {
    "sequential": lambda o, s: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9), s.StepLR(o, 2)], [2, 7]
    ),
    "chained": lambda o, s: s.ChainedScheduler([s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9)]),
    "warmup_cosine": lambda o, s: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=4), s.CosineAnnealingLR(o, 12)], [4]
    ),
    "nested": lambda o, s: s.SequentialLR(
        o, [s.SequentialLR(o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], [2]), s.StepLR(o, 2)], [6]
    ),
}


def optimizer_of(torch, name="SGD"):
    params = [torch.nn.Parameter(torch.ones(1)) for _ in range(2)]
    options = {"lr": 0.4, "momentum": 0.8} if name == "SGD" else {"lr": 0.4}
    return getattr(torch.optim, name)([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.1}], **options)


def settings(o):
    return [(g["lr"], g.get("momentum"), g.get("betas"), g.get("initial_lr")) for g in o.param_groups]


def run(torch, build, name="SGD", steps=18, **options):
    o = optimizer_of(torch, name)
    if options:
        for group in o.param_groups:
            group.update(initial_lr=group["lr"], max_lr=1.0, min_lr=1e-3, max_momentum=0.95, base_momentum=0.85)
    scheduler = build(o, torch.optim.lr_scheduler, **options)
    seen = [settings(o)]
    for _ in range(steps):
        o.step()
        scheduler.step()
        seen.append(
            (settings(o), scheduler.get_last_lr(), scheduler.last_epoch if hasattr(scheduler, "last_epoch") else None)
        )
    return seen, scheduler


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("key", [*SCHEDULES, *JOINED])
def test_learning_rates(key, name):
    build = {**SCHEDULES, **JOINED}[key]
    assert run(rl, build, name)[0] == run(pt, build, name)[0]


@pytest.mark.parametrize("key", [k for k in SCHEDULES if k != "restarts"])
def test_resumed_by_last_epoch(key):
    assert run(rl, SCHEDULES[key], steps=6, last_epoch=4)[0] == run(pt, SCHEDULES[key], steps=6, last_epoch=4)[0]


@pytest.mark.parametrize(
    "key", ["step", "multistep", "constant", "linear", "exponential", "polynomial", "cosine", "lambda", "restarts"]
)
def test_step_to_an_epoch(key):
    results = []
    for torch in (rl, pt):
        o = optimizer_of(torch)
        scheduler = SCHEDULES[key](o, torch.optim.lr_scheduler)
        o.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scheduler.step(7)
        results.append(settings(o))
        scheduler.step()
        results.append(settings(o))
    assert results[:2] == results[2:]


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@pytest.mark.parametrize("key", [*SCHEDULES, *JOINED])
def test_checkpoint(key):
    build = {**SCHEDULES, **JOINED}[key]
    _, theirs = run(pt, build, steps=4)
    seen, _ = run(rl, build, steps=10)
    o = optimizer_of(rl)
    again = build(o, rl.optim.lr_scheduler)
    for _ in range(4):
        o.step()
        again.step()
    saved = again.state_dict()
    assert set(theirs.state_dict()) - {"_anneal_func_type", "_scale_fn_ref", "_is_initial"} <= set(saved) | {
        "_get_lr_called_within_step"
    }
    saved = pickle.loads(pickle.dumps(saved))
    groups = [{k: v for k, v in g.items() if k != "params"} for g in o.param_groups]
    o = optimizer_of(rl)
    fresh = build(o, rl.optim.lr_scheduler)
    for group, options in zip(o.param_groups, groups, strict=True):
        group.update(options)
    fresh.load_state_dict(saved)
    for expected in seen[5:]:
        o.step()
        fresh.step()
        assert settings(o) == expected[0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max"},
        {"patience": 1, "cooldown": 2},
        {"threshold_mode": "abs", "threshold": 0.2, "patience": 2},
        {"mode": "max", "threshold_mode": "abs", "patience": 0},
        {"min_lr": [0.05, 0.01], "patience": 0},
        {"eps": 0.2, "patience": 0},
    ],
)
def test_plateau(options):
    metrics = [1.0, 0.9, 0.95, 0.9, 0.91, 0.92, 0.2, math.nan, 0.3, 0.4, 0.4, 0.5, 0.6, 0.1, 0.2, 0.3]
    results = []
    for torch in (rl, pt):
        o = optimizer_of(torch)
        s = torch.optim.lr_scheduler.ReduceLROnPlateau(o, **options)
        seen = []
        for m in metrics:
            s.step(torch.tensor(m))
            seen.append((settings(o), s.get_last_lr(), s.num_bad_epochs, s.best, s.in_cooldown))
        results.append(repr(seen))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "build",
    [
        lambda o, s: s.ConstantLR(o, 2.0),
        lambda o, s: s.LinearLR(o, 0.0),
        lambda o, s: s.LinearLR(o, 0.5, 2.0),
        lambda o, s: s.StepLR(3, 1),
        lambda o, s: s.LambdaLR(o, [abs]),
        lambda o, s: s.MultiplicativeLR(o, [abs]),
        lambda o, s: s.ExponentialLR(o, 0.5, last_epoch=3),
        lambda o, s: s.CosineAnnealingWarmRestarts(o, 0),
        lambda o, s: s.CosineAnnealingWarmRestarts(o, 1, 0),
        lambda o, s: s.CosineAnnealingWarmRestarts(o, 1).step(-1),
        lambda o, s: s.CyclicLR(o, 0.1, 1.0, mode="x"),
        lambda o, s: s.CyclicLR(o, [0.1], 1.0),
        lambda o, s: s.CyclicLR(3, 0.1, 1.0),
        lambda o, s: s.OneCycleLR(o, 1.0),
        lambda o, s: s.OneCycleLR(o, 1.0, 0),
        lambda o, s: s.OneCycleLR(o, 1.0, epochs=3),
        lambda o, s: s.OneCycleLR(o, 1.0, 5, pct_start=2.0),
        lambda o, s: s.OneCycleLR(o, 1.0, 5, anneal_strategy="x"),
        lambda o, s: s.OneCycleLR(3, 1.0, 5),
        lambda o, s: (
            [s.OneCycleLR(o, 1.0, 1).step() for _ in range(3)]
            and (lambda c: [c.step() for _ in range(4)])(s.OneCycleLR(o, 1.0, 1))
        ),
        lambda o, s: s.ReduceLROnPlateau(o, "x"),
        lambda o, s: s.ReduceLROnPlateau(o, factor=1.0),
        lambda o, s: s.ReduceLROnPlateau(o, min_lr=[1.0]),
        lambda o, s: s.ReduceLROnPlateau(o, threshold_mode="x"),
        lambda o, s: s.ReduceLROnPlateau(3),
        lambda o, s: s.SequentialLR(o, [], []),
        lambda o, s: s.SequentialLR(o, [s.StepLR(o, 1)], [1]),
        lambda o, s: s.ChainedScheduler([]),
        lambda o, s: s.ChainedScheduler([3]),
    ],
)
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_errors(build):
    with pytest.raises(Exception) as theirs:
        build(optimizer_of(pt), pt.optim.lr_scheduler)
    with pytest.raises(theirs.type):
        build(optimizer_of(rl), rl.optim.lr_scheduler)


def test_warnings():
    o = optimizer_of(rl)
    scheduler = rl.optim.lr_scheduler.StepLR(o, 1)
    with pytest.warns(UserWarning, match="before optimizer.step"):
        scheduler.step()
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()
    with pytest.warns(UserWarning, match="deprecated"):
        scheduler.step(3)


def test_no_warning_in_the_right_order():
    o = optimizer_of(rl)
    scheduler = rl.optim.lr_scheduler.StepLR(o, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        o.step()
        scheduler.step()


def test_tensor_learning_rate_keeps_its_identity():
    p = rl.nn.Parameter(rl.ones(1))
    lr = rl.tensor(0.5)
    o = rl.optim.SGD([p], lr=lr)
    scheduler = rl.optim.lr_scheduler.ExponentialLR(o, 0.5)
    o.step()
    scheduler.step()
    assert o.param_groups[0]["lr"] is lr and lr.item() == 0.25 and o.param_groups[0]["initial_lr"].item() == 0.5
