// Evenly spaced numbers, and memory with its dimensions in a given order.
#include <cmath>
#include <complex>

#include "cpu/rows/elements.h"
#include "cpu/rows/widen.h"
#include "device/create.h"
#include "gen/ops/creation.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl::kernels {
namespace {

template <class T>
T number_of(const Scalar& v) {
  if constexpr (is_complex_number<T>) {
    return {static_cast<RealPart<T>>(v.to_double()), static_cast<RealPart<T>>(v.imaginary())};
  } else {
    return static_cast<T>(v.to_double());
  }
}

// f(value) for steps values from start to end, counted from the nearer end so that both are exact. As PyTorch's do,
// floats take a fused multiply-add, and 16-bit ones (of dtype `stored`) round at every step.
template <class T, class F>
void spaced(T* out, const Scalar& start, const Scalar& end, int64_t steps, DType stored, F f) {
  using Step = std::conditional_t<std::is_integral_v<T>, double, T>;
  auto rounded = [stored](Step v) {
    if constexpr (std::is_same_v<T, float>)
      if (is_narrow(stored)) return as_stored(stored, v);
    return v;
  };
  Step first = rounded(number_of<Step>(start)), last = rounded(number_of<Step>(end));
  if constexpr (std::is_integral_v<T>) {
    first = static_cast<Step>(static_cast<T>(first));
    last = static_cast<Step>(static_cast<T>(last));
  }
  const Step step = steps > 1 ? rounded(rounded(last - first) / rounded(static_cast<Step>(steps - 1))) : Step(0);
  auto at = [=](int64_t count, Step by, Step from) {
    const Step k = static_cast<Step>(count);
    if constexpr (std::is_integral_v<T> || is_complex_number<T>) {
      return from + by * k;
    } else {
      return is_narrow(stored) ? rounded(from + rounded(by * rounded(k))) : std::fma(by, k, from);
    }
  };
  for (int64_t i = 0; i < steps; ++i) {
    bool early = i < steps / 2 || steps == 1;
    out[i] = static_cast<T>(f(early ? at(i, step, first) : at(steps - 1 - i, -step, last)));
  }
}

DType space_dtype(const Scalar& start, const Scalar& end, const Options& o, const char* op) {
  const bool complex = start.category == Category::Complex || end.category == Category::Complex;
  const DType dtype = o.dtype.value_or(complex ? complex_of(default_dtype) : default_dtype);
  RL_CHECK(!complex || is_complex(dtype), Runtime, "%s: complex numbers do not fit dtype %s", op, name_of(dtype));
  return dtype;
}

Ref space_for(int64_t steps, DType dtype, DeviceId device, const char* op) {
  RL_CHECK(steps >= 0, Runtime, "%s: the number of steps must not be negative, got %lld", op, (long long)steps);
  RL_CHECK(dtype != DType::Bool, NotImplemented, "%s: not implemented for dtype bool", op);
  return rl::empty(Dims{steps}, dtype, device);
}

}  // namespace

Ref linspace(const Scalar& start, const Scalar& end, int64_t steps, const Options& o) {
  const DType dtype = space_dtype(start, end, o, "linspace"), computed = wide_of(dtype);
  Ref x = space_for(steps, computed, o.device_or_cpu(), "linspace");
  if (!has_memory(x.get())) return as_dtype(x.get(), dtype);
  with_values_of(computed, "linspace", [&](auto element) {
    spaced(x->data_as<decltype(element)>(), start, end, steps, dtype, [](auto v) { return v; });
  });
  return as_dtype(x.get(), dtype);
}

Ref logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, const Options& o) {
  const DType dtype = space_dtype(start, end, o, "logspace"), computed = wide_of(dtype);
  Ref x = space_for(steps, computed, o.device_or_cpu(), "logspace");
  if (!has_memory(x.get())) return as_dtype(x.get(), dtype);
  with_values_of(computed, "logspace", [&](auto element) {
    auto power = [=]<class V>(V v) {
      if constexpr (is_complex_number<V>) {
        const auto z = std::pow(std::complex(static_cast<RealPart<V>>(base)), std::complex(v.re, v.im));
        return V(z.real(), z.imag());
      } else {
        return std::pow(static_cast<V>(base), v);
      }
    };
    spaced(x->data_as<decltype(element)>(), start, end, steps, computed, power);
  });
  return as_dtype(x.get(), dtype);
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
