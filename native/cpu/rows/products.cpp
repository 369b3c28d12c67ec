// Operations made of matrix products.
#include "gen/ops/products.h"
#include "base/error.h"
#include "cpu/rows/by_dtype.h"
#include "cpu/rows/write_back.h"
#include "gen/ops/complex.h"
#include "gen/ops/linalg.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"

namespace rl::compose {
namespace {

// beta * input + alpha * product; the input only lends its shape where beta is 0. Integers take the whole parts of
// both.
Ref scaled_sum(const char* op, In input, const Ref& product, const Scalar& beta_given, const Scalar& alpha_given) {
  const bool whole = category_of(input->dtype) <= Category::Integral;
  const Scalar beta = whole ? Scalar(beta_given.to_int()) : beta_given;
  const Scalar alpha = whole ? Scalar(alpha_given.to_int()) : alpha_given;
  RL_CHECK(input->dtype == product->dtype, Runtime,
           "%s: input is %s but the product is %s; convert one with .to(dtype)", op, name_of(input->dtype),
           name_of(product->dtype));
  RL_CHECK(broadcast_sizes(input->sizes(), product->sizes(), op) == Dims(product->sizes()), Runtime,
           "%s: an input of shape %s does not broadcast to the product's shape %s", op, shape_of(input).c_str(),
           shape_of(product.get()).c_str());
  Ref scaled = alpha.is(1) ? product : ops::mul(product, alpha);
  if (beta.is(0)) return scaled;
  return ops::add(scaled, beta.is(1) ? Ref::retain(input.mutable_tensor()) : ops::mul(input.tensor(), beta));
}

// Sizes of other than batches are asked for before anything else is looked at.
void check_batches(const char* op, In batch1, In batch2) {
  RL_CHECK(batch1->ndim >= 2 && batch2->ndim >= 3, Index, "%s: expected batches of matrices, got shapes %s and %s", op,
           shape_of(batch1).c_str(), shape_of(batch2).c_str());
}

void check_vectors(const char* op, In a, In b) {
  RL_CHECK(a->ndim == 1 && b->ndim == 1, Runtime, "%s: expected two vectors, got shapes %s and %s", op,
           shape_of(a).c_str(), shape_of(b).c_str());
}

}  // namespace

Ref addmm(In input, In mat1, In mat2, const Scalar& beta, const Scalar& alpha) {
  const bool whole = category_of(input->dtype) <= Category::Integral;
  RL_CHECK(!whole || (beta.category <= Category::Integral && alpha.category <= Category::Integral), Runtime,
           "addmm: beta and alpha must be integers for tensors of dtype %s", name_of(input->dtype));
  return scaled_sum("addmm", input, ops::mm(mat1, mat2), beta, alpha);
}
Ref addmm_(In self, In mat1, In mat2, const Scalar& beta, const Scalar& alpha) {
  return write_back("addmm_", self, addmm(self, mat1, mat2, beta, alpha));
}

Ref addmv(In input, In mat, In vec, const Scalar& beta, const Scalar& alpha) {
  RL_CHECK(mat->ndim == 2 && vec->ndim == 1, Runtime, "addmv: expected a matrix and a vector, got shapes %s and %s",
           shape_of(mat).c_str(), shape_of(vec).c_str());
  return scaled_sum("addmv", input, ops::mv(mat, vec), beta, alpha);
}
Ref addmv_(In self, In mat, In vec, const Scalar& beta, const Scalar& alpha) {
  return write_back("addmv_", self, addmv(self, mat, vec, beta, alpha));
}

Ref baddbmm(In input, In batch1, In batch2, const Scalar& beta, const Scalar& alpha) {
  check_batches("baddbmm", batch1, batch2);
  return scaled_sum("baddbmm", input, ops::bmm(batch1, batch2), beta, alpha);
}
Ref baddbmm_(In self, In batch1, In batch2, const Scalar& beta, const Scalar& alpha) {
  return write_back("baddbmm_", self, baddbmm(self, batch1, batch2, beta, alpha));
}

Ref addbmm(In input, In batch1, In batch2, const Scalar& beta, const Scalar& alpha) {
  check_batches("addbmm", batch1, batch2);
  const Ref product = ops::sum(ops::bmm(batch1, batch2), Dims{0}, false, batch1->dtype);
  return scaled_sum("addbmm", input, product, beta, alpha);
}
Ref addbmm_(In self, In batch1, In batch2, const Scalar& beta, const Scalar& alpha) {
  return write_back("addbmm_", self, addbmm(self, batch1, batch2, beta, alpha));
}

Ref addr(In input, In vec1, In vec2, const Scalar& beta, const Scalar& alpha) {
  check_vectors("addr", vec1, vec2);
  Ref product = ops::outer(vec1, vec2);
  const bool bools = input->dtype == DType::Bool && product->dtype == DType::Bool;
  auto times = [bools](const Ref& x, const Scalar& factor) {
    return factor.is(1) || (bools && factor.to_bool()) ? x : ops::mul(x, bools ? Scalar(false) : factor);
  };
  Ref scaled = times(product, alpha);
  RL_CHECK(broadcast_sizes(input->sizes(), product->sizes(), "addr") == Dims(product->sizes()), Runtime,
           "addr: an input of shape %s does not broadcast to the product's shape %s", shape_of(input).c_str(),
           shape_of(product.get()).c_str());
  return beta.is(0) ? scaled : ops::add(scaled, times(Ref::retain(input.mutable_tensor()), beta));
}
Ref addr_(In self, In vec1, In vec2, const Scalar& beta, const Scalar& alpha) {
  return write_back("addr_", self, addr(self, vec1, vec2, beta, alpha));
}

Ref outer(In input, In vec2) {
  check_vectors("outer", input, vec2);
  return ops::mul(ops::unsqueeze(input, 1), vec2.tensor());
}

Ref inner(In input, In other) {
  if (!input->ndim || !other->ndim) return ops::mul(input.tensor(), other.tensor());
  const int64_t k = input->size(input->ndim - 1);
  RL_CHECK(k == other->size(other->ndim - 1), Runtime, "inner: the last dimensions of shapes %s and %s must be equal",
           shape_of(input).c_str(), shape_of(other).c_str());
  if (input->ndim == 1 && other->ndim == 1) return ops::dot(input, other);
  Dims sizes(input->sizes().ptr, input->ndim - 1);
  const int64_t rows = product(sizes);
  int64_t columns = 1;
  for (int i = 0; i + 1 < other->ndim; ++i) {
    sizes.push_back(other->size(i));
    columns *= other->size(i);
  }
  Ref y = ops::mm(ops::reshape(input, Dims{rows, k}), ops::t(ops::reshape(other, Dims{columns, k})));
  return ops::view(y, sizes);
}

Ref vdot(In input, In other) {
  check_vectors("vdot", input, other);
  return ops::dot(is_complex(input->dtype) ? ops::conj(input) : Ref::retain(input.mutable_tensor()), other);
}

}  // namespace rl::compose
