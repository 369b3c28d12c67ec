// The argument `reduction` of losses: 0 none, 1 mean, 2 sum.
#pragma once
#include "autograd/history.h"
#include "iterate/pointwise.h"

namespace rl {

// The row's elements, or their mean or sum, computed in the same pass.
Ref reduced(const PointwiseRow& row, Span<const Arg> args, int64_t reduction);
// What the gradient of one element is multiplied by.
double reduction_scale(const PointwiseRow& row, Span<const Arg> args, int64_t reduction);
// Sets node->edges[k] to x's edge. What arrives has the shape and dtype that all operands come to.
void connect_operand(Node* node, int k, const Tensor* x, Span<const Arg> args);

}  // namespace rl
