// Random numbers of other distributions than the uniform and the normal one, and draws whose parameters are tensors.
#include <algorithm>
#include <cmath>

#include "base/half.h"
#include "cpu/random_counts.h"
#include "cpu/rows/random_fill.h"
#include "device/create.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/random.h"
#include "gen/ops/reduction.h"
#include "gen/ops/sort.h"

namespace rl {
namespace {

void check_continuous(const char* op, In self) {
  RL_CHECK(is_floating(self->dtype), Runtime,
           "%s: numbers of a continuous distribution do not fit dtype %s; expected a "
           "floating-point tensor",
           op, name_of(self->dtype));
}

// fill(run, source) over the elements of a floating tensor.
template <class F>
void fill_floating(const char* op, In self, PyObject* generator, F&& fill) {
  check_no_internal_overlap(self, op);
  if (!has_memory(self)) return;
  Generator& source = generator_of(generator);
  by_float_bits(op, self->dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(Operand::of(self), self->numel, source, [&](Run<T> run) { fill(run, source); });
  });
}

// An element as the number that a distribution computes with.
template <class T>
T as_number(T x) {
  return x;
}
inline float as_number(Float16Bits x) { return half_to_float(x.bits); }
inline float as_number(BFloat16Bits x) { return brain_to_float(x.bits); }
template <class T>
T as_element(double x) {
  if constexpr (std::is_same_v<T, Float16Bits>)
    return {half_from_float(static_cast<float>(x))};
  else if constexpr (std::is_same_v<T, BFloat16Bits>)
    return {brain_from_float(static_cast<float>(x))};
  else
    return static_cast<T>(x);
}

// f(to, from...) for each element of `operands`, in the order of the first one's memory.
template <class F>
void each_element(Span<const Operand> operands, DimSpan sizes, Generator& generator, F&& f) {
  const Plan plan(sizes, operands);
  Unlocked unlocked(plan.numel);
  const std::lock_guard<std::mutex> lock(generator.mutex);
  auto run = [&](char* const* data, const int64_t* strides, int64_t n) {
    char* at[kMaxOperands];
    std::copy(data, data + plan.operands, at);
    for (int64_t i = 0; i < n; ++i) {
      f(at);
      for (int k = 0; k < plan.operands; ++k) at[k] += strides[k];
    }
  };
  auto call = [](const void* self, char* const* data, const int64_t* strides, int64_t n) {
    (*static_cast<const decltype(run)*>(self))(data, strides, n);
  };
  plan.run(Inner{call, &run});
}

}  // namespace

namespace kernels {

void exponential(In self, double lambd, PyObject* generator) {
  const char* op = "exponential_";
  RL_CHECK(lambd > 0, Runtime, "%s: lambd must be greater than 0, got %g", op, lambd);
  if (self->numel == 0) return;
  check_continuous(op, self);
  fill_floating(op, self, generator, [&](auto run, Generator& source) { fill_exponential(run, lambd, source); });
}

void cauchy(In self, double median, double sigma, PyObject* generator) {
  const char* op = "cauchy_";
  check_continuous(op, self);
  RL_CHECK(sigma > 0, Runtime, "%s: sigma must be greater than 0, got %g", op, sigma);
  fill_floating(op, self, generator, [&](auto run, Generator& source) { fill_cauchy(run, median, sigma, source); });
}

void log_normal(In self, double mean, double std, PyObject* generator) {
  const char* op = "log_normal_";
  RL_CHECK(std > 0, Runtime, "%s: std must be greater than 0, got %g", op, std);
  if (self->numel == 0) return;
  if (!is_floating(self->dtype)) no_kernel(op, self->dtype);
  fill_floating(op, self, generator, [&](auto run, Generator& source) { fill_log_normal(run, mean, std, source); });
}

void geometric(In self, double p, PyObject* generator) {
  const char* op = "geometric_";
  RL_CHECK(p > 0 && p < 1, Runtime, "%s: p must lie between 0 and 1, both excluded, got %g", op, p);
  if (self->numel == 0) return;
  if (self->dtype == DType::Bool) no_kernel(op, self->dtype);
  check_random(op, self);
  if (!has_memory(self)) return;
  Generator& source = generator_of(generator);
  by_fillable(op, self->dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_runs<T>(Operand::of(self), self->numel, source, [&](Run<T> run) { fill_geometric(run, p, source); });
  });
}

// ------------------------------------------------------------------ bernoulli

