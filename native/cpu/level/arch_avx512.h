// The functions described in arch_types.h with AVX-512 F, BW, VL and DQ.
#pragma once

#include "cpu/level/arch_types.h"

// GCC 12 takes the deliberately undefined operands inside its own header for mistakes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop

namespace rl::RL_LEVEL {

RL_INLINE NativeF arch_fma(NativeF a, NativeF b, NativeF c) { return _mm512_fmadd_ps(a, b, c); }
RL_INLINE NativeD arch_fma(NativeD a, NativeD b, NativeD c) { return _mm512_fmadd_pd(a, b, c); }
RL_INLINE NativeF arch_sqrt(NativeF a) { return _mm512_sqrt_ps(a); }
RL_INLINE NativeD arch_sqrt(NativeD a) { return _mm512_sqrt_pd(a); }
RL_INLINE NativeF arch_min(NativeF a, NativeF b) { return _mm512_min_ps(a, b); }
RL_INLINE NativeD arch_min(NativeD a, NativeD b) { return _mm512_min_pd(a, b); }
RL_INLINE NativeF arch_max(NativeF a, NativeF b) { return _mm512_max_ps(a, b); }
RL_INLINE NativeD arch_max(NativeD a, NativeD b) { return _mm512_max_pd(a, b); }
template <Rounding mode>
RL_INLINE NativeF arch_round(NativeF a) {
  return _mm512_roundscale_ps(a, int(mode) | _MM_FROUND_NO_EXC);
}
template <Rounding mode>
RL_INLINE NativeD arch_round(NativeD a) {
  return _mm512_roundscale_pd(a, int(mode) | _MM_FROUND_NO_EXC);
}
RL_INLINE void arch_widen(NativeF x, NativeD* low, NativeD* high) {
  *low = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
  *high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}
RL_INLINE NativeF arch_narrow(NativeD low, NativeD high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1);
}

RL_INLINE uint64_t first_bytes(int bytes) { return bytes >= 64 ? ~uint64_t(0) : (uint64_t(1) << bytes) - 1; }
RL_INLINE NativeB arch_load(const void* p, int bytes) {
  return (NativeB)_mm512_maskz_loadu_epi8(first_bytes(bytes), p);
}
RL_INLINE void arch_store(void* p, int bytes, NativeB v) { _mm512_mask_storeu_epi8(p, first_bytes(bytes), (__m512i)v); }
RL_INLINE uint64_t arch_signs(NativeB v) { return _mm512_movepi8_mask((__m512i)v); }
inline constexpr uint64_t all_signs = ~uint64_t(0);

template <int lane_bytes>
RL_INLINE NativeB arch_load_bools(const void* p) {
  __m128i bools = lane_bytes == 4 ? _mm_loadu_si128((const __m128i*)p) : _mm_loadl_epi64((const __m128i*)p);
  __mmask16 bits = _mm_test_epi8_mask(bools, bools);
  return (NativeB)(lane_bytes == 4 ? _mm512_movm_epi32(bits) : _mm512_movm_epi64((__mmask8)bits));
}
template <int lane_bytes>
RL_INLINE void arch_store_bools(void* p, NativeB mask) {
  if constexpr (lane_bytes == 4)
    _mm_storeu_si128((__m128i*)p, _mm_maskz_set1_epi8(_mm512_movepi32_mask((__m512i)mask), 1));
  else
    _mm_storel_epi64((__m128i*)p, _mm_maskz_set1_epi8(_mm512_movepi64_mask((__m512i)mask), 1));
}

}  // namespace rl::RL_LEVEL
