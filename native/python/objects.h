// The small Python objects around tensors: dtype, device, Size, layout, memory_format.
#pragma once
#include <optional>

#include "autograd/arguments.h"

namespace rl {

PyObject* dtype_object(DType d);               // borrowed: one object for each dtype
bool dtype_from(PyObject* o, DType* out);      // dtype objects, and Python's bool, int, float, complex
PyObject* device_object(DeviceId d);           // new reference
bool device_from(PyObject* o, DeviceId* out);  // device objects, strings, and numbers (a CUDA index)
// Where this thread's new tensors are made; nullptr: on the CPU. Set by `with device:` and set_default_device.
extern thread_local const DeviceId* default_device __attribute__((tls_model("initial-exec")));
PyObject* size_object(DimSpan sizes);  // new reference to a rushlight.Size
PyObject* layout_strided();            // borrowed
bool is_layout(PyObject* o);
PyObject* memory_format_object(MemoryFormat f);  // borrowed
bool memory_format_from(PyObject* o, MemoryFormat* out);
void add_objects(PyObject* module);
PyObject* scalar_to_python(const Scalar& s);
PyObject* element_to_python(DType d, const void* element);

// Sets the Python exception that belongs to the C++ exception being handled; returns nullptr.
PyObject* raise_current();

}  // namespace rl
