// Products, spreads, norms and counts along dimensions. Sums are taken in double, in parts of fixed size.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "autograd/history.h"
#include "base/parallel.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/clamp.h"
#include "gen/ops/complex.h"
#include "gen/ops/creation.h"
#include "gen/ops/elementary.h"
#include "gen/ops/gather.h"
#include "gen/ops/indexing.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "gen/ops/scan.h"
#include "gen/ops/shape.h"
#include "gen/ops/statistics.h"
#include "iterate/pointwise.h"
#include "iterate/reduce.h"

namespace rl {
namespace {

constexpr int64_t kPart = 1 << 16;

template <class T, class F>
double sum_of_part(const T* x, int64_t n, F map) {
  double sums[8] = {0};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (int k = 0; k < 8; ++k) sums[k] += map(static_cast<double>(x[i + k]));
  for (; i < n; ++i) sums[0] += map(static_cast<double>(x[i]));
  for (int k = 1; k < 8; ++k) sums[0] += sums[k];
  return sums[0];
}

// The sum of map(x) over a row; long rows in parts, each on whichever thread.
template <class T, class F>
double sum_of(const T* x, int64_t n, F map) {
  if (n <= kPart) return sum_of_part(x, n, map);
  const int64_t parts = (n + kPart - 1) / kPart;
  std::vector<double> sums(static_cast<size_t>(parts));
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      sums[static_cast<size_t>(p)] = sum_of_part(x + p * kPart, std::min(kPart, n - p * kPart), map);
  });
  return sum_of_part(sums.data(), parts, [](double v) { return v; });
}

// f(row, n) -> double for the elements that go into each result, side by side in memory.
template <class F>
Ref reduce_rows(const char* op, In input, DimSpan dim, bool keepdim, F f) {
  const uint64_t mask = reduced_mask(input, dim, op);
  Ref out = empty(reduced_sizes(input, mask, keepdim), input->dtype, input->device);
  Dims order;
  int64_t n = 1;
  for (int pass = 0; pass < 2; ++pass)
    for (int d = 0; d < input->ndim; ++d)
      if (static_cast<int>(mask >> d & 1) == pass) {
        order.push_back(d);
        if (pass) n *= input->dims[d];
      }
  if (!has_memory(input)) return out;
  const Ref rows = as_contiguous(alias(input, layout::permute(input->layout(), order)).get());
  by_floating(op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* in = rows->data_as<T>();
    T* to = out->data_as<T>();
    Unlocked unlocked(input->numel);
    parallel_for(0, out->numel, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) to[i] = static_cast<T>(f(in + i * n, n));
                 });
  });
  return out;
}

double correction_of(const std::optional<Scalar>& correction) {
  if (!correction) return 1.0;
  RL_CHECK(correction->imaginary() == 0, Runtime, "var: correction must be real, got a complex number");
  return correction->to_double();
}
std::optional<Scalar> correction_of(bool unbiased) { return Scalar(unbiased ? 1 : 0); }

void check_floating(const char* op, In input) {
  RL_CHECK(is_differentiable(input->dtype), Runtime,
           "%s: expected a floating or complex tensor, got dtype %s; convert it first", op, name_of(input->dtype));
}

// The real (0) or imaginary (1) parts of a complex tensor, as a view without history.
Ref part(In z, int64_t which) {
  return alias(z, layout::select(layout::parts(z->layout()), -1, which), real_of(z->dtype));
}

Ref spread(const char* op, In input, DimSpan dim, double correction, bool keepdim, bool root) {
  check_floating(op, input);
  if (is_complex(input->dtype)) {  // of the plane: the variances of both parts together
    const Ref both = ops::add(spread(op, part(input, 0), dim, correction, keepdim, false),
                              spread(op, part(input, 1), dim, correction, keepdim, false));
    return root ? ops::sqrt(both) : both;
  }
  return reduce_rows(op, input, dim, keepdim, [=](const auto* x, int64_t n) {
    if (!n) return std::numeric_limits<double>::quiet_NaN();
    const double first = static_cast<double>(x[0]);  // sums of distances from it: 0 where all are equal
    const double mean = first + sum_of(x, n, [=](double v) { return v - first; }) / static_cast<double>(n);
    const double squares = sum_of(x, n, [=](double v) { return (v - mean) * (v - mean); });
    const double result = squares / std::max(0.0, static_cast<double>(n) - correction);
    return root ? std::sqrt(result) : result;
  });
}

