// Reading and writing elements at index tensors along a dimension or among all elements.
#include <algorithm>
#include <limits>

#include "autograd/forward.h"
#include "cpu/rows/elements.h"
#include "cpu/rows/widen.h"
#include "device/create.h"
#include "gen/ops/clamp.h"
#include "gen/ops/creation.h"
#include "gen/ops/elementary.h"
#include "gen/ops/gather.h"
#include "gen/ops/indexing.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

Ref lifted(const Tensor* x) { return x->ndim ? alias(x) : alias(x, Layout{Dims{1}, Dims{1}, x->offset}); }

Ref long_index(In index, const char* op) {
  RL_CHECK(index->dtype == DType::Int64 || index->dtype == DType::Int32 || index->numel == 0, Runtime,
           "%s: the index must be int64 or int32, got %s", op, name_of(index->dtype));
  Ref wide = as_dtype(index, DType::Int64), whole = as_contiguous(wide.get());
  return lifted(whole.get());
}

// x, index and source of one call, as tensors of at least one dimension.
struct Along {
  const char* op;
  ErrorType error;  // of an index out of range
  int dim;
  Ref x, index, source;

  Along(const char* op, In on, int64_t dim, In at, const Tensor* from = nullptr, ErrorType error = ErrorType::Runtime)
      : op(op), error(error), dim(wrap_dim(dim, on->ndim, op)), x(lifted(on)), index(long_index(at, op)) {
    if (from) source = lifted(from);
    if (!index->numel) return;
    RL_CHECK(index->ndim == x->ndim && (!source || source->ndim == x->ndim), Runtime,
             "%s: the index of shape %s must have as many dimensions as the tensor of shape %s%s; .unsqueeze(dim) adds "
             "one",
             op, to_string(at->sizes()).c_str(), to_string(on->sizes()).c_str(), source ? " and the source" : "");
    for (int k = 0; k < x->ndim; ++k) {
      RL_CHECK(k == this->dim || index->dims[k] <= x->dims[k], Runtime,
               "%s: the index of shape %s is larger than the tensor of shape %s; it may be along dimension %d only", op,
               marked(index->sizes(), k).c_str(), marked(x->sizes(), k).c_str(), this->dim);
      RL_CHECK(!source || index->dims[k] <= source->dims[k], Runtime,
               "%s: the index of shape %s is larger than the source of shape %s", op, marked(index->sizes(), k).c_str(),
               marked(source->sizes(), k).c_str());
    }
  }

  // f(offset of the named element of x, offset of the place in the source), for every place of the index.
  template <class F>
  void each(F f, DimSpan source_strides) const {
    if (!index->numel || !has_memory(x.get()) || !has_memory(index.get())) return;
    int last = index->ndim - 1;
    int64_t n = x->dims[dim], width = index->dims[last], step = x->strides()[dim];
    int64_t x_step = last == dim ? 0 : x->strides()[last], s_step = source_strides[last], x_at = 0, s_at = 0;
    Dims place(index->ndim);
    const int64_t *i = index->data_as<int64_t>(), *end = i + index->numel;
    while (i != end) {
      for (int64_t j = 0; j < width; ++j, ++i) {
        if (*i < 0 || *i >= n) [[unlikely]]
          fail_index(op, *i, x->sizes(), dim, true, error);
        f(x_at + j * x_step + *i * step, s_at + j * s_step);
      }
      for (int k = last - 1; k >= 0; --k) {
        int64_t x_stride = k == dim ? 0 : x->strides()[k];
        x_at += x_stride;
        s_at += source_strides[k];
        if (++place[k] < index->dims[k]) break;
        x_at -= x_stride * index->dims[k];
        s_at -= source_strides[k] * index->dims[k];
        place[k] = 0;
      }
    }
  }
  template <class F>
  void each(F f) const {
    each(f, source->strides());
  }
};

template <class T>
T added(T a, T b) {
  return static_cast<T>(a + b);
}
template <class T>
T multiplied(T a, T b) {
  return static_cast<T>(a * b);
}
// Complex numbers have no order: who asks for it refuses them.
template <class T>
T larger(T a, T b) {
  if constexpr (is_complex_number<T>)
    return a;
  else
    return b != b || b > a ? (a != a ? a : b) : a;
}
template <class T>
T smaller(T a, T b) {
  if constexpr (is_complex_number<T>)
    return a;
  else
    return b != b || b < a ? (a != a ? a : b) : a;
}

