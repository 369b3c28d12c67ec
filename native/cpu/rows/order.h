// Elements as unsigned keys of the same order, and rows of keys with the places they came from.
#pragma once
#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#include "base/parallel.h"
#include "cpu/rows/by_dtype.h"
#include "iterate/plan.h"

namespace rl {

template <class F>
void by_real(const char* op, DType dtype, F&& f) {
  if (dtype == DType::Bool) return f(bool());
  by_number(op, dtype, f);
}

template <size_t bytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = uint64_t;
};
template <class T>
using Key = typename UnsignedOf<sizeof(T)>::type;

// Both zeros have one key, and all NaNs the largest.
template <class T>
Key<T> key_of(T v) {
  using K = Key<T>;
  constexpr K top = K(K(1) << (sizeof(T) * 8 - 1));
  if constexpr (std::is_floating_point_v<T>) {
    if (v != v) return static_cast<K>(~K(0));
    v += T(0);
    K bits;
    std::memcpy(&bits, &v, sizeof v);
    return static_cast<K>(bits & top ? ~bits : bits | top);
  } else {
    return std::is_signed_v<T> ? static_cast<K>(static_cast<K>(v) ^ top) : static_cast<K>(v);
  }
}

template <class K>
struct Entry {
  K key;
  uint32_t at;
  bool operator<(const Entry& o) const {
    if constexpr (sizeof(K) <= 4) return (uint64_t(key) << 32 | at) < (uint64_t(o.key) << 32 | o.at);
    return key != o.key ? key < o.key : at < o.at;
  }
};
template <class T>
using Entries = std::vector<Entry<Key<T>>>;

// Orders by key; equals stay as they stand. Many entries byte by byte, the lowest first.
template <class K>
void sort_entries(std::vector<Entry<K>>& entries, std::vector<Entry<K>>& scratch) {
  constexpr size_t kFew = 256;
  if (entries.size() < kFew) return std::sort(entries.begin(), entries.end());
  scratch.resize(entries.size());
  for (size_t shift = 0; shift < 8 * sizeof(K); shift += 8) {
    size_t starts[257] = {0};
    for (const Entry<K>& e : entries) ++starts[(e.key >> shift & 255) + 1];
    if (*std::max_element(starts, starts + 257) == entries.size()) continue;
    for (int b = 0; b < 256; ++b) starts[b + 1] += starts[b];
    for (const Entry<K>& e : entries) scratch[starts[e.key >> shift & 255]++] = e;
    entries.swap(scratch);
  }
}

// The rows of a tensor along one dimension, in any layout.
struct RowsAlong {
  Dims sizes, strides;  // of the other dimensions
  int64_t count = 1, n = 1, step = 0;
  RowsAlong(const Tensor* x, int dim) {
    for (int d = 0; d < x->ndim; ++d) {
      if (d == dim) {
        n = x->dims[d];
        step = x->strides()[d];
        continue;
      }
      sizes.push_back(x->dims[d]);
      strides.push_back(x->strides()[d]);
      count *= x->dims[d];
    }
  }
  int64_t offset(int64_t row) const {
    int64_t at = 0;
    for (int d = sizes.size() - 1; d >= 0; row /= sizes[d--]) at += row % sizes[d] * strides[d];
    return at;
  }
};

// f(begin, end) over ranges of rows of n elements each.
template <class F>
void for_rows(int64_t count, int64_t n, F&& f) {
  Unlocked unlocked(count * n);
  parallel_for(0, count, std::max<int64_t>(1, kGrain / 16 / std::max<int64_t>(1, n)), f);
}

inline void check_row(const char* op, int64_t n) {
  RL_CHECK(n <= int64_t(UINT32_MAX), Runtime, "%s: rows of more than 4294967295 elements are not supported, got %lld",
           op, (long long)n);
}

// The keys of a row; descending order is that of the complements.
template <class T>
void read_entries(const T* x, int64_t n, int64_t step, bool descending, Entries<T>& entries) {
  entries.resize(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const Key<T> key = key_of(x[i * step]);
    entries[static_cast<size_t>(i)] = {descending ? static_cast<Key<T>>(~key) : key, static_cast<uint32_t>(i)};
  }
}

}  // namespace rl
