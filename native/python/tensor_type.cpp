// The Tensor type: its constructors and slots, put together with attributes, methods and the table's methods.
#include <Python.h>
#include <structmember.h>

#include <vector>

#include "device/create.h"
#include "gen/ops/bitwise.h"
#include "gen/ops/pointwise.h"
#include "iterate/pointwise.h"
#include "python/buffer.h"
#include "python/call.h"
#include "python/data.h"
#include "python/indexing.h"
#include "python/module.h"
#include "python/registry.h"
#include "python/tensor_type.h"
#include "python/torch_function.h"

namespace rl {

Ref of_class(PyTypeObject* type, const Tensor* from) {
  if (type == tensor_type) return alias(from);
  PyObject* o = type->tp_alloc(type, 0);
  if (!o) throw PythonError();
  Ref x = Ref::steal(reinterpret_cast<Tensor*>(o));
  init_empty(x.get());
  x->flags = kTracked;  // by tp_alloc
  retain(from->storage);
  x->storage = from->storage;
  x->dtype = from->dtype;
  x->device = from->device;
  set_layout(x.get(), from->layout());
  return x;
}

namespace {

Tensor* self_of(PyObject* o) { return reinterpret_cast<Tensor*>(o); }

// ------------------------------------------------------------------ making tensors

// Tensor(), Tensor(2, 3), Tensor([1, 2]), Tensor(other), Tensor(size=...), Tensor(data=...): the oldest constructor.
Ref new_from(PyTypeObject* type, PyObject* const* args, Py_ssize_t n, bool sizes_only, DeviceId device) {
  PyObject* first = n ? args[0] : nullptr;
  if (n == 1 && is_tensor(first)) return of_class(type, self_of(first));
  Ref x;
  Dims sizes;
  bool sized = n == 1 && (sizes_only || Py_TYPE(first)->tp_name == std::string("rushlight.Size"));
  if (n == 1 && PySequence_Check(first) && !sized) {
    x = tensor_from(first, default_dtype, device);
  } else {
    PyRef list = sized ? PyRef::steal(PySequence_Tuple(first)) : PyRef();
    if (sized && !list) throw PythonError();
    Py_ssize_t count = sized ? PyTuple_GET_SIZE(list.get()) : n;
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* item = sized ? PyTuple_GET_ITEM(list.get(), i) : args[i];
      int64_t size;
      RL_CHECK(!PyBool_Check(item) && integer_from(item, &size), Type,
               "Tensor: expected sizes, a sequence or a tensor, got %s; for a number use tensor(x)",
               Py_TYPE(item)->tp_name);
      sizes.push_back(size);
    }
    x = empty(n ? sizes : Dims{0}, default_dtype, device);
  }
  return type == tensor_type ? x : of_class(type, x.get());
}

PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  try {
    Py_ssize_t n = PyTuple_GET_SIZE(args), used = 0;
    PyObject* device = kwargs ? PyDict_GetItemString(kwargs, "device") : nullptr;
    DeviceId id;
    if (device && device != Py_None) device_from(device, &id);
    for (const char* name : {"size", "data"}) {
      PyObject* named = kwargs && !n ? PyDict_GetItemString(kwargs, name) : nullptr;
      if (named) return new_from(type, &named, 1, name[0] == 's', id).to_python();
    }
    used += device != nullptr;
    RL_CHECK(type != tensor_type || !kwargs || PyDict_GET_SIZE(kwargs) == used, Type,
             "Tensor: expected sizes or data, and device=; for dtype= and requires_grad= use tensor(...)");
    return new_from(type, PySequence_Fast_ITEMS(args), n, false, id).to_python();
  } catch (...) {
    return raise_current();
  }
}

}  // namespace

PyObject* make_subclass(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"cls", "data", "require_grad", nullptr};
  PyObject *cls, *data;
  int require_grad = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p:_make_subclass", const_cast<char**>(names), &cls, &data,
                                   &require_grad))
    return nullptr;
  try {
    RL_CHECK(PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type), Type,
             "_make_subclass: cls must be a subclass of Tensor");
    RL_CHECK(is_tensor(data), Type, "_make_subclass: data must be a tensor, got %s", Py_TYPE(data)->tp_name);
    Ref x = of_class(reinterpret_cast<PyTypeObject*>(cls), self_of(data));
    if (require_grad) {
      RL_CHECK(is_differentiable(x->dtype), Runtime,
               "only tensors of floating or complex dtype can require gradients, got %s", name_of(x->dtype));
      x->flags |= kRequiresGrad;
    }
    return x.to_python();
  } catch (...) {
    return raise_current();
  }
}

