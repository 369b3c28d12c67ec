// max and min along a dimension with their places, argmax and argmin, and picking and placing at such places.
#include <cmath>

#include "autograd/arguments.h"
#include "base/parallel.h"
#include "cpu/rows/elements.h"
#include "device/create.h"
#include "gen/ops/pointwise.h"
#include "iterate/pointwise.h"

namespace rl::kernels {
namespace {

// (outer, n, inner) of a contiguous tensor around one dimension.
struct Around {
  int64_t outer = 1, n = 1, inner = 1;
  Around(DimSpan sizes, int dim) {
    for (int i = 0; i < sizes.n; ++i) (i < dim ? outer : i == dim ? n : inner) *= sizes[i];
  }
};

template <class T>
bool is_nan(T x) {
  return x != x;
}

// NaN wins over everything; of equals the first.
template <bool largest, class T>
bool better(T x, T best) {
  if (is_nan(best)) return false;
  return is_nan(x) || (largest ? x > best : x < best);
}

template <bool largest, class T>
void select_loop(const Tensor* x, const Around& a, T* values, int64_t* indices) {
  const T* in = x->data_as<T>();
  Unlocked unlocked(x->numel);
  parallel_for(0, a.outer, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, a.n * a.inner)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t o = begin; o < end; ++o)
                   for (int64_t i = 0; i < a.inner; ++i) {
                     const T* p = in + o * a.n * a.inner + i;
                     T best = *p;
                     int64_t at = 0;
                     for (int64_t k = 1; k < a.n; ++k)
                       if (better<largest>(p[k * a.inner], best)) {
                         best = p[k * a.inner];
                         at = k;
                       }
                     if (values) values[o * a.inner + i] = best;
                     indices[o * a.inner + i] = at;
                   }
               });
}

template <bool largest>
void select_any(const Tensor* x, const Around& a, Tensor* values, Tensor* indices, const char* op) {
  int64_t* places = indices->data_as<int64_t>();
  switch (x->dtype) {
#define RL_CASE(T, NAME) \
  case DType::NAME: return select_loop<largest, T>(x, a, values ? values->data_as<T>() : nullptr, places);
    RL_FOR_REAL_DTYPES(RL_CASE)
#undef RL_CASE
    default: fail(ErrorType::NotImplemented, "%s: not implemented for tensors of dtype %s", op, name_of(x->dtype));
  }
}

Dims without_dim(DimSpan sizes, int dim, bool keepdim) {
  Dims out(sizes);
  if (sizes.n == 0) return out;
  if (keepdim) {
    out[dim] = 1;
  } else {
    out.erase(dim);
  }
  return out;
}

template <bool largest>
std::array<Ref, 2> select_dim(In input, int64_t dim, bool keepdim, const char* op) {
  int d = wrap_dim(dim, input->ndim, op);
  RL_CHECK(input->ndim == 0 || input->dims[d] > 0, Index,
           "%s: dimension %d has size 0, so there is no element to choose", op, d);
  Dims sizes = without_dim(input->sizes(), d, keepdim);
  Ref values = empty(sizes, input->dtype, input->device), indices = empty(sizes, DType::Int64, input->device);
  if (has_memory(input) && input->numel) {
    Ref x = as_contiguous(input);
    select_any<largest>(x.get(), Around(x->sizes(), d), values.get(), indices.get(), op);
  }
  return {values, indices};
}

template <bool largest>
Ref arg_select(In input, std::optional<int64_t> dim, bool keepdim, const char* op) {
  refuse_complex(input, op);
  RL_CHECK(input->dtype != DType::Bool, Runtime, "%s: not defined for bools; convert them first, with .long()", op);
  if (dim) {
    int d = wrap_dim(*dim, input->ndim, op);
    RL_CHECK(input->ndim == 0 || input->dims[d] > 0, Index,
             "%s: dimension %d has size 0, so there is no element to choose", op, d);
    Ref indices = empty(without_dim(input->sizes(), d, keepdim), DType::Int64, input->device);
    if (has_memory(input) && input->numel) {
      Ref x = as_contiguous(input);
      select_any<largest>(x.get(), Around(x->sizes(), d), nullptr, indices.get(), op);
    }
    return indices;
  }
  RL_CHECK(input->numel > 0, Index, "%s: the tensor has no elements to choose from; give dim=", op);
  Dims ones(keepdim ? input->ndim : 0, 1);
  Ref indices = empty(ones, DType::Int64, input->device);
  if (has_memory(input)) {
    Ref x = as_contiguous(input);
    Dims flat{x->numel};
    select_any<largest>(x.get(), Around(flat, 0), nullptr, indices.get(), op);
  }
  return indices;
}

}  // namespace

std::array<Ref, 2> max_dim(In input, int64_t dim, bool keepdim) { return select_dim<true>(input, dim, keepdim, "max"); }
std::array<Ref, 2> min_dim(In input, int64_t dim, bool keepdim) {
  return select_dim<false>(input, dim, keepdim, "min");
}
Ref argmax(In input, std::optional<int64_t> dim, bool keepdim) {
  return arg_select<true>(input, dim, keepdim, "argmax");
}
Ref argmin(In input, std::optional<int64_t> dim, bool keepdim) {
  return arg_select<false>(input, dim, keepdim, "argmin");
}

namespace {
// f(offset of a result of the selection, offset of the element it chose), for all of them.
template <class F>
void each_chosen(const Around& a, const int64_t* at, F f) {
  for (int64_t o = 0; o < a.outer; ++o)
    for (int64_t i = 0; i < a.inner; ++i) f(o * a.inner + i, (o * a.n + at[o * a.inner + i]) * a.inner + i);
}
}  // namespace

Ref select_grad(In g, DimSpan input, int64_t dim, In indices, bool) {
  Ref out = full(input, Scalar(0), g->dtype, g->device), gc = as_contiguous(g), at = as_contiguous(indices);
  if (!has_memory(g)) return out;
  const Around a(input, wrap_dim(dim, input.n, "max backward"));
  with_bytes_of(g->dtype, [&](auto bytes) {
    using T = decltype(bytes);
    const T* from = reinterpret_cast<const T*>(gc->data());
    T* to = reinterpret_cast<T*>(out->data());
    each_chosen(a, at->data_as<int64_t>(), [&](int64_t result, int64_t chosen) { to[chosen] = from[result]; });
  });
  return out;
}

Ref select_take(In input, int64_t dim, In indices, bool) {
  Ref out = empty(indices->sizes(), input->dtype, input->device), x = as_contiguous(input), at = as_contiguous(indices);
  if (!has_memory(input)) return out;
  const Around a(input->sizes(), wrap_dim(dim, input->ndim, "max backward"));
  with_bytes_of(input->dtype, [&](auto bytes) {
    using T = decltype(bytes);
    const T* from = reinterpret_cast<const T*>(x->data());
    T* to = reinterpret_cast<T*>(out->data());
    each_chosen(a, at->data_as<int64_t>(), [&](int64_t result, int64_t chosen) { to[result] = from[chosen]; });
  });
  return out;
}

}  // namespace rl::kernels

namespace rl::compose {

Ref max_other(In input, In other) { return ops::maximum(input, other); }
Ref min_other(In input, In other) { return ops::minimum(input, other); }

}  // namespace rl::compose
