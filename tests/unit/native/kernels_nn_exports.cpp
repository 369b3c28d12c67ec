// Plain C entry points to the kernels, for test_kernels_nn.py.
#include "base/cpu_level.h"
#include "base/parallel.h"
#include "cpu/conv.h"
#include "cpu/matmul.h"
#include "cpu/nn_rows.h"
#include "cpu/onednn/onednn.h"
#include "cpu/pool.h"

using namespace rl;
using namespace rl::cpu;

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT const char* level_name() { return cpu_level_name(cpu_level()); }
EXPORT bool has_onednn() { return onednn::available(); }
EXPORT int get_threads() { return num_threads(); }
EXPORT void set_threads(int count) { set_num_threads(count); }

#define MATMUL(T, suffix)                                                                                           \
  EXPORT void matmul_##suffix(const MatmulShape* s, const T* a, const T* b, T* c, const T* bias, T alpha, T beta) { \
    matmul<T>(*s, a, b, c, bias, alpha, beta);                                                                      \
  }
MATMUL(float, f32)
MATMUL(double, f64)
MATMUL(int64_t, i64)
MATMUL(int8_t, i8)

// Repeats a call, for timing without the cost of ctypes.
EXPORT void repeat_matmul_f32(int64_t times, const MatmulShape* s, const float* a, const float* b, float* c) {
  for (int64_t i = 0; i < times; ++i) matmul<float>(*s, a, b, c);
}
EXPORT void repeat_matmul_f64(int64_t times, const MatmulShape* s, const double* a, const double* b, double* c) {
  for (int64_t i = 0; i < times; ++i) matmul<double>(*s, a, b, c);
}

#define CONV(T, suffix)                                                                                         \
  EXPORT void conv_forward_##suffix(const ConvShape* s, const T* x, const T* w, const T* bias, T* y) {          \
    conv_forward<T>(*s, x, w, bias, y);                                                                         \
  }                                                                                                             \
  EXPORT void conv_backward_input_##suffix(const ConvShape* s, const T* dy, const T* w, T* dx, const T* bias) { \
    conv_backward_input<T>(*s, dy, w, dx, bias);                                                                \
  }                                                                                                             \
  EXPORT void conv_backward_weight_##suffix(const ConvShape* s, const T* x, const T* dy, T* dw) {               \
    conv_backward_weight<T>(*s, x, dy, dw);                                                                     \
  }                                                                                                             \
  EXPORT void conv_backward_bias_##suffix(const ConvShape* s, const T* dy, T* db) { conv_backward_bias<T>(*s, dy, db); }
CONV(float, f32)
CONV(double, f64)
EXPORT int64_t conv_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
  return conv_out(in, kernel, stride, padding, dilation);
}

#define POOL(T, suffix)                                                                                                \
  EXPORT void max_pool_##suffix(const PoolShape* s, const T* x, T* y, int64_t* indices) {                              \
    max_pool<T>(*s, x, y, indices);                                                                                    \
  }                                                                                                                    \
  EXPORT void max_pool_backward_##suffix(int64_t planes, int64_t in, int64_t out, const T* dy, const int64_t* indices, \
                                         T* dx) {                                                                      \
    max_pool_backward<T>(planes, in, out, dy, indices, dx);                                                            \
  }                                                                                                                    \
  EXPORT void avg_pool_##suffix(const PoolShape* s, bool pad, int64_t divisor, const T* x, T* y) {                     \
    avg_pool<T>(*s, pad, divisor, x, y);                                                                               \
  }                                                                                                                    \
  EXPORT void avg_pool_backward_##suffix(const PoolShape* s, bool pad, int64_t divisor, const T* dy, T* dx) {          \
    avg_pool_backward<T>(*s, pad, divisor, dy, dx);                                                                    \
  }                                                                                                                    \
  EXPORT void adaptive_avg_pool_##suffix(const PoolShape* s, const T* x, T* y) { adaptive_avg_pool<T>(*s, x, y); }     \
  EXPORT void adaptive_avg_pool_backward_##suffix(const PoolShape* s, const T* dy, T* dx) {                            \
    adaptive_avg_pool_backward<T>(*s, dy, dx);                                                                         \
  }                                                                                                                    \
  EXPORT void adaptive_max_pool_##suffix(const PoolShape* s, const T* x, T* y, int64_t* indices) {                     \
    adaptive_max_pool<T>(*s, x, y, indices);                                                                           \
  }
POOL(float, f32)
POOL(double, f64)
EXPORT int64_t pool_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                         bool ceil_mode) {
  return pool_out(in, kernel, stride, padding, dilation, ceil_mode);
}

#define ROWS(T, suffix)                                                                                              \
  EXPORT void softmax_##suffix(bool log, int64_t outer, int64_t n, int64_t inner, const T* x, T* y) {                \
    softmax<T>(log, outer, n, inner, x, y);                                                                          \
  }                                                                                                                  \
  EXPORT void softmax_backward_##suffix(bool log, int64_t outer, int64_t n, int64_t inner, const T* dy, const T* y,  \
                                        T* dx) {                                                                     \
    softmax_backward<T>(log, outer, n, inner, dy, y, dx);                                                            \
  }                                                                                                                  \
  EXPORT int64_t nll_loss_##suffix(const LossShape* s, const T* x, const int64_t* target, const T* weight, T* loss,  \
                                   T* total) {                                                                       \
    return nll_loss<T>(*s, x, target, weight, loss, total);                                                          \
  }                                                                                                                  \
  EXPORT void nll_loss_backward_##suffix(const LossShape* s, const T* dloss, const int64_t* target, const T* weight, \
                                         T total, T* dx) {                                                           \
    nll_loss_backward<T>(*s, dloss, target, weight, total, dx);                                                      \
  }                                                                                                                  \
  EXPORT int64_t cross_entropy_##suffix(const LossShape* s, T smoothing, const T* x, const int64_t* target,          \
                                        const T* weight, T* loss, T* total, T* saved) {                              \
    return cross_entropy<T>(*s, smoothing, x, target, weight, loss, total, saved);                                   \
  }                                                                                                                  \
  EXPORT void cross_entropy_backward_##suffix(const LossShape* s, T smoothing, const T* dloss, const T* x,           \
                                              const int64_t* target, const T* weight, T total, const T* saved,       \
                                              T* dx) {                                                               \
    cross_entropy_backward<T>(*s, smoothing, dloss, x, target, weight, total, saved, dx);                            \
  }
ROWS(float, f32)
ROWS(double, f64)
