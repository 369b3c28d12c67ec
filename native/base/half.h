// float16 and bfloat16 as bits, to and from float. Forced inline: every instruction level compiles its own.
#pragma once
#include <cstdint>
#include <cstring>

namespace rl {

#define RL_HALF_INLINE [[gnu::always_inline]] static inline

RL_HALF_INLINE uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits;
}
RL_HALF_INLINE float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

RL_HALF_INLINE float brain_to_float(uint16_t b) { return float_of(uint32_t(b) << 16); }

// Rounds to nearest, ties to even, as all conversions here do.
RL_HALF_INLINE uint16_t brain_from_float(float x) {
  uint32_t bits = bits_of(x);
  if (x != x) return 0x7fc0;
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

// Both without a branch, so that loops over them become vectors.
RL_HALF_INLINE float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16, magnitude = h & 0x7fff;
  const uint32_t normal = (magnitude << 13) + 0x38000000, special = 0x7f800000 | magnitude << 13;  // infinity, NaN
  const uint32_t small = bits_of(static_cast<float>(static_cast<int32_t>(magnitude)) * 0x1p-24f);  // subnormal
  return float_of(sign | (magnitude >= 0x7c00 ? special : magnitude >= 0x400 ? normal : small));
}

RL_HALF_INLINE uint16_t half_from_float(float x) {
  const uint32_t bits = bits_of(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  const uint32_t special = magnitude > 0x7f800000 ? 0x7e00 : 0x7c00;  // NaN; 65520 and above round to infinity
  const uint32_t normal = (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13;
  // Subnormal: adding 0.5 leaves the rounded value in the lowest bits.
  const uint32_t small = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000;
  return static_cast<uint16_t>(sign | (magnitude >= 0x477ff000 ? special : magnitude >= 0x38800000 ? normal : small));
}

#undef RL_HALF_INLINE

}  // namespace rl
