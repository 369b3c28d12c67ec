// What rows with kernels of their own share: the call for an element type, and the checks every one of them makes.
#pragma once
#include "base/error.h"
#include "tensor/tensor.h"

namespace rl {

[[noreturn, gnu::cold]] inline void no_kernel(const char* op, DType dtype) {
  fail(ErrorType::NotImplemented, "%s: there is no kernel for dtype %s; convert the tensor with .to(dtype) first", op,
       name_of(dtype));
}

// f(T()) with the element type of a floating dtype.
template <class F>
void by_floating(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::Float32: return f(float());
    case DType::Float64: return f(double());
    default: no_kernel(op, dtype);
  }
}

// The same for the numbers of whole and of real value.
template <class F>
void by_number(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::UInt8: return f(uint8_t());
    case DType::Int8: return f(int8_t());
    case DType::Int16: return f(int16_t());
    case DType::Int32: return f(int32_t());
    case DType::Int64: return f(int64_t());
    default: return by_floating(op, dtype, f);
  }
}

// The same for floating and complex dtypes.
template <class F>
void by_inexact(const char* op, DType dtype, F&& f) {
  switch (dtype) {
    case DType::Complex64: return f(Complex<float>());
    case DType::Complex128: return f(Complex<double>());
    default: return by_floating(op, dtype, f);
  }
}

// The same for all but bools.
template <class F>
void by_arithmetic(const char* op, DType dtype, F&& f) {
  if (is_complex(dtype)) return by_inexact(op, dtype, f);
  by_number(op, dtype, f);
}

inline void check_same(const char* op, const char* a_name, const Tensor* a, const char* b_name, const Tensor* b) {
  RL_CHECK(a->device.type == b->device.type, Runtime,
           "%s: %s is on %s but %s is on %s; move one of them with .to(device)", op, a_name, name_of(a->device), b_name,
           name_of(b->device));
  RL_CHECK(a->dtype == b->dtype, Runtime,
           "%s: %s is %s but %s is %s; both must have one dtype: convert one with .to(dtype)", op, a_name,
           name_of(a->dtype), b_name, name_of(b->dtype));
}

inline std::string shape_of(const Tensor* x) { return to_string(x->sizes()); }

}  // namespace rl
