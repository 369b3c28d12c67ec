// Python callables around the engine's steps.
#pragma once
#include "autograd/node.h"

namespace rl {

// Each hook may return a gradient in place of the one it got.
Ref run_tensor_hooks(PyObject* hooks, Ref g);
void run_post_accumulate_hooks(PyObject* hooks, Tensor* leaf);
// Hooks of the tensors that are a node's outputs (of the leaf, for its accumulator): may replace entries of g.
void run_output_hooks(Node* node, Ref* g);
void run_pre_hooks(Node* node, Ref* g);
void run_post_hooks(Node* node, Ref* out, Ref* g);
// The gradient at output `nr` of `node` is added to x.grad in each backward pass.
void retain_gradient(Tensor* x, Node* node, uint32_t nr);
// The same for a tensor that may be a leaf, or be retaining already.
void retain_gradient(Tensor* x);
PyObject* gradients_tuple(Ref* g, int n);
// The node's dict for whoever wants to note something, made when it is first asked for.
PyObject* metadata_of(Node* node);

}  // namespace rl
