#include "python/objects.h"

#include <Python.h>
#include <structmember.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "device/device.h"

namespace rl {

thread_local const DeviceId* default_device = nullptr;

// ------------------------------------------------------------------ exceptions

PyObject* raise_current() {
  try {
    throw;
  } catch (const Error& e) {
    PyObject* type = nullptr;
    switch (e.type) {
      case ErrorType::Python: return nullptr;
      case ErrorType::Runtime: type = PyExc_RuntimeError; break;
      case ErrorType::Type: type = PyExc_TypeError; break;
      case ErrorType::Value: type = PyExc_ValueError; break;
      case ErrorType::Index: type = PyExc_IndexError; break;
      case ErrorType::NotImplemented: type = PyExc_NotImplementedError; break;
      case ErrorType::OutOfMemory: type = PyExc_RuntimeError; break;
      case ErrorType::Assertion: type = PyExc_AssertionError; break;
      case ErrorType::Import: type = PyExc_ImportError; break;
    }
    if (!PyErr_Occurred()) PyErr_SetString(type, e.what());
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
  return nullptr;
}

// ------------------------------------------------------------------ dtype

namespace {

struct DTypeObject {
  PyObject_HEAD DType value;
};
PyTypeObject* dtype_type;
PyObject* dtypes[kDTypes];

PyObject* dtype_repr(PyObject* self) {
  return PyUnicode_FromFormat("torch.%s", name_of(reinterpret_cast<DTypeObject*>(self)->value));
}
PyObject* dtype_reduce(PyObject* self, PyObject*) {
  return PyUnicode_FromString(name_of(reinterpret_cast<DTypeObject*>(self)->value));
}
PyObject* dtype_is_floating(PyObject* self, void*) {
  return PyBool_FromLong(is_floating(reinterpret_cast<DTypeObject*>(self)->value));
}
PyObject* dtype_is_complex(PyObject* self, void*) {
  return PyBool_FromLong(is_complex(reinterpret_cast<DTypeObject*>(self)->value));
}
PyObject* dtype_is_signed(PyObject* self, void*) {
  DType d = reinterpret_cast<DTypeObject*>(self)->value;
  return PyBool_FromLong(d != DType::Bool && d != DType::UInt8);
}
PyObject* dtype_itemsize(PyObject* self, void*) {
  return PyLong_FromSize_t(size_of(reinterpret_cast<DTypeObject*>(self)->value));
}
PyObject* dtype_to_complex(PyObject* self, PyObject*) {
  DType d = reinterpret_cast<DTypeObject*>(self)->value;
  if (!is_differentiable(d)) {
    PyErr_Format(PyExc_RuntimeError, "to_complex: %s has no complex dtype; convert to a floating one first",
                 name_of(d));
    return nullptr;
  }
  return Py_NewRef(dtype_object(complex_of(d)));
}
PyObject* dtype_to_real(PyObject* self, PyObject*) {
  DType d = reinterpret_cast<DTypeObject*>(self)->value;
  return Py_NewRef(dtype_object(real_of(d)));
}

PyGetSetDef dtype_getset[] = {{"is_floating_point", dtype_is_floating, nullptr, nullptr, nullptr},
                              {"is_complex", dtype_is_complex, nullptr, nullptr, nullptr},
                              {"is_signed", dtype_is_signed, nullptr, nullptr, nullptr},
                              {"itemsize", dtype_itemsize, nullptr, nullptr, nullptr},
                              {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyMethodDef dtype_methods[] = {{"__reduce__", dtype_reduce, METH_NOARGS, nullptr},
                               {"to_complex", dtype_to_complex, METH_NOARGS, nullptr},
                               {"to_real", dtype_to_real, METH_NOARGS, nullptr},
                               {nullptr, nullptr, 0, nullptr}};
PyType_Slot dtype_slots[] = {
    {Py_tp_repr, (void*)dtype_repr}, {Py_tp_getset, dtype_getset}, {Py_tp_methods, dtype_methods}, {0, nullptr}};
PyType_Spec dtype_spec = {"rushlight.dtype", sizeof(DTypeObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, dtype_slots};

// ------------------------------------------------------------------ device

struct DeviceObject {
  PyObject_HEAD DeviceId value;
};
PyTypeObject* device_type;

std::string device_text(DeviceId d) {
  return d.index < 0 ? name_of(d) : std::string(name_of(d)) + ":" + std::to_string(d.index);
}

bool parse_device(const char* text, DeviceId* out) {
  for (int i = 0; i < kDeviceTypes; ++i) {
    size_t n = std::strlen(kDeviceNames[i]);
    if (std::strncmp(text, kDeviceNames[i], n)) continue;
    out->type = static_cast<DeviceType>(i);
    out->index = -1;
    if (!text[n]) return true;
    if (text[n] != ':' || !text[n + 1]) continue;
    char* end;
    long index = std::strtol(text + n + 1, &end, 10);
    if (*end || index < 0 || index > 127 || (text[n + 1] == '0' && text[n + 2])) continue;
    out->index = static_cast<int8_t>(index);
    return true;
  }
  return false;
}

PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"device", "index", nullptr};
  PyObject *type = nullptr, *index = Py_None;
  if (kwargs && PyDict_GetItemString(kwargs, "type")) {
    static const char* with_type[] = {"type", "index", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", const_cast<char**>(with_type), &type, &index)) return nullptr;
  } else if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O", const_cast<char**>(names), &type, &index)) {
    return nullptr;
  }
  try {
    DeviceId d;
    if (PyUnicode_Check(type)) {
      const char* text = PyUnicode_AsUTF8(type);
      RL_CHECK(
          parse_device(text, &d), Runtime,
          "device: '%s' is not a device; expected cpu, cuda or meta, with an index after a colon where wanted (cuda:0)",
          text);
      if (index != Py_None) {
        RL_CHECK(d.index < 0, Runtime, "device: '%s' names an index already; index= must not be given too", text);
        long i = PyLong_AsLong(index);
        if (i == -1 && PyErr_Occurred()) return nullptr;
        RL_CHECK(i >= 0 && i < 128, Runtime, "device: the index must lie between 0 and 127, got %ld", i);
        d.index = static_cast<int8_t>(i);
      }
    } else {
      RL_CHECK(!PyBool_Check(type) && index == Py_None && device_from(type, &d), Type,
               "device: expected a string, a device or an index, got %s", Py_TYPE(type)->tp_name);
    }
    return device_object(d);
  } catch (...) {
    return raise_current();
  }
}

PyObject* device_repr(PyObject* self) {
  DeviceId d = reinterpret_cast<DeviceObject*>(self)->value;
  return d.index < 0 ? PyUnicode_FromFormat("device(type='%s')", name_of(d))
                     : PyUnicode_FromFormat("device(type='%s', index=%d)", name_of(d), d.index);
}
PyObject* device_str(PyObject* self) {
  return PyUnicode_FromString(device_text(reinterpret_cast<DeviceObject*>(self)->value).c_str());
}
Py_hash_t device_hash(PyObject* self) {
  DeviceId d = reinterpret_cast<DeviceObject*>(self)->value;
  return static_cast<int>(d.type) * 256 + d.index + 1;
}
PyObject* device_compare(PyObject* a, PyObject* b, int op) {
  if (!PyObject_TypeCheck(b, device_type) || (op != Py_EQ && op != Py_NE)) Py_RETURN_NOTIMPLEMENTED;
  bool same = reinterpret_cast<DeviceObject*>(a)->value == reinterpret_cast<DeviceObject*>(b)->value;
  return PyBool_FromLong(same == (op == Py_EQ));
}
PyObject* device_get_type(PyObject* self, void*) {
  return PyUnicode_FromString(name_of(reinterpret_cast<DeviceObject*>(self)->value));
}
PyObject* device_get_index(PyObject* self, void*) {
  int index = reinterpret_cast<DeviceObject*>(self)->value.index;
  return index < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(index);
}
PyObject* device_reduce(PyObject* self, PyObject*) {
  DeviceId d = reinterpret_cast<DeviceObject*>(self)->value;
  if (d.index >= 0) return Py_BuildValue("O(si)", Py_TYPE(self), name_of(d), d.index);
  return Py_BuildValue("O(s)", Py_TYPE(self), name_of(d));
}
PyGetSetDef device_getset[] = {{"type", device_get_type, nullptr, nullptr, nullptr},
                               {"index", device_get_index, nullptr, nullptr, nullptr},
                               {nullptr, nullptr, nullptr, nullptr, nullptr}};

// `with device:` and set_default_device: the innermost context counts, then what was set.
thread_local std::vector<DeviceId> device_contexts;
thread_local std::optional<DeviceId> device_set;

void choose_default_device() {
  default_device = device_contexts.size() ? &device_contexts.back() : device_set ? &*device_set : nullptr;
}
PyObject* device_enter(PyObject* self, PyObject*) {
  device_contexts.push_back(reinterpret_cast<DeviceObject*>(self)->value);
  choose_default_device();
  return Py_NewRef(self);
}
PyObject* device_exit(PyObject*, PyObject*) {
  if (device_contexts.size()) device_contexts.pop_back();
  choose_default_device();
  Py_RETURN_NONE;
}
PyObject* py_default_device(PyObject*, PyObject*) {
  return device_object(default_device ? *default_device : DeviceId{});
}
PyObject* py_set_default_device(PyObject*, PyObject* wanted) {
  try {
    std::optional<DeviceId> id;
    if (wanted != Py_None) {
      id = DeviceId{};
      RL_CHECK(device_from(wanted, &*id), Type, "set_default_device: expected a device, got %s",
               Py_TYPE(wanted)->tp_name);
    }
    device_set = id;
    choose_default_device();
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}
PyMethodDef device_functions[] = {
    {"_default_device", py_default_device, METH_NOARGS, "Where new tensors are made."},
    {"_set_default_device", py_set_default_device, METH_O, "Chooses where new tensors are made; None: on the CPU."},
    {nullptr, nullptr, 0, nullptr}};
PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, nullptr},
                                {"__enter__", device_enter, METH_NOARGS, nullptr},
                                {"__exit__", device_exit, METH_VARARGS, nullptr},
                                {nullptr, nullptr, 0, nullptr}};
PyType_Slot device_slots[] = {{Py_tp_new, (void*)device_new},
                              {Py_tp_repr, (void*)device_repr},
                              {Py_tp_str, (void*)device_str},
                              {Py_tp_hash, (void*)device_hash},
                              {Py_tp_richcompare, (void*)device_compare},
                              {Py_tp_getset, device_getset},
                              {Py_tp_methods, device_methods},
                              {0, nullptr}};
PyType_Spec device_spec = {"rushlight.device", sizeof(DeviceObject), 0, Py_TPFLAGS_DEFAULT, device_slots};

// ------------------------------------------------------------------ Size

PyTypeObject* size_type;

PyObject* size_repr(PyObject* self) {
  std::string text = "torch.Size([";
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i) {
    PyObject* item = PyObject_Repr(PyTuple_GET_ITEM(self, i));
    if (!item) return nullptr;
    text += (i ? ", " : "") + std::string(PyUnicode_AsUTF8(item));
    Py_DECREF(item);
  }
  return PyUnicode_FromString((text + "])").c_str());
}

PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  PyObject* self = PyTuple_Type.tp_new(type, args, kwargs);
  if (!self) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i) {
    PyObject* item = PyTuple_GET_ITEM(self, i);
    if (PyLong_Check(item)) continue;
    PyObject* number = PyNumber_Index(item);
    if (!number) {
      PyErr_Clear();
      PyErr_Format(PyExc_TypeError, "Size: expected integers, got %s at position %zd", Py_TYPE(item)->tp_name, i);
      Py_DECREF(self);
      return nullptr;
    }
    PyTuple_SET_ITEM(self, i, number);
    Py_DECREF(item);
  }
  return self;
}

