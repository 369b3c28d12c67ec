// All functions of the formula language on scalars. Those with a vector form are its first lane, so that a strided
// element and the same element inside a contiguous row come out equal to the last bit.
#pragma once

#include "cpu/level/scalar_special.h"
#include "cpu/level/vec_math.h"
#include "cpu/level/vec_rare.h"

namespace rl::RL_LEVEL {

#define RL_FIRST_LANE(name)                                        \
  RL_INLINE float name(float x) { return name(Vec<float>(x))[0]; } \
  RL_INLINE double name(double x) { return name(Vec<double>(x))[0]; }

RL_FIRST_LANE(exp)
RL_FIRST_LANE(exp2)
RL_FIRST_LANE(expm1)
RL_FIRST_LANE(log)
RL_FIRST_LANE(log2)
RL_FIRST_LANE(log10)
RL_FIRST_LANE(log1p)
RL_FIRST_LANE(sigmoid)
RL_FIRST_LANE(tanh)
RL_FIRST_LANE(sin)
RL_FIRST_LANE(cos)
RL_FIRST_LANE(tan)
RL_FIRST_LANE(atan)
RL_FIRST_LANE(erf)
RL_FIRST_LANE(erfc)
RL_FIRST_LANE(asin)
RL_FIRST_LANE(acos)
RL_FIRST_LANE(sinh)
RL_FIRST_LANE(cosh)
RL_FIRST_LANE(asinh)
RL_FIRST_LANE(acosh)
RL_FIRST_LANE(atanh)
#undef RL_FIRST_LANE
RL_INLINE float atan2(float y, float x) { return atan2(Vec<float>(y), Vec<float>(x))[0]; }
RL_INLINE double atan2(double y, double x) { return atan2(Vec<double>(y), Vec<double>(x))[0]; }
RL_INLINE float pow(float a, float b) { return pow(Vec<float>(a), Vec<float>(b))[0]; }
RL_INLINE float pow_number(float a, float b) { return pow_number(Vec<float>(a), Vec<float>(b))[0]; }
RL_INLINE double pow_number(double a, double b) { return pow_number(Vec<double>(a), Vec<double>(b))[0]; }

}  // namespace rl::RL_LEVEL
