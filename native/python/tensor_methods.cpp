// Methods of a tensor that are not rows of the table: questions, metadata, storage, hooks.
#include "autograd/history.h"
#include "autograd/hooks.h"
#include "device/create.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "python/call.h"
#include "python/data.h"
#include "python/module.h"
#include "python/tensor_type.h"

namespace rl {
namespace {

Tensor* self_of(PyObject* o) { return reinterpret_cast<Tensor*>(o); }

PyObject* py_dim(PyObject* o, PyObject*) { return PyLong_FromLong(self_of(o)->ndim); }
PyObject* py_numel(PyObject* o, PyObject*) { return PyLong_FromLongLong(self_of(o)->numel); }
PyObject* py_element_size(PyObject* o, PyObject*) { return PyLong_FromSize_t(size_of(self_of(o)->dtype)); }
PyObject* py_storage_offset(PyObject* o, PyObject*) { return PyLong_FromLongLong(self_of(o)->offset); }
PyObject* py_data_ptr(PyObject* o, PyObject*) {
  Tensor* x = self_of(o);
  return PyLong_FromVoidPtr(x->storage->data && x->numel ? x->data() : nullptr);
}
PyObject* py_is_floating_point(PyObject* o, PyObject*) { return PyBool_FromLong(is_floating(self_of(o)->dtype)); }
PyObject* py_is_complex(PyObject* o, PyObject*) { return PyBool_FromLong(is_complex(self_of(o)->dtype)); }
PyObject* py_is_view(PyObject* o, PyObject*) {
  return PyBool_FromLong(self_of(o)->autograd && self_of(o)->autograd->base);
}

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
    PyErr_Format(PyExc_TypeError, "is_contiguous: memory_format must be a memory_format, got %s",
                 Py_TYPE(format)->tp_name);
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
    Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    bool known = !named || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "requires_grad") == 0;
    RL_CHECK(nargs + named <= 1 && known, Type, "requires_grad_: takes one argument, requires_grad");
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
    RL_CHECK(!(x->autograd && x->autograd->base), Runtime,
             "detach_: a view cannot be detached in place: its base would keep the history; use .detach()");
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
    RL_CHECK(!x->requires_grad(), Runtime,
             "resize_: a tensor that requires grad cannot be resized; use .detach() first");
    Dims sizes = c.ints(0);
    for (int64_t s : sizes)
      RL_CHECK(s >= 0, Runtime, "resize_: a size may not be negative, got %s", to_string(sizes).c_str());
    resize(x, sizes);
    bump_version(x);
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
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OnOO:set_", const_cast<char**>(names), &source, &offset, &size,
                                   &stride))
    return nullptr;
  try {
    Tensor* x = self_of(o);
    RL_CHECK(!x->requires_grad() || !grad_enabled(), Runtime,
             "set_: a tensor that requires grad cannot be given other memory; use .data or no_grad()");
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
      bump_version(x);
      return Py_NewRef(o);
    }
    Tensor* from = self_of(source);
    RL_CHECK(held || from->dtype == x->dtype, Runtime, "set_: the source has dtype %s, the tensor %s",
             name_of(from->dtype), name_of(x->dtype));
    Layout layout = from->layout();
    if (size) {
      static const ParameterSpec parameters[] = {{"size", Kind::Ints, false, false},
                                                 {"stride", Kind::Ints, true, false}};
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
    set_memory_of(x, from->storage);
    bump_version(x);
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
    RL_CHECK(size_of(d) == size_of(x->dtype), Runtime,
             "view: dtype %s has %zu bytes an element, %s has %zu; only equal sizes are supported yet", name_of(d),
             size_of(d), name_of(x->dtype), size_of(x->dtype));
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
    RL_CHECK(id.type == DeviceType::Meta, NotImplemented,
             "to: a meta tensor has no values to copy to '%s'; create the tensor there, or use to_empty()",
             name_of(id));
    return empty_strided(x->sizes(), x->strides(), x->dtype, id).to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_hooks(PyObject* o, PyObject* which) {
  // The dict of a tensor's hooks: its own for a leaf, its node's otherwise. which: 0 tensor hooks, 1 post-accumulate
  // hooks.
  try {
    Tensor* x = self_of(o);
    RL_CHECK(x->requires_grad(), Runtime,
             "register_hook: the tensor does not require grad, so no gradient will reach it");
    Node* node = grad_fn_of(x);
    PyObject** slot;
    if (PyLong_AsLong(which) == 1) {
      RL_CHECK(
          !node, Runtime,
          "register_post_accumulate_grad_hook: only leaf tensors accumulate gradients, and this one was made by %s",
          node->kind->name);
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

// A view of the same memory, with its history, as an instance of another class.
PyObject* py_as_subclass(PyObject* o, PyObject* cls) {
  try {
    RL_CHECK(PyType_Check(cls) && PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(cls), tensor_type), Type,
             "as_subclass: expected a subclass of Tensor, got %s",
             PyType_Check(cls) ? reinterpret_cast<PyTypeObject*>(cls)->tp_name : Py_TYPE(cls)->tp_name);
    Ref plain = ops::alias(In(self_of(o)));
    if (cls == reinterpret_cast<PyObject*>(tensor_type)) return plain.to_python();
    Ref x = of_class(reinterpret_cast<PyTypeObject*>(cls), plain.get());
    x->flags = static_cast<uint8_t>(x->flags | (plain->flags & kInference));
    std::swap(x->grad_fn, plain->grad_fn);
    std::swap(x->autograd, plain->autograd);
    x->output_nr = plain->output_nr;
    track(x.get());
    return x.to_python();
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_retain_grad(PyObject* o, PyObject*) {
  try {
    retain_gradient(self_of(o));
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

}  // namespace

PyMethodDef tensor_methods[] = {
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
    {"size", (PyCFunction)(void (*)(void))py_size, METH_FASTCALL | METH_KEYWORDS,
     "size(dim=None): the sizes, or one of them."},
    {"stride", (PyCFunction)(void (*)(void))py_stride, METH_FASTCALL | METH_KEYWORDS,
     "stride(dim=None): the strides in elements, or one of them."},
    {"is_contiguous", (PyCFunction)(void (*)(void))py_is_contiguous, METH_FASTCALL | METH_KEYWORDS,
     "Whether the memory is row-major, or of the given format."},
    {"item", py_item, METH_NOARGS, "The value of a one-element tensor as a Python number."},
    {"tolist", py_tolist, METH_NOARGS, "The values as nested lists."},
    {"requires_grad_", (PyCFunction)(void (*)(void))py_requires_grad_, METH_FASTCALL | METH_KEYWORDS,
     "requires_grad_(requires_grad=True): sets it, returns the tensor."},
    {"detach_", py_detach_, METH_NOARGS, "Drops the history."},
    {"resize_", (PyCFunction)(void (*)(void))py_resize_, METH_FASTCALL | METH_KEYWORDS,
     "resize_(*size): another shape over the same storage, grown where it is too small."},
    {"set_", (PyCFunction)(void (*)(void))py_set_, METH_VARARGS | METH_KEYWORDS,
     "set_(source, storage_offset, size, stride): other memory."},
    {"backward", (PyCFunction)(void (*)(void))tensor_backward, METH_FASTCALL | METH_KEYWORDS,
     "backward(gradient=None, retain_graph=None, create_graph=False, inputs=None)\n\nAdds the gradient of this tensor "
     "to the .grad of each leaf it came from."},
    {"as_subclass", py_as_subclass, METH_O,
     "as_subclass(cls): the same memory and history as an instance of a subclass of Tensor."},
    {"retain_grad", py_retain_grad, METH_NOARGS, "Keeps the gradient of a non-leaf in .grad."},
    {"_storage_bytes", py_storage_bytes, METH_NOARGS, nullptr},
    {"_storage_key", py_storage_key, METH_NOARGS, nullptr},
    {"_view_dtype", py_view_dtype, METH_O, nullptr},
    {"_convert", py_convert, METH_O, nullptr},
    {"_on_device", py_on_device, METH_O, nullptr},
    {"_hooks", py_hooks, METH_O, nullptr},
    {"_make_subclass", (PyCFunction)(void (*)(void))make_subclass, METH_VARARGS | METH_KEYWORDS | METH_STATIC,
     "_make_subclass(cls, data, require_grad=False): data as an instance of cls."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace rl
