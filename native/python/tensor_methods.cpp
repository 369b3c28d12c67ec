// Methods of a tensor that are not rows of the table: questions, metadata, storage, hooks.
#include "autograd/forward.h"
#include "autograd/hooks.h"
#include "cpu/rows/memory_format.h"
#include "device/create.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "python/call.h"
#include "python/data.h"
#include "python/module.h"
#include "python/tensor_type.h"
#include "python/torch_function.h"

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
PyObject* py_is_view(PyObject* o, PyObject*) { return PyBool_FromLong(self_of(o)->base != nullptr); }

// The one argument that the method `op` may be given, by position or by name; nullptr where it is not.
PyObject* only_argument(const char* op, const char* name, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
                        bool keyword_only = false) {
  Py_ssize_t named = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
  bool known = !named || PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), name) == 0;
  RL_CHECK(nargs + named <= 1 && known && !(keyword_only && nargs), Type, "%s: takes at most one argument, %s%s", op,
           name, keyword_only ? ", by name" : "");
  return nargs + named ? args[0] : nullptr;
}

PyObject* py_size(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Tensor* x = self_of(o);
  if (!nargs && !kwnames) return size_object(x->sizes());
  try {
    PyObject* dim = only_argument("size", "dim", args, nargs, kwnames);
    if (dim == Py_None) return size_object(x->sizes());
    int64_t d;
    RL_CHECK(integer_from(dim, &d), Type, "size: dim must be an integer, got %s", Py_TYPE(dim)->tp_name);
    RL_CHECK(x->ndim > 0, Index, "size: a 0-d tensor has no dimension %lld", (long long)d);
    return PyLong_FromLongLong(x->sizes()[wrap_dim(d, x->ndim, "size")]);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_stride(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  Tensor* x = self_of(o);
  try {
    PyObject* dim = only_argument("stride", "dim", args, nargs, kwnames);
    if (!dim || dim == Py_None) return box(x->strides());
    int64_t d;
    RL_CHECK(integer_from(dim, &d), Type, "stride: dim must be an integer, got %s", Py_TYPE(dim)->tp_name);
    RL_CHECK(x->ndim > 0, Index, "stride: a 0-d tensor has no dimension %lld", (long long)d);
    return PyLong_FromLongLong(x->strides()[wrap_dim(d, x->ndim, "stride")]);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_is_contiguous(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  try {
    PyObject* format = only_argument("is_contiguous", "memory_format", args, nargs, kwnames, true);
    MemoryFormat f = MemoryFormat::Contiguous;
    RL_CHECK(!format || memory_format_from(format, &f), Type,
             "is_contiguous: memory_format must be a memory_format, got %s", Py_TYPE(format)->tp_name);
    return PyBool_FromLong(has_format(self_of(o), f));
  } catch (...) {
    return raise_current();
  }
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
  try {
    PyObject* on = only_argument("requires_grad_", "requires_grad", args, nargs, kwnames);
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
    RL_CHECK(!x->base, Runtime,
             "detach_: a view cannot be detached in place: its base would keep the history; use .detach()");
    Py_CLEAR(x->grad_fn);
    if (x->autograd) drop_tangent(x->autograd);
    x->flags &= static_cast<uint8_t>(~kRequiresGrad);
    x->output_nr = 0;
    return Py_NewRef(o);
  } catch (...) {
    return raise_current();
  }
}

PyObject* py_resize_(PyObject* o, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  static const ParameterSpec parameters[] = {{"size", Kind::IntsVar, false, false},
                                             {"memory_format", Kind::MemoryFormatOpt, true, true}};
  static SignatureSpec spec = {"resize_", "resize_(*size: int, memory_format: memory_format | None = None)", parameters,
                               2};
  try {
    Call c(nullptr, args, nargs, kwnames);
    if ((!nargs && !kwnames) || !c.bind(spec)) c.no_match({&spec});
    Tensor* x = self_of(o);
    RL_CHECK(!x->requires_grad(), Runtime,
             "resize_: a tensor that requires grad cannot be resized; use .detach() first");
    RL_CHECK(!is_dual(x), Runtime, "resize_: a tensor with a tangent cannot be resized; use .detach() first");
    Dims sizes = c.ints(0);
    for (int64_t s : sizes)
      RL_CHECK(s >= 0, Runtime, "resize_: a size may not be negative, got %s", to_string(sizes).c_str());
    MemoryFormat format = c.has(1) ? c.memory_format(1) : MemoryFormat::Contiguous;
    RL_CHECK(format != MemoryFormat::Preserve, Runtime, "resize_: preserve_format says no order for the new sizes");
    Dims strides = format_strides(sizes, format);
    resize(x, sizes);
    if (c.has(1)) set_layout(x, Layout{sizes, strides, x->offset});
    bump_version(x);
    return Py_NewRef(o);
  } catch (...) {
    return raise_current();
  }
}

// The storage that set_ is given, as a flat uint8 tensor: of an UntypedStorage, or of a TypedStorage of x's dtype.
PyRef bytes_of_storage(PyObject* source, const Tensor* x) {
  PyRef typed = PyRef::steal(PyObject_GetAttrString(source, "_untyped"));
  if (typed) {
    PyRef dtype = PyRef::steal(PyObject_GetAttrString(source, "dtype"));
    if (!dtype) throw PythonError();
    RL_CHECK(dtype.get() == dtype_object(x->dtype), Runtime, "set_: the storage's dtype is not the tensor's, %s",
             name_of(x->dtype));
    source = typed.get();
  }
  PyErr_Clear();
  PyRef bytes = PyRef::steal(PyObject_GetAttrString(source, "_bytes"));
  PyErr_Clear();
  RL_CHECK(bytes && is_tensor(bytes.get()), Type, "set_: expected a tensor or a storage, got %s",
           Py_TYPE(source)->tp_name);
  return bytes;
}

Layout layout_from(PyObject* size, PyObject* stride, int64_t offset) {
  static const ParameterSpec parameters[] = {{"size", Kind::Ints, false, false}, {"stride", Kind::Ints, true, false}};
  static SignatureSpec spec = {"set_", "set_(source, storage_offset, size: Ints, stride: Ints)", parameters, 2};
  PyObject* pair[] = {size, stride};
  Call c(nullptr, pair, stride ? 2 : 1, nullptr);
  if (!c.bind(spec)) c.no_match({&spec});
  Layout layout;
  layout.sizes = c.ints(0);
  layout.strides = stride ? c.ints(1) : contiguous_strides(layout.sizes);
  layout.offset = offset;
  return layout::as_strided(layout, layout.sizes, layout.strides, offset);
}

// set_(); set_(source); set_(source, storage_offset, size, stride): a tensor or a storage, which may grow.
PyObject* py_set_(PyObject* o, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"source", "storage_offset", "size", "stride", nullptr};
  PyObject *source = nullptr, *size = nullptr, *stride = nullptr;
  Py_ssize_t offset = -1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OnOO:set_", const_cast<char**>(names), &source, &offset, &size,
                                   &stride))
    return nullptr;
  try {
    Tensor* x = self_of(o);
    RL_CHECK(!x->requires_grad() || !grad_enabled(), Runtime,
             "set_: a tensor that requires grad cannot be given other memory; use .data or no_grad()");
    if (any_dual(x) || (source && is_tensor(source) && any_dual(self_of(source)))) no_forward_formula("set_");
    if (!source) {
      Ref none = empty(Dims{0}, x->dtype, x->device);
      set_data(x, none.get());
      bump_version(x);
      return Py_NewRef(o);
    }
    RL_CHECK(size || PyTuple_GET_SIZE(args) < 2, Type, "set_: storage_offset wants a size too");
    PyRef held;
    if (!is_tensor(source)) held = bytes_of_storage(source, x);
    Tensor* from = self_of(held ? held.get() : source);
    RL_CHECK(held || from->dtype == x->dtype, Runtime, "set_: the source has dtype %s, the tensor %s",
             name_of(from->dtype), name_of(x->dtype));
    Layout layout = from->layout();
    if (size) {
      RL_CHECK(offset >= 0, Runtime, "set_: storage_offset must not be negative, got %zd", offset);
      layout = layout_from(size, stride, offset);
      const auto needed = bytes_reached(layout.sizes, layout.strides, offset, size_of(x->dtype));
      if (held && needed && *needed > from->storage->nbytes && *needed < (size_t(1) << 40))
        resize_storage(from->storage, *needed, "set_");
    } else if (held) {
      layout.sizes = Dims{static_cast<int64_t>(from->storage->nbytes / size_of(x->dtype))};
      layout.strides = Dims{1};
    }
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
PyObject* py_storage_resize(PyObject* o, PyObject* size) {
  try {
    int64_t nbytes;
    RL_CHECK(integer_from(size, &nbytes) && nbytes >= 0, Type, "resize_: expected a number of bytes");
    Tensor* x = self_of(o);
    Storage* s = root(x->storage);
    RL_CHECK(static_cast<size_t>(nbytes) >= s->nbytes || (s->refs == 1 && !s->next), Runtime,
             "resize_: a storage of %zu bytes that tensors still look at cannot shrink to %lld", s->nbytes,
             (long long)nbytes);
    resize_storage(s, static_cast<size_t>(nbytes), "resize_");
    set_layout(x, Layout{Dims{nbytes}, Dims{1}, 0});
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}
PyObject* py_resizable(PyObject* o, PyObject*) { return PyBool_FromLong(root(self_of(o)->storage)->resizable); }
PyObject* py_storage_key(PyObject* o, PyObject*) { return PyLong_FromVoidPtr(root(self_of(o)->storage)); }

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
    Ref like = empty_like(x, x->dtype);
    return empty_strided(like->sizes(), like->strides(), x->dtype, id).to_python();
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

PyObject* py_retain_grad(PyObject* o, PyObject*) {
  try {
    retain_gradient(self_of(o));
    Py_RETURN_NONE;
  } catch (...) {
    return raise_current();
  }
}

}  // namespace

// A view of the same memory, with its history, as an instance of another class.
PyObject* as_subclass_method(PyObject* o, PyObject* cls) {
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
    std::swap(x->base, plain->base);
    x->origin = plain->origin;
    x->seen_version = plain->seen_version;
    x->output_nr = plain->output_nr;
    track(x.get());
    return x.to_python();
  } catch (...) {
    return raise_current();
  }
}

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
    {"as_subclass", as_subclass_method, METH_O,
     "as_subclass(cls): the same memory and history as an instance of a subclass of Tensor."},
    {"retain_grad", py_retain_grad, METH_NOARGS, "Keeps the gradient of a non-leaf in .grad."},
    {"_storage_bytes", py_storage_bytes, METH_NOARGS, nullptr},
    {"_storage_resize", py_storage_resize, METH_O, nullptr},
    {"_resizable", py_resizable, METH_NOARGS, nullptr},
    {"_storage_key", py_storage_key, METH_NOARGS, nullptr},
    {"_convert", py_convert, METH_O, nullptr},
    {"_on_device", py_on_device, METH_O, nullptr},
    {"_hooks", py_hooks, METH_O, nullptr},
    {"__init_subclass__", (PyCFunction)(void (*)(void))init_subclass, METH_VARARGS | METH_KEYWORDS | METH_CLASS,
     nullptr},
    {"_make_subclass", (PyCFunction)(void (*)(void))make_subclass, METH_VARARGS | METH_KEYWORDS | METH_STATIC,
     "_make_subclass(cls, data, require_grad=False): data as an instance of cls."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace rl
