// erf, pow and the functions taken lane by lane from scalar_special.h.
#pragma once

#include "cpu/level/scalar_special.h"
#include "cpu/level/vec_hyperbolic.h"
#include "cpu/level/vec_log.h"
#include "cpu/level/vec_trig.h"

namespace rl::RL_LEVEL {

// log(e^a + e^b) without overflow.
template <class T>
RL_INLINE Vec<T> log_add(Vec<T> a, Vec<T> b) {
  return where(isinf(a) & (a == b), a, maximum(a, b) + log1p(exp(-abs(a - b))));
}

// erf(x) / x - 1 for |x| <= 1, from z = x^2.
RL_INLINE Vec<float> erf_near(Vec<float> z) {
  return polynomial(z, 7.87587506e-5f, -0.000801686429f, 0.00518908742f, -0.026854212f, 0.112835947f, -0.376126267f,
                    0.128379166f);
}
RL_INLINE Vec<double> erf_near(Vec<double> z) {
  return polynomial(z, 5.957176147746115e-11, -1.1372848856789925e-9, 1.4659775274046955e-8, -1.6350312701054618e-7,
                    1.646100048412136e-6, -1.4925595266831181e-5, 0.00012055331111642711, -0.00085483269808337899,
                    0.0052239776248180145, -0.026866170645076793, 0.11283791670954879, -0.37612638903183748,
                    0.12837916709551257);
}
// -log(erfc(a)) for 1 <= a <= 4 (float) or 5.95 (double), accurate relative to 1 / erfc(a).
RL_INLINE Vec<float> erf_far(Vec<float> a) {
  return polynomial(a, -1.63715141e-6f, 4.60580427e-5f, -0.000596805626f, 0.00475959629f, -0.026421136f, 0.110080083f,
                    0.631826052f, 1.13023343f, -0.00032013805f);
}
RL_INLINE Vec<double> erf_far(Vec<double> a) {
  return polynomial(a, -6.593162643369413e-19, 6.0430094452408609e-17, -2.6424913462080031e-15, 7.3379565615526188e-14,
                    -1.4530319936860425e-12, 2.1838654195739036e-11, -2.5888184025210837e-10, 2.4824913444857442e-9,
                    -1.9588664451788941e-8, 1.2862417562843415e-7, -7.0724804098950207e-7, 3.260483406118888e-6,
                    -1.2534376310255047e-5, 3.9523217110052558e-5, -9.8142926571842661e-5, 0.00017108765395698964,
                    -0.00011150632108325274, -0.00044401033628090085, 0.001569133770050283, -0.00012025859488319147,
                    -0.019177315144388262, 0.10279289438674532, 0.63661379104769647, 1.1283802816555378,
                    -9.8613273191752778e-8);
}
template <class T>
RL_INLINE Vec<T> erf(Vec<T> x) {
  const Vec<T> one = T(1), is_one = T(sizeof(T) == 4 ? 4 : 5.95);
  Vec<T> a = abs(x);
  Vec<T> near = fma(x, erf_near(x * x), x);
  Vec<T> far = one - exp_in_range(-erf_far(lesser(is_one, a)));
  return bit_or(where(a <= one, near, far), sign_of(x));
}

// e^(a^2) erfc(a) (1 + 2 a) for a >= 0, a polynomial in t = (a - 4) / (a + 4).
RL_INLINE Vec<double> erfc_scaled(Vec<double> t) {
  return polynomial(t, 2.9111659955327445e-10, 2.1031095817570337e-9, 1.6868082625932293e-9, -1.6608794671828529e-8,
                    -1.9106294487779177e-8, 1.1328048304274549e-7, 7.7034958811027814e-8, -8.2775919135379448e-7,
                    2.9164455629391415e-7, 5.710769473216913e-6, -1.1220902504340601e-5, -2.4399505458525544e-5,
                    0.00015062131217624512, -0.00019925664291065565, -0.00075777321479717185, 0.0050319699722256875,
                    -0.016197734067039866, 0.037167515537879082, -0.066330365811544203, 0.093732834998333293,
                    -0.10103906603632954, 0.068097054254693041, 0.015379652102620112, -0.13962111684056252,
                    1.2329951186255525);
}
RL_INLINE Vec<double> erfc(Vec<double> x) {
  const Vec<double> one = 1.0, two = 2.0, four = 4.0, is_zero = 28.0;
  Vec<double> a = lesser(is_zero, abs(x));
  Vec<double> high = as_float(as_int(a) & Vec<int64_t>(-(int64_t(1) << 27)));
  Vec<double> low = (a - high) * (a + high);                                                     // a^2 = high^2 + low
  Vec<double> change = low * fma(low, fma(low, Vec<double>(-1.0 / 6), Vec<double>(0.5)), -one);  // e^-low - 1
  Vec<double> tail = exp(-(high * high));
  Vec<double> ratio = erfc_scaled((a - four) / (a + four)) / fma(two, a, one);
  Vec<double> y = tail * fma(ratio, change, ratio);
  y = where(x < Vec<double>(0.0), two - y, y);
  return where(abs(x) < Vec<double>(0.5), one - erf(x), y);
}
RL_THROUGH_DOUBLE(erfc)

// Functions that have no vector form of their own go through the scalar one, lane by lane.
#define RL_LANEWISE_UNARY(name)                      \
  template <class T>                                 \
  RL_INLINE Vec<T> name(Vec<T> x) {                  \
    return lanewise([](T v) { return name(v); }, x); \
  }
#define RL_LANEWISE_BINARY(name)                                \
  template <class T>                                            \
  RL_INLINE Vec<T> name(Vec<T> a, Vec<T> b) {                   \
    return lanewise([](T v, T w) { return name(v, w); }, a, b); \
  }
RL_LANEWISE_UNARY(erfinv)
RL_LANEWISE_UNARY(lgamma)
RL_LANEWISE_UNARY(digamma)
RL_LANEWISE_BINARY(hypot)
RL_LANEWISE_BINARY(nextafter)
RL_LANEWISE_BINARY(next_half)
RL_LANEWISE_BINARY(next_brain)
RL_LANEWISE_BINARY(fmod)
RL_LANEWISE_BINARY(remainder)
RL_LANEWISE_BINARY(div_trunc)
RL_LANEWISE_BINARY(_div_floor)
// Integers; floats and doubles have their own below.
RL_LANEWISE_BINARY(pow)

// a^b for an exponent with a direct form, by the C library's rules for zeros and infinities.
inline constexpr double direct_exponents[] = {2, 0.5, 3, -1, -0.5, -2};
RL_INLINE Vec<double> direct_power(Vec<double> a, double b) {
  const Vec<double> one = 1.0, zero = 0.0, infinity = __builtin_inf();
  if (b == 2) return a * a;
  if (b == 3) return a * a * a;
  if (b == -1) return one / a;
  if (b == -2) return one / (a * a);
  Vec<double> root = sqrt(where(a == -infinity, infinity, a + zero));
  return b == 0.5 ? root : one / root;
}
// Whether all lanes have one exponent with a direct form; it is the first.
template <class T>
RL_INLINE bool is_direct_exponent(Vec<T> b) {
  if (!all(b == Vec<T>(b[0]))) return false;
  for (double e : direct_exponents)
    if (double(b[0]) == e) return true;
  return false;
}

RL_INLINE Vec<double> pow(Vec<double> a, Vec<double> b) {
  if (is_direct_exponent(b)) return direct_power(a, b[0]);
  return lanewise([](double x, double y) { return pow(x, y); }, a, b);
}

// Floats through double, which leaves one wrong last bit in many millions.
RL_INLINE Vec<double> power_of_size(Vec<double> a, Vec<double> b) { return exp2(b * log2(abs(a))); }
RL_INLINE Vec<float> general_power(Vec<float> a, Vec<float> b) {
  const Vec<float> one = 1.0f, zero = 0.0f, half = 0.5f;
  Vec<double> a0, a1, b0, b1;
  widen(a, &a0, &a1);
  widen(b, &b0, &b1);
  Vec<float> y = narrow(power_of_size(a0, b0), power_of_size(a1, b1));
  Mask<float> whole = floor(b) == b;
  Mask<float> odd = whole & (floor(b * half) != b * half);
  Vec<float> negative = where(odd, -y, where(whole | isinf(a), y, Vec<float>(__builtin_nanf(""))));
  y = where(signbit(a) & ((a < zero) | odd), negative, y);
  y = where((abs(a) == one) & isinf(b), one, y);
  return where((b == zero) | (a == one), one, y);
}
RL_INLINE Vec<float> pow(Vec<float> a, Vec<float> b) {
  if (!is_direct_exponent(b)) return general_power(a, b);
  Vec<double> low, high;
  widen(a, &low, &high);
  return narrow(direct_power(low, b[0]), direct_power(high, b[0]));
}

// a^b for one number b: by PyTorch's rules, where b = 0.5 is the square root of zeros and infinities too.
template <class T>
RL_INLINE Vec<T> pow_number(Vec<T> a, Vec<T> b) {
  const Vec<T> y = pow(a, b);
  if constexpr (T(0.5) != T(0)) {
    const T infinity = T(__builtin_inf());
    if (all(abs(b) == Vec<T>(T(0.5))))
      return where(a == Vec<T>(-infinity), Vec<T>(T(__builtin_nan(""))), where(a == Vec<T>(T(0)), copysign(y, a), y));
  }
  return y;
}

}  // namespace rl::RL_LEVEL
