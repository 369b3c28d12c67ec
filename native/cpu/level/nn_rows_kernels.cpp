// Softmax and what cross entropy needs of it. A line is a softmax. Contiguous lines are done one by one, a vector along
// the line; lines side by side a vector of lines at once.
#include "cpu/level/nn_rows_table.h"
#include "cpu/level/vec_basic.h"
#include "cpu/level/vec_exp.h"
#include "cpu/level/vec_log.h"

namespace rl::RL_LEVEL {
namespace {

template <class T>
constexpr T infinity = T(__builtin_inf());

template <class T>
RL_INLINE Vec<T> larger(Vec<T> a, Vec<T> b) {
  return where(a > b, a, b);
}
// Not reduce_max, which keeps NaN and branches for it: a line with NaN becomes NaN by its sum.
template <class T>
RL_INLINE T largest_lane(Vec<T> v) {
  T lane[Vec<T>::size];
  v.store(lane);
  for (int width = Vec<T>::size / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] = lane[i] > lane[i + width] ? lane[i] : lane[i + width];
  }
  return lane[0];
}

// Walks a line a vector at a time; beyond its end lanes hold `rest`. What a walk is folded into has one lane per
// position modulo the vector, and `whole` folds these into one.
template <class T>
struct Along {
  int64_t n;

  template <class F>
  RL_INLINE void each(F f) const {
    int64_t i = 0;
    for (; i + Vec<T>::size <= n; i += Vec<T>::size) f(i, Vec<T>::size);
    if (i < n) f(i, int(n - i));
  }
  static RL_INLINE Vec<T> load(const T* p, int64_t i, int count, T rest) {
    if (count == Vec<T>::size) return Vec<T>::load(p + i);
    return where(Mask<T>::first(count), Vec<T>::load(p + i, count), rest);
  }
  static RL_INLINE void store(T* p, int64_t i, int count, Vec<T> v) {
    count == Vec<T>::size ? v.store(p + i) : v.store(p + i, count);
  }
  static RL_INLINE Vec<T> whole_sum(Vec<T> v) { return Vec<T>(reduce_add(v)); }
  static RL_INLINE Vec<T> whole_max(Vec<T> v) { return Vec<T>(largest_lane(v)); }
  static RL_INLINE Vec<T> weight(const T* w, int64_t i, int count) {
    if (w) return load(w, i, count, T(0));
    return count == Vec<T>::size ? Vec<T>(T(1)) : where(Mask<T>::first(count), Vec<T>(T(1)), T(0));
  }
  // One value per line.
  static RL_INLINE Vec<T> of_line(const T* p) { return Vec<T>(*p); }
  static RL_INLINE void to_line(T* p, Vec<T> v) { *p = v[0]; }
};

// Walks `lines` neighbouring lines, one per lane, value by value.
template <class T>
struct Across {
  int64_t n, step;
  int lines;

