// Matrix products: what the rows check and return around cpu/matmul.h, and matmul made of them.
#include <algorithm>

#include "cpu/matmul.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/linalg.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

int64_t work_of(const cpu::MatmulShape& s) {
  return static_cast<int64_t>(std::min(1e18, static_cast<double>(s.batch) * static_cast<double>(s.m) *
                                                 static_cast<double>(s.n) * static_cast<double>(s.k)));
}

// Writes a product into `c`; `beta` 1 adds it to what stands there. `bias` has n contiguous values, or is null.
void multiply(const char* op, const cpu::MatmulShape& shape, const Tensor* a, const Tensor* b, Tensor* c,
              const Tensor* bias = nullptr, int beta = 0) {
  if (!has_memory(c)) return;
  const DType computed = c->dtype == DType::Bool ? DType::UInt8 : c->dtype;  // zeros, where nothing is multiplied
  by_arithmetic(op, computed, [&](auto zero) {
    using T = decltype(zero);
    const T *left = a->data_as<T>(), *right = b->data_as<T>(), *row = bias ? bias->data_as<T>() : nullptr;
    T* out = c->data_as<T>();
    Unlocked unlocked(work_of(shape));
    cpu::matmul<T>(shape, left, right, out, row, T(1), T(beta));
  });
}

void check_operands(const char* op, const char* a_name, const Tensor* a, int a_dims, const char* b_name,
                    const Tensor* b, int b_dims) {
  RL_CHECK(a->ndim == a_dims && b->ndim == b_dims, Runtime,
           "%s: %s must have %d dimensions and %s %d, got shapes %s and %s; matmul takes vectors, matrices and batches "
           "of them",
           op, a_name, a_dims, b_name, b_dims, shape_of(a).c_str(), shape_of(b).c_str());
  check_same(op, a_name, a, b_name, b);
  if (a->dtype == DType::Bool && (a_dims + b_dims == 2 || (a->numel && b->numel))) no_kernel(op, a->dtype);
}

// The dimension that is summed over, the last of `a`, must have one size in both.
void check_inner(const char* op, const char* a_name, const Tensor* a, const char* b_name, const Tensor* b, int b_dim) {
  const int64_t k = a->size(a->ndim - 1);
  if (k == b->size(b_dim)) [[likely]]
    return;
  const bool turned = b->ndim > 1 && k == b->size(b_dim == b->ndim - 1 ? b_dim - 1 : b_dim + 1);
  fail(ErrorType::Runtime, "%s: %s %s and %s %s do not fit: the marked sizes must be equal%s%s%s", op, a_name,
       marked(a->sizes(), -1).c_str(), b_name, marked(b->sizes(), b_dim).c_str(), turned ? "; transpose " : "",
       turned ? b_name : "", turned ? ", with .mT" : "");
}

Dims leading(DimSpan sizes, int dropped) { return Dims(sizes.ptr, sizes.n - dropped); }

Dims with(Dims sizes, std::initializer_list<int64_t> more) {
  for (int64_t s : more) sizes.push_back(s);
  return sizes;
}

}  // namespace

