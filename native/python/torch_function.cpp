#include "python/torch_function.h"

#include "python/call.h"
#include "python/tensor_type.h"

namespace rl {

// ------------------------------------------------------------------ who answers

// What Parameter has for __torch_function__: a class with it is taken for a plain tensor.
static PyObject* disabled_torch_function() {
  static PyObject* disabled = nullptr;
  if (!disabled && parameter_type)
    disabled = PyObject_GetAttrString(reinterpret_cast<PyObject*>(parameter_type), "__torch_function__");
  return disabled;
}

bool has_torch_function(PyObject* o) {
  PyTypeObject* t = Py_TYPE(o);
  if (is_exact_tensor(o) || (modes & kFunctionOff)) return false;
  if (t == &PyLong_Type || t == &PyFloat_Type || t == &PyBool_Type || t == &PyTuple_Type || t == &PyList_Type ||
      t == &PyUnicode_Type || o == Py_None)
    return false;
  static PyObject* name = PyUnicode_InternFromString("__torch_function__");
  PyRef own = PyRef::steal(PyObject_GetAttr(reinterpret_cast<PyObject*>(t), name));
  if (!own) PyErr_Clear();
  return own && own.get() != disabled_torch_function();
}

static void collect_types(PyObject* o, std::vector<PyObject*>& objects) {
  if (PyTuple_Check(o) || PyList_Check(o)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i) collect_types(PySequence_Fast_GET_ITEM(o, i), objects);
    return;
  }
  if (is_exact_tensor(o) || !has_torch_function(o)) return;
  for (PyObject* seen : objects)
    if (Py_TYPE(seen) == Py_TYPE(o)) return;
  // A subclass is asked before its base.
  size_t at = 0;
  while (at < objects.size() && !PyType_IsSubtype(Py_TYPE(o), Py_TYPE(objects[at]))) ++at;
  objects.insert(objects.begin() + static_cast<long>(at), o);
}

std::vector<PyObject*> answering(PyObject* arguments) {
  std::vector<PyObject*> objects;
  collect_types(arguments, objects);
  return objects;
}

// ------------------------------------------------------------------ modes

namespace {

thread_local std::vector<PyObject*> function_modes;

void note_modes() { modes = function_modes.empty() ? modes & ~kFunctionMode : modes | kFunctionMode; }

// While a mode runs, those outside it are asked; it does not hear itself.
class WithoutInnermost {
 public:
  WithoutInnermost() : mode(function_modes.back()) {
    function_modes.pop_back();
    note_modes();
  }
  ~WithoutInnermost() {
    function_modes.push_back(mode);
    note_modes();
  }
  PyObject* mode;
};

PyObject* push_function_mode(PyObject*, PyObject* mode) {
  function_modes.push_back(Py_NewRef(mode));
  note_modes();
  Py_RETURN_NONE;
}
PyObject* pop_function_mode(PyObject*, PyObject*) {
  if (function_modes.empty()) return PyErr_Format(PyExc_RuntimeError, "no __torch_function__ mode is active");
  PyObject* mode = function_modes.back();
  function_modes.pop_back();
  note_modes();
  return mode;
}
PyObject* list_function_modes(PyObject*, PyObject*) {
  PyObject* list = PyList_New(0);
  for (PyObject* mode : function_modes) PyList_Append(list, mode);
  return list;
}

}  // namespace

// ------------------------------------------------------------------ asking

PyObject* call_torch_function(PyObject* function, const std::vector<PyObject*>& objects, PyObject* args,
                              PyObject* kwargs, const char* name) {
  PyRef types = PyRef::steal(PyTuple_New(static_cast<Py_ssize_t>(objects.size())));
  for (size_t i = 0; i < objects.size(); ++i)
    PyTuple_SET_ITEM(types.get(), static_cast<Py_ssize_t>(i),
                     Py_NewRef(reinterpret_cast<PyObject*>(Py_TYPE(objects[i]))));
  auto ask = [&](PyObject* who) {
    PyRef handler = PyRef::steal(PyObject_GetAttrString(who, "__torch_function__"));
    if (!handler) throw PythonError();
    PyObject* result = PyObject_CallFunctionObjArgs(handler.get(), function, types.get(), args, kwargs, nullptr);
    if (!result) throw PythonError();
    return result;
  };
  if (!function_modes.empty()) {
    WithoutInnermost scope;
    PyObject* result = ask(scope.mode);
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
  }
  for (PyObject* o : objects) {
    PyObject* result = ask(reinterpret_cast<PyObject*>(Py_TYPE(o)));
    if (result != Py_NotImplemented) return result;
    Py_DECREF(result);
  }
  fail(ErrorType::Type,
       "%s: no __torch_function__ of the given classes handles this operation (all returned NotImplemented)", name);
}

