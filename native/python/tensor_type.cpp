// The Tensor type's slots, attributes, and the methods that are not rows of the table.
#include <Python.h>
#include <structmember.h>

#include <vector>

#include "autograd/accumulate.h"
#include "autograd/engine.h"
#include "autograd/history.h"
#include "device/create.h"
#include "gen/ops.h"
#include "iterate/pointwise.h"
#include "python/call.h"
#include "python/data.h"
#include "python/indexing.h"
#include "python/module.h"
#include "python/registry.h"

namespace rl {
namespace {

Tensor* self_of(PyObject* o) { return reinterpret_cast<Tensor*>(o); }

// ------------------------------------------------------------------ making tensors

// A tensor of class `type` over the storage of `from`.
Ref of_class(PyTypeObject* type, const Tensor* from) {
  if (type == tensor_type) return alias(from);
  PyObject* o = type->tp_alloc(type, 0);
  if (!o) throw PythonError();
  Ref x = Ref::steal(self_of(o));
  init_empty(x.get());
  x->flags = kNeverFreeList;
  retain(from->storage);
  x->storage = from->storage;
  x->dtype = from->dtype;
  x->device = from->device;
  set_layout(x.get(), from->layout());
  return x;
}

// Tensor(), Tensor(2, 3), Tensor([1, 2]), Tensor(other): the oldest constructor.
PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  try {
    Py_ssize_t n = PyTuple_GET_SIZE(args);
    PyObject* device = kwargs ? PyDict_GetItemString(kwargs, "device") : nullptr;
    DeviceId id;
    if (device && device != Py_None) device_from(device, &id);
    Ref x;
    PyObject* first = n ? PyTuple_GET_ITEM(args, 0) : nullptr;
    if (n == 1 && is_tensor(first)) {
      x = of_class(type, self_of(first));
      return x.to_python();
    }
    int64_t size;
    if (n == 0) {
      x = empty(Dims{0}, default_dtype, id);
    } else if (integer_from(first, &size)) {
      Dims sizes;
      for (Py_ssize_t i = 0; i < n; ++i) {
        RL_CHECK(integer_from(PyTuple_GET_ITEM(args, i), &size), Type, "Tensor: expected sizes as integers, got %s", Py_TYPE(PyTuple_GET_ITEM(args, i))->tp_name);
        sizes.push_back(size);
      }
      x = empty(sizes, default_dtype, id);
    } else if (n == 1 && Py_TYPE(first)->tp_name == std::string("rushlight.Size")) {
      Dims sizes;
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(first); ++i) sizes.push_back(PyLong_AsLongLong(PyTuple_GET_ITEM(first, i)));
      x = empty(sizes, default_dtype, id);
    } else {
      RL_CHECK(n == 1 && (PySequence_Check(first) || PyObject_CheckBuffer(first)), Type, "Tensor: expected sizes, a sequence or a tensor, got %s; for a number use tensor(x)",
               Py_TYPE(first)->tp_name);
      x = tensor_from(first, default_dtype, id);
    }
    return (type == tensor_type ? x : of_class(type, x.get())).to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* make_subclass(PyObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"cls", "data", "require_grad", nullptr};
  PyObject *cls, *data;
  int require_grad = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|p:_make_subclass", const_cast<char**>(names), &cls, &data, &require_grad)) return nullptr;
  try {
    RL_CHECK(PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type), Type, "_make_subclass: cls must be a subclass of Tensor");
    RL_CHECK(is_tensor(data), Type, "_make_subclass: data must be a tensor, got %s", Py_TYPE(data)->tp_name);
    Ref x = of_class(reinterpret_cast<PyTypeObject*>(cls), self_of(data));
    if (require_grad) {
      RL_CHECK(is_differentiable(x->dtype), Runtime, "only tensors of floating or complex dtype can require gradients, got %s", name_of(x->dtype));
      x->flags |= kRequiresGrad;
    }
    return x.to_python();
  } catch (...) {
    return raise_current();
  }
}

// ------------------------------------------------------------------ attributes