PyObject* as_size(PyObject* tuple) {
  if (!tuple || !PyTuple_CheckExact(tuple)) return tuple;
  PyObject* size = PyObject_CallOneArg(reinterpret_cast<PyObject*>(size_type), tuple);
  Py_DECREF(tuple);
  return size;
}
PyObject* size_concat(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(b)) {
    PyErr_Format(PyExc_TypeError, "Size: can only be joined with a tuple, not %s", Py_TYPE(b)->tp_name);
    return nullptr;
  }
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_add(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(a) || !PyTuple_Check(b)) Py_RETURN_NOTIMPLEMENTED;
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* a, Py_ssize_t n) {
  PyObject* plain = PyTuple_GetSlice(a, 0, PyTuple_GET_SIZE(a));
  PyObject* repeated = plain ? PyTuple_Type.tp_as_sequence->sq_repeat(plain, n) : nullptr;
  Py_XDECREF(plain);
  return as_size(repeated);
}
PyObject* size_subscript(PyObject* self, PyObject* key) {
  PyObject* item = PyTuple_Type.tp_as_mapping->mp_subscript(self, key);
  return PySlice_Check(key) ? as_size(item == self ? PySequence_Tuple(item) : item) : item;
}
PyObject* size_numel(PyObject* self, PyObject*) {
  int64_t n = 1;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self); ++i) n *= PyLong_AsLongLong(PyTuple_GET_ITEM(self, i));
  return PyLong_FromLongLong(n);
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  PyObject* list = PySequence_List(self);
  if (!list) return nullptr;
  PyObject* tuple = PyList_AsTuple(list);
  Py_DECREF(list);
  return Py_BuildValue("O(N)", Py_TYPE(self), tuple);
}
PyMethodDef size_methods[] = {{"numel", size_numel, METH_NOARGS, "The product of the sizes."},
                              {"__reduce__", size_reduce, METH_NOARGS, nullptr},
                              {nullptr, nullptr, 0, nullptr}};
