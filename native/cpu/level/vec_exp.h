// exp and its family. x = n ln 2 + r with |r| <= ln 2 / 2; e^r by a polynomial, then times 2^n.
// Polynomial coefficients: interpolation at Chebyshev nodes, in 150 digits, of (e^r - 1 - r) / r^2.
#pragma once

#include "cpu/level/vec_basic.h"

namespace rl::RL_LEVEL {

// Constants per precision.
template <class T>
struct ExpConstants;
template <>
struct ExpConstants<float> {
  static constexpr float magic = 0x1.8p23f;  // adding it rounds to a whole number and leaves that in the low bits
  static constexpr int mantissa = 23;
  static constexpr int32_t one = 0x3f800000;
  static constexpr float ln2_high = 0.693359375f;  // few bits, so that n times it is exact
  static constexpr float ln2_low = -2.12194440e-4f;
  static constexpr float largest = 89.0f, smallest = -104.0f;  // beyond: inf, 0
  static constexpr float expm1_is_minus_one = -18.0f;
  static constexpr float tiny = 0x1p-25f;  // expm1(x) is x
};
template <>
struct ExpConstants<double> {
  static constexpr double magic = 0x1.8p52;
  static constexpr int mantissa = 52;
  static constexpr int64_t one = 0x3ff0000000000000;
  static constexpr double ln2_high = 6.93147180369123816490e-01;
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr double largest = 710.0, smallest = -746.0;
  static constexpr double expm1_is_minus_one = -38.0;
  static constexpr double tiny = 0x1p-54;
};

// Horner's scheme, the highest power first.
template <class V>
RL_INLINE V horner(V, V sum) {
  return sum;
}
template <class V, class... More>
RL_INLINE V horner(V x, V sum, typename V::Lane next, More... more) {
  return horner(x, fma(sum, x, V(next)), more...);
}
template <class V, class... More>
RL_INLINE V polynomial(V x, typename V::Lane first, typename V::Lane second, More... more) {
  return horner(x, fma(V(first), x, V(second)), more...);
}

// (e^r - 1 - r) / r^2
RL_INLINE Vec<float> exp_tail(Vec<float> r) {
  return polynomial(r, 0.0013926376f, 0.00836333308f, 0.0416665535f, 0.166665761f, 0.5f);
}
RL_INLINE Vec<double> exp_tail(Vec<double> r) {
  return polynomial(r, 2.5100634461878497e-8, 2.7620412194498852e-7, 2.7557267935231927e-6, 2.4801520613566221e-5,
                    0.00019841269863392213, 0.0013888888917654015, 0.0083333333333299939, 0.041666666666623244,
                    0.16666666666666667, 0.5);
}

// 2^n for whole n within the exponents of normal numbers.
template <class T>
RL_INLINE Vec<T> power_of_two(Vec<T> n) {
  using C = ExpConstants<T>;
  using Int = typename VecTraits<T>::lane_int;
  return as_float((as_int(n + Vec<T>(C::magic)) << Vec<Int>(C::mantissa)) + Vec<Int>(C::one));
}
// p 2^n for whole n and 1/2 < p < 2, also where the result is denormal or infinite.
template <class T>
RL_INLINE Vec<T> scale(Vec<T> p, Vec<T> n) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return Vec<T>(typename Vec<T>::Native(_mm512_scalef_ps(p.v, n.v)));
  else
    return Vec<T>(typename Vec<T>::Native(_mm512_scalef_pd(p.v, n.v)));
#else
  constexpr T smallest_exponent = sizeof(T) == 4 ? 126 : 1022;
  if (__builtin_expect(all(abs(n) <= Vec<T>(smallest_exponent)), 1)) return p * power_of_two(n);
  const Vec<T> magic(ExpConstants<T>::magic);
  Vec<T> half = (n * Vec<T>(T(0.5)) + magic) - magic;
  return p * power_of_two(half) * power_of_two(n - half);
#endif
}
template <class T>
RL_INLINE Vec<T> clamp_number(Vec<T> x, T low, T high) {
  return greater(Vec<T>(low), lesser(Vec<T>(high), x));
}