PyObject* get_shape(PyObject* o, void*) { return size_object(self_of(o)->sizes()); }
PyObject* get_dtype(PyObject* o, void*) { return Py_NewRef(dtype_object(self_of(o)->dtype)); }
PyObject* get_device(PyObject* o, void*) { return device_object(self_of(o)->device); }
PyObject* get_layout(PyObject*, void*) { return Py_NewRef(layout_strided()); }
PyObject* get_ndim(PyObject* o, void*) { return PyLong_FromLong(self_of(o)->ndim); }
PyObject* get_itemsize(PyObject* o, void*) { return PyLong_FromSize_t(size_of(self_of(o)->dtype)); }
PyObject* get_nbytes(PyObject* o, void*) { return PyLong_FromLongLong(self_of(o)->numel * static_cast<int64_t>(size_of(self_of(o)->dtype))); }
PyObject* get_version(PyObject* o, void*) { return PyLong_FromUnsignedLong(self_of(o)->storage->version); }
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
  Autograd* a = self_of(o)->autograd;
  return Py_NewRef(a && a->base ? reinterpret_cast<PyObject*>(a->base) : Py_None);
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
    RL_CHECK(g->sizes() == x->sizes(), Runtime, "grad: the gradient has shape %s, the tensor %s", to_string(g->sizes()).c_str(), to_string(x->sizes()).c_str());
    RL_CHECK(g->dtype == x->dtype, Runtime, "grad: the gradient has dtype %s, the tensor %s", name_of(g->dtype), name_of(x->dtype));
    RL_CHECK(g->device.type == x->device.type, Runtime, "grad: the gradient is on device %s, the tensor on %s", name_of(g->device), name_of(x->device));
    set_grad(x, Ref::retain(g));
    return 0;
  } catch (...) {
    raise_current();
    return -1;
  }
}

void change_requires_grad(Tensor* x, bool on) {
  if (x->requires_grad() == on) return;
  RL_CHECK(on || !x->grad_fn, Runtime, "requires_grad: only a leaf's requires_grad can be set to False; use .detach() for a tensor without history");
  RL_CHECK(!on || is_differentiable(x->dtype), Runtime, "requires_grad: only floating and complex tensors can require gradients, got dtype %s", name_of(x->dtype));
  x->flags = static_cast<uint8_t>(on ? x->flags | kRequiresGrad : x->flags & ~kRequiresGrad);
}

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
    return new_tensor(with_own_version(x->storage), x->dtype, x->sizes(), x->strides(), x->offset).to_python();
  } catch (...) {
    return raise_current();
  }
}

int set_data_attribute(PyObject* o, PyObject* value, void*) {
  try {
    RL_CHECK(value && is_tensor(value), Type, "data: expected a tensor, got %s", value ? Py_TYPE(value)->tp_name : "nothing");
    Tensor* x = self_of(o);
    RL_CHECK(!x->requires_grad() || is_differentiable(self_of(value)->dtype), Runtime, "data: a tensor that requires grad cannot take data of dtype %s", name_of(self_of(value)->dtype));
    set_data(x, self_of(value));
    return 0;
  } catch (...) {
    raise_current();
    return -1;
  }
}

PyGetSetDef attributes[] = {{"shape", get_shape, nullptr, "The sizes of all dimensions.", nullptr},
                            {"dtype", get_dtype, nullptr, "The element type.", nullptr},
                            {"device", get_device, nullptr, "Where the memory is.", nullptr},
                            {"layout", get_layout, nullptr, "rushlight.strided.", nullptr},
                            {"ndim", get_ndim, nullptr, "The number of dimensions.", nullptr},
                            {"itemsize", get_itemsize, nullptr, "Bytes of one element.", nullptr},
                            {"nbytes", get_nbytes, nullptr, "Bytes of all elements.", nullptr},
                            {"_version", get_version, nullptr, "How many in-place writes the memory has seen.", nullptr},
                            {"output_nr", get_output_nr, nullptr, "Which output of grad_fn this is.", nullptr},
                            {"requires_grad", get_requires_grad, set_requires_grad, "Whether gradients flow to this tensor.", nullptr},
                            {"is_leaf", get_is_leaf, nullptr, "Whether no operation with history made this tensor.", nullptr},
                            {"retains_grad", get_retains_grad, nullptr, "Whether a non-leaf keeps its gradient.", nullptr},
                            {"_base", get_base, nullptr, "The tensor that this one is a view of, or None.", nullptr},
                            {"grad", get_grad, set_grad_attribute, "The accumulated gradient, or None.", nullptr},
                            {"grad_fn", get_grad_fn, nullptr, "The node that made this tensor, or None for a leaf.", nullptr},
                            {"data", get_data, set_data_attribute, "The same memory without history and with a version of its own.", nullptr},
                            {nullptr, nullptr, nullptr, nullptr, nullptr}};

