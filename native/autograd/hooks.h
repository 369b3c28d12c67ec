// Python callables around the engine's steps.
#pragma once
#include "autograd/node.h"

namespace rl {

// Each hook may return a gradient in place of the one it got.
Ref run_tensor_hooks(PyObject* hooks, Ref g);
void run_post_accumulate_hooks(PyObject* hooks, Tensor* leaf);
// Hooks on a node's outputs, then its pre-hooks: may replace entries of g.
void run_pre_hooks(Node* node, Ref* g);
void run_post_hooks(Node* node, Ref* out, Ref* g);
PyObject* gradients_tuple(Ref* g, int n);

}  // namespace rl
