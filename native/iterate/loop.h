// What a compiled loop looks like; shared by the plan and by the kernels of every instruction level.
#pragma once
#include <cstdint>

#include "base/cpu_level.h"
#include "base/dtype.h"

namespace rl {

// One inner loop over n elements: data[k] advances by strides[k] bytes. Outputs come first.
using Loop = void (*)(char* const* data, const int64_t* strides, int64_t n);

// A reduction of `kept` rows: element i of the result reduces all positions of the reduced dimensions (innermost
// first), starting at in + i * in_stride. Strides are in bytes.
struct ReduceTask {
  const char* in;
  char* out;
  int64_t kept, in_stride, out_stride;
  int reduced;
  const int64_t *sizes, *strides;
  int64_t count;  // elements that go into one result, over all parts of a split reduction
};
// `partial` writes accumulators (16 bytes each) instead of results; `finish` combines `parts` of them a result.
struct ReduceKernel {
  void (*run)(const ReduceTask& task, bool partial);
  void (*finish)(const char* accumulators, int64_t parts, char* out, int64_t count);
};

// Loops that belong to no row: conversions, [to][from].
struct LevelTables {
  Loop cast[kDTypes][kDTypes];
};
RL_LEVEL_TABLE(LevelTables, level_tables)

}  // namespace rl
