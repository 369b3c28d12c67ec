"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rushlight import _native
from rushlight._native import Tensor
from rushlight.nn import Module
from rushlight.nn.modules.batchnorm import _BatchNorm

State = Mapping[str, Tensor]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: State | Sequence[State],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call `module` with other tensors in the place of its parameters and buffers, which it gets back afterwards.

    Args:
        module: what is called.
        parameter_and_buffer_dicts: dotted name -> tensor, or several such mappings.
        args: the call's arguments; one that is not a tuple stands alone.
        kwargs: its keyword arguments.
        tie_weights: a tensor that the module holds under several names is replaced under all of them.
        strict: every parameter and buffer must be given, and nothing else.
    Raises:
        ValueError: one name is given in two mappings.
        RuntimeError: with `strict`, names are missing or unknown.
    """
    given = _merged(parameter_and_buffer_dicts)
    own = {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }
    unknown = sorted(given.keys() - own.keys())
    given = {name: x for name, x in given.items() if name in own}
    if tie_weights:
        given = _tied(given, own)
    missing = sorted(own.keys() - given.keys())
    if strict and (missing or unknown):
        raise RuntimeError(f"functional_call: missing names: {missing}, unknown names: {unknown}")
    arguments = args if isinstance(args, tuple) else () if args is None else (args,)
    with _swapped(module, given):
        return module(*arguments, **(kwargs or {}))


def _merged(dicts: State | Sequence[State]) -> dict[str, Tensor]:
    if isinstance(dicts, Mapping):
        return dict(dicts)
    if not isinstance(dicts, Sequence):
        raise ValueError(f"functional_call: expected a mapping, or a sequence of them, got {type(dicts).__name__}")
    merged: dict[str, Tensor] = {}
    for one in dicts:
        if twice := merged.keys() & one.keys():
            raise ValueError(f"functional_call: given in more than one mapping: {sorted(twice)}")
        merged.update(one)
    return merged


def _tied(given: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    replacements: dict[int, Tensor] = {}
    for name, x in given.items():
        if replacements.setdefault(id(own[name]), x) is not x:
            raise ValueError(f"functional_call: {name!r} is one tensor with another name, and both are given; give one")
    return {name: replacements[id(x)] for name, x in own.items() if id(x) in replacements}


@contextmanager
def _swapped(module: Module, given: dict[str, Tensor]) -> Iterator[None]:
    places = []
    for name, x in given.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        held: dict[str, Any] = owner._parameters if last in owner._parameters else owner._buffers
        places.append((held, last, held[last]))
        held[last] = x
    try:
        yield
    finally:
        for held, last, before in places:
            held[last] = before


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of modules of one architecture, those of each name stacked along a new first dimension.

    Raises:
        RuntimeError: there is no module, or they differ in class or in training mode.
    """
    if not models:
        raise RuntimeError("stack_module_state: at least one module is needed")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: the modules must all be in training mode, or all in evaluation mode")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: the modules must be of one class")
    return _stacked_by_name([m.named_parameters() for m in models]), _stacked_by_name(
        [m.named_buffers() for m in models]
    )


def _stacked_by_name(each: list[Iterator[tuple[str, Any]]]) -> dict[str, Tensor]:
    return {column[0][0]: _stacked([x for _, x in column]) for column in zip(*each, strict=True)}


def _stacked(tensors: list[Tensor]) -> Tensor:
    wanted = {x.requires_grad for x in tensors}
    if len(wanted) > 1:
        raise RuntimeError("stack_module_state: a parameter must require a gradient in all modules, or in none")
    return _native.stack(tensors).detach().requires_grad_(wanted.pop())


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Make every batch normalisation in `root` use the batch's own statistics; returns `root`."""
    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.track_running_stats = False
            module.running_mean = module.running_var = module.num_batches_tracked = None
    return root
