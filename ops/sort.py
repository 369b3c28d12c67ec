"""Orders: sorting, the largest, the middle, the most frequent; and what is looked up in sorted or unique elements."""

from ops.kinds import composite, kernel
from ops.row import boolean, every, real

# ------------------------------------------------------------------ sorting

kernel("_sort(input, dim: int, descending: bool, stable: bool)", run="sort", private=True, method=False,
       types=boolean + real, returns=("values", "indices"), undifferentiable=("indices",), node="SortBackward0",
       nodes={"stable": "SortBackward1"}, samples="none",
       grad={"input": "_put_along(g, input, dim, indices)"},
       doc="What sort gives; stable only tells the form of the call.")
for _overload, _arguments in (
    ("", "dim: int = -1, descending: bool = False"),
    ("stable", "*, stable: bool, dim: int = -1, descending: bool = False"),
):
    _form = _overload or "plain"
    composite(f"sort(input, {_arguments})", overload=_overload, run=f"sort_{_form}", returns=("values", "indices"),
              types=boolean + real, out=True, out_rule="exact", samples=f"sort_{_form}", onnx="TopK",
              doc="The elements along dim in order, and where they stood. Equals keep their order; NaN is the largest.")
    composite(f"argsort(input, {_arguments})", overload=_overload,
              run=f"argsort_{_form}", types=boolean + real, samples=f"sort_{_form}",
              doc="The indices that sort the elements along dim.")
composite("msort(input)", out_rule="exact", types=boolean + real, out=True, samples="along_first",
          doc="The elements along the first dimension in order.")
kernel("topk(input, k: int, dim: int = -1, largest: bool = True, sorted: bool = True)", types=real, samples="topk",
       returns=("values", "indices"), undifferentiable=("indices",), out=True, onnx="TopK",
       grad={"input": "_put_along(g, input, dim, indices)"},
       doc="The k largest (or smallest) elements along dim, in order, and where they stand.")
kernel("_put_along(g, input: Sizes, dim: int, indices)", run="put_along", private=True, method=False, types=every,
       grad={"g": "_take_along(g, dim, indices)"}, samples="none",
       doc="Zeros of that size, with g added at indices along dim.")
kernel("_take_along(input, dim: int, indices)", run="take_along", private=True, method=False,
       grad={"input": "_put_along(g, input, dim, indices)"}, samples="none",
       widens=False, doc="The elements of input at indices along dim.")

# ------------------------------------------------------------------ one element of the order

for _name, _arguments, _doc in (
    ("kthvalue", "k: int, dim: int = -1", "The k-th smallest element along dim, and where it stands."),
    ("mode", "dim: int = -1", "The most frequent element along dim (the smallest of those), and its last place."),
):
    kernel(f"{_name}(input, {_arguments}, keepdim: bool = False)", types=real if _name != "mode" else boolean + real,
           returns=("values", "indices"), undifferentiable=("indices",), out=True, samples=_name,
           grad={"input": "_select_grad(g, input, dim, indices, keepdim)"}, doc=_doc)
for _name, _doc in (
    ("median", "The lower middle element; NaN where an element is NaN"),
    ("nanmedian", "The lower middle element of those that are not NaN"),
):
    kernel(f"{_name}(input)", run=f"{_name}_all", types=real, grad={"input": "_median_grad(g, input, y)"},
           doc=f"{_doc}.")
    kernel(f"{_name}(input, dim: int, keepdim: bool = False)", overload="dim", run=f"{_name}_dim", types=real,
           node=f"{_name.title()}Backward1", returns=("values", "indices"), undifferentiable=("indices",), out=True,
           samples="median_dim",
           exceptions={"layouts: expanded": "which of equal elements is chosen is open",
                       "gradient: expanded": "which of equal elements is chosen is open"},
           grad={"input": "_select_grad(g, input, dim, indices, keepdim)"},
           doc=f"{_doc}, along dim, and where it stands.")
composite("_median_grad(g, input, y)", run="median_grad", private=True, method=False, samples="none",
          doc="The gradient of a median of all elements: shared by those that equal it.")

# ------------------------------------------------------------------ unique elements, counts, look-up

kernel("_unique(input)", run="unique", private=True, method=False, types=boolean + real, samples="none",
       returns=("output", "inverse_indices", "counts"), undifferentiable=("inverse_indices", "counts"),
       node="Unique2Backward0", grad={"input": "_no_derivative(g, 'unique', True)"},
       doc="The different elements in order, where each element of input went, and how often each occurs.")
kernel("_unique_consecutive(input)", run="unique_consecutive", private=True, method=False, types=boolean + real,
       samples="none", returns=("output", "inverse_indices", "counts"), undifferentiable=("inverse_indices", "counts"),
       node="UniqueConsecutiveBackward0", grad={"input": "_no_derivative(g, 'unique_consecutive', True)"},
       doc="The first of each run of equal elements, the run of each element, and the runs' lengths.")
for _name, _node, _refused, _doc in (
    ("unique_dim", "UniqueDimBackward0", "unique_dim", "The different slices along dim, as _unique gives elements."),
    ("unique_dim_consecutive", "UniqueConsecutiveBackward0", "unique_consecutive",
     "The first of each run of equal slices along dim."),
):
    kernel(f"_{_name}(input, dim: int)", run=_name, private=True, method=False, types=boolean + real, samples="none",
           returns=("output", "inverse_indices", "counts"), undifferentiable=("inverse_indices", "counts"), node=_node,
           grad={"input": f"_no_derivative(g, '{_refused}', True)"}, doc=_doc)
kernel("bincount(input, weights: Tensor | None = None, minlength: int = 0)", types=real, samples="bincount",
       widens=False, doc="How often each number from 0 on occurs, or the sum of the weights of its occurrences.")
kernel("histc(input, bins: int = 100, min: Number = 0, max: Number = 0)", types=real, samples="histc", out=True,
       undifferentiable=("y",),
       exceptions={"out: requires grad": "PyTorch lets a counting row write into a tensor that wants a gradient"},
       widens=False,
       doc="Counts in bins of one width from min to max; where both are equal, from the least to the largest element.")
kernel("_searchsorted(sorted_sequence, input, out_int32: bool, right: bool, sorter: Tensor | None)", run="searchsorted",
       private=True, method=False, types=real, samples="none",
       doc="Where each element would go in the sorted rows: before its equals, or behind them (right).")
kernel("_isin(elements, test_elements, invert: bool)", run="isin", private=True, method=False, types=boolean + real,
       samples="none", doc="True where an element is one of the test elements.")
