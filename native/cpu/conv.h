// Convolution over contiguous (N, C, spatial...) arrays, one to three spatial dimensions.
#pragma once

#include <cstdint>

namespace rl::cpu {

// Fewer than three spatial dimensions fill the arrays from the back; the leading ones keep their defaults (size 1).
// x: (n, c, in...)   w: (k, c / groups, kernel...)   y: (n, k, out...)   bias: (k)
// `out` is given by the caller: conv_out for a convolution; the size of its input for a transposed convolution (whose
// output is this descriptor's `in`).
struct ConvShape {
  int64_t n = 0, c = 0, k = 0, groups = 1;
  int64_t in[3] = {1, 1, 1};
  int64_t kernel[3] = {1, 1, 1};
  int64_t out[3] = {1, 1, 1};
  int64_t stride[3] = {1, 1, 1};
  int64_t padding[3] = {0, 0, 0};
  int64_t dilation[3] = {1, 1, 1};

  bool operator==(const ConvShape&) const = default;
};

// Size of the output along one dimension (0 when the kernel does not fit: the caller reports that).
int64_t conv_out(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation);

// T: float, double, complex numbers of both, forward any integer too, backward by x int64_t. Each writes its whole
// output. `bias` may be null.
template <class T>
void conv_forward(const ConvShape& shape, const T* x, const T* w, const T* bias, T* y);

// Gradient by x; with x and y exchanged, this is the transposed convolution of `dy` (`bias`: c values, or null).
template <class T>
void conv_backward_input(const ConvShape& shape, const T* dy, const T* w, T* dx, const T* bias = nullptr);

template <class T>
void conv_backward_weight(const ConvShape& shape, const T* x, const T* dy, T* dw);

// db[k] = sum of dy over batch and space.
template <class T>
void conv_backward_bias(const ConvShape& shape, const T* dy, T* db);

}  // namespace rl::cpu
