// Python's view of autograd: backward, grad, modes, nodes.
#include <cctype>
#include <cstring>

#include "autograd/accumulate.h"
#include "autograd/anomaly.h"
#include "autograd/engine.h"
#include "autograd/history.h"
#include "autograd/hooks.h"
#include "python/call.h"
#include "python/module.h"

namespace rl {
namespace {

// A GradientEdge: a tuple (node, output_nr, ...).
bool is_edge(PyObject* o) {
  return PyTuple_Check(o) && PyTuple_GET_SIZE(o) >= 2 && is_node(PyTuple_GET_ITEM(o, 0)) &&
         PyLong_Check(PyTuple_GET_ITEM(o, 1));
}

Place place_of(PyObject* o, Py_ssize_t i, const char* what) {
  if (is_tensor(o)) return Place(reinterpret_cast<Tensor*>(o));
  RL_CHECK(is_edge(o), Type, "%s: expected tensors (or GradientEdges), got %s at position %zd", what,
           Py_TYPE(o)->tp_name, i);
  return Place(reinterpret_cast<Node*>(PyTuple_GET_ITEM(o, 0)),
               static_cast<uint32_t>(PyLong_AsUnsignedLong(PyTuple_GET_ITEM(o, 1))));
}

std::vector<Place> places_in(PyObject* o, const char* what) {
  std::vector<Place> list;
  if (o == Py_None) return list;
  if (is_tensor(o) || is_edge(o)) {
    list.push_back(place_of(o, 0, what));
    return list;
  }
  PyRef fast = PyRef::steal(PySequence_Fast(o, "expected a tensor or a sequence of tensors"));
  if (!fast) throw PythonError();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(fast.get()); ++i)
    list.push_back(place_of(PySequence_Fast_GET_ITEM(fast.get(), i), i, what));
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
  const Py_ssize_t given = PySequence_Fast_GET_SIZE(fast.get());
  for (Py_ssize_t i = 0; i < given; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    RL_CHECK(item == Py_None || is_tensor(item), Type, "%s: gradients must be tensors or None, got %s", what,
             Py_TYPE(item)->tp_name);
  }
  RL_CHECK(static_cast<size_t>(given) == n, Runtime, "%s: %zd gradients were given for %zu tensors", what, given, n);
  for (Py_ssize_t i = 0; i < given; ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(fast.get(), i);
    if (item != Py_None) list[static_cast<size_t>(i)] = Ref::retain(reinterpret_cast<Tensor*>(item));
  }
  return list;
}

bool flag(PyObject* o, bool otherwise) { return !o || o == Py_None ? otherwise : PyObject_IsTrue(o) == 1; }

PyObject* run(PyObject* tensors, PyObject* gradients, PyObject* retain, PyObject* create, PyObject* inputs,
              bool accumulate) {
  std::vector<Place> roots = places_in(tensors, "backward"), wanted;
  std::vector<Ref> g = gradients_in(gradients, roots.size(), "backward");
  if (inputs && inputs != Py_None) {
    wanted = places_in(inputs, "backward");
    RL_CHECK(!wanted.empty(), Runtime, "backward: inputs= must not be empty");
  }
  BackwardOptions options;
  options.create_graph = flag(create, false);
  options.retain_graph = flag(retain, options.create_graph);
  options.accumulate = accumulate;
  options.inputs = wanted;
  for (Place& p : wanted) {
    if (!accumulate) break;
    RL_CHECK(
        p.tensor || is_accumulator(p.node), Runtime,
        "backward: a GradientEdge among inputs= must be that of a leaf: there is no other tensor to keep its .grad");
    if (p.tensor) retain_gradient(p.tensor.get());  // a leaf's accumulator does that for leaves
  }
  std::vector<Ref> captured = run_backward(roots, g, options);
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
    return PyBool_FromLong(depends_on_others(places_in(results, "gradients"), places_in(leaves, "gradients")));
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
PyObject* py_set_anomaly(PyObject*, PyObject* args) {
  int on, check;
  if (!PyArg_ParseTuple(args, "pp", &on, &check)) return nullptr;
  set_anomaly_mode(on, check);
  Py_RETURN_NONE;
}
PyObject* py_is_anomaly(PyObject*, PyObject*) { return PyBool_FromLong(anomaly_mode); }
PyObject* py_is_check_nan(PyObject*, PyObject*) { return PyBool_FromLong(anomaly_checks_nan()); }

PyObject* py_increment_version(PyObject*, PyObject* o) {
  if (!is_tensor(o)) {
    PyErr_Format(PyExc_TypeError, "increment_version: expected a tensor, got %s", Py_TYPE(o)->tp_name);
    return nullptr;
  }
  bump_version(reinterpret_cast<Tensor*>(o));
  Py_RETURN_NONE;
}

PyObject* py_current_backward(PyObject*, PyObject*) { return PyLong_FromUnsignedLongLong(current_backward()); }
PyObject* py_backward_is_running(PyObject*, PyObject* id) {
  return PyBool_FromLong(backward_is_running(PyLong_AsUnsignedLongLong(id)));
}
PyObject* py_will_run(PyObject*, PyObject* node) {
  return PyBool_FromLong(is_node(node) && will_run(reinterpret_cast<Node*>(node)));
}

// (node, output_nr): where the gradient of a tensor arrives.
PyObject* py_gradient_edge(PyObject*, PyObject* o) {
  try {
    RL_CHECK(is_tensor(o), Type, "get_gradient_edge: expected a tensor, got %s", Py_TYPE(o)->tp_name);
    Place p(reinterpret_cast<Tensor*>(o));
    RL_CHECK(p.node, Runtime, "get_gradient_edge: the tensor (shape %s) does not require grad",
             to_string(p.tensor->sizes()).c_str());
    return Py_BuildValue("(OI)", exposed(p.node), p.nr);
  } catch (...) {
    return raise_current();
  }
}

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
    {"_set_anomaly", py_set_anomaly, METH_VARARGS, "(on, check_nan): anomaly mode, in all threads."},
    {"is_anomaly_enabled", py_is_anomaly, METH_NOARGS, "Whether anomaly mode is on."},
    {"is_anomaly_check_nan_enabled", py_is_check_nan, METH_NOARGS, "Whether anomaly mode looks for NaN."},
    {"_increment_version", py_increment_version, METH_O, "Counts a write to the tensor's memory that nobody saw."},
    {"_current_backward", py_current_backward, METH_NOARGS, "The number of this thread's backward run, or 0."},
    {"_backward_is_running", py_backward_is_running, METH_O, "Whether the run of that number is under way."},
    {"_will_run", py_will_run, METH_O, "Whether this thread's backward run comes past the node."},
    {"_gradient_edge", py_gradient_edge, METH_O, "(node, output_nr): where the gradient of a tensor arrives."},
    {"_set_torch_function_off", py_set_function_off, METH_O,
     "Switches __torch_function__ off or on, in this thread; returns what was before."},
    {nullptr, nullptr, 0, nullptr}};

// ------------------------------------------------------------------ nodes

Node* node_of(PyObject* o) { return reinterpret_cast<Node*>(o); }

// Rows' nodes carry the number of their overload; the others a namespace, as PyTorch's do.
PyObject* node_name(PyObject* o, PyObject*) {
  const char* name = node_of(o)->kind->name;
  const char* stem = std::strstr(name, "Backward");
  bool row = stem && std::isdigit(static_cast<unsigned char>(stem[8]));
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
  try {
    return Py_NewRef(metadata_of(node_of(o)));
  } catch (...) {
    return raise_current();
  }
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
  bool raw = !std::strncmp(text, "_raw_saved_", 11);
  if ((raw || !std::strncmp(text, "_saved_", 7)) && n->kind->saved) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    try {
      found = n->kind->saved(n, text + (raw ? 11 : 7), raw);
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
