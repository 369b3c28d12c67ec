// The rarer functions, on scalars only: from the C library, or by published algorithms.
#pragma once

#include "cpu/level/scalar_basic.h"

namespace rl::RL_LEVEL {

RL_INLINE double pow(double a, double b) { return __builtin_pow(a, b); }

// lgamma_r does not write the C library's global sign.
inline double lgamma(double x) {
  int sign;
  return __builtin_lgamma_r(x, &sign);
}
inline float lgamma(float x) { return float(lgamma(double(x))); }

// The logarithmic derivative of the gamma function: reflection for negative x, recurrence up to 10, then the
// asymptotic series with Bernoulli numbers (Abramowitz and Stegun 6.3.5 to 6.3.18).
inline double digamma(double x) {
  if (x == 0) return __builtin_copysign(__builtin_inf(), -x);
  double sum = 0;
  if (x < 0) {
    double whole = __builtin_trunc(x);
    if (x == whole) return __builtin_nan("");
    constexpr double pi = 3.141592653589793;
    sum = -pi / __builtin_tan(pi * (x - whole));
    x = 1 - x;
  }
  for (; x < 10; x++) sum -= 1 / x;
  double z = 1 / (x * x);
  double series = -1.0 / 12;
  const double higher[] = {1.0 / 120, -1.0 / 252, 1.0 / 240, -1.0 / 132, 691.0 / 32760, -1.0 / 12};
  double power = z;
  series *= z;
  for (double c : higher) {
    power *= z;
    series += c * power;
  }
  return sum + __builtin_log(x) - 0.5 / x + series;
}
inline float digamma(float x) {
  if (x == 0) return __builtin_copysignf(__builtin_inff(), -x);
  return float(digamma(double(x)));
}

inline double ratio(double x, const double* top, const double* bottom, int degree) {
  double a = top[0], b = bottom[0];
  for (int i = 1; i <= degree; i++) {
    a = a * x + top[i];
    b = b * x + bottom[i];
  }
  return a / b;
}
// The inverse error function from the normal quantile: M. J. Wichura, Algorithm AS 241 (1988), rational functions on
// three ranges, here in terms of 1 - |x| so that nothing is lost near the ends; relative error about 1e-16.
inline double erfinv(double x) {
  static constexpr double middle_top[] = {2509.0809287301226727, 33430.575583588128105, 67265.770927008700853,
                                          45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
                                          133.14166789178437745, 3.387132872796366608};
  static constexpr double middle_bottom[] = {
      5226.495278852854561,  28729.085735721942674, 39307.89580009271061,  21213.794301586595867,
      5394.1960214247511077, 687.1870074920579083,  42.313330701600911252, 1.0};
  static constexpr double near_top[] = {7.7454501427834140764e-4, .0227238449892691845833, .24178072517745061177,
                                        1.27045825245236838258,   3.64784832476320460504,  5.7694972214606914055,
                                        4.6303378461565452959,    1.42343711074968357734};
  static constexpr double near_bottom[] = {
      1.05075007164441684324e-9, 5.475938084995344946e-4, .0151986665636164571966, .14810397642748007459,
      .68976733498510000455,     1.6763848301838038494,   2.05319162663775882187,  1.0};
  static constexpr double far_top[] = {2.01033439929228813265e-7, 2.71155556874348757815e-5, .0012426609473880784386,
                                       .026532189526576123093,    .29656057182850489123,     1.7848265399172913358,
                                       5.4637849111641143699,     6.6579046435011037772};
  static constexpr double far_bottom[] = {
      2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
      .0148753612908506148525,    .13692988092273580531,    .59983220655588793769,    1.0};
  constexpr double root_half = 0.70710678118654752440;
  double a = __builtin_fabs(x);
  if (!(a <= 1)) return __builtin_nan("");
  if (a == 1) return __builtin_copysign(__builtin_inf(), x);
  if (a <= 0.85) return x * (root_half / 2 * ratio(0.180625 - x * x / 4, middle_top, middle_bottom, 7));
  double r = __builtin_sqrt(-__builtin_log((1 - a) / 2));
  double q = r <= 5 ? ratio(r - 1.6, near_top, near_bottom, 7) : ratio(r - 5, far_top, far_bottom, 7);
  return __builtin_copysign(root_half * q, x);
}
inline float erfinv(float x) { return float(erfinv(double(x))); }

// Integer powers by squaring; a negative exponent gives the whole part of the power, 0 but for bases 1 and -1.
template <class T>
inline T pow(T a, T b) {
  if (b < T(0)) return a == T(1) ? T(1) : a == T(-1) ? (b % 2 ? T(-1) : T(1)) : T(0);
  uint64_t result = 1, base = uint64_t(a);
  for (uint64_t n = uint64_t(b); n; n >>= 1) {
    if (n & 1) result *= base;
    base *= base;
  }
  return T(result);
}

RL_INLINE uint8_t pow_number(uint8_t a, uint8_t b) { return pow(a, b); }
RL_INLINE int8_t pow_number(int8_t a, int8_t b) { return pow(a, b); }
RL_INLINE int16_t pow_number(int16_t a, int16_t b) { return pow(a, b); }
RL_INLINE int32_t pow_number(int32_t a, int32_t b) { return pow(a, b); }
RL_INLINE int64_t pow_number(int64_t a, int64_t b) { return pow(a, b); }

// The 16-bit float next to `a` in the direction of `b`, as bits: a sign, and a size in the order of the numbers.
inline int16_t next_bits(int16_t a, int16_t b, int16_t infinity) {
  const int size = a & 0x7fff, other = b & 0x7fff;
  if (size > infinity || other > infinity) return 0x7fff;
  const int from = a < 0 ? -size : size, to = b < 0 ? -other : other;
  if (from == to) return b;
  if (!from) return int16_t((b & 0x8000) | 1);
  return int16_t((a < 0) == (from < to) ? a - 1 : a + 1);
}
inline int16_t next_half(int16_t a, int16_t b) { return next_bits(a, b, 0x7c00); }
inline int16_t next_brain(int16_t a, int16_t b) { return next_bits(a, b, 0x7f80); }

// Quotients of integers. A zero divisor is an error found before; here it gives 0 instead of a trap. The smallest
// number by -1, which would trap too, wraps.
template <class T>
RL_INLINE bool is_minus_one(T b) {
  return T(-1) < T(0) && b == T(-1);
}
template <class T>
RL_INLINE T div_trunc(T a, T b) {
  if constexpr (is_float_scalar<T>)
    return trunc(a / b);
  else
    return b == T(0) ? T(0) : is_minus_one(b) ? neg(a) : T(a / b);
}
template <class T>
RL_INLINE T fmod(T a, T b) {
  return b == T(0) || is_minus_one(b) ? T(0) : T(a % b);
}
// The remainder with the divisor's sign.
template <class T>
RL_INLINE T remainder(T a, T b) {
  T r = fmod(a, b);
  return r != T(0) && (r < T(0)) != (b < T(0)) ? T(r + b) : r;
}
// The quotient rounded down; for floats the whole number nearest to (a - remainder) / b, as Python has it.
template <class T>
RL_INLINE T _div_floor(T a, T b) {
  if constexpr (is_float_scalar<T>) {
    if (b == T(0)) return a / b;
    T r = fmod(a, b);
    T q = (a - r) / b;
    if (r != T(0) && (b < T(0)) != (r < T(0))) q = q - T(1);
    if (q == T(0)) return copysign(T(0), a / b);
    T f = floor(q);
    return q - f > T(0.5) ? f + T(1) : f;
  } else {
    T q = div_trunc(a, b);
    return q * b != a && (a < T(0)) != (b < T(0)) ? T(q - T(1)) : q;
  }
}

}  // namespace rl::RL_LEVEL
