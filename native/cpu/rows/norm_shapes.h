// What the normalisations check, and how they see their arguments.
#pragma once
#include "autograd/arguments.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {

inline Ref norm_operand(In x, DType dtype) { return as_contiguous(as_dtype(x, dtype).get()); }
inline Ref norm_operand_or_none(In x, DType dtype) { return x.tensor() ? norm_operand(x, dtype) : Ref(); }

template <class T>
T* values_or_null(const Ref& x) {
  return x ? x->data_as<T>() : nullptr;
}

// The elements of `input` outside of the last dimensions, which are normalized_shape; an error where they are not.
inline int64_t rows_before(const char* op, DimSpan input, DimSpan normalized_shape) {
  RL_CHECK(normalized_shape.n > 0, Runtime, "%s: expected a normalized_shape of 1 or more dimensions, got none", op);
  const int before = input.n - normalized_shape.n;
  uint64_t wrong = 0;
  for (int d = std::max(before, 0); d < input.n; ++d)
    if (before < 0 || input[d] != normalized_shape[d - before]) wrong |= uint64_t(1) << d;
  RL_CHECK(before >= 0 && !wrong, Runtime,
           "%s: expected an input that ends with the sizes %s (normalized_shape), met %s", op,
           to_string(normalized_shape).c_str(), marked_all(input, wrong).c_str());
  return product(DimSpan(input.ptr, before));
}

}  // namespace rl
