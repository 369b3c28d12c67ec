// The hyperbolic functions but tanh, and their inverses, from expm1 and log1p; in double, floats through it.
#pragma once

#include "cpu/level/vec_log.h"

namespace rl::RL_LEVEL {

RL_INLINE Vec<double> half_exp(Vec<double> a) {
  const Vec<double> overflows = 720.0;
  return exp_in_range(lesser(overflows, a), -1);
}
RL_INLINE Vec<double> sinh(Vec<double> x) {
  const Vec<double> one = 1.0, half = 0.5, one_sided = 22.0;
  Vec<double> a = abs(x);
  Vec<double> t = expm1(lesser(one_sided, a));
  Vec<double> y = where(a < one, fma(-t, t / (t + one), t + t), t + t / (t + one)) * half;
  return bit_or(where(a > one_sided, half_exp(a), y), sign_of(x));
}
RL_INLINE Vec<double> cosh(Vec<double> x) {
  Vec<double> e = half_exp(abs(x));
  return e + Vec<double>(0.25) / e;
}

// Beyond this, sqrt(a^2 + 1) is a.
inline constexpr double root_is_size = 0x1p28, log_2 = 0.6931471805599453;

RL_INLINE Vec<double> asinh(Vec<double> x) {
  const Vec<double> one = 1.0, limit = root_is_size;
  Vec<double> a = abs(x), z = a * a;
  Vec<double> near = log1p(a + z / (one + sqrt(z + one)));
  return bit_or(where(a > limit, log(a) + Vec<double>(log_2), near), sign_of(x));
}
RL_INLINE Vec<double> acosh(Vec<double> x) {
  const Vec<double> one = 1.0, limit = root_is_size;
  Vec<double> t = x - one;
  Vec<double> y = where(x > limit, log(x) + Vec<double>(log_2), log1p(t + sqrt(fma(t, t, t + t))));
  return where(x < one, Vec<double>(__builtin_nan("")), y);
}
RL_INLINE Vec<double> atanh(Vec<double> x) {
  const Vec<double> one = 1.0;
  Vec<double> a = abs(x);
  return bit_or(log1p((a + a) / (one - a)) * Vec<double>(0.5), sign_of(x));
}

RL_THROUGH_DOUBLE(sinh)
RL_THROUGH_DOUBLE(cosh)
RL_THROUGH_DOUBLE(asinh)
RL_THROUGH_DOUBLE(acosh)
RL_THROUGH_DOUBLE(atanh)

}  // namespace rl::RL_LEVEL
