"""L-BFGS (Liu and Nocedal, 1989), with a search along the line for the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rushlight
from rushlight._native import Tensor
from rushlight.optim.optimizer import Optimizer, ParamsT, check_at_least_zero, check_one_element, number

__all__ = ["LBFGS"]

# A number in Python or a tensor of one element, so that lengths and slopes are rounded as the parameters are.
Number = Any
# (loss, gradient, slope along the line) at a step length
Evaluate = Callable[[Number], tuple[float, Tensor, Number]]
Point = tuple[Number, float, Tensor, Number]  # (length, loss, gradient, slope)


class LBFGS(Optimizer):
    """L-BFGS: steps along the gradient times an inverse Hessian that is made of the last steps.

    Each step calls its closure several times.

    Args:
        params: parameters, in one group.
        lr: learning rate.
        max_iter: iterations a step.
        max_eval: calls of the closure a step; max_iter * 5 / 4 where None.
        tolerance_grad: the gradient's largest element at which a step ends.
        tolerance_change: the change of loss or parameters at which it ends.
        history_size: how many last steps make the Hessian.
        line_search_fn: None, or "strong_wolfe".

    Raises:
        ValueError: for a negative lr, or more than one group.
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1, max_iter: int = 20, max_eval: int | None = None,
                 tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9, history_size: int = 100,
                 line_search_fn: str | None = None) -> None:
        check_one_element("LBFGS", "lr", lr)
        check_at_least_zero("LBFGS", lr=lr)
        super().__init__(params, {"lr": lr, "max_iter": max_iter,
                                  "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                                  "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
                                  "history_size": history_size, "line_search_fn": line_search_fn,
                                  "differentiable": False})
        if len(self.param_groups) != 1:
            raise ValueError(f"LBFGS: expected one group of parameters, met {len(self.param_groups)}")
        self._params = self.param_groups[0]["params"]

    # --- all parameters as one vector

    def _gradient(self) -> Tensor:
        parts = [rushlight.zeros_like(p) if p.grad is None else p.grad for p in self._params]
        return rushlight.cat([(rushlight.view_as_real(g) if g.dtype.is_complex else g).reshape(-1) for g in parts])

    def _move(self, length: Number, direction: Tensor) -> None:
        start = 0
        for p in self._params:
            real = rushlight.view_as_real(p) if p.dtype.is_complex else p
            real.add_(direction[start:start + real.numel()].view_as(real), alpha=float(length))
            start += real.numel()

    def _at(self, closure: Callable[[], Any], origin: list[Tensor], length: Number,
            direction: Tensor) -> tuple[float, Tensor]:
        """Loss and gradient at a step from the origin, where the parameters are again afterwards."""
        self._move(length, direction)
        loss = float(closure())
        gradient = self._gradient()
        for p, value in zip(self._params, origin, strict=True):
            p.copy_(value)
        return loss, gradient

    # --- a step

    @rushlight.no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:
        """Up to max_iter iterations; ``closure`` computes the loss and its gradients anew. Returns its first result."""
        with_grad = rushlight.enable_grad()(closure)
        group = self.param_groups[0]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = with_grad()
        loss, evaluations = float(first), 1
        state["func_evals"] += 1
        gradient = self._gradient()
        if float(gradient.abs().max()) <= group["tolerance_grad"]:
            return first
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            direction = self._direction(state, gradient, group["history_size"])
            state["prev_flat_grad"] = gradient.clone(memory_format=rushlight.contiguous_format)
            state["prev_loss"] = before = loss
            lr = number(group["lr"])
            length = min(1.0, 1.0 / gradient.abs().sum()) * lr if state["n_iter"] == 1 else lr
            state["d"], state["t"] = direction, length
            slope = gradient.dot(direction)
            if slope > -group["tolerance_change"]:
                break
            loss, gradient, length, calls = self._advance(with_grad, group, loss, gradient, length, direction, slope,
                                                          last=iteration == group["max_iter"])
            state["t"] = length
            evaluations += calls
            state["func_evals"] += calls
            moved = float((direction * length).abs().max())
            if (evaluations >= group["max_eval"] or float(gradient.abs().max()) <= group["tolerance_grad"]
                    or moved <= group["tolerance_change"] or abs(loss - before) < group["tolerance_change"]):
                break
        return first

    def _advance(self, closure: Callable[[], Any], group: dict[str, Any], loss: float, gradient: Tensor,
                 length: Number, direction: Tensor, slope: Number, last: bool) -> tuple[float, Tensor, Number, int]:
        """Move along the direction: (loss, gradient, length, calls of the closure)."""
        if group["line_search_fn"] is None:
            self._move(length, direction)
            if last:  # nothing will ask for the gradient there
                return loss, gradient, length, 0
            loss = float(rushlight.enable_grad()(closure)())
            return loss, self._gradient(), length, 1
        if group["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("LBFGS: expected line_search_fn to be None or 'strong_wolfe', met "
                               f"{group['line_search_fn']!r}")
        origin = [p.clone(memory_format=rushlight.contiguous_format) for p in self._params]

        def evaluate(t: Number) -> tuple[float, Tensor, Number]:
            value, g = self._at(closure, origin, t, direction)
            return value, g, g.dot(direction)

        found = _strong_wolfe(evaluate, length, float(direction.abs().max()), loss, gradient, slope)
        self._move(found[2], direction)
        return found

    @staticmethod
    def _direction(state: dict[str, Any], gradient: Tensor, history_size: int) -> Tensor:
        """Minus the inverse Hessian times the gradient, by the recursion over the last steps."""
        if state["n_iter"] == 1:
            state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return gradient.neg()
        changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
        change, step = gradient - state["prev_flat_grad"], state["d"] * state["t"]
        curvature = change.dot(step)
        if curvature > 1e-10:
            if len(changes) == history_size:
                for kept in (changes, steps, inverses):
                    kept.pop(0)
            changes.append(change)
            steps.append(step)
            inverses.append(1.0 / curvature)
            state["H_diag"] = curvature / change.dot(change)
        shares = []
        q = gradient.neg()
        for y, s, inverse in zip(reversed(changes), reversed(steps), reversed(inverses), strict=True):
            shares.append(s.dot(q) * inverse)
            q.add_(y, alpha=-float(shares[-1]))
        r = q * state["H_diag"]
        for y, s, inverse, share in zip(changes, steps, inverses, reversed(shares), strict=True):
            r.add_(s, alpha=float(share - y.dot(r) * inverse))
        return r


