// Sixteen normal float32 numbers from sixteen uniform ones, by G. Box and M. Muller's transform (1958) on the single-
// precision polynomials for log, sin and cos of S. Moshier's Cephes. Which steps are fused is part of the result: each
// fmaf below is one rounding, and no other product and sum may become one (-ffp-contract=off).
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

namespace rl::box_muller {

constexpr int lanes = 8;
#define RL_EACH_LANE for (int i = 0; i < lanes; i++)
#define RL_ALWAYS_INLINE inline __attribute__((always_inline))

template <class To, class From>
RL_ALWAYS_INLINE To bits_as(From x) {
  To y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

// log(x) for 0 < x <= 1
RL_ALWAYS_INLINE float log_of(float x) {
  const float smallest_normal = 0x1p-126f;
  x = x > smallest_normal ? x : smallest_normal;
  int32_t bits = bits_as<int32_t>(x);
  float e = float((bits >> 23) - 126);
  x = bits_as<float>((bits & 0x007fffff) | 0x3f000000);
  bool small = x < 0.707106781186547524f;
  e = e - (small ? 1.0f : 0.0f);
  x = (x - 1.0f) + (small ? x : 0.0f);
  float z = x * x;
  float y = 7.0376836292e-2f;
  y = __builtin_fmaf(y, x, -1.1514610310e-1f);
  y = __builtin_fmaf(y, x, 1.1676998740e-1f);
  y = __builtin_fmaf(y, x, -1.2420140846e-1f);
  y = __builtin_fmaf(y, x, 1.4249322787e-1f);
  y = __builtin_fmaf(y, x, -1.6668057665e-1f);
  y = __builtin_fmaf(y, x, 2.0000714765e-1f);
  y = __builtin_fmaf(y, x, -2.4999993993e-1f);
  y = __builtin_fmaf(y, x, 3.3333331174e-1f);
  y = __builtin_fmaf(y * x, z, e * -2.12194440e-4f);
  y = __builtin_fmaf(z, -0.5f, y);
  return __builtin_fmaf(e, 0.693359375f, x + y);
}

// sin and cos of 0 <= x < 2 pi
RL_ALWAYS_INLINE void sin_cos_of(float x, float* sine, float* cosine) {
  int32_t octant = (int32_t(x * 1.27323954473516f) + 1) & ~1;
  float turns = float(octant);
  x = __builtin_fmaf(turns, -0.78515625f, x);
  x = __builtin_fmaf(turns, -2.4187564849853515625e-4f, x);
  x = __builtin_fmaf(turns, -3.77489497744594108e-8f, x);
  float z = x * x;
  float c = 2.443315711809948e-5f;
  c = __builtin_fmaf(c, z, -1.388731625493765e-3f);
  c = __builtin_fmaf(c, z, 4.166664568298827e-2f);
  c = __builtin_fmaf(c * z, z, -(z * 0.5f)) + 1.0f;
  float s = -1.9515295891e-4f;
  s = __builtin_fmaf(s, z, 8.3321608736e-3f);
  s = __builtin_fmaf(s, z, -1.6666654611e-1f);
  s = __builtin_fmaf(s * z, x, x);
  bool swapped = octant & 2;
  int32_t sine_bits = bits_as<int32_t>(swapped ? c : s), cosine_bits = bits_as<int32_t>(swapped ? s : c);
  *sine = bits_as<float>(sine_bits ^ int32_t(uint32_t(octant & 4) << 29));
  *cosine = bits_as<float>(cosine_bits ^ int32_t(uint32_t(~(octant - 2) & 4) << 29));
}

// In place: eight radii come from the first half, eight angles from the second.
RL_ALWAYS_INLINE void transform_16(float* v, float mean, float deviation) {
  RL_EACH_LANE {
    float radius = __builtin_sqrtf(-2.0f * log_of(1.0f - v[i]));
    float sine, cosine;
    sin_cos_of(6.283185307179586f * v[i + lanes], &sine, &cosine);
    v[i] = __builtin_fmaf(radius * cosine, deviation, mean);
    v[i + lanes] = __builtin_fmaf(radius * sine, deviation, mean);
  }
}

#undef RL_EACH_LANE
#undef RL_ALWAYS_INLINE

}  // namespace rl::box_muller
