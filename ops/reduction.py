"""Rows that combine elements along dimensions."""

from ops.kinds import composite, kernel, reduction
from ops.row import boolean, complex_, floating, number, real

reduction("sum(input, *, dtype: DType | None = None)", out=False, types=number, map="x", combine="a + b", start="0",
          finish="a",
          integers_to_int64=True, grad={"input": "expand(g, input)"}, onnx="ReduceSum", tolerance=1e-6,
          doc="The sum of all elements; integers and bools sum as int64. The order of additions is not PyTorch's.")
reduction("sum(input, dim: Ints | None, keepdim: bool = False, *, dtype: DType | None = None)", overload="dim",
          node="SumBackward1", types=number, map="x", combine="a + b", start="0", finish="a", integers_to_int64=True,
          grad={"input": "expand(g, input)"}, onnx="ReduceSum",
          doc="The sum along dim, an int or several; all where it is None or empty.")
reduction("mean(input, *, dtype: DType | None = None)", types=floating + complex_, map="x", combine="a + b", start="0",
          finish="a / n", floating_only=True, grad={"input": "expand(g / count, input)"}, onnx="ReduceMean",
          doc="The mean of all elements.")
reduction("mean(input, dim: Ints | None, keepdim: bool = False, *, dtype: DType | None = None)", overload="dim",
          node="MeanBackward1", types=floating + complex_, map="x", combine="a + b", start="0", finish="a / n",
          floating_only=True, grad={"input": "expand(g / count, input)"}, onnx="ReduceMean",
          doc="The mean along dim, an int or several.")
reduction("amax(input, dim: Ints | None = (), keepdim: bool = False)", out_rule="exact", types=boolean + real, map="x",
          combine="maximum(a, b)", start="lowest", finish="a",
          grad={"input": "g * (input == y) / sum(input == y, dim, True)"}, onnx="ReduceMax",
          doc="The maximum along dim. Ties share the gradient.")
reduction("amin(input, dim: Ints | None = (), keepdim: bool = False)", out_rule="exact", types=boolean + real, map="x",
          combine="minimum(a, b)", start="highest", finish="a",
          grad={"input": "g * (input == y) / sum(input == y, dim, True)"}, onnx="ReduceMin",
          doc="The minimum along dim. Ties share the gradient.")
reduction("max(input)", types=boolean + real, map="x", combine="maximum(a, b)", start="lowest", finish="a",
          node="MaxBackward1", out=False,
          grad={"input": "where(where(y == y, input == y, input != input), "
                         "g / sum(where(y == y, input == y, input != input)), 0)"},
          doc="The maximum of all elements; NaN wins.")
reduction("min(input)", types=boolean + real, map="x", combine="minimum(a, b)", start="highest", finish="a",
          node="MinBackward1", out=False,
          grad={"input": "where(where(y == y, input == y, input != input), "
                         "g / sum(where(y == y, input == y, input != input)), 0)"},
          doc="The minimum of all elements; NaN wins.")
composite("max(input, other)", overload="other", run="max_other", samples="none", doc="maximum(input, other).")
composite("min(input, other)", overload="other", run="min_other", samples="none", doc="minimum(input, other).")
kernel("max(input, dim: int, keepdim: bool = False)", overload="dim", run="max_dim", types=boolean + real,
       returns=("values", "indices"), undifferentiable=("indices",), out=True, node="MaxBackward0",
       grad={"input": "_select_grad(g, input, dim, indices, keepdim)"}, onnx="TopK",
       doc="The maximum along dim and where it stands: the first of equals.")
kernel("min(input, dim: int, keepdim: bool = False)", overload="dim", run="min_dim", types=boolean + real,
       returns=("values", "indices"), undifferentiable=("indices",), out=True, node="MinBackward0",
       grad={"input": "_select_grad(g, input, dim, indices, keepdim)"},
       doc="The minimum along dim and where it stands: the first of equals.")
kernel("argmax(input, dim: int | None = None, keepdim: bool = False)", types=boolean + real, out=True, onnx="ArgMax",
       doc="Where the maximum stands along dim, or in the flattened tensor.")
kernel("argmin(input, dim: int | None = None, keepdim: bool = False)", types=boolean + real, out=True, onnx="ArgMin",
       doc="Where the minimum stands along dim, or in the flattened tensor.")
reduction("any(input, dim: Ints | None = None, keepdim: bool = False)", out_rule="truth", types=boolean, map="x",
          combine="maximum(a, b)", start="0", finish="a", bool_output=True,
          exceptions={"meta: ())": "PyTorch's copy has other strides on meta than on the CPU"},
          doc="True where any element along dim is nonzero.")
reduction("all(input, dim: Ints | None = None, keepdim: bool = False)", out_rule="truth", types=boolean, map="x",
          combine="minimum(a, b)", start="1", finish="a", bool_output=True,
          exceptions={"meta: ())": "PyTorch's copy has other strides on meta than on the CPU"},
          doc="True where every element along dim is nonzero.")
kernel("_select_grad(g, input: Sizes, dim: int, indices, keepdim: bool)", run="select_grad", private=True,
       method=False, grad={"g": "_select_take(g, dim, indices, keepdim)"}, samples="none",
       widens=False, doc="The gradient of a selection along dim: g at indices, 0 elsewhere, in the shape of input.")
kernel("_select_take(input, dim: int, indices, keepdim: bool)", run="select_take", private=True,
       method=False, grad={"input": "_select_grad(g, input, dim, indices, keepdim)"}, samples="none",
       widens=False, doc="The elements of input at indices along dim.")
