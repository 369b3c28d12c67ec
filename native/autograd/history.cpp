#include "autograd/history.h"

#include "autograd/accumulate.h"
#include "autograd/forward.h"
#include "autograd/hooks.h"
#include "device/create.h"
#include "gen/ops/complex.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {

// ------------------------------------------------------------------ edges

Node* accumulator_of(const Tensor* leaf) {
  Autograd* a = autograd_of(const_cast<Tensor*>(leaf));
  return a->accumulator ? reinterpret_cast<Node*>(a->accumulator) : new_accumulator(const_cast<Tensor*>(leaf));
}

// Views whose history cannot be made anew after an in-place write.
[[gnu::cold]] static void check_origin(ViewOrigin origin, const char* op) {
  switch (origin) {
    case ViewOrigin::MultiView:
      fail(ErrorType::Runtime,
           "%s: this tensor is one of several views that one operation returned (split, unbind, chunk), and cannot be "
           "changed in place while "
           "gradients are recorded; use the out-of-place form, or .clone() it",
           op);
    case ViewOrigin::NoGrad:
      fail(ErrorType::Runtime,
           "%s: this view was made under no_grad() and it or its base was changed in place, so its history is unclear; "
           "make the view "
           "outside no_grad(), or change and use it inside",
           op);
    case ViewOrigin::CustomFunction:
      fail(
          ErrorType::Runtime,
          "%s: this view was returned by a custom autograd Function, and cannot be changed in place; .clone() it first",
          op);
    default: break;
  }
}

Ref view_again(const Tensor* on, DType dtype, Layout view, int64_t base_offset) {
  const int64_t moved = on->offset - base_offset;
  Ref at = Ref::retain(const_cast<Tensor*>(on));
  if (dtype == on->dtype) {
    view.offset += moved;
  } else if (is_complex(on->dtype)) {  // the parts of complex numbers
    view.offset += 2 * moved;
    at = ops::view_as_real(on);
  } else {  // pairs as complex numbers
    view.offset += moved / 2;
    const int64_t n = static_cast<int64_t>(*bytes_reached(view.sizes, view.strides, 0, 1));
    at = ops::view_as_complex(ops::as_strided(on, Dims{n, 2}, Dims{2, 1}, 2 * view.offset));
  }
  bool found = dtype != on->dtype && at->sizes() == DimSpan(view.sizes) && at->strides() == DimSpan(view.strides) &&
               at->offset == view.offset;
  return found ? at : ops::as_strided(at.get(), view.sizes, view.strides, view.offset);
}

Node* grad_fn_of(Tensor* x) {
  if (x->base && x->seen_version != x->storage->version && x->base->requires_grad()) {
    if (x->origin != ViewOrigin::Plain) check_origin(x->origin, "grad_fn");
    // The base was written since this view was made: its history leads through the base's now. Through integers no
    // gradient comes, so that they only point to it.
    ModeGuard recording(kGradOff | kInferenceMode | kHooked, 0);
    Ref again = is_differentiable(x->dtype) ? view_again(x->base, x->dtype, x->layout(), x->base->offset)
                                            : Ref::retain(x->base);
    set_history(x, again->grad_fn, again->output_nr);
    x->seen_version = x->storage->version;
  }
  return x->grad_fn;
}

// Fills the edge, which is empty, where x wants a gradient; whether it does.
static inline bool lead_to(Edge& e, const Tensor* x) {
  Tensor* t = const_cast<Tensor*>(x);
  e.node = t->base ? grad_fn_of(t) : t->grad_fn;
  if (e.node) {
    e.nr = t->output_nr;
  } else if (t->flags & kRequiresGrad) {
    e.node = accumulator_of(x);
  } else {
    return false;
  }
  retain(e);
  return true;
}
Edge gradient_edge(const Tensor* x) {
  Edge e;
  lead_to(e, x);
  return e;
}

// An input with a tangent but no history gets an edge too: forward mode asks for its formula.
static inline bool lead_to_input(Edge& e, const Tensor* x) {
  if (!x) return false;
  if (grad_enabled() && lead_to(e, x)) [[likely]]
    return true;
  if (!any_dual(x)) return false;
  e = tangent_edge();
  return true;
}

void connect(Node* node, int k, const Tensor* x, const Tensor* like) {
  Edge& e = node->edges[k];
  if (lead_to_input(e, x) && like && (x->dtype != like->dtype || !(x->sizes() == like->sizes())))
    e.expected = new Expected{x->dtype, Dims(x->sizes())};
}

void connect_dtype(Node* node, int k, const Tensor* x, const Tensor* like) {
  Edge& e = node->edges[k];
  if (lead_to_input(e, x) && x->dtype != like->dtype) e.expected = new Expected{x->dtype, Dims(x->sizes())};
}

