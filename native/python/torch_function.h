// __torch_function__: classes that answer for their operations, and modes that answer for all.
#pragma once
#include <initializer_list>
#include <vector>

#include "python/objects.h"

namespace rl {

// Asks the active mode, then the objects' classes, for the result of function(*args, **kwargs).
PyObject* call_torch_function(PyObject* function, const std::vector<PyObject*>& objects, PyObject* args,
                              PyObject* kwargs, const char* name);
// The objects in a tuple of arguments that answer for themselves, in the order in which they are asked.
std::vector<PyObject*> answering(PyObject* arguments);
// The same for a method of Tensor that is called on `self`, which has a __torch_function__ of its own.
PyObject* method_torch_function(const char* name, PyObject* self, std::initializer_list<PyObject*> rest = {});
// Reads an attribute of a tensor whose class answers for itself: its getters and methods are operations too.
PyObject* overriding_getattr(PyObject* self, PyObject* name);
// Assignment to a property of Tensor, or its deletion, where the class answers for itself; false: nobody did.
bool overriding_setattr(PyObject* self, PyObject* name, PyObject* value, int* status);
// Methods in [first, last) ask their arguments' classes by themselves.
void set_table_methods(const PyMethodDef* first, const PyMethodDef* last);
// Called for each new subclass of Tensor.
PyObject* init_subclass(PyObject* type, PyObject* args, PyObject* kwargs);
void add_torch_function(PyObject* module);

}  // namespace rl
