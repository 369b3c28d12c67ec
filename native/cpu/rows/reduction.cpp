#include "cpu/rows/reduction.h"

#include "gen/loops.h"

namespace rl {

Ref reduced(const PointwiseRow& row, Span<const Arg> args, int64_t reduction) {
  RL_CHECK(reduction >= 0 && reduction <= 2, Value, "%s: reduction must be 0 (none), 1 (mean) or 2 (sum), got %lld",
           row.name, (long long)reduction);
  if (reduction == 0) return pointwise(row, args);
  return pointwise_reduced(row, args, picked_reduction_loops().kernels[reduction == 1 ? loop_mean : loop_sum]);
}

double reduction_scale(const PointwiseRow& row, Span<const Arg> args, int64_t reduction) {
  if (reduction != 1) return 1;
  const Tensor* first = nullptr;
  Dims sizes;
  for (const Arg& a : args) {
    if (!a.tensor || (first && a.tensor->sizes() == first->sizes())) continue;
    sizes = first ? broadcast_sizes(sizes, a.tensor->sizes(), row.name) : Dims(a.tensor->sizes());
    if (!first) first = a.tensor;
  }
  return 1 / static_cast<double>(product(sizes));
}

void connect_operand(Node* node, int k, const Tensor* x, Span<const Arg> args) {
  for (const Arg& a : args)
    if (a.tensor && (a.tensor->dtype != x->dtype || !(a.tensor->sizes() == x->sizes())))
      return connect(node, k, x, a.tensor);
  connect(node, k, x);
}

}  // namespace rl
