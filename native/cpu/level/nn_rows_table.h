// Inner loops of softmax and cross entropy, one table per instruction level.
#pragma once

#include <cstdint>

#include "base/cpu_level.h"

namespace rl {

// `lines` softmaxes over n values each. Line i starts at x + i * line, its values are `step` apart. Either the lines
// are contiguous (step == 1), or they lie side by side (line == 1).
struct RowLayout {
  int64_t lines, n, line, step;
};

template <class T>
struct RowKernels {
  void (*softmax)(bool log, const RowLayout& layout, const T* x, T* y);
  void (*softmax_backward)(bool log, const RowLayout& layout, const T* dy, const T* y, T* dx);
  // For each line its maximum and the log of the sum of exp(x - maximum); where `smooth` is not null, also the sum of
  // weight * -log_softmax(x) (weight: n values, or null for ones).
  void (*log_sum_exp)(const RowLayout& layout, const T* x, const T* weight, T* maximum, T* log_sum, T* smooth);
  // dx = scale[line] * softmax(x) - smooth[line] * weight; smooth may be null.
  void (*scaled_softmax)(const RowLayout& layout, const T* x, const T* maximum, const T* log_sum, const T* scale,
                         const T* smooth, const T* weight, T* dx);
};

struct RowTable {
  RowKernels<float> f32;
  RowKernels<double> f64;
};

RL_LEVEL_TABLE(RowTable, nn_row_table)

}  // namespace rl
