// One loop for every pointwise row: vectors where all operands are contiguous or constant, elements elsewhere.
#pragma once
#include "cpu/level/complex_math.h"
#include "cpu/level/scalar_math.h"
#include "cpu/level/vec.h"
#include "cpu/level/vec_math.h"
#include "iterate/loop.h"

namespace rl::RL_LEVEL {

// How an operand of type In is read by a row that computes in T: as itself, or as a mask.
template <class T, class In>
struct Reader {
  using Vector = Vec<T>;
  static RL_INLINE Vector load(const char* p) { return Vec<T>::load(reinterpret_cast<const T*>(p)); }
  static RL_INLINE Vector load(const char* p, int count) { return Vec<T>::load(reinterpret_cast<const T*>(p), count); }
};
template <class T>
struct Reader<T, bool> {
  using Vector = Mask<T>;
  static RL_INLINE Vector load(const char* p) { return load_mask<T>(reinterpret_cast<const bool*>(p)); }
  static RL_INLINE Vector load(const char* p, int count) {
    return load_mask<T>(reinterpret_cast<const bool*>(p), count);
  }
};
template <class T>
RL_INLINE void write(char* p, Vec<T> v) {
  v.store(reinterpret_cast<T*>(p));
}
template <class T>
RL_INLINE void write(char* p, Mask<T> m) {
  store_mask(reinterpret_cast<bool*>(p), m);
}
template <class T>
RL_INLINE void write_part(char* p, Vec<T> v, int count) {
  v.store(reinterpret_cast<T*>(p), count);
}
template <class T>
RL_INLINE void write_part(char* p, Mask<T> m, int count) {
  store_mask(reinterpret_cast<bool*>(p), m, count);
}

template <class In>
RL_INLINE In element(const char* p) {
  if constexpr (__is_same(In, bool))
    return *reinterpret_cast<const uint8_t*>(p) != 0;  // any byte of a view or of borrowed memory
  else
    return *reinterpret_cast<const In*>(p);
}

template <int... I>
struct Indices {};
template <int N, int... I>
struct MakeIndices : MakeIndices<N - 1, N - 1, I...> {};
template <int... I>
struct MakeIndices<0, I...> {
  using type = Indices<I...>;
};

// Row::f(inputs...) is the body in the formula language, for scalars and for vectors. Vectors are used unless T or Out
// is complex, or T bool.
template <class Row, class T, class Out, class... In>
struct PointwiseLoop {
  static constexpr int inputs = sizeof...(In);

  template <int... I>
  static RL_INLINE void elements(char* const* data, const int64_t* strides, int64_t n, Indices<I...>) {
    for (int64_t i = 0; i < n; ++i)
      *reinterpret_cast<Out*>(data[0] + i * strides[0]) =
          static_cast<Out>(Row::f(element<In>(data[I + 1] + i * strides[I + 1])...));
  }

  template <int... I>
  static RL_INLINE void vectors(char* const* data, const int64_t* strides, int64_t n, Indices<I...> indices) {
    constexpr int width = Vec<T>::size;
    if (n < width) return tail(data, strides, 0, n, indices);
    // An operand that stays the same is spread over one register's worth of memory and not advanced.
    alignas(64) char spread[inputs][64];
    const char* at[inputs] = {data[I + 1]...};
    int64_t step[inputs] = {(strides[I + 1] == 0 ? 0 : width * int64_t(sizeof(In)))...};
    ((strides[I + 1] == 0 ? (repeat<In>(spread[I], at[I], width), at[I] = spread[I], 0) : 0), ...);
    char* out = data[0];
    int64_t i = 0;
    for (; i + width <= n; i += width) {
      write(out, Row::f(Reader<T, In>::load(at[I])...));
      out += width * sizeof(Out);
      ((at[I] += step[I]), ...);
    }
    if (i < n) tail(data, strides, i, n, indices);
  }

  // The last elements go through the vector code too, so that an element's value does not depend on its position.
  template <int... I>
  static RL_INLINE void tail(char* const* data, const int64_t* strides, int64_t from, int64_t n, Indices<I...>) {
    int count = int(n - from);
    write_part(data[0] + from * int64_t(sizeof(Out)),
               Row::f(load_part<In>(data[I + 1] + from * strides[I + 1], strides[I + 1], count)...), count);
  }
  template <class In_>
  static RL_INLINE typename Reader<T, In_>::Vector load_part(const char* p, int64_t stride, int count) {
    if (stride == 0) return typename Reader<T, In_>::Vector(element<In_>(p));
    return Reader<T, In_>::load(p, count);
  }

  template <class In_>
  static RL_INLINE void repeat(char* to, const char* from, int width) {
    In_ value = element<In_>(from);
    for (int k = 0; k < width; ++k) reinterpret_cast<In_*>(to)[k] = value;
  }
  template <class In_>
  static RL_INLINE void pad(char* to, const char* from, int64_t stride, int count, int width) {
    In_ value = element<In_>(from);
    for (int k = 0; k < width; ++k) {
      if (k < count) value = element<In_>(from + k * stride);
      reinterpret_cast<In_*>(to)[k] = value;
    }
  }

  template <int... I>
  static RL_INLINE bool packed(const int64_t* strides, Indices<I...>) {
    return strides[0] == int64_t(sizeof(Out)) &&
           ((strides[I + 1] == int64_t(sizeof(In)) || strides[I + 1] == 0) && ...);
  }

  static void run(char* const* data, const int64_t* strides, int64_t n) {
    typename MakeIndices<inputs>::type indices;
    if constexpr (!__is_same(T, bool) && !is_complex_number<T> && !is_complex_number<Out>) {
      if (packed(strides, indices)) return vectors(data, strides, n, indices);
      gathered(data, strides, n, indices);
    } else {
      elements(data, strides, n, indices);
    }
  }

  // Strided operands are collected a register at a time: the arithmetic stays the vectors'.
  template <int... I>
  static void gathered(char* const* data, const int64_t* strides, int64_t n, Indices<I...>) {
    constexpr int width = Vec<T>::size;
    alignas(64) char padded[inputs][64];
    alignas(64) char result[64];
    for (int64_t i = 0; i < n; i += width) {
      int count = n - i < width ? int(n - i) : width;
      (pad<In>(padded[I], data[I + 1] + i * strides[I + 1], strides[I + 1], count, width), ...);
      write(result, Row::f(Reader<T, In>::load(padded[I])...));
      for (int k = 0; k < count; ++k)
        *reinterpret_cast<Out*>(data[0] + (i + k) * strides[0]) = reinterpret_cast<const Out*>(result)[k];
    }
  }
};

}  // namespace rl::RL_LEVEL
