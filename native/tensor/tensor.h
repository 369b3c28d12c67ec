// The tensor: one allocation, one Python object. A view is sizes, strides and an offset over a shared Storage.
#pragma once
#include <Python.h>

#include <optional>

#include "base/dtype.h"
#include "base/error.h"
#include "base/scalar.h"
#include "tensor/layout.h"
#include "tensor/storage.h"

namespace rl {

struct Autograd;
struct Node;

constexpr int kInlineDims = 5;

// How a view was made; decides which in-place writes to it are refused.
enum class ViewOrigin : uint8_t { Plain, NoGrad, MultiView, CustomFunction };

enum TensorFlag : uint8_t {
  kContiguous = 1,    // row-major contiguous, kept with the layout
  kRequiresGrad = 2,  // a leaf that wants a gradient
  kInference = 4,
  kTracked = 8,  // the collector looks at it
};

struct Tensor {
  PyObject_HEAD Storage* storage;
  int64_t offset;  // in elements
  int64_t numel;
  DType dtype;
  DeviceId device;
  uint8_t ndim;
  uint8_t flags;
  ViewOrigin origin;      // of a view
  uint32_t output_nr;     // which output of grad_fn this is
  uint32_t seen_version;  // of a view: the storage's version when grad_fn was last right
  int64_t* dims;          // sizes, then strides: inline up to kInlineDims dimensions
  int64_t inline_dims[2 * kInlineDims];
  Node* grad_fn;
  Tensor* base;        // of a view: the tensor that owns the history, itself no view
  Autograd* autograd;  // gradient, hooks, tangent; nullptr for most tensors
  PyObject* dict;      // no_attributes while there are none
  PyObject* weakrefs;

  DimSpan sizes() const { return {dims, ndim}; }
  DimSpan strides() const { return {dims + (ndim <= kInlineDims ? kInlineDims : ndim), ndim}; }
  int64_t* mutable_sizes() { return dims; }
  int64_t* mutable_strides() { return dims + (ndim <= kInlineDims ? kInlineDims : ndim); }
  char* data() const { return storage->data + offset * static_cast<int64_t>(size_of(dtype)); }
  template <class T>
  T* data_as() const {
    return reinterpret_cast<T*>(data());
  }
  bool contiguous() const { return flags & kContiguous; }
  bool requires_grad() const {
    return grad_fn || (flags & kRequiresGrad) || (base && (base->grad_fn || (base->flags & kRequiresGrad)));
  }
  LayoutSpan layout() const { return {sizes(), strides(), offset}; }
  int64_t size(int dim) const { return dims[dim]; }
};

// Set once by native/python: the heap type whose exact instances take the fast path and the free list.
extern PyTypeObject* tensor_type;
extern PyTypeObject* parameter_type;
// The dict that every tensor without attributes points to on Python 3.11, whose method calls are specialised only where
// there is a dict (7 ns a call); nullptr on later ones. Nobody writes to it.
extern PyObject* no_attributes;

inline bool is_exact_tensor(PyObject* o) { return Py_TYPE(o) == tensor_type || Py_TYPE(o) == parameter_type; }
inline bool is_tensor(PyObject* o) { return is_exact_tensor(o) || PyType_IsSubtype(Py_TYPE(o), tensor_type); }

// An owning reference to a Python object of type T.
template <class T>
class Handle {
 public:
  Handle() = default;
  Handle(std::nullptr_t) {}
  static Handle steal(T* p) {
    Handle h;
    h.p_ = p;
    return h;
  }
  static Handle retain(T* p) {
    Py_XINCREF(reinterpret_cast<PyObject*>(p));
    return steal(p);
  }
  Handle(const Handle& o) : p_(o.p_) { Py_XINCREF(reinterpret_cast<PyObject*>(p_)); }
  Handle(Handle&& o) noexcept : p_(o.p_) { o.p_ = nullptr; }
  Handle& operator=(Handle o) noexcept {
    std::swap(p_, o.p_);
    return *this;
  }
  ~Handle() { Py_XDECREF(reinterpret_cast<PyObject*>(p_)); }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_; }
  T* release() {
    T* p = p_;
    p_ = nullptr;
    return p;
  }
  PyObject* to_python() { return reinterpret_cast<PyObject*>(release()); }

 private:
  T* p_ = nullptr;
};
using Ref = Handle<Tensor>;
using PyRef = Handle<PyObject>;

// A tensor over `storage` (whose reference it takes).
Ref new_tensor(Storage* storage, DType dtype, DimSpan sizes, DimSpan strides, int64_t offset);
Ref new_contiguous(Storage* storage, DType dtype, DimSpan sizes);
// The same with the sizes of `like`, which is contiguous.
Ref new_alike(Storage* storage, DType dtype, const Tensor* like);
// The same storage seen through another layout; no autograd history.
Ref alias(const Tensor* x, const Layout& layout);
Ref alias(const Tensor* x, const Layout& layout, DType dtype);
Ref alias(const Tensor* x);

void set_layout(Tensor* x, const Layout& layout);
// Gives x the memory of `storage`; its version stays its own.
void set_memory_of(Tensor* x, Storage* storage);
// Replaces memory, dtype and layout of `x` by those of `from`.
void set_data(Tensor* x, const Tensor* from);

// Makes the collector look at this tensor: it has a dict, hooks or history now.
void track(Tensor* x);
void tensor_dealloc(PyObject* self);
int tensor_traverse(PyObject* self, visitproc visit, void* arg);
int tensor_clear(PyObject* self);
// Fields of a fresh object whose Python header is already set.
void init_empty(Tensor* x);

// Bytes [first, last) that the elements of `x` span; equal when `x` has no elements.
struct Extent {
  const char *first, *last;
};
Extent extent(const Tensor* x);
bool may_share_memory(const Tensor* a, const Tensor* b);
// How many bytes from the start of a storage elements of that layout reach; nullopt: more than 2^63, or before the
// start.
std::optional<size_t> bytes_reached(DimSpan sizes, DimSpan strides, int64_t offset, size_t itemsize);
// Raises unless every element of the layout lies inside a storage of `nbytes`.
void check_bounds(const Layout& layout, size_t itemsize, size_t nbytes, const char* op);

}  // namespace rl