namespace {

// ------------------------------------------------------------------ slots

// Whether somebody answers for this tensor's operations: its class, or a mode.
bool answered(PyObject* o) { return (modes & kFunctionMode) || (!is_exact_tensor(o) && has_torch_function(o)); }
// The result of the method `name` that then is asked for; nullptr with an exception where there is none.
PyObject* answer(PyObject* o, const char* name) {
  try {
    return method_torch_function(name, o);
  } catch (...) {
    return raise_current();
  }
}
// The same, as a number that Python's slots hand on.
Py_ssize_t answer_number(PyObject* o, const char* name) {
  PyRef result = PyRef::steal(answer(o, name));
  return result ? PyNumber_AsSsize_t(result.get(), PyExc_OverflowError) : -1;
}

PyObject* compare(PyObject* a, PyObject* b, int op) {
  PyObject* result = compare_operators[op](a, b);
  if (result != Py_NotImplemented || (op != Py_EQ && op != Py_NE) || !is_ndarray(b)) return result;
  // Without an answer Python would compare identities, and an array would be quietly unequal to any tensor.
  Ref array;
  try {
    array = tensor_over_buffer(b, false, "==");
  } catch (const Error&) {  // an array of text or objects
    PyErr_Clear();
    return result;
  }
  Py_DECREF(result);
  return compare_operators[op](a, reinterpret_cast<PyObject*>(array.get()));
}

// array / tensor, which NumPy leaves to the tensor.
binaryfunc divide_tensors;
PyObject* divide(PyObject* a, PyObject* b) {
  PyObject* result = divide_tensors(a, b);
  if (result != Py_NotImplemented || !is_ndarray(a)) return result;
  Py_DECREF(result);
  try {
    PyRef inverse = PyRef::steal(ops::reciprocal(In(self_of(b))).to_python());
    return PyNumber_Multiply(inverse.get(), a);
  } catch (...) {
    return raise_current();
  }
}
Py_hash_t hash(PyObject* o) { return reinterpret_cast<Py_hash_t>(o); }  // id(o), as PyTorch has it

Py_ssize_t length(PyObject* o) {
  if (answered(o)) return answer_number(o, "__len__");
  Tensor* x = self_of(o);
  if (x->ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len: a 0-d tensor has no length; .numel() counts its one element");
    return -1;
  }
  return x->dims[0];
}

PyObject* sequence_item(PyObject* o, Py_ssize_t i) {
  PyRef index = PyRef::steal(PyLong_FromSsize_t(i));
  return get_item(o, index.get());
}

PyObject* one_value(PyObject* o, const char* wanted, ErrorType error = ErrorType::Value) {
  Tensor* x = self_of(o);
  try {
    if (x->numel != 1)
      fail(error, "%s: a tensor of shape %s has %lld elements, not one; use %s", wanted, to_string(x->sizes()).c_str(),
           (long long)x->numel, std::strcmp(wanted, "bool") ? ".tolist(), or reduce it first" : ".any() or .all()");
    return item(x);
  } catch (...) {
    return raise_current();
  }
}
int truth(PyObject* o) {
  if (answered(o)) return static_cast<int>(answer_number(o, "__bool__"));
  PyRef v = PyRef::steal(one_value(o, "bool", ErrorType::Runtime));
  return v ? PyObject_IsTrue(v.get()) : -1;
}
PyRef real_value(PyObject* o, const char* wanted) {
  PyRef v = PyRef::steal(one_value(o, wanted));
  if (!v || !PyComplex_Check(v.get())) return v;
  Py_complex z = PyComplex_AsCComplex(v.get());
  if (z.imag != 0) {
    PyErr_Format(PyExc_RuntimeError, "%s: the complex number %R has an imaginary part; take .real first", wanted,
                 v.get());
    return PyRef();
  }
  return PyRef::steal(PyFloat_FromDouble(z.real));
}
PyObject* to_float(PyObject* o) {
  if (answered(o)) return answer(o, "__float__");
  PyRef v = real_value(o, "float");
  return v ? PyNumber_Float(v.get()) : nullptr;
}
PyObject* to_int(PyObject* o) {
  if (answered(o)) return answer(o, "__int__");
  PyRef v = real_value(o, "int");
  return v ? PyNumber_Long(v.get()) : nullptr;
}
PyObject* to_index(PyObject* o) {
  if (answered(o)) return answer(o, "__index__");
  Tensor* x = self_of(o);
  if (x->numel != 1 || category_of(x->dtype) > Category::Integral) {
    PyErr_Format(PyExc_TypeError,
                 "index: only a one-element integer tensor can stand for an integer, got dtype %s and %lld elements",
                 name_of(x->dtype), (long long)x->numel);
    return nullptr;
  }
  return to_int(o);
}
PyObject* negative(PyObject* o) {
  if (answered(o)) return answer(o, "neg");
  try {
    return ops::neg(In(self_of(o))).to_python();
  } catch (...) {
    return raise_current();
  }
}
PyObject* invert(PyObject* o) {
  if (answered(o)) return answer(o, "__invert__");
  try {
    RL_CHECK(category_of(self_of(o)->dtype) <= Category::Integral, Type,
             "~: only integer and bool tensors have bits to invert, got dtype %s", name_of(self_of(o)->dtype));
    return ops::bitwise_not(In(self_of(o))).to_python();
  } catch (...) {
    return raise_current();
  }
}
PyObject* absolute(PyObject* o) {
  if (answered(o)) return answer(o, "abs");
  try {
    return ops::abs(In(self_of(o))).to_python();
  } catch (...) {
    return raise_current();
  }
}

PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(Tensor, dict), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(Tensor, weakrefs), READONLY, nullptr},
                         {nullptr, 0, 0, 0, nullptr}};

