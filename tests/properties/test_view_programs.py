"""Views of views, writes to them and changes of their sizes, in random programs: values, versions, first and second
derivatives and the types of errors as PyTorch has them."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
import torch as pt

import rushlight as rl

# {x} is a tensor, {like} another leaf's values in its shape and dtype.
WRITES = ["{x}.mul_(2)", "{x}.add_(1)", "{x}.sin_()", "{x}.mul_({x}.clone())", "{x}.copy_({like})", "{x}.add_({like})",
          "{x}.mul_({like})", "{x}.addcmul_({like}, {like})", "{x}.zero_()", "{x}.fill_(3)", "{x}.exp_()",
          "{x}.masked_fill_(every_other({x}), 2)", "{x}[...] = {like}", "{x}.cumsum_(0)", "{x}.neg_()"]
SIZES = ["{x}.unsqueeze_(0)", "{x}.squeeze_()", "{x}.t_()", "{x}.transpose_(0, -1)"]


def views(x: Any, draw: random.Random) -> list[str]:
    """Views that `x` can have, and some that it cannot."""
    found = ["{x}[...]", "{x}.view(-1)", "{x}.flatten()", "{x}.squeeze()", "{x}.unsqueeze(0)", "{x}.view_as({x})",
             "{x}.transpose(0, -1)", "{x}.diagonal(0, -1, 0)"]
    # Of numbers seen as others PyTorch loses what a strided view sees outside them, and changes of sizes.
    if x.is_complex():
        found += ["torch.view_as_real({x})", "{x}.real", "{x}.imag"]
    elif x._is_view() and x._base.is_complex():
        found += ["torch.view_as_complex({x})"] if x.ndim and x.shape[-1] == 2 else []
    else:
        found += [f"{{x}}.as_strided(({max(1, x.numel() // 2)},), (1,))"]
    for d, size in enumerate(x.shape):
        found += [f"{{x}}.select({d}, {draw.randrange(size)})", f"{{x}}.narrow({d}, {size // 2}, {size - size // 2})",
                  f"{{x}}.unbind({d})[0]", f"{{x}}.permute({draw.sample(range(x.ndim), x.ndim)})",
                  f"{{x}}.unfold({d}, 1, 1)", f"{{x}}[{':, ' * d}::2]", f"{{x}}.chunk(2, {d})[0]"]
    return found


def names_in(lib: Any, shape: list[int], dtype: str) -> dict[str, Any]:
    """Two leaves, and what the statements call."""
    def leaf(seed: int) -> Any:
        values = [((7 * i + 3 * seed) % 11 - 5) / 4 + 0.1 for i in range(math.prod(shape))]
        if dtype == "complex128":
            values = [complex(v, (5 * i % 7 - 3) / 4) for i, v in enumerate(values)]
        return lib.tensor(values, dtype=getattr(lib, dtype)).reshape(shape).requires_grad_()

    def spread(source: Any, x: Any) -> Any:
        flat = source.reshape(-1)
        flat = flat.real if flat.is_complex() and not x.is_complex() else flat
        return flat[lib.arange(x.numel()) % flat.numel()].reshape(x.shape)

    return {"torch": lib, "a": leaf(1), "b": leaf(2), "spread": spread, "outputs": [],
            "every_other": lambda x: (lib.arange(x.numel()) % 2 == 0).reshape(x.shape)}


def a_program(draw: random.Random) -> tuple[list[int], str, list[str]]:
    """The leaves' shape and dtype, and statements; they are drawn knowing what PyTorch makes of them."""
    shape = [draw.choice([1, 2, 3, 4]) for _ in range(draw.randint(1, 3))]
    dtype = draw.choice(["float64", "float64", "complex128"])
    order = draw.sample(range(len(shape)), len(shape))
    start = draw.choice(["a * 1", f"(a * 1).permute({order})", f"torch.zeros({shape}, dtype=torch.{dtype})"])
    statements = [f"t = [{start}]"]
    names = names_in(pt, shape, dtype)
    exec(statements[0], names)
    for _ in range(draw.randint(2, 9)):
        i = draw.randrange(len(names["t"]))
        kind = draw.choices(["view", "write", "sizes", "read"], [9, 7, dtype == "float64", 2])[0]
        if kind == "view":
            text = f"t.append({draw.choice(views(names['t'][i], draw))})"
        elif kind == "read":
            text = "outputs.append(({x}.clone() * {like}).abs().sum())"
        else:
            text = draw.choice(WRITES if kind == "write" else SIZES)
        unrecorded = "with torch.no_grad(): " if kind in ("view", "write") and draw.random() < 0.08 else ""
        text = unrecorded + text.format(x=f"t[{i}]", like=f"spread(b, t[{i}])")
        # A view that is refused has made PyTorch look for the history of what it is of: it is not asked for.
        if outcome(text, names) == "done" or kind != "view":
            statements.append(text)
    return shape, dtype, statements + [f"outputs.append((t[{i}] * t[{i}]).abs().sum())" for i in range(len(names["t"]))]


def outcome(statement: str, names: dict[str, Any]) -> str:
    try:
        exec(statement, names)
    except Exception as error:
        return type(error).__name__
    return "done"


def run(lib: Any, shape: list[int], dtype: str, statements: list[str]) -> Any:
    names = names_in(lib, shape, dtype)
    shown = [outcome(text, names) for text in statements]
    for x in names["t"]:
        shown.append((x.tolist(), x.requires_grad, x._version, x._is_view()))
    leaves = [names["a"], names["b"]]
    loss = sum(names["outputs"], lib.zeros(()))
    try:
        first = lib.autograd.grad(loss, leaves, allow_unused=True, create_graph=True)
        shown.append([g if g is None else g.tolist() for g in first])
        norm = sum((g * g).abs().sum() for g in first if g is not None)
        second = lib.autograd.grad(norm, leaves, allow_unused=True)
        shown.append([g if g is None else g.tolist() for g in second])
    except RuntimeError:
        shown.append("no derivatives")
    return shown


def close(a: Any, b: Any) -> bool:
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float | complex):
        return a == b or abs(a - b) <= 1e-8 * max(1, abs(a), abs(b)) or (a != a and b != b)
    return a == b


@pytest.mark.parametrize("seed", range(4))
def test_random_programs_of_views_and_writes(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(200):
        program = a_program(draw)
        assert close(run(rl, *program), run(pt, *program)), program
