// Python's view of autograd: backward, grad, modes, nodes.
#include <cctype>
#include <cstring>

#include "autograd/accumulate.h"
#include "autograd/engine.h"
#include "autograd/history.h"
#include "autograd/hooks.h"
#include "python/call.h"
#include "python/module.h"

namespace rl {
namespace {

std::vector<Ref> tensors_in(PyObject* o, const char* what) {
  std::vector<Ref> list;
  if (o == Py_None) return list;
  if (is_tensor(o)) {
    list.push_back(Ref::retain(reinterpret_cast<Tensor*>(o)));
    return list;
  }
  PyRef fast = PyRef::steal(PySequence_Fast(o, "expected a tensor or a sequence of tensors"));
  if (!fast) throw PythonError();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    RL_CHECK(is_tensor(item), Type, "%s: expected tensors, got %s at position %zd", what, Py_TYPE(item)->tp_name, i);
    list.push_back(Ref::retain(reinterpret_cast<Tensor*>(item)));
  }
  return list;
}

std::vector<Ref> gradients_in(PyObject* o, size_t n, const char* what) {
  std::vector<Ref> list(n);
  if (!o || o == Py_None) return list;
  if (is_tensor(o)) {
    RL_CHECK(n == 1, Runtime, "%s: one gradient was given for %zu tensors", what, n);
    list[0] = Ref::retain(reinterpret_cast<Tensor*>(o));
    return list;
  }
  PyRef fast = PyRef::steal(PySequence_Fast(o, "expected a tensor, None or a sequence of them as gradients"));
  if (!fast) throw PythonError();
  RL_CHECK(static_cast<size_t>(PySequence_Fast_GET_SIZE(fast.get())) == n, Runtime,
           "%s: %zd gradients were given for %zu tensors", what, PySequence_Fast_GET_SIZE(fast.get()), n);
  for (size_t i = 0; i < n; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), static_cast<Py_ssize_t>(i));
    RL_CHECK(item == Py_None || is_tensor(item), Type, "%s: gradients must be tensors or None, got %s", what,
             Py_TYPE(item)->tp_name);
    if (item != Py_None) list[i] = Ref::retain(reinterpret_cast<Tensor*>(item));
  }
  return list;
}

std::vector<Tensor*> pointers(const std::vector<Ref>& list) {
  std::vector<Tensor*> out;
  for (const Ref& r : list) out.push_back(r.get());
  return out;
}

bool flag(PyObject* o, bool otherwise) { return !o || o == Py_None ? otherwise : PyObject_IsTrue(o) == 1; }

PyObject* run(PyObject* tensors, PyObject* gradients, PyObject* retain, PyObject* create, PyObject* inputs,
              bool accumulate) {
  std::vector<Ref> roots = tensors_in(tensors, "backward"), wanted;
  std::vector<Ref> g = gradients_in(gradients, roots.size(), "backward");
  if (inputs && inputs != Py_None) {
    wanted = tensors_in(inputs, "backward");
    RL_CHECK(!wanted.empty(), Runtime, "backward: inputs= must not be empty");
  }
  BackwardOptions options;
  options.create_graph = flag(create, false);
  options.retain_graph = flag(retain, options.create_graph);
  options.accumulate = accumulate;
  std::vector<Tensor*> outputs = pointers(roots), targets = pointers(wanted);
  options.inputs = Span<Tensor* const>(targets.data(), static_cast<int>(targets.size()));
  if (accumulate)
    for (Tensor* x : targets) retain_gradient(x);  // a leaf's accumulator does that for leaves
  std::vector<Ref> captured = run_backward(Span<Tensor* const>(outputs.data(), static_cast<int>(outputs.size())),
                                           Span<const Ref>(g.data(), static_cast<int>(g.size())), options);
  if (accumulate) Py_RETURN_NONE;
  return gradients_tuple(captured.data(), static_cast<int>(captured.size()));
}

}  // namespace