PyType_Slot size_slots[] = {{Py_tp_new, (void*)size_new},       {Py_tp_repr, (void*)size_repr},
                            {Py_sq_concat, (void*)size_concat}, {Py_nb_add, (void*)size_add},
                            {Py_sq_repeat, (void*)size_repeat}, {Py_mp_subscript, (void*)size_subscript},
                            {Py_tp_methods, size_methods},      {0, nullptr}};
PyType_Spec size_spec = {"rushlight.Size", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, size_slots};

// ------------------------------------------------------------------ layout, memory_format

struct NamedObject {
  PyObject_HEAD const char* name;
};
PyObject* named_repr(PyObject* self) {
  return PyUnicode_FromFormat("torch.%s", reinterpret_cast<NamedObject*>(self)->name);
}
PyObject* named_reduce(PyObject* self, PyObject*) {
  return PyUnicode_FromString(reinterpret_cast<NamedObject*>(self)->name);
}
PyMethodDef named_methods[] = {{"__reduce__", named_reduce, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
PyType_Slot named_slots[] = {{Py_tp_repr, (void*)named_repr}, {Py_tp_methods, named_methods}, {0, nullptr}};
PyType_Spec layout_spec = {"rushlight.layout", sizeof(NamedObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, named_slots};
PyType_Spec format_spec = {"rushlight.memory_format", sizeof(NamedObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, named_slots};
PyTypeObject *layout_type, *format_type;
PyObject* strided;
PyObject* formats[4];

PyObject* named(PyTypeObject* type, const char* name) {
  NamedObject* o = PyObject_New(NamedObject, type);
  o->name = name;
  return reinterpret_cast<PyObject*>(o);
}

PyTypeObject* make_type(PyObject* module, PyType_Spec* spec, PyObject* base, const char* name) {
  PyObject* type = PyType_FromSpecWithBases(spec, base);
  if (!type || PyModule_AddObjectRef(module, name, type) < 0) throw PythonError();
  return reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace

void add_objects(PyObject* module) {
  dtype_type = make_type(module, &dtype_spec, nullptr, "dtype");
  device_type = make_type(module, &device_spec, nullptr, "device");
  size_type = make_type(module, &size_spec, reinterpret_cast<PyObject*>(&PyTuple_Type), "Size");
  layout_type = make_type(module, &layout_spec, nullptr, "layout");
  format_type = make_type(module, &format_spec, nullptr, "memory_format");
  for (int i = 0; i < kDTypes; ++i) {
    DTypeObject* o = PyObject_New(DTypeObject, dtype_type);
    o->value = static_cast<DType>(i);
    dtypes[i] = reinterpret_cast<PyObject*>(o);
    PyModule_AddObjectRef(module, kDTypeInfo[i].name, dtypes[i]);
    if (kDTypeInfo[i].alias) PyModule_AddObjectRef(module, kDTypeInfo[i].alias, dtypes[i]);
  }
  if (PyModule_AddFunctions(module, device_functions) < 0) throw PythonError();
  strided = named(layout_type, "strided");
  PyModule_AddObjectRef(module, "strided", strided);
  // Layouts that no tensor has here yet; programs ask for them to tell tensors apart.
  for (const char* name : {"sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged", "_mkldnn"}) {
    PyRef layout = PyRef::steal(named(layout_type, name));
    PyModule_AddObjectRef(module, name, layout.get());
  }
  const char* names[4] = {"contiguous_format", "preserve_format", "channels_last", "channels_last_3d"};
  for (int i = 0; i < 4; ++i) {
    formats[i] = named(format_type, names[i]);
    PyModule_AddObjectRef(module, names[i], formats[i]);
  }
}

PyObject* dtype_object(DType d) { return dtypes[static_cast<int>(d)]; }

bool dtype_from(PyObject* o, DType* out) {
  if (Py_TYPE(o) == dtype_type) {
    *out = reinterpret_cast<DTypeObject*>(o)->value;
    return true;
  }
  PyTypeObject* t = reinterpret_cast<PyTypeObject*>(o);
  if (t == &PyFloat_Type) {
    *out = DType::Float64;
  } else if (t == &PyLong_Type) {
    *out = DType::Int64;
  } else if (t == &PyBool_Type) {
    *out = DType::Bool;
  } else if (t == &PyComplex_Type) {
    *out = DType::Complex128;
  } else {
    return false;
  }
  return true;
}

PyObject* device_object(DeviceId d) {
  DeviceObject* o = PyObject_New(DeviceObject, device_type);
  if (o) o->value = d;
  return reinterpret_cast<PyObject*>(o);
}

bool device_from(PyObject* o, DeviceId* out) {
  if (Py_TYPE(o) == device_type) {
    *out = reinterpret_cast<DeviceObject*>(o)->value;
    return true;
  }
  if (PyUnicode_Check(o)) {
    const char* text = PyUnicode_AsUTF8(o);
    RL_CHECK(
        parse_device(text, out), Runtime,
        "device: '%s' is not a device; expected cpu, cuda or meta, with an index after a colon where wanted (cuda:0)",
        text);
    return true;
  }
  if (PyLong_Check(o)) {
    int too_wide;
    const long index = PyLong_AsLongAndOverflow(o, &too_wide);
    RL_CHECK(!too_wide, Value, "device: the index does not fit into 64 bits");
    RL_CHECK(index >= 0 && index < 128, Runtime, "device: the index must lie between 0 and 127, got %ld", index);
    RL_CHECK(is_available(DeviceType::Cuda), Runtime, "device: %ld is the number of a GPU, and there is none here",
             index);
    *out = {DeviceType::Cuda, static_cast<int8_t>(index)};
    return true;
  }
  return false;
}

PyObject* size_object(DimSpan sizes) {
  PyObject* size = size_type->tp_alloc(size_type, sizes.n);
  if (!size) return nullptr;
  for (int i = 0; i < sizes.n; ++i) PyTuple_SET_ITEM(size, i, PyLong_FromLongLong(sizes[i]));
  return size;
}

PyObject* layout_strided() { return strided; }
bool is_layout(PyObject* o) { return Py_TYPE(o) == layout_type; }

PyObject* memory_format_object(MemoryFormat f) { return formats[static_cast<int>(f)]; }
bool memory_format_from(PyObject* o, MemoryFormat* out) {
  for (int i = 0; i < 4; ++i)
    if (o == formats[i]) {
      *out = static_cast<MemoryFormat>(i);
      return true;
    }
  return false;
}

PyObject* scalar_to_python(const Scalar& s) {
  switch (s.category) {
    case Category::Bool: return PyBool_FromLong(s.i != 0);
    case Category::Integral: return PyLong_FromLongLong(s.i);
    case Category::Floating: return PyFloat_FromDouble(s.d);
    default: return PyComplex_FromDoubles(s.c.re, s.c.im);
  }
}

PyObject* element_to_python(DType d, const void* at) {
  alignas(16) char p[16];  // borrowed memory may lie at any address
  std::memcpy(p, at, size_of(d));
  switch (d) {
    case DType::Bool:
      return PyBool_FromLong(*reinterpret_cast<const uint8_t*>(p) != 0);  // borrowed memory holds any byte
    case DType::UInt8: return PyLong_FromLong(*reinterpret_cast<const uint8_t*>(p));
    case DType::Int8: return PyLong_FromLong(*reinterpret_cast<const int8_t*>(p));
    case DType::Int16: return PyLong_FromLong(*reinterpret_cast<const int16_t*>(p));
    case DType::Int32: return PyLong_FromLong(*reinterpret_cast<const int32_t*>(p));
    case DType::Int64: return PyLong_FromLongLong(*reinterpret_cast<const int64_t*>(p));
    case DType::Float16: return PyFloat_FromDouble(half_to_float(*reinterpret_cast<const uint16_t*>(p)));
    case DType::BFloat16: return PyFloat_FromDouble(brain_to_float(*reinterpret_cast<const uint16_t*>(p)));
    case DType::Float32: return PyFloat_FromDouble(*reinterpret_cast<const float*>(p));
    case DType::Float64: return PyFloat_FromDouble(*reinterpret_cast<const double*>(p));
    case DType::Complex32:
      return PyComplex_FromDoubles(half_to_float(reinterpret_cast<const uint16_t*>(p)[0]),
                                   half_to_float(reinterpret_cast<const uint16_t*>(p)[1]));
    case DType::Complex64:
      return PyComplex_FromDoubles(reinterpret_cast<const float*>(p)[0], reinterpret_cast<const float*>(p)[1]);
    case DType::Complex128:
      return PyComplex_FromDoubles(reinterpret_cast<const double*>(p)[0], reinterpret_cast<const double*>(p)[1]);
  }
  Py_RETURN_NONE;
}

}  // namespace rl
