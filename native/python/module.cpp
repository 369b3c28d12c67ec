// The extension module rushlight._native.
#include "python/module.h"

#include "base/cpu_level.h"
#include "base/parallel.h"
#include "device/allocator.h"
#include "python/buffer.h"
#include "python/call.h"
#include "python/registry.h"

namespace rl {
namespace {

PyObject* py_num_threads(PyObject*, PyObject*) { return PyLong_FromLong(num_threads()); }

PyObject* py_set_num_threads(PyObject*, PyObject* n) {
  long count = PyLong_AsLong(n);
  if (count == -1 && PyErr_Occurred()) return nullptr;
  if (count < 1) {
    PyErr_Format(PyExc_RuntimeError, "set_num_threads: expected a positive number, got %ld", count);
    return nullptr;
  }
  set_num_threads(static_cast<int>(count));
  Py_RETURN_NONE;
}

PyObject* py_set_default_dtype(PyObject*, PyObject* d) {
  DType dtype;
  if (PyType_Check(d) || !dtype_from(d, &dtype) || !is_floating(dtype)) {
    PyErr_Format(PyExc_TypeError, "set_default_dtype: expected a floating dtype, got %R", d);
    return nullptr;
  }
  default_dtype = dtype;
  Py_RETURN_NONE;
}
PyObject* py_get_default_dtype(PyObject*, PyObject*) { return Py_NewRef(dtype_object(default_dtype)); }

PyObject* py_promote_types(PyObject*, PyObject* args) {
  PyObject *a, *b;
  DType x, y;
  if (!PyArg_ParseTuple(args, "OO:promote_types", &a, &b)) return nullptr;
  if (!dtype_from(a, &x) || !dtype_from(b, &y)) {
    PyErr_SetString(PyExc_TypeError, "promote_types: expected two dtypes");
    return nullptr;
  }
  return Py_NewRef(dtype_object(promote(x, y)));
}

PyObject* py_result_type(PyObject*, PyObject* args) {
  PyObject *a, *b;
  if (!PyArg_ParseTuple(args, "OO:result_type", &a, &b)) return nullptr;
  try {
    Arg both[2];
    for (int i = 0; i < 2; ++i) {
      PyObject* o = i ? b : a;
      Scalar s;
      if (is_tensor(o)) {
        both[i] = Arg(reinterpret_cast<Tensor*>(o));
      } else {
        RL_CHECK(number_from(o, &s), Type, "result_type: expected tensors or numbers, got %s", Py_TYPE(o)->tp_name);
        both[i] = Arg(s);
      }
    }
    return Py_NewRef(dtype_object(result_dtype(Span<const Arg>(both, 2))));
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_memory_stats(PyObject*, PyObject*) {
  DeviceStats s = allocator::stats();
  return Py_BuildValue("{s:n,s:n,s:n}", "allocated", (Py_ssize_t)s.live_bytes, "peak", (Py_ssize_t)s.peak_bytes,
                       "cached", (Py_ssize_t)s.cached_bytes);
}
PyObject* py_empty_cache(PyObject*, PyObject*) {
  allocator::empty_cache();
  Py_RETURN_NONE;
}

PyObject* py_build_info(PyObject*, PyObject*) {
  return Py_BuildValue("{s:s,s:s,s:i,s:i,s:O}", "level", cpu_level_name(cpu_level()), "compiler", __VERSION__,
                       "threads", num_threads(), "operations", operation_count, "onednn",
#ifdef RL_ONEDNN
                       Py_True
#else
                       Py_False
#endif
  );
}

PyObject* py_register_parameter(PyObject*, PyObject* type) {
  parameter_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(type));
  parameter_type->tp_getattro = PyObject_GenericGetAttr;  // it is taken for a plain tensor
  Py_RETURN_NONE;
}

PyObject* py_is_tensor(PyObject*, PyObject* o) { return PyBool_FromLong(is_tensor(o)); }

PyMethodDef functions[] = {
    {"get_num_threads", py_num_threads, METH_NOARGS, "How many threads an operation may use."},
    {"set_num_threads", py_set_num_threads, METH_O, "Sets how many threads an operation may use."},
    {"set_default_dtype", py_set_default_dtype, METH_O, "The dtype of Python floats."},
    {"get_default_dtype", py_get_default_dtype, METH_NOARGS, "The dtype of Python floats."},
    {"promote_types", py_promote_types, METH_VARARGS, "The smallest dtype that both fit."},
    {"result_type", py_result_type, METH_VARARGS, "The dtype of an operation on two operands."},
    {"is_tensor", py_is_tensor, METH_O, "Whether the object is a tensor."},
    {"memory_stats", py_memory_stats, METH_NOARGS, "Bytes in use, at the peak, and cached, on the CPU."},
    {"empty_cache", py_empty_cache, METH_NOARGS, "Gives cached memory back to the system."},
    {"build_info", py_build_info, METH_NOARGS, "What this build is and runs on."},
    {"_named_results", py_named_result, METH_VARARGS, "The class of results of that name, with these fields."},
    {"_register_parameter", py_register_parameter, METH_O, "Tells the core which class is Parameter."},
    {nullptr, nullptr, 0, nullptr}};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "rushlight._native", "The native core.", -1, functions, nullptr, nullptr, nullptr, nullptr};

void fill_module(PyObject* module) {
  add_objects(module);
  add_autograd(module);
  add_function(module);
  add_forward(module);
  add_saved(module);
  add_tensor_type(module);
  add_data(module);
  add_buffer(module);
  add_dlpack(module);
  add_hook(module);
  add_torch_function(module);
  add_overridable(module);
  add_idle(module);
  if (!make_generator_type(module)) throw PythonError();
  for (PyMethodDef* const* table = function_tables; *table; ++table)
    if (PyModule_AddFunctions(module, *table) < 0) throw PythonError();
}

}  // namespace
}  // namespace rl

PyMODINIT_FUNC PyInit__native() {
#ifdef Py_GIL_DISABLED
  PyErr_SetString(PyExc_ImportError,
                  "rushlight counts references under the GIL and cannot run in a free-threaded Python yet; use a "
                  "standard build of Python");
  return nullptr;
#endif
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError,
                    "rushlight keeps state for one interpreter and cannot be imported into a sub-interpreter; use a "
                    "process, or a thread of the main interpreter");
    return nullptr;
  }
  PyObject* module = PyModule_Create(&rl::definition);
  if (!module) return nullptr;
  try {
    rl::fill_module(module);
  } catch (...) {
    rl::raise_current();
    Py_DECREF(module);
    return nullptr;
  }
  return module;
}
