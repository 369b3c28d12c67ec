// The instructions of this level.
#pragma once

#if defined(__AVX512F__)
#include "cpu/level/arch_avx512.h"
#elif defined(__AVX2__)
#include "cpu/level/arch_avx2.h"
#else
#include "cpu/level/arch_base.h"
#endif