bool has_attributes(const Tensor* x) { return x->dict && x->dict != no_attributes; }

PyObject* get_dict(PyObject* o, void*) {
  Tensor* x = self_of(o);
  if (!has_attributes(x)) {
    x->dict = PyDict_New();
    track(x);
  }
  return Py_XNewRef(x->dict);
}
int set_dict(PyObject* o, PyObject* value, void*) {
  Tensor* x = self_of(o);
  if (!value || !PyDict_Check(value)) {
    PyErr_SetString(PyExc_TypeError, "__dict__ must be a dict");
    return -1;
  }
  PyObject* before = has_attributes(x) ? x->dict : nullptr;
  x->dict = Py_NewRef(value);
  Py_XDECREF(before);
  track(x);
  return 0;
}
PyGetSetDef dict_attribute[] = {{"__dict__", get_dict, set_dict, nullptr, nullptr},
                                {nullptr, nullptr, nullptr, nullptr, nullptr}};

int set_attribute(PyObject* o, PyObject* name, PyObject* value) {
  int status;
  if (overriding_setattr(o, name, value, &status)) return status;
  Tensor* x = self_of(o);
  if (!has_attributes(x)) x->dict = nullptr;
  int result = PyObject_GenericSetAttr(o, name, value);
  if (x->dict) {
    track(x);  // an attribute can close a cycle
    if (value && is_tensor(value)) track(self_of(value));
  } else {
    x->dict = no_attributes;
  }
  return result;
}

}  // namespace

void add_tensor_type(PyObject* module) {
#if PY_VERSION_HEX < 0x030C0000
  no_attributes = PyDict_New();
#endif
  std::vector<PyGetSetDef> getset;
  for (PyGetSetDef* a = tensor_attributes; a->name; ++a) getset.push_back(*a);
  getset.push_back(dict_attribute[0]);
  getset.push_back(PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr});
  auto* kept_getset = new std::vector<PyGetSetDef>(getset);
  auto* methods = new std::vector<PyMethodDef>();
  methods->reserve(4096);  // their addresses are kept
  for (PyMethodDef* m = tensor_methods; m->ml_name; ++m) methods->push_back(*m);
  for (PyMethodDef* const* table = method_tables; *table; ++table)
    for (PyMethodDef* m = *table; m->ml_name; ++m) methods->push_back(*m);
  size_t table = 0;
  while (tensor_methods[table].ml_name) ++table;
  set_table_methods(methods->data() + table, methods->data() + methods->size());
  methods->push_back({nullptr, nullptr, 0, nullptr});
  std::vector<PyType_Slot> slots = {{Py_tp_new, (void*)tensor_new},
                                    {Py_tp_dealloc, (void*)tensor_dealloc},
                                    {Py_tp_traverse, (void*)tensor_traverse},
                                    {Py_tp_clear, (void*)tensor_clear},
                                    {Py_tp_getset, kept_getset->data()},
                                    {Py_tp_methods, methods->data()},
                                    {Py_tp_members, members},
                                    {Py_tp_richcompare, (void*)compare},
                                    {Py_tp_hash, (void*)hash},
                                    {Py_tp_setattro, (void*)set_attribute},
                                    {Py_mp_subscript, (void*)get_item},
                                    {Py_mp_ass_subscript, (void*)set_item},
                                    {Py_mp_length, (void*)length},
                                    {Py_sq_length, (void*)length},
                                    {Py_sq_item, (void*)sequence_item},
                                    {Py_nb_bool, (void*)truth},
                                    {Py_nb_float, (void*)to_float},
                                    {Py_nb_int, (void*)to_int},
                                    {Py_nb_index, (void*)to_index},
                                    {Py_nb_negative, (void*)negative},
                                    {Py_nb_absolute, (void*)absolute},
                                    {Py_nb_invert, (void*)invert}};
  for (const PyType_Slot* s = number_slots; s->slot; ++s) {
    slots.push_back(*s);
    if (s->slot != Py_nb_true_divide) continue;
    divide_tensors = reinterpret_cast<binaryfunc>(s->pfunc);
    slots.back().pfunc = (void*)divide;
  }
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"rushlight.Tensor", sizeof(Tensor), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  PyObject* type = PyType_FromSpec(&spec);
  if (!type || PyModule_AddObjectRef(module, "Tensor", type) < 0) throw PythonError();
  tensor_type = reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace rl
