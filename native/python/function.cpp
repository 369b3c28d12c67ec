// Function.apply: the user's forward runs unrecorded, and its outputs join the graph through the ctx it got.
#include "autograd/function.h"

#include <structmember.h>

#include "autograd/forward.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "python/call.h"
#include "python/module.h"

namespace rl {
namespace {

FunctionNode* function_of(PyObject* o) { return reinterpret_cast<FunctionNode*>(o); }
Tensor* tensor_of(PyObject* o) { return reinterpret_cast<Tensor*>(o); }
using Arguments = Span<PyObject* const>;

// ------------------------------------------------------------------ the call

// Whether the arguments stand as forward takes them: no keywords, no defaults to fill in.
bool as_they_are(PyObject* forward, Arguments args, PyObject* kwnames, bool with_defaults) {
  if (kwnames && PyTuple_GET_SIZE(kwnames)) return false;
  if (!with_defaults) return true;
  if (!PyFunction_Check(forward)) return false;
  auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GET_CODE(forward));
  return code->co_argcount <= args.n && code->co_kwonlyargcount == 0;
}

// The arguments in forward's order, by Function._arguments_in_order(forward, own, args, kwargs).
PyRef in_order(PyObject* forward, bool two_parts, Arguments args, PyObject* kwnames) {
  PyRef positional = PyRef::steal(PyTuple_New(args.n)), named = PyRef::steal(PyDict_New());
  if (!positional || !named) throw PythonError();
  for (int i = 0; i < args.n; ++i) PyTuple_SET_ITEM(positional.get(), i, Py_NewRef(args[i]));
  for (Py_ssize_t i = 0; kwnames && i < PyTuple_GET_SIZE(kwnames); ++i)
    if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(kwnames, i), args.ptr[args.n + i]) < 0) throw PythonError();
  PyRef tuple = PyRef::steal(PyObject_CallMethod(function_class, "_arguments_in_order", "OOOO", forward,
                                                 two_parts ? Py_True : Py_False, positional.get(), named.get()));
  if (!tuple) throw PythonError();
  return tuple;
}

// A ctx with an edge for each tensor among the arguments. True: the call is recorded.
bool prepare(FunctionNode* n, Arguments args) {
  int tensors = 0;
  bool wanted = false;
  PyObject* needs = PyTuple_New(args.n);
  if (!needs) throw PythonError();
  n->needs_input_grad = needs;
  for (int i = 0; i < args.n; ++i) {
    bool grad = is_tensor(args[i]) && tensor_of(args[i])->requires_grad();
    PyTuple_SET_ITEM(needs, i, Py_NewRef(grad ? Py_True : Py_False));
    n->v.edge_of.push_back(is_tensor(args[i]) ? tensors++ : -1);
    wanted |= grad;
  }
  if (!wanted || !grad_enabled()) return false;
  set_edges(n, tensors);
  for (int i = 0; i < args.n; ++i) {
    if (n->v.edge_of[i] < 0) continue;
    Tensor* x = tensor_of(args[i]);
    Edge& edge = n->edges[n->v.edge_of[i]];
    edge = gradient_edge(x);
    if (edge.node) edge.expected = new Expected{x->dtype, Dims(x->sizes())};
  }
  return true;
}

PyRef call_forward(PyObject* forward, PyObject* setup, FunctionNode* n, Arguments args) {
  ModeGuard unrecorded(0, kGradOff | kForwardOff);
  PyObject* ctx = reinterpret_cast<PyObject*>(n);
  if (setup) {
    PyRef out = PyRef::steal(PyObject_Vectorcall(forward, args.ptr, args.n, nullptr));
    PyRef inputs = PyRef::steal(PyTuple_New(args.n));
    if (!out || !inputs) throw PythonError();
    for (int i = 0; i < args.n; ++i) PyTuple_SET_ITEM(inputs.get(), i, Py_NewRef(args[i]));
    if (!PyRef::steal(PyObject_CallFunctionObjArgs(setup, ctx, inputs.get(), out.get(), nullptr))) throw PythonError();
    return out;
  }
  SmallVector<PyObject*, 12> all;
  all.push_back(ctx);
  for (PyObject* a : args) all.push_back(a);
  PyRef out = PyRef::steal(PyObject_Vectorcall(forward, all.data(), all.size(), nullptr));
  if (!out) throw PythonError();
  return out;
}