void refuse_gradient_by(const char* op, const char* input) {
  fail(ErrorType::Runtime, "%s: no derivative by %s is known, and it wants a gradient; give %s.detach()", op, input,
       input);
}

void set_history(Tensor* y, Node* node, uint32_t nr) {
  Py_INCREF(reinterpret_cast<PyObject*>(node));
  PyObject* old = reinterpret_cast<PyObject*>(y->grad_fn);
  y->grad_fn = node;
  y->output_nr = nr;
  Py_XDECREF(old);
  track(y);
}

// ------------------------------------------------------------------ views

namespace {

// The base's history after an in-place write `inner` to one of its views.
struct CopySlices : Node {
  NodeRef inner;
  int written;  // the edge of `inner` that leads to the written tensor
  DType dtype, base_dtype;
  Layout base, view;
};

// A copy of g in memory laid out as the base's is.
Ref copied_as(const Ref& g, const Layout& base) {
  if (is_contiguous(base.sizes, base.strides)) return ops::clone(g.get(), MemoryFormat::Contiguous);
  Ref copy = empty_strided(base.sizes, base.strides, g->dtype, g->device);
  ops::copy_(copy.get(), g.get());
  return copy;
}

void copy_slices_apply(Node* self, BackwardCall& call) {
  auto* n = static_cast<CopySlices*>(self);
  if (n->released) released_error(n);
  Ref result = copied_as(call.g[0], n->base);
  Ref slice = view_again(result.get(), n->dtype, n->view, n->base.offset);
  Ref inner_g = ops::clone(slice.get());
  std::vector<Ref> out(n->inner->n_edges);
  BackwardCall inner{&inner_g, out.data(), call.need, call.create_graph};
  n->inner->kind->apply(n->inner.get(), inner);
  if (out[n->written]) {
    ops::copy_(slice.get(), out[n->written].get());
  } else {
    ops::zero_(slice.get());
  }
  for (int k = 0; k < n->n_edges; ++k) call.out[k] = k == n->written ? result : std::move(out[k]);
}

void copy_slices_release(Node* self) {
  auto* n = static_cast<CopySlices*>(self);
  if (n->inner) {
    n->inner->kind->release(n->inner.get());
    n->inner->released = true;
    hooks_of(n->inner.get())->slices = nullptr;
  }
  n->inner = NodeRef();
}

int copy_slices_traverse(Node* self, visitproc visit, void* arg) {
  auto* n = static_cast<CopySlices*>(self);
  Py_VISIT(reinterpret_cast<PyObject*>(n->inner.get()));
  return 0;
}

void copy_slices_destruct(Node* self) {
  static_cast<CopySlices*>(self)->base.~Layout();
  static_cast<CopySlices*>(self)->view.~Layout();
}

NodeType copy_slices_kind = {"CopySlices",        sizeof(CopySlices),   copy_slices_apply,
                             copy_slices_release, copy_slices_traverse, copy_slices_destruct};

// `inner` wrote to `view`, to which its edge `written` leads.
NodeRef copy_slices(Tensor* view, NodeRef inner, int written) {
  int n = inner->n_edges;
  auto* node = static_cast<CopySlices*>(allocate_node(copy_slices_kind, n, 1, nullptr));
  new (&node->inner) NodeRef();
  const Tensor* base = view->base;
  new (&node->base) Layout(base->layout());
  new (&node->view) Layout(view->layout());
  node->dtype = view->dtype;
  node->base_dtype = base->dtype;
  for (int k = 0; k < n; ++k)
    if (k != written) std::swap(node->edges[k], inner->edges[k]);
  drop(inner->edges[written]);
  hooks_of(inner.get())->slices = node;
  node->written = written;
  node->inner = std::move(inner);
  node->edges[written] = gradient_edge(base);
  if (anomaly_mode) note_forward(node);
  return NodeRef::steal(node);
}

}  // namespace

Ref with_output_history(const Tensor* value, Node* node, uint32_t nr) {
  Ref y = alias(value);
  if (!node->hooks || !node->hooks->slices) {
    set_history(y.get(), node, nr);
    return y;
  }
  // The value was written to a view: its history leads through the view of what the base became.
  auto* slices = static_cast<CopySlices*>(node->hooks->slices);
  Ref base = alias(value, slices->base, slices->base_dtype);
  set_history(base.get(), slices);
  ModeGuard recording(kGradOff | kInferenceMode | kHooked, 0);
  Ref view = view_again(base.get(), value->dtype, value->layout(), slices->base.offset);
  set_history(y.get(), view->grad_fn, view->output_nr);
  return y;
}

// ------------------------------------------------------------------ in-place

void check_writable(const Tensor* x, const char* op) {
  RL_CHECK(!(x->flags & kInference) || (modes & kInferenceMode), Runtime,
           "%s: an inference tensor cannot be changed in place outside inference_mode; .clone() it first", op);
}

