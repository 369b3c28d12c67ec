// The instruction level that level-compiled kernels run at.
#pragma once

// Which levels are in this build: CMake says, and a developer's build has one alone.
#ifndef RL_HAVE_BASE
#define RL_HAVE_BASE 1
#define RL_HAVE_AVX2 1
#define RL_HAVE_AVX512 1
#endif

namespace rl {

enum class CpuLevel { base, avx2, avx512 };

// The best level of this build that the processor and operating system have, or the lower one named by RUSHLIGHT_CPU.
// Chosen once, at load.
CpuLevel cpu_level();
const char* cpu_level_name(CpuLevel level);

// A family of kernels under native/cpu/level/ exports one table of function pointers per level; this returns the one to
// use. RL_LEVEL_TABLE writes the call, with a null pointer for a level that is not in this build.
template <class Table>
const Table& pick_level(const Table& (*base)(), const Table& (*avx2)(), const Table& (*avx512)()) {
  switch (cpu_level()) {
    case CpuLevel::avx512: return avx512();
    case CpuLevel::avx2: return avx2();
    default: return base();
  }
}

}  // namespace rl

#if RL_HAVE_BASE
#define RL_AT_BASE(function) base::function
#else
#define RL_AT_BASE(function) nullptr
#endif
#if RL_HAVE_AVX2
#define RL_AT_AVX2(function) avx2::function
#else
#define RL_AT_AVX2(function) nullptr
#endif
#if RL_HAVE_AVX512
#define RL_AT_AVX512(function) avx512::function
#else
#define RL_AT_AVX512(function) nullptr
#endif

// Declares the three tables of a family and `picked_<name>()`, the one of the level in use (looked up once).
#define RL_LEVEL_TABLE(Table, name)                                                                         \
  namespace base { const Table& name(); }                                                                   \
  namespace avx2 { const Table& name(); }                                                                   \
  namespace avx512 { const Table& name(); }                                                                 \
  inline const Table& picked_##name() {                                                                     \
    static const Table& picked = pick_level<Table>(RL_AT_BASE(name), RL_AT_AVX2(name), RL_AT_AVX512(name)); \
    return picked;                                                                                          \
  }
