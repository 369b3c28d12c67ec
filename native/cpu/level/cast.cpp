// Conversions between dtypes: plain loops that the compiler vectorises.
#include <cstring>

#include "iterate/loop.h"

namespace rl::RL_LEVEL {
namespace {

template <class To, class From> inline To cast_one(From x) { return static_cast<To>(x); }

// What is out of an integer's range is undefined in C++; saturating to the lowest value is what x86's own conversion does.
template <> inline int64_t cast_one<int64_t, float>(float x) { return x >= -9223372036854775808.f && x < 9223372036854775808.f ? (int64_t)x : INT64_MIN; }
template <> inline int64_t cast_one<int64_t, double>(double x) { return x >= -9223372036854775808. && x < 9223372036854775808. ? (int64_t)x : INT64_MIN; }

template <class To, class From> void cast(char* const* data, const int64_t* strides, int64_t n) {
  char* to = data[0];
  const char* from = data[1];
  int64_t step_to = strides[0], step_from = strides[1];
  if (step_to == sizeof(To) && step_from == sizeof(From)) {
    if constexpr (__is_same(To, From)) {
      std::memmove(to, from, n * sizeof(To));
    } else {
      To* out = reinterpret_cast<To*>(to);
      const From* in = reinterpret_cast<const From*>(from);
      for (int64_t i = 0; i < n; ++i) out[i] = cast_one<To, From>(in[i]);
    }
    return;
  }
  if (step_to == sizeof(To) && step_from == 0) {
    To value = cast_one<To, From>(*reinterpret_cast<const From*>(from));
    To* out = reinterpret_cast<To*>(to);
    for (int64_t i = 0; i < n; ++i) out[i] = value;
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    *reinterpret_cast<To*>(to + i * step_to) = cast_one<To, From>(*reinterpret_cast<const From*>(from + i * step_from));
}

template <class To> void fill_row(Loop* row) {
#define RL_CASE(T, NAME) row[static_cast<int>(DType::NAME)] = cast<To, T>;
  RL_FOR_DTYPES(RL_CASE)
#undef RL_CASE
}

// Dtypes without kernels of their own can still be copied, as opaque bytes of their size.
template <class Bytes> void copy_bytes(char* const* data, const int64_t* strides, int64_t n) {
  if (strides[0] == sizeof(Bytes) && strides[1] == sizeof(Bytes)) {
    std::memmove(data[0], data[1], n * sizeof(Bytes));
    return;
  }
  for (int64_t i = 0; i < n; ++i) std::memcpy(data[0] + i * strides[0], data[1] + i * strides[1], sizeof(Bytes));
}
struct Bytes16 {
  char bytes[16];
};

LevelTables make() {
  LevelTables t = {};
  for (int d = 0; d < kDTypes; ++d) {
    size_t size = size_of(static_cast<DType>(d));
    t.cast[d][d] = size == 1 ? copy_bytes<char> : size == 2 ? copy_bytes<int16_t> : size == 4 ? copy_bytes<int32_t> : size == 8 ? copy_bytes<int64_t> : copy_bytes<Bytes16>;
  }
#define RL_CASE(T, NAME) fill_row<T>(t.cast[static_cast<int>(DType::NAME)]);
  RL_FOR_DTYPES(RL_CASE)
#undef RL_CASE
  return t;
}

}  // namespace

const LevelTables& level_tables() {
  static const LevelTables tables = make();
  return tables;
}

}  // namespace rl::RL_LEVEL
