// x[index] and x[index] = value.
#pragma once
#include "python/objects.h"

namespace rl {

PyObject* get_item(PyObject* self, PyObject* index);
int set_item(PyObject* self, PyObject* index, PyObject* value);

}  // namespace rl
