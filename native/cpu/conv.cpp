// Convolution as matrix products over windows laid out as columns; float32 goes to oneDNN where that is faster.
#include "cpu/conv.h"

#include <algorithm>
#include <type_traits>

#include "base/complex.h"
#include "base/parallel.h"
#include "cpu/im2col.h"
#include "cpu/level/pool_table.h"
#include "cpu/matmul.h"
#include "cpu/onednn/onednn.h"
#include "cpu/scratch.h"

namespace rl::cpu {

int64_t conv_out(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  const int64_t room = in + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

namespace {

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The sizes of the matrix product of one sample and group: W (k x rows) @ columns (rows x places) = y (k x places).
struct Group {
  explicit Group(const ConvShape& s)
      : channels(s.c / s.groups),
        k(s.k / s.groups),
        rows(channels * volume(s.kernel)),
        places(volume(s.out)),
        lines(s.out[0] * s.out[1]),
        in(volume(s.in)),
        pointwise(volume(s.kernel) == 1 && std::equal(s.in, s.in + 3, s.out) &&
                  s.padding[0] + s.padding[1] + s.padding[2] == 0 && s.stride[0] * s.stride[1] * s.stride[2] == 1) {
    // As many lines of the output at a time as let their columns stay in the second-level cache, but no slivers.
    constexpr int64_t values = 64 * 1024, least_width = 128;
    const int64_t fit = std::max(values / (rows * s.out[2]), divide_up(least_width, s.out[2]));
    lines_at_once = std::clamp<int64_t>(fit, 1, lines);
  }
  // The columns of output lines [first, last): made in `room`, or those of the input itself.
  template <class T>
  const T* columns(const ConvShape& s, const T* planes, int64_t first, int64_t last, T* room) const {
    if (pointwise) return planes + first * s.out[2];
    im2col(s, channels, planes, first, last, room);
    return room;
  }
  // Tasks of `places` outputs each for which one thread is enough.
  int64_t grain(int64_t task_places) const {
    constexpr int64_t parallel_work = int64_t(1) << 18;
    return std::max<int64_t>(1, parallel_work / std::max<int64_t>(1, (k + 8) * rows * task_places));
  }
  int64_t channels, k, rows, places, lines, in;
  bool pointwise;  // the input already is the matrix of columns
  int64_t lines_at_once;
};

MatmulShape product(int64_t m, int64_t n, int64_t k, int64_t a_row, int64_t a_col, int64_t b_row, int64_t b_col,
                    int64_t c_row) {
  MatmulShape shape;
  shape.m = m, shape.n = n, shape.k = k, shape.a_row = a_row, shape.a_col = a_col, shape.b_row = b_row,
  shape.b_col = b_col;
  shape.c_row = c_row;
  return shape;
}

bool is_empty(const ConvShape& s) {
  return s.n == 0 || s.c == 0 || s.k == 0 || volume(s.in) == 0 || volume(s.out) == 0;
}

// y[plane] = bias[plane % channels], or zero.
template <class T>
void fill_planes(int64_t planes, int64_t channels, int64_t size, const T* bias, T* y) {
  parallel_for(0, planes, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, size)), [&](int64_t p, int64_t last) {
    for (; p < last; ++p) std::fill(y + p * size, y + (p + 1) * size, bias ? bias[p % channels] : T(0));
  });
}

template <class T>
void forward_by_columns(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  const Group g(s);
  const int64_t parts = divide_up(g.lines, g.lines_at_once);
  parallel_for(0, s.n * s.groups * parts, g.grain(g.lines_at_once * s.out[2]), [&](int64_t task, int64_t end) {
    const Scratch<T> room(g.pointwise ? 0 : g.rows * g.lines_at_once * s.out[2]);
    for (; task < end; ++task) {
      const int64_t sample_group = task / parts, group = sample_group % s.groups;
      const int64_t first = task % parts * g.lines_at_once, last = std::min(g.lines, first + g.lines_at_once);
      const int64_t width = (last - first) * s.out[2];
      const T* planes = x + sample_group * g.channels * g.in;
      T* out = y + sample_group * g.k * g.places + first * s.out[2];
      for (int64_t k = 0; bias && k < g.k; ++k) std::fill_n(out + k * g.places, width, bias[group * g.k + k]);
      const T* columns = g.columns(s, planes, first, last, room.get());
      matmul<T>(product(g.k, width, g.rows, g.rows, 1, g.pointwise ? g.places : width, 1, g.places),
                w + group * g.k * g.rows, columns, out, nullptr, T(1), T(bias != nullptr));
    }
  });
}

template <class T>
void backward_input_by_columns(const ConvShape& s, const T* dy, const T* w, T* dx) {
  const Group g(s);
  if (!g.pointwise) fill_planes<T>(s.n * s.c, s.c, g.in, nullptr, dx);
  parallel_for(0, s.n * s.groups, g.grain(g.places), [&](int64_t task, int64_t end) {
    const Scratch<T> room(g.pointwise ? 0 : g.rows * g.lines_at_once * s.out[2]);
    for (; task < end; ++task) {
      const T* weight = w + task % s.groups * g.k * g.rows;
      T* planes = dx + task * g.channels * g.in;
      for (int64_t first = 0; first < g.lines; first += g.lines_at_once) {
        const int64_t last = std::min(g.lines, first + g.lines_at_once), width = (last - first) * s.out[2];
        matmul<T>(product(g.rows, width, g.k, 1, g.rows, g.places, 1, g.pointwise ? g.places : width), weight,
                  dy + task * g.k * g.places + first * s.out[2], g.pointwise ? planes + first * s.out[2] : room.get());
        if (g.pointwise) continue;
        const int64_t channel_columns = g.rows / g.channels * width;
        parallel_for(0, g.channels, divide_up(65536, channel_columns), [&](int64_t c, int64_t c_end) {
          col2im(s, c_end - c, room.get() + c * channel_columns, first, last, planes + c * g.in);
        });
      }
    }
  });
}

// The samples are dealt to a number of parts that depends on the shape alone; their sums are added in order.
template <class T>
void backward_weight_by_columns(const ConvShape& s, const T* x, const T* dy, T* dw) {
  const Group g(s);
  const int64_t size = s.k * g.rows;
  const int64_t parts = std::clamp<int64_t>((int64_t(1) << 22) / size, 1, std::min<int64_t>(s.n, 8));
  Scratch<T> sums((parts - 1) * size);
  parallel_for(0, parts * s.groups, g.grain(g.places * divide_up(s.n, parts)), [&](int64_t task, int64_t end) {
    const Scratch<T> room(g.pointwise ? 0 : g.rows * g.lines_at_once * s.out[2]);
    for (; task < end; ++task) {
      const int64_t part = task / s.groups, group = task % s.groups;
      T* sum = (part == 0 ? dw : sums.get() + (part - 1) * size) + group * g.k * g.rows;
      const int64_t begin = s.n * part / parts, stop = s.n * (part + 1) / parts;
      for (int64_t sample = begin; sample < stop; ++sample) {
        const T* planes = x + (sample * s.groups + group) * g.channels * g.in;
        const T* gradient = dy + (sample * s.groups + group) * g.k * g.places;
        for (int64_t first = 0; first < g.lines; first += g.lines_at_once) {
          const int64_t last = std::min(g.lines, first + g.lines_at_once), width = (last - first) * s.out[2];
          const T* columns = g.columns(s, planes, first, last, room.get());
          matmul<T>(product(g.k, g.rows, width, g.places, 1, 1, g.pointwise ? g.places : width, g.rows),
                    gradient + first * s.out[2], columns, sum, nullptr, T(1), T(sample > begin || first > 0));
        }
      }
    }
  });
  parallel_for(0, size, 16384, [&](int64_t i, int64_t end) {
    for (int64_t part = 1; part < parts; ++part) {
      const T* sum = sums.get() + (part - 1) * size;
      for (int64_t j = i; j < end; ++j) dw[j] = static_cast<T>(dw[j] + sum[j]);
    }
  });
}

}  // namespace

