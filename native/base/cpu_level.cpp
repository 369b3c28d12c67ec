#include "base/cpu_level.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace rl {
namespace {

#if defined(__x86_64__)

// The register sets that the operating system saves on a context switch.
uint64_t saved_state() {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

CpuLevel detect() {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return CpuLevel::base;
  const uint32_t needed = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C;
  if ((c & needed) != needed) return CpuLevel::base;
  const uint64_t state = saved_state();
  constexpr uint64_t ymm_state = 0x6, zmm_state = 0xe6;
  if ((state & ymm_state) != ymm_state || !__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2)) {
    return CpuLevel::base;
  }
  const uint32_t wide = bit_AVX512F | bit_AVX512BW | bit_AVX512VL | bit_AVX512DQ;
  return (b & wide) == wide && (state & zmm_state) == zmm_state ? CpuLevel::avx512 : CpuLevel::avx2;
}

#else

CpuLevel detect() { return CpuLevel::base; }

#endif

constexpr bool in_build[] = {RL_HAVE_BASE, RL_HAVE_AVX2, RL_HAVE_AVX512};

// The highest level of this build up to `limit`; the lowest of all if there is none so low.
CpuLevel highest_built(CpuLevel limit) {
  for (int level = int(limit); level >= 0; --level) {
    if (in_build[level]) return CpuLevel(level);
  }
  return in_build[1] ? CpuLevel::avx2 : CpuLevel::avx512;
}

CpuLevel choose() {
  CpuLevel level = detect();
  if (const char* asked = std::getenv("RUSHLIGHT_CPU")) {
    for (CpuLevel lower : {CpuLevel::base, CpuLevel::avx2}) {
      if (std::strcmp(asked, cpu_level_name(lower)) == 0) level = std::min(level, lower);
    }
  }
  return highest_built(level);
}

}  // namespace

CpuLevel cpu_level() {
  static const CpuLevel level = choose();
  return level;
}

const char* cpu_level_name(CpuLevel level) {
  switch (level) {
    case CpuLevel::avx512: return "avx512";
    case CpuLevel::avx2: return "avx2";
    default: return "base";
  }
}

}  // namespace rl