// Powers are summed in double, but a sum beyond the dtype's range overflows, as in PyTorch.
template <class T>
double norm_of(const T* x, int64_t n, double ord) {
  if (n == 1 && ord != 0) return std::abs(static_cast<double>(x[0]));
  if (ord == 1) return sum_of(x, n, [](double v) { return std::abs(v); });
  if (ord == 0) return sum_of(x, n, [](double v) { return v != 0 ? 1.0 : 0.0; });
  if (!std::isinf(ord)) {
    const double sum = sum_of(x, n, [=](double v) { return std::pow(std::abs(v), ord); });
    return std::pow(static_cast<double>(static_cast<T>(sum)), 1 / ord);
  }
  double best = ord > 0 ? 0 : std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < n; ++i) {
    const double v = std::abs(static_cast<double>(x[i]));
    if (v != v) return v;
    best = ord > 0 ? std::max(best, v) : std::min(best, v);
  }
  return best;
}

// A result along dim, or its gradient, with the reduced dimensions as size 1.
Ref kept(In x, In input, DimSpan dim, bool keepdim) {
  return ops::view(x, keepdim ? Dims(x->sizes()) : kept_sizes(input->sizes(), reduced_mask(input, dim, "backward")));
}

Arg of(In x) { return Arg(x.tensor()); }

bool any_true(In x) { return has_memory(x) && *ops::any(x, DimSpan(), false)->data_as<bool>(); }
bool any_zero(In x) { return any_true(ops::eq(of(x), 0)); }

}  // namespace

namespace kernels {

Ref variance(In input, DimSpan dim, const std::optional<Scalar>& correction, bool keepdim) {
  ModeGuard quiet(kHooked, kGradOff);
  return spread("var", input, dim, correction_of(correction), keepdim, false);
}
Ref deviation(In input, DimSpan dim, const std::optional<Scalar>& correction, bool keepdim) {
  ModeGuard quiet(kHooked, kGradOff);
  return spread("std", input, dim, correction_of(correction), keepdim, true);
}

Ref vector_norm(In given, double ord, DimSpan dim, bool keepdim) {
  check_floating("norm", given);
  ModeGuard quiet(kHooked, kGradOff | kForwardOff);
  const Ref sizes = is_complex(given->dtype) ? ops::abs(given) : Ref::retain(given.mutable_tensor());
  const In input = sizes;
  const uint64_t mask = reduced_mask(input, dim, "norm");
  bool several = false;  // of one number the norm is its size, even where the square is no number of the dtype
  for (int d = 0; d < input->ndim; ++d) {
    RL_CHECK(!(mask >> d & 1) || input->dims[d] > 0 || !(std::isinf(ord) || ord < 0), Runtime,
             "norm: of no elements (dimension %d has size 0), and ord=%g has no value for that", d, ord);
    several |= (mask >> d & 1) && input->dims[d] != 1;
  }
  if (ord == 2 && several) return ops::_euclidean_norm(input, dim, keepdim);
  return reduce_rows("norm", input, dim, keepdim, [=](const auto* x, int64_t n) { return norm_of(x, n, ord); });
}

Ref logsumexp(In given, DimSpan dim, bool keepdim) {
  const uint64_t mask = reduced_mask(given, dim, "logsumexp");
  RL_CHECK(dim.n || keepdim || !given->ndim || !given->numel, Runtime,
           "logsumexp: dim=() reduces all %d dimensions of shape %s with keepdim=True alone, as in PyTorch; name them",
           given->ndim, shape_of(given).c_str());
  ModeGuard quiet(kHooked, kGradOff);
  const Ref input =
      is_differentiable(given->dtype) ? Ref::retain(given.mutable_tensor()) : convert(given, default_dtype);
  if (input->numel == 0) return ops::log(ops::sum(ops::exp(input), dim, keepdim));
  const Ref top = ops::amax(is_complex(input->dtype) ? part(input, 0) : input, dim, true);
  const Ref base = ops::where(ops::isinf(top), 0, top);
  const Ref result = ops::add(ops::log(ops::sum(ops::exp(ops::sub(input, base)), dim, true)), base);
  return keepdim ? result : alias(result.get(), layout::view(result->layout(), reduced_sizes(given, mask, false)));
}

}  // namespace kernels