void check_inplace(const Tensor* x, const char* op, bool records) {
  check_writable(x, op);
  if (!grad_enabled()) return;
  if (!x->base) {
    RL_CHECK(!(x->flags & kRequiresGrad), Runtime,
             "%s: a leaf tensor that requires grad cannot be changed in place: its gradient would be lost; work under "
             "no_grad(), on x.detach(), or on a "
             ".clone()",
             op);
    return;
  }
  if (!records && !x->requires_grad()) return;
  RL_CHECK(!x->requires_grad() || x->base->grad_fn, Runtime,
           "%s: this is a view of a leaf tensor that requires grad, and cannot be changed in place; work under "
           "no_grad(), or on a .clone()",
           op);
  check_origin(x->origin, op);
  RL_CHECK(!x->requires_grad() || x->grad_fn, Runtime,
           "%s: this view is older than the history of its base, and has none of its own yet; make the view anew, or "
           "read its .grad_fn first",
           op);
}

void check_differentiable(DType dtype, const char* op) {
  RL_CHECK(is_differentiable(dtype), Runtime,
           "%s: the input requires grad, but a result of dtype %s has none; use .detach() on the input, or a floating "
           "dtype",
           op, name_of(dtype));
}

void check_out(const Tensor* out, const char* op, bool records, bool duals) {
  RL_CHECK(!duals && !any_dual(out), NotImplemented,
           "%s: out= does not compute tangents, but an argument (or out itself) has one; drop out=", op);
  RL_CHECK(!(grad_enabled() && (records || wants_grad(out))), Runtime,
           "%s: out= does not record gradients, but an argument (or out itself) requires grad; drop out=, or work "
           "under no_grad()",
           op);
}

// A tensor that keeps its gradient keeps that of its new value.
static void follow_retained(Tensor* x, Node* from, uint32_t nr, Node* to) {
  if (!x->autograd || !x->autograd->retains_grad || !from || !from->hooks || !from->hooks->retains) return;
  PyRef key = PyRef::steal(PyLong_FromUnsignedLong(nr));
  if (PyDict_DelItem(from->hooks->retains, key.get()) < 0) PyErr_Clear();
  retain_gradient(x, to, x->output_nr);
}

static void rewrite_history(Tensor* x, Node* node, uint32_t nr) {
  NodeRef before = NodeRef::retain(x->grad_fn);
  uint32_t nr_before = x->output_nr;
  set_history(x, node, nr);
  follow_retained(x, before.get(), nr_before, node);
}

void rebase_history(Tensor* x, NodeRef node, uint32_t nr, int written) {
  if (!node) return;  // nothing recorded: a view of something with history sees the new version and regenerates
  if (x->base) {
    NodeRef slices = copy_slices(x, std::move(node), written);
    rewrite_history(x->base, slices.get(), 0);
    x->seen_version = x->storage->version - 1;  // regenerate when asked
    grad_fn_of(x);
    return;
  }
  rewrite_history(x, node.get(), nr);
  x->flags &= static_cast<uint8_t>(~kRequiresGrad);
}

// ------------------------------------------------------------------ gradients

Ref complex_conjugate(const Ref& x) { return ops::_conj(x); }

Ref finish_gradient(Ref g, const Expected& e) {
  if (!g) return g;
  if (is_complex(g->dtype) && !is_complex(e.dtype)) g = ops::_to_copy(g.get(), real_of(g->dtype));
  if (!(g->sizes() == DimSpan(e.sizes))) {
    int lead = g->ndim - e.sizes.size();
    RL_CHECK(lead >= 0, Runtime, "backward: a gradient of shape %s reached an input of shape %s",
             to_string(g->sizes()).c_str(), to_string(e.sizes).c_str());
    Dims dims;
    for (int i = 0; i < g->ndim; ++i) {
      if (i < lead || (e.sizes[i - lead] == 1 && g->dims[i] != 1)) {
        dims.push_back(i);
      } else {
        RL_CHECK(g->dims[i] == e.sizes[i - lead], Runtime,
                 "backward: a gradient of shape %s reached an input of shape %s", to_string(g->sizes()).c_str(),
                 to_string(e.sizes).c_str());
      }
    }
    if (!dims.empty()) g = ops::sum(g.get(), DimSpan(dims), true, std::nullopt);
    if (lead > 0) g = ops::view(g.get(), DimSpan(e.sizes));
  }
  if (g->dtype != e.dtype) {
    RL_CHECK(
        is_differentiable(e.dtype), Runtime,
        "backward: a tensor of dtype %s, which has no gradients, was given a history by a write in place; .detach() "
        "it",
        name_of(e.dtype));
    g = ops::_to_copy(g.get(), e.dtype);
  }
  return g;
}

}  // namespace rl
