// A convolution's windows as a matrix: row (c, kd, kh, kw), column = output position; and the way back.
#pragma once

#include <algorithm>
#include <cstring>

#include "cpu/conv.h"

namespace rl::cpu {

// Visits output rows [first, last) (a row: one line of the last dimension) for one window offset: f(from, j0, j1),
// where columns [j0, j1) of the row see the input, from offset `from` of a channel on, and the others see padding.
template <class F>
void for_each_row(const ConvShape& s, int64_t kd, int64_t kh, int64_t kw, int64_t first, int64_t last, F&& f) {
  const int64_t start = kw * s.dilation[2] - s.padding[2], step = s.stride[2];
  const int64_t j0 = std::clamp<int64_t>(start < 0 ? (-start + step - 1) / step : 0, 0, s.out[2]);
  const int64_t j1 = start < s.in[2] ? std::clamp<int64_t>((s.in[2] - 1 - start) / step + 1, j0, s.out[2]) : j0;
  for (int64_t row = first; row < last; ++row) {
    const int64_t d = row / s.out[1] * s.stride[0] - s.padding[0] + kd * s.dilation[0];
    const int64_t h = row % s.out[1] * s.stride[1] - s.padding[1] + kh * s.dilation[1];
    const bool inside = d >= 0 && d < s.in[0] && h >= 0 && h < s.in[1];
    f(inside ? (d * s.in[1] + h) * s.in[2] + start + j0 * step : 0, j0, inside ? j1 : j0);
  }
}

inline int64_t volume(const int64_t (&size)[3]) { return size[0] * size[1] * size[2]; }

// Calls f(kd, kh, kw) for every offset of the window, in memory order of the weights.
template <class F>
void for_each_offset(const ConvShape& s, F&& f) {
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd) {
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) f(kd, kh, kw);
    }
  }
}

// x: `channels` planes of the input. columns: (channels * kernel volume) x ((last - first) * out[2]).
template <class T>
void im2col(const ConvShape& s, int64_t channels, const T* x, int64_t first, int64_t last, T* columns) {
  const int64_t width = s.out[2], step = s.stride[2];
  for (int64_t c = 0; c < channels; ++c, x += volume(s.in)) {
    for_each_offset(s, [&](int64_t kd, int64_t kh, int64_t kw) {
      for_each_row(s, kd, kh, kw, first, last, [&](int64_t from, int64_t j0, int64_t j1) {
        std::fill(columns, columns + j0, T(0));
        if (step == 1) {
          std::memcpy(columns + j0, x + from, (j1 - j0) * sizeof(T));
        } else {
          for (int64_t j = j0; j < j1; ++j) columns[j] = x[from + (j - j0) * step];
        }
        std::fill(columns + j1, columns + width, T(0));
        columns += width;
      });
    });
  }
}

// Adds the columns back into the planes x that im2col took them from.
template <class T>
void col2im(const ConvShape& s, int64_t channels, const T* columns, int64_t first, int64_t last, T* x) {
  const int64_t width = s.out[2], step = s.stride[2];
  for (int64_t c = 0; c < channels; ++c, x += volume(s.in)) {
    for_each_offset(s, [&](int64_t kd, int64_t kh, int64_t kw) {
      for_each_row(s, kd, kh, kw, first, last, [&](int64_t to, int64_t j0, int64_t j1) {
        for (int64_t j = j0; j < j1; ++j) x[to + (j - j0) * step] += columns[j];
        columns += width;
      });
    });
  }
}

}  // namespace rl::cpu
