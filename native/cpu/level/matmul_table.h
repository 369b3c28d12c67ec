// Inner loops of the matrix products, one table per instruction level.
#pragma once

#include <cstdint>

#include "base/cpu_level.h"

namespace rl {

// A stored matrix: element (i, j) is data[i * row + j * col].
template <class T>
struct MatrixView {
  const T* data;
  int64_t row, col;
};

// What becomes of a product P: C = alpha * P + beta * C + bias.
template <class T>
struct MatmulEnd {
  T alpha, beta;
  const T* bias;  // one value per column, or null
};

template <class T>
struct MatmulKernels {
  int64_t tile_rows, tile_columns;
  // Panels of tile_rows rows (tile_columns columns), k steps each, the last filled up with zeros. pack_a may also
  // overwrite the 16 values behind its result.
  void (*pack_a)(int64_t m, int64_t k, MatrixView<T> a, T* out);
  void (*pack_b)(int64_t k, int64_t n, MatrixView<T> b, T* out);
  // C(m x n) from A with one stride 1, or packed (`a_packed`: a.data holds panels a.row apart), and packed B.
  void (*block)(int64_t m, int64_t n, int64_t k, MatrixView<T> a, bool a_packed, const T* b, T* c, int64_t c_row,
                const MatmulEnd<T>& end);
  // C(m x n) with B of at most small_b values once packed; any strides. For products that cost less than a buffer.
  void (*small)(int64_t m, int64_t n, int64_t k, MatrixView<T> a, MatrixView<T> b, T* c, int64_t c_row,
                const MatmulEnd<T>& end);
  // y[i * y_step] = a[i, :] . x for i < m; rows of A and x contiguous. end.bias steps with `bias_step`.
  void (*dots)(int64_t m, int64_t k, const T* a, int64_t a_row, const T* x, T* y, int64_t y_step,
               const MatmulEnd<T>& end, int64_t bias_step);
  // y[j] = sum over p of x[p * x_step] * b[p, j] for j < n; rows of B and y contiguous.
  void (*combine)(int64_t n, int64_t k, const T* x, int64_t x_step, const T* b, int64_t b_row, T* y,
                  const MatmulEnd<T>& end);
};

constexpr int64_t matmul_small_b = 2048;

struct MatmulTable {
  MatmulKernels<float> f32;
  MatmulKernels<double> f64;
};

RL_LEVEL_TABLE(MatmulTable, matmul_table)

}  // namespace rl
