// Memory shared with Python: the buffer protocol, NumPy's arrays, and DLPack.
#pragma once
#include "python/objects.h"

namespace rl {

// The dtype of a buffer's format string; false where there is none here.
bool dtype_of_format(const char* format, Py_ssize_t itemsize, DType* out);
// A numpy.ndarray or an object of a subclass of it.
bool is_ndarray(PyObject* o);
// A NumPy array or scalar.
bool is_numpy(PyObject* o);
// A tensor over the memory of an object with the buffer protocol.
Ref tensor_over_buffer(PyObject* owner, bool writable_wanted, const char* op);
void add_buffer(PyObject* module);
void add_dlpack(PyObject* module);

}  // namespace rl