void bernoulli_each(In self, In p, PyObject* generator) {
  const char* op = "bernoulli_";
  check_random(op, self);
  if (!is_floating(p->dtype)) no_kernel(op, p->dtype);
  const Layout spread = layout::expand(p->layout(), self->sizes());
  if (!has_memory(self) || !has_memory(p)) return;
  Generator& source = generator_of(generator);
  const Operand operands[] = {Operand::of(self),
                              {p->data(), static_cast<int64_t>(size_of(p->dtype)), spread.sizes, spread.strides}};
  by_fillable(op, self->dtype, [&](auto element) {
    by_float_bits(op, p->dtype, [&](auto probability) {
      using T = decltype(element);
      using P = decltype(probability);
      each_element({operands, 2}, self->sizes(), source, [&](char** at) {
        const auto chance = as_number(*reinterpret_cast<const P*>(at[1]));
        RL_CHECK(chance >= 0 && chance <= 1, Runtime, "%s: every probability must be from 0 to 1, met %g", op,
                 double(chance));
        const bool drawn = std::is_same_v<P, double> ? source.uniform() < chance : source.uniform_float() < chance;
        *reinterpret_cast<T*>(at[0]) = as_element<T>(drawn);
      });
    });
  });
}

Ref bernoulli_like(In input, PyObject* generator) {
  Ref x = rl::empty_like(input, input->dtype);
  bernoulli_each(x, input, generator);
  return x;
}

Ref bernoulli_p(In input, double p, PyObject* generator) {
  Ref x = rl::empty_like(input, input->dtype);
  bernoulli(x, p, generator);
  return x;
}

// ------------------------------------------------------------------ normal

Ref normal_size(double mean, double std, DimSpan size, PyObject* generator, const Options& options) {
  Ref x = rl::empty(size, options.dtype_or_default(), options.device_or_cpu());
  normal(x, mean, std, generator);
  return x;
}

// Normal numbers are scaled and moved by rows of their own, which round as PyTorch does.
Ref normal_mean(In mean, double std, PyObject* generator) {
  const ModeGuard quiet(kHooked, kGradOff);
  Ref x = rl::empty(mean->sizes(), mean->dtype, mean->device);
  normal(x, 0, std, generator);
  return ops::add_(x, Arg(mean), Scalar(1));
}

static void check_std(In std) {
  RL_CHECK(!is_complex(std->dtype), Runtime, "normal: expected real standard deviations, got dtype %s",
           name_of(std->dtype));
  if (!has_memory(std) || std->numel == 0) return;
  const Ref fits = ops::all(ops::ge(Arg(std), Arg(Scalar(0))));
  RL_CHECK(*fits->data_as<bool>(), Runtime, "normal: every standard deviation must be at least 0");
}

Ref normal_std(double mean, In std, PyObject* generator) {
  const ModeGuard quiet(kHooked, kGradOff);
  check_std(std);
  Ref x = rl::empty(std->sizes(), std->dtype, std->device);
  normal(x, 0, 1, generator);
  return ops::add_(ops::mul_(x, Arg(std)), Arg(Scalar(mean)), Scalar(1));
}

Ref normal_both(In mean, In std, PyObject* generator) {
  const ModeGuard quiet(kHooked, kGradOff);
  check_std(std);
  Ref x = rl::empty(broadcast_sizes(mean->sizes(), std->sizes(), "normal"), mean->dtype, mean->device);
  normal(x, 0, 1, generator);
  return ops::add_(ops::mul_(x, Arg(std)), Arg(mean), Scalar(1));
}

// ------------------------------------------------------------------ counts

Ref poisson(In input, PyObject* generator) {
  const char* op = "poisson";
  if (!is_floating(input->dtype)) no_kernel(op, input->dtype);
  Ref x = rl::empty(input->sizes(), input->dtype, input->device);
  if (!has_memory(input)) return x;
  Generator& source = generator_of(generator);
  const Operand operands[] = {Operand::of(x.get()), Operand::of(input)};
  by_float_bits(op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    each_element({operands, 2}, input->sizes(), source, [&](char** at) {
      const double rate = as_number(*reinterpret_cast<const T*>(at[1]));
      RL_CHECK(rate >= 0, Runtime, "%s: every rate must be at least 0, met %g", op, rate);
      *reinterpret_cast<T*>(at[0]) = as_element<T>(static_cast<double>(random_poisson(rate, source)));
    });
  });
  return x;
}

