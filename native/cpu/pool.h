// Pooling over contiguous (planes, spatial...) arrays, one to three spatial dimensions; planes = N * C.
#pragma once

#include <cstdint>

namespace rl::cpu {

// Fewer than three spatial dimensions fill the arrays from the back; the leading ones keep their defaults (size 1).
struct PoolShape {
  int64_t planes = 0;
  int64_t in[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1};
  int64_t out[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1};
  int64_t padding[3] = {0, 0, 0};
  int64_t dilation[3] = {1, 1, 1};  // max pooling only
};

// Size of the output along one dimension. With ceil_mode the last window must start inside the input or its left
// padding.
int64_t pool_out(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation, bool ceil_mode);

// y, indices: (planes, out...). An index is the flat position inside the input plane. Of equal values the first in
// memory wins; a NaN wins over all, and the last NaN of a window wins. T: float, double, int64_t. `indices` may be
// null.
template <class T>
void max_pool(const PoolShape& shape, const T* x, T* y, int64_t* indices);

// dx: (planes, in_size) = dy: (planes, out_size) added at `indices`. Also unpooling and adaptive max pooling's
// gradient.
template <class T>
void max_pool_backward(int64_t planes, int64_t in_size, int64_t out_size, const T* dy, const int64_t* indices, T* dx);

// divisor_override: 0 for none.
template <class T>
void avg_pool(const PoolShape& shape, bool count_include_pad, int64_t divisor_override, const T* x, T* y);
template <class T>
void avg_pool_backward(const PoolShape& shape, bool count_include_pad, int64_t divisor_override, const T* dy, T* dx);

// Adaptive pooling uses `planes`, `in` and `out` only.
template <class T>
void adaptive_avg_pool(const PoolShape& shape, const T* x, T* y);
template <class T>
void adaptive_avg_pool_backward(const PoolShape& shape, const T* dy, T* dx);
template <class T>
void adaptive_max_pool(const PoolShape& shape, const T* x, T* y, int64_t* indices);

}  // namespace rl::cpu
