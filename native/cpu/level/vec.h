// Vec<T>: as many lanes of T as one register of the level holds, and Mask<T>: one truth value per lane.
// Each function here exists for scalars too (scalar_math.h), so one template serves both.
#pragma once

#include "cpu/level/vec_arch.h"

namespace rl::RL_LEVEL {

template <class T>
struct Mask;

template <class T>
struct Vec {
  using Native = typename VecTraits<T>::native;
  using Bits = typename VecTraits<T>::bits;
  using Unsigned = typename VecTraits<T>::unsigned_bits;
  using Lane = T;
  static constexpr int size = vector_bytes / sizeof(T);
  static constexpr bool is_float = T(0.5) != T(0);

  Native v;

  Vec() = default;
  RL_INLINE Vec(T x) : v(x - Native{}) {}
  RL_INLINE explicit Vec(Native n) : v(n) {}

  static RL_INLINE Vec load(const T* p) { return Vec(Native(*(const typename VecTraits<T>::unaligned*)p)); }
  // The first `count` lanes from memory, zero in the others.
  static RL_INLINE Vec load(const T* p, int count) { return Vec((Native)arch_load(p, count * int(sizeof(T)))); }
  static RL_INLINE Vec load_strided(const T* p, int64_t stride, int count = size) {
    Vec r(T(0));
    for (int i = 0; i < count; i++) r.v[i] = p[i * stride];
    return r;
  }
  RL_INLINE void store(T* p) const { *(typename VecTraits<T>::unaligned*)p = v; }
  RL_INLINE void store(T* p, int count) const { arch_store(p, count * int(sizeof(T)), (NativeB)v); }
  RL_INLINE void store_strided(T* p, int64_t stride, int count = size) const {
    for (int i = 0; i < count; i++) p[i * stride] = v[i];
  }
  // 0, 1, 2 ...
  static RL_INLINE Vec lane_numbers() {
    Vec r;
    for (int i = 0; i < size; i++) r.v[i] = T(i);
    return r;
  }

  RL_INLINE T operator[](int i) const { return v[i]; }
  RL_INLINE void set(int i, T x) { v[i] = x; }
  RL_INLINE Bits bits() const { return (Bits)v; }
  static RL_INLINE Vec from_bits(Bits b) { return Vec((Native)b); }

  // Integers wrap around, which is defined for unsigned lanes only.
  friend RL_INLINE Vec operator+(Vec a, Vec b) {
    if constexpr (is_float)
      return Vec(a.v + b.v);
    else
      return Vec((Native)((Unsigned)a.v + (Unsigned)b.v));
  }
  friend RL_INLINE Vec operator-(Vec a, Vec b) {
    if constexpr (is_float)
      return Vec(a.v - b.v);
    else
      return Vec((Native)((Unsigned)a.v - (Unsigned)b.v));
  }
  friend RL_INLINE Vec operator*(Vec a, Vec b) {
    if constexpr (is_float)
      return Vec(a.v * b.v);
    else
      return Vec((Native)((Unsigned)a.v * (Unsigned)b.v));
  }
  friend RL_INLINE Vec operator/(Vec a, Vec b) { return Vec(a.v / b.v); }
  friend RL_INLINE Vec operator%(Vec a, Vec b) { return Vec(a.v % b.v); }
  friend RL_INLINE Vec operator&(Vec a, Vec b) { return Vec(a.v & b.v); }
  friend RL_INLINE Vec operator|(Vec a, Vec b) { return Vec(a.v | b.v); }
  friend RL_INLINE Vec operator^(Vec a, Vec b) { return Vec(a.v ^ b.v); }
  friend RL_INLINE Vec operator<<(Vec a, Vec b) { return Vec((Native)((Unsigned)a.v << (Unsigned)b.v)); }
  friend RL_INLINE Vec operator>>(Vec a, Vec b) { return Vec(a.v >> b.v); }
  friend RL_INLINE Vec operator-(Vec a) {
    if constexpr (is_float)
      return Vec(-a.v);
    else
      return Vec((Native)(-(Unsigned)a.v));
  }
  friend RL_INLINE Vec operator+(Vec a) { return a; }
  friend RL_INLINE Vec operator~(Vec a) { return Vec(~a.v); }
  RL_INLINE Vec& operator+=(Vec b) { return *this = *this + b; }
  RL_INLINE Vec& operator-=(Vec b) { return *this = *this - b; }
  RL_INLINE Vec& operator*=(Vec b) { return *this = *this * b; }
  RL_INLINE Vec& operator/=(Vec b) { return *this = *this / b; }

  friend RL_INLINE Mask<T> operator<(Vec a, Vec b) { return Mask<T>((Bits)(a.v < b.v)); }
  friend RL_INLINE Mask<T> operator>(Vec a, Vec b) { return Mask<T>((Bits)(a.v > b.v)); }
  friend RL_INLINE Mask<T> operator<=(Vec a, Vec b) { return Mask<T>((Bits)(a.v <= b.v)); }
  friend RL_INLINE Mask<T> operator>=(Vec a, Vec b) { return Mask<T>((Bits)(a.v >= b.v)); }
  friend RL_INLINE Mask<T> operator==(Vec a, Vec b) { return Mask<T>((Bits)(a.v == b.v)); }
  friend RL_INLINE Mask<T> operator!=(Vec a, Vec b) { return Mask<T>((Bits)(a.v != b.v)); }
};

// All bits of a lane are set (true) or clear.
template <class T>
struct Mask {
  using Bits = typename VecTraits<T>::bits;
  using LaneInt = typename VecTraits<T>::lane_int;
  static constexpr int size = Vec<T>::size;

