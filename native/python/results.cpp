// What Python gets back: tuples, named results, and results written into out=.
#include <string>

#include "autograd/forward.h"
#include "iterate/pointwise.h"
#include "python/call.h"

namespace rl {

PyObject* returned_tuple(std::vector<Ref> list) {
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(list.size()));
  for (size_t i = 0; tuple && i < list.size(); ++i)
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), list[i].to_python());
  return tuple;
}

PyTypeObject* named_result(const char* name, std::initializer_list<const char*> fields) {
  auto* description = new PyStructSequence_Field[fields.size() + 1];
  size_t i = 0;
  for (const char* f : fields) description[i++] = {f, nullptr};
  description[i] = {nullptr, nullptr};
  std::string* full = new std::string(std::string("torch.return_types.") + name);
  PyStructSequence_Desc desc = {full->c_str(), nullptr, description, static_cast<int>(fields.size())};
  PyTypeObject* type = PyStructSequence_NewType(&desc);
  if (!type) throw PythonError();
  PyRef module = PyRef::steal(PyImport_ImportModule("rushlight.return_types"));
  if (!module) throw PythonError();
  PyRef shown = PyRef::steal(PyObject_GetAttrString(module.get(), "_shown"));
  if (!shown || PyObject_SetAttrString(reinterpret_cast<PyObject*>(type), "__repr__", shown.get())) throw PythonError();
  PyObject_SetAttrString(module.get(), name, reinterpret_cast<PyObject*>(type));
  return type;
}

PyObject* returned_named(Ref* first, int n, PyTypeObject* type) {
  PyObject* result = PyStructSequence_New(type);
  for (int i = 0; result && i < n; ++i) PyStructSequence_SetItem(result, i, first[i].to_python());
  return result;
}

Ref with_requires_grad(Ref x, const Call& c, int first) {
  if (!c.boolean(first + 4, false)) return x;
  RL_CHECK(is_differentiable(x->dtype), Runtime,
           "%s: only floating and complex tensors can require gradients, got dtype %s", c.name(), name_of(x->dtype));
  x->flags |= kRequiresGrad;
  return x;
}

void check_outs(const Call& c, int out, bool records) {
  PyObject* outs = c.slot(out);
  if (is_tensor(outs)) return check_out(c.out(out), c.name(), records);
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(outs); ++i)
    check_out(reinterpret_cast<Tensor*>(PySequence_Fast_GET_ITEM(outs, i)), c.name(), records);
}

PyObject* write_out(Tensor* out, Ref result, const char* name) {
  RL_CHECK(out->device.type == result->device.type, Runtime, "%s: the result is on device %s, out= on %s", name,
           name_of(result->device), name_of(out->device));
  check_no_internal_overlap(out, name);
  check_out(out, name, false, any_dual(result));
  prepare_out(out, result->sizes(), result->dtype, name);
  copy_into(out, result.get());
  bump_version(out);
  return Ref::retain(out).to_python();
}

PyObject* write_outs(const Call& c, int slot, Ref* results, int n) {
  PyObject* outs = c.slot(slot);
  RL_CHECK(!is_tensor(outs) && PySequence_Fast_GET_SIZE(outs) == n, Type, "%s: out= must be a tuple of %d tensors",
           c.name(), n);
  for (int i = 0; i < n; ++i) {
    PyRef written =
        PyRef::steal(write_out(reinterpret_cast<Tensor*>(PySequence_Fast_GET_ITEM(outs, i)), results[i], c.name()));
  }
  return Py_NewRef(outs);
}

}  // namespace rl