void check_source(In self, In src, const char* op) {
  RL_CHECK(self->dtype == src->dtype, Runtime, "%s: the tensor and the source must have one dtype, got %s and %s", op,
           name_of(self->dtype), name_of(src->dtype));
}

// x[...] = source[...] at the index.
void write(const Along& a) {
  with_bytes_of(a.x->dtype, [&](auto element) {
    using T = decltype(element);
    T* to = reinterpret_cast<T*>(a.x->data());
    const T* from = reinterpret_cast<const T*>(a.source->data());
    a.each([&](int64_t i, int64_t j) { to[i] = from[j]; });
  });
}

template <class F>
void combine(const Along& a, F f) {
  with_values_of(a.x->dtype, a.op, [&](auto element) {
    using T = decltype(element);
    T* to = a.x->data_as<T>();
    const T* from = a.source->data_as<T>();
    a.each([&](int64_t i, int64_t j) { to[i] = f(to[i], from[j]); });
  });
}
void add(const Along& a) {
  combine(a, [](auto x, auto y) { return added(x, y); });
}

// A 0-d tensor seen in the shape of the index.
Ref everywhere(const Ref& value, In index) {
  return alias(value.get(), layout::expand(value->layout(), lifted(index)->sizes()));
}

// A number or 0-d tensor as a 0-d tensor of that dtype.
Ref element_of(const Arg& value, DType dtype, const char* op) {
  if (!value.tensor) {
    RL_CHECK(value.number.fits(dtype), Runtime, "%s: %g does not fit dtype %s", op, value.number.to_double(),
             name_of(dtype));
    return rl::full(Dims(), value.number, dtype);
  }
  RL_CHECK(value.tensor->ndim == 0, Runtime, "%s: expected a number or a 0-d tensor, got shape %s", op,
           to_string(value.tensor->sizes()).c_str());
  return as_dtype(value.tensor, dtype);
}

// A 0-d tensor is one slice.
void check_scalar_source(In self, In index, In source, const char* op) {
  if (self->ndim) return;
  RL_CHECK(source->ndim == 0, Runtime, "%s: the tensor is 0-d, but the source has shape %s", op,
           to_string(source->sizes()).c_str());
  RL_CHECK(index->numel == 1, Index, "%s: a 0-d tensor is written by one index, got %lld", op, (long long)index->numel);
}

// A vector of indices as an index of the shape of `like`, or of x with as many slices.
Ref spread(In index, In x, int64_t dim, const Tensor* like, const char* op) {
  int d = wrap_dim(dim, x->ndim, op);
  RL_CHECK(index->ndim <= 1, Index, "%s: the index must be a vector, got shape %s", op,
           to_string(index->sizes()).c_str());
  RL_CHECK(index->dtype == DType::Int64 || index->dtype == DType::Int32, Runtime,
           "%s: the index must be int64 or int32, got %s", op, name_of(index->dtype));
  Ref flat = long_index(index, op), on = lifted(x);
  Dims sizes(on->sizes()), along(on->ndim, 1);
  sizes[d] = along[d] = flat->numel;
  bool fits = !like || lifted(like)->sizes() == DimSpan(sizes) || (like->ndim == 0 && product(sizes) == 1);
  RL_CHECK(fits, Runtime, "%s: expected a source of shape %s for %lld indices along dimension %d, got shape %s", op,
           to_string(sizes).c_str(), (long long)flat->numel, d, to_string(like->sizes()).c_str());
  Ref line = alias(flat.get(), layout::view(flat->layout(), along));
  return alias(line.get(), layout::expand(line->layout(), sizes));
}

// Indices counted from the end, which are negative, counted from the start.
Ref from_start(In index, int64_t n) {
  Ref at = Ref::retain(index.mutable_tensor());
  if (!is_integral(at->dtype)) return at;
  return ops::where(ops::lt(Arg(at), Arg(Scalar(0))), Arg(ops::add(Arg(at), Arg(Scalar(n)))), Arg(at));
}

Ref duplicate(In x) { return contiguous_copy(x); }

}  // namespace