// ------------------------------------------------------------------ methods

PyObject* py_dim(PyObject* o, PyObject*) { return PyLong_FromLong(self_of(o)->ndim); }
PyObject* py_numel(PyObject* o, PyObject*) { return PyLong_FromLongLong(self_of(o)->numel); }
PyObject* py_element_size(PyObject* o, PyObject*) { return get_itemsize(o, nullptr); }
PyObject* py_storage_offset(PyObject* o, PyObject*) { return PyLong_FromLongLong(self_of(o)->offset); }
PyObject* py_data_ptr(PyObject* o, PyObject*) {
  Tensor* x = self_of(o);
  return PyLong_FromVoidPtr(x->storage->data && x->numel ? x->data() : nullptr);
}
PyObject* py_is_floating_point(PyObject* o, PyObject*) { return PyBool_FromLong(is_floating(self_of(o)->dtype)); }
PyObject* py_is_complex(PyObject* o, PyObject*) { return PyBool_FromLong(is_complex(self_of(o)->dtype)); }
PyObject* py_is_view(PyObject* o, PyObject*) { return PyBool_FromLong(self_of(o)->autograd && self_of(o)->autograd->base); }

PyObject* entry_of(PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  if (nargs) return args[0];
  return kwnames && PyTuple_GET_SIZE(kwnames) ? args[0] : nullptr;
}

