// The node at a leaf: adds the gradient that arrives to the leaf's .grad.
#pragma once
#include "autograd/node.h"

namespace rl {

Node* new_accumulator(Tensor* leaf);  // owned by the leaf
bool is_accumulator(const Node* node);
Tensor* leaf_of(const Node* accumulator);
void set_grad(Tensor* leaf, Ref grad);

}  // namespace rl
