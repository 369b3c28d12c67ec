"""Running sums, products and extremes along a dimension, and differences."""

from ops.kinds import composite, inplace, kernel
from ops.row import boolean, complex_, floating, number, real

kernel("cumsum(input, dim: int, *, dtype: DType | None = None)", types=number, out=True, samples="scan",
       grad={"input": "_reverse(cumsum(_reverse(g, dim), dim), dim)"}, onnx="CumSum",
       doc="Sums of the elements up to each place along dim; integers and bools sum as int64.")
kernel("cumprod(input, dim: int, *, dtype: DType | None = None)", types=number, out=True, samples="scan",
       grad={"input": "_cumprod_grad(g, input, y, dim)"},
       doc="Products of the elements up to each place along dim; integers and bools multiply as int64.")
composite("_cumprod_grad(g, input, y, dim: int)", run="cumprod_grad", private=True, method=False, samples="none",
          doc="The gradient of cumprod, right where some elements are 0.")
for _name, _what in (("cumsum", "sums"), ("cumprod", "products")):
    _grad = {"cumsum": "_reverse(cumsum(_reverse(g, dim), dim), dim)",
             "cumprod": "_cumprod_grad(g, self_, cumprod(self_, dim), dim)"}[_name]
    inplace(f"{_name}_(self_, dim: int, *, dtype: DType | None = None)", run=f"{_name}_in_place", types=number,
            samples="scan", node=f"{_name.title()}Backward0", grad={"self_": _grad},
            doc=f"{_name} in place: the running {_what} take the elements' places.")
for _name, _which in (("cummax", "maximum"), ("cummin", "minimum")):
    kernel(f"{_name}(input, dim: int)", types=boolean + real, returns=("values", "indices"),
           undifferentiable=("indices",),
           out=True, samples="scan", grad={"input": "_put_along(g, input, dim, indices)"},
           doc=f"The {_which} of the elements up to each place along dim, and where it stands: the last of equals.")
kernel("logcumsumexp(input, dim: int)", types=floating + complex_, out=True, samples="scan",
       grad={"input": "_logcumsumexp_grad(g, input, y, dim)"},
       graph={"input": "_logcumsumexp_grad_composed(g, input, y, dim)"},
       doc="log(cumsum(exp(input))) along dim, stable.")
kernel("_logcumsumexp_grad(g, input, y, dim: int)", run="logcumsumexp_grad", private=True, method=False,
       types=floating + complex_, samples="none", doc="The gradient of logcumsumexp, in one stable pass.")
composite("_logcumsumexp_grad_composed(g, input, y, dim: int)", run="logcumsumexp_grad_composed", private=True,
          method=False, samples="none", doc="The same made of rows, for second derivatives.")
composite("_reverse(input, dim: int)", run="reverse", private=True, method=False, samples="none",
          doc="The elements along dim, the last first.")
composite("diff(input, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None)",
          out=True, samples="diff", doc="Differences of neighbours along dim, taken n times.")
