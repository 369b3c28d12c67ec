// The node of a custom autograd Function. Python sees one object: `ctx` in forward and backward, and `grad_fn` between.
#pragma once
#include "autograd/arguments.h"

namespace rl {

// What stands in for the gradient of an output that got none.
struct OutputShape {
  Dims sizes;
  DType dtype;
  DeviceId device;
  bool is_tensor;
};

struct FunctionNode : Node {
  PyObject* dict;
  PyObject* weakrefs;
  PyObject* needs_input_grad;   // tuple of bool, one for each argument
  PyObject* to_save;            // what save_for_backward got, until the values are kept in `saved`
  PyObject* dirty;              // what mark_dirty got
  PyObject* undifferentiable;   // what mark_non_differentiable got
  PyObject* saved_for_forward;  // what save_for_forward got
  bool materialize;             // missing gradients reach backward as zeros
  bool saved_taken;
  struct Values {
    SavedList saved;
    std::vector<OutputShape> outputs;
    SmallVector<int32_t, 8> edge_of;  // for each argument its edge, -1 where it is no tensor
  } v;
};

extern NodeType function_kind;
// The class Function, whose own methods are placeholders that raise.
extern PyObject* function_class;

inline bool is_function(const Node* n) { return n->kind == &function_kind; }
// The header and members of a node whose memory Python has zeroed.
void construct_function(FunctionNode* node);
void clear_function(FunctionNode* node);
// Keeps what save_for_backward got; the outputs already have their history.
void keep_saved(FunctionNode* node);
// What is looked up on the classes of Functions and their nodes, in each call.
struct FunctionNames {
  PyObject *forward, *setup_context, *backward, *vjp, *node_class, *function_class, *once, *apply_jvp;
};
const FunctionNames& function_names();
inline PyRef attribute(PyObject* o, PyObject* name) {
  PyRef found = PyRef::steal(PyObject_GetAttr(o, name));
  if (!found) throw PythonError();
  return found;
}

}  // namespace rl
