// Operands -> a plan: broadcast, dimensions ordered by memory and merged, strides in bytes. Kernels see one
// dimension at a time: pointers, strides and a count.
#pragma once
#include "iterate/loop.h"
#include "tensor/tensor.h"

namespace rl {

constexpr int kMaxOperands = 8;
constexpr int64_t kGrain = 32768;  // elements below which a loop stays on the caller's thread and keeps the GIL

struct Operand {
  char* data;
  int64_t itemsize;
  DimSpan sizes, strides;  // strides in elements; sizes broadcast against the plan's
  static Operand of(const Tensor* x) {
    return {x->data(), static_cast<int64_t>(size_of(x->dtype)), x->sizes(), x->strides()};
  }
  // One element, the same everywhere.
  static Operand cell(void* data) { return {static_cast<char*>(data), 1, {}, {}}; }
};

// A loop with something of its own to look at: what runs along one dimension when a bare Loop does not do.
struct Inner {
  void (*call)(const void* self, char* const* data, const int64_t* strides, int64_t n);
  const void* self;
};

struct Plan {
  int operands = 0;
  int64_t numel = 1;
  Dims sizes;                  // merged; innermost first
  Dims strides[kMaxOperands];  // bytes, same order
  char* data[kMaxOperands];

  // `sizes`: the broadcast shape. Dimensions are ordered by the operands' strides, the first operand's first.
  Plan(DimSpan sizes, Span<const Operand> operands);
  void run(Loop loop) const;
  void run(const Inner& inner) const;
  void run_part(const Inner& inner, int64_t begin, int64_t end) const;  // these elements, in order, on this thread
};

// The order of dimensions in memory, innermost first, that operands agree on (PyTorch's rule, which decides the
// strides of a fresh output): later dimensions are inner where strides say nothing.
void memory_order(DimSpan sizes, Span<const Operand> operands, int* order);
// Dense strides with that order.
Dims output_strides(DimSpan sizes, Span<const Operand> operands);

// Releases the GIL while alive where the work is worth it.
class Unlocked {
 public:
  explicit Unlocked(int64_t work) : state_(work > kGrain && PyGILState_Check() ? PyEval_SaveThread() : nullptr) {}
  ~Unlocked() {
    if (state_) PyEval_RestoreThread(state_);
  }
  Unlocked(const Unlocked&) = delete;
  Unlocked& operator=(const Unlocked&) = delete;

 private:
  PyThreadState* state_;
};

}  // namespace rl