Ref binomial(In count, In prob, PyObject* generator) {
  const char* op = "binomial";
  RL_CHECK(is_floating(count->dtype), Value, "%s: expected a floating-point count, got dtype %s", op,
           name_of(count->dtype));
  check_same(op, "count", count, "prob", prob);
  const Dims sizes = broadcast_sizes(count->sizes(), prob->sizes(), op);
  Ref x = rl::empty(sizes, count->dtype, count->device);
  if (!has_memory(x.get())) return x;
  Generator& source = generator_of(generator);
  const Operand operands[] = {Operand::of(x.get()), Operand::of(count), Operand::of(prob)};
  by_floating(op, count->dtype, [&](auto zero) {
    using T = decltype(zero);
    each_element({operands, 3}, sizes, source, [&](char** at) {
      *reinterpret_cast<T*>(at[0]) =
          random_binomial(*reinterpret_cast<const T*>(at[1]), *reinterpret_cast<const T*>(at[2]), source);
    });
  });
  return x;
}

// ------------------------------------------------------------------ categories

static Ref draw_with_replacement(const char* op, In weights, int64_t rows, int64_t n, int64_t samples,
                                 PyObject* generator) {
  Ref drawn = rl::empty({rows, samples}, DType::Int64);
  const DType dtype = weights->dtype == DType::Float64 ? DType::Float64 : DType::Float32;
  const Ref plain = as_contiguous(as_dtype(weights, dtype).get());
  Generator& source = generator_of(generator);
  by_floating(op, dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> cumulative(static_cast<size_t>(n));
    Unlocked unlocked(rows * (n + samples));
    const std::lock_guard<std::mutex> lock(source.mutex);
    for (int64_t i = 0; i < rows; ++i)
      fill_categories(Run<int64_t>{drawn->data_as<int64_t>() + i * samples, samples},
                      Run<const T>{plain->data_as<T>() + i * n, n}, cumulative.data(), source);
  });
  return drawn;
}

// The races of S. Efraimidis and P. Spirakis: the `samples` largest of weight / exponential number.
static Ref draw_without_replacement(In weights, int64_t samples, PyObject* generator) {
  Ref times = rl::empty_like(weights, weights->dtype);
  exponential(times, 1, generator);
  Ref race = ops::div(Arg(weights), Arg(times));
  if (size_of(race->dtype) == 2) race = convert(race.get(), DType::Float32);
  if (samples == 1) return ops::argmax(race, -1, true);
  return topk(race, samples, -1, true, true)[1];
}

static void check_weights(const char* op, In weights) {
  const Ref sound =
      ops::logical_and(ops::ge(Arg(weights), Arg(Scalar(0))), ops::lt(Arg(weights), Arg(Scalar(INFINITY))));
  RL_CHECK(*ops::all(sound)->data_as<bool>(), Runtime,
           "%s: every probability must be a finite number of at least 0, but some element is negative, inf or nan", op);
  const Ref some = ops::any(ops::gt(Arg(weights), Arg(Scalar(0))), Dims{-1});
  RL_CHECK(*ops::all(some)->data_as<bool>(), Runtime,
           "%s: the probabilities of %s are all 0; at least one must be greater", op,
           weights->ndim == 1 ? "the input" : "some row");
}

Ref multinomial(In input, int64_t num_samples, bool replacement, PyObject* generator) {
  const char* op = "multinomial";
  RL_CHECK(is_floating(input->dtype), Runtime, "%s: expected floating-point probabilities, got dtype %s", op,
           name_of(input->dtype));
  RL_CHECK(input->ndim == 1 || input->ndim == 2, Runtime,
           "%s: expected probabilities of shape (categories) or (rows, categories), got %s", op,
           shape_of(input).c_str());
  RL_CHECK(num_samples > 0, Runtime, "%s: num_samples must be at least 1, got %lld", op, (long long)num_samples);
  const int64_t n = input->size(input->ndim - 1), rows = input->ndim == 2 ? input->size(0) : 1;
  RL_CHECK(replacement || num_samples <= n, Runtime,
           "%s: cannot draw %lld of %lld categories without replacement; pass replacement=True", op,
           (long long)num_samples, (long long)n);
  RL_CHECK(n <= 1 << 24, Runtime, "%s: expected at most 2^24 categories, got %lld", op, (long long)n);
  Dims sizes(input->sizes());
  sizes[sizes.size() - 1] = num_samples;
  if (!has_memory(input) || rows == 0) return rl::empty(sizes, DType::Int64, input->device);
  const ModeGuard quiet(kHooked, kGradOff);
  check_weights(op, input);
  if (!replacement || num_samples == 1) return draw_without_replacement(input, num_samples, generator);
  Ref drawn = draw_with_replacement(op, input, rows, n, num_samples, generator);
  return alias(drawn.get(), layout::view(drawn->layout(), sizes));
}

}  // namespace kernels
}  // namespace rl
