// The functions described in arch_types.h for any processor with vectors of 16 bytes, and with SSE2 where that is
// quicker.
#pragma once

#include "cpu/level/arch_types.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace rl::RL_LEVEL {

// Not fused: a software fused multiply-add would be fifty times slower.
RL_INLINE NativeF arch_fma(NativeF a, NativeF b, NativeF c) { return a * b + c; }
RL_INLINE NativeD arch_fma(NativeD a, NativeD b, NativeD c) { return a * b + c; }

// Adding and subtracting 2^(bits of the fraction) rounds to nearest even.
template <Rounding mode, class V, class I>
RL_INLINE V round_by_adding(V a, V magic, I sign_bit) {
  const V zero = {}, one = zero + 1;
  const I sign = (I)a & sign_bit;
  const V size = (V)((I)a & ~sign_bit);
  V r = (size + magic) - magic;
  if constexpr (mode == Rounding::zero) r = r - (r > size ? one : zero);
  r = (V)((I)r | sign);
  if constexpr (mode == Rounding::down) r = r - (r > a ? one : zero);
  if constexpr (mode == Rounding::up) r = r + (r < a ? one : zero);
  r = (V)(((I)r & ~sign_bit) | sign);
  return size < magic ? r : a;
}
template <Rounding mode>
RL_INLINE NativeF arch_round(NativeF a) {
  return round_by_adding<mode>(a, NativeF{} + 0x1p23f, NativeI{} + INT32_MIN);
}
template <Rounding mode>
RL_INLINE NativeD arch_round(NativeD a) {
  return round_by_adding<mode>(a, NativeD{} + 0x1p52, NativeL{} + INT64_MIN);
}

RL_INLINE NativeB arch_load(const void* p, int bytes) {
  NativeB v = {};
  __builtin_memcpy(&v, p, bytes);
  return v;
}
RL_INLINE void arch_store(void* p, int bytes, NativeB v) { __builtin_memcpy(p, &v, bytes); }
inline constexpr uint64_t all_signs = 0xffff;

template <int lane_bytes>
RL_INLINE NativeB arch_load_bools(const void* p) {
  if constexpr (lane_bytes == 4)
    return (NativeB)(-__builtin_convertvector(*(const VecTraits<int32_t>::bytes*)p, NativeI));
  else
    return (NativeB)(-__builtin_convertvector(*(const VecTraits<int64_t>::bytes*)p, NativeL));
}

#if defined(__SSE2__)

RL_INLINE NativeF arch_sqrt(NativeF a) { return _mm_sqrt_ps(a); }
RL_INLINE NativeD arch_sqrt(NativeD a) { return _mm_sqrt_pd(a); }
RL_INLINE NativeF arch_min(NativeF a, NativeF b) { return _mm_min_ps(a, b); }
RL_INLINE NativeD arch_min(NativeD a, NativeD b) { return _mm_min_pd(a, b); }
RL_INLINE NativeF arch_max(NativeF a, NativeF b) { return _mm_max_ps(a, b); }
RL_INLINE NativeD arch_max(NativeD a, NativeD b) { return _mm_max_pd(a, b); }
RL_INLINE void arch_widen(NativeF x, NativeD* low, NativeD* high) {
  *low = _mm_cvtps_pd(x);
  *high = _mm_cvtps_pd(_mm_movehl_ps(x, x));
}
RL_INLINE NativeF arch_narrow(NativeD low, NativeD high) {
  return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}
RL_INLINE uint64_t arch_signs(NativeB v) { return uint32_t(_mm_movemask_epi8((__m128i)v)); }
template <int lane_bytes>
RL_INLINE void arch_store_bools(void* p, NativeB mask) {
  __m128i lanes = (__m128i)mask;
  if constexpr (lane_bytes == 8) lanes = (__m128i)_mm_shuffle_ps((__m128)lanes, (__m128)lanes, 0x88);
  __m128i words = _mm_packs_epi32(lanes, lanes);
  __m128i bools = _mm_and_si128(_mm_packs_epi16(words, words), _mm_set1_epi8(1));
  __builtin_memcpy(p, &bools, 16 / lane_bytes);
}

#else

RL_INLINE NativeF arch_sqrt(NativeF a) {
  for (int i = 0; i < 4; i++) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
RL_INLINE NativeD arch_sqrt(NativeD a) {
  for (int i = 0; i < 2; i++) a[i] = __builtin_sqrt(a[i]);
  return a;
}
RL_INLINE NativeF arch_min(NativeF a, NativeF b) { return a < b ? a : b; }
RL_INLINE NativeD arch_min(NativeD a, NativeD b) { return a < b ? a : b; }
RL_INLINE NativeF arch_max(NativeF a, NativeF b) { return a > b ? a : b; }
RL_INLINE NativeD arch_max(NativeD a, NativeD b) { return a > b ? a : b; }
RL_INLINE void arch_widen(NativeF x, NativeD* low, NativeD* high) {
  *low = NativeD{x[0], x[1]};
  *high = NativeD{x[2], x[3]};
}
RL_INLINE NativeF arch_narrow(NativeD low, NativeD high) {
  return NativeF{float(low[0]), float(low[1]), float(high[0]), float(high[1])};
}
RL_INLINE uint64_t arch_signs(NativeB v) {
  uint64_t signs = 0;
  for (int i = 0; i < 16; i++) signs |= uint64_t(v[i] < 0) << i;
  return signs;
}
template <int lane_bytes>
RL_INLINE void arch_store_bools(void* p, NativeB mask) {
  for (int i = 0; i < 16; i += lane_bytes) ((int8_t*)p)[i / lane_bytes] = -mask[i];
}

#endif

}  // namespace rl::RL_LEVEL
