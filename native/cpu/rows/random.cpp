// Random numbers: the rows around cpu/random.h. Elements are drawn in the order in which they lie in memory, as PyTorch
// does.
#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/rows/random_fill.h"
#include "device/create.h"
#include "gen/ops/creation.h"
#include "gen/ops/random.h"

namespace rl {
namespace {

void check_floating(const char* op, DType dtype) {
  if (!is_differentiable(dtype)) no_kernel(op, dtype);
}

// Whole numbers that a dtype holds without leaving its range; for floats as far as int64 goes.
bool holds(DType dtype, int64_t value) {
  switch (dtype) {
    case DType::Bool: return value >= 0 && value <= 1;
    case DType::UInt8: return value >= 0 && value <= 255;
    case DType::Int8: return value >= -128 && value <= 127;
    case DType::Int16: return value >= -32768 && value <= 32767;
    case DType::Int32: return value >= INT32_MIN && value <= INT32_MAX;
    case DType::Float16: return value >= -65504 && value <= 65504;
    default: return true;
  }
}

// The largest number up to which a dtype holds every whole one.
int64_t last_whole(DType dtype) {
  switch (dtype) {
    case DType::Bool: return 1;
    case DType::UInt8: return 255;
    case DType::Int8: return 127;
    case DType::Int16: return 32767;
    case DType::Int32: return INT32_MAX;
    case DType::Float16: return 1 << 11;
    case DType::BFloat16: return 1 << 8;
    case DType::Float32: return 1 << 24;
    case DType::Float64: return int64_t(1) << 53;
    default: return INT64_MAX;
  }
}

void random_between(const char* op, In x, int64_t from, int64_t to, PyObject* generator) {
  check_random(op, x);
  RL_CHECK(from < to, Runtime, "%s: expected low < high, got %lld and %lld: there is no whole number to draw", op,
           (long long)from, (long long)to);
  RL_CHECK(holds(x->dtype, from) && holds(x->dtype, to - 1), Runtime,
           "%s: numbers from %lld to %lld do not all fit dtype %s", op, (long long)from, (long long)(to - 1),
           name_of(x->dtype));
  if (!has_memory(x)) return;
  Generator& source = generator_of(generator);
  by_fillable(op, x->dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(Operand::of(x), x->numel, source, [&](Run<T> run) { fill_random_between(run, from, to, source); });
  });
}

}  // namespace

namespace kernels {

void uniform(In self, double from, double to, PyObject* generator) {
  const char* op = "uniform_";
  check_floating(op, self->dtype);
  const DType dtype = real_of(self->dtype);
  const double bound = largest_of(dtype);
  RL_CHECK(std::fabs(from) <= bound && std::fabs(to) <= bound, Runtime,
           "%s: from (%g) and to (%g) must be finite numbers of dtype %s", op, from, to, name_of(dtype));
  RL_CHECK(from <= to, Runtime, "%s: expected from <= to, got %g and %g", op, from, to);
  RL_CHECK(to - from <= bound, Runtime, "%s: to - from is %g, which dtype %s cannot hold", op, to - from,
           name_of(dtype));
  check_no_internal_overlap(self, op);
  if (!has_memory(self)) return;
  Generator& source = generator_of(generator);
  const Parts parts(self);
  by_float_bits(op, dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(parts.operand(), self->numel, source, [&](Run<T> run) { fill_uniform(run, from, to, source); });
  });
}

void normal(In self, double mean, double std, PyObject* generator) {
  const char* op = "normal_";
  RL_CHECK(std >= 0, Runtime, "%s: the standard deviation must be at least 0, got %g", op, std);
  if (self->numel == 0) return;
  check_floating(op, self->dtype);
  check_no_internal_overlap(self, op);
  if (!has_memory(self)) return;
  Generator& source = generator_of(generator);
  const Parts parts(self);
  // The variance of a complex number is shared by its two parts.
  if (is_complex(self->dtype)) std /= std::sqrt(2.0);
  by_float_bits(op, parts.dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(parts.operand(), self->numel, source,
                 [&](Run<T> run) { fill_normal(run, mean, std, self->contiguous(), source); });
  });
}

