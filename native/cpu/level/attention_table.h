// Inner loops of attention between its products, one table per instruction level. A tile holds the scores of some
// queries (its rows) and some keys.
#pragma once

#include <cstdint>

#include "base/cpu_level.h"

namespace rl {

// `rows` rows of n values, `row` apart.
template <class T>
struct Tile {
  int64_t rows, n, row;
  T* data;
};

template <class T>
struct AttentionKernels {
  void (*add_mask)(const Tile<T>& scores, const T* mask, int64_t mask_row);
  // -inf where the mask is false.
  void (*hide)(const Tile<T>& scores, const bool* mask, int64_t mask_row);
  // -inf from column first + i on in row i.
  void (*hide_after)(const Tile<T>& scores, int64_t first);
  // Takes more keys into each row's softmax: the scores become exp(score - maximum); maximum and sum, which are those
  // of the keys before (`begins`: there are none), and `output` are brought to the new maximum.
  void (*add_keys)(const Tile<T>& scores, bool begins, T* maximum, T* sum, const Tile<T>& output);
  // output /= sum, and the logarithm of the sum of exponentials takes the place of the maximum. A row without a key
  // that is seen becomes 0, and its logarithm inf, with which all its weights are 0.
  void (*finish)(const Tile<T>& output, T* maximum, const T* sum);
  // The scores become the weights p = exp(score - log_sum), and dp the gradient of the scores, p * (dp - delta).
  void (*backward)(const Tile<T>& scores, T* dp, const T* log_sum, const T* delta);
  // out[i] = a[i] . b[i]
  void (*dots)(const Tile<const T>& a, const T* b, int64_t b_row, T* out);
};

struct AttentionTable {
  AttentionKernels<float> f32;
  AttentionKernels<double> f64;
};

RL_LEVEL_TABLE(AttentionTable, attention_table)

}  // namespace rl
