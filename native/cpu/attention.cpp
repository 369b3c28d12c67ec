#include "cpu/attention.h"

#include <algorithm>

#include "base/parallel.h"
#include "cpu/level/attention_table.h"
#include "cpu/matmul.h"
#include "cpu/scratch.h"

namespace rl::cpu {
namespace {

// A block of queries and a block of keys make a tile of scores that stays in the second-level cache. Short blocks of
// keys let a causal mask skip more; long ones need fewer passes over the result, 0.94x of the time.
int64_t key_block(const AttentionShape& s) { return s.causal ? 128 : 384; }
int64_t query_block(const AttentionShape& s) { return s.causal ? 112 : 56; }
// So many queries are not worth that keys and values are packed for them.
constexpr int64_t few_queries = 4;

template <class T>
const AttentionKernels<T>& kernels() {
  const AttentionTable& table = picked_attention_table();
  if constexpr (sizeof(T) == sizeof(float)) {
    return table.f32;
  } else {
    return table.f64;
  }
}

template <class T>
int64_t query_rows(const AttentionShape& s) {
  return query_block(s) / matmul_rows<T>() * matmul_rows<T>();
}

// The scores of `rows` queries from i and of n keys from j.
template <class T>
struct Place {
  int64_t b, h, i, j, rows, n;
};

template <class T>
bool hidden(const AttentionShape& s, const Place<T>& at) {
  return s.causal && at.j > at.i + at.rows - 1;
}

template <class T>
void apply_mask(const AttentionShape& s, const AttentionMask<T>& mask, const Place<T>& at, T* scores) {
  const Tile<T> tile = {at.rows, at.n, key_block(s), scores};
  if (mask.added.data) kernels<T>().add_mask(tile, mask.added.at(at.b, at.h, at.i) + at.j, mask.added.row);
  if (mask.seen.data) kernels<T>().hide(tile, mask.seen.at(at.b, at.h, at.i) + at.j, mask.seen.row);
  if (s.causal && at.j + at.n - 1 > at.i) kernels<T>().hide_after(tile, at.i - at.j + 1);
}

// A block of keys or values for products with many queries, or as it lies for few.
template <class T>
class Block {
 public:
  // At most k x n; elements are `row` and `col` apart.
  Block(bool few, int64_t k, int64_t n) : few_(few), room_(few ? 0 : packed_values<T>(k, n)) {}
  void set(int64_t k, int64_t n, const T* x, int64_t row, int64_t col) {
    k_ = k, n_ = n, x_ = x, row_ = row, col_ = col;
    if (!few_) pack<T>(k, n, x, row, col, room_.get());
  }
  // c = alpha * a @ this + beta * c
  void multiply(int64_t m, const T* a, int64_t a_row, T* c, int64_t c_row, T alpha, T beta) const {
    if (!few_) return matmul_packed<T>(m, n_, k_, a, a_row, 1, room_.get(), c, c_row, alpha, beta);
    MatmulShape shape;
    shape.m = m, shape.n = n_, shape.k = k_, shape.c_row = c_row;
    shape.a_row = a_row, shape.b_row = row_, shape.b_col = col_;
    matmul<T>(shape, a, x_, c, nullptr, alpha, beta);
  }

 private:
  const bool few_;
  const Scratch<T> room_;
  int64_t k_ = 0, n_ = 0, row_ = 0, col_ = 0;
  const T* x_ = nullptr;
};

// Some heads' queries against their keys, block by block.
template <class T>
class Forward {
 public:
  Forward(const AttentionShape& s, const Heads<const T>& q, const Heads<const T>& k, const Heads<const T>& v,
          const AttentionMask<T>& mask, const Heads<T>& out, T* log_sum)
      : s_(s),
        q_(q),
        k_(k),
        v_(v),
        mask_(mask),
        out_(out),
        log_sum_(log_sum),
        keys_(s.queries <= few_queries, s.width, key_block(s)),
        values_(s.queries <= few_queries, key_block(s), s.value_width),
        scores_(std::min(query_rows<T>(s), s.queries) * key_block(s)),
        sums_(s.queries) {}

