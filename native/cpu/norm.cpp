#include "cpu/norm.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "cpu/level/norm_table.h"
#include "cpu/scratch.h"

namespace rl::cpu {
namespace {

constexpr int64_t work = 8192;          // values below which a thread costs more than it brings
constexpr int64_t part_values = 32768;  // what is read twice stays in the second-level cache

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t grain_for(int64_t values) { return std::max<int64_t>(1, work / std::max<int64_t>(1, values)); }

template <class T>
const NormKernels<T>& kernels() {
  const NormTable& table = picked_norm_table();
  if constexpr (sizeof(T) == sizeof(float)) {
    return table.f32;
  } else {
    return table.f64;
  }
}

// An array of channels in parts of fixed size: some of the outer indices of some of the channels.
struct Parts {
  ChannelShape shape;
  int64_t outer, channels;  // of one part
  int64_t chunks, strips;   // parts along both

  explicit Parts(const ChannelShape& s) : shape(s) {
    channels = std::max<int64_t>(
        1, s.inner > 1 ? work / std::max<int64_t>(1, s.count()) : std::min<int64_t>(s.channels, 1024));
    outer = std::max<int64_t>(1, part_values / std::max<int64_t>(1, channels * s.inner));
    chunks = divide_up(s.outer, outer);
    strips = divide_up(s.channels, channels);
  }

