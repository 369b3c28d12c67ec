// Tensors from Python data and back: nested sequences, buffers, NumPy arrays, numbers.
#pragma once
#include "python/objects.h"

namespace rl {

// A new tensor with a copy of `data`; its dtype is inferred where none is given.
Ref tensor_from(PyObject* data, std::optional<DType> dtype, DeviceId device = {});
// A tensor over the memory of an object with the buffer protocol.
Ref tensor_over_buffer(PyObject* owner, bool writable_wanted, const char* op);
PyObject* to_list(const Tensor* x);
PyObject* item(const Tensor* x);
int get_buffer(PyObject* self, Py_buffer* view, int flags);
void release_buffer(PyObject* self, Py_buffer* view);
void add_data(PyObject* module);

}  // namespace rl
