// Writing and picking elements under masks, and copies of which one view is written.
#include <cstring>

#include "autograd/history.h"
#include "cpu/rows/elements.h"
#include "device/create.h"
#include "gen/ops/arrange.h"
#include "gen/ops/creation.h"
#include "gen/ops/gather.h"
#include "gen/ops/indexing.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

// The mask as contiguous bools of those sizes.
Ref spread_mask(In mask, DimSpan sizes, const char* op) {
  RL_CHECK(mask->dtype == DType::Bool, Runtime, "%s: the mask must be bool, got %s", op, name_of(mask->dtype));
  RL_CHECK(broadcast_sizes(mask->sizes(), sizes, op) == Dims(sizes), Runtime,
           "%s: the mask of shape %s does not broadcast to %s", op, to_string(mask->sizes()).c_str(),
           to_string(sizes).c_str());
  Ref wide = alias(mask, layout::expand(mask->layout(), sizes));
  return as_contiguous(wide.get());
}

// A copy of x in the shape that it and the mask broadcast to.
Ref spread_copy(In x, In mask, const char* op) {
  Ref wide = alias(x, layout::expand(x->layout(), broadcast_sizes(x->sizes(), mask->sizes(), op)));
  return contiguous_copy(wide.get());
}

// change(contiguous elements of x, mask) and back.
template <class F>
void under_mask(Tensor* x, In mask, const char* op, F change) {
  Ref m = spread_mask(mask, x->sizes(), op);
  if (!has_memory(x) || !has_memory(mask)) return;
  Ref y = as_contiguous(x);
  change(y.get(), m->data_as<bool>());
  if (y.get() != x) copy_into(x, y.get());
}

}  // namespace

