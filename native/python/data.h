// Tensors from Python data and back: nested sequences, NumPy arrays, numbers.
#pragma once
#include "python/objects.h"

namespace rl {

// A new tensor with a copy of `data`; its dtype is inferred where none is given.
Ref tensor_from(PyObject* data, std::optional<DType> dtype, DeviceId device = {});
PyObject* to_list(const Tensor* x);
PyObject* item(const Tensor* x);
void add_data(PyObject* module);

}  // namespace rl
