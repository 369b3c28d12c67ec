// One kernel for every reduction row: lanes in T over short blocks, blocks in a wide accumulator.
#pragma once
#include "cpu/level/complex_math.h"
#include "cpu/level/scalar_math.h"
#include "cpu/level/vec.h"
#include "cpu/level/vec_math.h"
#include "iterate/loop.h"

namespace rl::RL_LEVEL {

template <class T>
struct Wide {
  using type = int64_t;
};
template <>
struct Wide<float> {
  using type = double;
};
template <>
struct Wide<double> {
  using type = double;
};

template <class R>
struct Wide<Complex<R>> {
  using type = Complex<double>;
};

// Complex numbers go one by one: a vector of one lane.
template <class R>
struct Vec<Complex<R>> : Complex<R> {
  static constexpr int size = 1;
  Vec() = default;
  RL_INLINE Vec(Complex<R> z) : Complex<R>(z) {}
  static RL_INLINE Vec load(const Complex<R>* p) { return *p; }
  RL_INLINE Complex<R> operator[](int) const { return *this; }
};

// The neutral values of max and min.
template <class T>
RL_INLINE T lowest() {
  if constexpr (T(0.5) != T(0)) {
    return T(-__builtin_inff());
  } else {
    return T(-1) > T(0) ? T(0) : T(T(1) << (sizeof(T) * 8 - 1));
  }
}
template <class T>
RL_INLINE T highest() {
  if constexpr (T(0.5) != T(0)) {
    return T(__builtin_inff());
  } else {
    return T(~lowest<T>());
  }
}

// Row has start(), map(x), combine(a, b) and finish(a, n), each a formula of the table.
template <class Row, class T, class Out>
struct ReduceLoop {
  using V = Vec<T>;
  using A = typename Wide<T>::type;
  static constexpr int kVectors = 4;  // independent sums hide the latency of an addition
  static constexpr int kBlock = 32;   // additions of one lane before the lanes go into the wide accumulator

  static RL_INLINE A start() { return static_cast<A>(Row::template start<T>()); }
  static RL_INLINE T element(const char* p) { return *reinterpret_cast<const T*>(p); }

  static RL_INLINE A fold(A a, V v) {
    for (int k = 0; k < V::size; ++k) a = Row::combine(a, static_cast<A>(v[k]));
    return a;
  }

  static A contiguous_row(const T* x, int64_t n) {
    A a = start();
    int64_t i = 0;
    while (i + kVectors * V::size <= n) {
      V sum[kVectors];
      for (int j = 0; j < kVectors; ++j) sum[j] = Row::map(V::load(x + i + j * V::size));
      i += kVectors * V::size;
      for (int b = 1; b < kBlock && i + kVectors * V::size <= n; ++b, i += kVectors * V::size)
        for (int j = 0; j < kVectors; ++j) sum[j] = Row::combine(sum[j], Row::map(V::load(x + i + j * V::size)));
      a = fold(a, Row::combine(Row::combine(sum[0], sum[1]), Row::combine(sum[2], sum[3])));
    }
    for (; i < n; ++i) a = Row::combine(a, static_cast<A>(Row::map(x[i])));
    return a;
  }

  // Calls f(pointer) for each position of the reduced dimensions from `first` on (first = 1 leaves out the innermost).
  template <class F>
  static RL_INLINE void each_position(const ReduceTask& t, const char* in, int first, F f) {
    int64_t index[64] = {0};
    while (true) {
      f(in);
      int d = first;
      for (; d < t.reduced; ++d) {
        in += t.strides[d];
        if (++index[d] < t.sizes[d]) break;
        in -= t.sizes[d] * t.strides[d];
        index[d] = 0;
      }
      if (d >= t.reduced) return;
    }
  }

  static RL_INLINE void emit(const ReduceTask& t, int64_t i, A a, bool partial) {
    if (partial) {
      *reinterpret_cast<A*>(t.out + i * 16) = a;
    } else {
      *reinterpret_cast<Out*>(t.out + i * t.out_stride) = static_cast<Out>(Row::finish(a, static_cast<A>(t.count)));
    }
  }

  static void rows(const ReduceTask& t, bool partial) {
    bool packed = t.strides[0] == int64_t(sizeof(T));
    for (int64_t i = 0; i < t.kept; ++i) {
      A a = start();
      each_position(t, t.in + i * t.in_stride, 1, [&](const char* p) {
        if (packed) {
          a = Row::combine(a, contiguous_row(reinterpret_cast<const T*>(p), t.sizes[0]));
        } else {
          for (int64_t k = 0; k < t.sizes[0]; ++k)
            a = Row::combine(a, static_cast<A>(Row::map(element(p + k * t.strides[0]))));
        }
      });
      emit(t, i, a, partial);
    }
  }

  // The kept dimension is contiguous: one register of results at a time, all rows above each other.
  static void columns(const ReduceTask& t, bool partial) {
    constexpr int tile = kVectors * V::size;
    for (int64_t i = 0; i < t.kept; i += tile) {
      int n = t.kept - i < tile ? int(t.kept - i) : tile;
      A wide[tile];
      for (int k = 0; k < tile; ++k) wide[k] = start();
      if (n == tile) {
        V sum[kVectors];
        int held = 0;
        auto flush = [&] {
          for (int j = 0; j < kVectors; ++j)
            for (int k = 0; k < V::size; ++k)
              wide[j * V::size + k] = Row::combine(wide[j * V::size + k], static_cast<A>(sum[j][k]));
          held = 0;
        };
        each_position(t, t.in + i * sizeof(T), 0, [&](const char* p) {
          const T* x = reinterpret_cast<const T*>(p);
          for (int j = 0; j < kVectors; ++j) {
            V v = Row::map(V::load(x + j * V::size));
            sum[j] = held ? Row::combine(sum[j], v) : v;
          }
          if (++held == kBlock) flush();
        });
        if (held) flush();
      } else {
        each_position(t, t.in + i * sizeof(T), 0, [&](const char* p) {
          for (int k = 0; k < n; ++k)
            wide[k] = Row::combine(wide[k], static_cast<A>(Row::map(reinterpret_cast<const T*>(p)[k])));
        });
      }
      for (int k = 0; k < n; ++k) emit(t, i + k, wide[k], partial);
    }
  }

  static void run(const ReduceTask& t, bool partial) {
    if (t.strides[0] != int64_t(sizeof(T)) && t.in_stride == int64_t(sizeof(T)) && t.kept > 1) {
      columns(t, partial);
    } else {
      rows(t, partial);
    }
  }

  static void finish(const char* accumulators, int64_t parts, char* out, int64_t count) {
    A a = start();
    for (int64_t i = 0; i < parts; ++i) a = Row::combine(a, *reinterpret_cast<const A*>(accumulators + i * 16));
    *reinterpret_cast<Out*>(out) = static_cast<Out>(Row::finish(a, static_cast<A>(count)));
  }

  static constexpr ReduceKernel kernel = {run, finish};
};

}  // namespace rl::RL_LEVEL
