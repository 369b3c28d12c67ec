// The argument types of rl::ops, rl::kernels and rl::compose, and how a backward node keeps them.
#pragma once
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "autograd/node.h"

namespace rl {

// A tensor argument; may be empty where the row says `Tensor | None`.
class In {
 public:
  In(const Tensor* p) : p_(p) {}
  In(const Ref& r) : p_(r.get()) {}
  operator const Tensor*() const { return p_; }
  const Tensor* operator->() const { return p_; }
  const Tensor* tensor() const { return p_; }
  Tensor* mutable_tensor() const { return const_cast<Tensor*>(p_); }

 private:
  const Tensor* p_;
};

// For rows without a kernel for complex numbers, which notice it only where there are elements.
inline void refuse_complex(In x, const char* op) {
  RL_CHECK(!is_complex(x->dtype), NotImplemented, "%s: not implemented for tensors of dtype %s", op, name_of(x->dtype));
}

// The same for complex32 alone.
inline void refuse_half_complex(DType dtype, const char* op) {
  RL_CHECK(dtype != DType::Complex32, NotImplemented,
           "%s: not implemented for tensors of dtype complex32; convert them first, with .cfloat()", op);
}

// For rows that compute complex numbers, but know no derivative by them.
inline void refuse_complex_gradient(In x, const char* op) {
  RL_CHECK(!is_complex(x->dtype), Runtime, "%s: complex numbers have no gradient here; use .detach(), or no_grad", op);
}

// A list of tensors.
class Tensors {
 public:
  Tensors(const Ref* refs, int n) : refs_(refs), n_(n) {}
  Tensors(const std::vector<Ref>& refs) : refs_(refs.data()), n_(static_cast<int>(refs.size())) {}
  int size() const { return n_; }
  const Ref& operator[](int i) const { return refs_[i]; }
  const Ref* begin() const { return refs_; }
  const Ref* end() const { return refs_ + n_; }

 private:
  const Ref* refs_;
  int n_;
};

enum class MemoryFormat : uint8_t { Contiguous, Preserve, ChannelsLast, ChannelsLast3d };

// Padding of a convolution: a number for each dimension, or a rule.
struct Padding {
  enum class Rule : uint8_t { Numbers, Same, Valid };
  Dims sizes;
  Rule rule = Rule::Numbers;
  Padding() = default;
  Padding(int64_t all) : sizes{all} {}
  explicit Padding(DimSpan sizes) : sizes(sizes) {}
};

// What creation rows take beside their own arguments.
struct Options {
  std::optional<DType> dtype;
  std::optional<DeviceId> device;
  DType dtype_or_default() const { return dtype.value_or(default_dtype); }
  DeviceId device_or_cpu() const { return device.value_or(DeviceId{}); }
};

// Tensors kept for the backward pass.
struct SavedList {
  std::vector<Saved> items;
  void save(const Tensors& tensors) {
    items.resize(tensors.size());
    for (int i = 0; i < tensors.size(); ++i) {
      if (tensors[i]) {
        items[i].save(tensors[i].get());
      } else {
        items[i].clear();
      }
    }
  }
  void reset() {
    for (Saved& s : items) s.reset();
  }
  int traverse(visitproc visit, void* arg) const {
    for (const Saved& s : items)
      if (int r = s.traverse(visit, arg)) return r;
    return 0;
  }
};

inline Ref unpack(const Saved& s, Node* owner, const char* name) { return s.unpack(owner, name); }
inline std::vector<Ref> unpack(const SavedList& s, Node* owner, const char* name) {
  std::vector<Ref> refs;
  for (const Saved& item : s.items) refs.push_back(item.unpack(owner, name));
  return refs;
}

// Node->edges of a row over a list of tensors.
template <class N>
Handle<N> new_list_node(NodeType& kind, int n_edges) {
  Node* raw = allocate_node(kind, n_edges, 1, nullptr);
  static_cast<N*>(raw)->construct();
  if (anomaly_mode) [[unlikely]]
    note_forward(raw);
  return Handle<N>::steal(static_cast<N*>(raw));
}

// Arithmetic of numbers inside formulas.
Scalar operator+(const Scalar& a, const Scalar& b);
Scalar operator-(const Scalar& a, const Scalar& b);
Scalar operator*(const Scalar& a, const Scalar& b);
Scalar operator/(const Scalar& a, const Scalar& b);

// ------------------------------------------------------------------ the dispatch hook

// One operation as listeners see it; made once for each row.
struct HookedOperation {
  const char* name;
  const char* overload;
  PyObject* python = nullptr;  // its Operation object
};
struct BoxedArgument {
  const char* keyword;  // nullptr: positional
  PyObject* value;      // owned
};
PyObject* box(const Tensor* x);
inline PyObject* box(In x) { return box(x.tensor()); }
PyObject* box(const Arg& a);
PyObject* box(const Scalar& s);
PyObject* box(const std::optional<Scalar>& s);
PyObject* box(std::optional<double> v);
PyObject* box(int64_t v);
PyObject* box(double v);
PyObject* box(bool v);
PyObject* box(const std::string& v);
PyObject* box(std::optional<int64_t> v);
PyObject* box(DimSpan v);
PyObject* box(DType v);
PyObject* box(std::optional<DType> v);
PyObject* box(const Tensors& v);
PyObject* box(const Padding& v);
PyObject* box(MemoryFormat v);
PyObject* box(PyObject* v);
// Calls the innermost listener with (operation, args, kwargs) and returns what it returned.
PyRef call_hook(HookedOperation& operation, std::initializer_list<BoxedArgument> arguments);
Ref unbox_tensor(PyObject* o, const char* operation);
std::vector<Ref> unbox_tensors(PyObject* o, const char* operation);

template <class R>
R hooked(HookedOperation& operation, std::initializer_list<BoxedArgument> arguments) {
  PyRef result = call_hook(operation, arguments);
  if constexpr (std::is_same_v<R, Ref>) {
    return unbox_tensor(result.get(), operation.name);
  } else if constexpr (std::is_same_v<R, std::vector<Ref>>) {
    return unbox_tensors(result.get(), operation.name);
  } else {
    std::vector<Ref> list = unbox_tensors(result.get(), operation.name);
    R out;
    RL_CHECK(list.size() == out.size(), Type, "%s: the listener returned %zu results, expected %zu", operation.name,
             list.size(), out.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = list[i];
    return out;
  }
}

// `_saved_dim` of a reduction: the dimensions in its mask, or the one of a row that takes only one.
PyObject* reduced_dims(uint64_t mask, bool only_one);
// `_saved_<name>` of a node; raw: `_raw_saved_<name>`, the object that takes hooks (nullptr: there is none).
PyObject* saved_to_python(Node* owner, Saved& s, bool raw);
PyObject* saved_to_python(Node* owner, SavedArg& s, bool raw);
PyObject* saved_to_python(Node* owner, SavedList& s, bool raw);
inline PyObject* saved_to_python(Node*, const Dims& v, bool raw) { return raw ? nullptr : box(DimSpan(v)); }
inline PyObject* saved_to_python(Node*, const Padding& v, bool raw) { return raw ? nullptr : box(v); }
template <class T>
PyObject* saved_to_python(Node*, const T& v, bool raw) {
  return raw ? nullptr : box(v);
}

}  // namespace rl
