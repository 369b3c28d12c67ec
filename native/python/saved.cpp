// What nodes keep, as Python sees it: `_saved_<name>`, `_raw_saved_<name>`, and the hooks on them.
#include "autograd/function.h"
#include "autograd/node.h"
#include "python/call.h"
#include "python/module.h"

namespace rl {
namespace {

struct SavedTensor {
  PyObject_HEAD Node* node;
  Saved* saved;  // lies in the node
};
PyTypeObject* saved_tensor_type;

SavedTensor* saved_of(PyObject* o) { return reinterpret_cast<SavedTensor*>(o); }

void saved_tensor_dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  Py_DECREF(saved_of(o)->node);
  type->tp_free(o);
  Py_DECREF(type);
}

void check_callables(PyObject* pack, PyObject* unpack, const char* where) {
  RL_CHECK(PyCallable_Check(pack) && PyCallable_Check(unpack), Type,
           "%s: expected two callables, pack(tensor) and unpack(packed), got %s and %s", where, Py_TYPE(pack)->tp_name,
           Py_TYPE(unpack)->tp_name);
}

PyObject* register_hooks(PyObject* o, PyObject* args) {
  PyObject *pack, *unpack;
  if (!PyArg_ParseTuple(args, "OO:register_hooks", &pack, &unpack)) return nullptr;
  try {
    check_callables(pack, unpack, "register_hooks");
    saved_of(o)->saved->register_hooks(saved_of(o)->node, pack, unpack);
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef saved_tensor_methods[] = {
    {"register_hooks", register_hooks, METH_VARARGS,
     "register_hooks(pack, unpack): keeps pack(tensor) from now on, which unpack turns into the tensor again."},
    {nullptr, nullptr, 0, nullptr}};
PyType_Slot saved_tensor_slots[] = {
    {Py_tp_dealloc, (void*)saved_tensor_dealloc}, {Py_tp_methods, saved_tensor_methods}, {0, nullptr}};
PyType_Spec saved_tensor_spec = {"rushlight._native.SavedTensor", sizeof(SavedTensor), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, saved_tensor_slots};

PyObject* py_push(PyObject*, PyObject* args) {
  PyObject *pack, *unpack;
  if (!PyArg_ParseTuple(args, "OO:saved_tensors_hooks", &pack, &unpack)) return nullptr;
  try {
    check_callables(pack, unpack, "saved_tensors_hooks");
    push_saved_hooks(pack, unpack);
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_pop(PyObject*, PyObject*) {
  try {
    pop_saved_hooks();
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef saved_functions[] = {
    {"_push_saved_tensors_hooks", py_push, METH_VARARGS, "(pack, unpack): the innermost hooks of this thread."},
    {"_pop_saved_tensors_hooks", py_pop, METH_NOARGS, "Takes the innermost hooks of this thread off again."},
    {nullptr, nullptr, 0, nullptr}};

PyObject* tuple_of(SavedList& s, Node* owner, bool raw) {
  PyRef tuple = PyRef::steal(PyTuple_New(static_cast<Py_ssize_t>(s.items.size())));
  if (!tuple) throw PythonError();
  for (size_t i = 0; i < s.items.size(); ++i)
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), saved_to_python(owner, s.items[i], raw));
  return tuple.to_python();
}

}  // namespace

PyObject* saved_to_python(Node* owner, Saved& s, bool raw) {
  if (raw) {
    SavedTensor* o = PyObject_New(SavedTensor, saved_tensor_type);
    if (!o) throw PythonError();
    o->node = owner;
    Py_INCREF(owner);
    o->saved = &s;
    return reinterpret_cast<PyObject*>(o);
  }
  return s.defined() || owner->released ? box(s.unpack(owner, "saved value").get()) : Py_NewRef(Py_None);
}
PyObject* saved_to_python(Node* owner, SavedArg& s, bool raw) {
  return s.is_number ? raw ? nullptr : box(s.number) : saved_to_python(owner, s.value, raw);
}
PyObject* saved_to_python(Node* owner, SavedList& s, bool raw) { return tuple_of(s, owner, raw); }

PyObject* reduced_dims(uint64_t mask, bool only_one) {
  Dims dims;
  for (int i = 0; i < kMaxDims; ++i)
    if (mask >> i & 1) dims.push_back(i);
  return only_one ? box(dims.empty() ? int64_t(0) : dims[0]) : box(DimSpan(dims));
}

void add_saved(PyObject* module) {
  saved_tensor_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&saved_tensor_spec));
  if (!saved_tensor_type ||
      PyModule_AddObjectRef(module, "SavedTensor", reinterpret_cast<PyObject*>(saved_tensor_type)) < 0 ||
      PyModule_AddFunctions(module, saved_functions) < 0)
    throw PythonError();
}

}  // namespace rl
