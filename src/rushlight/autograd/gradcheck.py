"""Gradients compared with finite differences.

A complex number counts as two real ones, its parts: so the Jacobian is real throughout, and both its readings, by
differences and by `backward`, are matrices with a row for each part of the output and a column for each of the inputs.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import rushlight
from rushlight import _native
from rushlight._native import Tensor

from ._gradients import grad
from .function import Function

_rl: Any = rushlight

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A gradient does not agree with the differences, or breaks another rule that was checked."""


@dataclass
class _Check:
    """What is asked of one gradcheck."""

    func: Callable[..., Any]
    inputs: tuple[Any, ...]
    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    fast: bool

    def values(self) -> list[Tensor]:
        """The outputs of one more call that are floating or complex."""
        return [y for y in _tensors_in(self.func(*self.inputs)) if y.is_floating_point() or y.is_complex()]

    def outputs(self) -> list[Tensor]:
        """Those of them that require a gradient."""
        return [y for y in self.values() if y.requires_grad]

    def differentiable_inputs(self) -> list[Tensor]:
        return [x for x in _tensors_in(self.inputs) if x.requires_grad]


def gradcheck(
    func: Callable[..., Tensor | Sequence[Tensor]],
    inputs: Tensor | Sequence[Tensor],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of `func` at `inputs` agree with central differences.

    Args:
        func: takes the inputs and returns a tensor or several.
        inputs: tensors, of double precision where they require a gradient; other values are passed on.
        eps: how far an input is moved.
        atol: the difference allowed, in absolute terms.
        rtol: the difference allowed, relative to that of the finite differences.
        raise_exception: raise GradcheckError where a check fails, else return False.
        nondet_tol: how much two runs backward may differ.
        check_undefined_grad: also run backward with missing gradients.
        check_grad_dtypes: also compare the dtypes of gradients with those of the inputs.
        check_batched_grad: also compare `is_grads_batched` with runs one by one.
        check_batched_forward_grad: the same for forward mode; needs check_forward_ad.
        check_forward_ad: also compare forward mode with the differences.
        check_backward_ad: compare backward.
        fast_mode: compare one random projection of the Jacobian in place of all of it.
        masked: accepted: it is for sparse tensors.
    Raises:
        GradcheckError: a check failed (only with raise_exception).
        ValueError: no input requires a gradient, or the options do not go together.
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("gradcheck: both check_forward_ad and check_backward_ad are False, so nothing is checked")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("gradcheck: check_batched_grad=True needs check_backward_ad=True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("gradcheck: check_batched_forward_grad=True needs check_forward_ad=True")
    listed = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    check = _Check(func, listed, eps, atol, rtol, nondet_tol, fast_mode)
    try:
        _check_inputs(check)
        numerical = _numerical(check)
        if check_backward_ad:
            _check_backward(check, numerical)
            if check_batched_grad:
                _check_batched(check)
            if check_undefined_grad:
                _check_undefined(check)
            if check_grad_dtypes:
                _check_dtypes(check)
        if check_forward_ad:
            _check_forward(check, numerical)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Tensor | Sequence[Tensor]],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether second derivatives agree with differences: those by the inputs and by the gradients that come to `func`.

    Args:
        grad_outputs: for each output the gradient to start from; random ones if left out.
        gen_non_contig_grad_outputs: make the random ones non-contiguous.
        check_fwd_over_rev: check forward mode through the gradients.
        check_rev_over_rev: check backward through the gradients.
    The other arguments are those of `gradcheck`.
    Raises:
        AssertionError: neither way is asked for, or missing gradients without backward, which alone meets them.
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("gradgradcheck: one of check_fwd_over_rev and check_rev_over_rev must be True")
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError("gradgradcheck: check_undefined_grad=True needs check_rev_over_rev=True")
    listed = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        outputs = [y for y in _tensors_in(func(*listed)) if y.requires_grad]
        starts = tuple(_random_like(y, gen_non_contig_grad_outputs).requires_grad_() for y in outputs)
    else:
        starts = tuple(_tensors_in(grad_outputs))
    count = len(listed)

    def gradients(*args: Any) -> tuple[Tensor, ...]:
        xs = args[:count]
        outputs = [y for y in _tensors_in(func(*xs)) if y.requires_grad]
        wanted = [x for x in _tensors_in(xs) if x.requires_grad]
        found = grad(outputs, wanted, args[count:], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients,
        (*listed, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        fast_mode=fast_mode,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        masked=masked,
    )


# ------------------------------------------------------------------ inputs and outputs


def _tensors_in(given: Any) -> list[Tensor]:
    if isinstance(given, Tensor):
        return [given]
    return [x for x in given if isinstance(x, Tensor)] if isinstance(given, (list, tuple)) else []


def _check_inputs(check: _Check) -> None:
    found = check.differentiable_inputs()
    if not found:
        raise ValueError("gradcheck: no input requires a gradient; call requires_grad_() on one")
    for i, x in enumerate(found):
        if x.dtype not in (_native.float64, _native.complex128):
            warnings.warn(
                f"gradcheck: input {i} is of dtype {x.dtype}: differences are meaningful in double precision only",
                stacklevel=3,
            )
        if any(step == 0 and size > 1 for step, size in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"gradcheck: input {i} is expanded (strides {x.stride()}): several of its elements are one in memory; "
                "pass a .clone()"
            )
        x.retain_grad()


def _real(x: Tensor) -> Tensor:
    """All parts of all elements in one row."""
    x = x.detach()
    return (_rl.view_as_real(x) if x.is_complex() else x).reshape(-1)


def _all_real(tensors: Sequence[Tensor]) -> Tensor:
    return _native.cat([_real(t).to(_native.float64) for t in tensors]) if tensors else _native.zeros(0)


def _random_like(y: Tensor, strided: bool = False) -> Tensor:
    made = _native.rand(y.shape, dtype=y.dtype, device=y.device) if not y.is_complex() else _random_complex(y)
    return _native.stack([made, made], -1)[..., 0] if strided else made


def _random_complex(y: Tensor) -> Tensor:
    parts = [_native.rand(y.shape, dtype=y.dtype.to_real(), device=y.device) for _ in range(2)]
    return _rl.view_as_complex(_native.stack(parts, -1))


# ------------------------------------------------------------------ two readings of the Jacobian


def _steps(x: Tensor) -> Iterator[tuple[tuple[int, ...], complex | float]]:
    """Each part of each element: where it is, and the unit to move it by."""
    for at in itertools.product(*map(range, x.shape)):
        yield at, 1.0
        if x.is_complex():
            yield at, 1j


def _difference(check: _Check, x: Tensor, at: tuple[int, ...], step: complex | float) -> Tensor:
    """The outputs' central difference as one element of an input moves."""
    data = x.detach()
    before = data[at].item()
    ends = []
    for sign in (1, -1):
        data[at] = before + sign * step
        ends.append(_all_real(check.values()))
    data[at] = before
    return (ends[0] - ends[1]) / 2


def _numerical(check: _Check) -> list[Tensor]:
    """For each input the matrix of differences: rows are parts of the inputs, columns parts of the outputs."""
    matrices = []
    for x in check.differentiable_inputs():
        rows = [_difference(check, x, at, unit * check.eps) / check.eps for at, unit in _steps(x)]
        matrices.append(_native.stack(rows) if rows else _native.zeros((0, 0), dtype=_native.float64))
    return matrices


def _analytical(check: _Check) -> list[Tensor]:
    """The same by one run backward for each part of the outputs."""
    outputs = check.values()
    inputs = check.differentiable_inputs()
    columns: list[list[Tensor]] = [[] for _ in inputs]
    for y in outputs:
        for at, unit in _steps(y):
            start = _native.zeros_like(y, memory_format=_native.contiguous_format)
            start[at] = unit
            found: Sequence[Tensor | None] = [None] * len(inputs)
            if y.requires_grad:
                found = grad(y, inputs, start, retain_graph=True, allow_unused=True)
            for column, x, g in zip(columns, inputs, found, strict=True):
                column.append(_all_real([_native.zeros_like(x) if g is None else g]))
    return [_native.stack(c, 1) if c else _native.zeros((0, 0), dtype=_native.float64) for c in columns]


def _close(x: Tensor, expected: Tensor, rtol: float, atol: float) -> bool:
    return bool(((x - expected).abs() <= atol + rtol * expected.abs()).all())


def _compare(check: _Check, numerical: list[Tensor], other: list[Tensor], mode: str) -> None:
    for i, (n, a) in enumerate(zip(numerical, other, strict=True)):
        if n.numel() == 0 and a.numel() == 0:
            continue
        if check.fast and n.numel():
            left, right = _native.rand(1, n.shape[0], dtype=n.dtype), _native.rand(n.shape[1], 1, dtype=n.dtype)
            n, a = left @ n @ right, left @ a @ right
        if not _close(a, n, check.rtol, check.atol):
            raise GradcheckError(
                f"gradcheck: the Jacobian by input {i} differs between finite differences and {mode} (rows: input, "
                f"columns: output; complex numbers as their two parts)\ndifferences:\n{n}\n{mode}:\n{a}\n"
            )


# ------------------------------------------------------------------ checks


def _check_backward(check: _Check, numerical: list[Tensor]) -> None:
    if check.outputs():
        _check_linear(check)
    analytical, again = _analytical(check), _analytical(check)
    _compare(check, numerical, analytical, "backward")
    for i, (a, b) in enumerate(zip(analytical, again, strict=True)):
        if a.numel() and (a - b).abs().max().item() > check.nondet_tol:
            raise GradcheckError(f"gradcheck: two runs backward gave different gradients of input {i} (nondet_tol)")


def _check_linear(check: _Check) -> None:
    outputs, inputs = check.outputs(), check.differentiable_inputs()
    found = grad(outputs, inputs, [_native.zeros_like(y) for y in outputs], allow_unused=True)
    for i, g in enumerate(found):
        if g is not None and g.abs().sum().item() != 0:
            raise GradcheckError(f"gradcheck: zero gradients of the outputs give input {i} a gradient that is not zero")


def _check_batched(check: _Check) -> None:
    inputs = check.differentiable_inputs()
    for i, y in enumerate(check.outputs()):
        starts = _native.stack([_random_like(y) for _ in range(3)])
        batched = grad(y, inputs, starts, retain_graph=True, allow_unused=True, is_grads_batched=True)
        single = [grad(y, inputs, start, retain_graph=True, allow_unused=True) for start in starts]
        for k, column in enumerate(zip(*single, strict=True)):
            if batched[k] is not None and not _close(batched[k], _native.stack(list(column)), 1e-5, 1e-8):
                raise GradcheckError(f"gradcheck: gradients in a batch differ for output {i}, input {k}")


class _WithoutGradient(Function):
    """Passes its tensor on; no gradient comes back through it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> None:
        return None


def _check_undefined(check: _Check) -> None:
    """Backward with some gradients missing: what then comes back is nothing, or zero, for each input."""
    inputs = check.differentiable_inputs()
    everything = range(len(check.outputs()))
    cases = [list(everything)] + [[i] for i in everything if len(everything) > 1]
    for missing in cases:
        outputs = check.outputs()
        cut = [_WithoutGradient.apply(y) if i in missing else y for i, y in enumerate(outputs)]
        starts = [_native.zeros_like(y) for y in outputs]
        try:
            found = grad(cut, inputs, starts, allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                f"gradcheck: backward fails without a gradient of output {missing}: {error}"
            ) from error
        for i, g in enumerate(found):
            if g is not None and g.abs().sum().item() != 0:
                raise GradcheckError(f"gradcheck: input {i} gets a gradient where none came to the outputs {missing}")


def _check_dtypes(check: _Check) -> None:
    inputs = check.differentiable_inputs()
    outputs = check.outputs()
    found = grad(outputs, inputs, [_random_like(y) for y in outputs], allow_unused=True)
    for i, (x, g) in enumerate(zip(inputs, found, strict=True)):
        if g is not None and g.dtype != x.dtype:
            raise GradcheckError(f"gradcheck: the gradient of input {i} is of dtype {g.dtype}, the input of {x.dtype}")


def _check_forward(check: _Check, numerical: list[Tensor]) -> None:
    """The Jacobian by dual tensors, one run for each part of the inputs."""
    forward_ad = _rl.autograd.forward_ad
    inputs = check.differentiable_inputs()
    matrices = []
    for x in inputs:
        rows = []
        for at, unit in _steps(x):
            tangent = _native.zeros_like(x, memory_format=_native.contiguous_format)
            tangent[at] = unit
            with forward_ad.dual_level():
                duals = [
                    forward_ad.make_dual(y.detach().requires_grad_(), tangent) if y is x else y for y in check.inputs
                ]
                outputs = [y for y in _tensors_in(check.func(*duals)) if y.is_floating_point() or y.is_complex()]
                parts = [forward_ad.unpack_dual(y) for y in outputs]
                rows.append(_all_real([_native.zeros_like(p) if t is None else t for p, t in parts]))
        matrices.append(_native.stack(rows) if rows else _native.zeros((0, 0), dtype=_native.float64))
    _compare(check, numerical, matrices, "forward mode")
