// The element types: their names, sizes and categories.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/complex.h"

namespace rl {

enum class DType : uint8_t {
  Bool,
  UInt8,
  Int8,
  Int16,
  Int32,
  Int64,
  Float16,
  BFloat16,
  Float32,
  Float64,
  Complex32,
  Complex64,
  Complex128
};
constexpr int kDTypes = 13;

enum class Category : uint8_t { Bool, Integral, Floating, Complex };

struct DTypeInfo {
  const char* name;    // "float32", as in rushlight.float32
  const char* alias;   // "float", a second public name, or nullptr
  const char* legacy;  // "Float", as in FloatTensor
  uint8_t size;
  Category category;
};

constexpr DTypeInfo kDTypeInfo[kDTypes] = {
    {"bool", nullptr, "Bool", 1, Category::Bool},
    {"uint8", nullptr, "Byte", 1, Category::Integral},
    {"int8", nullptr, "Char", 1, Category::Integral},
    {"int16", "short", "Short", 2, Category::Integral},
    {"int32", "int", "Int", 4, Category::Integral},
    {"int64", "long", "Long", 8, Category::Integral},
    {"float16", "half", "Half", 2, Category::Floating},
    {"bfloat16", nullptr, "BFloat16", 2, Category::Floating},
    {"float32", "float", "Float", 4, Category::Floating},
    {"float64", "double", "Double", 8, Category::Floating},
    {"complex32", "chalf", "ComplexHalf", 4, Category::Complex},
    {"complex64", "cfloat", "ComplexFloat", 8, Category::Complex},
    {"complex128", "cdouble", "ComplexDouble", 16, Category::Complex},
};

constexpr const DTypeInfo& info(DType d) { return kDTypeInfo[static_cast<int>(d)]; }
constexpr size_t size_of(DType d) { return info(d).size; }
constexpr const char* name_of(DType d) { return info(d).name; }
constexpr Category category_of(DType d) { return info(d).category; }
constexpr bool is_floating(DType d) { return category_of(d) == Category::Floating; }
constexpr bool is_complex(DType d) { return category_of(d) == Category::Complex; }
constexpr bool is_differentiable(DType d) { return category_of(d) >= Category::Floating; }
// 16-bit floats and complex numbers of such parts: kernels compute them in wide_of(d), and round once.
constexpr bool is_narrow(DType d) { return d == DType::Float16 || d == DType::BFloat16 || d == DType::Complex32; }
constexpr DType wide_of(DType d) {
  return !is_narrow(d) ? d : d == DType::Complex32 ? DType::Complex64 : DType::Float32;
}
// The dtype of a complex number's parts; a real dtype itself.
constexpr DType real_of(DType d) {
  switch (d) {
    case DType::Complex32: return DType::Float16;
    case DType::Complex64: return DType::Float32;
    case DType::Complex128: return DType::Float64;
    default: return d;
  }
}
// The reverse; of a real dtype that is the part of none, complex64.
constexpr DType complex_of(DType d) {
  switch (real_of(d)) {
    case DType::Float16: return DType::Complex32;
    case DType::Float64: return DType::Complex128;
    default: return DType::Complex64;
  }
}
constexpr bool is_integral(DType d) { return category_of(d) == Category::Integral; }

// The largest finite number of a floating dtype, or of the parts of a complex one.
constexpr double largest_of(DType d) {
  switch (d) {
    case DType::Float16:
    case DType::Complex32: return 65504;
    case DType::BFloat16: return 0x1.fep127;
    case DType::Float32:
    case DType::Complex64: return 0x1.fffffep127;
    default: return 0x1.fffffffffffffp1023;
  }
}

// The dtypes with compiled kernels; the generator and the hand-written kernels share this list.
#define RL_FOR_REAL_DTYPES(X) \
  X(bool, Bool)               \
  X(uint8_t, UInt8)           \
  X(int8_t, Int8)             \
  X(int16_t, Int16)           \
  X(int32_t, Int32)           \
  X(int64_t, Int64)           \
  X(float, Float32)           \
  X(double, Float64)
#define RL_FOR_COMPLEX_DTYPES(X) \
  X(Complex<float>, Complex64)   \
  X(Complex<double>, Complex128)
#define RL_FOR_DTYPES(X) \
  RL_FOR_REAL_DTYPES(X)  \
  RL_FOR_COMPLEX_DTYPES(X)

constexpr bool has_kernels(DType d) {
#define RL_CASE(T, NAME) \
  if (d == DType::NAME) return true;
  RL_FOR_DTYPES(RL_CASE)
#undef RL_CASE
  return false;
}

template <class T>
struct dtype_of;
#define RL_CASE(T, NAME)                        \
  template <>                                   \
  struct dtype_of<T> {                          \
    static constexpr DType value = DType::NAME; \
  };
RL_FOR_DTYPES(RL_CASE)
#undef RL_CASE

}  // namespace rl
