// Classes with a __torch_function__ of their own: who has one, and how a call is handed to it.
#include <vector>

#include "python/call.h"

namespace rl {

// What Parameter has for __torch_function__: a class with it is taken for a plain tensor.
static PyObject* disabled_torch_function() {
  static PyObject* disabled = nullptr;
  if (!disabled && parameter_type)
    disabled = PyObject_GetAttrString(reinterpret_cast<PyObject*>(parameter_type), "__torch_function__");
  return disabled;
}

bool has_torch_function(PyObject* o) {
  PyTypeObject* t = Py_TYPE(o);
  if (is_exact_tensor(o) || (modes & kFunctionOff)) return false;
  if (t == &PyLong_Type || t == &PyFloat_Type || t == &PyBool_Type || t == &PyTuple_Type || t == &PyList_Type ||
      t == &PyUnicode_Type || o == Py_None)
    return false;
  static PyObject* name = PyUnicode_InternFromString("__torch_function__");
  PyRef own = PyRef::steal(PyObject_GetAttr(reinterpret_cast<PyObject*>(t), name));
  if (!own) PyErr_Clear();
  return own && own.get() != disabled_torch_function();
}

static void collect_types(PyObject* o, std::vector<PyObject*>& objects) {
  if (PyTuple_Check(o) || PyList_Check(o)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) collect_types(PySequence_Fast_GET_ITEM(o, i), objects);
    return;
  }
  if (is_exact_tensor(o) || !has_torch_function(o)) return;
  for (PyObject* seen : objects)
    if (Py_TYPE(seen) == Py_TYPE(o)) return;
  // A subclass is asked before its base.
  size_t at = 0;
  while (at < objects.size() && !PyType_IsSubtype(Py_TYPE(o), Py_TYPE(objects[at]))) ++at;
  objects.insert(objects.begin() + static_cast<long>(at), o);
}

PyObject* Call::torch_function(const char* name, bool method) {
  PyRef module = PyRef::steal(PyImport_ImportModule("rushlight"));
  if (!module) throw PythonError();
  PyRef function = method ? PyRef::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name))
                          : PyRef::steal(PyObject_GetAttrString(module.get(), name));
  if (!function) {
    PyErr_Clear();
    PyRef native = PyRef::steal(PyImport_ImportModule("rushlight._native"));
    function = PyRef::steal(PyObject_GetAttrString(native.get(), name));
    if (!function) throw PythonError();
  }
  std::vector<PyObject*> objects;
  if (self_) collect_types(self_, objects);
  Py_ssize_t named = kwnames_ ? PyTuple_GET_SIZE(kwnames_) : 0;
  for (Py_ssize_t i = 0; i < nargs_ + named; ++i) collect_types(args_[i], objects);
  PyRef args = PyRef::steal(PyTuple_New(nargs_ + (self_ ? 1 : 0))), kwargs = PyRef::steal(PyDict_New());
  if (self_) PyTuple_SET_ITEM(args.get(), 0, Py_NewRef(self_));
  for (Py_ssize_t i = 0; i < nargs_; ++i) PyTuple_SET_ITEM(args.get(), i + (self_ ? 1 : 0), Py_NewRef(args_[i]));
  for (Py_ssize_t j = 0; j < named; ++j) PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(kwnames_, j), args_[nargs_ + j]);
  PyRef types = PyRef::steal(PyTuple_New(static_cast<Py_ssize_t>(objects.size())));
  for (size_t i = 0; i < objects.size(); ++i)
    PyTuple_SET_ITEM(types.get(), static_cast<Py_ssize_t>(i),
                     Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(objects[i]))));
  for (PyObject* o : objects) {
    PyRef handler = PyRef::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(Py_TYPE(o)), "__torch_function__"));
    if (!handler) throw PythonError();
    PyObject* result =
        PyObject_CallFunctionObjArgs(handler.get(), function.get(), types.get(), args.get(), kwargs.get(), nullptr);
    if (!result) throw PythonError();
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
  }
  fail(ErrorType::Type,
       "%s: no __torch_function__ of the given classes handles this operation (all returned NotImplemented)", name);
}

}  // namespace rl