  // The queries [first, last) of one head; each block of keys is packed once for all of them.
  void run(int64_t head, int64_t first, int64_t last) {
    const int64_t b = head / s_.heads, h = head % s_.heads, kv = h / (s_.heads / s_.kv_heads), step = query_rows<T>(s_);
    T *maximum = log_sum_ + head * s_.queries, *sums = sums_.get();
    for (int64_t j = 0; j < s_.keys; j += key_block(s_)) {
      const int64_t n = std::min(key_block(s_), s_.keys - j);
      keys_.set(s_.width, n, k_.at(b, kv, j), 1, k_.row);
      values_.set(n, s_.value_width, v_.at(b, kv, j), v_.row, 1);
      for (int64_t i = first; i < last; i += step) {
        const Place<T> at = {b, h, i, j, std::min(step, last - i), n};
        if (hidden(s_, at)) continue;
        T *y = out_.at(b, h, i), *scores = scores_.get();
        keys_.multiply(at.rows, q_.at(b, h, i), q_.row, scores, key_block(s_), T(s_.scale), T(0));
        apply_mask(s_, mask_, at, scores);
        kernels<T>().add_keys({at.rows, n, key_block(s_), scores}, j == 0, maximum + i, sums + i,
                              {at.rows, s_.value_width, out_.row, y});
        values_.multiply(at.rows, scores, key_block(s_), y, out_.row, T(1), T(j > 0));
      }
    }
    kernels<T>().finish({last - first, s_.value_width, out_.row, out_.at(b, h, first)}, maximum + first, sums + first);
  }

 private:
  const AttentionShape& s_;
  const Heads<const T>&q_, &k_, &v_;
  const AttentionMask<T>& mask_;
  const Heads<T>& out_;
  T* log_sum_;
  Block<T> keys_, values_;
  const Scratch<T> scores_, sums_;
};

template <class T>
void fill_zeros(const Heads<T>& x, int64_t b, int64_t h, int64_t rows, int64_t n) {
  for (int64_t i = 0; i < rows; ++i) std::fill_n(x.at(b, h, i), n, T(0));
}

// With p the weights: dv = p^T dout, dp = dout v^T, dscores = p * (dp - dout . out), dq = dscores k * scale and
// dk = dscores^T q * scale. Done for one head of keys and all queries it serves.
template <class T>
class Backward {
 public:
  Backward(const AttentionShape& s, const Heads<const T>& dout, const Heads<const T>& q, const Heads<const T>& k,
           const Heads<const T>& v, const AttentionMask<T>& mask, const Heads<const T>& out, const T* log_sum,
           const Heads<T>& dq, const Heads<T>& dk, const Heads<T>& dv)
      : s_(s),
        dout_(dout),
        q_(q),
        k_(k),
        v_(v),
        mask_(mask),
        out_(out),
        log_sum_(log_sum),
        dq_(dq),
        dk_(dk),
        dv_(dv),
        few_(s.queries <= few_queries),
        keys_turned_(few_, s.width, key_block(s)),
        values_turned_(few_, s.value_width, key_block(s)),
        keys_(few_, key_block(s), s.width),
        rows_(packed_values<T>(query_rows<T>(s), std::max(s.width, s.value_width))),
        scores_(std::min(query_rows<T>(s), s.queries) * key_block(s)),
        dscores_(std::min(query_rows<T>(s), s.queries) * key_block(s)),
        delta_(s.heads / s.kv_heads * s.queries) {}

  void run(int64_t b, int64_t kv) {
    const int64_t shared = s_.heads / s_.kv_heads;
    for (int64_t h = 0; h < shared; ++h) {
      const int64_t head = kv * shared + h;
      kernels<T>().dots({s_.queries, s_.value_width, dout_.row, dout_.at(b, head, 0)}, out_.at(b, head, 0), out_.row,
                        delta_.get() + h * s_.queries);
      if (dq_.data) fill_zeros(dq_, b, head, s_.queries, s_.width);
    }
    if (dk_.data) fill_zeros(dk_, b, kv, s_.keys, s_.width);
    if (dv_.data) fill_zeros(dv_, b, kv, s_.keys, s_.value_width);
    for (int64_t j = 0; j < s_.keys; j += key_block(s_)) {
      const int64_t n = std::min(key_block(s_), s_.keys - j);
      keys_turned_.set(s_.width, n, k_.at(b, kv, j), 1, k_.row);
      values_turned_.set(s_.value_width, n, v_.at(b, kv, j), 1, v_.row);
      if (dq_.data) keys_.set(n, s_.width, k_.at(b, kv, j), k_.row, 1);
      for (int64_t h = 0; h < shared; ++h)
        for (int64_t i = 0; i < s_.queries; i += query_rows<T>(s_))
          add({b, kv * shared + h, i, j, std::min(query_rows<T>(s_), s_.queries - i), n}, kv, h);
    }
  }

