// A Python function whose tensor arguments may answer for it: the arguments' types are looked at before it runs, in
// less time than one call of a Python function takes.
#include <Python.h>
#include <structmember.h>

#include "python/call.h"
#include "python/torch_function.h"

namespace rl {
namespace {

struct FunctionObject {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* function;
};
PyTypeObject* function_type;

bool answers(PyObject* o) {
  if (is_exact_tensor(o) || o == Py_None) return false;
  if (PyTuple_CheckExact(o) || PyList_CheckExact(o)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i)
      if (has_torch_function(PySequence_Fast_GET_ITEM(o, i))) return true;
    return false;
  }
  return has_torch_function(o);
}

PyObject* call_function(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  Py_ssize_t n = PyVectorcall_NARGS(nargsf), named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  bool answered = modes & kFunctionMode;
  for (Py_ssize_t i = 0; i < n + named && !answered; ++i) answered = answers(args[i]);
  if (!answered) return PyObject_Vectorcall(reinterpret_cast<FunctionObject*>(self)->function, args, nargsf, kwnames);
  try {
    PyRef positional = PyRef::steal(PyTuple_New(n)), keywords = PyRef::steal(PyDict_New());
    PyRef relevant = PyRef::steal(PyTuple_New(n + named));
    for (Py_ssize_t i = 0; i < n; ++i) PyTuple_SET_ITEM(positional.get(), i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; i < n + named; ++i) PyTuple_SET_ITEM(relevant.get(), i, Py_NewRef(args[i]));
    for (Py_ssize_t j = 0; j < named; ++j) PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(kwnames, j), args[n + j]);
    return call_torch_function(self, answering(relevant.get()), positional.get(), keywords.get(), "function");
  } catch (...) {
    return raise_current();
  }
}

void function_dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  PyObject_GC_UnTrack(o);
  Py_CLEAR(reinterpret_cast<FunctionObject*>(o)->function);
  type->tp_free(o);
  Py_DECREF(type);
}
int function_traverse(PyObject* o, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<FunctionObject*>(o)->function);
  Py_VISIT(Py_TYPE(o));
  return 0;
}
int function_clear(PyObject* o) {
  Py_CLEAR(reinterpret_cast<FunctionObject*>(o)->function);
  return 0;
}

// Whatever else is asked of it (__name__, __doc__, __signature__, ...) the function itself answers.
PyObject* function_getattr(PyObject* o, PyObject* name) {
  PyObject* function = reinterpret_cast<FunctionObject*>(o)->function;
  if (PyUnicode_CompareWithASCIIString(name, "__wrapped__") == 0) return Py_NewRef(function);
  if (PyUnicode_CompareWithASCIIString(name, "__class__") == 0) return PyObject_GenericGetAttr(o, name);
  if (PyUnicode_CompareWithASCIIString(name, "__reduce_ex__") == 0) return PyObject_GenericGetAttr(o, name);
  return PyObject_GetAttr(function, name);
}
int function_setattr(PyObject* o, PyObject* name, PyObject* value) {
  return PyObject_SetAttr(reinterpret_cast<FunctionObject*>(o)->function, name, value);
}
PyObject* function_repr(PyObject* o) { return PyObject_Repr(reinterpret_cast<FunctionObject*>(o)->function); }
PyObject* function_reduce(PyObject* o, PyObject*) {  // found again by its name
  return PyObject_GetAttrString(reinterpret_cast<FunctionObject*>(o)->function, "__qualname__");
}

PyMethodDef function_methods[] = {{"__reduce_ex__", function_reduce, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyMemberDef function_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(FunctionObject, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr}};
PyType_Slot function_slots[] = {{Py_tp_dealloc, (void*)function_dealloc},  {Py_tp_traverse, (void*)function_traverse},
                                {Py_tp_clear, (void*)function_clear},      {Py_tp_call, (void*)PyVectorcall_Call},
                                {Py_tp_getattro, (void*)function_getattr}, {Py_tp_setattro, (void*)function_setattr},
                                {Py_tp_repr, (void*)function_repr},        {Py_tp_methods, function_methods},
                                {Py_tp_members, function_members},         {0, nullptr}};
PyType_Spec function_spec = {
    "rushlight.function", sizeof(FunctionObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    function_slots};

PyObject* overridable(PyObject*, PyObject* function) {
  auto* o = PyObject_GC_New(FunctionObject, function_type);
  if (!o) return nullptr;
  o->vectorcall = call_function;
  o->function = Py_NewRef(function);
  PyObject_GC_Track(o);
  return reinterpret_cast<PyObject*>(o);
}

PyMethodDef functions[] = {{"_overridable", overridable, METH_O, "A function for which its arguments may answer."},
                           {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_overridable(PyObject* module) {
  function_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&function_spec));
  if (!function_type || PyModule_AddFunctions(module, functions) < 0) throw PythonError();
}

}  // namespace rl
