// What a tensor keeps for autograd beyond its grad_fn: data only, no behaviour.
#pragma once
#include "tensor/tensor.h"

namespace rl {

// How a view was made; decides which in-place writes to it are refused.
enum class ViewOrigin : uint8_t { Plain, NoGrad, MultiView, CustomFunction, Inference };

// What a view is of: the row and its arguments, so that a chain of views can be replayed over another base.
struct ViewStep {
  using Replay = Ref (*)(const Tensor* on, const int64_t* args);
  uint32_t refs;          // its tensor, and what replays through it
  uint32_t seen_version;  // the storage's version when the tensor's grad_fn was last right
  Tensor* base;           // the tensor that owns the history; nullptr once the view is gone
  Replay replay;
  ViewStep* previous;  // the step that made what this one looked at; nullptr: the base itself
  ViewOrigin origin;
  bool many_args;
  union {
    int64_t few[6];
    int64_t* many;
  };
  const int64_t* args() const { return many_args ? many : few; }
};

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

void drop(ViewStep* step);
// `x` is a view no more: neither writes nor tangents reach its base.
void forget_base(Tensor* x);
// `view` (fresh, no history) looks at `of` through the row `replay`. Retains what it keeps.
void set_view(Tensor* view, Tensor* of, ViewStep::Replay replay, Span<const int64_t> args, ViewOrigin origin);

}  // namespace rl
