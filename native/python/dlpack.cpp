// DLPack both ways: capsules over a tensor's memory, and tensors over the memory of a capsule. The structures are the
// ABI of DLPack 1.0 (https://dmlc.github.io/dlpack): a plain form, and a later one with a version and flags.
#include <cstring>

#include "python/buffer.h"
#include "python/call.h"

namespace rl {
namespace {

struct DLDevice {
  int32_t type, index;
};
struct DLType {
  uint8_t code, bits;
  uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  int32_t ndim;
  DLType dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
};
struct Plain {
  DLTensor tensor;
  void* context;
  void (*deleter)(Plain*);
};
struct Versioned {
  uint32_t major, minor;
  void* context;
  void (*deleter)(Versioned*);
  uint64_t flags;
  DLTensor tensor;
};

constexpr int32_t kCpu = 1;
constexpr uint64_t kCopied = 2;
constexpr uint8_t kIntCode = 0, kUIntCode = 1, kFloatCode = 2, kBFloatCode = 4, kComplexCode = 5, kBoolCode = 6;

template <class Managed>
struct Names;
template <>
struct Names<Plain> {
  static constexpr const char *fresh = "dltensor", *used = "used_dltensor";
};
template <>
struct Names<Versioned> {
  static constexpr const char *fresh = "dltensor_versioned", *used = "used_dltensor_versioned";
};

#define RL_CHECK_BUFFER(condition, ...)           \
  if (!(condition)) {                             \
    PyErr_Format(PyExc_BufferError, __VA_ARGS__); \
    throw PythonError();                          \
  }

uint8_t code_of(DType d) {
  if (d == DType::Bool) return kBoolCode;
  if (d == DType::BFloat16) return kBFloatCode;
  if (is_complex(d)) return kComplexCode;
  if (is_floating(d)) return kFloatCode;
  return d == DType::UInt8 ? kUIntCode : kIntCode;
}

DType dtype_of_type(DLType t) {
  for (int i = 0; i < kDTypes && t.lanes == 1; ++i) {
    DType d = static_cast<DType>(i);
    if (code_of(d) == t.code && 8 * size_of(d) == t.bits) return d;
  }
  PyErr_Format(PyExc_BufferError, "from_dlpack: elements of type code %d with %d bits and %d lanes have no dtype here",
               t.code, t.bits, t.lanes);
  throw PythonError();
}

// ------------------------------------------------------------------ out

// What a capsule stands for: the memory, kept where it is, and the numbers that describe it.
template <class Managed>
struct Exported {
  Managed managed;
  Storage* storage;
  Dims shape, strides;

  static void release(Managed* m) {
    if (!Py_IsInitialized()) return;
    PyGILState_STATE state = PyGILState_Ensure();  // a consumer may let go in any thread
    auto* self = static_cast<Exported*>(m->context);
    drop(self->storage);
    delete self;
    PyGILState_Release(state);
  }

  // Nobody took the tensor out of the capsule.
  static void release_capsule(PyObject* capsule) {
    if (!PyCapsule_IsValid(capsule, Names<Managed>::fresh)) return;
    auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Names<Managed>::fresh));
    if (m->deleter) m->deleter(m);
  }
};

template <class Managed>
PyObject* export_tensor(Tensor* x, Exported<Managed>* e) {
  e->storage = x->storage;
  retain(x->storage);
  pin(x->storage);
  e->shape = Dims(x->sizes());
  e->strides = Dims(x->strides());
  e->managed.context = e;
  e->managed.deleter = Exported<Managed>::release;
  DLType type{code_of(x->dtype), static_cast<uint8_t>(8 * size_of(x->dtype)), 1};
  e->managed.tensor = {x->data(), {kCpu, 0}, x->ndim, type, e->shape.data(), e->strides.data(), 0};
  PyObject* capsule = PyCapsule_New(&e->managed, Names<Managed>::fresh, Exported<Managed>::release_capsule);
  if (!capsule) e->release(&e->managed);
  return capsule;
}

