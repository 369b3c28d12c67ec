"""L-BFGS and Muon against PyTorch, and what the rarer optimizers refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

import rushlight as rl
from tests.unit.ops.oracle import equal, numbers, ours, refuse


@pytest.mark.parametrize("line_search_fn", [None, "strong_wolfe"])
def test_lbfgs_calls_its_closure_at_pytorchs_places(line_search_fn: str | None) -> None:
    losses: list[list[float]] = []
    for m in (rl, pt):
        p = m.nn.Parameter(m.tensor([-1.2, 1.0, 0.7], dtype=m.float64))
        q = m.nn.Parameter(m.tensor([[0.5, -0.3]], dtype=m.float64))
        lr = 1 if line_search_fn else 0.05
        optimizer = m.optim.LBFGS([p, q], lr=lr, line_search_fn=line_search_fn, max_iter=7, history_size=5)
        seen: list[float] = []

        def closure(p: Any = p, q: Any = q, optimizer: Any = optimizer, seen: list[float] = seen) -> Any:
            optimizer.zero_grad()
            loss = ((1 - p[:-1]) ** 2 + 10 * (p[1:] - p[:-1] ** 2) ** 2).sum()
            loss = loss + ((q * p[:2]).sum() - 1) ** 2 + (q**2).sum()
            loss.backward()
            seen.append(loss.item())
            return loss

        for _ in range(6):
            optimizer.step(closure)
        losses.append(seen)
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_lbfgs_stops_where_the_gradient_is_small() -> None:
    p = rl.nn.Parameter(rl.zeros(2))
    optimizer = rl.optim.LBFGS([p])

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 0
    assert optimizer.state[p]["func_evals"] == 1


@pytest.mark.parametrize("shape", [(4, 6), (6, 4), (3, 3)])
@pytest.mark.parametrize("adjust_lr_fn", [None, "match_rms_adamw"])
def test_muon(shape: tuple[int, int], adjust_lr_fn: str | None) -> None:
    start, gradients = numbers(*shape, dtype=pt.float32), [numbers(*shape, dtype=pt.float32, seed=k) for k in range(3)]
    ends = []
    for m, move in ((rl, ours), (pt, lambda t: t)):
        p = m.nn.Parameter(move(start).clone())
        optimizer = m.optim.Muon([p], lr=0.1, adjust_lr_fn=adjust_lr_fn)
        for g in gradients:
            p.grad = move(g).clone()
            optimizer.step()
        ends.append(p)
    equal(*ends, 2e-2)  # products rounded to bfloat16: sums of another order differ by its last bit


@pytest.mark.parametrize(
    "make",
    [
        *(
            lambda o, p, n=n: getattr(o, n)(p, lr=-1.0)
            for n in ("Adadelta", "Adamax", "ASGD", "NAdam", "RAdam", "Rprop", "Adafactor", "Muon", "LBFGS")
        ),
        lambda o, p: o.Adadelta(p, rho=1.5),
        lambda o, p: o.Adamax(p, betas=(1.0, 0.9)),
        lambda o, p: o.NAdam(p, momentum_decay=-1),
        lambda o, p: o.RAdam(p, weight_decay=-1),
        lambda o, p: o.Rprop(p, etas=(1.1, 1.2)),
        lambda o, p: o.Adafactor(p, d=0.5),
        lambda o, p: o.Adafactor(p, beta2_decay=0.5),
        lambda o, p: o.Muon(p, adjust_lr_fn="best"),
        lambda o, p: o.LBFGS([{"params": p}, {"params": []}]),
    ],
)
def test_refused(make: Callable[..., Any]) -> None:
    refuse(lambda m: make(m.optim, [m.nn.Parameter(m.zeros(2, 2))]))


def test_muon_takes_matrices_alone() -> None:
    refuse(lambda m: m.optim.Muon([m.nn.Parameter(m.zeros(3))]))
