// Tensors from sizes and numbers.
#include <cmath>

#include "autograd/arguments.h"
#include "cpu/rows/memory_format.h"
#include "device/create.h"
#include "gen/ops/creation.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl::kernels {

Ref empty(DimSpan size, MemoryFormat format, const Options& o) {
  return empty_in_format(size, format, o.dtype_or_default(), o.device_or_cpu());
}
Ref zeros(DimSpan size, const Options& o) {
  Ref x = rl::empty(size, o.dtype_or_default(), o.device_or_cpu());
  zero(x);
  return x;
}
Ref ones(DimSpan size, const Options& o) { return rl::full(size, Scalar(1), o.dtype_or_default(), o.device_or_cpu()); }
Ref full(DimSpan size, const Scalar& value, const Options& o) {
  const bool complex = value.category == Category::Complex;  // complex64 even where the default dtype is float16
  const DType natural = complex ? wide_of(dtype_of_number(value)) : dtype_of_number(value);
  return rl::full(size, value, o.dtype.value_or(natural), o.device_or_cpu());
}

Ref empty_strided(DimSpan size, DimSpan stride, const Options& o) {
  RL_CHECK(size.n == stride.n, Runtime, "empty_strided: size %s and stride %s differ in length",
           to_string(size).c_str(), to_string(stride).c_str());
  for (int64_t s : stride)
    RL_CHECK(s >= 0, Runtime, "empty_strided: negative strides are not supported, got %s", to_string(stride).c_str());
  return rl::empty_strided(size, stride, o.dtype_or_default(), o.device_or_cpu());
}

static Ref like(In x, MemoryFormat format, const Options& o) {
  DType dtype = o.dtype.value_or(x->dtype);
  if (format != MemoryFormat::Preserve) return empty_in_format(x->sizes(), format, dtype, o.device.value_or(x->device));
  Ref y = rl::empty_like(x, dtype);
  if (!o.device || o.device->type == x->device.type) return y;
  return rl::empty_strided(y->sizes(), y->strides(), dtype, *o.device);
}
Ref empty_like(In x, MemoryFormat format, const Options& o) { return like(x, format, o); }
Ref zeros_like(In x, MemoryFormat format, const Options& o) {
  Ref y = like(x, format, o);
  zero(y);
  return y;
}
Ref ones_like(In x, MemoryFormat format, const Options& o) {
  Ref y = like(x, format, o);
  rl::fill(y.get(), Scalar(1));
  return y;
}
Ref full_like(In x, const Scalar& value, MemoryFormat format, const Options& o) {
  Ref y = like(x, format, o);
  rl::fill(y.get(), value);
  return y;
}

namespace {
template <class T, class Exact>
void fill_range(Tensor* x, Exact start, Exact step) {
  T* out = x->data_as<T>();
  for (int64_t i = 0; i < x->numel; ++i) out[i] = static_cast<T>(start + static_cast<Exact>(i) * step);
}
void fill_float_range(Tensor* x, double start, double step) {
  float* out = x->data_as<float>();
  for (int64_t i = 0; i < x->numel; ++i) out[i] = static_cast<float>(start + static_cast<double>(i) * step);
}
}  // namespace

Ref arange_start(const Scalar& start, const Scalar& end, const Scalar& step, const Options& o) {
  bool whole =
      start.category <= Category::Integral && end.category <= Category::Integral && step.category <= Category::Integral;
  DType dtype = o.dtype.value_or(whole ? DType::Int64 : default_dtype);
  for (const Scalar* s : {&start, &end, &step})
    RL_CHECK(s->category < Category::Complex, Runtime, "arange: start, end and step must be real");
  double a = start.to_double(), b = end.to_double(), s = step.to_double();
  if (dtype == DType::Int64 && !whole && std::isfinite(a) && std::isfinite(b) && std::isfinite(s)) {
    const auto cut = [](const Scalar& v) { return Scalar(v.to_int()); };  // the bounds too are int64 then
    return arange_start(cut(start), cut(end), cut(step), o);
  }
  RL_CHECK(s != 0, Runtime, "arange: step must not be 0");
  RL_CHECK(std::isfinite(a) && std::isfinite(b), Runtime, "arange: start and end must be finite, got %g and %g", a, b);
  RL_CHECK((s > 0) == (b >= a) || a == b, Runtime,
           "arange: with step %g, the range from %g to %g would never end; the step's sign must lead from start to end",
           s, a, b);
  int64_t n;
  if (whole) {
    int64_t i = start.to_int(), j = end.to_int(), k = step.to_int();
    n = k > 0 ? (j - i + k - 1) / k : (i - j - k - 1) / -k;
  } else {
    n = static_cast<int64_t>(std::ceil((b - a) / s));
  }
  const DType computed = wide_of(dtype);
  Ref x = rl::empty(Dims{n}, computed, o.device_or_cpu());
  if (!has_memory(x.get())) return as_dtype(x.get(), dtype);
  switch (computed) {
    case DType::Float32: fill_float_range(x.get(), a, s); break;
    case DType::Float64: fill_range<double>(x.get(), a, s); break;
    case DType::UInt8: fill_range<uint8_t>(x.get(), start.to_int(), step.to_int()); break;
    case DType::Int8: fill_range<int8_t>(x.get(), start.to_int(), step.to_int()); break;
    case DType::Int16: fill_range<int16_t>(x.get(), start.to_int(), step.to_int()); break;
    case DType::Int32: fill_range<int32_t>(x.get(), start.to_int(), step.to_int()); break;
    case DType::Int64: fill_range<int64_t>(x.get(), start.to_int(), step.to_int()); break;
    default: fail(ErrorType::NotImplemented, "arange: not implemented for dtype %s", name_of(dtype));
  }
  return as_dtype(x.get(), dtype);
}
Ref arange(const Scalar& end, const Options& o) { return arange_start(Scalar(0), end, Scalar(1), o); }

Ref scalar_tensor(const Scalar& s, const Options& o) {
  return rl::full(DimSpan(), s, o.dtype_or_default(), o.device_or_cpu());
}

Ref eye(int64_t n, std::optional<int64_t> m, const Options& o) {
  int64_t columns = m.value_or(n);
  RL_CHECK(n >= 0 && columns >= 0, Runtime, "eye: n and m must not be negative, got %lld and %lld", (long long)n,
           (long long)columns);
  Ref x = zeros(Dims{n, columns}, o);
  Ref diagonal = alias(x.get(), layout::diagonal(x->layout(), 0, 0, 1));
  rl::fill(diagonal.get(), Scalar(1));
  return x;
}

}  // namespace rl::kernels
