// The rarer functions of the formula language: bits, divisors, gamma and Bessel functions, tails of the normal
// distribution. Scalars first; vectors take them lane by lane. Names are those of the rows, which gradients call.
#pragma once

#include "cpu/level/scalar_special.h"
#include "cpu/level/vec_special.h"

namespace rl::RL_LEVEL {

// ------------------------------------------------------------------ bits

RL_INLINE bool bit_not(bool x) { return !x; }
template <class T>
RL_INLINE T bit_not(T x) {
  return T(~x);
}
// A shift by a negative count or by all bits and more leaves 0, or the sign of a right shift.
template <class T>
RL_INLINE T shift_left(T x, T count) {
  return count < T(0) || uint64_t(count) >= 8 * sizeof(T) ? T(0) : T(uint64_t(x) << uint64_t(count));
}
template <class T>
RL_INLINE T shift_right(T x, T count) {
  constexpr int bits = 8 * sizeof(T) - (T(-1) < T(0));
  return count < T(0) || uint64_t(count) >= uint64_t(bits) ? T(T(x >> (bits - 1)) >> 1) : T(x >> count);
}
template <class T>
inline T gcd(T a, T b) {
  uint64_t x = uint64_t(abs(a)), y = uint64_t(abs(b));
  while (y) {
    uint64_t rest = x % y;
    x = y;
    y = rest;
  }
  return T(x);
}
template <class T>
inline T lcm(T a, T b) {
  T g = gcd(a, b);
  return g == T(0) ? T(0) : abs(T(a / g * b));
}

// ------------------------------------------------------------------ gamma

// Hurwitz's zeta function by Euler and Maclaurin's formula (Abramowitz and Stegun 23.1.30), s > 1.
inline double zeta(double s, double q) {
  if (s == 1) return __builtin_inf();
  if (!(s > 1)) return __builtin_nan("");
  if (q <= 0) {
    if (q == __builtin_floor(q)) return __builtin_inf();
    if (s != __builtin_floor(s)) return __builtin_nan("");
  }
  double sum = 0;
  for (; q < 12; q++) sum += __builtin_pow(q, -s);
  const double even[] = {1.0 / 6, -1.0 / 30, 1.0 / 42, -1.0 / 30, 5.0 / 66, -691.0 / 2730, 7.0 / 6, -3617.0 / 510};
  double power = __builtin_pow(q, -s);
  sum += q * power / (s - 1) + power / 2;
  double factor = s * power / (2 * q);
  for (int k = 0; k < 8; k++) {
    sum += even[k] * factor;
    factor *= (s + 2 * k + 1) * (s + 2 * k + 2) / ((2 * k + 3) * (2 * k + 4) * q * q);
  }
  return sum;
}
inline float zeta(float s, float q) { return float(zeta(double(s), double(q))); }

// The derivative of digamma: reflection for x < 1/2, or the zeta function.
inline double _polygamma(double x, double n) {
  if (n == 0) return digamma(x);
  if (n == 1 && x == __builtin_inf()) return 0;
  if (n == 1 && x < 0.5) {
    constexpr double pi = 3.141592653589793;
    double sine = __builtin_sin(pi * (x - __builtin_floor(x)));
    return pi * pi / (sine * sine) - zeta(2, 1 - x);
  }
  double size = __builtin_tgamma(n + 1) * zeta(n + 1, x);
  return __builtin_fmod(n, 2) == 0 ? -size : size;
}
inline float _polygamma(float x, float n) { return float(_polygamma(double(x), double(n))); }

// ------------------------------------------------------------------ Bessel functions

// exp(-|x|) times the modified Bessel function of order 0 or 1: the power series (Abramowitz and Stegun 9.6.10), and
// Hankel's expansion (9.7.1) where x is large.
inline double bessel_i(int order, double x) {
  double a = __builtin_fabs(x), sum = 1, term = 1;
  if (a <= 25) {
    for (int k = 1; term > 1e-18 * sum; k++) {
      term *= a * a / 4 / (double(k) * (k + order));
      sum += term;
    }
    sum *= __builtin_exp(-a) * (order ? a / 2 : 1);
  } else {
    for (int k = 1; k < 24; k++) {
      term *= -(4.0 * order - double(2 * k - 1) * (2 * k - 1)) / (8 * k * a);
      sum += term;
    }
    sum /= __builtin_sqrt(2 * 3.141592653589793 * a);
  }
  return order && x < 0 ? -sum : sum;
}
#define RL_BESSEL(name, order, scale)                                 \
  inline double name(double x) { return bessel_i(order, x) * scale; } \
  inline float name(float x) { return float(name(double(x))); }
RL_BESSEL(i0, 0, __builtin_exp(__builtin_fabs(x)))
RL_BESSEL(_special_i1, 1, __builtin_exp(__builtin_fabs(x)))
RL_BESSEL(_special_i0e, 0, 1)
RL_BESSEL(_special_i1e, 1, 1)
#undef RL_BESSEL

// ------------------------------------------------------------------ tails of the normal distribution

// exp(x^2) erfc(x): the polynomial of erfc, and the asymptotic series (Abramowitz and Stegun 7.1.23) where x is large.
inline double _special_erfcx(double x) {
  double a = __builtin_fabs(x), y;
  if (a < 25) {
    y = erfc_scaled(Vec<double>((a - 4) / (a + 4)))[0] / (2 * a + 1);
  } else {
    double z = -0.5 / (a * a), term = 1, sum = 1;
    for (int k = 1; k < 8; k++) {
      term *= z * (2 * k - 1);
      sum += term;
    }
    y = sum * 0.5641895835477563 / a;
  }
  if (!(x < 0)) return y;
  return x < -26.7 ? __builtin_inf() : 2 * __builtin_exp(x * x) - y;
}
inline float _special_erfcx(float x) { return float(_special_erfcx(double(x))); }
inline double log_ndtr(double x) {
  double t = x * 0.7071067811865476;
  return x < -1 ? __builtin_log(_special_erfcx(-t) / 2) - t * t : __builtin_log1p(-__builtin_erfc(t) / 2);
}
inline float log_ndtr(float x) { return float(log_ndtr(double(x))); }

RL_LANEWISE_UNARY(bit_not)
RL_LANEWISE_UNARY(i0)
RL_LANEWISE_UNARY(_special_i1)
RL_LANEWISE_UNARY(_special_i0e)
RL_LANEWISE_UNARY(_special_i1e)
RL_LANEWISE_UNARY(_special_erfcx)
RL_LANEWISE_UNARY(log_ndtr)
RL_LANEWISE_BINARY(shift_left)
RL_LANEWISE_BINARY(shift_right)
RL_LANEWISE_BINARY(gcd)
RL_LANEWISE_BINARY(lcm)
RL_LANEWISE_BINARY(zeta)
RL_LANEWISE_BINARY(_polygamma)

}  // namespace rl::RL_LEVEL
