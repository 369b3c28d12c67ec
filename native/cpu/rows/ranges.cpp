// Evenly spaced numbers, and memory with its dimensions in a given order.
#include <cmath>

#include "cpu/rows/elements.h"
#include "device/create.h"
#include "gen/ops/creation.h"
#include "gen/ops/shape.h"

namespace rl::kernels {
namespace {

// Calls f(k) for k = start ... end, counted from the nearer end so that both are exact.
template <class T, class F>
void spaced(T* out, const Scalar& start, const Scalar& end, int64_t steps, F f) {
  using Step = std::conditional_t<std::is_integral_v<T>, double, T>;
  Step first = static_cast<Step>(start.to_double()), last = static_cast<Step>(end.to_double());
  if constexpr (std::is_integral_v<T>) {
    first = static_cast<Step>(static_cast<T>(first));
    last = static_cast<Step>(static_cast<T>(last));
  }
  Step step = steps > 1 ? (last - first) / static_cast<Step>(steps - 1) : Step(0);
  // Floats take a fused multiply-add, as PyTorch's do.
  auto at = [](Step k, Step by, Step from) {
    if constexpr (std::is_integral_v<T>) return from + by * k;
    return std::fma(by, k, from);
  };
  for (int64_t i = 0; i < steps; ++i) {
    bool early = i < steps / 2 || steps == 1;
    out[i] = static_cast<T>(
        f(early ? at(static_cast<Step>(i), step, first) : at(static_cast<Step>(steps - 1 - i), -step, last)));
  }
}

Ref space_for(const Scalar& start, const Scalar& end, int64_t steps, const Options& o, const char* op) {
  RL_CHECK(steps >= 0, Runtime, "%s: the number of steps must not be negative, got %lld", op, (long long)steps);
  RL_CHECK(start.category < Category::Complex && end.category < Category::Complex, NotImplemented,
           "%s: not implemented for complex numbers", op);
  return rl::empty(Dims{steps}, o.dtype_or_default(), o.device_or_cpu());
}

}  // namespace

Ref linspace(const Scalar& start, const Scalar& end, int64_t steps, const Options& o) {
  Ref x = space_for(start, end, steps, o, "linspace");
  if (!has_memory(x.get())) return x;
  RL_CHECK(x->dtype != DType::Bool, NotImplemented, "linspace: not implemented for dtype bool");
  with_numbers_of(x->dtype, "linspace", [&](auto element) {
    using T = decltype(element);
    spaced(x->data_as<T>(), start, end, steps, [](auto v) { return v; });
  });
  return x;
}

Ref logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, const Options& o) {
  Ref x = space_for(start, end, steps, o, "logspace");
  if (!has_memory(x.get())) return x;
  RL_CHECK(x->dtype != DType::Bool, NotImplemented, "logspace: not implemented for dtype bool");
  with_numbers_of(x->dtype, "logspace", [&](auto element) {
    using T = decltype(element);
    spaced(x->data_as<T>(), start, end, steps, [&](auto v) { return std::pow(static_cast<decltype(v)>(base), v); });
  });
  return x;
}

Ref empty_permuted(DimSpan size, DimSpan order, const Options& o) {
  RL_CHECK(order.n == size.n, Runtime, "empty_permuted: size %s and physical_layout %s differ in length",
           to_string(size).c_str(), to_string(order).c_str());
  Dims strides(size.n);
  uint64_t seen = 0;
  int64_t step = 1;
  for (int i = order.n - 1; i >= 0; --i) {
    RL_CHECK(order[i] >= 0 && order[i] < size.n && !(seen >> order[i] & 1), Runtime,
             "empty_permuted: physical_layout %s must name each of %d dimensions once", to_string(order).c_str(),
             size.n);
    int d = static_cast<int>(order[i]);
    seen |= uint64_t(1) << d;
    strides[d] = step;
    step *= std::max(size[d], int64_t(1));
  }
  return rl::empty_strided(size, strides, o.dtype_or_default(), o.device_or_cpu());
}

}  // namespace rl::kernels
