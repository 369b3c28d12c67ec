// The functions of the formula language on complex numbers: the C library's, in double, so that float needs no second
// set. Overflows happen at the rounding to float, where they belong.
#pragma once

#include "base/complex.h"
#include "cpu/level/scalar_math.h"

namespace rl::RL_LEVEL {

using Complex128 = Complex<double>;

// A function of the C library under the formula language's name.
#define RL_COMPLEX_UNARY(name, builtin) \
  RL_INLINE Complex128 name(Complex128 z) { return from_c(__builtin_##builtin(to_c(z))); }
RL_COMPLEX_UNARY(sqrt, csqrt)
RL_COMPLEX_UNARY(exp, cexp)
RL_COMPLEX_UNARY(log, clog)
RL_COMPLEX_UNARY(sin, csin)
RL_COMPLEX_UNARY(cos, ccos)
RL_COMPLEX_UNARY(tan, ctan)
RL_COMPLEX_UNARY(asin, casin)
RL_COMPLEX_UNARY(acos, cacos)
RL_COMPLEX_UNARY(atan, catan)
RL_COMPLEX_UNARY(sinh, csinh)
RL_COMPLEX_UNARY(cosh, ccosh)
RL_COMPLEX_UNARY(tanh, ctanh)
RL_COMPLEX_UNARY(asinh, casinh)
RL_COMPLEX_UNARY(acosh, cacosh)
RL_COMPLEX_UNARY(atanh, catanh)
#undef RL_COMPLEX_UNARY

RL_INLINE Complex128 log2(Complex128 z) {
  const Complex128 w = log(z);
  return {w.re / 0.6931471805599453, w.im / 0.6931471805599453};
}
RL_INLINE Complex128 log10(Complex128 z) {
  const Complex128 w = log(z);
  return {w.re / 2.302585092994046, w.im / 2.302585092994046};
}
RL_INLINE Complex128 exp2(Complex128 z) {
  return exp(Complex128(z.re * 0.6931471805599453, z.im * 0.6931471805599453));
}
// (e^x - 1) cos y - 2 sin(y / 2)^2, exact near 0.
RL_INLINE Complex128 expm1(Complex128 z) {
  const double half = __builtin_sin(z.im / 2);
  return {__builtin_expm1(z.re) * __builtin_cos(z.im) - 2 * half * half, __builtin_exp(z.re) * __builtin_sin(z.im)};
}
RL_INLINE Complex128 sigmoid(Complex128 z) { return Complex128(1) / (Complex128(1) + exp(-z)); }
RL_INLINE Complex128 pow(Complex128 a, Complex128 b) {
  return b == Complex128(2) ? a * a : from_c(__builtin_cpow(to_c(a), to_c(b)));
}

// a^b for one number b, by the direct forms that PyTorch has for some.
RL_INLINE Complex128 pow_number(Complex128 a, Complex128 b) {
  const Complex128 one(1);
  if (b == Complex128(0)) return one;
  if (b == one) return a;
  if (b == Complex128(2)) return a * a;
  if (b == Complex128(3)) return a * a * a;
  if (b == Complex128(0.5)) return sqrt(a);
  if (b == Complex128(-1)) return one / a;
  if (b == Complex128(-2)) return one / (a * a);
  if (b == Complex128(-0.5)) return one / sqrt(a);
  return pow(a, b);
}

#define RL_THROUGH_COMPLEX128(name) \
  RL_INLINE Complex<float> name(Complex<float> z) { return Complex<float>(name(Complex128(z))); }
RL_THROUGH_COMPLEX128(sqrt)
RL_THROUGH_COMPLEX128(exp)
RL_THROUGH_COMPLEX128(exp2)
RL_THROUGH_COMPLEX128(expm1)
RL_THROUGH_COMPLEX128(log)
RL_THROUGH_COMPLEX128(log2)
RL_THROUGH_COMPLEX128(log10)
using rl::log1p;
using rl::log_add;
RL_THROUGH_COMPLEX128(log1p)
RL_THROUGH_COMPLEX128(sin)
RL_THROUGH_COMPLEX128(cos)
RL_THROUGH_COMPLEX128(tan)
RL_THROUGH_COMPLEX128(asin)
RL_THROUGH_COMPLEX128(acos)
RL_THROUGH_COMPLEX128(atan)
RL_THROUGH_COMPLEX128(sinh)
RL_THROUGH_COMPLEX128(cosh)
RL_THROUGH_COMPLEX128(tanh)
RL_THROUGH_COMPLEX128(asinh)
RL_THROUGH_COMPLEX128(acosh)
RL_THROUGH_COMPLEX128(atanh)
RL_THROUGH_COMPLEX128(sigmoid)
#undef RL_THROUGH_COMPLEX128
RL_INLINE Complex<float> pow(Complex<float> a, Complex<float> b) {
  return Complex<float>(pow(Complex128(a), Complex128(b)));
}
RL_INLINE Complex<float> pow_number(Complex<float> a, Complex<float> b) {
  return Complex<float>(pow_number(Complex128(a), Complex128(b)));
}
RL_INLINE Complex<float> log_add(Complex<float> a, Complex<float> b) {
  return Complex<float>(log_add(Complex128(a), Complex128(b)));
}

// ------------------------------------------------------------------ parts

template <class R>
RL_INLINE Complex<R> complex(R re, R im) {
  return {re, im};
}
template <class R>
RL_INLINE Complex<R> polar(R abs, R angle) {
  return {abs * cos(angle), abs * sin(angle)};
}
template <class R>
RL_INLINE R abs(Complex<R> z) {
  return hypot(z.re, z.im);
}
template <class R>
RL_INLINE R imag(Complex<R> z) {
  return z.im;
}
template <class R>
RL_INLINE R angle(Complex<R> z) {
  return R(__builtin_atan2(z.im, z.re));
}
// The number of absolute value 1 in the direction of z; 0 at 0.
template <class R>
RL_INLINE Complex<R> sgn(Complex<R> z) {
  const R size = abs(z);
  return size == R(0) ? Complex<R>() : Complex<R>(z.re / size, z.im / size);
}
template <class R>
RL_INLINE Complex<R> conj(Complex<R> z) {
  return {z.re, -z.im};
}

template <class R>
RL_INLINE bool isinf(Complex<R> z) {
  return isinf(z.re) || isinf(z.im);
}
template <class R>
RL_INLINE bool isfinite(Complex<R> z) {
  return isfinite(z.re) && isfinite(z.im);
}

}  // namespace rl::RL_LEVEL