void random(In self, PyObject* generator) {
  const char* op = "random_";
  check_random(op, self);
  if (!has_memory(self)) return;
  Generator& source = generator_of(generator);
  by_fillable(op, self->dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(Operand::of(self), self->numel, source, [&](Run<T> run) { fill_random(run, source); });
  });
}

void random_to(In self, int64_t to, PyObject* generator) { random_between("random_", self, 0, to, generator); }

void random_from(In self, int64_t from, std::optional<int64_t> to, PyObject* generator) {
  const char* op = "random_";
  if (to) return random_between(op, self, from, *to, generator);
  check_random(op, self);
  RL_CHECK(holds(self->dtype, from) && from <= last_whole(self->dtype), Runtime,
           "%s: from=%lld lies outside the whole numbers of dtype %s", op, (long long)from, name_of(self->dtype));
  if (!has_memory(self)) return;
  Generator& source = generator_of(generator);
  by_fillable(op, self->dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(Operand::of(self), self->numel, source, [&](Run<T> run) { fill_random_from(run, from, source); });
  });
}

void bernoulli(In self, double p, PyObject* generator) {
  const char* op = "bernoulli_";
  RL_CHECK(p >= 0 && p <= 1, Runtime, "%s: p must be from 0 to 1, got %g", op, p);
  check_random(op, self);
  if (!has_memory(self)) return;
  Generator& source = generator_of(generator);
  by_fillable(op, self->dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(Operand::of(self), self->numel, source, [&](Run<T> run) { fill_bernoulli(run, p, source); });
  });
}

Ref rand(DimSpan size, PyObject* generator, const Options& options) {
  Ref x = rl::empty(size, options.dtype_or_default(), options.device_or_cpu());
  uniform(x, 0, 1, generator);
  return x;
}

Ref randn(DimSpan size, PyObject* generator, const Options& options) {
  Ref x = rl::empty(size, options.dtype_or_default(), options.device_or_cpu());
  normal(x, 0, 1, generator);
  return x;
}

Ref randint(int64_t high, DimSpan size, PyObject* generator, const Options& options) {
  return randint_low(0, high, size, generator, options);
}

Ref randint_low(int64_t low, int64_t high, DimSpan size, PyObject* generator, const Options& options) {
  Ref x = rl::empty(size, options.dtype.value_or(DType::Int64), options.device_or_cpu());
  random_between("randint", x, low, high, generator);
  return x;
}

Ref randperm(int64_t n, PyObject* generator, const Options& options) {
  const char* op = "randperm";
  const DType dtype = options.dtype.value_or(DType::Int64);
  RL_CHECK(n >= 0, Runtime, "%s: n must not be negative, got %lld", op, (long long)n);
  if (dtype == DType::Bool) no_kernel(op, dtype);
  RL_CHECK(n <= last_whole(dtype) || (is_floating(dtype) && n == last_whole(dtype) + 1), Runtime,
           "%s: dtype %s does not hold all numbers below %lld", op, name_of(dtype), (long long)n);
  Ref x = rl::empty({n}, dtype, options.device_or_cpu());
  check_random(op, x.get());
  if (!has_memory(x.get())) return x;
  Generator& source = generator_of(generator);
  by_fillable(op, dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(n);
    const std::lock_guard<std::mutex> lock(source.mutex);
    fill_permutation(Run<T>{x->data_as<T>(), n}, source);
  });
  return x;
}

Ref rand_like(In input, PyObject* generator, MemoryFormat format, const Options& options) {
  Ref x = kernels::empty_like(input, format, options);
  uniform(x, 0, 1, generator);
  return x;
}

Ref randn_like(In input, PyObject* generator, MemoryFormat format, const Options& options) {
  Ref x = kernels::empty_like(input, format, options);
  normal(x, 0, 1, generator);
  return x;
}

Ref randint_like(In input, int64_t high, PyObject* generator, MemoryFormat format, const Options& options) {
  return randint_like_low(input, 0, high, generator, format, options);
}

Ref randint_like_low(In input, int64_t low, int64_t high, PyObject* generator, MemoryFormat format,
                     const Options& options) {
  Ref x = kernels::empty_like(input, format, options);
  random_between("randint_like", x, low, high, generator);
  return x;
}

}  // namespace kernels
}  // namespace rl