  template <class F>
  RL_INLINE void each(F f) const {
    for (int64_t i = 0; i < n; ++i) f(i, lines);
  }
  RL_INLINE Vec<T> load(const T* p, int64_t i, int count, T) const {
    return count == Vec<T>::size ? Vec<T>::load(p + i * step) : Vec<T>::load(p + i * step, count);
  }
  RL_INLINE void store(T* p, int64_t i, int count, Vec<T> v) const {
    count == Vec<T>::size ? v.store(p + i * step) : v.store(p + i * step, count);
  }
  static RL_INLINE Vec<T> whole_sum(Vec<T> v) { return v; }
  static RL_INLINE Vec<T> whole_max(Vec<T> v) { return v; }
  static RL_INLINE Vec<T> weight(const T* w, int64_t i, int) { return w ? Vec<T>(w[i]) : Vec<T>(T(1)); }
  RL_INLINE Vec<T> of_line(const T* p) const { return Vec<T>::load(p, lines); }
  RL_INLINE void to_line(T* p, Vec<T> v) const { v.store(p, lines); }
};

// f(walk, first line, offset of its values) for all lines.
template <class T, class F>
RL_INLINE void for_each_line(const RowLayout& layout, F f) {
  if (layout.step == 1) {
    for (int64_t i = 0; i < layout.lines; ++i) f(Along<T>{layout.n}, i, i * layout.line);
    return;
  }
  for (int64_t i = 0; i < layout.lines; i += Vec<T>::size) {
    const int64_t left = layout.lines - i;
    f(Across<T>{layout.n, layout.step, int(left < Vec<T>::size ? left : Vec<T>::size)}, i, i);
  }
}

template <class T, class Walk>
RL_INLINE Vec<T> maximum_of(const Walk& walk, const T* x) {
  Vec<T> best(-infinity<T>);
  walk.each([&](int64_t i, int count) { best = larger(walk.load(x, i, count, -infinity<T>), best); });
  return walk.whole_max(best);
}

// exp of the first lanes. The others are kept from it: a denormal result takes a hundred cycles.
template <class T>
RL_INLINE Vec<T> exp_first(Vec<T> x, int count) {
  return exp(count == Vec<T>::size ? x : where(Mask<T>::first(count), x, T(0)));
}

// Sum of exp(x - maximum); `keep` gets the exponentials, or is null.
template <class T, class Walk>
RL_INLINE Vec<T> sum_of_exp(const Walk& walk, const T* x, Vec<T> maximum, T* keep) {
  Vec<T> sum(T(0));
  walk.each([&](int64_t i, int count) {
    const Vec<T> e = exp_first(walk.load(x, i, count, T(0)) - maximum, count);
    if (keep) walk.store(keep, i, count, e);
    sum += count == Vec<T>::size ? e : where(Mask<T>::first(count), e, T(0));
  });
  return walk.whole_sum(sum);
}

template <class T>
void softmax(bool log_form, const RowLayout& layout, const T* x, T* y) {
  for_each_line<T>(layout, [&](const auto& walk, int64_t, int64_t at) {
    const Vec<T> maximum = maximum_of(walk, x + at);
    const Vec<T> sum = sum_of_exp(walk, x + at, maximum, log_form ? nullptr : y + at);
    const Vec<T> log_sum = log_form ? log(sum) : sum;
    walk.each([&](int64_t i, int count) {
      if (log_form) {
        walk.store(y + at, i, count, (walk.load(x + at, i, count, T(0)) - maximum) - log_sum);
      } else {
        walk.store(y + at, i, count, walk.load(y + at, i, count, T(0)) / sum);
      }
    });
  });
}

template <class T>
void softmax_backward(bool log_form, const RowLayout& layout, const T* dy, const T* y, T* dx) {
  for_each_line<T>(layout, [&](const auto& walk, int64_t, int64_t at) {
    Vec<T> sum(T(0));
    walk.each([&](int64_t i, int count) {
      const Vec<T> d = walk.load(dy + at, i, count, T(0));
      sum += log_form ? d : d * walk.load(y + at, i, count, T(0));
    });
    sum = walk.whole_sum(sum);
    walk.each([&](int64_t i, int count) {
      const Vec<T> d = walk.load(dy + at, i, count, T(0)), value = walk.load(y + at, i, count, T(0));
      walk.store(dx + at, i, count, log_form ? d - exp(value) * sum : (d - sum) * value);
    });
  });
}

template <class T>
void log_sum_exp(const RowLayout& layout, const T* x, const T* weight, T* maximum, T* log_sum, T* smooth) {
  for_each_line<T>(layout, [&](const auto& walk, int64_t line, int64_t at) {
    const Vec<T> top = maximum_of(walk, x + at);
    const Vec<T> rest = log(sum_of_exp<T>(walk, x + at, top, nullptr));
    walk.to_line(maximum + line, top);
    walk.to_line(log_sum + line, rest);
    if (!smooth) return;
    Vec<T> sum(T(0));
    walk.each([&](int64_t i, int count) {
      const Vec<T> minus_log = (top - walk.load(x + at, i, count, T(0))) + rest;
      sum += walk.weight(weight, i, count) * minus_log;
    });
    walk.to_line(smooth + line, walk.whole_sum(sum));
  });
}

template <class T>
void scaled_softmax(const RowLayout& layout, const T* x, const T* maximum, const T* log_sum, const T* scale,
                    const T* smooth, const T* weight, T* dx) {
  for_each_line<T>(layout, [&](const auto& walk, int64_t line, int64_t at) {
    const Vec<T> top = walk.of_line(maximum + line), rest = walk.of_line(log_sum + line),
                 by = walk.of_line(scale + line);
    const Vec<T> less = smooth ? walk.of_line(smooth + line) : Vec<T>(T(0));
    walk.each([&](int64_t i, int count) {
      Vec<T> d = by * exp_first((walk.load(x + at, i, count, T(0)) - top) - rest, count);
      if (smooth) d -= less * walk.weight(weight, i, count);
      walk.store(dx + at, i, count, where(by == Vec<T>(T(0)), Vec<T>(T(0)), d));
    });
  });
}

template <class T>
constexpr RowKernels<T> kernels = {softmax<T>, softmax_backward<T>, log_sum_exp<T>, scaled_softmax<T>};

}  // namespace

const RowTable& nn_row_table() {
  static constexpr RowTable table = {kernels<float>, kernels<double>};
  return table;
}

}  // namespace rl::RL_LEVEL