// ------------------------------------------------------------------ the outputs

bool contains(PyObject* tuple, PyObject* o) {
  for (Py_ssize_t i = 0; tuple && PyTuple_Check(tuple) && i < PyTuple_GET_SIZE(tuple); ++i)
    if (PyTuple_GET_ITEM(tuple, i) == o) return true;
  return false;
}
bool contains(Arguments list, PyObject* o) {
  for (PyObject* item : list)
    if (item == o) return true;
  return false;
}

// An input that comes back as it is: a view of it, so that it can have a history of its own.
PyRef view_of_itself(Tensor* x) {
  Ref y = alias(x);
  if (is_differentiable(x->dtype)) set_view(y.get(), x, ViewOrigin::NoGrad);
  return PyRef::steal(y.to_python());
}

void record_written(FunctionNode* n, Tensor* x, int nr, int n_outputs, int argument, bool differentiable) {
  if (argument < 0) {
    if (PyErr_WarnFormat(PyExc_UserWarning, 2,
                         "%s: mark_dirty got a tensor that is no argument of forward; only changed arguments need it",
                         Py_TYPE(n)->tp_name) < 0)
      throw PythonError();
  } else {
    check_inplace(x, Py_TYPE(n)->tp_name, differentiable);
    bump_version(x);
  }
  if (!differentiable) return;
  RL_CHECK(!x->base || n_outputs == 1, Runtime,
           "%s: an argument that is a view was changed in place, and forward returned %d outputs; return only that "
           "one, or .clone() the argument first",
           Py_TYPE(n)->tp_name, n_outputs);
  if (argument < 0) {
    set_history(x, n, static_cast<uint32_t>(nr));
  } else {
    rebase_history(x, NodeRef::retain(n), static_cast<uint32_t>(nr), n->v.edge_of[argument]);
  }
}

void record_output(Tensor* y, FunctionNode* n, int nr) {
  y->flags &= static_cast<uint8_t>(~kRequiresGrad);
  set_history(y, n, static_cast<uint32_t>(nr));
}

// The output as the caller gets it; its history leads to `n` where the call is recorded.
PyRef joined(FunctionNode* n, PyObject* o, int nr, int n_outputs, Arguments args, bool records, bool two_parts) {
  Tensor* y = tensor_of(o);
  bool is_input = contains(args, o), written = contains(n->dirty, o);
  bool differentiable = records && is_differentiable(y->dtype) && !contains(n->undifferentiable, o);
  if (written) {
    int argument = 0;
    while (argument < args.n && args[argument] != o) ++argument;
    record_written(n, y, nr, n_outputs, is_input ? argument : -1, differentiable);
    return PyRef::retain(o);
  }
  PyRef out = PyRef::retain(o);
  if (is_input) {
    RL_CHECK(!differentiable || !two_parts || !contains(n->to_save, o), Runtime,
             "%s: an argument that forward returns as it is cannot be saved in setup_context; return and save "
             "x.view_as(x) instead",
             Py_TYPE(n)->tp_name);
    bool cut = !differentiable && y->requires_grad();
    out = cut ? PyRef::steal(alias(y).to_python()) : view_of_itself(y);
    y = tensor_of(out.get());
  } else if (!differentiable && y->requires_grad() && !y->base) {
    Py_CLEAR(y->grad_fn);
    y->flags &= static_cast<uint8_t>(~kRequiresGrad);
  }
  if (differentiable) record_output(y, n, nr);
  if (y->base) y->origin = ViewOrigin::CustomFunction;
  return out;
}

void check_dirty_returned(FunctionNode* n, PyObject* outputs) {
  for (Py_ssize_t i = 0; n->dirty && PyTuple_Check(n->dirty) && i < PyTuple_GET_SIZE(n->dirty); ++i)
    RL_CHECK(contains(outputs, PyTuple_GET_ITEM(n->dirty, i)), Runtime,
             "%s: a tensor given to mark_dirty was not returned; every argument that forward changes in place must be "
             "among its outputs",
             Py_TYPE(n)->tp_name);
}

