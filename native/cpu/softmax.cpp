#include <algorithm>

#include "base/parallel.h"
#include "cpu/level/nn_rows_table.h"
#include "cpu/nn_rows.h"
#include "cpu/row_layout.h"

namespace rl::cpu {

template <class T>
void softmax(bool log, int64_t outer, int64_t n, int64_t inner, const T* x, T* y) {
  for_each_row_block(outer, n, inner, [&](const RowLayout& layout, int64_t at, int64_t) {
    row_kernels<T>().softmax(log, layout, x + at, y + at);
  });
}

template <class T>
void softmax_backward(bool log, int64_t outer, int64_t n, int64_t inner, const T* dy, const T* y, T* dx) {
  for_each_row_block(outer, n, inner, [&](const RowLayout& layout, int64_t at, int64_t) {
    row_kernels<T>().softmax_backward(log, layout, dy + at, y + at, dx + at);
  });
}

#define RL_SOFTMAX(T)                                                      \
  template void softmax<T>(bool, int64_t, int64_t, int64_t, const T*, T*); \
  template void softmax_backward<T>(bool, int64_t, int64_t, int64_t, const T*, const T*, T*);
RL_SOFTMAX(float)
RL_SOFTMAX(double)
#undef RL_SOFTMAX

}  // namespace rl::cpu