PyObject* Call::torch_function(const char* name, bool method) {
  PyRef module = PyRef::steal(PyImport_ImportModule("rushlight"));
  if (!module) throw PythonError();
  PyRef function = method ? PyRef::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name))
                          : PyRef::steal(PyObject_GetAttrString(module.get(), name));
  if (!function) {
    PyErr_Clear();
    PyRef native = PyRef::steal(PyImport_ImportModule("rushlight._native"));
    function = PyRef::steal(PyObject_GetAttrString(native.get(), name));
    if (!function) throw PythonError();
  }
  std::vector<PyObject*> objects;
  if (self_) collect_types(self_, objects);
  Py_ssize_t named = kwnames_ ? PyTuple_GET_SIZE(kwnames_) : 0;
  for (Py_ssize_t i = 0; i < nargs_ + named; ++i) collect_types(args_[i], objects);
  PyRef args = PyRef::steal(PyTuple_New(nargs_ + (self_ ? 1 : 0))), kwargs = PyRef::steal(PyDict_New());
  if (self_) PyTuple_SET_ITEM(args.get(), 0, Py_NewRef(self_));
  for (Py_ssize_t i = 0; i < nargs_; ++i) PyTuple_SET_ITEM(args.get(), i + (self_ ? 1 : 0), Py_NewRef(args_[i]));
  for (Py_ssize_t j = 0; j < named; ++j) PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(kwnames_, j), args_[nargs_ + j]);
  return call_torch_function(function.get(), objects, args.get(), kwargs.get(), name);
}

PyObject* method_torch_function(const char* name, PyObject* self, std::initializer_list<PyObject*> rest) {
  PyRef function = PyRef::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(tensor_type), name));
  PyRef args = PyRef::steal(PyTuple_New(static_cast<Py_ssize_t>(1 + rest.size()))), kwargs = PyRef::steal(PyDict_New());
  if (!function) throw PythonError();
  PyTuple_SET_ITEM(args.get(), 0, Py_NewRef(self));
  Py_ssize_t at = 1;
  for (PyObject* o : rest) PyTuple_SET_ITEM(args.get(), at++, Py_NewRef(o));
  return call_torch_function(function.get(), {self}, args.get(), kwargs.get(), name);
}

// ------------------------------------------------------------------ attributes of subclasses