namespace kernels {

Ref mm(In input, In mat2) {
  check_operands("mm", "input", input, 2, "mat2", mat2, 2);
  check_inner("mm", "input", input, "mat2", mat2, 0);
  Ref y = rl::empty({input->size(0), mat2->size(1)}, input->dtype, input->device);
  cpu::MatmulShape s{.m = input->size(0), .n = mat2->size(1), .k = input->size(1)};
  s.a_row = input->strides()[0], s.a_col = input->strides()[1];
  s.b_row = mat2->strides()[0], s.b_col = mat2->strides()[1];
  s.c_row = s.n;
  multiply("mm", s, input, mat2, y.get());
  return y;
}

Ref bmm(In input, In mat2) {
  check_operands("bmm", "input", input, 3, "mat2", mat2, 3);
  RL_CHECK(input->size(0) == mat2->size(0), Runtime,
           "bmm: input %s and mat2 %s hold different numbers of matrices; matmul broadcasts a single one",
           marked(input->sizes(), 0).c_str(), marked(mat2->sizes(), 0).c_str());
  check_inner("bmm", "input", input, "mat2", mat2, 1);
  Ref y = rl::empty({input->size(0), input->size(1), mat2->size(2)}, input->dtype, input->device);
  cpu::MatmulShape s{.batch = input->size(0), .m = input->size(1), .n = mat2->size(2), .k = input->size(2)};
  s.a_batch = input->strides()[0], s.a_row = input->strides()[1], s.a_col = input->strides()[2];
  s.b_batch = mat2->strides()[0], s.b_row = mat2->strides()[1], s.b_col = mat2->strides()[2];
  s.c_batch = s.m * s.n, s.c_row = s.n;
  multiply("bmm", s, input, mat2, y.get());
  return y;
}

Ref mv(In input, In vec) {
  RL_CHECK(input->ndim > 0, Index, "mv: expected a matrix and a vector, got a 0-d tensor");
  check_operands("mv", "input", input, 2, "vec", vec, 1);
  check_inner("mv", "input", input, "vec", vec, 0);
  Ref y = rl::empty({input->size(0)}, input->dtype, input->device);
  cpu::MatmulShape s{.m = input->size(0), .n = 1, .k = input->size(1)};
  s.a_row = input->strides()[0], s.a_col = input->strides()[1];
  s.b_row = vec->strides()[0];
  s.c_row = 1;
  multiply("mv", s, input, vec, y.get());
  return y;
}

Ref dot(In input, In tensor) {
  check_operands("dot", "input", input, 1, "tensor", tensor, 1);
  RL_CHECK(input->numel == tensor->numel, Runtime,
           "dot: input %s and tensor %s do not fit: the marked sizes must be equal", marked(input->sizes(), 0).c_str(),
           marked(tensor->sizes(), 0).c_str());
  Ref y = rl::empty({}, input->dtype, input->device);
  cpu::MatmulShape s{.m = 1, .n = 1, .k = input->numel};
  s.a_row = s.k, s.a_col = input->strides()[0];
  s.b_row = tensor->strides()[0];
  s.c_row = 1;
  multiply("dot", s, input, tensor, y.get());
  return y;
}

// All leading dimensions of the input are rows of one product. A bias that is a plain row goes along with it; any other
// that broadcasts is laid down first and added to.
Ref linear(In input, In weight, In bias) {
  RL_CHECK(input->ndim >= 1 && (weight->ndim == 1 || weight->ndim == 2), Runtime,
           "linear: expected an input (..., in_features) and a weight (out_features, in_features) or (in_features,), "
           "got shapes %s and %s",
           shape_of(input).c_str(), shape_of(weight).c_str());
  check_same("linear", "input", input, "weight", weight);
  // A 0-d bias acts as a number where the product is none of two matrices.
  const bool number = bias.tensor() && bias->ndim == 0 && input->ndim != 2;
  if (bias.tensor() && !(number && category_of(bias->dtype) <= category_of(input->dtype)))
    check_same("linear", "input", input, "bias", bias);
  const bool vector = weight->ndim == 1;
  if (input->dtype == DType::Bool && ((input->numel && weight->numel) || (vector && input->ndim == 1)))
    no_kernel("linear", input->dtype);
  cpu::MatmulShape s{.n = vector ? 1 : weight->size(0), .k = input->size(input->ndim - 1)};
  check_inner("linear", "input", input, "weight", weight, weight->ndim - 1);
  RL_CHECK(!(vector && bias.tensor() && input->ndim == 2), Runtime,
           "linear: a bias with a weight of one dimension (%s) does not fit an input of two (%s)",
           shape_of(weight).c_str(), shape_of(input).c_str());

  Dims sizes = leading(input->sizes(), 1);
  s.m = product(sizes);
  if (!vector) sizes.push_back(s.n);
  Ref y = rl::empty(sizes, input->dtype, input->device);
  if (bias.tensor())
    RL_CHECK(broadcast_sizes(bias->sizes(), sizes, "linear") == sizes, Runtime,
             "linear: a bias of shape %s does not fit a result of shape %s; expected (%lld,)", shape_of(bias).c_str(),
             to_string(sizes).c_str(), (long long)s.n);
  if (!has_memory(y.get())) return y;

  Ref x = input->ndim == 2 ? Ref::retain(input.mutable_tensor()) : as_contiguous(input);
  s.a_row = input->ndim == 2 ? x->strides()[0] : s.k;
  s.a_col = input->ndim == 2 ? x->strides()[1] : 1;
  s.b_row = weight->strides()[weight->ndim - 1];
  s.b_col = vector ? 0 : weight->strides()[0];
  s.c_row = s.n;
  const bool row = bias.tensor() && !vector && bias->ndim == 1 && bias->numel == s.n;
  if (bias.tensor() && !row) copy_into(y.get(), bias);
  multiply("linear", s, x.get(), weight, y.get(), row ? as_contiguous(bias).get() : nullptr, bias.tensor() && !row);
  return y;
}

}  // namespace kernels