// Changes the tuple of outputs in place: it is ours.
void join_outputs(FunctionNode* n, PyObject* outputs, Arguments args, bool records, bool two_parts) {
  check_dirty_returned(n, outputs);
  int count = static_cast<int>(PyTuple_GET_SIZE(outputs)), differentiable = 0;
  n->n_outputs = count;
  if (records) n->v.outputs.resize(count);
  for (int i = 0; i < count; ++i) {
    PyObject* o = PyTuple_GET_ITEM(outputs, i);
    if (!is_tensor(o)) continue;
    PyObject* out = joined(n, o, i, count, args, records, two_parts).release();
    PyTuple_SET_ITEM(outputs, i, out);
    Py_DECREF(o);
    Tensor* y = tensor_of(out);
    if (records) n->v.outputs[i] = {Dims(y->sizes()), y->dtype, y->device, true};
    differentiable += y->grad_fn == n;
  }
  for (int i = 0; differentiable > 1 && i < count; ++i) {
    PyObject* o = PyTuple_GET_ITEM(outputs, i);
    if (is_tensor(o) && tensor_of(o)->base) tensor_of(o)->origin = ViewOrigin::MultiView;
  }
}

// ------------------------------------------------------------------ forward mode

PyRef tangent_argument(const FunctionNode* n, PyObject* o) {
  if (!is_tensor(o) || !is_differentiable(tensor_of(o)->dtype)) return PyRef::retain(Py_None);
  Ref tangent = tangent_of(tensor_of(o));
  if (!tangent && n->materialize)
    tangent = full(tensor_of(o)->sizes(), Scalar(0), tensor_of(o)->dtype, tensor_of(o)->device);
  return tangent ? PyRef::steal(tangent.to_python()) : PyRef::retain(Py_None);
}

void join_tangent(FunctionNode* n, PyObject* o, PyObject* tangent, int nr, bool written) {
  const char* name = Py_TYPE(n)->tp_name;
  bool wanted = is_tensor(o) && is_differentiable(tensor_of(o)->dtype) && !contains(n->undifferentiable, o);
  if (tangent == Py_None) return;
  RL_CHECK(wanted, Runtime, "%s: jvp must return None for output %d, which has no derivative", name, nr);
  RL_CHECK(is_tensor(tangent), Type, "%s: jvp must return tensors or None, got %s for output %d", name,
           Py_TYPE(tangent)->tp_name, nr);
  Tensor* y = tensor_of(o);
  RL_CHECK(tensor_of(tangent)->sizes() == y->sizes(), Runtime,
           "%s: jvp returned a tangent of shape %s for output %d, whose shape is %s", name,
           to_string(tensor_of(tangent)->sizes()).c_str(), nr, to_string(y->sizes()).c_str());
  RL_CHECK(!written || !is_dual(y) || tangent_of(y).get() == tensor_of(tangent), Runtime,
           "%s: output %d is an argument that forward changed in place; jvp must change that argument's tangent in "
           "place too, and return it",
           name, nr);
  set_tangent(y, Ref::retain(tensor_of(tangent)));
}

// The tangents of the outputs, by the user's jvp.
void join_tangents(FunctionNode* n, PyObject* outputs, Arguments args) {
  bool duals = false;
  for (PyObject* o : args) duals |= is_tensor(o) && any_dual(tensor_of(o));
  if (!duals) return;
  PyRef tangents = PyRef::steal(PyTuple_New(args.n));
  if (!tangents) throw PythonError();
  for (int i = 0; i < args.n; ++i) PyTuple_SET_ITEM(tangents.get(), i, tangent_argument(n, args[i]).release());
  ModeGuard plain(0, kForwardOff);
  PyRef apply = attribute(reinterpret_cast<PyObject*>(n), function_names().apply_jvp);
  PyRef found = PyRef::steal(PyObject_CallObject(apply.get(), tangents.get()));
  if (!found) throw PythonError();
  Py_ssize_t count = PyTuple_GET_SIZE(outputs);
  bool several = PyTuple_Check(found.get());
  RL_CHECK((several ? PyTuple_GET_SIZE(found.get()) : 1) == count, Runtime,
           "%s: jvp returned %zd tangents, but forward returned %zd outputs", Py_TYPE(n)->tp_name,
           several ? PyTuple_GET_SIZE(found.get()) : Py_ssize_t(1), count);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* y = PyTuple_GET_ITEM(outputs, i);
    join_tangent(n, y, several ? PyTuple_GET_ITEM(found.get(), i) : found.get(), static_cast<int>(i),
                 contains(n->dirty, y));
  }
}