  // f(layout, offset of its values, chunk, first channel).
  template <class F>
  void each(F f) const {
    if (shape.numel() == 0) return;
    const int64_t run = shape.channels * shape.inner;
    parallel_for(0, chunks * strips, grain_for(std::min(outer, shape.outer) * channels * shape.inner),
                 [&](int64_t task, int64_t last) {
                   for (; task < last; ++task) {
                     const int64_t chunk = task / strips, o = chunk * outer, c = task % strips * channels;
                     const ChannelLayout layout = {std::min(channels, shape.channels - c),
                                                   std::min(outer, shape.outer - o), run, shape.inner};
                     f(layout, o * run + c * shape.inner, chunk, c);
                   }
                 });
  }
  int64_t count(int64_t chunk) const { return std::min(outer, shape.outer - chunk * outer) * shape.inner; }
};

}  // namespace

template <class T>
void norm_rows(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean,
               T* rstd) {
  parallel_for(0, rows, grain_for(n), [&](int64_t i, int64_t last) {
    kernels<T>().rows(last - i, n, x + i * n, weight, bias, eps, y + i * n, mean ? mean + i : nullptr, rstd + i);
  });
}

// The sums over rows are taken in chunks of fixed length, and these added in order.
template <class T>
void norm_rows_backward(int64_t rows, int64_t n, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd,
                        T* dx, T* dweight, T* dbias) {
  constexpr int64_t least_rows = 8, most_chunks = 64;
  const int64_t chunk = std::max({least_rows, grain_for(n), divide_up(rows, most_chunks)});
  const int64_t chunks = divide_up(rows, chunk), sums = (dweight != nullptr) + (dbias != nullptr);
  if (chunks <= 1) {
    if (dweight) std::fill_n(dweight, n, T(0));
    if (dbias) std::fill_n(dbias, n, T(0));
    return kernels<T>().rows_backward(rows, n, dy, x, weight, mean, rstd, dx, dweight, dbias);
  }
  const Scratch<T> room(chunks * sums * n);
  parallel_for(0, chunks, 1, [&](int64_t task, int64_t last) {
    for (; task < last; ++task) {
      const int64_t i = task * chunk;
      T* part = room.get() + task * sums * n;
      std::fill_n(part, sums * n, T(0));
      kernels<T>().rows_backward(std::min(chunk, rows - i), n, dy + i * n, x + i * n, weight, mean ? mean + i : nullptr,
                                 rstd + i, dx ? dx + i * n : nullptr, dweight ? part : nullptr,
                                 dbias ? part + (sums - 1) * n : nullptr);
    }
  });
  const auto add_up = [&](T* to, int64_t at) {
    if (!to) return;
    std::copy_n(room.get() + at, n, to);
    for (int64_t task = 1; task < chunks; ++task) {
      const T* part = room.get() + task * sums * n + at;
      for (int64_t i = 0; i < n; ++i) to[i] += part[i];
    }
  };
  add_up(dweight, 0);
  add_up(dbias, (sums - 1) * n);
}

template <class T>
void channel_moments(const ChannelShape& shape, const T* x, double* mean, double* variance) {
  if (shape.count() == 0) {
    std::fill_n(mean, shape.channels, std::numeric_limits<double>::quiet_NaN());
    std::fill_n(variance, shape.channels, std::numeric_limits<double>::quiet_NaN());
    return;
  }
  const Parts parts(shape);
  const Scratch<double> room(2 * parts.chunks * shape.channels);
  double *means = room.get(), *squares = means + parts.chunks * shape.channels;
  parts.each([&](const ChannelLayout& layout, int64_t at, int64_t chunk, int64_t c) {
    kernels<T>().moments(layout, x + at, means + chunk * shape.channels + c, squares + chunk * shape.channels + c);
  });
  // Two groups' moments make those of both: Chan, Golub and LeVeque (1983).
  for (int64_t c = 0; c < shape.channels; ++c) {
    double count = double(parts.count(0)), m = means[c], sum = squares[c];
    for (int64_t chunk = 1; chunk < parts.chunks; ++chunk) {
      const double more = double(parts.count(chunk)), all = count + more;
      const double apart = means[chunk * shape.channels + c] - m;
      m += apart * (more / all);
      sum += squares[chunk * shape.channels + c] + apart * apart * (count * (more / all));
      count = all;
    }
    mean[c] = m;
    variance[c] = sum / count;
  }
}

template <class T>
void norm_groups(int64_t groups, int64_t each, int64_t inner, int64_t channels, const T* x, const T* weight,
                 const T* bias, double eps, T* y, T* mean, T* rstd) {
  const int64_t n = each * inner;
  parallel_for(0, groups, grain_for(n), [&](int64_t i, int64_t last) {
    const Scratch<T> room(3 * each);
    T *center = room.get(), *scale = center + each, *shift = scale + each;
    for (; i < last; ++i) {
      double exact, variance;
      channel_moments<T>({1, 1, n}, x + i * n, &exact, &variance);
      mean[i] = T(exact);
      rstd[i] = T(1 / std::sqrt(variance + eps));
      for (int64_t k = 0; k < each; ++k) {
        const int64_t c = (i * each + k) % channels;
        center[k] = mean[i];
        scale[k] = weight ? rstd[i] * weight[c] : rstd[i];
        shift[k] = bias ? bias[c] : T(0);
      }
      if (inner > 0) kernels<T>().scale({each, 1, n, inner}, x + i * n, center, scale, shift, y + i * n);
    }
  });
}

template <class T>
void channel_sums(const ChannelShape& shape, const T* dy, const T* x, const T* mean, double* sum, double* dot) {
  const Parts parts(shape);
  const Scratch<double> room(2 * parts.chunks * shape.channels);
  double *sums = room.get(), *dots = sums + parts.chunks * shape.channels;
  parts.each([&](const ChannelLayout& layout, int64_t at, int64_t chunk, int64_t c) {
    kernels<T>().sums(layout, dy + at, x + at, mean + c, sums + chunk * shape.channels + c,
                      dots + chunk * shape.channels + c);
  });
  std::fill_n(sum, shape.channels, 0.0);
  std::fill_n(dot, shape.channels, 0.0);
  for (int64_t chunk = 0; chunk < (shape.numel() ? parts.chunks : 0); ++chunk) {
    for (int64_t c = 0; c < shape.channels; ++c) {
      sum[c] += sums[chunk * shape.channels + c];
      dot[c] += dots[chunk * shape.channels + c];
    }
  }
}

template <class T>
void channel_scale(const ChannelShape& shape, const T* x, const T* mean, const T* scale, const T* shift, T* y) {
  Parts(shape).each([&](const ChannelLayout& layout, int64_t at, int64_t, int64_t c) {
    kernels<T>().scale(layout, x + at, mean + c, scale + c, shift + c, y + at);
  });
}

template <class T>
void channel_combine(const ChannelShape& shape, const T* dy, const T* x, const T* mean, const T* scale, const T* slope,
                     const T* shift, T* dx) {
  Parts(shape).each([&](const ChannelLayout& layout, int64_t at, int64_t, int64_t c) {
    kernels<T>().combine(layout, dy + at, x + at, mean + c, scale + c, slope + c, shift + c, dx + at);
  });
}

#define RL_NORM(T)                                                                                                     \
  template void norm_rows<T>(int64_t, int64_t, const T*, const T*, const T*, double, T*, T*, T*);                      \
  template void norm_rows_backward<T>(int64_t, int64_t, const T*, const T*, const T*, const T*, const T*, T*, T*, T*); \
  template void channel_moments<T>(const ChannelShape&, const T*, double*, double*);                                   \
  template void norm_groups<T>(int64_t, int64_t, int64_t, int64_t, const T*, const T*, const T*, double, T*, T*, T*);  \
  template void channel_sums<T>(const ChannelShape&, const T*, const T*, const T*, double*, double*);                  \
  template void channel_scale<T>(const ChannelShape&, const T*, const T*, const T*, const T*, T*);                     \
  template void channel_combine<T>(const ChannelShape&, const T*, const T*, const T*, const T*, const T*, const T*, T*);
RL_NORM(float)
RL_NORM(double)
#undef RL_NORM

}  // namespace rl::cpu
