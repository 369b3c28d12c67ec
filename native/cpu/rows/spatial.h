// Arguments of convolution and pooling that may be one number for all spatial dimensions.
#pragma once
#include "base/error.h"
#include "tensor/layout.h"

namespace rl {

inline Dims for_each_dimension(const char* op, const char* name, DimSpan given, int spatial) {
  if (given.n == 1) return Dims(spatial, given[0]);
  RL_CHECK(given.n == spatial, Runtime, "%s: %s must be one number or %d of them, got %s", op, name, spatial,
           to_string(given).c_str());
  return Dims(given);
}

// The numbers fit 32 bits, so that a product of two of them fits 64.
inline void check_each(const char* op, const char* name, DimSpan given, int spatial, int64_t least) {
  RL_CHECK(given.n == spatial, Runtime, "%s: %s must have %d numbers, one for each spatial dimension, got %s", op, name,
           spatial, to_string(given).c_str());
  for (int64_t v : given)
    RL_CHECK(v >= least, Runtime, "%s: %s must be at least %lld everywhere, got %s", op, name, (long long)least,
             to_string(given).c_str());
  for (int64_t v : given)
    RL_CHECK(v <= INT32_MAX, Runtime, "%s: %s must be below 2^31 everywhere, got %s", op, name,
             to_string(given).c_str());
}

// Fewer than three dimensions fill a kernel's descriptor from the back.
inline void fill_from_back(DimSpan from, int64_t (&to)[3]) {
  for (int i = 0; i < from.n; ++i) to[3 - from.n + i] = from[i];
}

inline DimSpan spatial_sizes(DimSpan sizes) { return {sizes.ptr + 2, sizes.n - 2}; }

}  // namespace rl
