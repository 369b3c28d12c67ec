// All that the library uses of oneDNN. The shared library is opened on first use; without it `available()` is false.
#pragma once

#include <cstdint>

#include "cpu/conv.h"

namespace rl::cpu::onednn {

// Found through RUSHLIGHT_ONEDNN (a path, or `off`), else as lib/libdnnl.so.3 next to this binary. False when it was
// not found, cannot be loaded, or the build had no headers of it.
bool available();

// Row-major C(m x n) = alpha * A @ B + beta * C; a transposed operand is stored k x m or n x k. False: not done.
bool sgemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
           int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc);

// Convolutions in float32 as in conv.h. False: not supported by oneDNN for this shape, and nothing was written.
bool conv_forward(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y);
bool conv_backward_input(const ConvShape& shape, const float* dy, const float* w, float* dx);
bool conv_backward_weight(const ConvShape& shape, const float* x, const float* dy, float* dw);

}  // namespace rl::cpu::onednn
