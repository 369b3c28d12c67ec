"""Rows that read and write elements at index tensors or under masks, out of place and in place."""

from ops.kinds import composite, creation, inplace, kernel
from ops.row import every


def _both(name: str, arguments: str, *, grad: dict[str, str], doc: str, **fields: object) -> None:
    """The row, and the one that writes its first argument instead of a copy."""
    overload = fields.get("overload", "")
    run = f"{name}_{overload}" if overload else name
    out = fields.pop("out", True)
    kernel(f"{name}(input, {arguments})", run=run, out=out, grad=grad, doc=doc, **fields)
    own = {("self" if k == "input" else k): v.replace(", input)", ", self)").replace("(input, ", "(self, ").replace(
        " input, ", " self, ") for k, v in grad.items()}
    inplace(f"{name}_(self, {arguments})", run=f"{run}_in_place", grad=own, doc=f"{doc} In place.", **fields)



# ------------------------------------------------------------------ along a dimension: index has the result's shape

kernel("gather(input, dim: int, index, *, sparse_grad: bool = False)", types=every, out=True,
       grad={"input": "_gather_grad(g, input, dim, index)"}, samples="gather", onnx="GatherElements",
       widens=False, doc="At each place of index the element of input whose position along dim index gives.")
kernel("_gather_grad(g, input: Sizes, dim: int, index)", run="gather_grad", private=True, method=False,
       grad={"g": "gather(g, dim, index)"}, samples="none", doc="Zeros of that size with g added at index along dim.")
composite("take_along_dim(input, indices, dim: int | None = None)", out_rule="exact", out=True, samples="none",
          doc="gather with the shapes broadcast; of all elements in one dimension where dim is None.")
_both("scatter", "dim: int, index, src", types=every, samples="scatter",
      grad={"input": "scatter(g, dim, index, 0)", "src": "view(gather(g, dim, index), src)"},
      widens=False, doc="src written at index along dim.")
_both("scatter", "dim: int, index, value: Number", overload="value", types=every, samples="scatter_value",
      node="ScatterBackward1",
      grad={"input": "scatter(g, dim, index, 0)"}, widens=False, doc="value written at index along dim.")
_both("scatter", "dim: int, index, src, *, reduce: str", overload="src_reduce", samples="none", grad={},
      doc="src added ('add') or multiplied ('multiply') at index along dim.")
_both("scatter", "dim: int, index, value: Number, *, reduce: str", overload="value_reduce", samples="none", grad={},
      doc="value added ('add') or multiplied ('multiply') at index along dim.")
_both("scatter_add", "dim: int, index, src", samples="scatter",
      grad={"input": "g", "src": "view(gather(g, dim, index), src)"},
      doc="src added at index along dim.")
kernel("scatter_reduce(input, dim: int, index, src, reduce: str, *, include_self: bool = True)", out=True,
       samples="scatter_reduce", complex_gradient=False,
       exceptions={"complex_tangent: prod": "PyTorch's is 0, and there is no gradient to compare"},
       grad={"input": "_scatter_reduce_grad(g, input, dim, index, src, reduce, include_self, y, False)",
             "src": "_scatter_reduce_grad(g, input, dim, index, src, reduce, include_self, y, True)"},
       doc="src combined at index along dim: 'sum', 'prod', 'mean', 'amax' or 'amin'.")
composite("scatter_reduce_(self, dim: int, index, src, reduce: str, *, include_self: bool = True)", function=False,
          run="scatter_reduce_in_place", samples="none", doc="scatter_reduce in place.")
composite("_scatter_reduce_grad(g, input, dim: int, index, src, reduce: str, include_self: bool, y, of_src: bool)",
          run="scatter_reduce_grad", private=True, method=False, samples="none",
          doc="The gradient of scatter_reduce for src or for input. Ties of amax and amin share it.")

# ------------------------------------------------------------------ along a dimension: index is a vector

_both("index_add", "dim: int, index, source, *, alpha: Number = 1", widens=False, samples="index_copy",
      grad={"input": "g", "source": "_sum_to(index_select(g, dim, index) * alpha, source)"},
      doc="alpha times the slices of source added at index along dim.")
_both("index_copy", "dim: int, index, source", samples="index_copy",
      grad={"input": "index_fill(g, dim, index, 0)", "source": "_sum_to(index_select(g, dim, index), source)"},
      widens=False, doc="The slices of source written at index along dim.")
_both("index_fill", "dim: int, index, value: Operand", samples="index_fill", out=False, node="IndexFillBackward1",
      nodes={"number(value)": "IndexFillBackward0"},
      grad={"input": "index_fill(g, dim, index, 0)", "value": "_index_fill_value_grad(g, dim, index)"},
      widens=False, doc="value written to the slices at index along dim.")
composite("_index_fill_value_grad(g, dim: int, index)", run="index_fill_value_grad", private=True, method=False,
          samples="none", doc="The sum of g over the slices at index, each counted once.")