 private:
  // What the scores of one place add to the gradients.
  void add(const Place<T>& at, int64_t kv, int64_t h) {
    if (hidden(s_, at)) return;
    T *p = scores_.get(), *ds = dscores_.get();
    keys_turned_.multiply(at.rows, q_.at(at.b, at.h, at.i), q_.row, p, key_block(s_), T(s_.scale), T(0));
    apply_mask(s_, mask_, at, p);
    values_turned_.multiply(at.rows, dout_.at(at.b, at.h, at.i), dout_.row, ds, key_block(s_), T(1), T(0));
    kernels<T>().backward({at.rows, at.n, key_block(s_), p}, ds,
                          log_sum_ + (at.b * s_.heads + at.h) * s_.queries + at.i,
                          delta_.get() + h * s_.queries + at.i);
    if (dq_.data) keys_.multiply(at.rows, ds, key_block(s_), dq_.at(at.b, at.h, at.i), dq_.row, T(s_.scale), T(1));
    if (dv_.data) add_turned(at, p, dout_, s_.value_width, dv_.at(at.b, kv, at.j), dv_.row, T(1));
    if (dk_.data) add_turned(at, ds, q_, s_.width, dk_.at(at.b, kv, at.j), dk_.row, T(s_.scale));
  }
  // to += alpha * tile^T @ x
  void add_turned(const Place<T>& at, const T* tile, const Heads<const T>& x, int64_t width, T* to, int64_t to_row,
                  T alpha) {
    pack<T>(at.rows, width, x.at(at.b, at.h, at.i), x.row, 1, rows_.get());
    matmul_packed<T>(at.n, width, at.rows, tile, 1, key_block(s_), rows_.get(), to, to_row, alpha, T(1));
  }

  const AttentionShape& s_;
  const Heads<const T>&dout_, &q_, &k_, &v_;
  const AttentionMask<T>& mask_;
  const Heads<const T>& out_;
  const T* log_sum_;
  const Heads<T>&dq_, &dk_, &dv_;
  const bool few_;
  Block<T> keys_turned_, values_turned_, keys_;
  const Scratch<T> rows_, scores_, dscores_, delta_;
};

// Multiply-adds below which a second thread costs more than it brings.
constexpr int64_t parallel_work = int64_t(1) << 18;

int64_t grain_for(int64_t work) { return std::max<int64_t>(1, parallel_work / std::max<int64_t>(1, work)); }

}  // namespace

template <class T>
void attention(const AttentionShape& s, const Heads<const T>& q, const Heads<const T>& k, const Heads<const T>& v,
               const AttentionMask<T>& mask, const Heads<T>& out, T* log_sum) {
  const int64_t step = query_rows<T>(s), blocks = (s.queries + step - 1) / step;
  const int64_t work = std::min(step, s.queries) * s.keys * (s.width + s.value_width);
  parallel_for(0, s.batch * s.heads * blocks, grain_for(work), [&](int64_t task, int64_t last) {
    Forward<T> forward(s, q, k, v, mask, out, log_sum);
    while (task < last) {
      const int64_t block = task % blocks, count = std::min(blocks - block, last - task);
      forward.run(task / blocks, block * step, std::min(s.queries, (block + count) * step));
      task += count;
    }
  });
}

template <class T>
void attention_backward(const AttentionShape& s, const Heads<const T>& dout, const Heads<const T>& q,
                        const Heads<const T>& k, const Heads<const T>& v, const AttentionMask<T>& mask,
                        const Heads<const T>& out, const T* log_sum, const Heads<T>& dq, const Heads<T>& dk,
                        const Heads<T>& dv) {
  const int64_t work = s.heads / s.kv_heads * s.queries * s.keys * (s.width + s.value_width) * 2;
  parallel_for(0, s.batch * s.kv_heads, grain_for(work), [&](int64_t task, int64_t last) {
    Backward<T> backward(s, dout, q, k, v, mask, out, log_sum, dq, dk, dv);
    for (; task < last; ++task) backward.run(task / s.kv_heads, task % s.kv_heads);
  });
}

#define RL_ATTENTION(T)                                                                                      \
  template void attention<T>(const AttentionShape&, const Heads<const T>&, const Heads<const T>&,            \
                             const Heads<const T>&, const AttentionMask<T>&, const Heads<T>&, T*);           \
  template void attention_backward<T>(const AttentionShape&, const Heads<const T>&, const Heads<const T>&,   \
                                      const Heads<const T>&, const Heads<const T>&, const AttentionMask<T>&, \
                                      const Heads<const T>&, const T*, const Heads<T>&, const Heads<T>&,     \
                                      const Heads<T>&);
RL_ATTENTION(float)
RL_ATTENTION(double)
#undef RL_ATTENTION

}  // namespace rl::cpu
