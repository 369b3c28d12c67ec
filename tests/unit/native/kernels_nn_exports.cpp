// Plain C entry points to the kernels, for test_kernels_nn.py.
#include "base/cpu_level.h"
#include "base/parallel.h"
#include "cpu/attention.h"
#include "cpu/conv.h"
#include "cpu/matmul.h"
#include "cpu/nn_rows.h"
#include "cpu/norm.h"
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

#define NORM(T, suffix)                                                                                                \
  EXPORT void norm_rows_##suffix(int64_t rows, int64_t n, const T* x, const T* w, const T* b, T eps, T* y, T* mean,    \
                                 T* rstd) {                                                                            \
    norm_rows<T>(rows, n, x, w, b, eps, y, mean, rstd);                                                                \
  }                                                                                                                    \
  EXPORT void norm_rows_backward_##suffix(int64_t rows, int64_t n, const T* dy, const T* x, const T* w, const T* mean, \
                                          const T* rstd, T* dx, T* dw, T* db) {                                        \
    norm_rows_backward<T>(rows, n, dy, x, w, mean, rstd, dx, dw, db);                                                  \
  }                                                                                                                    \
  EXPORT void channel_moments_##suffix(const ChannelShape* s, const T* x, double* mean, double* variance) {            \
    channel_moments<T>(*s, x, mean, variance);                                                                         \
  }                                                                                                                    \
  EXPORT void channel_sums_##suffix(const ChannelShape* s, const T* dy, const T* x, const T* mean, double* sum,        \
                                    double* dot) {                                                                     \
    channel_sums<T>(*s, dy, x, mean, sum, dot);                                                                        \
  }                                                                                                                    \
  EXPORT void channel_combine_##suffix(const ChannelShape* s, const T* dy, const T* x, const T* mean, const T* scale,  \
                                       const T* slope, const T* shift, T* dx) {                                        \
    channel_combine<T>(*s, dy, x, mean, scale, slope, shift, dx);                                                      \
  }                                                                                                                    \
  EXPORT void channel_scale_##suffix(const ChannelShape* s, const T* x, const T* mean, const T* scale, const T* shift, \
                                     T* y) {                                                                           \
    channel_scale<T>(*s, x, mean, scale, shift, y);                                                                    \
  }
NORM(float, f32)
NORM(double, f64)

// Contiguous (batch, heads, rows, width); `seen` is (queries, keys) or null.
template <class T>
Heads<T> dense(T* data, int64_t heads, int64_t rows, int64_t width) {
  return {data, heads * rows * width, rows * width, width};
}
#define ATTENTION(T, suffix)                                                                                          \
  EXPORT void attention_##suffix(const int64_t* n, T scale, const T* q, const T* k, const T* v, const bool* seen,     \
                                 T* out, T* log_sum) {                                                                \
    const AttentionShape s = {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7] != 0, scale};                            \
    attention<T>(s, dense(q, s.heads, s.queries, s.width), dense(k, s.kv_heads, s.keys, s.width),                     \
                 dense(v, s.kv_heads, s.keys, s.value_width), {{}, {seen, 0, 0, s.keys}},                             \
                 dense(out, s.heads, s.queries, s.value_width), log_sum);                                             \
  }                                                                                                                   \
  EXPORT void attention_backward_##suffix(const int64_t* n, T scale, const T* dout, const T* q, const T* k,           \
                                          const T* v, const bool* seen, const T* out, const T* log_sum, T* dq, T* dk, \
                                          T* dv) {                                                                    \
    const AttentionShape s = {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7] != 0, scale};                            \
    attention_backward<T>(s, dense(dout, s.heads, s.queries, s.value_width), dense(q, s.heads, s.queries, s.width),   \
                          dense(k, s.kv_heads, s.keys, s.width), dense(v, s.kv_heads, s.keys, s.value_width),         \
                          {{}, {seen, 0, 0, s.keys}}, dense(out, s.heads, s.queries, s.value_width), log_sum,         \
                          dense(dq, s.heads, s.queries, s.width), dense(dk, s.kv_heads, s.keys, s.width),             \
                          dense(dv, s.kv_heads, s.keys, s.value_width));                                              \
  }
ATTENTION(float, f32)
ATTENTION(double, f64)
