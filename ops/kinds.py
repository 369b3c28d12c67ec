"""The kinds of rows and their defaults."""

from __future__ import annotations

from typing import Any

from ops.row import Row, add_row, every, floating, half_complex, number


def pointwise(
    signature: str, *, types: tuple[str, ...] = number, inplace: bool = True, out: bool = True, **fields: Any
) -> Row:
    """One element of each input gives one of the output: broadcasting and promotion are implied."""
    return add_row("pointwise", signature, types=types, inplace=inplace, out=out, **fields)


def comparison(signature: str, *, types: tuple[str, ...] = every, **fields: Any) -> Row:
    """A pointwise row whose result is bool."""
    return add_row("pointwise", signature, types=types, inplace=True, out=True, bool_output=True, **fields)


def loss(signature: str, *, types: tuple[str, ...] = floating, **fields: Any) -> Row:
    """A pointwise row whose elements become their mean or sum in the same pass, as its argument `reduction` says."""
    forms = {"private": True, "method": False, "samples": "none"}
    return add_row("pointwise", signature, types=types, **forms | fields)


def reduction(signature: str, *, types: tuple[str, ...] = number, out: bool = True, **fields: Any) -> Row:
    """Elements along some dimensions are combined. Formulas see g and y with those dimensions kept as size 1."""
    return add_row("reduction", signature, types=types, out=out, **fields)


def view(signature: str, *, inplace: bool = False, **fields: Any) -> Row:
    """The same memory through other sizes and strides: no kernel runs."""
    return add_row("view", signature, inplace=inplace, **fields)


def _types(fields: dict[str, Any]) -> dict[str, Any]:
    """The dtypes of a row that does not state them."""
    return {"types": every if fields["widens"] else every + half_complex}


def kernel(signature: str, *, run: str = "", **fields: Any) -> Row:
    """Computed by a function of its own, `rl::kernels::<run>`. widens=False: it takes 16-bit floats as they are, and
    complex32 too."""
    name = signature.split("(")[0]
    fields = {"widens": True, "out_rule": "exact"} | fields
    return add_row("kernel", signature, run=run or name, **_types(fields) | fields)


def creation(signature: str, **fields: Any) -> Row:
    """Makes a tensor from nothing: a function only, with dtype=, device=, requires_grad= and the like."""
    name = signature.split("(")[0]
    fields = {"run": name, "types": every + half_complex} | fields
    return add_row("creation", signature, method=False, **fields)


def inplace(signature: str, *, run: str = "", **fields: Any) -> Row:
    """Writes its first argument; has no out-of-place form of its own. widens: as for a kernel."""
    name = signature.split("(")[0]
    fields = {"function": False, "widens": True} | fields
    return add_row("inplace", signature, run=run or name.rstrip("_"), **_types(fields) | fields)


def composite(signature: str, *, run: str = "", **fields: Any) -> Row:
    """Made of other rows by the native function `rl::compose::<run>`, which needs no gradient of its own.

    With inplace=True `rl::compose::<run>_` is its in-place form.
    """
    name = signature.split("(")[0]
    return add_row("composite", signature, run=run or name, **{"types": every + half_complex} | fields)
