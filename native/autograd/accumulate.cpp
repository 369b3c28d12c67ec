#include "autograd/accumulate.h"

#include <chrono>
#include <thread>

#include "autograd/hooks.h"
#include "device/create.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

// The leaf owns its accumulator, and edges that lead here hold the leaf: a graph over a leaf makes no object for it.
struct AccumulateGrad : NodeWith<0> {
  Tensor* leaf;
  bool owns_leaf;  // Python has seen this node
  void construct() {
    leaf = nullptr;
    owns_leaf = false;
  }
};

// A gradient nobody else holds becomes .grad itself; any other is copied.
Ref own_gradient(Ref g, bool create_graph, const Tensor* leaf) {
  bool alone =
      Py_REFCNT(reinterpret_cast<PyObject*>(g.get())) == 1 && g->storage->refs == 1 && g->strides() == leaf->strides();
  if (alone && !g->grad_fn && !create_graph) return g;
  Ref copy = empty_like(leaf, g->dtype);
  if (create_graph) return ops::copy_(copy, g, false);  // with its history, and its tangent
  copy_into(copy.get(), g.get());
  return copy;
}

// A large addition releases the GIL in its midst: threads that add to leaves take turns.
class Turn {
 public:
  Turn() {
    PyThreadState* me = PyThreadState_Get();
    while (owner && owner != me) {
      Py_BEGIN_ALLOW_THREADS std::this_thread::sleep_for(std::chrono::microseconds(20));
      Py_END_ALLOW_THREADS
    }
    owner = me;
    ++depth;
  }
  ~Turn() {
    if (--depth == 0) owner = nullptr;
  }
  Turn(const Turn&) = delete;

 private:
  static inline PyThreadState* owner = nullptr;
  static inline int depth = 0;  // a listener may run a backward pass of its own
};

void add_to_grad(Tensor* leaf, Ref g, bool create_graph) {
  Turn turn;
  Ref grad = Ref::retain(autograd_of(leaf)->grad);
  if (!grad) {
    set_grad(leaf, own_gradient(std::move(g), create_graph, leaf));
  } else if (create_graph) {
    set_grad(leaf, ops::add(grad, g, Scalar(1)));
  } else {
    ModeGuard off(0, kGradOff);
    ops::add_(grad.get(), g, Scalar(1));
  }
}

void apply(Node* self, BackwardCall& call) {
  Tensor* leaf = static_cast<AccumulateGrad*>(self)->leaf;
  Ref g = std::move(call.g[0]);
  if (!g) return;
  add_to_grad(leaf, std::move(g), call.create_graph);
  Autograd* a = leaf->autograd;
  if (a && a->post_accumulate_hooks) run_post_accumulate_hooks(a->post_accumulate_hooks, leaf);
}

void release(Node* self) {
  auto* n = static_cast<AccumulateGrad*>(self);
  Tensor* leaf = n->leaf;
  if (!n->owns_leaf) return;
  n->owns_leaf = false;
  Py_DECREF(reinterpret_cast<PyObject*>(leaf));
}

int traverse(Node* self, visitproc visit, void* arg) {
  auto* n = static_cast<AccumulateGrad*>(self);
  if (n->owns_leaf) Py_VISIT(reinterpret_cast<PyObject*>(n->leaf));
  return 0;
}

NodeType kind = {"AccumulateGrad", sizeof(AccumulateGrad), apply, release, traverse};

}  // namespace

Node* new_accumulator(Tensor* leaf) {
  auto node = new_node<AccumulateGrad>(kind);
  PyObject_GC_UnTrack(node.get());
  node->sequence = UINT64_MAX;  // runs as soon as its gradient is complete
  node->leaf = leaf;
  node->keeper = reinterpret_cast<PyObject*>(leaf);
  autograd_of(leaf)->accumulator = reinterpret_cast<PyObject*>(node.get());
  return node.release();
}

PyObject* exposed(Node* node) {
  if (is_accumulator(node)) {
    auto* n = static_cast<AccumulateGrad*>(node);
    if (!n->owns_leaf) {
      n->owns_leaf = true;
      Py_INCREF(reinterpret_cast<PyObject*>(n->leaf));
      track(n->leaf);
      PyObject_GC_Track(n);
    }
  }
  return reinterpret_cast<PyObject*>(node);
}

bool is_accumulator(const Node* node) { return node->kind == &kind; }
Tensor* leaf_of(const Node* n) { return static_cast<const AccumulateGrad*>(n)->leaf; }

void set_grad(Tensor* leaf, Ref grad) {
  Autograd* a = autograd_of(leaf);
  Tensor* old = a->grad;
  a->grad = grad.release();
  track(leaf);
  Py_XDECREF(reinterpret_cast<PyObject*>(old));
}

}  // namespace rl