namespace compose {
namespace {

bool broadcasts(DimSpan a, DimSpan b) {
  for (int i = 1; i <= std::min(a.n, b.n); ++i) {
    const int64_t x = a[a.n - i], y = b[b.n - i];
    if (x != y && x != 1 && y != 1) return false;
  }
  return true;
}

void check_matmul(In a, In b) {
  RL_CHECK(a->ndim && b->ndim, Runtime,
           "matmul: both operands need at least one dimension, got shapes %s and %s; multiply by a 0-d tensor with *",
           shape_of(a).c_str(), shape_of(b).c_str());
  check_same("matmul", "input", a, "other", b);
  check_inner("matmul", "input", a, "other", b, std::max(0, b->ndim - 2));
}

// (batch..., m, k) with other leading dimensions, as (B, m, k).
Ref as_batch(In x, const Dims& batch, int64_t count) {
  DimSpan sizes = x->sizes();
  const int64_t m = sizes[sizes.n - 2], k = sizes[sizes.n - 1];
  return ops::reshape(ops::expand(x, with(batch, {m, k})), {count, m, k});
}

// Both have at least two dimensions, one of them more.
Ref batched(In a, In b) {
  if (!broadcasts(leading(a->sizes(), 2), leading(b->sizes(), 2))) fail_broadcast("matmul", a->sizes(), b->sizes(), 2);
  const Dims batch = broadcast_sizes(leading(a->sizes(), 2), leading(b->sizes(), 2), "matmul");
  const int64_t count = product(batch), m = a->size(a->ndim - 2), n = b->size(b->ndim - 1);
  Ref y = ops::bmm(as_batch(a, batch, count), as_batch(b, batch, count));
  return batch.size() == 1 ? y : ops::_unsafe_view(y, with(batch, {m, n}));
}

// The leading dimensions of `a` become rows of one matrix.
Ref as_matrix(In a) {
  const Dims rows = leading(a->sizes(), 1);
  return ops::reshape(a, {product(rows), a->size(a->ndim - 1)});
}

}  // namespace

Ref matmul(In a, In b) {
  if (a->ndim == 2 && b->ndim == 2) return ops::mm(a, b);
  check_matmul(a, b);
  if (a->ndim == 1 && b->ndim == 1) return ops::dot(a, b);
  if (a->ndim == 2 && b->ndim == 1) return ops::mv(a, b);
  if (b->ndim == 1) return ops::_unsafe_view(ops::mv(as_matrix(a), b), leading(a->sizes(), 1));
  if (b->ndim == 2 && a->ndim > 2)
    return ops::_unsafe_view(ops::mm(as_matrix(a), b), with(leading(a->sizes(), 1), {b->size(1)}));
  if (a->ndim > 1) return batched(a, b);
  Ref row = ops::unsqueeze(a, 0);
  return ops::squeeze(b->ndim == 2 ? ops::mm(row, b) : batched(row, b), Dims{-2});
}

Ref linear_input_grad(In g, In weight) {
  return weight->ndim == 1 ? ops::mul(ops::unsqueeze(g, -1), weight.tensor()) : ops::matmul(g, weight);
}

Ref linear_weight_grad(In g, In input) {
  if (g->ndim < input->ndim) {  // the weight was a vector
    Ref rows = as_matrix(input);
    return ops::mv(ops::t(rows), ops::reshape(g, {rows->size(0)}));
  }
  if (g->ndim == 2) return ops::mm(ops::t(g), input);
  return ops::mm(ops::t(as_matrix(g)), as_matrix(input));
}

}  // namespace compose
}  // namespace rl
