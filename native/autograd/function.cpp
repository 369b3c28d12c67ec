#include "autograd/function.h"

#include <new>

#include "autograd/history.h"
#include "iterate/pointwise.h"

namespace rl {

PyObject* function_class = nullptr;

namespace {

FunctionNode* function_of(Node* n) { return static_cast<FunctionNode*>(n); }
const char* class_of(const Node* n) { return Py_TYPE(reinterpret_cast<const PyObject*>(n))->tp_name; }

// The user's `backward`, or `vjp`, which is another name for it.
PyRef user_backward(FunctionNode* n) {
  const FunctionNames& names = function_names();
  PyRef cls = attribute(reinterpret_cast<PyObject*>(Py_TYPE(n)), names.function_class);
  PyRef backward = attribute(cls.get(), names.backward), vjp = attribute(cls.get(), names.vjp);
  PyRef placeholder = attribute(function_class, names.backward);
  if (vjp.get() == placeholder.get()) return backward;
  RL_CHECK(backward.get() == placeholder.get(), Runtime,
           "%s: the Function defines both backward and vjp, which are two names of one thing; define only one",
           class_of(n));
  return vjp;
}

PyObject* incoming(const FunctionNode* n, int i, const Ref& g) {
  if (g) return Py_NewRef(reinterpret_cast<PyObject*>(g.get()));
  const OutputShape& o = n->v.outputs[i];
  if (!n->materialize || !o.is_tensor) return Py_NewRef(Py_None);
  return full(o.sizes, Scalar(0), o.dtype, o.device).to_python();
}

void take_gradient(FunctionNode* n, size_t i, PyObject* g, BackwardCall& call) {
  if (g == Py_None) return;
  RL_CHECK(is_tensor(g), Runtime, "%s: gradient %zu must be a tensor or None, got %s", class_of(n), i,
           Py_TYPE(g)->tp_name);
  int edge = n->v.edge_of[static_cast<int>(i)];
  RL_CHECK(edge >= 0, Runtime,
           "%s: a gradient was returned at position %zu, but that argument of forward is no tensor; return None for it",
           class_of(n), i);
  Tensor* t = reinterpret_cast<Tensor*>(g);
  if (const Expected* e = n->edges[edge].expected) {
    RL_CHECK(is_floating(t->dtype) || is_complex(t->dtype) == is_complex(e->dtype), Runtime,
             "%s: gradient %zu is of dtype %s, which does not convert to the argument's %s", class_of(n), i,
             name_of(t->dtype), name_of(e->dtype));
    int lead = t->ndim - e->sizes.size();
    bool fits = lead >= 0;
    for (int k = 0; fits && k < e->sizes.size(); ++k) fits = e->sizes[k] == 1 || t->dims[k + lead] == e->sizes[k];
    RL_CHECK(fits, Runtime, "%s: gradient %zu has shape %s, which does not sum to the argument's shape %s", class_of(n),
             i, to_string(t->sizes()).c_str(), to_string(e->sizes).c_str());
  }
  if (call.needs(edge)) call.out[edge] = Ref::retain(t);
}

void apply(Node* self, BackwardCall& call) {
  FunctionNode* n = function_of(self);
  PyRef function = user_backward(n);
  SmallVector<PyObject*, 8> args{reinterpret_cast<PyObject*>(n)};
  for (int i = 0; i < n->n_outputs; ++i) args.push_back(incoming(n, i, call.g[i]));
  PyRef result = PyRef::steal(PyObject_Vectorcall(function.get(), args.data(), args.size(), nullptr));
  for (int i = 1; i < args.size(); ++i) Py_DECREF(args[i]);
  if (!result) throw PythonError();
  bool several = PyTuple_Check(result.get());
  size_t given = several ? static_cast<size_t>(PyTuple_GET_SIZE(result.get())) : 1;
  auto at = [&](size_t i) { return several ? PyTuple_GET_ITEM(result.get(), i) : result.get(); };
  size_t wanted = static_cast<size_t>(n->v.edge_of.size()), used = given;
  while (used > wanted && at(used - 1) == Py_None) --used;
  RL_CHECK(used == wanted, Runtime,
           "%s: backward returned %zu gradients, expected %zu: one for each argument of forward (ctx left out), None "
           "where there is none",
           class_of(n), given, wanted);
  for (size_t i = 0; i < used; ++i) take_gradient(n, i, at(i), call);
}

void release(Node* self) { function_of(self)->v.saved.reset(); }

int traverse(Node* self, visitproc visit, void* arg) {
  FunctionNode* n = function_of(self);
  for (PyObject* o : {n->dict, n->needs_input_grad, n->to_save, n->dirty, n->undifferentiable, n->saved_for_forward})
    Py_VISIT(o);
  Py_VISIT(Py_TYPE(n));
  return n->v.saved.traverse(visit, arg);
}

void destruct(Node* self) {
  clear_function(function_of(self));
  function_of(self)->v.~Values();
}

void free_function(Node* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

}  // namespace

NodeType function_kind = {"Function", sizeof(FunctionNode), apply, release, traverse, destruct, nullptr, free_function};

const FunctionNames& function_names() {
  auto word = PyUnicode_InternFromString;
  static const FunctionNames names = {word("forward"),
                                      word("setup_context"),
                                      word("backward"),
                                      word("vjp"),
                                      word("_backward_cls"),
                                      word("_forward_cls"),
                                      word("clear_saved_tensors_on_access")};
  return names;
}

void construct_function(FunctionNode* n) {
  Py_INCREF(Py_TYPE(n));  // the node may be freed after Python has given up its own reference to the class
  new (&n->v) FunctionNode::Values();
  n->materialize = true;
  start_node(n, function_kind);
}

void clear_function(FunctionNode* n) {
  for (PyObject** o :
       {&n->dict, &n->needs_input_grad, &n->to_save, &n->dirty, &n->undifferentiable, &n->saved_for_forward})
    Py_CLEAR(*o);
}

void keep_saved(FunctionNode* n) {
  if (!n->to_save) return;
  PyRef values = PyRef::steal(n->to_save);
  n->to_save = nullptr;
  RL_CHECK(PyTuple_Check(values.get()), Runtime, "save_for_backward: ctx.to_save must be a tuple, got %s",
           Py_TYPE(values.get())->tp_name);
  std::vector<Saved>& items = n->v.saved.items;
  items.resize(static_cast<size_t>(PyTuple_GET_SIZE(values.get())));
  for (size_t i = 0; i < items.size(); ++i) {
    PyObject* o = PyTuple_GET_ITEM(values.get(), static_cast<Py_ssize_t>(i));
    if (o == Py_None) continue;
    RL_CHECK(is_tensor(o), Type,
             "save_for_backward: expected tensors or None, got %s at position %zu; keep other values as attributes of "
             "ctx",
             Py_TYPE(o)->tp_name, i);
    Tensor* t = reinterpret_cast<Tensor*>(o);
    t->grad_fn == n ? items[i].save_output(t, t->output_nr) : items[i].save(t);
  }
}

}  // namespace rl
