// The normalisations. Rows are done one by one, a vector along the row. Channels come in both forms of softmax's lines:
// a vector along the channel, or one of channels that lie side by side.
#include "cpu/level/norm_table.h"
#include "cpu/level/part.h"
#include "cpu/level/vec_basic.h"

namespace rl::RL_LEVEL {
namespace {

constexpr int unrolled = 4;      // sums that do not wait for each other
constexpr int flush_after = 32;  // additions of one lane before it goes into a double

// A sum in doubles for each lane.
template <class T>
struct Wide {
  Vec<double> low = Vec<double>(0.0), high = Vec<double>(0.0);

  RL_INLINE void add(Vec<float> v) {
    Vec<double> a, b;
    widen(v, &a, &b);
    low += a;
    high += b;
  }
  RL_INLINE void add(Vec<double> v) { low += v; }
  RL_INLINE double total() const { return reduce_add(low + high); }
  RL_INLINE double lane(int i) const { return i < Vec<double>::size ? low[i] : high[i - Vec<double>::size]; }
};

// One channel, or row: `runs` stretches of n values, `run` apart.
template <class T>
struct Along {
  static constexpr int vectors = 1;  // of channels
  int64_t runs, run, n;

  int channels() const { return 1; }
  // f(offset, lanes in use, which of the sums takes it); after a few of them `pause`.
  template <class F, class P>
  RL_INLINE void each(F f, P pause) const {
    constexpr int size = Vec<T>::size;
    for (int64_t r = 0; r < runs; ++r) {
      int64_t i = r * run;
      const int64_t end = i + n;
      for (; i + unrolled * size <= end; i += unrolled * size) {
        for (int u = 0; u < unrolled; ++u) f(i + u * size, size, u);
        pause();
      }
      for (; i + size <= end; i += size) f(i, size, 0);
      if (i < end) f(i, int(end - i), 1);
      pause();
    }
  }
  static RL_INLINE Vec<T> only(Vec<T> v, int count) { return first(v, count); }
  static RL_INLINE void of_channels(const T* p, Vec<T>* v) { *v = Vec<T>(*p); }
  static RL_INLINE void to_channels(double* p, const Wide<T>* sum) { *p = sum->total(); }
};

// Up to `unrolled` vectors of channels side by side, value by value.
template <class T>
struct Across {
  static constexpr int vectors = unrolled;
  int64_t runs, run;
  int count;

