// What attention does between its products: masks, softmax over the keys in parts, and its gradient.
#include "cpu/level/attention_table.h"
#include "cpu/level/part.h"
#include "cpu/level/scalar_math.h"
#include "cpu/level/vec_basic.h"
#include "cpu/level/vec_exp.h"
#include "cpu/level/vec_log.h"

namespace rl::RL_LEVEL {
namespace {

template <class T>
constexpr T infinity = T(__builtin_inf());

template <class T, class F>
RL_INLINE void for_each_row(const Tile<T>& tile, F f) {
  for (int64_t i = 0; i < tile.rows; ++i) f(i, tile.data + i * tile.row);
}

template <class T>
void add_mask(const Tile<T>& scores, const T* mask, int64_t mask_row) {
  for_each_row(scores, [&](int64_t i, T* s) {
    const T* m = mask + i * mask_row;
    for_each_vector<T>(scores.n,
                       [&](int64_t j, int lanes) { store(s + j, lanes, load(s + j, lanes) + load(m + j, lanes)); });
  });
}

template <class T>
void hide(const Tile<T>& scores, const bool* mask, int64_t mask_row) {
  for_each_row(scores, [&](int64_t i, T* s) {
    const bool* m = mask + i * mask_row;
    for_each_vector<T>(scores.n, [&](int64_t j, int lanes) {
      const Mask<T> seen = lanes == Vec<T>::size ? load_mask<T>(m + j) : load_mask<T>(m + j, lanes);
      store(s + j, lanes, where(seen, load(s + j, lanes), -infinity<T>));
    });
  });
}

template <class T>
void hide_after(const Tile<T>& scores, int64_t first) {
  for_each_row(scores, [&](int64_t i, T* s) {
    for (int64_t j = first + i > 0 ? first + i : 0; j < scores.n; ++j) s[j] = -infinity<T>;
  });
}

// NaN is passed over: a row with NaN becomes NaN by its sum.
template <class T>
RL_INLINE T largest(const T* s, int64_t n) {
  Vec<T> best(-infinity<T>);
  for_each_vector<T>(n, [&](int64_t j, int lanes) {
    const Vec<T> v = load(s + j, lanes);
    best = greater(lanes == Vec<T>::size ? v : where(Mask<T>::first(lanes), v, -infinity<T>), best);
  });
  return fold(best, [](T a, T b) __attribute__((always_inline)) { return a > b ? a : b; });
}

// exp of numbers up to 0. What is too small for a normal number becomes 0: denormal numbers take a hundred cycles.
template <class T>
RL_INLINE Vec<T> weight(Vec<T> x) {
  const Vec<T> least(sizeof(T) == sizeof(float) ? T(-87) : T(-708));
  return where(x < least, T(0), exp(greater(least, x)));
}

template <class T>
RL_INLINE void scale(T* x, int64_t n, T by) {
  for_each_vector<T>(n, [&](int64_t j, int lanes) { store(x + j, lanes, load(x + j, lanes) * Vec<T>(by)); });
}

template <class T>
void add_keys(const Tile<T>& scores, bool begins, T* maximum, T* sum, const Tile<T>& output) {
  for_each_row(scores, [&](int64_t i, T* s) {
    const T before = begins ? -infinity<T> : maximum[i], top = largest(s, scores.n), now = top > before ? top : before;
    const T origin = now == -infinity<T> ? T(0) : now;
    const Vec<T> from(origin);
    Vec<T> total(T(0));
    for_each_vector<T>(scores.n, [&](int64_t j, int lanes) {
      const Vec<T> e = weight(first(load(s + j, lanes) - from, lanes));
      store(s + j, lanes, e);
      total += first(e, lanes);
    });
    maximum[i] = now;
    if (begins) {
      sum[i] = reduce_add(total);
      return;
    }
    if (now != before) {
      const T less = weight(Vec<T>(before - origin))[0];
      sum[i] *= less;
      scale(output.data + i * output.row, output.n, less);
    }
    sum[i] += reduce_add(total);
  });
}

template <class T>
void finish(const Tile<T>& output, T* maximum, const T* sum) {
  for_each_row(output, [&](int64_t i, T* y) {
    const bool unseen = sum[i] == T(0);
    scale(y, output.n, unseen ? T(0) : T(1) / sum[i]);
    maximum[i] = unseen ? infinity<T> : maximum[i] + log(Vec<T>(sum[i]))[0];
  });
}

template <class T>
void backward(const Tile<T>& scores, T* dp, const T* log_sum, const T* delta) {
  for_each_row(scores, [&](int64_t i, T* s) {
    T* d = dp + i * scores.row;
    const Vec<T> from(log_sum[i]), less(delta[i]);
    for_each_vector<T>(scores.n, [&](int64_t j, int lanes) {
      const Vec<T> p = weight(first(load(s + j, lanes) - from, lanes));
      store(s + j, lanes, p);
      store(d + j, lanes, p * (load(d + j, lanes) - less));
    });
  });
}

template <class T>
void dots(const Tile<const T>& a, const T* b, int64_t b_row, T* out) {
  for_each_row(a, [&](int64_t i, const T* x) {
    Vec<T> total(T(0));
    for_each_vector<T>(
        a.n, [&](int64_t j, int lanes) { total = fma(load(x + j, lanes), load(b + i * b_row + j, lanes), total); });
    out[i] = reduce_add(total);
  });
}

template <class T>
constexpr AttentionKernels<T> kernels = {add_mask<T>, hide<T>,     hide_after<T>, add_keys<T>,
                                         finish<T>,   backward<T>, dots<T>};

}  // namespace

const AttentionTable& attention_table() {
  static constexpr AttentionTable table = {kernels<float>, kernels<double>};
  return table;
}

}  // namespace rl::RL_LEVEL
