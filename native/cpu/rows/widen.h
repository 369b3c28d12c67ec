// 16-bit floats in kernels that compute: tensors go in as float32, and what comes out is rounded once.
#pragma once
#include "autograd/arguments.h"
#include "base/half.h"
#include "device/create.h"
#include "iterate/pointwise.h"

namespace rl {

inline bool is_narrow(In x) { return x.tensor() && is_narrow(x->dtype); }
inline bool is_narrow(const std::optional<DType>& dtype) { return dtype && is_narrow(*dtype); }
template <class T>
bool is_narrow(const T&) {
  return false;
}

// The nearest number of a 16-bit dtype.
inline float as_stored(DType dtype, float x) {
  return dtype == DType::Float16 ? half_to_float(half_from_float(x)) : brain_to_float(brain_from_float(x));
}

// The arguments and results of one call. A dtype among the arguments is that of the result: what it is computed from
// has it first.
class Widening {
 public:
  template <class... A>
  explicit Widening(const A&... args) {
    (look(args), ...);
  }
  // Floats of several dtypes are left for the kernel to refuse.
  bool one_dtype() const { return !several_; }
  std::optional<DType> asked() const { return asked_; }

  In in(In x) {
    if (!x.tensor() || !(is_narrow(x) || is_narrow(asked_))) return x;
    const Ref rounded = as_dtype(x, is_narrow(asked_) ? *asked_ : x->dtype);
    kept_.push_back(as_dtype(rounded.get(), DType::Float32));
    return kept_.back();
  }
  std::optional<DType> in(const std::optional<DType>& dtype) const {
    return is_narrow(dtype) ? std::optional(DType::Float32) : dtype;
  }
  template <class T>
  const T& in(const T& argument) const {
    return argument;
  }

  Ref out(Ref y) const {
    const DType dtype = asked_.value_or(floating_);
    return is_narrow(dtype) && y->dtype == DType::Float32 ? convert(y.get(), dtype) : y;
  }
  template <size_t n>
  std::array<Ref, n> out(std::array<Ref, n> results) const {
    for (Ref& y : results) y = out(y);
    return results;
  }

 private:
  void look(In x) {
    if (!x.tensor() || !is_floating(x->dtype)) return;
    several_ |= is_floating(floating_) && floating_ != x->dtype;
    floating_ = x->dtype;
  }
  void look(const std::optional<DType>& dtype) { asked_ = dtype; }
  template <class T>
  void look(const T&) {}

  DType floating_ = DType::Bool;  // of the floating arguments
  std::optional<DType> asked_;
  bool several_ = false;
  std::vector<Ref> kept_;
};

template <class R, class... P, class... A>
R widened(R (*kernel)(P...), const A&... args) {
  if (!(is_narrow(args) || ...)) [[likely]]
    return kernel(args...);
  Widening w(args...);
  return w.one_dtype() ? w.out(kernel(w.in(args)...)) : kernel(args...);
}

// A kernel that writes its first argument.
template <class... P, class... A>
void widened(void (*kernel)(In, P...), In self, const A&... args) {
  if (!is_narrow(self)) [[likely]]
    return kernel(self, args...);
  Widening w(self, args...);
  if (!w.one_dtype() || w.asked().value_or(self->dtype) != self->dtype) return kernel(self, args...);
  const Ref wide = empty_strided(self->sizes(), self->strides(), DType::Float32, self->device);
  copy_into(wide.get(), self);
  kernel(wide, w.in(args)...);
  copy_into(self.mutable_tensor(), wide.get());
}

}  // namespace rl
