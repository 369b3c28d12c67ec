"""`gradcheck` and `gradgradcheck`: what they accept and refuse, as PyTorch's do, and that a refusal says where."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch as pt

import rushlight as rl


def square(m: Any, kind: str) -> Callable[[Any], Any]:
    """x * x as a custom Function whose derivative is right, or wrong in one way."""

    class Square(m.autograd.Function):  # type: ignore[name-defined,misc]
        @staticmethod
        def forward(x: Any) -> Any:
            return x * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return {
                "right": lambda: 2 * g * x.conj(),
                "too steep": lambda: 3 * g * x.conj(),
                "none": lambda: None,
                "of one element": lambda: (2 * g * x).sum().reshape(1),
                "nan": lambda: g * float("nan"),
                "random": lambda: 2 * g * x + m.rand(x.shape, dtype=x.dtype) * 0.1,
                "without graph": lambda: 2 * g * x.detach(),
                "wrong forward": lambda: 2 * g * x.conj(),
                "not conjugated": lambda: 2 * g * x,
            }[kind]()

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            (x,) = ctx.saved_tensors
            return (5 if kind == "wrong forward" else 2) * t * x

    return Square.apply  # type: ignore[no-any-return]


KINDS = ["right", "too steep", "none", "of one element", "nan", "random", "without graph", "wrong forward"]
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("gradcheck", {}),
    "forward": ("gradcheck", {"check_forward_ad": True}),
    "forward alone": ("gradcheck", {"check_forward_ad": True, "check_backward_ad": False}),
    "fast": ("gradcheck", {"fast_mode": True}),
    "fast forward": ("gradcheck", {"fast_mode": True, "check_forward_ad": True}),
    "asked": ("gradcheck", {"raise_exception": False}),
    "no missing gradients": ("gradcheck", {"check_undefined_grad": False}),
    "second": ("gradgradcheck", {}),
    "second forward": ("gradgradcheck", {"check_fwd_over_rev": True}),
    "second forward alone": (
        "gradgradcheck",
        {"check_fwd_over_rev": True, "check_rev_over_rev": False, "check_undefined_grad": False},
    ),
    "nothing": ("gradgradcheck", {"check_rev_over_rev": False}),
    "missing without backward": ("gradgradcheck", {"check_fwd_over_rev": True, "check_rev_over_rev": False}),
}


def verdict(m: Any, way: str, function: Callable[[Any], Any], values: list[Any], dtype: str) -> Any:
    name, options = WAYS[way]
    x = m.tensor(values, dtype=getattr(m, dtype), requires_grad=True)
    m.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return getattr(m.autograd, name)(function, (x,), **options)
        except Exception as error:
            return type(error).__name__


@pytest.mark.parametrize(("kind", "way"), itertools.product(KINDS, WAYS))
def test_functions_that_are_wrong(kind: str, way: str) -> None:
    mine, theirs = (verdict(m, way, square(m, kind), [0.5, -1.2, 0.7], "float64") for m in (rl, pt))
    assert mine == theirs


@pytest.mark.parametrize("way", ["plain", "forward", "fast", "fast forward", "second", "second forward"])
@pytest.mark.parametrize("kind", ["right", "too steep", "not conjugated"])
def test_complex_functions_that_are_wrong(kind: str, way: str) -> None:
    mine, theirs = (verdict(m, way, square(m, kind), [0.5 + 1j, -1.2 + 0.3j], "complex128") for m in (rl, pt))
    assert mine == theirs


COMPLEX: dict[str, Callable[[Any, Any], Any]] = {
    "abs": lambda m, x: x.abs(),
    "angle": lambda m, x: m.angle(x),
    "conj": lambda m, x: x.conj() * x,
    "real": lambda m, x: x.real * 2,
    "parts": lambda m, x: m.view_as_real(x),
    "sgn": lambda m, x: m.sgn(x),
    "pow": lambda m, x: x**x,
    "cumprod": lambda m, x: x.cumprod(0),
    "prod": lambda m, x: x.prod(),
    "products": lambda m, x: m.outer(x, x) @ x,
    "two": lambda m, x: (x * 2, x.real),
}


@pytest.mark.parametrize("way", ["plain", "forward", "fast", "fast forward", "second forward"])
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_functions(name: str, way: str) -> None:
    values = [0.5 + 1j, -1.2 + 0.3j, 0.4 - 0.9j]
    assert verdict(rl, way, lambda x: COMPLEX[name](rl, x), values, "complex128") is True


def test_a_refusal_names_the_input_and_shows_both_numbers() -> None:
    x = rl.tensor([0.5, -1.2], dtype=rl.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"input 0") as raised:
        rl.autograd.gradcheck(square(rl, "too steep"), (x,))
    assert "1.0000" in str(raised.value) and "1.5000" in str(raised.value)
