// Softmax and its logarithm: the rows around cpu/nn_rows.h.
#include "gen/ops/nn.h"
#include "cpu/nn_rows.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

// (outer, n, inner) of a row-major tensor around one dimension; a 0-d tensor has one element along it.
struct Around {
  int64_t outer = 1, n = 1, inner = 1;
  Around(DimSpan sizes, int dim) {
    for (int i = 0; i < sizes.n; ++i) (i < dim ? outer : i == dim ? n : inner) *= sizes[i];
  }
};

Ref softmax_row(const char* op, bool log, In input, int64_t dim, std::optional<DType> dtype) {
  const Around a(input->sizes(), wrap_dim(dim, input->ndim, op));
  const DType result = dtype.value_or(input->dtype);
  Ref y = rl::empty(input->sizes(), result, input->device);
  const bool computes = has_memory(y.get());
  if (computes && y->numel == 0) return y;  // of any dtype, as in PyTorch
  if (!is_floating(result)) no_kernel(op, result);
  if (!computes) return y;
  const Ref x = as_contiguous(as_dtype(input, result).get());
  by_floating(op, result, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(y->numel);
    cpu::softmax<T>(log, a.outer, a.n, a.inner, x->data_as<T>(), y->data_as<T>());
  });
  return y;
}

Ref softmax_grad_row(const char* op, bool log, In g, In y, int64_t dim) {
  const Around a(y->sizes(), wrap_dim(dim, y->ndim, op));
  check_same(op, "the gradient", g, "the result", y);
  RL_CHECK(g->sizes() == y->sizes(), Runtime, "%s: a gradient of shape %s does not fit a result of shape %s", op,
           shape_of(g).c_str(), shape_of(y).c_str());
  Ref dx = rl::empty(y->sizes(), y->dtype, y->device);
  if (!has_memory(dx.get()) || dx->numel == 0) return dx;
  const Ref dy = as_contiguous(g), result = as_contiguous(y);
  by_floating(op, dx->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(dx->numel);
    cpu::softmax_backward<T>(log, a.outer, a.n, a.inner, dy->data_as<T>(), result->data_as<T>(), dx->data_as<T>());
  });
  return dx;
}

}  // namespace

namespace kernels {

Ref softmax(In input, int64_t dim, std::optional<DType> dtype) {
  return softmax_row("softmax", false, input, dim, dtype);
}
Ref softmax_grad(In g, In y, int64_t dim) { return softmax_grad_row("softmax_grad", false, g, y, dim); }
Ref log_softmax(In input, int64_t dim, std::optional<DType> dtype) {
  return softmax_row("log_softmax", true, input, dim, dtype);
}
Ref log_softmax_grad(In g, In y, int64_t dim) { return softmax_grad_row("log_softmax_grad", true, g, y, dim); }

}  // namespace kernels
}  // namespace rl