PyObject* py_size(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* dim = entry_of(args, nargs, kwnames);
  Tensor* x = self_of(o);
  if (!dim || dim == Py_None) return size_object(x->sizes());
  try {
    int64_t d;
    RL_CHECK(integer_from(dim, &d), Type, "size: dim must be an integer, got %s", Py_TYPE(dim)->tp_name);
    RL_CHECK(x->ndim > 0, Index, "size: a 0-d tensor has no dimension %lld", (long long)d);
    return PyLong_FromLongLong(x->sizes()[wrap_dim(d, x->ndim, "size")]);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_stride(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* dim = entry_of(args, nargs, kwnames);
  Tensor* x = self_of(o);
  try {
    if (!dim || dim == Py_None) return box(x->strides());
    int64_t d;
    RL_CHECK(integer_from(dim, &d), Type, "stride: dim must be an integer, got %s", Py_TYPE(dim)->tp_name);
    RL_CHECK(x->ndim > 0, Index, "stride: a 0-d tensor has no dimension %lld", (long long)d);
    return PyLong_FromLongLong(x->strides()[wrap_dim(d, x->ndim, "stride")]);
  } catch (...) {
    return raise_current();
  }
}

bool channels_last(const Tensor* x, int spatial) {
  if (x->ndim != spatial + 2) return false;
  int64_t step = 1;
  SmallVector<int, 8> order{1};
  for (int i = spatial + 1; i >= 2; --i) order.push_back(i);
  order.push_back(0);
  for (int d : order) {
    if (x->dims[d] != 1 && x->strides()[d] != step) return false;
    step *= x->dims[d];
  }
  return true;
}

PyObject* py_is_contiguous(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* format = entry_of(args, nargs, kwnames);
  Tensor* x = self_of(o);
  MemoryFormat f = MemoryFormat::Contiguous;
  if (format && !memory_format_from(format, &f)) {
    PyErr_Format(PyExc_TypeError, "is_contiguous: memory_format must be a memory_format, got %s", Py_TYPE(format)->tp_name);
    return nullptr;
  }
  if (f == MemoryFormat::ChannelsLast) return PyBool_FromLong(channels_last(x, 2));
  if (f == MemoryFormat::ChannelsLast3d) return PyBool_FromLong(channels_last(x, 3));
  return PyBool_FromLong(x->contiguous());
}

PyObject* py_item(PyObject* o, PyObject*) {
  try {
    return item(self_of(o));
  } catch (...) {
    return raise_current();
  }
}
PyObject* py_tolist(PyObject* o, PyObject*) {
  try {
    return to_list(self_of(o));
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_requires_grad_(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* on = entry_of(args, nargs, kwnames);
  try {
    RL_CHECK(!on || PyBool_Check(on), Type, "requires_grad_: expected True or False");
    change_requires_grad(self_of(o), !on || on == Py_True);
    return Py_NewRef(o);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_detach_(PyObject* o, PyObject*) {
  Tensor* x = self_of(o);
  try {
    RL_CHECK(!(x->autograd && x->autograd->base), Runtime, "detach_: a view cannot be detached in place: its base would keep the history; use .detach()");
    Py_CLEAR(x->grad_fn);
    x->flags &= static_cast<uint8_t>(~kRequiresGrad);
    x->output_nr = 0;
    return Py_NewRef(o);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_resize_(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject*) {
  static const ParameterSpec parameters[] = {{"size", Kind::IntsVar, false, false}};
  static SignatureSpec spec = {"resize_", "resize_(*size: int)", parameters, 1};
  try {
    Call c(nullptr, args, nargs, nullptr);
    if (!c.bind(spec)) c.no_match({&spec});
    Tensor* x = self_of(o);
    RL_CHECK(!x->requires_grad(), Runtime, "resize_: a tensor that requires grad cannot be resized; use .detach() first");
    Dims sizes = c.ints(0);
    for (int64_t s : sizes) RL_CHECK(s >= 0, Runtime, "resize_: a size may not be negative, got %s", to_string(sizes).c_str());
    resize(x, sizes);
    return Py_NewRef(o);
  } catch (...) {
    return raise_current();
  }
}

// set_(): empty; set_(tensor); set_(tensor or storage tensor, offset, size, stride)
PyObject* py_set_(PyObject* o, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"source", "storage_offset", "size", "stride", nullptr};
  PyObject *source = nullptr, *size = nullptr, *stride = nullptr;
  Py_ssize_t offset = 0;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OnOO:set_", const_cast<char**>(names), &source, &offset, &size, &stride)) return nullptr;
  try {
    Tensor* x = self_of(o);
    RL_CHECK(!x->requires_grad() || !grad_enabled(), Runtime, "set_: a tensor that requires grad cannot be given other memory; use .data or no_grad()");
    PyRef held;
    if (source && !is_tensor(source)) {
      held = PyRef::steal(PyObject_GetAttrString(source, "_bytes"));  // an UntypedStorage
      if (!held) throw PythonError();
      source = held.get();
      RL_CHECK(is_tensor(source), Type, "set_: expected a tensor or a storage");
    }
    if (!source) {
      Ref none = empty(Dims{0}, x->dtype, x->device);
      set_data(x, none.get());
      return Py_NewRef(o);
    }
    Tensor* from = self_of(source);
    RL_CHECK(held || from->dtype == x->dtype, Runtime, "set_: the source has dtype %s, the tensor %s", name_of(from->dtype), name_of(x->dtype));
    Layout layout = from->layout();
    if (size) {
      static const ParameterSpec parameters[] = {{"size", Kind::Ints, false, false}, {"stride", Kind::Ints, true, false}};
      static SignatureSpec spec = {"set_", "set_(source, storage_offset, size: Ints, stride: Ints)", parameters, 2};
      PyObject* pair[] = {size, stride};
      Call c(nullptr, pair, stride ? 2 : 1, nullptr);
      if (!c.bind(spec)) c.no_match({&spec});
      layout.sizes = c.ints(0);
      layout.strides = stride ? c.ints(1) : contiguous_strides(layout.sizes);
      layout.offset = offset;
      layout = layout::as_strided(layout, layout.sizes, layout.strides, offset);
    } else if (held) {
      layout.sizes = Dims{static_cast<int64_t>(from->storage->nbytes / size_of(x->dtype))};
      layout.strides = Dims{1};
    }
    RL_CHECK(offset >= 0, Runtime, "set_: storage_offset must not be negative, got %zd", offset);
    check_bounds(layout, size_of(x->dtype), from->storage->nbytes, "set_");
    retain(from->storage);
    drop(x->storage);
    x->storage = from->storage;
    x->device = from->device;
    set_layout(x, layout);
    return Py_NewRef(o);
  } catch (...) {
    return raise_current();
  }
}

// The whole storage as a flat uint8 tensor that shares it.
PyObject* py_storage_bytes(PyObject* o, PyObject*) {
  Tensor* x = self_of(o);
  try {
    retain(x->storage);
    int64_t n = static_cast<int64_t>(x->storage->nbytes), one = 1;
    return new_tensor(x->storage, DType::UInt8, DimSpan(&n, 1), DimSpan(&one, 1), 0).to_python();
  } catch (...) {
    return raise_current();
  }
}
PyObject* py_storage_key(PyObject* o, PyObject*) { return PyLong_FromVoidPtr(root(self_of(o)->storage)); }

// view(dtype) with elements of one size.
PyObject* py_view_dtype(PyObject* o, PyObject* wanted) {
  try {
    Tensor* x = self_of(o);
    DType d;
    RL_CHECK(dtype_from(wanted, &d), Type, "view: expected a dtype, got %s", Py_TYPE(wanted)->tp_name);
    RL_CHECK(size_of(d) == size_of(x->dtype), Runtime, "view: dtype %s has %zu bytes an element, %s has %zu; only equal sizes are supported yet", name_of(d), size_of(d),
             name_of(x->dtype), size_of(x->dtype));
    Ref y = alias(x);
    y->dtype = d;
    return y.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_convert(PyObject* o, PyObject* wanted) {
  try {
    DType d;
    RL_CHECK(dtype_from(wanted, &d), Type, "to: expected a dtype, got %s", Py_TYPE(wanted)->tp_name);
    if (self_of(o)->dtype == d) return Py_NewRef(o);
    return ops::_to_copy(In(self_of(o)), d).to_python();
  } catch (...) {
    return raise_current();
  }
}

// A tensor of the same shape without values, on the meta device, or with undefined values on the CPU.
PyObject* py_on_device(PyObject* o, PyObject* wanted) {
  try {
    DeviceId id;
    RL_CHECK(device_from(wanted, &id), Type, "to: expected a device, got %s", Py_TYPE(wanted)->tp_name);
    Tensor* x = self_of(o);
    device(id);
    if (id.type == x->device.type) return Py_NewRef(o);
    RL_CHECK(id.type == DeviceType::Meta, NotImplemented, "to: a meta tensor has no values to copy to '%s'; create the tensor there, or use to_empty()", name_of(id));
    return empty_strided(x->sizes(), x->strides(), x->dtype, id).to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_hooks(PyObject* o, PyObject* which) {
  // The dict of a tensor's hooks: its own for a leaf, its node's otherwise. which: 0 tensor hooks, 1 post-accumulate hooks.
  try {
    Tensor* x = self_of(o);
    RL_CHECK(x->requires_grad(), Runtime, "register_hook: the tensor does not require grad, so no gradient will reach it");
    Node* node = grad_fn_of(x);
    PyObject** slot;
    if (PyLong_AsLong(which) == 1) {
      RL_CHECK(!node, Runtime, "register_post_accumulate_grad_hook: only leaf tensors accumulate gradients, and this one was made by %s", node->kind->name);
      slot = &autograd_of(x)->post_accumulate_hooks;
    } else if (!node) {
      slot = &autograd_of(x)->hooks;
    } else {
      NodeHooks* h = hooks_of(node);
      if (!h->tensors) h->tensors = PyDict_New();
      PyRef key = PyRef::steal(PyLong_FromUnsignedLong(x->output_nr));
      PyObject* own = PyDict_GetItem(h->tensors, key.get());
      if (!own) {
        PyRef fresh = PyRef::steal(PyODict_New());
        PyDict_SetItem(h->tensors, key.get(), fresh.get());
        own = fresh.get();
      }
      return Py_NewRef(own);
    }
    if (!*slot) *slot = PyODict_New();
    track(x);
    return Py_NewRef(*slot);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_retain_grad(PyObject* o, PyObject*) {
  try {
    Tensor* x = self_of(o);
    RL_CHECK(x->requires_grad(), Runtime, "retain_grad: the tensor does not require grad, so there is none to keep");
    Node* node = grad_fn_of(x);
    if (!node || autograd_of(x)->retains_grad) Py_RETURN_NONE;
    NodeHooks* h = hooks_of(node);
    if (!h->retains) h->retains = PyDict_New();
    PyRef key = PyRef::steal(PyLong_FromUnsignedLong(x->output_nr)), weak = PyRef::steal(PyWeakref_NewRef(o, nullptr));
    if (!weak || PyDict_SetItem(h->retains, key.get(), weak.get()) < 0) throw PythonError();
    autograd_of(x)->retains_grad = true;
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef own_methods[] = {
    {"dim", py_dim, METH_NOARGS, "The number of dimensions."},
    {"ndimension", py_dim, METH_NOARGS, "The number of dimensions."},
    {"numel", py_numel, METH_NOARGS, "The number of elements."},
    {"nelement", py_numel, METH_NOARGS, "The number of elements."},
    {"element_size", py_element_size, METH_NOARGS, "Bytes of one element."},
    {"storage_offset", py_storage_offset, METH_NOARGS, "Where the tensor starts in its storage, in elements."},
    {"data_ptr", py_data_ptr, METH_NOARGS, "The address of the first element."},
    {"is_floating_point", py_is_floating_point, METH_NOARGS, "Whether the dtype is floating."},
    {"is_complex", py_is_complex, METH_NOARGS, "Whether the dtype is complex."},
    {"_is_view", py_is_view, METH_NOARGS, "Whether this is a view that autograd knows of."},
    {"size", (PyCFunction)(void (*)(void))py_size, METH_FASTCALL | METH_KEYWORDS, "size(dim=None): the sizes, or one of them."},
    {"stride", (PyCFunction)(void (*)(void))py_stride, METH_FASTCALL | METH_KEYWORDS, "stride(dim=None): the strides in elements, or one of them."},
    {"is_contiguous", (PyCFunction)(void (*)(void))py_is_contiguous, METH_FASTCALL | METH_KEYWORDS, "Whether the memory is row-major, or of the given format."},
    {"item", py_item, METH_NOARGS, "The value of a one-element tensor as a Python number."},
    {"tolist", py_tolist, METH_NOARGS, "The values as nested lists."},
    {"requires_grad_", (PyCFunction)(void (*)(void))py_requires_grad_, METH_FASTCALL | METH_KEYWORDS, "requires_grad_(requires_grad=True): sets it, returns the tensor."},
    {"detach_", py_detach_, METH_NOARGS, "Drops the history."},
    {"resize_", (PyCFunction)(void (*)(void))py_resize_, METH_FASTCALL | METH_KEYWORDS, "resize_(*size): another shape over the same storage, grown where it is too small."},
    {"set_", (PyCFunction)(void (*)(void))py_set_, METH_VARARGS | METH_KEYWORDS, "set_(source, storage_offset, size, stride): other memory."},
    {"backward", (PyCFunction)(void (*)(void))tensor_backward, METH_FASTCALL | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)\n\nAdds the gradient of this tensor to the .grad of each leaf it came from."},
    {"retain_grad", py_retain_grad, METH_NOARGS, "Keeps the gradient of a non-leaf in .grad."},
    {"_storage_bytes", py_storage_bytes, METH_NOARGS, nullptr},
    {"_storage_key", py_storage_key, METH_NOARGS, nullptr},
    {"_view_dtype", py_view_dtype, METH_O, nullptr},
    {"_convert", py_convert, METH_O, nullptr},
    {"_on_device", py_on_device, METH_O, nullptr},
    {"_hooks", py_hooks, METH_O, nullptr},
    {"_make_subclass", (PyCFunction)(void (*)(void))make_subclass, METH_VARARGS | METH_KEYWORDS | METH_STATIC, "_make_subclass(cls, data, require_grad=False): data as an instance of cls."},
    {nullptr, nullptr, 0, nullptr}};

// ------------------------------------------------------------------ slots

PyObject* compare(PyObject* a, PyObject* b, int op) { return compare_operators[op](a, b); }
Py_hash_t hash(PyObject* o) { return _Py_HashPointer(o); }

Py_ssize_t length(PyObject* o) {
  Tensor* x = self_of(o);
  if (x->ndim == 0) {
    PyErr_SetString(PyExc_TypeError, "len: a 0-d tensor has no length");
    return -1;
  }
  return x->dims[0];
}

PyObject* sequence_item(PyObject* o, Py_ssize_t i) {
  PyRef index = PyRef::steal(PyLong_FromSsize_t(i));
  return get_item(o, index.get());
}

PyObject* one_value(PyObject* o, const char* wanted) {
  Tensor* x = self_of(o);
  try {
    RL_CHECK(x->numel == 1, Runtime, "%s: the truth or number of a tensor of shape %s is ambiguous: it has %lld elements; use .any(), .all() or .item()", wanted,
             to_string(x->sizes()).c_str(), (long long)x->numel);
    return item(x);
  } catch (...) {
    return raise_current();
  }
}
int truth(PyObject* o) {
  PyRef v = PyRef::steal(one_value(o, "bool"));
  return v ? PyObject_IsTrue(v.get()) : -1;
}
PyObject* to_float(PyObject* o) {
  PyRef v = PyRef::steal(one_value(o, "float"));
  return v ? PyNumber_Float(v.get()) : nullptr;
}
PyObject* to_int(PyObject* o) {
  PyRef v = PyRef::steal(one_value(o, "int"));
  return v ? PyNumber_Long(v.get()) : nullptr;
}
PyObject* to_index(PyObject* o) {
  Tensor* x = self_of(o);
  if (x->numel != 1 || category_of(x->dtype) > Category::Integral) {
    PyErr_Format(PyExc_TypeError, "index: only a one-element integer tensor can stand for an integer, got dtype %s and %lld elements", name_of(x->dtype), (long long)x->numel);
    return nullptr;
  }
  return to_int(o);
}
PyObject* negative(PyObject* o) {
  try {
    return ops::neg(In(self_of(o))).to_python();
  } catch (...) {
    return raise_current();
  }
}
PyObject* absolute(PyObject* o) {
  try {
    return ops::abs(In(self_of(o))).to_python();
  } catch (...) {
    return raise_current();
  }
}

PyMemberDef members[] = {{"__dictoffset__", T_PYSSIZET, offsetof(Tensor, dict), READONLY, nullptr},
                         {"__weaklistoffset__", T_PYSSIZET, offsetof(Tensor, weakrefs), READONLY, nullptr},
                         {nullptr, 0, 0, 0, nullptr}};

PyObject* get_dict(PyObject* o, void*) {
  Tensor* x = self_of(o);
  if (!x->dict) {
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
  Py_INCREF(value);
  Py_XSETREF(x->dict, value);
  track(x);
  return 0;
}
PyGetSetDef dict_attribute[] = {{"__dict__", get_dict, set_dict, nullptr, nullptr}, {nullptr, nullptr, nullptr, nullptr, nullptr}};

int set_attribute(PyObject* o, PyObject* name, PyObject* value) {
  int result = PyObject_GenericSetAttr(o, name, value);
  if (self_of(o)->dict) track(self_of(o));  // an attribute can close a cycle
  return result;
}

}  // namespace

void add_tensor_type(PyObject* module) {
  std::vector<PyGetSetDef> getset(attributes, attributes + sizeof(attributes) / sizeof(*attributes) - 1);
  getset.push_back(dict_attribute[0]);
  getset.push_back(PyGetSetDef{nullptr, nullptr, nullptr, nullptr, nullptr});
  auto* kept_getset = new std::vector<PyGetSetDef>(getset);
  auto* methods = new std::vector<PyMethodDef>();
  for (PyMethodDef* m = own_methods; m->ml_name; ++m) methods->push_back(*m);
  for (PyMethodDef* const* table = method_tables; *table; ++table)
    for (PyMethodDef* m = *table; m->ml_name; ++m) methods->push_back(*m);
  methods->push_back({nullptr, nullptr, 0, nullptr});
  std::vector<PyType_Slot> slots = {{Py_tp_new, (void*)tensor_new}, {Py_tp_dealloc, (void*)tensor_dealloc}, {Py_tp_traverse, (void*)tensor_traverse},
                                    {Py_tp_clear, (void*)tensor_clear}, {Py_tp_getset, kept_getset->data()}, {Py_tp_methods, methods->data()},
                                    {Py_tp_members, members}, {Py_tp_richcompare, (void*)compare}, {Py_tp_hash, (void*)hash}, {Py_tp_setattro, (void*)set_attribute},
                                    {Py_mp_subscript, (void*)get_item}, {Py_mp_ass_subscript, (void*)set_item}, {Py_mp_length, (void*)length},
                                    {Py_sq_length, (void*)length}, {Py_sq_item, (void*)sequence_item}, {Py_nb_bool, (void*)truth}, {Py_nb_float, (void*)to_float},
                                    {Py_nb_int, (void*)to_int}, {Py_nb_index, (void*)to_index}, {Py_nb_negative, (void*)negative}, {Py_nb_absolute, (void*)absolute},
                                    {Py_bf_getbuffer, (void*)get_buffer}, {Py_bf_releasebuffer, (void*)release_buffer}};
  for (const PyType_Slot* s = number_slots; s->slot; ++s) slots.push_back(*s);
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"rushlight.Tensor", sizeof(Tensor), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  PyObject* type = PyType_FromSpec(&spec);
  if (!type || PyModule_AddObjectRef(module, "Tensor", type) < 0) throw PythonError();
  tensor_type = reinterpret_cast<PyTypeObject*>(type);
}

}  // namespace rl