for _mark in ("", "_"):
    _self = "self" if _mark else "input"
    composite(f"index_reduce{_mark}({_self}, dim: int, index, source, reduce: str, *, include_self: bool = True)",
              run=f"index_reduce{'_in_place' * bool(_mark)}", function=not _mark, out=not _mark, samples="none",
              doc="The slices of source combined at index along dim: 'prod', 'mean', 'amax' or 'amin'.")
composite("index_put(input, indices: Indices, values, accumulate: bool = False)", samples="none",
          doc="A copy with values written at the indices, or added.")

# ------------------------------------------------------------------ among all elements

kernel("take(input, index)", types=every, out=True, grad={"input": "_take_grad(g, input, index)"}, samples="take",
       widens=False, doc="The elements at those places of input read as one vector.")
kernel("_take_grad(g, input: Sizes, index)", run="take_grad", private=True, method=False,
       grad={"g": "take(g, index)"}, samples="none", doc="Zeros of that size with g added at index.")
_both("put", "index, source, accumulate: bool = False", types=every, samples="put", out=False,
      grad={"input": "_put_clear(g, index, accumulate)", "source": "view(take(g, index), source)"},
      widens=False, doc="source written (or added) at those places of input read as one vector.")
composite("_put_clear(g, index, accumulate: bool)", run="put_clear", private=True, method=False, samples="none",
          doc="g with zeros at index, unless accumulate.")

# ------------------------------------------------------------------ masks

_both("masked_fill", "mask, value: Operand", samples="masked_fill", out=False, node="MaskedFillBackward1",
      nodes={"number(value)": "MaskedFillBackward0"},
      grad={"input": "_sum_to(masked_fill(g, mask, 0), input)", "value": "sum(where(mask, g, 0))"}, onnx="Where",
      widens=False, doc="value where mask holds.")
_both("masked_scatter", "mask, source", types=every, samples="masked_scatter", out=False,
      grad={"input": "_sum_to(masked_fill(g, mask, 0), input)", "source": "_masked_scatter_grad(g, mask, source)"},
      widens=False, doc="The elements of source, in order, where mask holds.")
composite("_masked_scatter_grad(g, mask, source: Sizes)", run="masked_scatter_grad", private=True, method=False,
          samples="none", doc="What stands in g under the mask, and zeros, in that shape.")
kernel("masked_select(input, mask)", out=True, grad={"input": "_masked_select_grad(g, input, mask)"},
       samples="masked_select",
       exceptions={"out": "PyTorch warns even where an out= of another size has no elements in use"},
       widens=False, doc="The elements where mask holds, in one dimension.")
composite("_masked_select_grad(g, input: Sizes, mask)", run="masked_select_grad", private=True, method=False,
          samples="none", doc="Zeros of that size with g where mask holds.")

# ------------------------------------------------------------------ a view of a copy, written

DENSE = {
    "layouts": "PyTorch's copy keeps the gaps of a sliced tensor's memory; ours is dense",
    "out": "PyTorch lets slice_scatter write out= while a gradient is asked for",
}
for _view, _arguments, _call in (
    ("select", "dim: int, index: int", "dim, index"),
    ("slice", "dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1", "dim, start, end, step"),
    ("diagonal", "offset: int = 0, dim1: int = 0, dim2: int = 1", "offset, dim1, dim2"),
    ("as_strided", "size: IntList, stride: IntList, storage_offset: int | None = None", "size, stride, storage_offset"),
):
    _gradient = "contiguous(g)" if _view == "as_strided" else "g"  # its strides are those of a dense tensor
    kernel(f"{_view}_scatter(input, src, {_arguments})", out=_view == "slice",
           samples="none" if _view == "as_strided" else f"{_view}_scatter", exceptions=DENSE,
           grad={"input": f"{_view}_scatter(g, zeros_like(src), {_call})", "src": f"{_view}({_gradient}, {_call})"},
           widens=False, doc=f"A copy of input with src in the place that {_view} would show.")

# ------------------------------------------------------------------ where elements are nonzero

composite("argwhere(input)", samples="none", doc="The indices of the nonzero elements, one row each.")
composite("where(condition)", overload="condition", run="where_nonzero", method=False, returns=("*",), samples="none",
          doc="The indices of the nonzero elements, one tensor a dimension.")
composite("nonzero_static(input, *, size: int, fill_value: int = -1)", out=True, samples="none",
          doc="The first size rows of nonzero, filled up with fill_value.")

# ------------------------------------------------------------------ numbers in order

creation("linspace(start: Number, end: Number, steps: int)", types=every, samples="none",
         doc="steps numbers from start to end, evenly spaced.")
creation("logspace(start: Number, end: Number, steps: int, base: float = 10.0)", types=every, samples="none",
         doc="base to the power of steps numbers from start to end, evenly spaced.")
creation("empty_permuted(size: IntList, physical_layout: IntList)", samples="none",
         doc="Uninitialised, dense, with the dimensions in that order in memory.")
