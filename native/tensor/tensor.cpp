#include "tensor/tensor.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "base/modes.h"
#include "tensor/autograd.h"

namespace rl {

PyTypeObject* tensor_type = nullptr;
PyTypeObject* parameter_type = nullptr;
PyObject* no_attributes = nullptr;

namespace {
// Freed tensors of the exact type, each still holding its reference to the type.
constexpr int kMaxFree = 512;
Tensor* free_list[kMaxFree];
int free_count = 0;

// A tensor on the free list has its dimensions inline, and no history, dict or weak references.
Tensor* allocate() {
  if (free_count) [[likely]] {
    Tensor* x = free_list[--free_count];
    Py_SET_REFCNT(reinterpret_cast<PyObject*>(x), 1);
    x->output_nr = 0;
    return x;
  }
  Tensor* x = PyObject_GC_New(Tensor, tensor_type);
  if (!x) throw std::bad_alloc();
  init_empty(x);
  return x;
}

void reserve_dims(Tensor* x, int ndim) {
  if (ndim > kMaxDims) too_many_dims(ndim);
  if (x->dims != x->inline_dims) std::free(x->dims);
  x->dims = x->inline_dims;
  x->ndim = static_cast<uint8_t>(ndim);
  if (ndim > kInlineDims) {
    x->dims = static_cast<int64_t*>(std::malloc(2 * sizeof(int64_t) * ndim));
    if (!x->dims) throw std::bad_alloc();
  }
}

void set_contiguous_flag(Tensor* x) {
  x->flags =
      static_cast<uint8_t>(is_contiguous(x->sizes(), x->strides()) ? x->flags | kContiguous : x->flags & ~kContiguous);
}
}  // namespace

void init_empty(Tensor* x) {
  x->storage = nullptr;
  x->offset = x->numel = 0;
  x->dtype = DType::Float32;
  x->device = {DeviceType::Cpu, -1};
  x->ndim = 0;
  x->flags = 0;
  x->output_nr = 0;
  x->dims = x->inline_dims;
  x->grad_fn = nullptr;
  x->base = nullptr;
  x->autograd = nullptr;
  x->dict = no_attributes;
  x->weakrefs = nullptr;
}

// Memory made in inference mode never takes part in a gradient; views take the mark over from what they look at.
static inline uint8_t born() { return modes & kInferenceMode ? kInference : 0; }

static inline Tensor* fresh(Storage* storage, DType dtype, int64_t offset) {
  Tensor* x = allocate();
  x->storage = storage;
  x->device = storage->device;
  x->dtype = dtype;
  x->offset = offset;
  return x;
}

Ref new_contiguous(Storage* storage, DType dtype, DimSpan sizes) {
  Tensor* x = fresh(storage, dtype, 0);
  if (sizes.n > kInlineDims) reserve_dims(x, sizes.n);
  x->ndim = static_cast<uint8_t>(sizes.n);
  int64_t* strides = x->mutable_strides();
  int64_t step = 1, numel = 1;
  for (int i = sizes.n - 1; i >= 0; --i) {
    x->dims[i] = sizes[i];
    strides[i] = step;
    numel *= sizes[i];
    step *= sizes[i] > 1 ? sizes[i] : 1;
  }
  x->numel = numel;
  x->flags = static_cast<uint8_t>(kContiguous | born());
  return Ref::steal(x);
}

Ref new_alike(Storage* storage, DType dtype, const Tensor* like) {
  if (like->ndim > kInlineDims) return new_contiguous(storage, dtype, like->sizes());
  Tensor* x = fresh(storage, dtype, 0);
  x->ndim = like->ndim;
  std::memcpy(x->inline_dims, like->inline_dims, sizeof(x->inline_dims));
  x->numel = like->numel;
  x->flags = static_cast<uint8_t>(kContiguous | born());
  return Ref::steal(x);
}

static inline Tensor* laid_out(Storage* storage, DType dtype, DimSpan sizes, DimSpan strides, int64_t offset,
                               uint8_t flags) {
  Tensor* x = fresh(storage, dtype, offset);
  if (sizes.n > kInlineDims) reserve_dims(x, sizes.n);
  x->ndim = static_cast<uint8_t>(sizes.n);
  int64_t* own = x->mutable_strides();
  int64_t numel = 1;
  bool contiguous = true;
  for (int i = sizes.n - 1; i >= 0; --i) {
    x->dims[i] = sizes[i];
    own[i] = strides[i];
    contiguous &= sizes[i] == 1 || strides[i] == numel;
    numel *= sizes[i];
  }
  x->numel = numel;
  x->flags = static_cast<uint8_t>(flags | (contiguous || !numel ? kContiguous : 0));
  return x;
}

Ref new_tensor(Storage* storage, DType dtype, DimSpan sizes, DimSpan strides, int64_t offset) {
  return Ref::steal(laid_out(storage, dtype, sizes, strides, offset, born()));
}

Ref alias(const Tensor* x, const Layout& layout, DType dtype) {
  retain(x->storage);
  uint8_t flags = x->flags & kInference;
  return Ref::steal(laid_out(x->storage, dtype, layout.sizes, layout.strides, layout.offset, flags));
}
Ref alias(const Tensor* x, const Layout& layout) { return alias(x, layout, x->dtype); }

Ref alias(const Tensor* x) {
  retain(x->storage);
  uint8_t flags = x->flags & (kContiguous | kInference);
  if (x->ndim > kInlineDims)
    return Ref::steal(laid_out(x->storage, x->dtype, x->sizes(), x->strides(), x->offset, flags));
  Tensor* y = fresh(x->storage, x->dtype, x->offset);
  y->numel = x->numel;
  y->ndim = x->ndim;
  std::memcpy(y->inline_dims, x->inline_dims, sizeof(y->inline_dims));
  y->flags = flags;
  return Ref::steal(y);
}

void set_layout(Tensor* x, const Layout& layout) {
  reserve_dims(x, layout.ndim());
  x->numel = 1;
  for (int i = 0; i < x->ndim; ++i) {
    x->mutable_sizes()[i] = layout.sizes[i];
    x->mutable_strides()[i] = layout.strides[i];
    x->numel *= layout.sizes[i];
  }
  x->offset = layout.offset;
  set_contiguous_flag(x);
}

void set_memory_of(Tensor* x, Storage* storage) {
  Storage* own = with_own_version(storage);
  own->version = x->storage->version;
  drop(x->storage);
  x->storage = own;
  x->device = own->device;
}

void set_data(Tensor* x, const Tensor* from) {
  set_memory_of(x, from->storage);
  x->dtype = from->dtype;
  set_layout(x, from->layout());
}

void track(Tensor* x) {
  if (x->flags & kTracked) return;
  x->flags |= kTracked;
  PyObject_GC_Track(x);
}

int tensor_traverse(PyObject* self, visitproc visit, void* arg) {
  Tensor* x = reinterpret_cast<Tensor*>(self);
  Py_VISIT(x->grad_fn);
  if (x->dict != no_attributes) Py_VISIT(x->dict);
  Py_VISIT(reinterpret_cast<PyObject*>(x->base));
  if (Autograd* a = x->autograd) {
    Py_VISIT(reinterpret_cast<PyObject*>(a->grad));
    Py_VISIT(a->hooks);
    Py_VISIT(a->accumulator);
    Py_VISIT(a->post_accumulate_hooks);
    if (a->tangent) Py_VISIT(reinterpret_cast<PyObject*>(a->tangent->value));
  }
  Py_VISIT(Py_TYPE(self));
  return 0;
}

int tensor_clear(PyObject* self) {
  Tensor* x = reinterpret_cast<Tensor*>(self);
  PyObject* node = reinterpret_cast<PyObject*>(x->grad_fn);
  x->grad_fn = nullptr;
  Py_XDECREF(node);
  if (x->dict != no_attributes) {
    PyObject* dict = x->dict;
    x->dict = no_attributes;
    Py_XDECREF(dict);
  }
  if (x->base) forget_base(x);
  if (Autograd* a = x->autograd) {
    x->autograd = nullptr;
    free_autograd(a);
  }
  return 0;
}

static void release(Tensor* x) {
  PyObject* self = reinterpret_cast<PyObject*>(x);
  if (x->storage) drop(x->storage);
  if (x->dims != x->inline_dims) {
    std::free(x->dims);
    x->dims = x->inline_dims;
  }
  PyTypeObject* type = Py_TYPE(self);
  if (type == tensor_type && free_count < kMaxFree) {
    free_list[free_count++] = x;
    return;
  }
  type->tp_free(self);
  Py_DECREF(type);
}

void tensor_dealloc(PyObject* self) {
  Tensor* x = reinterpret_cast<Tensor*>(self);
  if (x->flags & kTracked) PyObject_GC_UnTrack(self);
  if (x->weakrefs) PyObject_ClearWeakRefs(self);
  if (x->dict == no_attributes && !(x->autograd && x->autograd->grad)) {
    if (x->grad_fn || x->base || x->autograd) tensor_clear(self);
    return release(x);
  }
  Py_TRASHCAN_BEGIN(self, tensor_dealloc)  // gradients of gradients, and tensors in dicts, may go deep
      tensor_clear(self);
  release(x);
  Py_TRASHCAN_END
}

Extent extent(const Tensor* x) {
  const char* first = x->data();
  if (!x->numel) return {first, first};
  int64_t last = 0;
  DimSpan sizes = x->sizes(), strides = x->strides();
  for (int i = 0; i < x->ndim; ++i) last += (sizes[i] - 1) * strides[i];
  return {first, first + (last + 1) * static_cast<int64_t>(size_of(x->dtype))};
}

bool may_share_memory(const Tensor* a, const Tensor* b) {
  Extent x = extent(a), y = extent(b);
  return x.first < y.last && y.first < x.last;
}

std::optional<size_t> bytes_reached(DimSpan sizes, DimSpan strides, int64_t offset, size_t itemsize) {
  int64_t last = offset, bytes;
  bool wraps = false;
  for (int i = 0; i < sizes.n; ++i) {
    if (sizes[i] == 0) return 0;
    int64_t reach;
    wraps |= __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) || __builtin_add_overflow(last, reach, &last);
  }
  wraps |=
      __builtin_add_overflow(last, 1, &last) || __builtin_mul_overflow(last, static_cast<int64_t>(itemsize), &bytes);
  if (wraps || bytes < 0) return std::nullopt;
  return static_cast<size_t>(bytes);
}

void check_bounds(const Layout& layout, size_t itemsize, size_t nbytes, const char* op) {
  const std::optional<size_t> reached = bytes_reached(layout.sizes, layout.strides, layout.offset, itemsize);
  RL_CHECK(
      reached && *reached <= nbytes, Runtime,
      "%s: sizes %s with strides %s and offset %lld reach outside the storage of %zu bytes (elements of %zu bytes)", op,
      to_string(layout.sizes).c_str(), to_string(layout.strides).c_str(), (long long)layout.offset, nbytes, itemsize);
}

}  // namespace rl