def _lowest_between(x1: Number, f1: float, g1: Number, x2: Number, f2: float, g2: Number,
                    bounds: tuple[Number, Number] | None = None) -> Number:
    """Where the cubic through two points with those values and slopes is lowest, within bounds."""
    low, high = bounds if bounds is not None else (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = square**0.5
    if x1 <= x2:
        place = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        place = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(place, low), high)


def _strong_wolfe(evaluate: Evaluate, t: Number, largest: float, loss: float, gradient: Tensor, slope: Number,
                  c1: float = 1e-4, c2: float = 0.9, tolerance: float = 1e-9,
                  most: int = 25) -> tuple[float, Tensor, Number, int]:
    """A length with enough descent and a small slope (Nocedal and Wright, 2006, algorithms 3.5 and 3.6)."""
    value, g, along = evaluate(t)
    calls, done, tried = 1, False, 0
    before: Point = (0.0, loss, gradient, slope)
    bracket: list[Point] = []
    while tried < most:
        here = (t, value, g.clone(memory_format=rushlight.contiguous_format), along)
        if value > loss + c1 * t * slope or (tried > 1 and value >= before[1]):
            bracket = [before, here]
            break
        if abs(along) <= -c2 * slope:
            bracket, done = [here], True
            break
        if along >= 0:
            bracket = [before, here]
            break
        farther = (t + 0.01 * (t - before[0]), t * 10)
        t_next = _lowest_between(before[0], before[1], before[3], t, value, along, farther)
        before, t = here, t_next
        value, g, along = evaluate(t)
        calls += 1
        tried += 1
    if tried == most:
        bracket = [(0.0, loss, gradient, slope), (t, value, g, along)]
    if not done:
        calls += _zoom(evaluate, bracket, largest, loss, slope, c1, c2, tolerance, most - tried)
    best = min(bracket, key=lambda point: point[1])
    return best[1], best[2], best[0], calls


def _zoom(evaluate: Evaluate, bracket: list[Point], largest: float, loss: float,
          slope: Number, c1: float, c2: float, tolerance: float, most: int) -> int:
    """Narrow the bracket, in place, until one end will do; returns the calls of the closure."""
    calls, stuck = 0, False
    low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
    for _ in range(most):
        (a, fa, _, ga), (b, fb, _, gb) = bracket
        width = abs(b - a)
        if width * largest < tolerance:
            break
        t = _lowest_between(a, fa, ga, b, fb, gb)
        margin = 0.1 * width
        if min(max(a, b) - t, t - min(a, b)) < margin:
            if stuck or t >= max(a, b) or t <= min(a, b):  # too near an end once more: step away from it
                t = max(a, b) - margin if abs(t - max(a, b)) < abs(t - min(a, b)) else min(a, b) + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        value, g, along = evaluate(t)
        calls += 1
        point = (t, value, g.clone(memory_format=rushlight.contiguous_format), along)
        if value > loss + c1 * t * slope or value >= bracket[low][1]:
            bracket[high] = point
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
            continue
        done = abs(along) <= -c2 * slope
        if not done and along * (bracket[high][0] - bracket[low][0]) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
        if done:
            break
    return calls
