// sin, cos, tan, atan. x = n pi/2 + r with |r| <= pi/4, r in two parts; polynomials in r; the quarter turn n picks
// sine or cosine and the sign. Coefficients: interpolation at Chebyshev nodes in 150 digits.
#pragma once

#include "cpu/level/vec_exp.h"

namespace rl::RL_LEVEL {

// pi/2 in parts of so few bits that n times each of the first three, and their partial sums with x, are exact.
template <class T>
struct QuarterTurn;
template <>
struct QuarterTurn<float> {
  static constexpr float first = 0x1.92p+0f, second = 0x1.fb4p-12f, third = 0x1.444p-24f, last = 0x1.68c234p-39f;
  static constexpr float limit = 1e4f;  // up to here
};
template <>
struct QuarterTurn<double> {
  static constexpr double first = 0x1.921fb544p+0, second = 0x1.0b4611a6p-34, third = 0x1.3198a2ep-69;
  static constexpr double last = 0x1.b839a252049c1p-104;
  static constexpr double limit = 1e6;
};

template <class T>
struct Turned {
  Vec<T> r, rest;  // x - n pi/2 = r + rest
  Vec<typename VecTraits<T>::lane_int> n;
};

template <class T>
RL_INLINE Turned<T> reduce_turns(Vec<T> x) {
  using Q = QuarterTurn<T>;
  const Vec<T> magic = ExpConstants<T>::magic;
  Turned<T> t;
  Vec<T> shifted = fma(x, Vec<T>(T(0.63661977236758134)), magic);
  t.n = as_int(shifted);
  Vec<T> n = magic - shifted;
  Vec<T> a = fma(n, Vec<T>(Q::second), fma(n, Vec<T>(Q::first), x));
  t.r = fma(n, Vec<T>(Q::third), a);
  t.rest = fma(n, Vec<T>(Q::last), fma(n, Vec<T>(Q::third), a - t.r));
  return t;
}

// (sin(r) / r - 1) / r^2 and (cos(r) - 1 + r^2 / 2) / r^4 from z = r^2.
RL_INLINE Vec<float> sin_tail(Vec<float> z) {
  return polynomial(z, 2.72483668e-6f, -0.000198400747f, 0.00833333185f, -0.166666667f);
}
RL_INLINE Vec<double> sin_tail(Vec<double> z) {
  return polynomial(z, 1.5917413776643301e-10, -2.5051121888282501e-8, 2.7557316054657151e-6, -0.00019841269836666003,
                    0.0083333333333308871, -0.16666666666666665);
}
RL_INLINE Vec<float> cos_tail(Vec<float> z) { return polynomial(z, 2.4546655e-5f, -0.00138882971f, 0.0416666646f); }
RL_INLINE Vec<double> cos_tail(Vec<double> z) {
  return polynomial(z, -1.1382184660052984e-11, 2.0876140037165515e-9, -2.7557317241752261e-7, 2.4801587298707737e-5,
                    -0.0013888888888887359, 0.041666666666666665);
}

template <class T>
RL_INLINE Vec<T> sin_reduced(Turned<T> t) {
  Vec<T> z = t.r * t.r;
  return t.r + fma(z * t.r, sin_tail(z), t.rest);
}
template <class T>
RL_INLINE Vec<T> cos_reduced(Turned<T> t) {
  const Vec<T> one = T(1);
  Vec<T> z = t.r * t.r, half = z * Vec<T>(T(0.5));
  Vec<T> large = one - half;
  return large + (((one - large) - half) + fma(z * z, cos_tail(z), -(t.r * t.rest)));
}

template <class T>
RL_INLINE Mask<T> has_bit(Vec<typename VecTraits<T>::lane_int> n, int bit) {
  using Int = typename VecTraits<T>::lane_int;
  return Mask<T>((n & Vec<Int>(Int(bit))).v != Vec<Int>(Int(0)).v);
}
// sin(x + quarters pi/2)
template <class T>
RL_INLINE Vec<T> sin_of_turned(Turned<T> t, int quarters) {
  using Int = typename VecTraits<T>::lane_int;
  t.n = t.n + Vec<Int>(Int(quarters));
  Vec<T> y = where(has_bit<T>(t.n, 1), cos_reduced(t), sin_reduced(t));
  return where(has_bit<T>(t.n, 2), -y, y);
}

// The lanes beyond the limit, by the C library.
template <class T, class F>
[[gnu::noinline, gnu::cold]] inline Vec<T> replace_far(Vec<T> x, Vec<T> y, F f) {
  for (int i = 0; i < Vec<T>::size; i++)
    if (!(x[i] <= QuarterTurn<T>::limit && x[i] >= -QuarterTurn<T>::limit)) y.set(i, f(x[i]));
  return y;
}
template <class T, class F>
RL_INLINE Vec<T> with_far(Vec<T> x, Vec<T> y, F f) {
  if (__builtin_expect(any(abs(x) > Vec<T>(QuarterTurn<T>::limit)), 0)) return replace_far(x, y, f);
  return y;
}

template <class T>
RL_INLINE Vec<T> sin(Vec<T> x) {
  Vec<T> y = sin_of_turned(reduce_turns(x), 0);
  y = where(abs(x) < Vec<T>(ExpConstants<T>::tiny), x, y);
  return with_far(x, y, [](T v) { return sizeof(T) == 4 ? T(__builtin_sinf(v)) : T(__builtin_sin(v)); });
}
template <class T>
RL_INLINE Vec<T> cos(Vec<T> x) {
  Vec<T> y = sin_of_turned(reduce_turns(x), 1);
  return with_far(x, y, [](T v) { return sizeof(T) == 4 ? T(__builtin_cosf(v)) : T(__builtin_cos(v)); });
}
RL_INLINE Vec<double> tan(Vec<double> x) {
  Turned<double> t = reduce_turns(x);
  Vec<double> s = sin_reduced(t), c = cos_reduced(t);
  Mask<double> odd = has_bit<double>(t.n, 1);
  Vec<double> y = where(odd, -c, s) / where(odd, s, c);
  y = where(abs(x) < Vec<double>(ExpConstants<double>::tiny), x, y);
  return with_far(x, y, [](double v) { return __builtin_tan(v); });
}
RL_THROUGH_DOUBLE(tan)

// (atan(u) / u - 1) / u^2 for |u| <= tan(pi/8), from z = u^2.
RL_INLINE Vec<float> atan_tail(Vec<float> z) {
  return polynomial(z, -0.0643103871f, 0.10737397f, -0.142633666f, 0.199995234f, -0.333333317f);
}
RL_INLINE Vec<double> atan_tail(Vec<double> z) {
  return polynomial(z, 0.016148228546685931, -0.034445844423491616, 0.045467195095514442, -0.052293804737809196,
                    0.058787824694438381, -0.066664120777252598, 0.076922956583278725, -0.09090908728587459,
                    0.11111111104652255, -0.14285714285654639, 0.19999999999999784, -0.33333333333333333);
}
// pi/4 or pi/2 is taken off where |x| is beyond tan(pi/8) or tan(3 pi/8).
template <class T>
RL_INLINE Vec<T> atan(Vec<T> x) {
  const Vec<T> one = T(1), zero = T(0);
  constexpr double quarter = 0.78539816339744831, quarter_rest = 3.061616997868383e-17;
  const Vec<T> angle = T(quarter), angle_rest = T(quarter - double(T(quarter)) + quarter_rest);
  Vec<T> a = abs(x);
  Mask<T> middle = a > Vec<T>(T(0.41421356)), far = a > Vec<T>(T(2.4142135));
  Vec<T> top = where(far, -one, where(middle, a - one, a));
  Vec<T> bottom = where(far, a, where(middle, a + one, one));
  Vec<T> u = top / bottom, z = u * u;
  Vec<T> base = where(far, angle + angle, where(middle, angle, zero));
  Vec<T> base_rest = where(far, angle_rest + angle_rest, where(middle, angle_rest, zero));
  Vec<T> y = base + (u + fma(z * u, atan_tail(z), base_rest));
  return bit_or(y, sign_of(x));
}

// The angle of the point (x, y): atan of the smaller over the larger coordinate, then by octants.
RL_INLINE Vec<double> atan2(Vec<double> y, Vec<double> x) {
  const Vec<double> one = 1.0, zero = 0.0;
  constexpr double half_turn = 3.1415926535897931, half_turn_rest = 1.2246467991473532e-16;
  Vec<double> a = abs(x), b = abs(y);
  Mask<double> steep = b > a;
  Vec<double> top = where(steep, a, b), bottom = where(steep, b, a);
  Vec<double> q = where(top == bottom, where(bottom == zero, zero, one), top / bottom);
  Vec<double> angle = atan(q);
  angle = where(steep, Vec<double>(half_turn / 2) - (angle - Vec<double>(half_turn_rest / 2)), angle);
  angle = where(signbit(x), Vec<double>(half_turn) - (angle - Vec<double>(half_turn_rest)), angle);
  angle = bit_or(angle, sign_of(y));
  return where(isnan(x), x, where(isnan(y), y, angle));
}
RL_INLINE Vec<float> atan2(Vec<float> y, Vec<float> x) {
  Vec<double> y0, y1, x0, x1;
  widen(y, &y0, &y1);
  widen(x, &x0, &x1);
  return narrow(atan2(y0, x0), atan2(y1, x1));
}

// asin(u) - u for 0 <= u <= 1/2, a polynomial in u^2 times u^3.
RL_INLINE Vec<double> asin_rest(Vec<double> u) {
  Vec<double> z = u * u;
  return z * u *
         polynomial(z, 0.028778442612773939, -0.0148814093931001, 0.017419357965078285, 0.0054508781876438246,
                    0.010324318288763578, 0.011478952690254089, 0.013971235301124917, 0.017352391265909199,
                    0.022372173002005599, 0.030381944137085214, 0.044642857146373381, 0.074999999999984243,
                    0.16666666666666668);
}
// Beyond 1/2, asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)).
RL_INLINE Vec<double> asin(Vec<double> x) {
  const Vec<double> one = 1.0, half = 0.5, quarter_turn = 1.5707963267948966, quarter_turn_rest = 6.123233995736766e-17;
  Vec<double> a = abs(x);
  Mask<double> large = a > half;
  Vec<double> u = where(large, sqrt((one - a) * half), a);
  Vec<double> rest = asin_rest(u);
  Vec<double> beyond = quarter_turn - (u + u + (rest + rest - quarter_turn_rest));
  return bit_or(where(large, beyond, u + rest), sign_of(x));
}
RL_INLINE Vec<double> acos(Vec<double> x) {
  const Vec<double> one = 1.0, half = 0.5, quarter_turn = 1.5707963267948966, quarter_turn_rest = 6.123233995736766e-17;
  Vec<double> a = abs(x);
  Mask<double> large = a > half;
  Vec<double> u = where(large, sqrt((one - a) * half), a);
  Vec<double> rest = asin_rest(u);
  Vec<double> beyond = u + u + (rest + rest);
  Vec<double> half_turn_less = (quarter_turn + quarter_turn) - (beyond - (quarter_turn_rest + quarter_turn_rest));
  beyond = where(signbit(x), half_turn_less, beyond);
  Vec<double> angle = bit_or(u, sign_of(x));
  return where(large, beyond, quarter_turn - (angle - (quarter_turn_rest - bit_or(rest, sign_of(x)))));
}
RL_THROUGH_DOUBLE(asin)
RL_THROUGH_DOUBLE(acos)

}  // namespace rl::RL_LEVEL
