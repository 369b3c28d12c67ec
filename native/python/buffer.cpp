#include "python/buffer.h"

#include <cstring>
#include <string>

#include "python/call.h"

namespace rl {

namespace {

constexpr const char* kFormats[kDTypes] = {"?", "B", "b", "h", "i", "q", "e", nullptr, "f", "d", nullptr, "Zf", "Zd"};

void release_borrowed(Storage* s) {
  Py_buffer* view = static_cast<Py_buffer*>(s->context);
  PyBuffer_Release(view);
  delete view;
}

struct BufferGuard {
  Py_buffer* view = new Py_buffer();
  bool held = false;
  ~BufferGuard() {
    if (held) PyBuffer_Release(view);
    delete view;
  }
  Py_buffer* take() {
    Py_buffer* v = view;
    view = nullptr;
    held = false;
    return v;
  }
};

void warn_read_only(Py_buffer* view, const char* op) {
  if (PyErr_WarnFormat(PyExc_UserWarning, 1,
                       "%s: the memory is read-only, and tensors are not: writing to this tensor is undefined; copy "
                       "the data first",
                       op) < 0) {
    PyBuffer_Release(view);
    throw PythonError();
  }
}

// NumPy shows dates and durations as bytes, in a buffer of another shape than their own.
bool shape_differs(PyObject* owner, int ndim) {
  PyRef own = PyRef::steal(PyObject_GetAttrString(owner, "ndim"));
  if (!own) PyErr_Clear();
  return own && PyLong_Check(own.get()) && PyLong_AsLong(own.get()) != ndim;
}

}  // namespace

bool dtype_of_format(const char* format, Py_ssize_t itemsize, DType* out) {
  if (!format) format = "B";
  if (*format == '@' || *format == '=' || (*format == '<')) ++format;
  std::string f = format;
  for (int i = 0; i < kDTypes; ++i)
    if (kFormats[i] && f == kFormats[i] && static_cast<Py_ssize_t>(kDTypeInfo[i].size) == itemsize) {
      *out = static_cast<DType>(i);
      return true;
    }
  if (f == "l" || f == "n") {
    *out = itemsize == 8 ? DType::Int64 : DType::Int32;
    return true;
  }
  return false;
}

bool is_ndarray(PyObject* o) {
  for (PyTypeObject* t = Py_TYPE(o); t; t = t->tp_base)
    if (!std::strcmp(t->tp_name, "numpy.ndarray")) return true;
  return false;
}

bool is_numpy(PyObject* o) {
  static PyObject* name = PyUnicode_InternFromString("__array_interface__");
  return PyObject_CheckBuffer(o) && PyObject_HasAttr(o, name);
}

Ref tensor_over_buffer(PyObject* owner, bool writable_wanted, const char* op) {
  BufferGuard guard;
  if (PyObject_GetBuffer(owner, guard.view, PyBUF_RECORDS) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(owner, guard.view, PyBUF_RECORDS_RO) < 0) {
      PyErr_Clear();
      fail(ErrorType::Type, "%s: the memory of this %s cannot be read as numbers", op, Py_TYPE(owner)->tp_name);
    }
    if (writable_wanted) warn_read_only(guard.view, op);
  }
  guard.held = true;
  Py_buffer* v = guard.view;
  DType dtype = DType::Float32;
  RL_CHECK(!v->format || (*v->format != '>' && *v->format != '!'), Value,
           "%s: the array's bytes are not in this machine's order; convert it with "
           ".astype(a.dtype.newbyteorder('='))",
           op);
  RL_CHECK(dtype_of_format(v->format, v->itemsize, &dtype) && !shape_differs(owner, v->ndim), Type,
           "%s: elements of this %s (format '%s') have no dtype here; convert them to a bool, integer, floating or "
           "complex type first",
           op, Py_TYPE(owner)->tp_name, v->format ? v->format : "B");
  Dims sizes, strides;
  for (int i = 0; i < v->ndim; ++i) {
    int64_t stride = v->strides ? v->strides[i] : 0;
    RL_CHECK(stride >= 0 || v->shape[i] <= 1, Value,
             "%s: negative strides are not supported (a reversed view such as a[::-1]); copy the array first", op);
    RL_CHECK(stride % v->itemsize == 0 || v->shape[i] <= 1, Value,
             "%s: the stride %lld is not a multiple of the element size %lld", op, (long long)stride,
             (long long)v->itemsize);
    sizes.push_back(v->shape[i]);
    strides.push_back(stride < 0 ? 1 : stride / v->itemsize);
  }
  if (!v->strides) strides = contiguous_strides(sizes);
  int64_t last = 0;
  for (int i = 0; i < sizes.size(); ++i) last += sizes[i] > 0 ? (sizes[i] - 1) * strides[i] : 0;
  size_t nbytes = product(sizes) ? static_cast<size_t>(last + 1) * size_of(dtype) : 0;
  Storage* storage = new_storage(static_cast<char*>(v->buf), nbytes, DeviceId{}, release_borrowed, guard.take());
  storage->resizable = false;
  return new_tensor(storage, dtype, sizes, strides, 0);
}