  Bits v;

  Mask() = default;
  RL_INLINE Mask(bool b) : v((Bits)Vec<LaneInt>(LaneInt(-int(b))).v) {}
  RL_INLINE explicit Mask(Bits b) : v(b) {}
  static RL_INLINE Mask first(int count) {
    return Mask((Bits)(Vec<LaneInt>::lane_numbers() < Vec<LaneInt>(LaneInt(count))).v);
  }

  RL_INLINE bool operator[](int i) const { return v[i] != 0; }
  friend RL_INLINE Mask operator&(Mask a, Mask b) { return Mask(a.v & b.v); }
  friend RL_INLINE Mask operator|(Mask a, Mask b) { return Mask(a.v | b.v); }
  friend RL_INLINE Mask operator^(Mask a, Mask b) { return Mask(a.v ^ b.v); }
  friend RL_INLINE Mask operator~(Mask a) { return Mask(~a.v); }
  friend RL_INLINE Mask operator!(Mask a) { return Mask(~a.v); }
  friend RL_INLINE Mask operator&&(Mask a, Mask b) { return a & b; }
  friend RL_INLINE Mask operator||(Mask a, Mask b) { return a | b; }
  friend RL_INLINE Mask operator==(Mask a, Mask b) { return Mask(~(a.v ^ b.v)); }
  friend RL_INLINE Mask operator!=(Mask a, Mask b) { return Mask(a.v ^ b.v); }
};

template <class T>
RL_INLINE bool any(Mask<T> m) {
  return arch_signs((NativeB)m.v) != 0;
}
template <class T>
RL_INLINE bool all(Mask<T> m) {
  return arch_signs((NativeB)m.v) == all_signs;
}

template <class T>
RL_INLINE Vec<T> where(Mask<T> m, Vec<T> a, Vec<T> b) {
  return Vec<T>(m.v ? a.v : b.v);
}
template <class T>
RL_INLINE Vec<T> where(Mask<T> m, Vec<T> a, T b) {
  return where(m, a, Vec<T>(b));
}
template <class T>
RL_INLINE Vec<T> where(Mask<T> m, T a, Vec<T> b) {
  return where(m, Vec<T>(a), b);
}
// Masks as values: where(c, a, b) of three conditions.
template <class T>
RL_INLINE Mask<T> where(Mask<T> m, Mask<T> a, Mask<T> b) {
  return (m & a) | (~m & b);
}

// Bools in memory are bytes of 0 or 1.
template <class T>
RL_INLINE Mask<T> load_mask(const bool* p) {
  using Bits = typename VecTraits<T>::bits;
  if constexpr (sizeof(T) >= 4)
    return Mask<T>((Bits)arch_load_bools<sizeof(T)>(p));
  else
    return Mask<T>(-__builtin_convertvector(*(const typename VecTraits<T>::bytes*)p, Bits));
}
template <class T>
RL_INLINE Mask<T> load_mask(const bool* p, int count) {
  bool lanes[Vec<T>::size] = {};
  __builtin_memcpy(lanes, p, count);
  return load_mask<T>(lanes);
}
template <class T>
RL_INLINE void store_mask(bool* p, Mask<T> m) {
  if constexpr (sizeof(T) >= 4)
    arch_store_bools<sizeof(T)>(p, (NativeB)m.v);
  else
    *(typename VecTraits<T>::bytes*)p = -__builtin_convertvector(m.v, typename VecTraits<T>::bytes);
}
template <class T>
RL_INLINE void store_mask(bool* p, Mask<T> m, int count) {
  bool lanes[Vec<T>::size];
  store_mask(lanes, m);
  __builtin_memcpy(p, lanes, count);
}

// 1 where true, 0 where false.
template <class T>
RL_INLINE Vec<T> mask_to_vec(Mask<T> m) {
  return Vec<T>((typename Vec<T>::Native)(m.v & Vec<T>(T(1)).bits()));
}

// The bits of a vector as integers of the same width, and back.
RL_INLINE Vec<int32_t> as_int(Vec<float> x) { return Vec<int32_t>((NativeI)x.v); }
RL_INLINE Vec<int64_t> as_int(Vec<double> x) { return Vec<int64_t>((NativeL)x.v); }
RL_INLINE Vec<float> as_float(Vec<int32_t> x) { return Vec<float>((NativeF)x.v); }
RL_INLINE Vec<double> as_float(Vec<int64_t> x) { return Vec<double>((NativeD)x.v); }

RL_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return Vec<float>(arch_fma(a.v, b.v, c.v)); }
RL_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return Vec<double>(arch_fma(a.v, b.v, c.v)); }
template <class T>
RL_INLINE Vec<T> fma(Vec<T> a, Vec<T> b, Vec<T> c) {
  return a * b + c;
}

// Folds the lanes pairwise, halves onto halves, so that the order is fixed for a level.
template <class T, class F>
RL_INLINE T fold(Vec<T> x, F f) {
  alignas(vector_bytes) T lanes[Vec<T>::size];
  x.store(lanes);
  for (int half = Vec<T>::size / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] = f(lanes[i], lanes[i + half]);
  return lanes[0];
}

}  // namespace rl::RL_LEVEL
