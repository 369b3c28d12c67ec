// Deals the lines of an (outer, n, inner) array to the threads, in the layouts that the row kernels take.
#pragma once

#include <algorithm>

#include "base/parallel.h"
#include "cpu/level/nn_rows_table.h"

namespace rl::cpu {

template <class T>
const RowKernels<T>& row_kernels() {
  const RowTable& table = picked_nn_row_table();
  if constexpr (sizeof(T) == sizeof(float)) {
    return table.f32;
  } else {
    return table.f64;
  }
}

// f(layout, offset of its values, number of its first line), lines counted through (outer, inner).
template <class F>
void for_each_row_block(int64_t outer, int64_t n, int64_t inner, F&& f) {
  constexpr int64_t work = 8192;
  if (outer * n * inner == 0) return;
  if (inner == 1) {
    parallel_for(0, outer, std::max<int64_t>(1, work / n),
                 [&](int64_t i, int64_t last) { f(RowLayout{last - i, n, n, 1}, i * n, i); });
    return;
  }
  // Side by side: strips of the inner dimension, whole cache lines wide.
  const int64_t strip = std::clamp<int64_t>(work / n / 64 * 64, 64, 1024), strips = (inner + strip - 1) / strip;
  parallel_for(0, outer * strips, std::max<int64_t>(1, work / (n * std::min(strip, inner))),
               [&](int64_t task, int64_t last) {
                 for (; task < last; ++task) {
                   const int64_t first = task % strips * strip, o = task / strips;
                   f(RowLayout{std::min(strip, inner - first), n, 1, inner}, o * n * inner + first, o * inner + first);
                 }
               });
}

}  // namespace rl::cpu
