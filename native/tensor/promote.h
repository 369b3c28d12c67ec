// Type promotion: one lattice, and the three ranks of operands (with dimensions, 0-d, Python number).
#pragma once
#include <concepts>

#include "base/scalar.h"
#include "tensor/tensor.h"

namespace rl {

// An argument that is a tensor or a Python number.
struct Arg {
  const Tensor* tensor = nullptr;
  Scalar number;
  Arg() = default;
  // Copies what is meant and nothing else: whole copies waited for the parts just written (7 ns of a comparison's 95).
  Arg(const Arg& o) : tensor(o.tensor) {
    if (!tensor) number = o.number;
  }
  Arg& operator=(const Arg& o) {
    tensor = o.tensor;
    if (!tensor) number = o.number;
    return *this;
  }
  Arg(const Tensor* t) : tensor(t) {}
  Arg(const Ref& r) : tensor(r.get()) {}
  Arg(Scalar s) : number(s) {}
  Arg(double v) : number(v) {}
  Arg(int64_t v) : number(v) {}
  Arg(int v) : number(v) {}
  template <std::same_as<bool> B>
  Arg(B v) : number(v) {}  // not from pointers
};

DType promote(DType a, DType b);
// What views over the parts of complex numbers turn a dtype into; an error where it has none.
DType as_real(DType d, const char* op);
DType as_complex(DType d, const char* op);
extern DType default_dtype;
// The dtype of a Python number alone.
DType dtype_of_number(const Scalar& s);
// The common dtype of an operation's operands.
DType result_dtype(Span<const Arg> args);

}  // namespace rl
