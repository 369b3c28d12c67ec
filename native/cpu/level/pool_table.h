// Inner loops of pooling over windows, one plane (three spatial dimensions) at a time; one table per instruction level.
#pragma once

#include <cstdint>

#include "base/cpu_level.h"
#include "cpu/pool.h"

namespace rl {

// The outputs [first, last) of a line whose windows see the input at one place of the window; `column` is the input
// column that output `first` sees.
struct PoolPart {
  int64_t first, last, column;
};

// What a window's sum is divided by is depth[d] * height[h] * width[w]; 0 where it sees no input.
template <class T>
struct PoolDivisor {
  const T *depth, *height, *width;
};

template <class T>
struct PoolKernels {
  // `parts`: one for each column of the window; `start`: each output's first input column. `room` holds two lines of
  // outputs, each with pool_line_slack. Positions in a plane must fit the integer of T's size. `indices` may be null.
  void (*max)(const cpu::PoolShape& shape, const PoolPart* parts, const int64_t* start, const T* x, T* y,
              int64_t* indices, T* room);
  void (*mean)(const cpu::PoolShape& shape, const PoolPart* parts, const PoolDivisor<T>& divisor, const T* x, T* y,
               T* room);
  void (*mean_backward)(const cpu::PoolShape& shape, const PoolPart* parts, const PoolDivisor<T>& divisor, const T* dy,
                        T* dx, T* room);
  // Sum of contiguous values.
  T (*sum)(int64_t count, const T* x);
};

// Values behind a line of outputs in working memory: whole vectors are read and written from every output on.
constexpr int64_t pool_line_slack = 64;

struct PoolTable {
  PoolKernels<float> f32;
  PoolKernels<double> f64;
  PoolKernels<int64_t> i64;
};

RL_LEVEL_TABLE(PoolTable, pool_table)

}  // namespace rl
