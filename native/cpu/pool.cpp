#include "cpu/pool.h"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "base/parallel.h"
#include "cpu/level/pool_table.h"
#include "cpu/scratch.h"

namespace rl::cpu {

int64_t pool_out(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation, bool ceil_mode) {
  const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
  const int64_t out = (room >= 0 ? room / stride : -((-room + stride - 1) / stride)) + 1;
  return ceil_mode && (out - 1) * stride >= in + padding ? out - 1 : out;
}

namespace {

int64_t volume(const int64_t (&size)[3]) { return size[0] * size[1] * size[2]; }

template <class T>
const PoolKernels<T>& kernels() {
  const PoolTable& table = picked_pool_table();
  if constexpr (std::is_same_v<T, float>) {
    return table.f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return table.f64;
  } else {
    return table.i64;
  }
}

// f(plane) for every plane, dealt to the threads.
template <class F>
void for_each_plane(const PoolShape& s, F&& f) {
  const int64_t grain = std::max<int64_t>(1, 32768 / std::max<int64_t>(1, volume(s.in)));
  parallel_for(0, s.planes, grain, [&](int64_t plane, int64_t last) {
    for (; plane < last; ++plane) f(plane);
  });
}

// The input positions [begin, end) of one output along one dimension, before the last of which the window ends.
struct Span {
  int64_t begin, end;
};

Span window(const PoolShape& s, int dim, int64_t i) {
  const int64_t dilation = s.dilation[dim], start = i * s.stride[dim] - s.padding[dim];
  const int64_t begin = start < 0 ? start + (-start + dilation - 1) / dilation * dilation : start;
  return {begin, std::min(start + (s.kernel[dim] - 1) * dilation + 1, s.in[dim])};
}

Span adaptive_window(const PoolShape& s, int dim, int64_t i) {
  return {i * s.in[dim] / s.out[dim], ((i + 1) * s.in[dim] + s.out[dim] - 1) / s.out[dim]};
}

// For each column of the window the outputs of a line that see the input there.
std::vector<PoolPart> column_parts(const PoolShape& s) {
  std::vector<PoolPart> parts;
  for (int64_t k = 0; k < s.kernel[2]; ++k) {
    const int64_t start = k * s.dilation[2] - s.padding[2], step = s.stride[2];
    const int64_t first = std::clamp<int64_t>(start < 0 ? (-start + step - 1) / step : 0, 0, s.out[2]);
    const int64_t last = start < s.in[2] ? (s.in[2] - 1 - start) / step + 1 : 0;
    parts.push_back({first, std::clamp(last, first, s.out[2]), start + first * step});
  }
  return parts;
}

// The factors of a mean's divisor along each dimension.
template <class T>
struct Factors {
  Factors(const PoolShape& s, bool count_padding, int64_t fixed) {
    for (int dim = 0; dim < 3; ++dim) {
      for (int64_t i = 0; i < s.out[dim]; ++i) {
        const Span span = window(s, dim, i);
        const int64_t start = i * s.stride[dim] - s.padding[dim];
        const int64_t padded = std::min(start + s.kernel[dim], s.in[dim] + s.padding[dim]) - start;
        const int64_t count = fixed ? (dim == 0 ? fixed : 1) : count_padding ? padded : span.end - span.begin;
        of[dim].push_back(span.end <= span.begin ? T(0) : T(count));
      }
    }
  }
  PoolDivisor<T> divisor() const { return {of[0].data(), of[1].data(), of[2].data()}; }
  std::vector<T> of[3];
};

// f(output, its window along d, h and w) for every output of a plane of adaptive pooling.
template <class F>
void for_each_adaptive(const PoolShape& s, F&& f) {
  std::vector<Span> spans[3];
  for (int dim = 0; dim < 3; ++dim) {
    for (int64_t i = 0; i < s.out[dim]; ++i) spans[dim].push_back(adaptive_window(s, dim, i));
  }
  for_each_plane(s, [&](int64_t plane) {
    int64_t at = plane * volume(s.out);
    for (const Span& d : spans[0]) {
      for (const Span& h : spans[1]) {
        for (const Span& w : spans[2]) f(plane * volume(s.in), at++, d, h, w);
      }
    }
  });
}

// f(offset of a line in the plane) for the lines of an adaptive window.
template <class F>
void for_each_line(const PoolShape& s, const Span& d, const Span& h, F&& f) {
  for (int64_t i = d.begin; i < d.end; ++i) {
    for (int64_t j = h.begin; j < h.end; ++j) f((i * s.in[1] + j) * s.in[2]);
  }
}

int64_t size_of(const Span& d, const Span& h, const Span& w) {
  return (d.end - d.begin) * (h.end - h.begin) * (w.end - w.begin);
}

PoolShape without_dilation(PoolShape s) {
  std::fill_n(s.dilation, 3, int64_t(1));
  return s;
}

}  // namespace

template <class T>
void max_pool(const PoolShape& s, const T* x, T* y, int64_t* indices) {
  const std::vector<PoolPart> parts = column_parts(s);
  std::vector<int64_t> start;
  for (int64_t i = 0; i < s.out[2]; ++i) start.push_back(window(s, 2, i).begin);
  for_each_plane(s, [&](int64_t plane) {
    const Scratch<T> room(2 * (s.out[2] + pool_line_slack));
    const int64_t out = plane * volume(s.out);
    kernels<T>().max(s, parts.data(), start.data(), x + plane * volume(s.in), y + out,
                     indices ? indices + out : nullptr, room.get());
  });
}

template <class T>
void max_pool_backward(int64_t planes, int64_t in_size, int64_t out_size, const T* dy, const int64_t* indices, T* dx) {
  const int64_t grain = std::max<int64_t>(1, 32768 / std::max<int64_t>(1, in_size));
  parallel_for(0, planes, grain, [&](int64_t plane, int64_t last) {
    for (; plane < last; ++plane) {
      T* to = dx + plane * in_size;
      std::fill_n(to, in_size, T(0));
      for (int64_t i = plane * out_size; i < (plane + 1) * out_size; ++i) {
        if (uint64_t(indices[i]) < uint64_t(in_size)) to[indices[i]] += dy[i];
      }
    }
  });
}

template <class T>
void avg_pool(const PoolShape& shape, bool count_include_pad, int64_t divisor_override, const T* x, T* y) {
  const PoolShape s = without_dilation(shape);
  const std::vector<PoolPart> parts = column_parts(s);
  const Factors<T> factors(s, count_include_pad, divisor_override);
  for_each_plane(s, [&](int64_t plane) {
    const Scratch<T> room(2 * (s.out[2] + pool_line_slack));
    kernels<T>().mean(s, parts.data(), factors.divisor(), x + plane * volume(s.in), y + plane * volume(s.out),
                      room.get());
  });
}

template <class T>
void avg_pool_backward(const PoolShape& shape, bool count_include_pad, int64_t divisor_override, const T* dy, T* dx) {
  const PoolShape s = without_dilation(shape);
  const std::vector<PoolPart> parts = column_parts(s);
  const Factors<T> factors(s, count_include_pad, divisor_override);
  for_each_plane(s, [&](int64_t plane) {
    const Scratch<T> room(2 * (s.out[2] + pool_line_slack));
    T* to = dx + plane * volume(s.in);
    std::fill_n(to, volume(s.in), T(0));
    kernels<T>().mean_backward(s, parts.data(), factors.divisor(), dy + plane * volume(s.out), to, room.get());
  });
}

template <class T>
void adaptive_avg_pool(const PoolShape& s, const T* x, T* y) {
  for_each_adaptive(s, [&](int64_t plane, int64_t at, const Span& d, const Span& h, const Span& w) {
    const T* from = x + plane;
    T sum = 0;
    if (size_of(d, h, w) == volume(s.in)) {
      sum = kernels<T>().sum(volume(s.in), from);
    } else {
      for_each_line(s, d, h, [&](int64_t line) {
        for (int64_t i = line + w.begin; i < line + w.end; ++i) sum += from[i];
      });
    }
    y[at] = sum / T(size_of(d, h, w));
  });
}

template <class T>
void adaptive_avg_pool_backward(const PoolShape& s, const T* dy, T* dx) {
  std::fill_n(dx, s.planes * volume(s.in), T(0));
  for_each_adaptive(s, [&](int64_t plane, int64_t at, const Span& d, const Span& h, const Span& w) {
    const T share = dy[at] / T(size_of(d, h, w));
    for_each_line(s, d, h, [&](int64_t line) {
      for (int64_t i = plane + line + w.begin; i < plane + line + w.end; ++i) dx[i] += share;
    });
  });
}

template <class T>
void adaptive_max_pool(const PoolShape& s, const T* x, T* y, int64_t* indices) {
  for_each_adaptive(s, [&](int64_t plane, int64_t at, const Span& d, const Span& h, const Span& w) {
    int64_t place = (d.begin * s.in[1] + h.begin) * s.in[2] + w.begin;
    T best = x[plane + place];
    for_each_line(s, d, h, [&](int64_t line) {
      for (int64_t i = line + w.begin; i < line + w.end; ++i) {
        const T value = x[plane + i];
        const bool better = (value > best) | (value != value);
        best = better ? value : best;
        place = better ? i : place;
      }
    });
    y[at] = best;
    indices[at] = place;
  });
}

#define RL_POOL(T)                                                                             \
  template void max_pool<T>(const PoolShape&, const T*, T*, int64_t*);                         \
  template void max_pool_backward<T>(int64_t, int64_t, int64_t, const T*, const int64_t*, T*); \
  template void adaptive_max_pool<T>(const PoolShape&, const T*, T*, int64_t*);                \
  template void avg_pool<T>(const PoolShape&, bool, int64_t, const T*, T*);                    \
  template void avg_pool_backward<T>(const PoolShape&, bool, int64_t, const T*, T*);           \
  template void adaptive_avg_pool<T>(const PoolShape&, const T*, T*);                          \
  template void adaptive_avg_pool_backward<T>(const PoolShape&, const T*, T*);
RL_POOL(float)
RL_POOL(double)
RL_POOL(int64_t)
#undef RL_POOL

}  // namespace rl::cpu
