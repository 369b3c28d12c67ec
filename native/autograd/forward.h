// Forward mode: while a level is open, tensors carry tangents, and every row computes those of its results.
#pragma once
#include "autograd/history.h"

namespace rl {

inline const Tensor* tensor_in(const Tensor* x) { return x; }
inline const Tensor* tensor_in(In x) { return x.tensor(); }
inline const Tensor* tensor_in(const Arg& a) { return a.tensor; }
inline const Tensor* tensor_in(const Ref& r) { return r.get(); }

// Whether x has a tangent: its own, or as a view that of its base.
inline bool is_dual(const Tensor* x) {
  if (!x) return false;
  const Autograd* of_base = x->base ? x->base->autograd : nullptr;
  return (x->autograd && x->autograd->tangent) || (of_base && of_base->tangent);
}
inline bool is_dual(const Tensors& list) {
  for (const Ref& r : list)
    if (is_dual(r.get())) return true;
  return false;
}
template <class T>
bool is_dual(const T& argument) {
  return is_dual(tensor_in(argument));
}
// Whether a call with these arguments has to compute tangents.
template <class... T>
bool any_dual(const T&... arguments) {
  return forward_enabled() && (is_dual(arguments) || ...);
}

// x's tangent, of its sizes; empty where it has none.
Ref tangent_of(const Tensor* x);
// Gives x a tangent, copied where it is not laid out as x is.
void set_tangent(Tensor* x, Ref tangent);

// A call of a row as forward mode sees it: its node, whose edges are those of `inputs`, and whether that stays in the
// graph.
struct ForwardCall {
  Node* node;
  std::vector<const Tensor*> inputs;
  bool records;

  template <class... T>
  ForwardCall(Node* node, bool records, const T&... arguments) : node(node), records(records) {
    (add(arguments), ...);
  }
  // Sets the tangents of what the row returned; nullptr: an output that is not differentiable.
  void finish(std::initializer_list<Tensor*> outputs);
  // Writes that of the tensor the row wrote, and so that of its base.
  void finish_inplace(Tensor* written);

 private:
  void add(const Tensors& list) {
    for (const Ref& r : list) inputs.push_back(r.get());
  }
  template <class T>
  void add(const T& argument) {
    inputs.push_back(tensor_in(argument));
  }
  std::vector<Ref> tangents(Span<Tensor* const> outputs, const Tensor* written = nullptr);
};

// x's value, tangent and history for a call that is about to write x and needs them after that.
Ref copy_before_write(const Tensor* x);
// x, which holds the values of `result` now, takes its tangent and its history over; `result` was made from x, by edge
// 0 of its node.
void adopt(Tensor* x, const Ref& result);
// x takes the values of such a result too: the in-place form of a row that has none of its own.
Ref become(Tensor* x, const Ref& result);

// The tangent of a view is the same view of its input's.
template <class View>
void set_view_tangent(Tensor* view, const Tensor* of, View view_of) {
  Ref tangent = tangent_of(of);
  ModeGuard plain(0, kForwardOff);
  hold_tangent(view, view_of(tangent.get()));
}
// The edge of an input that has a tangent but no history: it only says that its gradient's formula is wanted.
Edge tangent_edge();
// A row without a formula met an input with a tangent.
[[noreturn, gnu::cold]] void no_forward_formula(const char* op);

}  // namespace rl
