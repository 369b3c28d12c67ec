// Inner loops of the normalisations, one table per instruction level.
#pragma once

#include <cstdint>

#include "base/cpu_level.h"

namespace rl {

// `channels` neighbouring channels. The values of one are `runs` stretches of n neighbours, `run` apart; the next
// channel's start n further on. With n == 1 channels lie side by side.
struct ChannelLayout {
  int64_t channels, runs, run, n;
  int64_t count() const { return runs * n; }
};

template <class T>
struct NormKernels {
  // For each of `rows` rows of n values: rstd = 1 / sqrt(mean((x - mean)^2) + eps), y = (x - mean) * rstd * weight +
  // bias. Without `mean` 0 stands in its place; weight and bias may be null, too.
  void (*rows)(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* rstd);
  // The gradients of it: dx is written, dweight and dbias are added to; each may be null.
  void (*rows_backward)(int64_t rows, int64_t n, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd,
                        T* dx, T* dweight, T* dbias);
  // For each channel its mean and the sum of (x - mean)^2.
  void (*moments)(const ChannelLayout& layout, const T* x, double* mean, double* squares);
  // For each channel the sums of dy and of dy * (x - mean).
  void (*sums)(const ChannelLayout& layout, const T* dy, const T* x, const T* mean, double* sum, double* dot);
  // y = (x - mean) * scale + shift, with one value of each for a channel.
  void (*scale)(const ChannelLayout& layout, const T* x, const T* mean, const T* scale, const T* shift, T* y);
  // dx = dy * scale + (x - mean) * slope + shift.
  void (*combine)(const ChannelLayout& layout, const T* dy, const T* x, const T* mean, const T* scale, const T* slope,
                  const T* shift, T* dx);
};

struct NormTable {
  NormKernels<float> f32;
  NormKernels<double> f64;
};

RL_LEVEL_TABLE(NormTable, norm_table)

}  // namespace rl
