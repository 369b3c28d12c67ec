// The vector types of a level, and what the files arch_<level>.h define for it: the few instructions that the
// compiler's vector extensions have no operator for.
#pragma once

#include <cstdint>

#ifndef RL_LEVEL
#error "compile with -DRL_LEVEL=base, avx2 or avx512"
#endif

#define RL_INLINE inline __attribute__((always_inline))

namespace rl::RL_LEVEL {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

// GCC refuses a vector type that depends on a template parameter, hence one specialisation per lane type.
template <class T>
struct VecTraits;

#define RL_VECTOR_OF(T, Lane)                                                                           \
  template <>                                                                                           \
  struct VecTraits<T> {                                                                                 \
    using lane_int = Lane;                                                                              \
    typedef T native __attribute__((vector_size(vector_bytes), may_alias));                             \
    typedef T unaligned __attribute__((vector_size(vector_bytes), aligned(1), may_alias));              \
    typedef Lane bits __attribute__((vector_size(vector_bytes), may_alias));                            \
    typedef u##Lane unsigned_bits __attribute__((vector_size(vector_bytes), may_alias));                \
    typedef int8_t bytes __attribute__((vector_size(vector_bytes / sizeof(T)), aligned(1), may_alias)); \
  };
RL_VECTOR_OF(float, int32_t)
RL_VECTOR_OF(double, int64_t)
RL_VECTOR_OF(int64_t, int64_t)
RL_VECTOR_OF(int32_t, int32_t)
RL_VECTOR_OF(int16_t, int16_t)
RL_VECTOR_OF(int8_t, int8_t)
RL_VECTOR_OF(uint8_t, int8_t)
#undef RL_VECTOR_OF

using NativeF = VecTraits<float>::native;
using NativeD = VecTraits<double>::native;
using NativeL = VecTraits<int64_t>::native;
using NativeI = VecTraits<int32_t>::native;
using NativeB = VecTraits<int8_t>::native;

enum class Rounding { nearest, down, up, zero };  // numbered as the instructions have it

// Each arch_<level>.h defines, on float and double vectors,
//   arch_fma(a, b, c)   a b + c, in one rounding where the processor has it
//   arch_sqrt(a)
//   arch_min(a, b), arch_max(a, b)   a < b ? a : b and a > b ? a : b, so b where either is NaN
//   arch_round<mode>(a)
//   arch_widen(x, &low, &high), arch_narrow(low, high)   one vector of floats, two of doubles
// and on vectors seen as bytes
//   arch_load(p, bytes), arch_store(p, bytes, v)   the first bytes only; loading puts zeros in the others
//   arch_signs(v)   the sign bits of all bytes; all_signs if all are set
//   arch_load_bools<lane bytes>(p), arch_store_bools<lane bytes>(p, mask)   masks of 4- or 8-byte lanes as bytes of 0,
//   1

}  // namespace rl::RL_LEVEL
