#include "autograd/forward.h"

#include "autograd/engine.h"
#include "device/create.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {

// ------------------------------------------------------------------ a tensor's tangent

Ref tangent_of(const Tensor* x) {
  if (!is_dual(x)) return Ref();
  if (!x->autograd || !x->autograd->tangent) {  // its base got one after this view was made
    ModeGuard recording(kGradOff | kInferenceMode | kHooked, kForwardOff);
    const Tensor* of_base = x->base->autograd->tangent->value;
    hold_tangent(const_cast<Tensor*>(x), view_again(of_base, x->dtype, x->layout(), x->base->offset));
  }
  return Ref::retain(x->autograd->tangent->value);
}

namespace {

bool same_strides(const Tensor* x, const Tensor* y) {
  for (int i = 0; i < x->ndim; ++i)
    if (x->dims[i] != 1 && x->strides()[i] != y->strides()[i]) return false;
  return true;
}

// Memory laid out as x's is, so that every view of x can be made of it too.
Ref zeros_laid_out_as(const Tensor* x, DType dtype) {
  Ref y = empty_strided(x->sizes(), x->strides(), dtype, x->device);
  fill(y.get(), Scalar(0));
  return y;
}

}  // namespace

void set_tangent(Tensor* x, Ref tangent) {
  if (x->numel && !same_strides(x, tangent.get())) {
    ModeGuard plain(0, kForwardOff);
    Ref laid_out = zeros_laid_out_as(x, tangent->dtype);
    ops::copy_(laid_out, tangent);
    tangent = std::move(laid_out);
  }
  hold_tangent(x, std::move(tangent));
}

static void write_tangent(Tensor* x, Ref tangent) {
  Ref at = tangent_of(x);
  if (!at && x->base) {
    Tensor* base = x->base;
    hold_tangent(base, zeros_laid_out_as(base, base->dtype));
    at = tangent_of(x);
  }
  if (!at) return set_tangent(x, std::move(tangent));
  ModeGuard plain(0, kForwardOff);
  ops::copy_(at, tangent);
}

// ------------------------------------------------------------------ edges

namespace {
void ignore_gradient(Node*, BackwardCall&) {}
void keep(Node*) {}
int visit_nothing(Node*, visitproc, void*) { return 0; }
NodeType tangent_edge_kind = {"TangentEdge", sizeof(Node), ignore_gradient, keep, visit_nothing};
}  // namespace

Edge tangent_edge() {
  static Node* node = allocate_node(tangent_edge_kind, 0, 1, nullptr);
  Edge e{node, 0, nullptr};
  retain(e);
  return e;
}

// While alive, the node serves forward mode; after that it is the backward pass's alone.
class Borrowed {
 public:
  Borrowed(Node* node, bool records) : node_(node) { node_->unrecorded = !records; }
  ~Borrowed() {
    node_->unrecorded = false;
    for (int k = 0; k < node_->n_edges; ++k)
      if (Edge& e = node_->edges[k]; e.node && e.node->kind == &tangent_edge_kind) drop(e);
  }
  Borrowed(const Borrowed&) = delete;

 private:
  Node* node_;
};

// ------------------------------------------------------------------ a row's tangents

namespace {

// Each element of the result depends on one of each input: the gradient's formula, read with the tangent in the place
// of g, is the derivative itself.
Ref sum_of_formulas(Node* node, const std::vector<Ref>& t, const Tensor* y, bool graph) {
  ModeGuard mode(0, kForwardOff | (graph ? 0u : uint32_t(kGradOff)));
  Ref sum;
  for (size_t k = 0; k < t.size(); ++k) {
    if (!t[k]) continue;
    Ref g = t[k]->dtype == y->dtype ? t[k] : ops::_to_copy(t[k], y->dtype);
    if (!(g->sizes() == y->sizes())) g = ops::expand(g, y->sizes());
    std::vector<Ref> out(t.size());
    BackwardCall call{&g, out.data(), need_bit(static_cast<int>(k)), graph};
    node->kind->apply(node, call);
    if (out[k]) sum = sum ? ops::add(sum, out[k], Scalar(1)) : out[k];
  }
  return sum && sum->dtype != y->dtype ? ops::_to_copy(sum, y->dtype) : sum;
}

// The gradient is a linear function of g, the transpose of the derivative: its own gradient is the derivative.
std::vector<Ref> transposed_twice(Node* node, const std::vector<Ref>& t, Span<Tensor* const> outputs, bool graph) {
  BackwardOptions options;
  options.since = next_sequence;
  options.accumulate = false;
  options.create_graph = graph;
  std::vector<Ref> g(node->n_outputs), out(t.size()), wanted;
  std::vector<Place> variables, roots;
  ModeGuard mode(kGradOff, kForwardOff);
  uint64_t need = 0;
  for (size_t k = 0; k < t.size(); ++k)
    if (t[k]) need |= need_bit(static_cast<int>(k));
  for (int i = 0; i < outputs.n; ++i) {
    if (!outputs[i]) continue;
    g[i] = full(outputs[i]->sizes(), Scalar(0), outputs[i]->dtype, outputs[i]->device);
    g[i]->flags |= kRequiresGrad;
    variables.emplace_back(g[i].get());
  }
  BackwardCall call{g.data(), out.data(), need, true};
  node->kind->apply(node, call);
  for (size_t k = 0; k < t.size(); ++k) {
    if (!t[k] || !out[k]) continue;
    if (node->edges[k].expected) out[k] = finish_gradient(std::move(out[k]), *node->edges[k].expected);
    if (!out[k]->requires_grad()) continue;  // zero, whatever g is
    roots.emplace_back(out[k].get());
    wanted.push_back(t[k]);
  }
  options.inputs = Span<const Place>(variables.data(), static_cast<int>(variables.size()));
  std::vector<Ref> found(variables.size());
  if (!roots.empty())
    found = run_backward(Span<const Place>(roots.data(), static_cast<int>(roots.size())),
                         Span<const Ref>(wanted.data(), static_cast<int>(wanted.size())), options);
  std::vector<Ref> result(outputs.n);
  for (int i = 0, n = 0; i < outputs.n; ++i)
    if (outputs[i]) result[i] = std::move(found[n++]);
  return result;
}

}  // namespace

