// Matrix products over plain pointers.
#pragma once

#include <cstdint>

namespace rl::cpu {

// C[b] = alpha * A[b] @ B[b] + beta * C[b] + bias, for b in [0, batch): A is m x k, B is k x n, C is m x n.
// Strides count elements. A and B may have any strides (0 included: broadcast); the rows of C are contiguous, `c_row`
// apart, and C overlaps neither A, B nor bias. A batch stride of 0 reuses one matrix.
struct MatmulShape {
  int64_t batch = 1;
  int64_t m = 0, n = 0, k = 0;
  int64_t a_batch = 0, a_row = 0, a_col = 1;
  int64_t b_batch = 0, b_row = 0, b_col = 1;
  int64_t c_batch = 0, c_row = 0;
};

// `bias` is n contiguous values added to every row, or null. beta == 0 does not read C. k == 0 gives beta * C + bias.
// T: float, double, Complex of both, int8_t, uint8_t, int16_t, int32_t, int64_t (integers wrap around).
// Results do not depend on the number of threads (oneDNN's float product excepted: it may split k over threads).
template <class T>
void matmul(const MatmulShape& shape, const T* a, const T* b, T* c, const T* bias = nullptr, T alpha = T(1),
            T beta = T(0));

// One row-major product: C(m x n) = A(m x k) @ B(k x n), or with A, B stored transposed.
template <class T>
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const T* a, const T* b, T* c,
          bool accumulate = false);

// B (k x n) stored for products with several A, in packed_values<T>(k, n) values.
template <class T>
int64_t packed_values(int64_t k, int64_t n);
template <class T>
void pack(int64_t k, int64_t n, const T* b, int64_t b_row, int64_t b_col, T* packed);
// C(m x n) = alpha * A @ B + beta * C on the caller's thread, with a packed B; A has one stride 1.
template <class T>
void matmul_packed(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* packed, T* c,
                   int64_t c_row, T alpha = T(1), T beta = T(0));
// The height of C that fits its inner loops.
template <class T>
int64_t matmul_rows();

}  // namespace rl::cpu