PyObject* py_to_dlpack(PyObject*, PyObject* args) {
  PyObject* o;
  int versioned = 0, copied = 0;
  if (!PyArg_ParseTuple(args, "O|pp:to_dlpack", &o, &versioned, &copied)) return nullptr;
  try {
    RL_CHECK(is_tensor(o), Type, "to_dlpack: expected a tensor, got %s", Py_TYPE(o)->tp_name);
    Tensor* x = reinterpret_cast<Tensor*>(o);
    RL_CHECK_BUFFER(x->device.type == DeviceType::Cpu, "to_dlpack: a tensor on device %s has no memory to share",
                    name_of(x->device));
    if (!versioned) return export_tensor(x, new Exported<Plain>());
    auto* e = new Exported<Versioned>();
    e->managed.major = 1;
    e->managed.flags = copied ? kCopied : 0;
    return export_tensor(x, e);
  } catch (...) {
    return raise_current();
  }
}

// ------------------------------------------------------------------ in

template <class Managed>
void release_imported(Storage* s) {
  auto* m = static_cast<Managed*>(s->context);
  if (m->deleter) m->deleter(m);
}

template <class Managed>
Ref import_tensor(PyObject* capsule) {
  auto* m = static_cast<Managed*>(PyCapsule_GetPointer(capsule, Names<Managed>::fresh));
  const DLTensor& t = m->tensor;
  RL_CHECK_BUFFER(t.device.type == kCpu,
                  "from_dlpack: the memory is on a device of type %d; only the CPU's (%d) can "
                  "be shared",
                  t.device.type, kCpu);
  RL_CHECK(t.ndim >= 0 && t.ndim <= kMaxDims, Value, "from_dlpack: %d dimensions, at most %d are supported", t.ndim,
           kMaxDims);
  DType dtype = dtype_of_type(t.dtype);
  Dims sizes(DimSpan(t.shape, t.ndim));
  Dims strides = t.strides ? Dims(DimSpan(t.strides, t.ndim)) : contiguous_strides(sizes);
  int64_t last = 0;
  for (int i = 0; i < t.ndim; ++i) {
    if (sizes[i] <= 1) strides[i] = strides[i] < 0 ? 1 : strides[i];
    RL_CHECK(strides[i] >= 0, Value, "from_dlpack: negative strides are not supported; copy the array first");
    last += sizes[i] > 0 ? (sizes[i] - 1) * strides[i] : 0;
  }
  size_t nbytes = product(sizes) ? static_cast<size_t>(last + 1) * size_of(dtype) : 0;
  if (PyCapsule_SetName(capsule, Names<Managed>::used) < 0) throw PythonError();
  Storage* storage =
      new_storage(static_cast<char*>(t.data) + t.byte_offset, nbytes, DeviceId{}, release_imported<Managed>, m);
  storage->resizable = false;
  return new_tensor(storage, dtype, sizes, strides, 0);
}

PyObject* py_from_dlpack(PyObject*, PyObject* capsule) {
  try {
    if (PyCapsule_IsValid(capsule, Names<Plain>::fresh)) return import_tensor<Plain>(capsule).to_python();
    RL_CHECK(PyCapsule_IsValid(capsule, Names<Versioned>::fresh), Runtime,
             "from_dlpack: expected an object with __dlpack__, or a DLPack capsule that no one has taken yet, got %s",
             Py_TYPE(capsule)->tp_name);
    auto* m = static_cast<Versioned*>(PyCapsule_GetPointer(capsule, Names<Versioned>::fresh));
    RL_CHECK_BUFFER(m->major == 1, "from_dlpack: the capsule is of DLPack %u.%u; only version 1 is known", m->major,
                    m->minor);
    return import_tensor<Versioned>(capsule).to_python();
  } catch (...) {
    return raise_current();
  }
}

PyMethodDef dlpack_functions[] = {
    {"_to_dlpack", py_to_dlpack, METH_VARARGS,
     "_to_dlpack(tensor, versioned=False, copied=False): a capsule that shares the tensor's memory."},
    {"_from_dlpack", py_from_dlpack, METH_O, "A tensor that shares the memory of a DLPack capsule."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace

void add_dlpack(PyObject* module) {
  if (PyModule_AddFunctions(module, dlpack_functions) < 0) throw PythonError();
}

}  // namespace rl