// Measured (ratios of columns to oneDNN): 1x1 windows 0.7-0.9, since no columns need to be made and reorders are
// spared; the gradient of an input of at most three channels 0.2-0.4, since oneDNN computes channels by the sixteen.
// Else 1.2-3.
bool prefers_columns(const ConvShape& s) { return s.groups == 1 && volume(s.kernel) == 1; }
bool input_prefers_columns(const ConvShape& s) { return prefers_columns(s) || (s.groups == 1 && s.c < 4); }

template <class T>
void conv_forward(const ConvShape& s, const T* x, const T* w, const T* bias, T* y) {
  if (is_empty(s)) return fill_planes(s.n * s.k, s.k, volume(s.out), bias, y);
  if constexpr (std::is_same_v<T, float>) {
    if (!prefers_columns(s) && onednn::conv_forward(s, x, w, bias, y)) return;
  }
  forward_by_columns(s, x, w, bias, y);
}

template <class T>
void conv_backward_input(const ConvShape& s, const T* dy, const T* w, T* dx, const T* bias) {
  const auto input_gradient = [&] {
    if (is_empty(s)) return fill_planes<T>(s.n * s.c, s.c, volume(s.in), nullptr, dx);
    if constexpr (std::is_same_v<T, float>) {
      if (!input_prefers_columns(s) && onednn::conv_backward_input(s, dy, w, dx)) return;
    }
    backward_input_by_columns(s, dy, w, dx);
  };
  input_gradient();
  if (!bias) return;
  const int64_t size = volume(s.in);
  parallel_for(0, s.n * s.c, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, size)), [&](int64_t p, int64_t last) {
    for (; p < last; ++p) {
      for (int64_t i = 0; i < size; ++i) dx[p * size + i] += bias[p % s.c];
    }
  });
}

