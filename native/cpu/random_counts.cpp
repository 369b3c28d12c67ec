#include "cpu/random_counts.h"

#include <cmath>
#include <limits>

namespace rl {
namespace {

int64_t poisson_by_rejection(double rate, Generator& generator) {
  const double log_rate = std::log(rate);
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = generator.uniform() - 0.5, v = generator.uniform();
    const double us = 0.5 - std::fabs(u);
    const int64_t k = static_cast<int64_t>(std::floor((2 * a / us + b) * u + rate + 0.43));
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <=
        -rate + double(k) * log_rate - std::lgamma(double(k) + 1))
      return k;
  }
}

int64_t poisson_by_product(double rate, Generator& generator) {
  const double end = std::exp(-rate);
  int64_t k = 0;
  for (double product = generator.uniform(); product > end; product *= generator.uniform()) ++k;
  return k;
}

// What Stirling's series for log(k!) leaves out.
template <class T>
T stirling_tail(T k) {
  static const T first[] = {T(0.0810614667953272),  T(0.0413406959554092), T(0.0276779256849983),
                            T(0.02079067210376509), T(0.0166446911898211), T(0.0138761288230707),
                            T(0.0118967099458917),  T(0.0104112652619720), T(0.00925546218271273),
                            T(0.00833056343336287)};
  if (k <= 9) return first[static_cast<size_t>(k)];
  const T square = (k + 1) * (k + 1);
  return T(1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

template <class T>
T binomial_by_rejection(T count, T prob, Generator& generator) {
  const T deviation = std::sqrt(count * prob * (1 - prob));
  const T b = T(1.15 + 2.53 * deviation), a = T(-0.0873 + 0.0248 * b + 0.01 * prob), c = T(count * prob + 0.5);
  const T v_r = T(0.92 - 4.2 / b), r = prob / (1 - prob), alpha = T((2.83 + 5.1 / b) * deviation);
  const T m = std::floor((count + 1) * prob);
  for (;;) {
    const T u = T(generator.uniform() - 0.5);
    T v = T(generator.uniform());
    const T us = T(0.5 - std::fabs(u));
    const T k = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || k > count) continue;
    v = std::log(v * alpha / (a / (us * us) + b));
    const T bound = (m + T(0.5)) * std::log((m + 1) / (r * (count - m + 1))) +
                    (count + 1) * std::log((count - m + 1) / (count - k + 1)) +
                    (k + T(0.5)) * std::log(r * (count - k + 1) / (k + 1)) + stirling_tail(m) +
                    stirling_tail(count - m) - stirling_tail(k) - stirling_tail(count - k);
    if (v <= bound) return k;
  }
}

template <class T>
T binomial_by_gaps(T count, T prob, Generator& generator) {
  const double log_failure = std::log1p(-double(prob));
  T tries = 0, successes = 0;
  for (;; successes += 1) {
    tries += T(std::ceil(std::log(T(generator.uniform())) / log_failure));
    if (tries > count) return successes;
  }
}

}  // namespace

int64_t random_poisson(double rate, Generator& generator) {
  if (rate == 0) return 0;
  return rate < 10 ? poisson_by_product(rate, generator) : poisson_by_rejection(rate, generator);
}

template <class T>
T random_binomial(T count, T prob, Generator& generator) {
  if (count <= 0 || prob <= 0) return 0;
  if (prob >= 1) return count;
  if (!(prob <= 1)) return std::numeric_limits<T>::quiet_NaN();
  auto draw = [&](T p) {
    return count * p >= 10 ? binomial_by_rejection(count, p, generator) : binomial_by_gaps(count, p, generator);
  };
  return prob <= T(0.5) ? draw(prob) : count - draw(1 - prob);
}

template float random_binomial(float, float, Generator&);
template double random_binomial(double, double, Generator&);

}  // namespace rl
