// The dispatch hook: listeners see (operation, args, kwargs), and may run it, or give a result in its place.
#include "python/call.h"

#include <vector>

namespace rl {

namespace {
thread_local std::vector<PyObject*> listeners;

struct OperationObject {
  PyObject_HEAD PyObject* name;
  PyObject* overload;
  PyObject* function;
};
PyTypeObject* operation_type;

PyObject* operation_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  return PyObject_Call(reinterpret_cast<OperationObject*>(self)->function, args, kwargs);
}
PyObject* operation_repr(PyObject* self) {
  auto* o = reinterpret_cast<OperationObject*>(self);
  return PyUnicode_GetLength(o->overload) ? PyUnicode_FromFormat("<operation %U.%U>", o->name, o->overload)
                                          : PyUnicode_FromFormat("<operation %U>", o->name);
}
PyObject* operation_name(PyObject* self, void*) { return Py_NewRef(reinterpret_cast<OperationObject*>(self)->name); }
PyObject* operation_overload(PyObject* self, void*) {
  return Py_NewRef(reinterpret_cast<OperationObject*>(self)->overload);
}
PyGetSetDef operation_getset[] = {{"name", operation_name, nullptr, "The row's public name.", nullptr},
                                  {"overload", operation_overload, nullptr, "Tells rows of one name apart.", nullptr},
                                  {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyType_Slot operation_slots[] = {{Py_tp_call, (void*)operation_call},
                                 {Py_tp_repr, (void*)operation_repr},
                                 {Py_tp_getset, operation_getset},
                                 {0, nullptr}};
PyType_Spec operation_spec = {"rushlight.Operation", sizeof(OperationObject), 0,
                              Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, operation_slots};

PyObject* make_operation(const HookedOperation& o) {
  std::string name = o.name;
  PyRef native = PyRef::steal(PyImport_ImportModule("rushlight._native"));
  if (!native) throw PythonError();
  PyObject* function = PyObject_GetAttrString(native.get(), o.name);
  if (!function) {
    PyErr_Clear();
    function = PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), o.name);
  }
  if (!function) {  // a row that only other operations use
    PyErr_Clear();
    function = PyObject_GetAttrString(native.get(), ("_" + std::string(o.name)).c_str());
  }
  if (!function) throw PythonError();
  auto* op = PyObject_New(OperationObject, operation_type);
  op->name = PyUnicode_InternFromString(o.name);
  op->overload = PyUnicode_InternFromString(o.overload);
  op->function = function;
  return reinterpret_cast<PyObject*>(op);
}

// While a listener runs, the ones outside it listen; it does not hear itself.
class WithoutInnermost {
 public:
  WithoutInnermost() : listener(listeners.back()), before_(modes) {
    Py_INCREF(listener);
    listeners.pop_back();
    if (listeners.empty()) modes &= ~kHooked;
  }
  ~WithoutInnermost() {
    listeners.push_back(listener);
    modes = before_;
  }
  PyObject* listener;

 private:
  uint32_t before_;
};

PyObject* push_listener(PyObject*, PyObject* listener) {
  if (!PyCallable_Check(listener)) {
    PyErr_Format(PyExc_TypeError, "push_listener: expected a callable (operation, args, kwargs), got %s",
                 Py_TYPE(listener)->tp_name);
    return nullptr;
  }
  listeners.push_back(Py_NewRef(listener));
  modes |= kHooked;
  Py_RETURN_NONE;
}

PyObject* pop_listener(PyObject*, PyObject*) {
  if (listeners.empty()) {
    PyErr_SetString(PyExc_RuntimeError, "pop_listener: no listener is active in this thread");
    return nullptr;
  }
  PyObject* listener = listeners.back();
  listeners.pop_back();
  if (listeners.empty()) modes &= ~kHooked;
  return listener;
}

PyMethodDef hook_functions[] = {
    {"push_listener", push_listener, METH_O, "Adds the innermost listener of this thread."},
    {"pop_listener", pop_listener, METH_NOARGS, "Removes and returns the innermost listener of this thread."},
    {nullptr, nullptr, 0, nullptr}};
}  // namespace

void add_hook(PyObject* module) {
  operation_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&operation_spec));
  if (!operation_type || PyModule_AddObjectRef(module, "Operation", reinterpret_cast<PyObject*>(operation_type)) < 0 ||
      PyModule_AddFunctions(module, hook_functions) < 0)
    throw PythonError();
}

