// Conversions between all dtypes, with or without kernels of their own: plain loops that the compiler vectorises.
#include <cstring>

#include "base/complex.h"
#include "base/half.h"
#include "iterate/loop.h"

namespace rl::RL_LEVEL {
namespace {

struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};
struct HalfComplex {
  Half re, im;
};
// What the compiler makes no vectors of by itself, and every row for 16-bit floats goes through.
template <class To, class From>
constexpr bool widens = __is_same(To, float) && (__is_same(From, Half) || __is_same(From, Brain));
template <class T>
constexpr bool is_floating_type = __is_same(T, float) || __is_same(T, double);

// What is out of an integer's range is undefined in C++; the lowest value is what x86's own conversion gives. Narrow
// integers keep the low bits of a wider one.
template <class To, class From>
inline To to_integer(From x) {
  if constexpr (sizeof(To) == 8 || (sizeof(To) == 1 && To(-1) > To(0))) {
    return static_cast<To>(x >= From(-0x1p63) && x < From(0x1p63) ? static_cast<int64_t>(x) : INT64_MIN);
  } else {
    return static_cast<To>(x >= From(-0x1p31) && x < From(0x1p31) ? static_cast<int32_t>(x) : INT32_MIN);
  }
}

template <class To, class From>
inline To cast_one(From x) {
  if constexpr (__is_same(To, From)) {
    return x;
  } else if constexpr (__is_same(From, Half)) {
    return cast_one<To, float>(half_to_float(x.bits));
  } else if constexpr (__is_same(From, Brain)) {
    return cast_one<To, float>(brain_to_float(x.bits));
  } else if constexpr (__is_same(From, HalfComplex)) {
    return cast_one<To>(Complex<float>(cast_one<float>(x.re), cast_one<float>(x.im)));
  } else if constexpr (__is_same(To, HalfComplex)) {
    const auto z = cast_one<Complex<float>, From>(x);
    return HalfComplex{cast_one<Half>(z.re), cast_one<Half>(z.im)};
  } else if constexpr (__is_same(To, Half)) {
    return Half{half_from_float(cast_one<float, From>(x))};
  } else if constexpr (__is_same(To, Brain)) {
    return Brain{brain_from_float(cast_one<float, From>(x))};
  } else if constexpr (is_complex_number<From>) {
    if constexpr (is_complex_number<To> || __is_same(To, bool)) {
      return static_cast<To>(x);
    } else {
      return cast_one<To>(x.re);
    }
  } else if constexpr (is_complex_number<To>) {
    return To(cast_one<RealPart<To>, From>(x));
  } else if constexpr (is_floating_type<From> && !is_floating_type<To> && !__is_same(To, bool)) {
    return to_integer<To, From>(x);
  } else {
    return static_cast<To>(x);
  }
}

// Any byte but 0 is true: those of a view or of borrowed memory may be others than 1.
template <class From>
inline From element(const char* p) {
  if constexpr (__is_same(From, bool))
    return *reinterpret_cast<const uint8_t*>(p) != 0;
  else
    return *reinterpret_cast<const From*>(p);
}

template <class To, class From>
void cast(char* const* data, const int64_t* strides, int64_t n) {
  char* to = data[0];
  const char* from = data[1];
  int64_t step_to = strides[0], step_from = strides[1];
  if (step_to == sizeof(To) && step_from == sizeof(From)) {
    if constexpr (__is_same(To, From)) {
      std::memmove(to, from, n * sizeof(To));
    } else if constexpr (widens<To, From> || widens<From, To>) {
      To* out = reinterpret_cast<To*>(to);
      const From* in = reinterpret_cast<const From*>(from);
#pragma omp simd
      for (int64_t i = 0; i < n; ++i) out[i] = cast_one<To, From>(in[i]);
    } else {
      To* out = reinterpret_cast<To*>(to);
      for (int64_t i = 0; i < n; ++i) out[i] = cast_one<To, From>(element<From>(from + i * sizeof(From)));
    }
    return;
  }
  if (step_to == sizeof(To) && step_from == 0) {
    To value = cast_one<To, From>(element<From>(from));
    To* out = reinterpret_cast<To*>(to);
    for (int64_t i = 0; i < n; ++i) out[i] = value;
    return;
  }
  for (int64_t i = 0; i < n; ++i)
    *reinterpret_cast<To*>(to + i * step_to) = cast_one<To, From>(element<From>(from + i * step_from));
}

#define RL_FOR_STORED(X) \
  RL_FOR_DTYPES(X)       \
  X(Half, Float16)       \
  X(Brain, BFloat16)     \
  X(HalfComplex, Complex32)

template <class To>
void fill_row(Loop* row) {
#define RL_CASE(T, NAME) row[static_cast<int>(DType::NAME)] = cast<To, T>;
  RL_FOR_STORED(RL_CASE)
#undef RL_CASE
}

LevelTables make() {
  LevelTables t = {};
#define RL_CASE(T, NAME) fill_row<T>(t.cast[static_cast<int>(DType::NAME)]);
  RL_FOR_STORED(RL_CASE)
#undef RL_CASE
  return t;
}

}  // namespace

const LevelTables& level_tables() {
  static const LevelTables tables = make();
  return tables;
}

}  // namespace rl::RL_LEVEL
