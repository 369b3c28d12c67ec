#include "python/data.h"

#include <cmath>
#include <cstring>
#include <string>

#include "device/create.h"
#include "iterate/pointwise.h"
#include "python/call.h"

namespace rl {

// ------------------------------------------------------------------ buffers

namespace {

constexpr const char* kFormats[kDTypes] = {"?", "B", "b", "h", "i", "q", "e", nullptr, "f", "d", "Zf", "Zd"};

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

}  // namespace

Ref tensor_over_buffer(PyObject* owner, bool writable_wanted, const char* op) {
  BufferGuard guard;
  if (PyObject_GetBuffer(owner, guard.view, PyBUF_RECORDS) < 0) {
    PyErr_Clear();
    if (PyObject_GetBuffer(owner, guard.view, PyBUF_RECORDS_RO) < 0) {
      PyErr_Clear();
      fail(ErrorType::Type, "%s: the memory of this %s cannot be read as numbers", op, Py_TYPE(owner)->tp_name);
    }
    if (writable_wanted && PyErr_WarnEx(PyExc_UserWarning,
                                        "from_numpy: the array is read-only, and tensors are not: writing to this "
                                        "tensor is undefined; copy the array first",
                                        1) < 0) {
      PyBuffer_Release(guard.view);
      throw PythonError();
    }
  }
  guard.held = true;
  Py_buffer* v = guard.view;
  DType dtype = DType::Float32;
  RL_CHECK(!v->format || (*v->format != '>' && *v->format != '!'), Value,
           "%s: the array's bytes are not in this machine's order; convert it with "
           ".astype(a.dtype.newbyteorder('='))",
           op);
  RL_CHECK(dtype_of_format(v->format, v->itemsize, &dtype), Type,
           "%s: elements of format '%s' have no dtype here; convert the array to a bool, integer, floating "
           "or complex type first",
           op, v->format ? v->format : "B");
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

int get_buffer(PyObject* self, Py_buffer* view, int) {
  Tensor* x = reinterpret_cast<Tensor*>(self);
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

// ------------------------------------------------------------------ nested sequences

namespace {

bool is_plain_sequence(PyObject* o) {
  return PyList_Check(o) || PyTuple_Check(o) ||
         (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o) && !PyDict_Check(o));
}

bool is_numpy(PyObject* o) {
  static PyObject* name = PyUnicode_InternFromString("__array_interface__");
  return PyObject_CheckBuffer(o) && PyObject_HasAttr(o, name);
}

// What PyTorch makes of an element that is no sequence.
bool leaf_dtype(PyObject* o, DType* out) {
  Py_buffer view;
  if (!PyFloat_CheckExact(o) && !PyLong_CheckExact(o) && is_numpy(o)) {
    if (PyObject_GetBuffer(o, &view, PyBUF_RECORDS_RO) < 0) throw PythonError();
    bool known = dtype_of_format(view.format, view.itemsize, out);
    PyBuffer_Release(&view);
    return known;
  }
  if (PyBool_Check(o)) {
    *out = DType::Bool;
  } else if (PyLong_Check(o)) {
    *out = DType::Int64;
  } else if (PyFloat_Check(o)) {
    *out = default_dtype;
  } else if (PyComplex_Check(o)) {
    *out = default_dtype == DType::Float64 ? DType::Complex128 : DType::Complex64;
  } else {
    Scalar s;
    if (!number_from(o, &s)) return false;
    *out = dtype_of_number(s);
  }
  return true;
}

void find_sizes(PyObject* data, Dims& sizes) {
  PyRef at = PyRef::retain(data);
  while (true) {
    if (is_tensor(at.get())) {
      for (int64_t s : reinterpret_cast<Tensor*>(at.get())->sizes()) sizes.push_back(s);
      return;
    }
    if (!is_plain_sequence(at.get())) return;
    Py_ssize_t n = PySequence_Size(at.get());
    if (n < 0) throw PythonError();
    sizes.push_back(n);
    RL_CHECK(sizes.size() <= kMaxDims, Value, "tensor: the data is nested deeper than %d levels", kMaxDims);
    if (n == 0) return;
    at = PyRef::steal(PySequence_GetItem(at.get(), 0));
    if (!at) throw PythonError();
  }
}

struct Filler {
  Tensor* out;
  Dims sizes;
  bool infer;
  bool any = false;
  DType dtype = DType::Float32;

  void visit(PyObject* o, int level, int64_t& at) {
    if (level == sizes.size()) return leaf(o, at);
    if (is_tensor(o)) {
      Tensor* t = reinterpret_cast<Tensor*>(o);
      PyRef list = PyRef::steal(to_list(t));
      if (!list) throw PythonError();
      if (infer) note(t->dtype);
      bool was = infer;
      infer = false;
      if (was) return;
      return visit(list.get(), level, at);
    }
    RL_CHECK(is_plain_sequence(o), Type, "tensor: expected a sequence of length %lld at nesting level %d, got %s",
             (long long)sizes[level], level, Py_TYPE(o)->tp_name);
    PyRef fast = PyRef::steal(PySequence_Fast(o, "tensor: expected a sequence"));
    if (!fast) throw PythonError();
    // Reading an element can run Python code that changes the list: its length is looked at each time.
    Py_ssize_t i = 0;
    for (; i < PySequence_Fast_GET_SIZE(fast.get()) && i < sizes[level]; ++i) {
      PyRef item = PyRef::retain(PySequence_Fast_GET_ITEM(fast.get(), i));
      visit(item.get(), level + 1, at);
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
    RL_CHECK(i == sizes[level] && n == i, Value,
             "tensor: the nested sequences differ in length: expected %lld at dimension %d, got %zd",
             (long long)sizes[level], level, n);
  }

  void note(DType d) {
    dtype = any ? promote(dtype, d) : d;
    any = true;
  }

  void leaf(PyObject* o, int64_t& at) {
    PyRef held;
    if (is_tensor(o)) {
      Tensor* t = reinterpret_cast<Tensor*>(o);
      RL_CHECK(t->numel == 1, Value, "tensor: only one-element tensors can stand among numbers, got shape %s",
               to_string(t->sizes()).c_str());
      if (infer) return note(t->dtype);
      held = PyRef::steal(item(t));
      o = held.get();
    }
    if (infer) {
      DType d;
      RL_CHECK(!PyUnicode_Check(o) && !PyBytes_Check(o), Value, "tensor: text cannot be stored in a tensor");
      RL_CHECK(!is_plain_sequence(o) || PyNumber_Check(o), Type,
               "tensor: the nested sequences differ in depth: expected a number, got %s", Py_TYPE(o)->tp_name);
      if (!leaf_dtype(o, &d))
        fail(ErrorType::Runtime, "tensor: an element of type %s cannot be stored in a tensor", Py_TYPE(o)->tp_name);
      return note(d);
    }
    Scalar s = number_of(o);
    check_range(s);
    s.store(out->dtype, out->data() + at++ * static_cast<int64_t>(size_of(out->dtype)));
  }

  Scalar number_of(PyObject* o) const {
    Scalar s;
    int overflow = 0;
    if (PyLong_Check(o)) PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow) {
      RL_CHECK(is_floating(out->dtype) || out->dtype == DType::Bool, Value,
               "tensor: an integer does not fit into 64 bits");
      return Scalar(out->dtype == DType::Bool ? 1.0 : PyLong_AsDouble(o));
    }
    RL_CHECK(!PyUnicode_Check(o) && !PyBytes_Check(o), Value, "tensor: text cannot be stored in a tensor of dtype %s",
             name_of(out->dtype));
    RL_CHECK(number_from(o, &s), Type, "tensor: an element of type %s cannot be stored in a tensor",
             Py_TYPE(o)->tp_name);
    RL_CHECK(s.category < Category::Complex || is_complex(out->dtype) || out->dtype == DType::Bool, Type,
             "tensor: a complex number cannot be stored in a tensor of dtype %s", name_of(out->dtype));
    return s;
  }

  // A number that an integer dtype cannot hold is an error; negative integers wrap into unsigned ones.
  void check_range(const Scalar& s) const {
    if (!is_integral(out->dtype) || out->dtype == DType::Bool) return;
    int bits = static_cast<int>(8 * size_of(out->dtype));
    bool fits = true;
    if (s.category == Category::Floating) {
      double low = out->dtype == DType::UInt8 ? 0 : -std::ldexp(1, bits - 1),
             high = out->dtype == DType::UInt8 ? 255 : std::ldexp(1, bits - 1) - 1;
      fits = s.d <= high && s.d >= low;  // false for NaN
    } else if (bits < 64) {
      int64_t high = out->dtype == DType::UInt8 ? 255 : (int64_t(1) << (bits - 1)) - 1;
      fits = s.i <= high && s.i >= (out->dtype == DType::UInt8 ? -255 : -high - 1);
    }
    RL_CHECK(fits, Runtime, "tensor: a number does not fit into dtype %s", name_of(out->dtype));
  }
};

// The commonest data, without a pass for the dtype: a flat list of floats.
Ref flat_floats(PyObject* data, DType dtype) {
  Py_ssize_t n = PyList_GET_SIZE(data);
  for (Py_ssize_t i = 0; i < n; ++i)
    if (!PyFloat_CheckExact(PyList_GET_ITEM(data, i))) return Ref();
  Ref x = empty(Dims{n}, dtype);
  for (Py_ssize_t i = 0; i < n; ++i) {
    double v = PyFloat_AS_DOUBLE(PyList_GET_ITEM(data, i));
    if (dtype == DType::Float32) {
      x->data_as<float>()[i] = static_cast<float>(v);
    } else {
      x->data_as<double>()[i] = v;
    }
  }
  return x;
}

}  // namespace

Ref tensor_from(PyObject* data, std::optional<DType> dtype, DeviceId device) {
  DType wanted = dtype.value_or(default_dtype);
  if (PyList_CheckExact(data) && PyList_GET_SIZE(data) && device.type == DeviceType::Cpu &&
      (wanted == DType::Float32 || wanted == DType::Float64))
    if (Ref x = flat_floats(data, wanted)) return x;
  if (is_tensor(data)) {
    Tensor* t = reinterpret_cast<Tensor*>(data);
    if (device.type == DeviceType::Meta) return empty(t->sizes(), dtype.value_or(t->dtype), device);
    return convert(t, dtype.value_or(t->dtype));
  }
  bool number = PyFloat_CheckExact(data) || PyLong_CheckExact(data) || PyBool_Check(data) || PyComplex_CheckExact(data);
  bool text = PyUnicode_Check(data) || PyBytes_Check(data);
  RL_CHECK(!text, Type, "tensor: expected numbers, got %s", Py_TYPE(data)->tp_name);
  if (!number && !PyList_Check(data) && !PyTuple_Check(data) && is_numpy(data)) {
    Ref shared = tensor_over_buffer(data, false, "tensor");
    if (device.type == DeviceType::Meta) return empty(shared->sizes(), dtype.value_or(shared->dtype), device);
    Ref copy = convert(shared.get(), dtype.value_or(shared->dtype));
    return as_contiguous(copy.get());
  }
  Filler f;
  find_sizes(data, f.sizes);
  RL_CHECK(!PyDict_Check(data) || dtype, Runtime, "tensor: a dict has no order of elements; give a list of numbers");
  int64_t at = 0;
  f.infer = !dtype;
  if (f.infer) {
    f.visit(data, 0, at);
    if (!f.any) f.dtype = default_dtype;
  } else {
    f.dtype = *dtype;
  }
  Ref out = empty(f.sizes, f.dtype, device);
  if (device.type == DeviceType::Meta) return out;
  f.out = out.get();
  f.infer = false;
  at = 0;
  f.visit(data, 0, at);
  return out;
}

static PyObject* list_of(const Tensor* x, int level, const char* at) {
  if (level == x->ndim) return element_to_python(x->dtype, at);
  int64_t n = x->sizes()[level], step = x->strides()[level] * static_cast<int64_t>(size_of(x->dtype));
  PyObject* list = PyList_New(n);
  for (int64_t i = 0; list && i < n; ++i) {
    PyObject* item = list_of(x, level + 1, at + i * step);
    if (!item) {
      Py_DECREF(list);
      return nullptr;
    }
    PyList_SET_ITEM(list, i, item);
  }
  return list;
}

static void check_readable(const Tensor* x, const char* op) {
  RL_CHECK(has_memory(x), NotImplemented, "%s: a meta tensor has a shape, but no values", op);
}

PyObject* to_list(const Tensor* x) {
  check_readable(x, "tolist");
  return list_of(x, 0, x->data());
}

PyObject* item(const Tensor* x) {
  RL_CHECK(x->numel == 1, Runtime,
           "item: a tensor of shape %s has %lld elements, and only one can become a Python number; use .tolist(), or "
           "reduce it first",
           to_string(x->sizes()).c_str(), (long long)x->numel);
  RL_CHECK(has_memory(x), Runtime, "item: a meta tensor has a shape, but no values");
  return element_to_python(x->dtype, x->data());
}

// ------------------------------------------------------------------ functions

namespace {

struct DataArguments {
  PyObject* data = nullptr;
  std::optional<DType> dtype;
  std::optional<DeviceId> device;
  bool requires_grad = false;
};

DataArguments parse_data(PyObject* args, PyObject* kwargs, const char* name) {
  static const char* names[] = {"data", "dtype", "device", "requires_grad", "pin_memory", nullptr};
  PyObject *dtype = Py_None, *device = Py_None, *pin = Py_False;
  DataArguments a;
  int requires_grad = 0;
  std::string format = std::string("O|OO$pO:") + name;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, format.c_str(), const_cast<char**>(names), &a.data, &dtype, &device,
                                   &requires_grad, &pin))
    throw PythonError();
  DType d;
  if (dtype != Py_None) {
    RL_CHECK(dtype_from(dtype, &d), Type, "%s: dtype must be a dtype, got %s", name, Py_TYPE(dtype)->tp_name);
    a.dtype = d;
  }
  DeviceId id;
  if (device != Py_None) {
    RL_CHECK(device_from(device, &id), Type, "%s: device must be a device or a string, got %s", name,
             Py_TYPE(device)->tp_name);
    rl::device(id);
    a.device = id;
  }
  a.requires_grad = requires_grad;
  return a;
}

PyObject* py_tensor(PyObject*, PyObject* args, PyObject* kwargs) {
  try {
    DataArguments a = parse_data(args, kwargs, "tensor");
    Ref x = tensor_from(a.data, a.dtype, a.device.value_or(DeviceId{}));
    if (a.requires_grad) {
      RL_CHECK(is_differentiable(x->dtype), Runtime,
               "tensor: only floating and complex tensors can require gradients, got dtype %s", name_of(x->dtype));
      x->flags |= kRequiresGrad;
    }
    return x.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_from_numpy(PyObject*, PyObject* array) {
  try {
    RL_CHECK(!std::strcmp(Py_TYPE(array)->tp_name, "numpy.ndarray"), Type,
             "from_numpy: expected a numpy.ndarray, got %s", Py_TYPE(array)->tp_name);
    return tensor_over_buffer(array, true, "from_numpy").to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_over_buffer(PyObject*, PyObject* owner) {
  try {
    return tensor_over_buffer(owner, false, "as_tensor").to_python();
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
             "frombuffer: only floating and complex tensors can require gradients, got dtype %s", name_of(dtype));
    BufferGuard guard;
    if (PyObject_GetBuffer(buffer, guard.view, PyBUF_WRITABLE) < 0) {
      PyErr_Clear();
      if (PyObject_GetBuffer(buffer, guard.view, PyBUF_SIMPLE) < 0) throw PythonError();
      if (PyErr_WarnEx(PyExc_UserWarning,
                       "frombuffer: the buffer is read-only, and tensors are not: writing to this tensor is undefined",
                       1) < 0) {
        PyBuffer_Release(guard.view);
        throw PythonError();
      }
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

PyMethodDef data_functions[] = {
    {"tensor", (PyCFunction)(void (*)(void))py_tensor, METH_VARARGS | METH_KEYWORDS,
     "tensor(data, *, dtype=None, device=None, requires_grad=False)\n\nA new tensor with a copy of the data."},
    {"from_numpy", py_from_numpy, METH_O, "from_numpy(ndarray)\n\nA tensor that shares the array's memory."},
    {"_over_buffer", py_over_buffer, METH_O, "A tensor that shares the memory of an object with the buffer protocol."},
    {"frombuffer", (PyCFunction)(void (*)(void))py_frombuffer, METH_VARARGS | METH_KEYWORDS,
     "frombuffer(buffer, *, dtype, count=-1, offset=0, requires_grad=False)\n\nA one-dimensional tensor that shares "
     "the buffer's memory."},
    {nullptr, nullptr, 0, nullptr}};
}  // namespace

void add_data(PyObject* module) {
  if (PyModule_AddFunctions(module, data_functions) < 0) throw PythonError();
}

}  // namespace rl
