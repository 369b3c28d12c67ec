// What the rows of random numbers share: elements of every dtype, and fills in the order in which a tensor's elements
// lie in memory, as PyTorch draws them.
#pragma once
#include <mutex>

#include "cpu/rows/by_dtype.h"
#include "cpu/rows/generator.h"
#include "device/device.h"
#include "iterate/pointwise.h"

namespace rl {

template <class F>
void by_float_bits(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::Float16: return f(Float16Bits());
    case DType::BFloat16: return f(BFloat16Bits());
    default: return by_floating(op, dtype, f);
  }
}

template <class F>
void by_fillable(const char* op, DType dtype, F&& f) {
  if (dtype == DType::Bool) return f(bool());
  if (is_floating(dtype)) return by_float_bits(op, dtype, f);
  return by_number(op, dtype, f);
}

// Calls f(run) for runs of elements that together are all of the operand's, in the order of memory.
template <class T, class F>
void for_each_run(const Operand& operand, F&& f) {
  const Plan plan(operand.sizes, {operand});
  if (plan.numel == 0) return;
  const int ndim = plan.sizes.size();
  const Dims& strides = plan.strides[0];
  int64_t index[kMaxDims] = {};
  char* at = plan.data[0];
  for (;;) {
    f(Run<T>{reinterpret_cast<T*>(at), plan.sizes[0], strides[0] / static_cast<int64_t>(sizeof(T))});
    int d = 1;
    for (; d < ndim; ++d) {
      at += strides[d];
      if (++index[d] < plan.sizes[d]) break;
      at -= plan.sizes[d] * strides[d];
      index[d] = 0;
    }
    if (d >= ndim) return;
  }
}

// Fills `x` by f(run) under the generator's lock, without the GIL where the work is worth it.
template <class T, class F>
void fill_runs(const Operand& x, int64_t numel, Generator& generator, F&& f) {
  Unlocked unlocked(numel);
  const std::lock_guard<std::mutex> lock(generator.mutex);
  for_each_run<T>(x, f);
}

// The real and imaginary parts of a complex tensor along one more dimension; any other tensor as it is.
struct Parts {
  Dims sizes, strides;
  DType dtype;
  char* data;

  explicit Parts(const Tensor* x) : sizes(x->sizes()), strides(x->strides()), dtype(x->dtype), data(x->data()) {
    if (!is_complex(dtype)) return;
    dtype = real_of(dtype);
    for (int64_t& s : strides) s *= 2;
    sizes.push_back(2);
    strides.push_back(1);
  }
  Operand operand() const { return {data, static_cast<int64_t>(size_of(dtype)), sizes, strides}; }
};

// Refuses what a fill cannot write: complex numbers, and elements that share memory.
inline void check_random(const char* op, const Tensor* x) {
  if (is_complex(x->dtype)) no_kernel(op, x->dtype);
  check_no_internal_overlap(x, op);
}

}  // namespace rl
