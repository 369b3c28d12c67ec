// How tensors join the graph: edges of inputs, history of outputs, in-place writes, views.
#pragma once
#include "autograd/anomaly.h"
#include "autograd/arguments.h"

namespace rl {

inline bool wants_grad(const Tensor* x) { return x && x->requires_grad(); }
inline bool wants_grad(const Arg& a) { return a.tensor && wants_grad(a.tensor); }
inline bool wants_grad(In x) { return wants_grad(x.tensor()); }
inline bool wants_grad(const Tensors& list) {
  for (const Ref& r : list)
    if (r && r->requires_grad()) return true;
  return false;
}
inline bool wants_grad(const Ref& r) { return r && wants_grad(r.get()); }

// The node that receives x's gradient: grad_fn (made anew for a view whose base was written), or the leaf's
// accumulator.
Edge gradient_edge(const Tensor* x);
// Sets node->edges[k] to x's edge, if x wants a gradient. With `like`, remembers x's shape and dtype where they differ
// from that tensor's, whose gradient arrives.
void connect(Node* node, int k, const Tensor* x, const Tensor* like = nullptr);
// The same where only the dtype can differ: the row's own formula gives the right shape.
void connect_dtype(Node* node, int k, const Tensor* x, const Tensor* like);
inline void connect_dtype(Node* node, int k, const Arg& a, const Tensor* like) {
  if (a.tensor) connect_dtype(node, k, a.tensor, like);
}
inline void connect(Node* node, int k, const Arg& a, const Tensor* like = nullptr) {
  if (a.tensor) connect(node, k, a.tensor, like);
}
// An input that no derivative is known by.
void refuse_gradient_by(const char* op, const char* input);
inline void refuse_gradient(const Arg& a, const char* op, const char* input) {
  if (wants_grad(a) && grad_enabled()) [[unlikely]]
    refuse_gradient_by(op, input);
}
inline void refuse_gradient(In x, const char* op, const char* input) { refuse_gradient(Arg(x.tensor()), op, input); }
// y is output `nr` of `node` (whose reference is not taken).
void set_history(Tensor* y, Node* node, uint32_t nr = 0);
Node* grad_fn_of(Tensor* x);
// `value`, a saved result of `node`, with the history it had: output `nr` of the node.
Ref with_output_history(const Tensor* value, Node* node, uint32_t nr);
Node* accumulator_of(const Tensor* leaf);  // owned by the leaf

// Before an in-place operation on x: raises where that is not allowed.
void check_inplace(const Tensor* x, const char* op, bool records);
inline void bump_version(Tensor* x) {
  ++x->storage->version;
  if (anomaly_mode) [[unlikely]]
    note_write(x->storage);
}
// After it: x's history is output `nr` of `node` now; for a view, its base's history is rewritten. nullptr: nothing was
// recorded. `written`: the edge of `node` that leads to what x was before.
void rebase_history(Tensor* x, Handle<Node> node, uint32_t nr = 0, int written = 0);
// A result that was asked for in a dtype without gradients, of an input that wants one.
void check_differentiable(DType dtype, const char* op);
// Neither does an inference tensor change outside inference_mode.
void check_writable(const Tensor* x, const char* op);
void check_out(const Tensor* out, const char* op, bool records, bool duals = false);

// The complex conjugate; a real tensor itself. A formula is written for real numbers; for complex ones the gradient is
// conj(formula(conj(g))).
Ref complex_conjugate(const Ref& x);
inline Ref conjugated(Ref x) { return x && is_complex(x->dtype) ? complex_conjugate(x) : x; }
inline std::vector<Ref> conjugated(std::vector<Ref> list) {
  for (Ref& x : list) x = conjugated(std::move(x));
  return list;
}

// A gradient as the input at that edge needs it: summed over broadcast dimensions, real, of its dtype.
Ref finish_gradient(Ref g, const Expected& expected);

// Registers a view of `x`: the part of every view row that is not layout.
inline void finish_view(Tensor* view, const Tensor* x) {
  if (x->flags & kInference) return;
  set_view(view, const_cast<Tensor*>(x), grad_enabled() ? ViewOrigin::Plain : ViewOrigin::NoGrad);
}
// A view of a base that began at `base_offset`, made again by its places of `on`, which is laid out as the base was.
Ref view_again(const Tensor* on, DType dtype, Layout view, int64_t base_offset);

}  // namespace rl