PyObject* run(PyObject* cls, PyObject* const* given, Py_ssize_t nargs, PyObject* kwnames) {
  const FunctionNames& names = function_names();
  PyRef forward = attribute(cls, names.forward), setup = attribute(cls, names.setup_context);
  bool two_parts = setup.get() != attribute(function_class, names.setup_context).get();
  Arguments args(given, static_cast<int>(nargs));
  PyRef sorted;
  if (!as_they_are(forward.get(), args, kwnames, two_parts)) {
    sorted = in_order(forward.get(), two_parts, args, kwnames);
    args = Arguments(&PyTuple_GET_ITEM(sorted.get(), 0), static_cast<int>(PyTuple_GET_SIZE(sorted.get())));
  }
  PyRef ctx = PyRef::steal(PyObject_CallNoArgs(attribute(cls, names.node_class).get()));
  if (!ctx) throw PythonError();
  FunctionNode* n = function_of(ctx.get());
  bool records = prepare(n, args);
  PyRef result = call_forward(forward.get(), two_parts ? setup.get() : nullptr, n, args);
  bool several = PyTuple_Check(result.get());
  Py_ssize_t count = several ? PyTuple_GET_SIZE(result.get()) : 1;
  PyRef outputs = PyRef::steal(PyTuple_New(count));
  if (!outputs) throw PythonError();
  for (Py_ssize_t i = 0; i < count; ++i)
    PyTuple_SET_ITEM(outputs.get(), i, Py_NewRef(several ? PyTuple_GET_ITEM(result.get(), i) : result.get()));
  result = PyRef();
  join_outputs(n, outputs.get(), args, records, two_parts);
  if (forward_level_open) join_tangents(n, outputs.get(), args);
  if (records) keep_saved(n);
  Py_CLEAR(n->to_save);
  Py_CLEAR(n->dirty);
  Py_CLEAR(n->undifferentiable);
  Py_CLEAR(n->saved_for_forward);
  return several ? outputs.to_python() : Py_NewRef(PyTuple_GET_ITEM(outputs.get(), 0));
}

PyObject* function_apply(PyObject* cls, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  try {
    return run(cls, args, nargs, kwnames);
  } catch (...) {
    return raise_current();
  }
}

// ------------------------------------------------------------------ ctx

PyObject* ctx_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* o = type->tp_alloc(type, 0);
  if (o) construct_function(function_of(o));
  return o;
}

void ctx_dealloc(PyObject* o) {
  if (function_of(o)->weakrefs) PyObject_ClearWeakRefs(o);
  node_dealloc(o);
}

int ctx_clear(PyObject* o) {
  clear_function(function_of(o));
  return node_clear(o);
}

PyObject* saved_tensors(PyObject* o, void*) {
  FunctionNode* n = function_of(o);
  if (n->saved_for_forward) return Py_NewRef(n->saved_for_forward);
  try {
    PyRef cls = attribute(reinterpret_cast<PyObject*>(Py_TYPE(o)), function_names().function_class);
    bool once = PyObject_IsTrue(attribute(cls.get(), function_names().once).get()) == 1;
    RL_CHECK(!n->saved_taken || !once, Runtime,
             "%s: saved_tensors was read before, and clear_saved_tensors_on_access allows that once; keep what it gave",
             Py_TYPE(o)->tp_name);
    if (n->released) released_error(n);
    std::vector<Saved>& items = n->v.saved.items;
    PyRef tuple = PyRef::steal(PyTuple_New(static_cast<Py_ssize_t>(items.size())));
    if (!tuple) throw PythonError();
    for (size_t i = 0; i < items.size(); ++i)
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), box(items[i].unpack(n, "a saved tensor").get()));
    n->saved_taken = true;
    if (once) n->v.saved.reset();
    return tuple.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* raw_saved_tensors(PyObject* o, void*) {
  try {
    return saved_to_python(function_of(o), function_of(o)->v.saved, true);
  } catch (...) {
    return raise_current();
  }
}

