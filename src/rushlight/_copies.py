"""Forms of the views that copy: the same elements in memory of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _native
from ._native import Tensor
from ._out import written

__all__ = [
    "alias_copy", "as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "narrow_copy", "permute_copy",
    "select_copy", "slice_copy", "split_copy", "split_with_sizes_copy", "squeeze_copy", "t_copy", "transpose_copy",
    "unbind_copy", "unfold_copy", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "unsqueeze_copy",
    "view_copy",
]  # fmt: skip


def attach(cls: type) -> None:
    """Gives Tensor those of the functions that are its methods."""
    for function in (narrow_copy, unsafe_chunk, unsafe_split, unsafe_split_with_sizes):
        setattr(cls, function.__name__, function)


def _copied(x: Tensor) -> Tensor:
    return x.clone(memory_format=_native.contiguous_format)


def _copying(name: str, view: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def copy(input: Tensor, *args: Any, out: Tensor | None = None, **kwargs: Any) -> Tensor:
        result = view(input, *args, **kwargs)
        return _copied(result) if out is None else written(result, out)

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"A copy of what `{name.removesuffix('_copy')}` gives."
    return copy


def _copying_all(name: str, view: Callable[..., Any]) -> Callable[..., Any]:
    def copy(input: Tensor, *args: Any, out: Any = None, **kwargs: Any) -> Any:
        results = view(input, *args, **kwargs)
        if out is None:
            return tuple(_copied(x) for x in results)
        for target, x in zip(out, results, strict=True):
            written(x, target)
        return None

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"Copies of what `{name.removesuffix('_copy').removeprefix('unsafe_')}` gives."
    return copy


def _slice(input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Tensor:
    index: list[Any] = [slice(None)] * input.dim()
    index[dim] = slice(start, end, step)
    return input[tuple(index)]


def _unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    return input.unfold(dimension, size, step)


def _view(input: Tensor, size: Any = None, *, dtype: Any = None) -> Tensor:
    return input.view(size) if dtype is None else input.view(dtype)


alias_copy = _copying("alias_copy", lambda input: input)
as_strided_copy = _copying("as_strided_copy", _native.as_strided)
detach_copy = _copying("detach_copy", _native.detach)
diagonal_copy = _copying("diagonal_copy", _native.diagonal)
expand_copy = _copying("expand_copy", lambda input, size, *, implicit=False: input.expand(size))
narrow_copy = _copying("narrow_copy", _native.narrow)
permute_copy = _copying("permute_copy", _native.permute)
select_copy = _copying("select_copy", _native.select)
slice_copy = _copying("slice_copy", _slice)
squeeze_copy = _copying("squeeze_copy", _native.squeeze)
t_copy = _copying("t_copy", _native.t)
transpose_copy = _copying("transpose_copy", _native.transpose)
unfold_copy = _copying("unfold_copy", _unfold)
unsqueeze_copy = _copying("unsqueeze_copy", _native.unsqueeze)
view_copy = _copying("view_copy", _view)
split_copy = _copying_all("split_copy", lambda input, split_size, dim=0: input.split(split_size, dim))
split_with_sizes_copy = _copying_all("split_with_sizes_copy", lambda input, split_sizes, dim=0:
                                     input.split(list(split_sizes), dim))
unbind_copy = _copying_all("unbind_copy", lambda input, dim=0: input.unbind(dim))
unsafe_chunk = _copying_all("unsafe_chunk", lambda input, chunks, dim=0: input.chunk(chunks, dim))
unsafe_split = _copying_all("unsafe_split", lambda input, split_size, dim=0: input.split(split_size, dim))
unsafe_split_with_sizes = _copying_all("unsafe_split_with_sizes", lambda input, split_sizes, dim=0:
                                       input.split(list(split_sizes), dim))