namespace kernels {

Ref gather(In input, int64_t dim, In index, bool) {
  Ref y = empty(index->sizes(), input->dtype, input->device);
  Along a("gather", input, dim, index);
  with_bytes_of(input->dtype, [&](auto element) {
    using T = decltype(element);
    const T* from = reinterpret_cast<const T*>(input->data());
    T* to = reinterpret_cast<T*>(y->data());
    a.each([&](int64_t i, int64_t j) { to[j] = from[i]; }, lifted(y.get())->strides());
  });
  return y;
}
Ref gather_grad(In g, DimSpan input, int64_t dim, In index) {
  Ref y = rl::full(input, Scalar(0), g->dtype, g->device);
  add(Along("gather backward", y, dim, index, g));
  return y;
}

void scatter_in_place(In self, int64_t dim, In index, In src) {
  wrap_dim(dim, self->ndim, "scatter_");
  check_no_internal_overlap(self, "scatter_");
  check_source(self, src, "scatter_");
  write(Along("scatter_", self, dim, index, src));
}
void scatter_value_in_place(In self, int64_t dim, In index, const Scalar& value) {
  wrap_dim(dim, self->ndim, "scatter_");
  check_no_internal_overlap(self, "scatter_");
  if (!index->numel) return;
  write(Along("scatter_", self, dim, index, everywhere(element_of(Arg(value), self->dtype, "scatter_"), index).get()));
}
void scatter_src_reduce_in_place(In self, int64_t dim, In index, In src, const std::string& reduce) {
  wrap_dim(dim, self->ndim, "scatter_");
  check_no_internal_overlap(self, "scatter_");
  check_source(self, src, "scatter_");
  RL_CHECK(reduce == "add" || reduce == "multiply", Runtime, "scatter: reduce must be 'add' or 'multiply', got '%s'",
           reduce.c_str());
  Along a("scatter_", self, dim, index, src);
  if (reduce == "add") return add(a);
  combine(a, [](auto x, auto y) { return multiplied(x, y); });
}
void scatter_value_reduce_in_place(In self, int64_t dim, In index, const Scalar& value, const std::string& reduce) {
  scatter_src_reduce_in_place(self, dim, index, everywhere(element_of(Arg(value), self->dtype, "scatter_"), index),
                              reduce);
}
void scatter_add_in_place(In self, int64_t dim, In index, In src) {
  wrap_dim(dim, self->ndim, "scatter_add_");
  check_no_internal_overlap(self, "scatter_add_");
  check_source(self, src, "scatter_add_");
  add(Along("scatter_add_", self, dim, index, src));
}

Ref scatter(In input, int64_t dim, In index, In src) {
  Ref y = duplicate(input);
  scatter_in_place(y, dim, index, src);
  return y;
}
Ref scatter_value(In input, int64_t dim, In index, const Scalar& value) {
  Ref y = duplicate(input);
  scatter_value_in_place(y, dim, index, value);
  return y;
}
Ref scatter_src_reduce(In input, int64_t dim, In index, In src, const std::string& reduce) {
  Ref y = duplicate(input);
  scatter_src_reduce_in_place(y, dim, index, src, reduce);
  return y;
}
Ref scatter_value_reduce(In input, int64_t dim, In index, const Scalar& value, const std::string& reduce) {
  Ref y = duplicate(input);
  scatter_value_reduce_in_place(y, dim, index, value, reduce);
  return y;
}
Ref scatter_add(In input, int64_t dim, In index, In src) {
  Ref y = duplicate(input);
  scatter_add_in_place(y, dim, index, src);
  return y;
}

namespace {
// What `reduce` starts from where the tensor's own element takes no part.
template <class T>
T neutral(const std::string& reduce) {
  using Limits = std::numeric_limits<T>;
  if (reduce == "prod") return T(1);
  if (reduce == "amax") return Limits::has_infinity ? static_cast<T>(-Limits::infinity()) : Limits::lowest();
  if (reduce == "amin") return Limits::has_infinity ? Limits::infinity() : Limits::max();
  return T(0);
}

template <class T>
void divide_by_counts(const Along& a, bool include_self) {
  Ref counts = rl::full(a.x->sizes(), Scalar(include_self ? 1 : 0), DType::Int64), whole = contiguous_copy(a.x.get());
  Along places(a.op, counts, a.dim, a.index, nullptr, a.error);
  int64_t* n = counts->data_as<int64_t>();
  places.each([&](int64_t i, int64_t) { ++n[i]; }, a.index->strides());
  T* x = whole->data_as<T>();
  for (int64_t i = 0; i < whole->numel; ++i) {
    if (n[i] < 2) continue;
    if constexpr (std::is_integral_v<T>) {
      int64_t v = static_cast<int64_t>(x[i]);
      x[i] = static_cast<T>(v / n[i] - (v % n[i] < 0));
    } else {
      x[i] = static_cast<T>(x[i] / static_cast<T>(n[i]));
    }
  }
  copy_into(a.x.get(), whole.get());
}
}  // namespace

Ref scatter_reduce(In input, int64_t dim, In index, In src, const std::string& reduce, bool include_self) {
  wrap_dim(dim, input->ndim, "scatter_reduce");
  Ref y = duplicate(input);
  check_source(input, src, "scatter_reduce");
  Along a("scatter_reduce", y, dim, index, src);
  // not operations: what `reduce` may say
  bool known = reduce == "sum" || reduce == "prod" || reduce == "mean" || reduce == "amax" || reduce == "amin";
  RL_CHECK(known, Runtime, "scatter_reduce: reduce must be 'sum', 'prod', 'mean', 'amax' or 'amin', got '%s'",
           reduce.c_str());
  RL_CHECK(reduce != "mean" || input->dtype != DType::Bool, NotImplemented,
           "scatter_reduce: there is no mean of bools");
  RL_CHECK(!is_complex(input->dtype) || (reduce != "amax" && reduce != "amin") || !index->numel, NotImplemented,
           "scatter_reduce: complex numbers have no order, so there is no '%s' of dtype %s", reduce.c_str(),
           name_of(input->dtype));
  if (!has_memory(input)) return y;
  with_values_of(input->dtype, "scatter_reduce", [&](auto element) {
    using T = decltype(element);
    T* x = a.x->data_as<T>();
    T start = neutral<T>(reduce);
    if (!include_self) a.each([&](int64_t i, int64_t) { x[i] = start; });
    if (reduce == "prod") return combine(a, [](auto p, auto q) { return multiplied(p, q); });
    if (reduce == "amax") return combine(a, [](auto p, auto q) { return larger(p, q); });
    if (reduce == "amin") return combine(a, [](auto p, auto q) { return smaller(p, q); });
    add(a);
    if (reduce == "mean") divide_by_counts<T>(a, include_self);
  });
  return y;
}

// ------------------------------------------------------------------ a vector of indices

// outside: the error of an index out of range.
static void add_slices(In self, int d, In index, In source, const Scalar& alpha, ErrorType outside) {
  check_no_internal_overlap(self, "index_add_");
  check_source(self, source, "index_add_");
  check_scalar_source(self, index, source, "index_add_");
  Ref scaled = alpha.is(1) ? Ref::retain(source.mutable_tensor())
                           : as_dtype(ops::mul(Arg(source.tensor()), Arg(alpha)).get(), source->dtype);
  add(Along("index_add_", self, d, spread(index, self, d, source, "index_add_"), scaled.get(), outside));
}
void index_add_in_place(In self, int64_t dim, In index, In source, const Scalar& alpha) {
  const int d = wrap_dim(dim, self->ndim, "index_add_");
  const bool inner = d > 0 && d + 1 < self->ndim;
  const bool scatters =
      self->ndim > 1 && !inner && index->dtype != DType::Int32 && self->dtype != DType::Complex32;  // in PyTorch
  widened(nullptr, add_slices, self, d, index, source, alpha, scatters ? ErrorType::Runtime : ErrorType::Index);
}
Ref index_add(In input, int64_t dim, In index, In source, const Scalar& alpha) {
  Ref y = duplicate(input);
  index_add_in_place(y, dim, index, source, alpha);
  return y;
}
void index_copy_in_place(In self, int64_t dim, In index, In source) {
  const int d = wrap_dim(dim, self->ndim, "index_copy_");
  RL_CHECK(index->ndim <= 1, Index, "index_copy_: the index must be a vector, got shape %s",
           to_string(index->sizes()).c_str());
  RL_CHECK(source->ndim || index->numel == 1, Index, "index_copy_: a 0-d source is written by one index, got %lld",
           (long long)index->numel);
  RL_CHECK(source->ndim == self->ndim || !source->ndim || !self->ndim, Index,
           "index_copy_: the source of shape %s must have as many dimensions as the tensor of shape %s",
           to_string(source->sizes()).c_str(), to_string(self->sizes()).c_str());
  RL_CHECK(index->dtype == DType::Int64, Runtime, "index_copy_: the index must be int64, got %s",
           name_of(index->dtype));
  check_no_internal_overlap(self, "index_copy_");
  check_source(self, source, "index_copy_");
  Dims slices(self->sizes());
  if (source->ndim && self->ndim) slices[d] = source->dims[d];
  RL_CHECK(!source->ndim || source->sizes() != DimSpan(slices) || source->dims[d] == index->numel, Index,
           "index_copy_: %lld indices for the %lld slices of a source of shape %s", (long long)index->numel,
           (long long)source->dims[d], to_string(source->sizes()).c_str());
  write(Along("index_copy_", self, dim, spread(index, self, dim, source, "index_copy_"), source.tensor(),
              ErrorType::Index));
}
Ref index_copy(In input, int64_t dim, In index, In source) {
  Ref y = duplicate(input);
  index_copy_in_place(y, dim, index, source);
  return y;
}
void index_fill_in_place(In self, int64_t dim, In index, const Arg& value) {
  RL_CHECK(value.tensor || value.number.category < Category::Complex || is_complex(self->dtype), Runtime,
           "index_fill_: a complex number does not fit dtype %s", name_of(self->dtype));
  int64_t n = self->ndim ? self->dims[wrap_dim(dim, self->ndim, "index_fill_")] : 1;
  RL_CHECK(index->dtype == DType::Int64, Index, "index_fill_: the index must be int64, got %s", name_of(index->dtype));
  Ref places = spread(from_start(index, n), self, dim, nullptr, "index_fill_");
  write(Along("index_fill_", self, dim, places, everywhere(element_of(value, self->dtype, "index_fill_"), places).get(),
              ErrorType::Index));
}
Ref index_fill(In input, int64_t dim, In index, const Arg& value) {
  Ref y = convert(input, input->dtype);
  index_fill_in_place(y, dim, index, value);
  return y;
}

// ------------------------------------------------------------------ among all elements

namespace {
// f(place in the tensor read as one vector, place in the index)
template <class F>
void each_taken(In index, int64_t n, const char* op, F f) {
  RL_CHECK(index->dtype == DType::Int64, Runtime, "%s: the index must be int64, got %s", op, name_of(index->dtype));
  if (!has_memory(index)) return;
  Ref whole = as_contiguous(index);
  RL_CHECK(n > 0 || index->numel == 0, Index, "%s: a tensor without elements has none to name", op);
  const int64_t* at = whole->data_as<int64_t>();
  for (int64_t k = 0; k < whole->numel; ++k) {
    RL_CHECK(at[k] >= -n && at[k] < n, Index, "%s: index %lld is out of range for %lld elements", op, (long long)at[k],
             (long long)n);
    f(at[k] < 0 ? at[k] + n : at[k], k);
  }
}
void add_taken(Tensor* y, In index, const Tensor* values, const char* op) {
  with_values_of(y->dtype, op, [&](auto element) {
    using T = decltype(element);
    each_taken(index, y->numel, op,
               [&](int64_t i, int64_t k) { y->data_as<T>()[i] = added(y->data_as<T>()[i], values->data_as<T>()[k]); });
  });
}
}  // namespace

Ref take(In input, In index) {
  Ref x = as_contiguous(input), y = empty(index->sizes(), input->dtype, input->device);
  with_bytes_of(input->dtype, [&](auto element) {
    using T = decltype(element);
    const T* from = reinterpret_cast<const T*>(x->data());
    T* to = reinterpret_cast<T*>(y->data());
    each_taken(index, x->numel, "take", [&](int64_t i, int64_t k) { to[k] = from[i]; });
  });
  return y;
}
Ref take_grad(In g, DimSpan input, In index) {
  Ref y = rl::full(input, Scalar(0), g->dtype, g->device);
  add_taken(y.get(), index, as_contiguous(g).get(), "take backward");
  return y;
}
void put_in_place(In self, In index, In source, bool accumulate) {
  check_source(self, source, "put");
  RL_CHECK(source->numel == index->numel, Index, "put_: the source has %lld elements, the index %lld",
           (long long)source->numel, (long long)index->numel);
  check_no_internal_overlap(self, "put_");
  if (accumulate && is_narrow(self)) return widened(nullptr, put_in_place, self, index, source, accumulate);
  Ref y = as_contiguous(self), values = as_contiguous(source);
  if (accumulate) {
    add_taken(y.get(), index, values.get(), "put");
  } else {
    with_bytes_of(self->dtype, [&](auto element) {
      using T = decltype(element);
      T* to = reinterpret_cast<T*>(y->data());
      const T* from = reinterpret_cast<const T*>(values->data());
      each_taken(index, y->numel, "put", [&](int64_t i, int64_t k) { to[i] = from[k]; });
    });
  }
  if (y.get() != self.tensor()) copy_into(self.mutable_tensor(), y.get());
}
Ref put(In input, In index, In source, bool accumulate) {
  Ref y = convert(input, input->dtype);
  put_in_place(y, index, source, accumulate);
  return y;
}

}  // namespace kernels

