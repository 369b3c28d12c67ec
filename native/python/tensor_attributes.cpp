// What can be read from and assigned to a tensor: shape, dtype, grad, data, ...
#include "autograd/accumulate.h"
#include "autograd/history.h"
#include "python/call.h"
#include "python/tensor_type.h"

namespace rl {
namespace {

Tensor* self_of(PyObject* o) { return reinterpret_cast<Tensor*>(o); }

PyObject* get_shape(PyObject* o, void*) { return size_object(self_of(o)->sizes()); }
PyObject* get_dtype(PyObject* o, void*) { return Py_NewRef(dtype_object(self_of(o)->dtype)); }
PyObject* get_device(PyObject* o, void*) { return device_object(self_of(o)->device); }
PyObject* get_layout(PyObject*, void*) { return Py_NewRef(layout_strided()); }
PyObject* get_ndim(PyObject* o, void*) { return PyLong_FromLong(self_of(o)->ndim); }
PyObject* get_itemsize(PyObject* o, void*) { return PyLong_FromSize_t(size_of(self_of(o)->dtype)); }
PyObject* get_nbytes(PyObject* o, void*) {
  return PyLong_FromLongLong(self_of(o)->numel * static_cast<int64_t>(size_of(self_of(o)->dtype)));
}
PyObject* get_version(PyObject* o, void*) {
  if (self_of(o)->flags & kInference) {
    PyErr_SetString(PyExc_RuntimeError, "_version: tensors made in inference_mode keep no version");
    return nullptr;
  }
  return PyLong_FromUnsignedLong(self_of(o)->storage->version);
}
PyObject* get_inference(PyObject* o, void*) { return PyBool_FromLong(bool(self_of(o)->flags & kInference)); }
PyObject* get_output_nr(PyObject* o, void*) { return PyLong_FromUnsignedLong(self_of(o)->output_nr); }
PyObject* get_requires_grad(PyObject* o, void*) { return PyBool_FromLong(self_of(o)->requires_grad()); }
PyObject* get_is_leaf(PyObject* o, void*) {
  try {
    return PyBool_FromLong(!grad_fn_of(self_of(o)));
  } catch (...) {
    return raise_current();
  }
}
PyObject* get_base(PyObject* o, void*) {
  Tensor* base = self_of(o)->base;
  return Py_NewRef(base ? reinterpret_cast<PyObject*>(base) : Py_None);
}
PyObject* get_retains_grad(PyObject* o, void*) {
  Autograd* a = self_of(o)->autograd;
  return PyBool_FromLong(a && a->retains_grad);
}
PyObject* get_grad(PyObject* o, void*) {
  Autograd* a = self_of(o)->autograd;
  return Py_NewRef(a && a->grad ? reinterpret_cast<PyObject*>(a->grad) : Py_None);
}
PyObject* get_grad_fn(PyObject* o, void*) {
  try {
    Node* n = grad_fn_of(self_of(o));
    return Py_NewRef(n ? reinterpret_cast<PyObject*>(n) : Py_None);
  } catch (...) {
    return raise_current();
  }
}

int set_grad_attribute(PyObject* o, PyObject* value, void*) {
  try {
    Tensor* x = self_of(o);
    if (!value || value == Py_None) {
      if (x->autograd) Py_CLEAR(x->autograd->grad);
      return 0;
    }
    RL_CHECK(is_tensor(value), Type, "grad: expected a tensor or None, got %s", Py_TYPE(value)->tp_name);
    Tensor* g = self_of(value);
    RL_CHECK(g != x, Runtime, "grad: a tensor cannot be its own gradient");
    RL_CHECK(g->sizes() == x->sizes(), Runtime,
             "grad: the gradient has shape %s, but the tensor %s; both must be the same", to_string(g->sizes()).c_str(),
             to_string(x->sizes()).c_str());
    RL_CHECK(g->dtype == x->dtype, Runtime, "grad: the gradient has dtype %s, the tensor %s", name_of(g->dtype),
             name_of(x->dtype));
    RL_CHECK(g->device.type == x->device.type, Runtime, "grad: the gradient is on device %s, the tensor on %s",
             name_of(g->device), name_of(x->device));
    set_grad(x, Ref::retain(g));
    return 0;
  } catch (...) {
    raise_current();
    return -1;
  }
}

}  // namespace

void change_requires_grad(Tensor* x, bool on) {
  if (x->requires_grad() == on) return;
  RL_CHECK(!on || !(x->flags & kInference) || (modes & kInferenceMode), Runtime,
           "requires_grad: a tensor made in inference_mode cannot require gradients outside it; .clone() it first");
  RL_CHECK(
      on || !x->grad_fn, Runtime,
      "requires_grad: only a leaf's requires_grad can be set to False; use .detach() for a tensor without history");
  RL_CHECK(!on || is_differentiable(x->dtype), Runtime,
           "requires_grad: only floating and complex tensors can require gradients, got dtype %s; convert it first, "
           "with .float()",
           name_of(x->dtype));
  x->flags = static_cast<uint8_t>(on ? x->flags | kRequiresGrad : x->flags & ~kRequiresGrad);
}

namespace {

int set_requires_grad(PyObject* o, PyObject* value, void*) {
  try {
    RL_CHECK(value && PyBool_Check(value), Runtime, "requires_grad must be True or False");
    change_requires_grad(self_of(o), value == Py_True);
    return 0;
  } catch (...) {
    raise_current();
    return -1;
  }
}

PyObject* get_data(PyObject* o, void*) {
  Tensor* x = self_of(o);
  try {
    Ref y = alias(x);
    Storage* own = with_own_version(x->storage);
    drop(y->storage);
    y->storage = own;
    if (has_torch_function(o)) y = of_class(Py_TYPE(o), y.get());  // as its other operations' results are
    return y.to_python();
  } catch (...) {
    return raise_current();
  }
}

int set_data_attribute(PyObject* o, PyObject* value, void*) {
  try {
    RL_CHECK(value, Runtime, "data: cannot be deleted; delete the tensor");
    RL_CHECK(is_tensor(value), Type, "data: expected a tensor, got %s", Py_TYPE(value)->tp_name);
    Tensor* x = self_of(o);
    RL_CHECK(x->device.type == self_of(value)->device.type, Runtime,
             "data: a tensor on device %s cannot take data on device %s", name_of(x->device),
             name_of(self_of(value)->device));
    RL_CHECK(!x->requires_grad() || is_differentiable(self_of(value)->dtype), Runtime,
             "data: a tensor that requires grad cannot take data of dtype %s", name_of(self_of(value)->dtype));
    set_data(x, self_of(value));
    return 0;
  } catch (...) {
    raise_current();
    return -1;
  }
}

}  // namespace

PyGetSetDef tensor_attributes[] = {
    {"shape", get_shape, nullptr, "The sizes of all dimensions.", nullptr},
    {"dtype", get_dtype, nullptr, "The element type.", nullptr},
    {"device", get_device, nullptr, "Where the memory is.", nullptr},
    {"layout", get_layout, nullptr, "rushlight.strided.", nullptr},
    {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
    {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
    {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
    {"_version", get_version, nullptr, "How many in-place writes the memory has seen.", nullptr},
    {"_inference", get_inference, nullptr, "Whether the tensor was made in inference mode.", nullptr},
    {"output_nr", get_output_nr, nullptr, "Which output of grad_fn this is.", nullptr},
    {"requires_grad", get_requires_grad, set_requires_grad, "Whether gradients flow to this tensor.", nullptr},
    {"is_leaf", get_is_leaf, nullptr, "Whether no operation with history made this tensor.", nullptr},
    {"retains_grad", get_retains_grad, nullptr, "Whether a non-leaf keeps its gradient.", nullptr},
    {"_base", get_base, nullptr, "The tensor that this one is a view of, or None.", nullptr},
    {"grad", get_grad, set_grad_attribute, "The accumulated gradient, or None.", nullptr},
    {"grad_fn", get_grad_fn, nullptr, "The node that made this tensor, or None for a leaf.", nullptr},
    {"data", get_data, set_data_attribute, "The same memory without history and with a version of its own.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

}  // namespace rl