PyObject* tensor_backward(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  static PyObject* names[5] = {PyUnicode_InternFromString("self"), PyUnicode_InternFromString("gradient"),
                               PyUnicode_InternFromString("retain_graph"), PyUnicode_InternFromString("create_graph"),
                               PyUnicode_InternFromString("inputs")};
  PyObject* slots[5] = {self};
  try {
    RL_CHECK(nargs <= 4, Type, "backward: expected at most (gradient, retain_graph, create_graph, inputs)");
    for (Py_ssize_t i = 0; i < nargs; ++i) slots[i + 1] = args[i];
    for (Py_ssize_t j = 0; kwnames && j < PyTuple_GET_SIZE(kwnames); ++j) {
      int i = 0;
      while (i < 5 && PyUnicode_Compare(PyTuple_GET_ITEM(kwnames, j), names[i])) ++i;
      RL_CHECK(i < 5 && !slots[i], Type,
               "backward: there is no free argument '%s'; expected gradient, retain_graph, create_graph, inputs",
               PyUnicode_AsUTF8(PyTuple_GET_ITEM(kwnames, j)));
      slots[i] = args[nargs + j];
    }
    return run(slots[0], slots[1], slots[2], slots[3], slots[4], true);
  } catch (...) {
    return raise_current();
  }
}