// ------------------------------------------------------------------ a tensor's memory as a buffer

namespace {

// Tensors have no buffer protocol of their own, as in PyTorch: NumPy would take it before __array__, which refuses
// tensors that require gradients.
struct MemoryObject {
  PyObject_HEAD Tensor* tensor;
};
PyTypeObject* memory_type;

int get_buffer(PyObject* self, Py_buffer* view, int) {
  Tensor* x = reinterpret_cast<MemoryObject*>(self)->tensor;
  view->obj = nullptr;
  if (x->device.type != DeviceType::Cpu || !kFormats[static_cast<int>(x->dtype)]) {
    PyErr_Format(PyExc_BufferError, "a tensor of dtype %s on device %s has no buffer that Python understands",
                 name_of(x->dtype), name_of(x->device));
    return -1;
  }
  int n = x->ndim;
  Py_ssize_t* dims = static_cast<Py_ssize_t*>(PyMem_Malloc(sizeof(Py_ssize_t) * static_cast<size_t>(2 * n + 2)));
  if (!dims) return PyErr_NoMemory(), -1;
  Py_ssize_t itemsize = static_cast<Py_ssize_t>(size_of(x->dtype));
  // The buffer outlives what the tensor looks at (set_, .data = ...): it holds the memory itself, which stays where it
  // is.
  retain(x->storage);
  pin(x->storage);
  *reinterpret_cast<Storage**>(dims) = x->storage;
  ++dims;
  for (int i = 0; i < n; ++i) {
    dims[i] = x->sizes()[i];
    dims[n + i] = x->strides()[i] * itemsize;
  }
  view->obj = Py_NewRef(self);
  view->buf = x->data();
  view->len = x->numel * itemsize;
  view->itemsize = itemsize;
  view->readonly = 0;
  view->ndim = n;
  view->format = const_cast<char*>(kFormats[static_cast<int>(x->dtype)]);
  view->shape = dims;
  view->strides = dims + n;
  view->suboffsets = nullptr;
  view->internal = dims - 1;
  return 0;
}

void release_buffer(PyObject*, Py_buffer* view) {
  drop(*static_cast<Storage**>(view->internal));
  PyMem_Free(view->internal);
}

void memory_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_DECREF(reinterpret_cast<PyObject*>(reinterpret_cast<MemoryObject*>(self)->tensor));
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot memory_slots[] = {{Py_tp_dealloc, (void*)memory_dealloc},
                              {Py_bf_getbuffer, (void*)get_buffer},
                              {Py_bf_releasebuffer, (void*)release_buffer},
                              {0, nullptr}};
PyType_Spec memory_spec = {"rushlight._Memory", sizeof(MemoryObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, memory_slots};

PyObject* py_memory(PyObject*, PyObject* o) {
  if (!is_tensor(o)) return PyErr_Format(PyExc_TypeError, "_memory: expected a tensor, got %s", Py_TYPE(o)->tp_name);
  MemoryObject* owner = PyObject_New(MemoryObject, memory_type);
  if (!owner) return nullptr;
  owner->tensor = reinterpret_cast<Tensor*>(Py_NewRef(o));
  PyObject* view = PyMemoryView_FromObject(reinterpret_cast<PyObject*>(owner));
  Py_DECREF(owner);
  return view;
}

// ------------------------------------------------------------------ functions

PyObject* py_from_numpy(PyObject*, PyObject* array) {
  try {
    RL_CHECK(is_ndarray(array), Type, "from_numpy: expected a numpy.ndarray, got %s; tensor(...) takes other data",
             Py_TYPE(array)->tp_name);
    return tensor_over_buffer(array, true, "from_numpy").to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_frombuffer(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"buffer", "dtype", "count", "offset", "requires_grad", nullptr};
  PyObject *buffer, *dtype_argument = nullptr;
  Py_ssize_t count = -1, offset = 0;
  int requires_grad = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$Onnp:frombuffer", const_cast<char**>(names), &buffer,
                                   &dtype_argument, &count, &offset, &requires_grad))
    return nullptr;
  try {
    DType dtype;
    RL_CHECK(dtype_argument, Type, "frombuffer: the argument 'dtype' is missing");
    RL_CHECK(dtype_from(dtype_argument, &dtype), Type, "frombuffer: dtype must be a dtype, got %s",
             Py_TYPE(dtype_argument)->tp_name);
    RL_CHECK(PyObject_CheckBuffer(buffer), Value, "frombuffer: expected an object with the buffer protocol, got %s",
             Py_TYPE(buffer)->tp_name);
    RL_CHECK(!requires_grad || is_differentiable(dtype), Runtime,
             "frombuffer: only floating and complex tensors can require gradients, got dtype %s; convert it first, "
             "with .float()",
             name_of(dtype));
    BufferGuard guard;
    if (PyObject_GetBuffer(buffer, guard.view, PyBUF_WRITABLE) < 0) {
      PyErr_Clear();
      if (PyObject_GetBuffer(buffer, guard.view, PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        fail(ErrorType::Runtime, "frombuffer: the memory of this %s is not one contiguous block",
             Py_TYPE(buffer)->tp_name);
      }
      warn_read_only(guard.view, "frombuffer");
    }
    guard.held = true;
    Py_ssize_t length = guard.view->len, itemsize = static_cast<Py_ssize_t>(size_of(dtype));
    RL_CHECK(length > 0 && count != 0, Value,
             "frombuffer: both the buffer (%zd bytes) and count (%zd) must not be empty", length, count);
    RL_CHECK(offset >= 0 && offset < length, Value, "frombuffer: offset %zd must lie inside the buffer of %zd bytes",
             offset, length);
    RL_CHECK(count > 0 || (length - offset) % itemsize == 0, Value,
             "frombuffer: %zd bytes after the offset are not a multiple of the element size %zd", length - offset,
             itemsize);
    if (count < 0) count = (length - offset) / itemsize;
    RL_CHECK(count <= (length - offset) / itemsize, Value,
             "frombuffer: %zd elements of %zd bytes from offset %zd exceed the buffer of %zd bytes", count, itemsize,
             offset, length);
    char* data = static_cast<char*>(guard.view->buf) + offset;
    Storage* storage =
        new_storage(data, static_cast<size_t>(count * itemsize), DeviceId{}, release_borrowed, guard.take());
    storage->resizable = false;
    Ref x = new_contiguous(storage, dtype, Dims{count});
    if (requires_grad) x->flags |= kRequiresGrad;
    return x.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef buffer_functions[] = {
    {"from_numpy", py_from_numpy, METH_O, "from_numpy(ndarray)\n\nA tensor that shares the array's memory."},
    {"_memory", py_memory, METH_O, "The memory of a CPU tensor as a memoryview of its shape and strides."},
    {"frombuffer", (PyCFunction)(void (*)(void))py_frombuffer, METH_VARARGS | METH_KEYWORDS,
     "frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False)\n\nA one-dimensional tensor that shares "
     "the buffer's memory."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_buffer(PyObject* module) {
  memory_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&memory_spec));
  if (!memory_type || PyModule_AddFunctions(module, buffer_functions) < 0) throw PythonError();
}

}  // namespace rl