PyObject* ctx_name(PyObject* o, PyObject*) { return PyUnicode_FromString(Py_TYPE(o)->tp_name); }
PyObject* ctx_requires_grad(PyObject* o, void*) { return PyBool_FromLong(function_of(o)->n_edges > 0); }
int set_materialize(PyObject* o, PyObject* value, void*) {
  if (!value || !PyBool_Check(value)) {
    PyErr_SetString(PyExc_TypeError, "set_materialize_grads: expected True or False");
    return -1;
  }
  function_of(o)->materialize = value == Py_True;
  return 0;
}

// The layout of FunctionNode is plain, but its members have constructors.
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
PyMemberDef ctx_members[] = {{"needs_input_grad", T_OBJECT, offsetof(FunctionNode, needs_input_grad), 0,
                              "For each argument of forward, whether it requires a gradient."},
                             {"to_save", T_OBJECT, offsetof(FunctionNode, to_save), 0, nullptr},
                             {"dirty_tensors", T_OBJECT, offsetof(FunctionNode, dirty), 0, nullptr},
                             {"non_differentiable", T_OBJECT, offsetof(FunctionNode, undifferentiable), 0, nullptr},
                             {"saved_for_forward", T_OBJECT, offsetof(FunctionNode, saved_for_forward), 0, nullptr},
                             {nullptr, 0, 0, 0, nullptr}};
PyGetSetDef ctx_getset[] = {
    {"saved_tensors", saved_tensors, nullptr, "What save_for_backward kept, each checked for changes since.", nullptr},
    {"saved_variables", saved_tensors, nullptr, "The former name of saved_tensors.", nullptr},
    {"_raw_saved_tensors", raw_saved_tensors, nullptr, "The same as objects that take hooks.", nullptr},
    {"materialize_grads", nullptr, set_materialize, nullptr, nullptr},
    {"requires_grad", ctx_requires_grad, nullptr, "Whether the call is recorded.", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef ctx_methods[] = {{"name", ctx_name, METH_NOARGS, "The node's name."}, {nullptr, nullptr, 0, nullptr}};
PyTypeObject ctx_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

PyMethodDef function_methods[] = {
    {"apply", (PyCFunction)(void (*)(void))function_apply, METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "apply(*args): runs forward on the arguments and records it."},
    {nullptr, nullptr, 0, nullptr}};
PyTypeObject function_base_type = {PyVarObject_HEAD_INIT(nullptr, 0)};

PyObject* register_function(PyObject*, PyObject* cls) {
  function_class = Py_NewRef(cls);
  Py_RETURN_NONE;
}
PyMethodDef module_functions[] = {
    {"_register_function", register_function, METH_O, "Tells the core which class is autograd.Function."},
    {nullptr, nullptr, 0, nullptr}};

void add_type(PyObject* module, const char* name, PyTypeObject& t) {
  if (PyType_Ready(&t) < 0 || PyModule_AddObjectRef(module, name, reinterpret_cast<PyObject*>(&t)) < 0)
    throw PythonError();
}

}  // namespace

void add_function(PyObject* module) {
  ctx_type.tp_name = "rushlight._native.FunctionNode";
  ctx_type.tp_base = &node_base_type;
  ctx_type.tp_basicsize = sizeof(FunctionNode);
  ctx_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC;
  ctx_type.tp_new = ctx_new;
  ctx_type.tp_dealloc = ctx_dealloc;
  ctx_type.tp_traverse = node_traverse;
  ctx_type.tp_clear = ctx_clear;
  ctx_type.tp_dictoffset = offsetof(FunctionNode, dict);
  ctx_type.tp_weaklistoffset = offsetof(FunctionNode, weakrefs);
  ctx_type.tp_members = ctx_members;
  ctx_type.tp_getset = ctx_getset;
  ctx_type.tp_methods = ctx_methods;
  add_type(module, "FunctionNode", ctx_type);
  function_base_type.tp_name = "rushlight._native.FunctionBase";
  function_base_type.tp_basicsize = sizeof(PyObject);
  function_base_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  function_base_type.tp_new = PyType_GenericNew;
  function_base_type.tp_methods = function_methods;
  add_type(module, "FunctionBase", function_base_type);
  if (PyModule_AddFunctions(module, module_functions) < 0) throw PythonError();
}

}  // namespace rl
