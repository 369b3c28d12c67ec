// The functions that are exact or one instruction: signs, roundings, minima and maxima, classification.
#pragma once

#include "cpu/level/vec.h"

namespace rl::RL_LEVEL {

template <class T>
RL_INLINE Vec<T> sign_bits() {
  return Vec<T>::from_bits(
      Vec<typename VecTraits<T>::lane_int>(typename VecTraits<T>::lane_int(uint64_t(1) << (8 * sizeof(T) - 1))).v);
}
template <class T>
RL_INLINE Vec<T> bit_and(Vec<T> a, Vec<T> b) {
  return Vec<T>::from_bits(a.bits() & b.bits());
}
template <class T>
RL_INLINE Vec<T> bit_or(Vec<T> a, Vec<T> b) {
  return Vec<T>::from_bits(a.bits() | b.bits());
}
template <class T>
RL_INLINE Vec<T> sign_of(Vec<T> x) {
  return bit_and(x, sign_bits<T>());
}

template <class T>
RL_INLINE Vec<T> abs(Vec<T> x) {
  if constexpr (Vec<T>::is_float)
    return Vec<T>::from_bits(x.bits() & ~sign_bits<T>().bits());
  else
    return where(x < Vec<T>(T(0)), -x, x);
}
template <class T>
RL_INLINE Vec<T> neg(Vec<T> x) {
  return -x;
}
template <class T>
RL_INLINE Vec<T> square(Vec<T> x) {
  return x * x;
}
template <class T>
RL_INLINE Vec<T> sign(Vec<T> x) {
  return mask_to_vec(x > Vec<T>(T(0))) - mask_to_vec(x < Vec<T>(T(0)));
}
template <class T>
RL_INLINE Vec<T> copysign(Vec<T> size, Vec<T> sign) {
  return bit_or(abs(size), sign_of(sign));
}
template <class T>
RL_INLINE Vec<T> sqrt(Vec<T> x) {
  return Vec<T>(arch_sqrt(x.v));
}
template <class T>
RL_INLINE Vec<T> rsqrt(Vec<T> x) {
  return Vec<T>(T(1)) / sqrt(x);
}
template <class T>
RL_INLINE Vec<T> reciprocal(Vec<T> x) {
  return Vec<T>(T(1)) / x;
}

// Integers are whole already: the roundings return them as they are.
template <Rounding mode, class T>
RL_INLINE Vec<T> round_to(Vec<T> x) {
  if constexpr (Vec<T>::is_float)
    return Vec<T>(arch_round<mode>(x.v));
  else
    return x;
}
template <class T>
RL_INLINE Vec<T> floor(Vec<T> x) {
  return round_to<Rounding::down>(x);
}
template <class T>
RL_INLINE Vec<T> ceil(Vec<T> x) {
  return round_to<Rounding::up>(x);
}
template <class T>
RL_INLINE Vec<T> trunc(Vec<T> x) {
  return round_to<Rounding::zero>(x);
}
template <class T>
RL_INLINE Vec<T> round(Vec<T> x) {
  return round_to<Rounding::nearest>(x);
}
template <class T>
RL_INLINE Vec<T> frac(Vec<T> x) {
  return x - trunc(x);
}

// A real number as a complex one.
template <class T>
RL_INLINE Vec<T> sgn(Vec<T> x) {
  return sign(x);
}
template <class T>
RL_INLINE Vec<T> conj(Vec<T> x) {
  return x;
}
template <class T>
RL_INLINE Vec<T> imag(Vec<T>) {
  return Vec<T>(T(0));
}
template <class T>
RL_INLINE Vec<T> angle(Vec<T> x) {
  return where(x < Vec<T>(T(0)), Vec<T>(T(3.141592653589793)), where(x != x, x, Vec<T>(T(0))));
}

template <class T>
RL_INLINE Mask<T> isnan(Vec<T> x) {
  if constexpr (Vec<T>::is_float)
    return x != x;
  else
    return Mask<T>(false);
}
template <class T>
RL_INLINE Mask<T> isinf(Vec<T> x) {
  if constexpr (Vec<T>::is_float)
    return abs(x) == Vec<T>(T(__builtin_inf()));
  else
    return Mask<T>(false);
}
template <class T>
RL_INLINE Mask<T> isfinite(Vec<T> x) {
  if constexpr (Vec<T>::is_float)
    return abs(x) < Vec<T>(T(__builtin_inf()));
  else
    return Mask<T>(true);
}
template <class T>
RL_INLINE Mask<T> signbit(Vec<T> x) {
  using Bits = typename VecTraits<T>::bits;
  return Mask<T>((Bits)(x.bits() < Bits{}));
}
template <>
RL_INLINE Mask<uint8_t> signbit(Vec<uint8_t>) {
  return Mask<uint8_t>(false);
}

// The second where either is NaN: one instruction.
template <class T>
RL_INLINE Vec<T> lesser(Vec<T> a, Vec<T> b) {
  if constexpr (Vec<T>::is_float)
    return Vec<T>(arch_min(a.v, b.v));
  else
    return where(a < b, a, b);
}
template <class T>
RL_INLINE Vec<T> greater(Vec<T> a, Vec<T> b) {
  if constexpr (Vec<T>::is_float)
    return Vec<T>(arch_max(a.v, b.v));
  else
    return where(a > b, a, b);
}

// minimum and maximum give NaN where either is NaN, fmin and fmax the other number.
template <class T>
RL_INLINE Vec<T> minimum(Vec<T> a, Vec<T> b) {
  return where(isnan(a), a, lesser(a, b));
}
template <class T>
RL_INLINE Vec<T> maximum(Vec<T> a, Vec<T> b) {
  return where(isnan(a), a, greater(a, b));
}
template <class T>
RL_INLINE Vec<T> fmin(Vec<T> a, Vec<T> b) {
  return where(isnan(a), b, lesser(b, a));
}
template <class T>
RL_INLINE Vec<T> fmax(Vec<T> a, Vec<T> b) {
  return where(isnan(a), b, greater(b, a));
}

template <class T>
RL_INLINE T reduce_add(Vec<T> x) {
  return fold(x, [](T a, T b) __attribute__((always_inline)) { return T(a + b); });
}
template <class T>
RL_INLINE T reduce_min(Vec<T> x) {
  return fold(x, [](T a, T b) __attribute__((always_inline)) { return a < b || a != a ? a : b; });
}
template <class T>
RL_INLINE T reduce_max(Vec<T> x) {
  return fold(x, [](T a, T b) __attribute__((always_inline)) { return a > b || a != a ? a : b; });
}

// Applies a function of scalars to each lane: for what is rare or has no vector form.
template <class T, class F, class... Args>
RL_INLINE Vec<T> lanewise(F f, Vec<T> x, Args... more) {
  Vec<T> r;
  for (int i = 0; i < Vec<T>::size; i++) r.v[i] = f(x.v[i], more.v[i]...);
  return r;
}

// A vector of floats as two of doubles, and back.
RL_INLINE void widen(Vec<float> x, Vec<double>* low, Vec<double>* high) { arch_widen(x.v, &low->v, &high->v); }
RL_INLINE Vec<float> narrow(Vec<double> low, Vec<double> high) { return Vec<float>(arch_narrow(low.v, high.v)); }

// The float form of a function that is written for doubles only; its result is right to the last place but rarely.
#define RL_THROUGH_DOUBLE(name)             \
  RL_INLINE Vec<float> name(Vec<float> x) { \
    Vec<double> low, high;                  \
    widen(x, &low, &high);                  \
    return narrow(name(low), name(high));   \
  }

}  // namespace rl::RL_LEVEL
