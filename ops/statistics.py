"""Products, spreads, norms and counts along dimensions, and comparisons of whole tensors."""

from ops.kinds import composite, kernel, reduction
from ops.row import complex_, every, floating, half_complex, number, real

# ------------------------------------------------------------------ products and sums

reduction("prod(input, *, dtype: DType | None = None)", out=False, types=number, map="x", combine="a * b", start="1",
          finish="a", integers_to_int64=True, grad={"input": "_prod_grad(g, input, y)"}, onnx="ReduceProd",
          doc="The product of all elements; integers and bools multiply as int64.")
reduction("prod(input, dim: int, keepdim: bool = False, *, dtype: DType | None = None)", overload="dim",
          node="ProdBackward1", types=number, map="x", combine="a * b", start="1", finish="a", integers_to_int64=True,
          grad={"input": "_prod_dim_grad(g, input, y, dim)"}, onnx="ReduceProd", doc="The product along dim.")
composite("_prod_grad(g, input, y)", run="prod_grad", private=True, method=False, samples="none",
          doc="The gradient of the product of all elements, right where some are 0.")
composite("_prod_dim_grad(g, input, y, dim: int)", run="prod_dim_grad", private=True, method=False, samples="none",
          doc="The gradient of the product along dim, right where some elements are 0.")
reduction("nansum(input, dim: Ints | None = None, keepdim: bool = False, *, dtype: DType | None = None)", types=real,
          map="where(x == x, x, 0)", combine="a + b", start="0", finish="a", integers_to_int64=True,
          grad={"input": "where(isnan(input), 0, g)"},
          exceptions={"meta": "PyTorch keeps all dimensions for dim=() here, as nowhere else",
                      "out: narrower": "PyTorch has no kernel that sums floats as integers"},
          doc="The sum along dim of all that is not NaN.")
composite("nanmean(input, dim: Ints | None = None, keepdim: bool = False, *, dtype: DType | None = None)", out=True,
          types=floating,
          exceptions={"meta": "PyTorch keeps all dimensions for dim=() here, as nowhere else",
                      "out": "PyTorch writes out= twice, which its version counts"},
          doc="The mean along dim of all that is not NaN.")
composite("count_nonzero(input, dim: Ints | None = None)", samples="flat_dims",
          doc="How many elements along dim are not 0.")

# ------------------------------------------------------------------ spread

kernel("_var(input, dim: Ints | None, correction: Number | None, keepdim: bool)", run="variance", private=True,
       method=False, types=floating + complex_ + half_complex, holomorphic=False,
       grad={"input": "_var_grad(g, input, dim, correction, keepdim)"},
       node="VarBackward0", samples="none", doc="The variance along dim, in two passes: divided by n - correction.")
kernel("_std(input, dim: Ints | None, correction: Number | None, keepdim: bool)", run="deviation", private=True,
       method=False, types=floating + complex_ + half_complex, holomorphic=False, node="StdBackward0",
       grad={"input": "_var_grad(where(y == 0, 0, g / (2 * y)), input, dim, correction, keepdim)"}, samples="none",
       doc="The square root of _var.")
composite("_var_grad(g, input, dim: Ints | None, correction: Number | None, keepdim: bool)", run="var_grad",
          private=True, method=False, samples="none", doc="The gradient of _var: 2 (input - mean) / (n - correction).")

for _name, _what in (("var", "variance"), ("std", "standard deviation")):
    for _overload, _arguments in (
        ("", "unbiased: bool = True"),
        ("dim", "dim: Ints | None, unbiased: bool = True, keepdim: bool = False"),
        ("correction", "dim: Ints | None = None, *, correction: Number | None = None, keepdim: bool = False"),
    ):
        _how = "all elements" if not _overload else "the elements along dim"
        _form = f"_{_overload}" if _overload else "_all"
        composite(f"{_name}(input, {_arguments})", overload=_overload, run=f"{_name}{_form}", out=bool(_overload),
                  samples=f"spread{_form}", tolerance=1e-12,
                  doc=f"The {_what} of {_how}; 1 / (n - 1), or 1 / (n - correction).")
        composite(f"{_name}_mean(input, {_arguments})", overload=_overload, run=f"{_name}_mean{_form}", method=False,
                  returns=("*",), samples=f"spread{_form}", tolerance=1e-12,
                  exceptions={"node_name": "two rows, so two nodes"}, doc=f"The {_what} and the mean of {_how}.")

# ------------------------------------------------------------------ norms

reduction("_euclidean_norm(input, dim: Ints | None, keepdim: bool = False)", types=floating, private=True, method=False,
          out=False, map="x * x", combine="a + b", start="0", finish="sqrt(a)", samples="none",
          doc="The square root of the sum of squares along dim: _vector_norm of order 2 without its gradient.")
kernel("_vector_norm(input, ord: float, dim: Ints | None, keepdim: bool)", run="vector_norm", private=True,
       method=False,
       types=floating + complex_ + half_complex, holomorphic=False,
       grad={"input": "_vector_norm_grad(g, input, y, ord, dim, keepdim)"}, samples="none",
       node="LinalgVectorNormBackward0", onnx="ReduceL2",
       doc="sum(abs(input) ** ord) ** (1 / ord) along dim; the maximum, minimum or count where ord is inf, -inf or 0.")
composite("_vector_norm_grad(g, input, y, ord: float, dim: Ints | None, keepdim: bool)", run="vector_norm_grad",
          private=True, method=False, samples="none", doc="The gradient of _vector_norm.")
composite("dist(input, other, p: Number = 2)", samples="dist", exceptions={"node_name": "a composite of the norm"},
          doc="The p-norm of input - other.")
kernel("logsumexp(input, dim: Ints, keepdim: bool = False)", types=floating + complex_, out=True, out_rule="",
       samples="along",
       grad={"input": "_logsumexp_grad(g, input, y, dim, keepdim)"}, onnx="ReduceLogSumExp",
       doc="log(sum(exp(input))) along dim, stable.")
composite("_logsumexp_grad(g, input, y, dim: Ints, keepdim: bool)", run="logsumexp_grad", private=True, method=False,
          samples="none", doc="The gradient of logsumexp: softmax(input) * g.")

# ------------------------------------------------------------------ both ends, traces, comparisons

composite("aminmax(input, *, dim: int | None = None, keepdim: bool = False)", out_rule="exact",
          returns=("min", "max"), out=True,
          samples="unary", exceptions={"node_name": "two rows, so two nodes"},
          doc="The minimum and the maximum along dim.")
composite("trace(input)", types=every, samples="one_matrix",
          exceptions={"node_name": "a composite of sum and diagonal"}, doc="The sum of a matrix's diagonal.")
composite("isclose(input, other, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False)", samples="close",
          doc="True where abs(input - other) <= atol + rtol * abs(other); infinities must be equal.")
composite("_equal(input, other)", types=every, run="equal", private=True, method=False, samples="none",
          doc="Whether shapes and elements are the same, as a 0-d bool tensor.")