namespace {

PyObject* py_run(PyObject*, PyObject* args) {
  PyObject *tensors, *gradients, *retain, *create, *inputs;
  int accumulate;
  if (!PyArg_ParseTuple(args, "OOOOOp", &tensors, &gradients, &retain, &create, &inputs, &accumulate)) return nullptr;
  try {
    return run(tensors, gradients, retain, create, inputs, accumulate);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_depends_on_others(PyObject*, PyObject* args) {
  PyObject *results, *leaves;
  if (!PyArg_ParseTuple(args, "OO", &results, &leaves)) return nullptr;
  try {
    return PyBool_FromLong(depends_on_others(tensors_in(results, "gradients"), tensors_in(leaves, "gradients")));
  } catch (...) {
    return raise_current();
  }
}

// ------------------------------------------------------------------ modes

PyObject* switch_mode(PyObject* on, uint32_t bit, bool inverted) {
  bool before = bool(modes & bit) != inverted, want = PyObject_IsTrue(on) == 1;
  modes = want != inverted ? modes | bit : modes & ~bit;
  return PyBool_FromLong(before);
}
PyObject* py_set_grad_enabled(PyObject*, PyObject* on) { return switch_mode(on, kGradOff, true); }
PyObject* py_is_grad_enabled(PyObject*, PyObject*) { return PyBool_FromLong(!(modes & kGradOff)); }
PyObject* py_set_inference_mode(PyObject*, PyObject* on) { return switch_mode(on, kInferenceMode, false); }
PyObject* py_is_inference_mode_enabled(PyObject*, PyObject*) { return PyBool_FromLong(bool(modes & kInferenceMode)); }
PyObject* py_set_function_off(PyObject*, PyObject* on) { return switch_mode(on, kFunctionOff, false); }

PyMethodDef autograd_functions[] = {
    {"_run_backward", py_run, METH_VARARGS, "(tensors, gradients, retain_graph, create_graph, inputs, accumulate)"},
    {"_depends_on_others", py_depends_on_others, METH_VARARGS,
     "(results, leaves): whether a gradient of the results flows to any other leaf."},
    {"_set_grad_enabled", py_set_grad_enabled, METH_O,
     "Records gradients or not, in this thread; returns what was before."},
    {"is_grad_enabled", py_is_grad_enabled, METH_NOARGS, "Whether gradients are recorded in this thread."},
    {"_set_inference_mode", py_set_inference_mode, METH_O,
     "Inference mode on or off, in this thread; returns what was before."},
    {"is_inference_mode_enabled", py_is_inference_mode_enabled, METH_NOARGS,
     "Whether this thread is in inference mode."},
    {"_set_torch_function_off", py_set_function_off, METH_O,
     "Switches __torch_function__ off or on, in this thread; returns what was before."},
    {nullptr, nullptr, 0, nullptr}};

// ------------------------------------------------------------------ nodes

Node* node_of(PyObject* o) { return reinterpret_cast<Node*>(o); }

// Rows' nodes end in the number of their overload; the others carry a namespace, as PyTorch's do.
PyObject* node_name(PyObject* o, PyObject*) {
  const char* name = node_of(o)->kind->name;
  bool row = std::isdigit(static_cast<unsigned char>(name[std::strlen(name) - 1]));
  return PyUnicode_FromFormat("%s%s", row ? "" : "torch::autograd::", name);
}

PyObject* node_next(PyObject* o, void*) {
  Node* n = node_of(o);
  PyObject* tuple = PyTuple_New(n->n_edges);
  for (int i = 0; tuple && i < n->n_edges; ++i) {
    PyObject* next = n->edges[i].node ? exposed(n->edges[i].node) : Py_None;
    PyTuple_SET_ITEM(tuple, i, Py_BuildValue("(OI)", next, n->edges[i].nr));
  }
  return tuple;
}

PyObject* node_metadata(PyObject* o, void*) {
  NodeHooks* h = hooks_of(node_of(o));
  if (!h->metadata) h->metadata = PyDict_New();
  return Py_XNewRef(h->metadata);
}
PyObject* node_sequence(PyObject* o, PyObject*) { return PyLong_FromUnsignedLongLong(node_of(o)->sequence); }

// Adds `hook` to a dict of hooks, made when it is first needed; a handle that removes it again.
PyObject* add_node_hook(PyObject*& hooks, PyObject* hook) {
  if (!hooks) hooks = PyODict_New();
  PyRef module = PyRef::steal(PyImport_ImportModule("rushlight.utils.hooks"));
  PyRef handle =
      module && hooks ? PyRef::steal(PyObject_CallMethod(module.get(), "RemovableHandle", "O", hooks)) : PyRef();
  PyRef id = handle ? PyRef::steal(PyObject_GetAttrString(handle.get(), "id")) : PyRef();
  if (!id || PyObject_SetItem(hooks, id.get(), hook) < 0) return nullptr;
  return handle.to_python();
}
PyObject* node_register_hook(PyObject* o, PyObject* hook) { return add_node_hook(hooks_of(node_of(o))->post, hook); }
PyObject* node_register_prehook(PyObject* o, PyObject* hook) { return add_node_hook(hooks_of(node_of(o))->pre, hook); }

PyObject* node_attribute(PyObject* o, PyObject* name) {
  PyObject* found = PyObject_GenericGetAttr(o, name);
  if (found || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
  Node* n = node_of(o);
  const char* text = PyUnicode_AsUTF8(name);
  if (!std::strcmp(text, "variable") && is_accumulator(n)) {
    PyErr_Clear();
    return Py_NewRef(reinterpret_cast<PyObject*>(leaf_of(n)));
  }
  if (!std::strncmp(text, "_saved_", 7) && n->kind->saved) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    try {
      found = n->kind->saved(n, text + 7);
    } catch (...) {
      found = raise_current();
    }
    if (found || PyErr_Occurred()) {
      Py_XDECREF(type);
      Py_XDECREF(value);
      Py_XDECREF(trace);
      return found;
    }
    PyErr_Restore(type, value, trace);
  }
  return nullptr;
}

PyMethodDef node_methods[] = {
    {"name", node_name, METH_NOARGS, "The node's name."},
    {"_sequence_nr", node_sequence, METH_NOARGS, "Later nodes have larger numbers."},
    {"register_hook", node_register_hook, METH_O,
     "register_hook(f): calls f(grad_inputs, grad_outputs) after the node ran; a tuple it returns takes the place of "
     "grad_inputs."},
    {"register_prehook", node_register_prehook, METH_O,
     "register_prehook(f): calls f(grad_outputs) before the node runs; a tuple it returns takes their place."},
    {nullptr, nullptr, 0, nullptr}};
PyGetSetDef node_getset[] = {
    {"next_functions", node_next, nullptr, "The nodes of the inputs and which of their outputs.", nullptr},
    {"metadata", node_metadata, nullptr, "A dict for whoever wants to note something.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
}  // namespace

void add_autograd(PyObject* module) {
  PyTypeObject& t = node_base_type;
  t.tp_name = "torch.autograd.graph.Node";
  t.tp_basicsize = sizeof(Node);
  t.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  t.tp_methods = node_methods;
  t.tp_getset = node_getset;
  t.tp_getattro = node_attribute;
  if (PyType_Ready(&t) < 0 || PyModule_AddObjectRef(module, "Node", reinterpret_cast<PyObject*>(&t)) < 0 ||
      PyModule_AddFunctions(module, autograd_functions) < 0)
    throw PythonError();
}

}  // namespace rl
