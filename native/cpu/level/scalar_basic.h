// The functions of vec_basic.h for scalars, and the C library's rarer functions under the names of the formula
// language.
#pragma once

#include "cpu/level/vec_arch.h"

namespace rl::RL_LEVEL {

template <class T>
inline constexpr bool is_float_scalar = false;
template <>
inline constexpr bool is_float_scalar<float> = true;
template <>
inline constexpr bool is_float_scalar<double> = true;

template <class T>
RL_INLINE T where(bool c, T a, T b) {
  return c ? a : b;
}
RL_INLINE bool any(bool c) { return c; }
RL_INLINE bool all(bool c) { return c; }
template <class T>
RL_INLINE T mask_to_vec(bool c) {
  return T(c);
}

RL_INLINE float fma(float a, float b, float c) {
#if defined(__FMA__)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
RL_INLINE double fma(double a, double b, double c) {
#if defined(__FMA__)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}
template <class T>
RL_INLINE T fma(T a, T b, T c) {
  return T(a * b + c);
}

// A function of one float and one double argument from the compiler's, which knows the instruction or calls the C
// library.
#define RL_SCALAR_UNARY(name, builtin)                                \
  RL_INLINE float name(float x) { return __builtin_##builtin##f(x); } \
  RL_INLINE double name(double x) { return __builtin_##builtin(x); }
#define RL_SCALAR_BINARY(name, builtin)                                           \
  RL_INLINE float name(float a, float b) { return __builtin_##builtin##f(a, b); } \
  RL_INLINE double name(double a, double b) { return __builtin_##builtin(a, b); }

RL_SCALAR_UNARY(sqrt, sqrt)
RL_SCALAR_BINARY(copysign, copysign)
RL_SCALAR_BINARY(fmod, fmod)
RL_SCALAR_BINARY(hypot, hypot)
RL_SCALAR_BINARY(nextafter, nextafter)

// Negation that wraps at the smallest integer.
template <class T>
RL_INLINE T neg(T x) {
  if constexpr (is_float_scalar<T>)
    return -x;
  else
    return T(0u - uint64_t(x));
}
template <class T>
RL_INLINE T abs(T x) {
  if constexpr (is_float_scalar<T>)
    return T(sizeof(T) == 4 ? __builtin_fabsf(x) : __builtin_fabs(x));
  else
    return x < T(0) ? neg(x) : x;
}
template <class T>
RL_INLINE T square(T x) {
  return T(x * x);
}
template <class T>
RL_INLINE T sign(T x) {
  return T((x > T(0)) - (x < T(0)));
}
// A real number as a complex one.
template <class T>
RL_INLINE T sgn(T x) {
  return sign(x);
}
template <class T>
RL_INLINE T conj(T x) {
  return x;
}
template <class T>
RL_INLINE T imag(T) {
  return T(0);
}
template <class T>
RL_INLINE T angle(T x) {
  return x < T(0) ? T(3.141592653589793) : x != x ? x : T(0);
}
template <class T>
RL_INLINE T rsqrt(T x) {
  return T(1) / sqrt(x);
}
template <class T>
RL_INLINE T reciprocal(T x) {
  return T(1) / x;
}

template <class T>
RL_INLINE T floor(T x) {
  if constexpr (is_float_scalar<T>)
    return T(sizeof(T) == 4 ? __builtin_floorf(x) : __builtin_floor(x));
  else
    return x;
}
template <class T>
RL_INLINE T ceil(T x) {
  if constexpr (is_float_scalar<T>)
    return T(sizeof(T) == 4 ? __builtin_ceilf(x) : __builtin_ceil(x));
  else
    return x;
}
template <class T>
RL_INLINE T trunc(T x) {
  if constexpr (is_float_scalar<T>)
    return T(sizeof(T) == 4 ? __builtin_truncf(x) : __builtin_trunc(x));
  else
    return x;
}
// Halves go to the even neighbour.
template <class T>
RL_INLINE T round(T x) {
  if constexpr (is_float_scalar<T>)
    return T(sizeof(T) == 4 ? __builtin_rintf(x) : __builtin_rint(x));
  else
    return x;
}
template <class T>
RL_INLINE T frac(T x) {
  return x - trunc(x);
}

template <class T>
RL_INLINE bool isnan(T x) {
  return x != x;
}
template <class T>
RL_INLINE bool isinf(T x) {
  if constexpr (is_float_scalar<T>)
    return abs(x) == T(__builtin_inf());
  else
    return false;
}
template <class T>
RL_INLINE bool isfinite(T x) {
  if constexpr (is_float_scalar<T>)
    return abs(x) < T(__builtin_inf());
  else
    return true;
}
template <class T>
RL_INLINE bool signbit(T x) {
  if constexpr (is_float_scalar<T>)
    return __builtin_signbit(x);
  else
    return x < T(0);
}

// minimum and maximum give NaN where either is NaN, fmin and fmax the other number.
template <class T>
RL_INLINE T minimum(T a, T b) {
  return a < b || a != a ? a : b;
}
template <class T>
RL_INLINE T maximum(T a, T b) {
  return a > b || a != a ? a : b;
}
template <class T>
RL_INLINE T fmin(T a, T b) {
  return b < a || a != a ? b : a;
}
template <class T>
RL_INLINE T fmax(T a, T b) {
  return b > a || a != a ? b : a;
}

}  // namespace rl::RL_LEVEL
