// What the parts of the Tensor type share.
#pragma once
#include "python/objects.h"

namespace rl {

extern PyGetSetDef tensor_attributes[];
extern PyMethodDef tensor_methods[];
// A tensor of class `type` over the memory of `from`, without history.
Ref of_class(PyTypeObject* type, const Tensor* from);
PyObject* as_subclass_method(PyObject* self, PyObject* cls);
PyObject* make_subclass(PyObject*, PyObject* args, PyObject* kwargs);
void change_requires_grad(Tensor* x, bool on);

}  // namespace rl
