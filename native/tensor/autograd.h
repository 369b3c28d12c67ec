// What a tensor keeps for autograd beyond its grad_fn: data only, no behaviour.
#pragma once
#include "tensor/tensor.h"

namespace rl {

struct Autograd;

// Forward mode: what a tensor changes by. The tangents of the open level form a list, so that its end drops them all.
struct Tangent {
  Tensor* value;
  Autograd* owner;
  Tangent *before, *after;
};

struct Autograd {
  Tensor* grad;
  PyObject* accumulator;  // the leaf's AccumulateGrad node
  PyObject* hooks;        // dict of tensor hooks of a leaf, or nullptr
  PyObject* post_accumulate_hooks;
  Tangent* tangent;
  bool retains_grad;
};

Autograd* new_autograd();
void free_autograd(Autograd* a);
inline Autograd* autograd_of(Tensor* x) { return x->autograd ? x->autograd : (x->autograd = new_autograd()); }

void hold_tangent(Tensor* x, Ref value);  // in place of the one it has
void drop_tangent(Autograd* a);
void drop_all_tangents();

// `x` is a view no more: neither writes nor tangents reach its base.
void forget_base(Tensor* x);
// `view` (fresh, no history) looks at `of`.
inline void set_view(Tensor* view, Tensor* of, ViewOrigin origin) {
  view->origin = of->base && origin == ViewOrigin::Plain ? of->origin : origin;
  view->base = of->base ? of->base : of;
  view->seen_version = view->storage->version;
  Py_INCREF(reinterpret_cast<PyObject*>(view->base));
}

}  // namespace rl