template <class T>
void conv_backward_weight(const ConvShape& s, const T* x, const T* dy, T* dw) {
  if (is_empty(s)) return std::fill(dw, dw + s.k * (s.c / s.groups) * volume(s.kernel), T(0));
  if constexpr (std::is_same_v<T, float>) {
    if (!prefers_columns(s) && onednn::conv_backward_weight(s, x, dy, dw)) return;
  }
  backward_weight_by_columns(s, x, dy, dw);
}

template <class T>
void conv_backward_bias(const ConvShape& s, const T* dy, T* db) {
  const auto sum_of = [] {
    if constexpr (std::is_same_v<T, float>) {
      return picked_pool_table().f32.sum;
    } else {
      return picked_pool_table().f64.sum;
    }
  }();
  const int64_t size = volume(s.out);
  parallel_for(0, s.k, std::max<int64_t>(1, 32768 / std::max<int64_t>(1, s.n * size)), [&](int64_t k, int64_t last) {
    for (; k < last; ++k) {
      double sum = 0;
      for (int64_t sample = 0; sample < s.n; ++sample) sum += double(sum_of(size, dy + (sample * s.k + k) * size));
      db[k] = T(sum);
    }
  });
}

#define RL_CONV_FORWARD(T) template void conv_forward<T>(const ConvShape&, const T*, const T*, const T*, T*);
#define RL_CONV_BACKWARD_INPUT(T) \
  template void conv_backward_input<T>(const ConvShape&, const T*, const T*, T*, const T*);
#define RL_CONV(T)          \
  RL_CONV_FORWARD(T)        \
  RL_CONV_BACKWARD_INPUT(T) \
  template void conv_backward_weight<T>(const ConvShape&, const T*, const T*, T*);
RL_CONV(float)
RL_CONV(double)
RL_CONV(Complex<float>)
RL_CONV(Complex<double>)
RL_CONV_FORWARD(int8_t)
RL_CONV_FORWARD(uint8_t)
RL_CONV_FORWARD(int16_t)
RL_CONV_FORWARD(int32_t)
RL_CONV_FORWARD(int64_t)
RL_CONV_BACKWARD_INPUT(int64_t)
#undef RL_CONV
#undef RL_CONV_BACKWARD_INPUT
#undef RL_CONV_FORWARD

template void conv_backward_bias<float>(const ConvShape&, const float*, float*);
template void conv_backward_bias<double>(const ConvShape&, const double*, double*);

}  // namespace rl::cpu
