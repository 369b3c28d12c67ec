// The parts that module initialisation puts together.
#pragma once
#include <Python.h>

namespace rl {
void add_objects(PyObject* module);
void add_hook(PyObject* module);
void add_torch_function(PyObject* module);
void add_overridable(PyObject* module);
void add_data(PyObject* module);
void add_tensor_type(PyObject* module);
void add_autograd(PyObject* module);
void add_function(PyObject* module);
void add_idle(PyObject* module);
void add_forward(PyObject* module);
void add_saved(PyObject* module);
PyObject* tensor_backward(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames);
PyObject* py_named_result(PyObject*, PyObject* args);
PyObject* make_generator_type(PyObject* module);
}  // namespace rl