std::vector<Ref> ForwardCall::tangents(Span<Tensor* const> outputs, const Tensor* written) {
  std::vector<Ref> t(inputs.size());
  bool plain = node->kind->elementwise && !is_complex(outputs[0]->dtype), graph = records;
  for (size_t k = 0; k < inputs.size(); ++k) {
    t[k] = tangent_of(inputs[k]);
    plain &= !t[k] || !is_complex(inputs[k]->dtype);
    graph |= t[k] && t[k]->requires_grad();
  }
  graph &= grad_enabled();
  const Ref overwritten = graph && written ? tangent_of(written) : Ref();
  for (Ref& in : t)  // the graph keeps a copy of what is about to be written
    if (overwritten && in && in->storage == overwritten->storage) {
      ModeGuard mode(0, kForwardOff);
      in = ops::clone(in);
    }
  Borrowed borrowed(node, records);
  std::vector<Ref> found;
  if (plain) {
    found.push_back(sum_of_formulas(node, t, outputs[0], graph));
  } else {
    found = transposed_twice(node, t, outputs, graph);
  }
  ModeGuard own_memory(0, kForwardOff);
  for (int i = 0; i < outputs.n; ++i) {
    if (!outputs[i]) continue;
    if (!found[i]) found[i] = zeros_laid_out_as(outputs[i], outputs[i]->dtype);
    for (const Ref& in : t)
      if (in && found[i]->storage == in->storage) found[i] = ops::clone(found[i]);
  }
  return found;
}

void ForwardCall::finish(std::initializer_list<Tensor*> outputs) {
  std::vector<Tensor*> real(outputs);
  for (Tensor*& y : real)
    if (y && !is_differentiable(y->dtype)) y = nullptr;
  std::vector<Ref> found = tangents(Span<Tensor* const>(real.data(), static_cast<int>(real.size())));
  for (size_t i = 0; i < real.size(); ++i)
    if (real[i]) set_tangent(real[i], std::move(found[i]));
}

void ForwardCall::finish_inplace(Tensor* written) {
  Tensor* outputs[] = {written};
  write_tangent(written, std::move(tangents(Span<Tensor* const>(outputs, 1), written)[0]));
}

Ref copy_before_write(const Tensor* x) { return ops::clone(x); }

void adopt(Tensor* x, const Ref& result) {
  if (Ref tangent = tangent_of(result.get()))
    write_tangent(x, tangent->dtype == x->dtype ? tangent : ops::_to_copy(tangent, x->dtype));
  if (!result->grad_fn) return;
  if (x->base) {  // its base's node runs a copy's: the tangent needs that of `result`
    ops::copy_(x, result);
  } else {
    rebase_history(x, NodeRef::retain(result->grad_fn), result->output_nr);
  }
}

Ref become(Tensor* x, const Ref& result) {
  copy_into(x, result.get());
  bump_version(x);
  adopt(x, result);
  return Ref::retain(x);
}

void no_forward_formula(const char* op) {
  fail(ErrorType::NotImplemented,
       "%s: forward AD has no formula for this operation, and an input has a tangent; use unpack_dual(x).primal or "
       ".detach() where no derivative is wanted",
       op);
}

}  // namespace rl