// n and r of x = n ln 2 + r.
template <class T>
RL_INLINE Vec<T> split_exponent(Vec<T> x, Vec<T>* n) {
  using C = ExpConstants<T>;
  const Vec<T> magic(C::magic);
  *n = fma(x, Vec<T>(T(1.4426950408889634)), magic) - magic;
  Vec<T> r = fma(*n, Vec<T>(-C::ln2_high), x);
  return fma(*n, Vec<T>(-C::ln2_low), r);
}

// e^x 2^shift
template <class T>
RL_INLINE Vec<T> exp_in_range(Vec<T> x, int shift = 0) {
  Vec<T> n;
  Vec<T> r = split_exponent(x, &n);
  if (shift != 0) n = n + Vec<T>(T(shift));
  return scale(fma(exp_tail(r), r * r, r) + Vec<T>(T(1)), n);
}
template <class T>
RL_INLINE Vec<T> exp(Vec<T> x) {
  using C = ExpConstants<T>;
  return exp_in_range(clamp_number(x, C::smallest, C::largest));
}

template <class T>
RL_INLINE Vec<T> exp2(Vec<T> x) {
  constexpr T range = sizeof(T) == 4 ? 160 : 1100;
  x = clamp_number(x, -range, range);
  Vec<T> n = round(x);
  Vec<T> r = (x - n) * Vec<T>(T(0.6931471805599453));
  return scale(fma(exp_tail(r), r * r, r) + Vec<T>(T(1)), n);
}

// e^x - 1 as 2 (h (e^r - 1) + (h - 1/2)) with h = 2^(n - 1), which does not overflow early. The two largest terms,
// h - 1/2 and h r, cancel for small n: the rounding error of their sum is carried along.
template <class T>
RL_INLINE Vec<T> expm1_in_range(Vec<T> x) {
  Vec<T> n;
  Vec<T> r = split_exponent(x, &n);
  Vec<T> h = power_of_two(n - Vec<T>(T(1)));
  Vec<T> large = h - Vec<T>(T(0.5));
  Vec<T> product = h * r;
  Vec<T> sum = large + product;
  Vec<T> error = product - (sum - large);
  Vec<T> y = sum + fma(product * r, exp_tail(r), error);
  return y + y;
}
template <class T>
RL_INLINE Vec<T> expm1(Vec<T> x) {
  using C = ExpConstants<T>;
  Vec<T> y = expm1_in_range(clamp_number(x, C::expm1_is_minus_one, C::largest));
  return where(abs(x) < Vec<T>(C::tiny), x, y);
}

// 1 / (1 + e^-x), by the exponential that cannot overflow.
template <class T>
RL_INLINE Vec<T> sigmoid(Vec<T> x) {
  const Vec<T> one = T(1);
  Vec<T> e = exp(-abs(x));
  return where(x < Vec<T>(T(0)), e, one) / (one + e);
}

// (tanh(a) / a - 1) / a^2 for |a| < 0.55, from z = a^2.
RL_INLINE Vec<float> tanh_tail(Vec<float> z) {
  return polynomial(z, -0.00661022783f, 0.0213093887f, -0.0539094288f, 0.133331137f, -0.33333332f);
}
RL_INLINE Vec<double> tanh_tail(Vec<double> z) {
  return polynomial(z, -2.0602765376321744e-5, 8.5113136855705791e-5, -0.00023463474108867537, 0.00058893605200738733,
                    -0.0014556618301007117, 0.0035921103786890232, -0.0088632343978143548, 0.021869488493666942,
                    -0.053968253967434015, 0.13333333333332715, -0.33333333333333333);
}
// A polynomial near zero, beyond it tanh|x| = 1 - 2 / (e^(2|x|) + 1).
template <class T>
RL_INLINE Vec<T> tanh(Vec<T> x) {
  const Vec<T> one = T(1), two = T(2), is_one = T(20);
  Vec<T> a = abs(x), z = x * x;
  Vec<T> near = fma(tanh_tail(z) * z, x, x);
  Vec<T> far = one - two / (exp_in_range(two * lesser(is_one, a)) + one);
  return bit_or(where(a < Vec<T>(T(0.55)), near, far), sign_of(x));
}

}  // namespace rl::RL_LEVEL