PyRef call_hook(HookedOperation& operation, std::initializer_list<BoxedArgument> arguments) {
  Py_ssize_t positional = 0;
  for (const BoxedArgument& a : arguments) positional += !a.keyword;
  PyRef args = PyRef::steal(PyTuple_New(positional)), kwargs = PyRef::steal(PyDict_New());
  Py_ssize_t at = 0;
  for (const BoxedArgument& a : arguments) {
    if (a.keyword) {
      PyDict_SetItemString(kwargs.get(), a.keyword, a.value);
      Py_DECREF(a.value);
    } else {
      PyTuple_SET_ITEM(args.get(), at++, a.value);
    }
  }
  if (!operation.python) operation.python = make_operation(operation);
  WithoutInnermost scope;
  PyObject* result = PyObject_CallFunctionObjArgs(scope.listener, operation.python, args.get(), kwargs.get(), nullptr);
  if (!result) throw PythonError();
  return PyRef::steal(result);
}

Ref unbox_tensor(PyObject* o, const char* operation) {
  RL_CHECK(is_tensor(o), Type, "%s: the listener returned %s, expected a tensor", operation, Py_TYPE(o)->tp_name);
  return Ref::retain(reinterpret_cast<Tensor*>(o));
}

std::vector<Ref> unbox_tensors(PyObject* o, const char* operation) {
  RL_CHECK(PyTuple_Check(o) || PyList_Check(o), Type, "%s: the listener returned %s, expected a tuple of tensors",
           operation, Py_TYPE(o)->tp_name);
  std::vector<Ref> list;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i)
    list.push_back(Py_IsNone(PySequence_Fast_GET_ITEM(o, i)) ? Ref()
                                                             : unbox_tensor(PySequence_Fast_GET_ITEM(o, i), operation));
  return list;
}

PyObject* box(const Tensor* x) { return Py_NewRef(x ? reinterpret_cast<PyObject*>(const_cast<Tensor*>(x)) : Py_None); }
PyObject* box(const Arg& a) { return a.tensor ? box(a.tensor) : scalar_to_python(a.number); }
PyObject* box(const Scalar& s) { return scalar_to_python(s); }
PyObject* box(const std::optional<Scalar>& s) { return s ? box(*s) : Py_NewRef(Py_None); }
PyObject* box(int64_t v) { return PyLong_FromLongLong(v); }
PyObject* box(double v) { return PyFloat_FromDouble(v); }
PyObject* box(bool v) { return PyBool_FromLong(v); }
PyObject* box(const std::string& v) { return PyUnicode_FromStringAndSize(v.data(), static_cast<Py_ssize_t>(v.size())); }
PyObject* box(std::optional<double> v) { return v ? box(*v) : Py_NewRef(Py_None); }
PyObject* box(std::optional<int64_t> v) { return v ? box(*v) : Py_NewRef(Py_None); }
PyObject* box(DimSpan v) {
  PyObject* tuple = PyTuple_New(v.n);
  for (int i = 0; i < v.n; ++i) PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(v[i]));
  return tuple;
}
PyObject* box(DType v) { return Py_NewRef(dtype_object(v)); }
PyObject* box(std::optional<DType> v) { return v ? box(*v) : Py_NewRef(Py_None); }
PyObject* box(const Tensors& v) {
  PyObject* tuple = PyTuple_New(v.size());
  for (int i = 0; i < v.size(); ++i) PyTuple_SET_ITEM(tuple, i, box(v[i].get()));
  return tuple;
}
PyObject* box(const Padding& v) {
  if (v.rule == Padding::Rule::Numbers) return box(DimSpan(v.sizes));
  return PyUnicode_FromString(v.rule == Padding::Rule::Same ? "same" : "valid");
}
PyObject* box(MemoryFormat v) { return Py_NewRef(v == MemoryFormat::Preserve ? Py_None : memory_format_object(v)); }
PyObject* box(PyObject* v) { return Py_NewRef(v ? v : Py_None); }

static Scalar arithmetic(const Scalar& a, const Scalar& b, char op) {
  if (a.category == Category::Complex || b.category == Category::Complex) {
    auto z = [](const Scalar& s) {
      return s.category == Category::Complex ? std::complex<double>(s.c.re, s.c.im)
                                             : std::complex<double>(s.to_double());
    };
    std::complex<double> x = z(a), y = z(b);
    return op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y;
  }
  if (op != '/' && a.category <= Category::Integral && b.category <= Category::Integral) {
    int64_t x = a.to_int(), y = b.to_int();
    return op == '+' ? x + y : op == '-' ? x - y : x * y;
  }
  double x = a.to_double(), y = b.to_double();
  return op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : x / y;
}
Scalar operator+(const Scalar& a, const Scalar& b) { return arithmetic(a, b, '+'); }
Scalar operator-(const Scalar& a, const Scalar& b) { return arithmetic(a, b, '-'); }
Scalar operator*(const Scalar& a, const Scalar& b) { return arithmetic(a, b, '*'); }
Scalar operator/(const Scalar& a, const Scalar& b) { return arithmetic(a, b, '/'); }

}  // namespace rl
