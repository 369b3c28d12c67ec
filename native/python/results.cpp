// What Python gets back: tuples, named results, and results written into out=.
#include <cstring>
#include <string>

#include "autograd/forward.h"
#include "iterate/pointwise.h"
#include "python/call.h"
#include "python/module.h"

namespace rl {

static PyTypeObject* named_result(const char* name, const std::vector<const char*>& fields);

PyObject* returned_tuple(std::vector<Ref> list) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(list.size()));
  for (size_t i = 0; tuple && i < list.size(); ++i)
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), list[i].to_python());
  return tuple;
}

// One class a name, whichever of its functions and methods is called first.
PyTypeObject* named_result(const char* name, std::initializer_list<const char*> fields) {
  return named_result(name, std::vector<const char*>(fields));
}
static PyTypeObject* named_result(const char* name, const std::vector<const char*>& fields) {
  PyRef module = PyRef::steal(PyImport_ImportModule("rushlight.return_types"));
  PyRef members = module ? PyRef::steal(PyObject_GetAttrString(module.get(), "__dict__")) : PyRef();
  if (!members) throw PythonError();
  if (PyObject* made = PyDict_GetItemString(members.get(), name))
    return reinterpret_cast<PyTypeObject*>(Py_NewRef(made));
  auto* description = new PyStructSequence_Field[fields.size() + 1];
  size_t i = 0;
  for (const char* f : fields) description[i++] = {f, nullptr};
  description[i] = {nullptr, nullptr};
  std::string* full = new std::string(std::string("torch.return_types.") + name);
  PyStructSequence_Desc desc = {full->c_str(), nullptr, description, static_cast<int>(fields.size())};
  PyTypeObject* type = PyStructSequence_NewType(&desc);
  if (!type) throw PythonError();
  PyRef shown = PyRef::steal(PyObject_GetAttrString(module.get(), "_shown"));
  PyRef home = PyRef::steal(PyUnicode_FromString("rushlight.return_types"));  // where pickle finds the class
  if (!shown || PyObject_SetAttrString(reinterpret_cast<PyObject*>(type), "__repr__", shown.get()) < 0 ||
      PyObject_SetAttrString(reinterpret_cast<PyObject*>(type), "__module__", home.get()) < 0 ||
      PyObject_SetAttrString(module.get(), name, reinterpret_cast<PyObject*>(type)) < 0)
    throw PythonError();
  return type;
}

PyObject* py_named_result(PyObject*, PyObject* args) {
  const char* name;
  PyObject* list;
  if (!PyArg_ParseTuple(args, "sO!:_named_results", &name, &PyList_Type, &list)) return nullptr;
  std::vector<const char*> fields;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); ++i) {
    const char* field = PyUnicode_AsUTF8(PyList_GET_ITEM(list, i));
    if (!field) return nullptr;
    fields.push_back(strdup(field));  // the class keeps it
  }
  try {
    return Py_NewRef(reinterpret_cast<PyObject*>(named_result(name, fields)));
  } catch (...) {
    return raise_current();
  }
}

PyObject* returned_named(Ref* first, int n, PyTypeObject* type) {
  PyObject* result = PyStructSequence_New(type);
  for (int i = 0; result && i < n; ++i)  // a gradient that was not asked for is None
    PyStructSequence_SetItem(result, i, first[i] ? first[i].to_python() : Py_NewRef(Py_None));
  return result;
}

Ref with_requires_grad(Ref x, const Call& c, int first) {
  if (!c.boolean(first + 4, false)) return x;
  RL_CHECK(is_differentiable(x->dtype), Runtime,
           "%s: only floating and complex tensors can require gradients, got dtype %s; convert it first, with .float()",
           c.name(), name_of(x->dtype));
  x->flags |= kRequiresGrad;
  return x;
}

void check_outs(const Call& c, int out, int results, bool records) {
  PyObject* outs = c.slot(out);
  if (is_tensor(outs)) return check_out(c.out(out), c.name(), records);
  RL_CHECK(PySequence_Fast_GET_SIZE(outs) == results, Type, "%s: out= must be a tuple of %d tensors", c.name(),
           results);
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(outs); ++i)
    check_out(reinterpret_cast<Tensor*>(PySequence_Fast_GET_ITEM(outs, i)), c.name(), records);
}

PyObject* write_out(Tensor* out, Ref result, const char* name, OutRule rule) {
  RL_CHECK(out->device.type == result->device.type, Runtime, "%s: the result is on device %s, out= on %s", name,
           name_of(result->device), name_of(out->device));
  check_no_internal_overlap(out, name);
  check_out(out, name, false, any_dual(result));
  const bool resizes = out->sizes() != result->sizes();
  prepare_out(out, result->sizes(), result->dtype, name, rule);
  if (resizes && is_non_overlapping_and_dense(result->sizes(), result->strides()))
    set_layout(out, {Dims(result->sizes()), Dims(result->strides()), out->offset});
  copy_into(out, result.get());
  bump_version(out);
  return Ref::retain(out).to_python();
}

PyObject* write_outs(const Call& c, int slot, Ref* results, int n, OutRule rule) {
  PyObject* outs = c.slot(slot);
  for (int i = 0; i < n; ++i) {
    PyRef written = PyRef::steal(
        write_out(reinterpret_cast<Tensor*>(PySequence_Fast_GET_ITEM(outs, i)), results[i], c.name(), rule));
  }
  return Py_NewRef(outs);
}

}  // namespace rl
