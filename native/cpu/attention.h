// Attention: softmax(q @ k^T * scale + mask) @ v, without ever holding all scores. T: float, double. No result depends
// on the number of threads. No size may be 0.
#pragma once

#include <cstdint>

namespace rl::cpu {

// Each of kv_heads heads of keys and values serves heads / kv_heads heads of queries, one after the other.
struct AttentionShape {
  int64_t batch, heads, kv_heads, queries, keys, width, value_width;
  bool causal;  // query i sees the keys 0 to i
  double scale;
};

// (batch, head, row, n) with contiguous rows of n values.
template <class T>
struct Heads {
  T* data = nullptr;
  int64_t batch = 0, head = 0, row = 0;
  T* at(int64_t b, int64_t h, int64_t i) const { return data + b * batch + h * head + i * row; }
};

// (batch, head, query, key): one of both, or none.
template <class T>
struct AttentionMask {
  Heads<const T> added;
  Heads<const bool> seen;
};

// log_sum: (batch, heads, queries), for the backward pass.
template <class T>
void attention(const AttentionShape& shape, const Heads<const T>& q, const Heads<const T>& k, const Heads<const T>& v,
               const AttentionMask<T>& mask, const Heads<T>& out, T* log_sum);

// dq, dk and dv are written; dq may have no data, and so may dk and dv.
template <class T>
void attention_backward(const AttentionShape& shape, const Heads<const T>& dout, const Heads<const T>& q,
                        const Heads<const T>& k, const Heads<const T>& v, const AttentionMask<T>& mask,
                        const Heads<const T>& out, const T* log_sum, const Heads<T>& dq, const Heads<T>& dk,
                        const Heads<T>& dv);

}  // namespace rl::cpu
