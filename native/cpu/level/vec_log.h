// log and its family. x = m 2^k with 3/4 <= m < 3/2; log(m) by a polynomial in f = m - 1 (float: no division) or in
// s = f / (2 + f) (double). Coefficients: interpolation at Chebyshev nodes in 150 digits.
#pragma once

#include "cpu/level/vec_exp.h"

namespace rl::RL_LEVEL {

template <class T>
struct LogConstants;
template <>
struct LogConstants<float> {
  static constexpr int32_t three_quarters = 0x3f400000;
  static constexpr float smallest_normal = 0x1p-126f;
  // The first of each pair has so few bits that its product with k, or with half of f, is exact.
  static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 1.42860682e-6f;
  static constexpr float log2_e_high = 0x1.714p0f, log2_e_low = 0.000312228389f;
  static constexpr float log10_e_high = 0x1.bcap-2f, log10_e_low = 9.03803408e-5f;
  static constexpr float log10_2_high = 0x1.344p-2f, log10_2_low = 4.60503898e-6f;
};
template <>
struct LogConstants<double> {
  static constexpr int64_t three_quarters = 0x3fe8000000000000;
  static constexpr double smallest_normal = 0x1p-1022;
  static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
  static constexpr double log2_e_high = 0x1.715476p0, log2_e_low = 0x1.4ae0bf85ddf44p-26;
  static constexpr double log10_e_high = 0x1.bcb7b1p-2, log10_e_low = 0x1.49b9438ca9aaep-28;
  static constexpr double log10_2_high = 0x1.34413509ep-2, log10_2_low = 0x1.79fef311f12b3p-38;
};

#if defined(__AVX512F__)

// Zero, infinity, NaN and negative numbers come out of these two instructions so that log needs no cases.
RL_INLINE Vec<float> split_number(Vec<float> x, Vec<float>* k) {
  Vec<float> m(NativeF(_mm512_getmant_ps(x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan)));
  *k = Vec<float>(NativeF(_mm512_getexp_ps(x.v))) - Vec<float>(NativeF(_mm512_getexp_ps(m.v)));
  return m;
}
RL_INLINE Vec<double> split_number(Vec<double> x, Vec<double>* k) {
  Vec<double> m(NativeD(_mm512_getmant_pd(x.v, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan)));
  *k = Vec<double>(NativeD(_mm512_getexp_pd(x.v))) - Vec<double>(NativeD(_mm512_getexp_pd(m.v)));
  return m;
}
#else

template <class T>
RL_INLINE Vec<T> split_number(Vec<T> x, Vec<T>* k) {
  using C = LogConstants<T>;
  using E = ExpConstants<T>;
  using Int = typename VecTraits<T>::lane_int;
  constexpr int lift = E::mantissa + 2;
  Vec<T> lifted = T(0);
  Mask<T> denormal = x < Vec<T>(C::smallest_normal);
  if (__builtin_expect(any(denormal), 0)) {
    x = where(denormal, x * Vec<T>(T(uint64_t(1) << lift)), x);
    lifted = where(denormal, Vec<T>(T(lift)), lifted);
  }
  Vec<Int> bits = as_int(x) - Vec<Int>(C::three_quarters);
  // 64-bit lanes have no arithmetic shift below AVX-512: an offset makes the shifted number positive.
  using Unsigned = typename VecTraits<T>::unsigned_bits;
  constexpr Int offset = Int(1) << (8 * sizeof(T) - 2);
  auto high = ((Unsigned)bits.v + (Unsigned)Vec<Int>(offset).v) >> E::mantissa;
  *k = as_float(Vec<Int>((typename Vec<Int>::Native)high) + as_int(Vec<T>(E::magic))) -
       (lifted + Vec<T>(E::magic + T(offset >> E::mantissa)));
  constexpr Int fraction = (Int(1) << E::mantissa) - 1;
  return as_float((bits & Vec<Int>(fraction)) + Vec<Int>(C::three_quarters));
}
#endif

// y, but the limits of a logarithm where x is zero, infinite, NaN or negative.
template <class T>
RL_INLINE Vec<T> log_limits(Vec<T> x, Vec<T> y) {
  const Vec<T> infinity = T(__builtin_inf()), zero = T(0);
  Mask<T> ordinary = (x > zero) & (x < infinity);
  if (__builtin_expect(all(ordinary), 1)) return y;
  Vec<T> limit = where(x == zero, -infinity, where(x < zero, Vec<T>(T(__builtin_nan(""))), x));
  return where(ordinary, y, limit);
}
template <class T>
RL_INLINE Vec<T> log_result([[maybe_unused]] Vec<T> x, Vec<T> y) {
#if defined(__AVX512F__)
  return y;
#else
  return log_limits(x, y);
#endif
}

// log(1 + f) - f + more, for -1/4 <= f < 1/2 and a `more` that is small beside log(1 + f).
RL_INLINE Vec<float> log_tail(Vec<float> f, Vec<float> more) {
  Vec<float> z = f * f;
  Vec<float> q = polynomial(f, 0.042871978f, -0.0956134001f, 0.116806818f, -0.126393111f, 0.14268306f, -0.166608175f,
                            0.200001409f, -0.250000567f, 0.333333331f);
  return fma(Vec<float>(-0.5f), z, fma(f * z, q, more));
}
RL_INLINE Vec<double> log_tail(Vec<double> f, Vec<double> more) {
  Vec<double> s = f / (f + Vec<double>(2.0));
  Vec<double> z = s * s;
  Vec<double> q = polynomial(z, 0.13609030262907736, 0.13209708242052064, 0.15388867805614161, 0.18181737626302924,
                             0.22222223048351588, 0.28571428567275935, 0.40000000000007941, 0.66666666666666664);
  Vec<double> half = Vec<double>(0.5) * f * f;
  return fma(s, fma(z, q, half), more) - half;
}

template <class T>
RL_INLINE Vec<T> log(Vec<T> x) {
  using C = LogConstants<T>;
  Vec<T> k, m = split_number(x, &k), f = m - Vec<T>(T(1));
  return log_result(x, fma(k, Vec<T>(C::ln2_high), f + log_tail(f, k * Vec<T>(C::ln2_low))));
}

// log(1 + f) / log(base) as an exact main part, the upper half of f times the upper half of the factor, and a rest.
template <class T>
RL_INLINE Vec<T> log_in_base(Vec<T> f, T factor, T factor_rest, Vec<T>* main) {
  using Int = typename VecTraits<T>::lane_int;
  constexpr int low_bits = sizeof(T) == 4 ? 12 : 27;
  Vec<T> f_high = as_float(as_int(f) & Vec<Int>(-(Int(1) << low_bits)));
  *main = f_high * Vec<T>(factor);
  Vec<T> rest = fma(f, Vec<T>(factor_rest), (f - f_high) * Vec<T>(factor));
  return fma(log_tail(f, Vec<T>(T(0))), Vec<T>(factor + factor_rest), rest);
}
template <class T>
RL_INLINE Vec<T> log2(Vec<T> x) {
  using C = LogConstants<T>;
  Vec<T> k, main, m = split_number(x, &k);
  Vec<T> rest = log_in_base(m - Vec<T>(T(1)), C::log2_e_high, C::log2_e_low, &main);
  return log_result(x, (k + main) + rest);
}
template <class T>
RL_INLINE Vec<T> log10(Vec<T> x) {
  using C = LogConstants<T>;
  Vec<T> k, main, m = split_number(x, &k);
  Vec<T> rest = log_in_base(m - Vec<T>(T(1)), C::log10_e_high, C::log10_e_low, &main);
  return log_result(x, fma(k, Vec<T>(C::log10_2_high), main) + fma(k, Vec<T>(C::log10_2_low), rest));
}

// log(u) of the rounded u = 1 + x, whose rounding error goes into f; where k = 0, f is x itself.
template <class T>
RL_INLINE Vec<T> log1p(Vec<T> x) {
  using C = LogConstants<T>;
  const Vec<T> one = T(1), no_rest_beyond = T(60);
  Vec<T> u = x + one;
  Vec<T> rest = (one - (u - (u - one))) + (x - (u - one));
  Vec<T> k, m = split_number(u, &k);
  Vec<T> shrink = power_of_two(-lesser(k, no_rest_beyond));
  Vec<T> f = where(k == Vec<T>(T(0)), x, fma(rest, shrink, m - one));
  Vec<T> y = fma(k, Vec<T>(C::ln2_high), f + log_tail(f, k * Vec<T>(C::ln2_low)));
  return where(abs(x) < Vec<T>(ExpConstants<T>::tiny), x, log_limits(u, y));
}

}  // namespace rl::RL_LEVEL