  int channels() const { return count; }
  int last_lanes() const { return count - (count - 1) / Vec<T>::size * Vec<T>::size; }
  template <int used, class F, class P>
  RL_INLINE void each_of(F f, P pause) const {
    constexpr int size = Vec<T>::size;
    const int last = last_lanes();
    for (int64_t r = 0; r < runs; ++r) {
      for (int u = 0; u < used - 1; ++u) f(r * run + u * size, size, u);
      f(r * run + (used - 1) * size, last, used - 1);
      pause();
    }
  }
  template <class F, class P>
  RL_INLINE void each(F f, P pause) const {
    switch ((count - 1) / Vec<T>::size) {
      case 0: return each_of<1>(f, pause);
      case 1: return each_of<2>(f, pause);
      case 2: return each_of<3>(f, pause);
      default: return each_of<4>(f, pause);
    }
  }
  static RL_INLINE Vec<T> only(Vec<T> v, int) { return v; }
  RL_INLINE void of_channels(const T* p, Vec<T>* v) const {
    for (int u = 0; u < vectors; ++u) {
      const int left = count - u * Vec<T>::size;
      v[u] = left > 0 ? load(p + u * Vec<T>::size, left < Vec<T>::size ? left : Vec<T>::size) : Vec<T>(T(0));
    }
  }
  RL_INLINE void to_channels(double* p, const Wide<T>* sum) const {
    for (int i = 0; i < count; ++i) p[i] = sum[i / Vec<T>::size].lane(i % Vec<T>::size);
  }
};

// `count` sums at once for each vector of channels: f(offset, lanes in use, vector of channels, terms) adds to the
// terms.
template <int count, class T, class Walk, class F>
RL_INLINE void sum_over(const Walk& walk, Wide<T> (&sums)[count][Walk::vectors], F f) {
  Vec<T> terms[unrolled][count];
  const auto clear = [&] {
    for (int u = 0; u < unrolled; ++u)
      for (int k = 0; k < count; ++k) terms[u][k] = Vec<T>(T(0));
  };
  const auto flush = [&] {
    for (int k = 0; k < count; ++k) {
      if constexpr (Walk::vectors == 1) {
        sums[k][0].add((terms[0][k] + terms[1][k]) + (terms[2][k] + terms[3][k]));
      } else {
        for (int u = 0; u < unrolled; ++u) sums[k][u].add(terms[u][k]);
      }
    }
  };
  int held = 0;
  clear();
  walk.each([&](int64_t i, int lanes, int u) { f(i, lanes, u % Walk::vectors, terms[u]); },
            [&] {
              if (++held < flush_after) return;
              flush();
              clear();
              held = 0;
            });
  flush();
}

template <class Walk, class F>
RL_INLINE void for_each(const Walk& walk, F f) {
  walk.each([&](int64_t i, int lanes, int u) { f(i, lanes, u % Walk::vectors); }, [] {});
}

// The sum of squared distances from the mean, from that around a rounded one that lies `off` beside it.
RL_INLINE double about_mean(double squares, double count, double off) {
  const double exact = squares - count * off * off;
  return exact < 0 ? 0 : exact;
}

// f(walk, first channel, offset of its values).
template <class T, class F>
RL_INLINE void for_each_channel(const ChannelLayout& layout, F f) {
  if (layout.n > 1) {
    for (int64_t c = 0; c < layout.channels; ++c) f(Along<T>{layout.runs, layout.run, layout.n}, c, c * layout.n);
    return;
  }
  constexpr int64_t most = unrolled * Vec<T>::size;
  for (int64_t c = 0; c < layout.channels; c += most) {
    const int64_t left = layout.channels - c;
    f(Across<T>{layout.runs, layout.run, int(left < most ? left : most)}, c, c);
  }
}

// ------------------------------------------------------------------ rows

// Rows that come from memory: the next one is fetched while this one is written.
template <class T>
RL_INLINE void fetch(const T* p) {
  __builtin_prefetch(p);
}

struct Moments {
  double count, mean, squares;  // of distances from the mean
};

// The moments of two groups make those of both: Chan, Golub and LeVeque (1983).
RL_INLINE Moments joined(Moments a, Moments b) {
  const double count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
  return {count, a.mean + apart * share, a.squares + b.squares + apart * apart * a.count * share};
}

// Squares around `center`, which is near the mean, in one sweep.
template <class T>
RL_INLINE Moments moments_around(T center, const T* x, int64_t n) {
  const Along<T> row{1, n, n};
  const Vec<T> m(center);
  Wide<T> sums[2][1];
  sum_over(row, sums, [&](int64_t i, int lanes, int, Vec<T>* terms) {
    const Vec<T> d = row.only(load(x + i, lanes) - m, lanes);
    terms[0] += d;
    terms[1] = fma(d, d, terms[1]);
  });
  const double off = sums[0][0].total() / double(n);
  return {double(n), double(center) + off, about_mean(sums[1][0].total(), double(n), off)};
}

// Two sweeps.
template <class T>
RL_INLINE Moments moments_at_once(const T* x, int64_t n) {
  const Along<T> row{1, n, n};
  Wide<T> sum[1][1], square[1][1];
  sum_over(row, sum, [&](int64_t i, int lanes, int, Vec<T>* terms) { terms[0] += load(x + i, lanes); });
  const double mean = sum[0][0].total() / double(n);
  const Vec<T> m{T(mean)};
  sum_over(row, square, [&](int64_t i, int lanes, int, Vec<T>* terms) {
    const Vec<T> d = row.only(load(x + i, lanes) - m, lanes);
    terms[0] = fma(d, d, terms[0]);
  });
  return {double(n), mean, about_mean(square[0][0].total(), double(n), mean - double(T(mean)))};
}

// Each part lies around the mean of those before it, and is at most seven times as long: where it is far from that mean
// the distance itself is most of the variance, so that nothing is lost.
template <class T>
RL_INLINE Moments moments_of(const T* x, int64_t n) {
  constexpr int64_t start = 2 * unrolled * Vec<T>::size;
  Moments found = moments_at_once(x, n < start ? n : start);
  for (int64_t done = start; done < n;) {
    const int64_t more = 7 * done < n - done ? 7 * done : n - done;
    found = joined(found, moments_around(T(found.mean), x + done, more));
    done += more;
  }
  return found;
}

template <class T>
void rows(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* rstd) {
  const Along<T> row{1, n, n};
  for (int64_t r = 0; r < rows; ++r, x += n, y += n) {
    T center = 0;
    double squares;
    if (mean) {
      const Moments found = moments_of(x, n);
      mean[r] = center = T(found.mean);
      squares = found.squares;
    } else {
      Wide<T> sum[1][1];
      sum_over(row, sum, [&](int64_t i, int lanes, int, Vec<T>* terms) {
        const Vec<T> v = load(x + i, lanes);
        terms[0] = fma(v, v, terms[0]);
      });
      squares = sum[0][0].total();
    }
    rstd[r] = T(1 / __builtin_sqrt(squares / double(n) + eps));
    const Vec<T> m(center);
    const Vec<T> s(rstd[r]);
    for_each(row, [&](int64_t i, int lanes, int) {
      Vec<T> v = (load(x + i, lanes) - m) * s;
      fetch(x + n + i);
      if (weight) v *= load(weight + i, lanes);
      store(y + i, lanes, bias ? v + load(bias + i, lanes) : v);
    });
  }
}

// With h = (x - mean) * rstd and g = dy * weight: dx = rstd * (g - mean(g) - h * mean(g * h)), the first mean where
// there was one; dweight = sum of dy * h, dbias = sum of dy over the rows.
template <class T>
void rows_backward(int64_t rows, int64_t n, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd,
                   T* dx, T* dweight, T* dbias) {
  const Along<T> row{1, n, n};
  for (int64_t r = 0; r < rows; ++r, dy += n, x += n) {
    const Vec<T> m(mean ? mean[r] : T(0)), s(rstd[r]);
    const auto scaled = [&](int64_t i, int lanes, Vec<T> d) { return weight ? d * load(weight + i, lanes) : d; };
    Wide<T> sums[2][1];
    sum_over(row, sums, [&](int64_t i, int lanes, int, Vec<T>* terms) {
      const Vec<T> d = load(dy + i, lanes), h = (load(x + i, lanes) - m) * s, g = scaled(i, lanes, d);
      terms[0] += g;
      terms[1] += row.only(g * h, lanes);
      if (dweight) store(dweight + i, lanes, load(dweight + i, lanes) + d * h);
      if (dbias) store(dbias + i, lanes, load(dbias + i, lanes) + d);
    });
    if (!dx) continue;
    const Vec<T> mean_g(mean ? T(sums[0][0].total() / double(n)) : T(0)), mean_gh(T(sums[1][0].total() / double(n)));
    for_each(row, [&](int64_t i, int lanes, int) {
      const Vec<T> h = (load(x + i, lanes) - m) * s, g = scaled(i, lanes, load(dy + i, lanes));
      fetch(x + n + i);
      fetch(dy + n + i);
      store(dx + i, lanes, s * (g - mean_g - h * mean_gh));
    });
    dx += n;
  }
}

// ------------------------------------------------------------------ channels

template <class T>
void moments(const ChannelLayout& layout, const T* x, double* mean, double* squares) {
  if (layout.runs == 1 && layout.n > 1) {
    for (int64_t c = 0; c < layout.channels; ++c) {
      const Moments found = moments_of(x + c * layout.n, layout.n);
      mean[c] = found.mean;
      squares[c] = found.squares;
    }
    return;
  }
  const double count = double(layout.count());
  for_each_channel<T>(layout, [&]<class Walk>(const Walk& walk, int64_t c, int64_t at) {
    T center[Walk::vectors * Vec<T>::size];
    Wide<T> sum[1][Walk::vectors], square[1][Walk::vectors];
    Vec<T> m[Walk::vectors];
    sum_over(walk, sum, [&](int64_t i, int lanes, int, Vec<T>* terms) { terms[0] += load(x + at + i, lanes); });
    walk.to_channels(mean + c, sum[0]);
    for (int i = 0; i < walk.channels(); ++i) center[i] = T(mean[c + i] /= count);
    walk.of_channels(center, m);
    sum_over(walk, square, [&](int64_t i, int lanes, int u, Vec<T>* terms) {
      const Vec<T> d = walk.only(load(x + at + i, lanes) - m[u], lanes);
      terms[0] = fma(d, d, terms[0]);
    });
    walk.to_channels(squares + c, square[0]);
    for (int i = 0; i < walk.channels(); ++i)
      squares[c + i] = about_mean(squares[c + i], count, mean[c + i] - double(center[i]));
  });
}

template <class T>
void sums(const ChannelLayout& layout, const T* dy, const T* x, const T* mean, double* sum, double* dot) {
  for_each_channel<T>(layout, [&]<class Walk>(const Walk& walk, int64_t c, int64_t at) {
    Wide<T> both[2][Walk::vectors];
    Vec<T> m[Walk::vectors];
    walk.of_channels(mean + c, m);
    sum_over(walk, both, [&](int64_t i, int lanes, int u, Vec<T>* terms) {
      const Vec<T> d = load(dy + at + i, lanes);
      terms[0] += d;
      terms[1] += walk.only(d * (load(x + at + i, lanes) - m[u]), lanes);
    });
    walk.to_channels(sum + c, both[0]);
    walk.to_channels(dot + c, both[1]);
  });
}

template <class T>
void scale(const ChannelLayout& layout, const T* x, const T* mean, const T* scale, const T* shift, T* y) {
  for_each_channel<T>(layout, [&]<class Walk>(const Walk& walk, int64_t c, int64_t at) {
    Vec<T> m[Walk::vectors], a[Walk::vectors], b[Walk::vectors];
    walk.of_channels(mean + c, m);
    walk.of_channels(scale + c, a);
    walk.of_channels(shift + c, b);
    for_each(walk, [&](int64_t i, int lanes, int u) {
      store(y + at + i, lanes, fma(load(x + at + i, lanes) - m[u], a[u], b[u]));
    });
  });
}

template <class T>
void combine(const ChannelLayout& layout, const T* dy, const T* x, const T* mean, const T* scale, const T* slope,
             const T* shift, T* dx) {
  for_each_channel<T>(layout, [&]<class Walk>(const Walk& walk, int64_t c, int64_t at) {
    Vec<T> m[Walk::vectors], a[Walk::vectors], b[Walk::vectors], e[Walk::vectors];
    walk.of_channels(mean + c, m);
    walk.of_channels(scale + c, a);
    walk.of_channels(slope + c, b);
    walk.of_channels(shift + c, e);
    for_each(walk, [&](int64_t i, int lanes, int u) {
      const Vec<T> rest = fma(load(x + at + i, lanes) - m[u], b[u], e[u]);
      store(dx + at + i, lanes, fma(load(dy + at + i, lanes), a[u], rest));
    });
  });
}

template <class T>
constexpr NormKernels<T> kernels = {rows<T>, rows_backward<T>, moments<T>, sums<T>, scale<T>, combine<T>};

}  // namespace

const NormTable& norm_table() {
  static constexpr NormTable table = {kernels<float>, kernels<double>};
  return table;
}

}  // namespace rl::RL_LEVEL