namespace {

const PyMethodDef *first_table_method, *last_table_method;

// What an attribute of Tensor's is to its subclasses: nothing special, a getter, or a method that does not ask its
// arguments' classes by itself.
enum class Attribute { Plain, Getter, Method };
Attribute kind_of(PyObject* name, PyObject* value) {
  Py_ssize_t n;
  const char* text = PyUnicode_AsUTF8AndSize(name, &n);
  if (text[0] == '_' && (text[1] == '_' || Py_TYPE(value) == &PyMethodDescr_Type)) return Attribute::Plain;
  if (Py_TYPE(value) == &PyGetSetDescr_Type || Py_TYPE(value) == &PyProperty_Type) return Attribute::Getter;
  if (PyFunction_Check(value)) return text[0] == '_' ? Attribute::Plain : Attribute::Method;
  if (Py_TYPE(value) != &PyMethodDescr_Type) return Attribute::Plain;
  const PyMethodDef* method = reinterpret_cast<PyMethodDescrObject*>(value)->d_method;
  bool asks = method >= first_table_method && method < last_table_method;
  return asks || method->ml_meth == as_subclass_method ? Attribute::Plain : Attribute::Method;
}

// The attribute of that name that the object's class has from Tensor; nullptr where it has one of its own, or none.
PyObject* inherited(PyObject* self, PyObject* name) {
  PyObject* ours = PyDict_GetItemWithError(tensor_type->tp_dict, name);
  return ours && _PyType_Lookup(Py_TYPE(self), name) == ours ? ours : nullptr;
}

struct OverriddenObject {
  PyObject_HEAD PyObject* method;
  PyObject* self;
};
PyTypeObject* overridden_type;

void overridden_dealloc(PyObject* o) {
  PyTypeObject* type = Py_TYPE(o);
  Py_DECREF(reinterpret_cast<OverriddenObject*>(o)->method);
  Py_DECREF(reinterpret_cast<OverriddenObject*>(o)->self);
  type->tp_free(o);
  Py_DECREF(type);
}

PyObject* overridden_call(PyObject* o, PyObject* args, PyObject* kwargs) {
  auto* bound = reinterpret_cast<OverriddenObject*>(o);
  try {
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    PyRef all = PyRef::steal(PyTuple_New(n + 1)), named = kwargs ? PyRef::retain(kwargs) : PyRef::steal(PyDict_New());
    std::vector<PyObject*> objects;
    PyTuple_SET_ITEM(all.get(), 0, Py_NewRef(bound->self));
    for (Py_ssize_t i = 0; i < n; ++i) PyTuple_SET_ITEM(all.get(), i + 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    collect_types(all.get(), objects);
    PyObject *key, *value;
    for (Py_ssize_t at = 0; PyDict_Next(named.get(), &at, &key, &value);) collect_types(value, objects);
    return call_torch_function(bound->method, objects, all.get(), named.get(), "method");
  } catch (...) {
    return raise_current();
  }
}

PyObject* overridden_get(PyObject* o, void* name) {
  return PyObject_GetAttrString(reinterpret_cast<OverriddenObject*>(o)->method, static_cast<const char*>(name));
}
PyObject* overridden_self(PyObject* o, void*) { return Py_NewRef(reinterpret_cast<OverriddenObject*>(o)->self); }
char kName[] = "__name__", kQualname[] = "__qualname__", kDoc[] = "__doc__";
PyGetSetDef overridden_getset[] = {{"__name__", overridden_get, nullptr, nullptr, kName},
                                   {"__qualname__", overridden_get, nullptr, nullptr, kQualname},
                                   {"__doc__", overridden_get, nullptr, nullptr, kDoc},
                                   {"__self__", overridden_self, nullptr, nullptr, nullptr},
                                   {nullptr, nullptr, nullptr, nullptr, nullptr}};
PyType_Slot overridden_slots[] = {{Py_tp_dealloc, (void*)overridden_dealloc},
                                  {Py_tp_call, (void*)overridden_call},
                                  {Py_tp_getset, overridden_getset},
                                  {0, nullptr}};
PyType_Spec overridden_spec = {"rushlight.method", sizeof(OverriddenObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, overridden_slots};

PyObject* ordinary_getattr(PyObject* self, PyObject* name) {
  PyObject* value = PyObject_GenericGetAttr(self, name);
  if (value || !PyErr_ExceptionMatches(PyExc_AttributeError)) return value;
  static PyObject* fallback = PyUnicode_InternFromString("__getattr__");
  PyObject *type, *error, *traceback;
  PyErr_Fetch(&type, &error, &traceback);  // the look-up may clear what is set
  PyObject* own = _PyType_Lookup(Py_TYPE(self), fallback);
  if (!own) {
    PyErr_Restore(type, error, traceback);
    return nullptr;
  }
  Py_XDECREF(type);
  Py_XDECREF(error);
  Py_XDECREF(traceback);
  return PyObject_CallFunctionObjArgs(own, self, name, nullptr);
}

}  // namespace

PyObject* overriding_getattr(PyObject* self, PyObject* name) {
  PyObject* ours = PyUnicode_Check(name) ? inherited(self, name) : nullptr;
  Attribute kind = ours ? kind_of(name, ours) : Attribute::Plain;
  if (kind == Attribute::Plain || !has_torch_function(self)) return ordinary_getattr(self, name);
  if (kind == Attribute::Method) {
    auto* bound = PyObject_New(OverriddenObject, overridden_type);
    if (!bound) return nullptr;
    bound->method = Py_NewRef(ours);
    bound->self = Py_NewRef(self);
    return reinterpret_cast<PyObject*>(bound);
  }
  try {
    PyRef getter = PyRef::steal(PyObject_GetAttrString(ours, "__get__")), args = PyRef::steal(PyTuple_Pack(1, self)),
          kwargs = PyRef::steal(PyDict_New());
    if (!getter) throw PythonError();
    return call_torch_function(getter.get(), {self}, args.get(), kwargs.get(), PyUnicode_AsUTF8(name));
  } catch (...) {
    return raise_current();
  }
}

bool overriding_setattr(PyObject* self, PyObject* name, PyObject* value, int* status) {
  if (is_exact_tensor(self)) return false;
  PyObject* ours = inherited(self, name);
  if (!ours || kind_of(name, ours) != Attribute::Getter || !has_torch_function(self)) return false;
  *status = -1;
  try {
    PyRef setter = PyRef::steal(PyObject_GetAttrString(ours, value ? "__set__" : "__delete__")),
          args = PyRef::steal(value ? PyTuple_Pack(2, self, value) : PyTuple_Pack(1, self)),
          kwargs = PyRef::steal(PyDict_New());
    if (!setter) throw PythonError();
    PyRef done =
        PyRef::steal(call_torch_function(setter.get(), {self}, args.get(), kwargs.get(), PyUnicode_AsUTF8(name)));
    *status = 0;
  } catch (...) {
    raise_current();
  }
  return true;
}

void set_table_methods(const PyMethodDef* first, const PyMethodDef* last) {
  first_table_method = first;
  last_table_method = last;
}

PyObject* init_subclass(PyObject* type, PyObject*, PyObject*) {
  auto* t = reinterpret_cast<PyTypeObject*>(type);
  static PyObject* getattribute = PyUnicode_InternFromString("__getattribute__");
  PyObject* own = _PyType_Lookup(t, getattribute);
  bool custom = own && own != _PyType_Lookup(&PyBaseObject_Type, getattribute) &&
                own != PyDict_GetItem(tensor_type->tp_dict, getattribute);
  if (!custom) t->tp_getattro = overriding_getattr;
  Py_RETURN_NONE;
}

// ------------------------------------------------------------------ functions

namespace {

PyObject* py_has_torch_function(PyObject*, PyObject* o) {
  if (modes & kFunctionMode) Py_RETURN_TRUE;
  if (!PyTuple_CheckExact(o) && !PyList_CheckExact(o)) return PyBool_FromLong(has_torch_function(o));
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(o); ++i)
    if (has_torch_function(PySequence_Fast_GET_ITEM(o, i))) Py_RETURN_TRUE;
  Py_RETURN_FALSE;
}

// (function, relevant arguments, args, kwargs)
PyObject* py_call_torch_function(PyObject*, PyObject* arguments) {
  PyObject *function, *relevant, *args, *kwargs;
  if (!PyArg_ParseTuple(arguments, "OO!O!O!", &function, &PyTuple_Type, &relevant, &PyTuple_Type, &args, &PyDict_Type,
                        &kwargs))
    return nullptr;
  try {
    std::vector<PyObject*> objects = answering(relevant);
    PyRef name = PyRef::steal(PyObject_GetAttrString(function, "__name__"));
    if (!name) PyErr_Clear();
    bool text = name && PyUnicode_Check(name.get());
    return call_torch_function(function, objects, args, kwargs, text ? PyUnicode_AsUTF8(name.get()) : "function");
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef torch_function_functions[] = {
    {"_has_torch_function", py_has_torch_function, METH_O,
     "Whether an object, or one in a tuple, answers for its operations, or a mode is active."},
    {"_call_torch_function", py_call_torch_function, METH_VARARGS,
     "(function, relevant, args, kwargs): the result that a mode or the relevant objects' classes give."},
    {"_push_function_mode", push_function_mode, METH_O, "Adds the innermost __torch_function__ mode of this thread."},
    {"_pop_function_mode", pop_function_mode, METH_NOARGS, "Removes and returns the innermost mode."},
    {"_function_modes", list_function_modes, METH_NOARGS, "The active modes, the innermost last."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_torch_function(PyObject* module) {
  overridden_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&overridden_spec));
  if (!overridden_type || PyModule_AddFunctions(module, torch_function_functions) < 0) throw PythonError();
}

}  // namespace rl