namespace kernels {

// The element of a 0-d tensor; 0 on meta.
static Scalar number_in(const Tensor* x) {
  if (!has_memory(x)) return Scalar(0);
  if (is_complex(x->dtype)) return Scalar(*as_dtype(x, DType::Complex128)->data_as<std::complex<double>>());
  if (is_floating(x->dtype)) return Scalar(*as_dtype(x, DType::Float64)->data_as<double>());
  return Scalar(*as_dtype(x, DType::Int64)->data_as<int64_t>());
}

void masked_fill_in_place(In self, In mask, const Arg& value) {
  if (value.tensor) {
    RL_CHECK(value.tensor->ndim == 0, Runtime, "masked_fill: expected a number or a 0-d tensor, got shape %s",
             to_string(value.tensor->sizes()).c_str());
  }
  const Scalar number = value.tensor ? number_in(value.tensor) : value.number;
  RL_CHECK(number.fits(self->dtype), Runtime, "masked_fill: %g does not fit dtype %s", number.to_double(),
           name_of(self->dtype));
  check_no_partial_overlap(self, mask, "masked_fill_");
  Ref element = rl::full(Dims(), number, self->dtype);
  under_mask(self.mutable_tensor(), mask, "masked_fill_", [&](Tensor* y, const bool* m) {
    with_bytes_of(y->dtype, [&](auto bytes) {
      using T = decltype(bytes);
      T v = *reinterpret_cast<const T*>(element->data()), *to = reinterpret_cast<T*>(y->data());
      for (int64_t i = 0; i < y->numel; ++i) to[i] = m[i] ? v : to[i];
    });
  });
}
Ref masked_fill(In input, In mask, const Arg& value) {
  Ref y = spread_copy(input, mask, "masked_fill");
  masked_fill_in_place(y, mask, value);
  return y;
}

void masked_scatter_in_place(In self, In mask, In source) {
  RL_CHECK(self->dtype == source->dtype, Runtime,
           "masked_scatter: the tensor and the source must have one dtype, got %s and %s", name_of(self->dtype),
           name_of(source->dtype));
  check_no_internal_overlap(self, "masked_scatter_");
  Ref values = as_contiguous(source);
  under_mask(self.mutable_tensor(), mask, "masked_scatter_", [&](Tensor* y, const bool* m) {
    int64_t wanted = 0;
    for (int64_t i = 0; i < y->numel; ++i) wanted += m[i];
    RL_CHECK(wanted <= values->numel, Runtime,
             "masked_scatter: the mask holds at %lld places, but the source has %lld elements only", (long long)wanted,
             (long long)values->numel);
    with_bytes_of(y->dtype, [&](auto bytes) {
      using T = decltype(bytes);
      const T* from = reinterpret_cast<const T*>(values->data());
      T* to = reinterpret_cast<T*>(y->data());
      for (int64_t i = 0; i < y->numel; ++i)
        if (m[i]) to[i] = *from++;
    });
  });
}
Ref masked_scatter(In input, In mask, In source) {
  Ref y = spread_copy(input, mask, "masked_scatter");
  masked_scatter_in_place(y, mask, source);
  return y;
}

Ref masked_select(In input, In mask) {
  Dims sizes = broadcast_sizes(input->sizes(), mask->sizes(), "masked_select");
  Ref m = spread_mask(mask, sizes, "masked_select"), wide = alias(input, layout::expand(input->layout(), sizes)),
      x = as_contiguous(wide.get());
  RL_CHECK(has_memory(input) && has_memory(mask), NotImplemented,
           "masked_select: the number of elements under a meta tensor's mask is not known");
  const bool* on = m->data_as<bool>();
  int64_t n = 0;
  for (int64_t i = 0; i < m->numel; ++i) n += on[i];
  Ref y = empty(Dims{n}, input->dtype, input->device);
  with_bytes_of(input->dtype, [&](auto bytes) {
    using T = decltype(bytes);
    const T* from = reinterpret_cast<const T*>(x->data());
    T* to = reinterpret_cast<T*>(y->data());
    for (int64_t i = 0; i < m->numel; ++i)
      if (on[i]) *to++ = from[i];
  });
  return y;
}

// ------------------------------------------------------------------ a view of a copy, written

namespace {
template <class F>
Ref written(In input, In src, const char* op, F view) {
  Ref y = convert(input, input->dtype), part = alias(y.get(), view(y->layout()));
  RL_CHECK(part->sizes() == src->sizes(), Runtime, "%s: expected src of shape %s, got %s", op,
           to_string(part->sizes()).c_str(), to_string(src->sizes()).c_str());
  copy_into(part.get(), src);
  return y;
}
}  // namespace

Ref select_scatter(In input, In src, int64_t dim, int64_t index) {
  return written(input, src, "select_scatter", [&](const Layout& x) { return layout::select(x, dim, index); });
}
Ref slice_scatter(In input, In src, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
                  int64_t step) {
  return written(input, src, "slice_scatter", [&](const Layout& x) { return layout::slice(x, dim, start, end, step); });
}
Ref diagonal_scatter(In input, In src, int64_t offset, int64_t dim1, int64_t dim2) {
  return written(input, src, "diagonal_scatter",
                 [&](const Layout& x) { return layout::diagonal(x, offset, dim1, dim2); });
}
Ref as_strided_scatter(In input, In src, DimSpan size, DimSpan stride, std::optional<int64_t> storage_offset) {
  Ref whole = as_contiguous(input);
  return written(whole, src, "as_strided_scatter", [&](const Layout& x) {
    Layout view = layout::as_strided(x, size, stride, storage_offset);
    check_bounds(view, size_of(input->dtype), static_cast<size_t>(input->numel) * size_of(input->dtype),
                 "as_strided_scatter");
    return view;
  });
}

}  // namespace kernels

namespace compose {

Ref masked_select_grad(In g, DimSpan input, In mask) {
  Dims sizes = broadcast_sizes(input, mask->sizes(), "masked_select");
  Ref zeros = ops::zeros(sizes, Options{g->dtype, g->device});
  return ops::_sum_to(ops::masked_scatter(zeros, mask, g), input);
}

Ref masked_scatter_grad(In g, In mask, DimSpan source) {
  Ref used = ops::masked_select(g, mask);
  int64_t missing = product(source) - used->numel;
  return ops::view(missing ? ops::constant_pad_nd(used, Dims{0, missing}, Scalar(0)) : used, source);
}

Ref argwhere(In input) {
  if (input->ndim) return ops::nonzero(input);
  return ops::narrow(ops::nonzero(ops::unsqueeze(input, 0)), 1, 0, 0);
}
std::vector<Ref> where_nonzero(In condition) {
  return ops::unbind(
      ops::nonzero(condition->ndim ? Ref::retain(condition.mutable_tensor()) : ops::unsqueeze(condition, 0)), 1);
}

Ref nonzero_static(In input, int64_t size, int64_t fill_value) {
  RL_CHECK(size >= 0, Runtime, "nonzero_static: size must not be negative, got %lld", (long long)size);
  Ref rows = ops::nonzero(input),
      y = rl::full(Dims{size, input->ndim}, Scalar(fill_value), DType::Int64, input->device);
  const int64_t found = std::min(size, rows->size(0));
  ops::copy_(ops::narrow(y, 0, 0, found), ops::narrow(rows, 0, 0, found));
  return y;
}

}  // namespace compose
}  // namespace rl