namespace compose {

// ------------------------------------------------------------------ products and sums

// Where an element is 0, the product of the others: of those before and of those behind.
Ref prod_dim_grad(In g, In input, In y, int64_t dim) {
  if (input->ndim == 0) return ops::mul(of(g), ops::ones_like(input));
  if (!any_zero(input)) return ops::div(ops::mul(of(g), of(y)), of(input));
  const int d = wrap_dim(dim, input->ndim, "prod backward");
  const int64_t n = input->dims[d];
  const Ref one = ops::ones_like(ops::narrow(input, d, 0, 1));
  const std::vector<Ref> before{one, ops::narrow(input, d, 0, n - 1)}, behind{ops::narrow(input, d, 1, n - 1), one};
  const Ref left = ops::cumprod(ops::cat(before, d), d);
  const Ref right = ops::_reverse(ops::cumprod(ops::_reverse(ops::cat(behind, d), d), d), d);
  return ops::mul(of(g), ops::mul(left, right));
}

Ref prod_grad(In g, In input, In y) {
  if (input->ndim == 0 || !any_zero(input)) return prod_dim_grad(g, input, y, 0);
  const Ref flat = ops::reshape(input, {-1});
  return ops::reshape(prod_dim_grad(ops::reshape(g, {1}), flat, ops::reshape(y, {1}), 0), input->sizes());
}

Ref nanmean(In input, DimSpan dim, bool keepdim, std::optional<DType> dtype) {
  check_floating("nanmean", input);
  RL_CHECK(!dtype || is_differentiable(*dtype), Runtime,
           "nanmean: dtype=%s was asked for, but the result needs a floating or complex dtype", name_of(*dtype));
  reduced_mask(input, dim, "nanmean");
  const Ref count = ops::sum(ops::eq(of(input), of(input)), dim, keepdim);
  return ops::div(ops::nansum(input, dim, keepdim, dtype), count);
}

Ref count_nonzero(In input, DimSpan dim) {
  reduced_mask(input, dim, "count_nonzero");
  return ops::sum(ops::ne(of(input), 0), dim, false);
}

// ------------------------------------------------------------------ spread

Ref var_grad(In g, In input, DimSpan dim, const std::optional<Scalar>& correction, bool keepdim) {
  const uint64_t mask = reduced_mask(input, dim, "var backward");
  double n = 1;
  for (int d = 0; d < input->ndim; ++d)
    if (mask >> d & 1) n *= static_cast<double>(input->dims[d]);
  const double scale = 2 / std::max(0.0, n - correction_of(correction));
  const Ref centred = ops::sub(of(input), ops::mean(input, dim, true));
  return ops::mul(ops::mul(kept(g, input, dim, keepdim), scale), centred);
}

// The mean as it comes out of Welford's running one, which an infinity followed by anything makes NaN.
static Ref running_mean(In input, DimSpan dim, bool keepdim) {
  if (input->dtype == DType::Complex32)  // whose mean is known here alone, as in PyTorch
    return ops::_to_copy(ops::mean(ops::_to_copy(input, DType::Complex64), dim, keepdim), DType::Complex32);
  const Ref mean = ops::mean(input, dim, keepdim);
  if (!has_memory(input) || is_complex(input->dtype) || !any_true(ops::isinf(mean))) return mean;
  const Ref wide = convert(input, DType::Float64);
  const Ref marks = reduce_rows("mean", wide, dim, keepdim, [](const auto* x, int64_t n) {
    const bool lost = std::any_of(x, x + n - 1, [](double v) { return std::isinf(v); });
    return lost ? std::numeric_limits<double>::quiet_NaN() : 0.0;
  });
  return ops::add(of(mean), of(as_dtype(marks.get(), mean->dtype)), Scalar(1));
}

#define RL_SPREAD(NAME)                                                                                              \
  Ref NAME##_correction(In input, DimSpan dim, const std::optional<Scalar>& correction, bool keepdim) {              \
    return ops::_##NAME(input, dim, correction, keepdim);                                                            \
  }                                                                                                                  \
  Ref NAME##_dim(In input, DimSpan dim, bool unbiased, bool keepdim) {                                               \
    return ops::_##NAME(input, dim, correction_of(unbiased), keepdim);                                               \
  }                                                                                                                  \
  Ref NAME##_all(In input, bool unbiased) { return ops::_##NAME(input, DimSpan(), correction_of(unbiased), false); } \
  std::vector<Ref> NAME##_mean_correction(In input, DimSpan dim, const std::optional<Scalar>& correction,            \
                                          bool keepdim) {                                                            \
    check_floating(#NAME "_mean", input);                                                                            \
    reduced_mask(input, dim, #NAME "_mean");                                                                         \
    return {ops::_##NAME(input, dim, correction, keepdim), running_mean(input, dim, keepdim)};                       \
  }                                                                                                                  \
  std::vector<Ref> NAME##_mean_dim(In input, DimSpan dim, bool unbiased, bool keepdim) {                             \
    return NAME##_mean_correction(input, dim, correction_of(unbiased), keepdim);                                     \
  }                                                                                                                  \
  std::vector<Ref> NAME##_mean_all(In input, bool unbiased) {                                                        \
    return NAME##_mean_correction(input, DimSpan(), correction_of(unbiased), false);                                 \
  }
RL_SPREAD(var)
RL_SPREAD(std)
#undef RL_SPREAD

// ------------------------------------------------------------------ norms

Ref vector_norm_grad(In g_given, In input, In y_given, double ord, DimSpan dim, bool keepdim) {
  const Ref g = kept(g_given, input, dim, keepdim), y = kept(y_given, input, dim, keepdim);
  const Ref zero_norm = ops::eq(y, 0);
  if (ord == 0) return ops::zeros_like(input);
  if (ord == 1) return ops::mul(ops::sgn(input), g);
  if (ord == 2) return ops::mul(of(input), ops::where(zero_norm, 0, ops::div(g, y)));
  const Ref size = ops::abs(input), sign = ops::sgn(input);
  if (std::isinf(ord)) {
    const Ref both_nan = ops::logical_and(ops::isnan(size), ops::isnan(y));
    const Ref hit = ops::logical_or(ops::eq(size, y), both_nan);
    return ops::mul(sign, ops::where(hit, ops::div(g, ops::sum(hit, dim, true)), 0));
  }
  const Ref scale = ops::where(zero_norm, 0, ops::div(g, ops::pow(y, ord - 1)));
  const Ref power = ops::pow(size, ord - 1);
  return ops::mul(ops::mul(sign, ord < 1 ? ops::where(ops::eq(of(input), 0), 0, power) : power), scale);
}

Ref dist(In input, In other, const Scalar& p) {
  RL_CHECK(p.imaginary() == 0, Runtime, "dist: p must be real, got a complex number");
  return ops::_vector_norm(ops::sub(of(input), of(other)), p.to_double(), DimSpan(), false);
}

Ref logsumexp_grad(In g, In input, In y, DimSpan dim, bool keepdim) {
  return ops::mul(kept(g, input, dim, keepdim), ops::exp(ops::sub(of(input), kept(y, input, dim, keepdim))));
}

// ------------------------------------------------------------------ both ends, traces, comparisons

std::array<Ref, 2> aminmax(In input, std::optional<int64_t> dim, bool keepdim) {
  const Dims dims = dim ? Dims{*dim} : Dims();
  RL_CHECK(input->numel || dim, Runtime, "aminmax: a tensor without elements has no extremes; give dim=");
  return {ops::amin(input, dims, keepdim), ops::amax(input, dims, keepdim)};
}

Ref trace(In input) {
  if (input->dtype == DType::Bool) no_kernel("trace", input->dtype);
  RL_CHECK(input->ndim == 2, Runtime, "trace: expected a matrix, got shape %s", shape_of(input).c_str());
  return ops::sum(ops::diagonal(input));
}

Ref isclose(In input, In other, double rtol, double atol, bool equal_nan) {
  RL_CHECK(input->dtype == other->dtype, Runtime, "isclose: the tensors are %s and %s; both must have one dtype",
           name_of(input->dtype), name_of(other->dtype));
  RL_CHECK(rtol >= 0 && atol >= 0, Runtime, "isclose: rtol and atol must not be negative, got %g and %g", rtol, atol);
  ModeGuard no_grad(0, kGradOff);
  Ref close = ops::eq(of(input), of(other));
  const bool real = is_differentiable(input->dtype);
  if (equal_nan && real) close = ops::logical_or(close, ops::logical_and(ops::isnan(input), ops::isnan(other)));
  if (rtol == 0 && atol == 0) return close;
  const bool is_bool = input->dtype == DType::Bool;
  const Ref a = is_bool ? convert(input, DType::UInt8) : Ref::retain(input.mutable_tensor());
  const Ref b = is_bool ? convert(other, DType::UInt8) : Ref::retain(other.mutable_tensor());
  const Ref wide = real ? b : convert(b.get(), default_dtype);
  const Ref allowed = ops::add(ops::abs(ops::mul(wide, rtol)), atol);
  const Ref apart = ops::abs(ops::sub(a, wide));
  return ops::logical_or(close, ops::logical_and(ops::isfinite(apart), ops::le(apart, allowed)));
}

Ref equal(In input, In other) {
  const Options options{DType::Bool, input->device};
  RL_CHECK(input->dtype == other->dtype, Runtime, "equal: the tensors are %s and %s; both must have one dtype",
           name_of(input->dtype), name_of(other->dtype));
  if (!(input->sizes() == other->sizes())) return ops::full({}, Scalar(false), options);
  return ops::all(ops::eq(of(input), of(other)), DimSpan(), false);
}

}  // namespace compose
}  // namespace rl
