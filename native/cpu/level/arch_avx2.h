// The functions described in arch_types.h with AVX2 and FMA.
#pragma once

#include <immintrin.h>

#include "cpu/level/arch_types.h"

namespace rl::RL_LEVEL {

RL_INLINE NativeF arch_fma(NativeF a, NativeF b, NativeF c) { return _mm256_fmadd_ps(a, b, c); }
RL_INLINE NativeD arch_fma(NativeD a, NativeD b, NativeD c) { return _mm256_fmadd_pd(a, b, c); }
RL_INLINE NativeF arch_sqrt(NativeF a) { return _mm256_sqrt_ps(a); }
RL_INLINE NativeD arch_sqrt(NativeD a) { return _mm256_sqrt_pd(a); }
RL_INLINE NativeF arch_min(NativeF a, NativeF b) { return _mm256_min_ps(a, b); }
RL_INLINE NativeD arch_min(NativeD a, NativeD b) { return _mm256_min_pd(a, b); }
RL_INLINE NativeF arch_max(NativeF a, NativeF b) { return _mm256_max_ps(a, b); }
RL_INLINE NativeD arch_max(NativeD a, NativeD b) { return _mm256_max_pd(a, b); }
template <Rounding mode>
RL_INLINE NativeF arch_round(NativeF a) {
  return _mm256_round_ps(a, int(mode) | _MM_FROUND_NO_EXC);
}
template <Rounding mode>
RL_INLINE NativeD arch_round(NativeD a) {
  return _mm256_round_pd(a, int(mode) | _MM_FROUND_NO_EXC);
}
RL_INLINE void arch_widen(NativeF x, NativeD* low, NativeD* high) {
  *low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
  *high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
}
RL_INLINE NativeF arch_narrow(NativeD low, NativeD high) {
  return _mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low));
}

RL_INLINE NativeB arch_load(const void* p, int bytes) {
  NativeB v = {};
  __builtin_memcpy(&v, p, bytes);
  return v;
}
RL_INLINE void arch_store(void* p, int bytes, NativeB v) { __builtin_memcpy(p, &v, bytes); }
RL_INLINE uint64_t arch_signs(NativeB v) { return uint32_t(_mm256_movemask_epi8((__m256i)v)); }
inline constexpr uint64_t all_signs = 0xffffffff;

template <int lane_bytes>
RL_INLINE NativeB arch_load_bools(const void* p) {
  if constexpr (lane_bytes == 4) {
    NativeI ones = (NativeI)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i*)p));
    return (NativeB)(-ones);
  } else {
    NativeL ones = (NativeL)_mm256_cvtepi8_epi64(_mm_loadu_si32(p));
    return (NativeB)(-ones);
  }
}
template <int lane_bytes>
RL_INLINE void arch_store_bools(void* p, NativeB mask) {
  __m128i low = _mm256_castsi256_si128((__m256i)mask), high = _mm256_extracti128_si256((__m256i)mask, 1);
  if constexpr (lane_bytes == 8) low = high = (__m128i)_mm_shuffle_ps((__m128)low, (__m128)high, 0x88);
  __m128i words = _mm_packs_epi32(low, high);
  __m128i bools = _mm_and_si128(_mm_packs_epi16(words, words), _mm_set1_epi8(1));
  __builtin_memcpy(p, &bools, 32 / lane_bytes);
}

}  // namespace rl::RL_LEVEL
