#include "python/data.h"

#include <cmath>
#include <cstring>
#include <string>

#include "device/create.h"
#include "iterate/pointwise.h"
#include "python/buffer.h"
#include "python/call.h"
#include "python/torch_function.h"

namespace rl {

// ------------------------------------------------------------------ nested sequences

namespace {

bool is_plain_sequence(PyObject* o) {
  return PyList_Check(o) || PyTuple_Check(o) ||
         (PySequence_Check(o) && !PyUnicode_Check(o) && !PyBytes_Check(o) && !PyDict_Check(o));
}

// What PyTorch makes of an element that is no sequence.
bool leaf_dtype(PyObject* o, DType* out) {
  Py_buffer view;
  if (!PyFloat_CheckExact(o) && !PyLong_CheckExact(o) && is_numpy(o)) {
    if (PyObject_GetBuffer(o, &view, PyBUF_RECORDS_RO) < 0) throw PythonError();
    bool known = dtype_of_format(view.format, view.itemsize, out);
    PyBuffer_Release(&view);
    RL_CHECK(known, Type, "tensor: elements of type %s have no dtype here", Py_TYPE(o)->tp_name);
    return true;
  }
  if (PyBool_Check(o)) {
    *out = DType::Bool;
  } else if (PyLong_Check(o)) {
    *out = DType::Int64;
  } else if (PyFloat_Check(o)) {
    *out = default_dtype;
  } else if (PyComplex_Check(o)) {
    *out = complex_of(default_dtype);
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
    if (is_tensor(at.get()) || !is_plain_sequence(at.get())) return;  // a tensor stands for its one element
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
    RL_CHECK(!is_tensor(o) && is_plain_sequence(o), Type,
             "tensor: expected a sequence of length %lld at nesting level %d, got %s", (long long)sizes[level], level,
             Py_TYPE(o)->tp_name);
    PyRef fast = PyRef::steal(PySequence_Fast(o, "tensor: expected a sequence"));
    if (!fast) throw PythonError();
    // Reading an element can run Python code that changes the list: its length is looked at each time.
    Py_ssize_t i = 0;
    for (; i < PySequence_Fast_GET_SIZE(fast.get()) && i < sizes[level]; ++i) {
      PyRef item = PyRef::retain(PySequence_Fast_GET_ITEM(fast.get(), i));
      visit(item.get(), level + 1, at);
    }
    Py_ssize_t n = PySequence_Fast_GET_SIZE(fast.get());
    RL_CHECK(
        i == sizes[level] && n == i, Value,
        "tensor: the nested sequences differ in length: expected %lld at dimension %d, got %zd; pad the shorter ones",
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
      if (infer) return note(t->dtype);
      if (t->numel != 1)
        fail(category_of(out->dtype) <= Category::Integral ? ErrorType::Type : ErrorType::Value,
             "tensor: only one-element tensors can stand among numbers, got shape %s; join tensors with stack or cat",
             to_string(t->sizes()).c_str());
      held = PyRef::steal(item(t));
      o = held.get();
    }
    if (infer) {
      DType d;
      check_text(o, !any);
      RL_CHECK(!is_plain_sequence(o) || PyNumber_Check(o), Type,
               "tensor: the nested sequences differ in depth: expected a number, got %s", Py_TYPE(o)->tp_name);
      if (!leaf_dtype(o, &d))
        fail(ErrorType::Runtime,
             "tensor: expected a number, got an element of type %s; nan can stand for what is missing",
             Py_TYPE(o)->tp_name);
      return note(d);
    }
    check_text(o, at == 0);
    Scalar s = number_of(o);
    check_range(s);
    s.store(out->dtype, out->data() + at++ * static_cast<int64_t>(size_of(out->dtype)));
  }

  static void check_text(PyObject* o, bool first) {
    if (PyUnicode_Check(o) || PyBytes_Check(o))
      fail(first ? ErrorType::Value : ErrorType::Type, "tensor: %s is no number; encode text as numbers first",
           Py_TYPE(o)->tp_name);
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
  RL_CHECK(!text, Type, "tensor: expected numbers, got %s; encode text as numbers first", Py_TYPE(data)->tp_name);
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

PyObject* py_tensor(PyObject* module, PyObject* args, PyObject* kwargs) {
  try {
    if (modes & kFunctionMode) {
      PyRef function = PyRef::steal(PyObject_GetAttrString(module, "tensor"));
      PyRef named = kwargs ? PyRef::retain(kwargs) : PyRef::steal(PyDict_New());
      return call_torch_function(function.get(), {}, args, named.get(), "tensor");
    }
    DataArguments a = parse_data(args, kwargs, "tensor");
    DeviceId home = default_device ? *default_device : DeviceId{};
    Ref x = tensor_from(a.data, a.dtype, a.device.value_or(home));
    if (a.requires_grad) {
      RL_CHECK(is_differentiable(x->dtype), Runtime,
               "tensor: only floating and complex tensors can require gradients, got dtype %s; convert it first, with "
               ".float()",
               name_of(x->dtype));
      x->flags |= kRequiresGrad;
    }
    return x.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef data_functions[] = {
    {"tensor", (PyCFunction)(void (*)(void))py_tensor, METH_VARARGS | METH_KEYWORDS,
     "tensor(data, *, dtype=None, device=None, requires_grad=False)\n\nA new tensor with a copy of the data."},
    {nullptr, nullptr, 0, nullptr}};
}  // namespace

void add_data(PyObject* module) {
  if (PyModule_AddFunctions(module, data_functions) < 0) throw PythonError();
}

}  // namespace rl