namespace compose {

Ref scatter_reduce_in_place(In self, int64_t dim, In index, In src, const std::string& reduce, bool include_self) {
  const bool records = grad_enabled() && (wants_grad(self) || wants_grad(src));
  Tensor* written = self.mutable_tensor();
  check_inplace(written, "scatter_reduce_", records);
  wrap_dim(dim, self->ndim, "scatter_reduce_");
  check_no_internal_overlap(self, "scatter_reduce_");
  const bool asked_for = records || any_dual(self, src);  // by the gradient's formula
  Ref before = asked_for ? ops::clone(self) : Ref::retain(written);
  Ref after = ops::scatter_reduce(before, dim, index, src, reduce, include_self);
  return become(written, after);
}

Ref take_along_dim(In input, In indices, std::optional<int64_t> dim) {
  RL_CHECK(indices->dtype == DType::Int64 || indices->dtype == DType::Int32, Runtime,
           "take_along_dim: the indices must be int64 or int32, got %s", name_of(indices->dtype));
  if (!dim)
    return ops::gather(ops::reshape(input, Dims{-1}), 0, from_start(ops::reshape(indices, Dims{-1}), input->numel),
                       false);
  RL_CHECK(input->ndim == indices->ndim, Runtime,
           "take_along_dim: the tensor and the indices must have the same number of dimensions, got shapes %s and %s",
           to_string(input->sizes()).c_str(), to_string(indices->sizes()).c_str());
  RL_CHECK(input->ndim > 0, Index, "take_along_dim: a 0-d tensor has no dimension %lld", (long long)*dim);
  int d = wrap_dim(*dim, input->ndim, "take_along_dim");
  Dims one(input->sizes()), other(indices->sizes());
  one[d] = other[d] = 1;
  Dims both = broadcast_sizes(one, other, "take_along_dim"), wide = both;
  wide[d] = input->dims[d];
  both[d] = indices->dims[d];
  const Ref at = ops::remainder(ops::expand(indices, both), Scalar(std::max<int64_t>(wide[d], 1)));  // it wraps
  return ops::gather(ops::expand(input, wide), d, at, false);
}

Ref index_put(In input, Tensors indices, In values, bool accumulate) {
  return ops::index_put_(ops::clone(input), indices, values, accumulate);
}

Ref index_fill_value_grad(In g, int64_t dim, In index) {
  Ref filled = ops::index_fill(ops::zeros(g->sizes(), Options{DType::Bool, g->device}), dim, index, Arg(Scalar(true)));
  return ops::sum(ops::where(filled, Arg(g.tensor()), Arg(Scalar(0))));
}

Ref put_clear(In g, In index, bool accumulate) {
  if (accumulate) return Ref::retain(g.mutable_tensor());
  return ops::put(g, index, ops::zeros(index->sizes(), Options{g->dtype, g->device}), false);
}

namespace {
Ref index_reduced(In x, int64_t dim, In index, In source, const std::string& reduce, bool include_self, bool in_place) {
  RL_CHECK(reduce != "sum", Runtime,
           "index_reduce: reduce must be 'prod', 'mean', 'amax' or 'amin', got 'sum'; use index_add");
  const Ref wide = as_contiguous(as_dtype(index, DType::Int64).get());
  const int d = wrap_dim(dim, x->ndim, "index_reduce");
  const int64_t n = x->ndim ? x->dims[d] : 1, *given = wide->data_as<int64_t>();
  for (int64_t k = 0; has_memory(index) && k < wide->numel; ++k)
    if (given[k] < 0 || given[k] >= n) fail_index("index_reduce", given[k], x->sizes(), d, true, ErrorType::Index);
  Ref at = spread(index, x, dim, source, "index_reduce");
  if (x->ndim == 0) at = alias(at.get(), Layout{Dims(), Dims(), at->offset});
  return in_place ? ops::scatter_reduce_(x, dim, at, source, reduce, include_self)
                  : ops::scatter_reduce(x, dim, at, source, reduce, include_self);
}
}  // namespace
Ref index_reduce(In input, int64_t dim, In index, In source, const std::string& reduce, bool include_self) {
  return index_reduced(input, dim, index, source, reduce, include_self, false);
}
Ref index_reduce_in_place(In self, int64_t dim, In index, In source, const std::string& reduce, bool include_self) {
  return index_reduced(self, dim, index, source, reduce, include_self, true);
}

namespace {
// d prod / d x, where zeros among the factors would make y / x undefined.
Ref product_grad(In g, In input, int64_t dim, In index, In src, bool include_self, In y, bool of_src) {
  Ref x(Ref::retain(input.mutable_tensor())), s(Ref::retain(src.mutable_tensor())), gr(Ref::retain(g.mutable_tensor()));
  auto product = [&](In a, In b) { return ops::scatter_reduce(a, dim, index, b, "prod", include_self); };
  if (!of_src) {
    Ref safe = ops::masked_fill(x, ops::eq(x, Scalar(0)), Scalar(1));
    return ops::div(ops::mul(gr, product(safe, s)), safe);
  }
  Ref zero = ops::eq(s, Scalar(0));
  Ref zeros =
      ops::gather(ops::scatter_add(ops::zeros_like(x), dim, index, ops::_to_copy(zero, x->dtype)), dim, index, false);
  Ref alone = ops::logical_and(zero, ops::eq(zeros, Scalar(1)));
  Ref others = product(x, ops::masked_fill(s, alone, Scalar(1)));
  Ref usual = ops::div(ops::gather(ops::mul(gr, Ref::retain(y.mutable_tensor())), dim, index, false),
                       ops::masked_fill(s, zero, Scalar(1)));
  return ops::where(alone, ops::gather(ops::mul(gr, others), dim, index, false), usual);
}
}  // namespace

Ref scatter_reduce_grad(In g, In input, int64_t dim, In index, In src, const std::string& reduce, bool include_self,
                        In y, bool of_src) {
  Ref x(Ref::retain(input.mutable_tensor())), s(Ref::retain(src.mutable_tensor())), r(Ref::retain(y.mutable_tensor())),
      out(Ref::retain(g.mutable_tensor()));
  if (reduce == "prod") {
    out = product_grad(g, input, dim, index, src, include_self, y, of_src);
  } else if (reduce == "mean") {
    Ref count = ops::scatter_add(include_self ? ops::ones_like(g) : ops::zeros_like(g), dim, index, ops::ones_like(s));
    out = ops::div(out, ops::masked_fill(count, ops::eq(count, Scalar(0)), Scalar(1)));
    if (of_src) out = ops::gather(out, dim, index, false);
  } else if (reduce == "amax" || reduce == "amin") {
    Ref own = ops::_to_copy(ops::eq(x, r), g->dtype),
        others = ops::_to_copy(ops::eq(s, ops::gather(r, dim, index, false)), g->dtype);
    Ref shared = ops::div(out, ops::scatter_add(own, dim, index, others));
    out = of_src ? ops::mul(others, ops::gather(shared, dim, index, false)) : ops::mul(own, shared);
  } else if (of_src) {
    out = ops::gather(g, dim, index, false);
  }
  return of_src || include_self ? out : ops::scatter(out, dim, index, Scalar(0));
}

}  // namespace compose
}  // namespace rl
