// What the table's reduction rows share: dims, dtypes, outputs, and the call of a compiled kernel.
#pragma once
#include <optional>

#include "iterate/plan.h"
#include "tensor/promote.h"

namespace rl {

struct ReductionRow {
  const char* name;
  int index;
  bool integers_to_int64;  // sum, prod: integers and bools accumulate and result in int64
  bool floating_only;      // mean: integers are an error
  bool bool_output;
  bool has_start;  // false: reducing no elements is an error (max)
  const ReduceKernel (*kernels)[kDTypes];
};

// Bit d: dimension d is reduced. No dims, or an empty list: all of them.
uint64_t reduced_mask(const Tensor* x, DimSpan dims, const char* op);
Dims reduced_sizes(const Tensor* x, uint64_t mask, bool keepdim);
Ref reduce(const ReductionRow& row, const Tensor* x, DimSpan dims, bool keepdim, std::optional<DType> dtype);
// The shape `g` (a reduction's output, or its gradient) has with the reduced dimensions kept as size 1.
Dims kept_sizes(DimSpan input_sizes, uint64_t mask);
// How many elements went into one result.
int64_t reduced_count(DimSpan input_sizes, uint64_t mask);

}  // namespace rl
