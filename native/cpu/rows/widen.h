// Narrow dtypes in kernels that compute: tensors go in as float32 or complex64, and what comes out is rounded once.
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
  DType dtype() const { return asked_.value_or(floating_); }  // of the result

  In in(In x) {
    if (!x.tensor() || !(is_narrow(x) || is_narrow(asked_))) return x;
    const Ref rounded = as_dtype(x, is_narrow(asked_) ? *asked_ : x->dtype);
    kept_.push_back(as_dtype(rounded.get(), wide_of(rounded->dtype)));
    return kept_.back();
  }
  std::optional<DType> in(const std::optional<DType>& dtype) const {
    return dtype ? std::optional(wide_of(*dtype)) : dtype;
  }
  template <class T>
  const T& in(const T& argument) const {
    return argument;
  }

  Ref out(Ref y) const {
    const DType wide = wide_of(dtype());
    if (wide == dtype()) return y;
    if (y->dtype == wide) return convert(y.get(), dtype());
    return y->dtype == real_of(wide) ? convert(y.get(), real_of(dtype())) : y;
  }
  template <size_t n>
  std::array<Ref, n> out(std::array<Ref, n> results) const {
    for (Ref& y : results) y = out(y);
    return results;
  }

 private:
  void look(In x) {
    if (!x.tensor() || !is_differentiable(x->dtype)) return;
    several_ |= is_differentiable(floating_) && floating_ != x->dtype;
    floating_ = x->dtype;
  }
  void look(const std::optional<DType>& dtype) { asked_ = dtype; }
  template <class T>
  void look(const T&) {}

  DType floating_ = DType::Bool;  // of the floating or complex arguments
  std::optional<DType> asked_;
  bool several_ = false;
  std::vector<Ref> kept_;
};

// `lacking` names an operation without complex32, and is null for one that has it. Other errors come first.
template <class R, class... P, class... A>
R widened(const char* lacking, R (*kernel)(P...), const A&... args) {
  if (!(is_narrow(args) || ...)) [[likely]]
    return kernel(args...);
  Widening w(args...);
  R results = w.one_dtype() ? w.out(kernel(w.in(args)...)) : kernel(args...);
  if (lacking) refuse_half_complex(w.dtype(), lacking);
  return results;
}

// A kernel that writes its first argument.
template <class... P, class... A>
void widened(const char* lacking, void (*kernel)(In, P...), In self, const A&... args) {
  if (!is_narrow(self)) [[likely]]
    return kernel(self, args...);
  Widening w(self, args...);
  if (!w.one_dtype() || w.asked().value_or(self->dtype) != self->dtype) return kernel(self, args...);
  const Ref wide = empty_strided(self->sizes(), self->strides(), wide_of(self->dtype), self->device);
  copy_into(wide.get(), self);
  kernel(wide, w.in(args)...);
  if (lacking) refuse_half_complex(w.dtype(), lacking);
  copy_into(self.mutable_tensor(), wide.get());
}

}  // namespace rl
