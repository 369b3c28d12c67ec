// Runs the backward pass: in the calling thread, without recursion.
#pragma once
#include "autograd/node.h"

namespace rl {

struct BackwardOptions {
  bool retain_graph = false, create_graph = false;
  bool accumulate = true;           // into the leaves; false: only `inputs` are captured
  Span<Tensor* const> inputs = {};  // empty: all leaves
  uint64_t since = 0;               // nodes older than this lead to none of the inputs
};

// d(sum of tensors * gradients). A missing gradient of a one-element tensor is 1.
// With inputs: the gradient of each (empty where none arrives), unless accumulate.
std::vector<Ref> run_backward(Span<Tensor* const> tensors, Span<const Ref> gradients, const BackwardOptions& options);

}  // namespace rl
