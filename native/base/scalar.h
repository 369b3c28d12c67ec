// A Python number on its way into an operation: bool, int, float or complex, not yet of any dtype.
#pragma once
#include <complex>
#include <concepts>

#include "base/dtype.h"
#include "base/half.h"

namespace rl {

struct Scalar {
  Category category = Category::Integral;
  bool is_unsigned = false;  // an int from 2^63 to 2^64 - 1: `i` holds its bits
  union {
    int64_t i;
    double d;
    struct {
      double re, im;
    } c;
  };

  Scalar() : i(0) {}
  template <std::same_as<bool> B>
  Scalar(B v) : category(Category::Bool), i(v) {}  // not from pointers
  Scalar(int v) : i(v) {}
  Scalar(int64_t v) : i(v) {}
  Scalar(double v) : category(Category::Floating), d(v) {}
  Scalar(std::complex<double> v) : category(Category::Complex), c{v.real(), v.imag()} {}

  bool is(int64_t v) const {
    return category <= Category::Integral   ? i == v
           : category == Category::Floating ? d == double(v)
                                            : c.re == double(v) && c.im == 0;
  }
  double to_double() const {
    if (category <= Category::Integral) return is_unsigned ? double(uint64_t(i)) : double(i);
    return category == Category::Floating ? d : c.re;
  }
  double imaginary() const { return category == Category::Complex ? c.im : 0; }
  int64_t to_int() const {
    return category <= Category::Integral ? i : int64_t(category == Category::Floating ? d : c.re);
  }
  bool to_bool() const {
    return category <= Category::Integral ? i != 0 : category == Category::Floating ? d != 0 : c.re != 0 || c.im != 0;
  }

  // 0 to 127, which every dtype holds, and -128 to 127, which every dtype wraps to the same.
  bool is_small() const { return category <= Category::Integral && uint64_t(i) < 128; }
  bool is_byte() const { return category <= Category::Integral && i == int8_t(i); }
  // The negative; of the smallest integer itself, as its bits wrap.
  Scalar operator-() const {
    if (category == Category::Complex) return Scalar(std::complex<double>(-c.re, -c.im));
    if (category == Category::Floating || is_unsigned) return Scalar(-to_double());
    Scalar negative = *this;
    negative.i = int64_t(-uint64_t(i));
    return negative;
  }
  // Whether an element of dtype `to` can hold the value: infinities fit floats, fractions are cut, and unsigned
  // integers take the negative integers of what they hold.
  bool fits(DType to) const {
    auto within = [](double v, double low, double high) { return v >= low && v <= high; };
    auto as_float = [&](double v) { return v != v || v - v != 0 || within(v, -largest_of(to), largest_of(to)); };
    if (imaginary() != 0 && to != DType::Bool && !is_complex(to)) return false;
    double v = to_double();
    switch (to) {
      case DType::UInt8: return within(v, category <= Category::Integral ? -255 : 0, 255);
      case DType::Int8: return within(v, -128, 127);
      case DType::Int16: return within(v, -32768, 32767);
      case DType::Int32: return within(v, -2147483648.0, 2147483647.0);
      case DType::Int64: return (category <= Category::Integral && !is_unsigned) || (v >= -0x1p63 && v < 0x1p63);
      case DType::Bool: return true;
      default: return as_float(v) && as_float(imaginary());
    }
  }

  // Writes the value as an element of dtype `to`; integers wrap as PyTorch's do.
  void store(DType to, void* out) const {
    switch (to) {
      case DType::Bool: *static_cast<bool*>(out) = to_bool(); break;
      case DType::UInt8:
      case DType::Int8: *static_cast<int8_t*>(out) = static_cast<int8_t>(to_int()); break;
      case DType::Int16: *static_cast<int16_t*>(out) = static_cast<int16_t>(to_int()); break;
      case DType::Int32: *static_cast<int32_t*>(out) = static_cast<int32_t>(to_int()); break;
      case DType::Int64: *static_cast<int64_t*>(out) = to_int(); break;
      case DType::Float32: *static_cast<float*>(out) = static_cast<float>(to_double()); break;
      case DType::Float64: *static_cast<double*>(out) = to_double(); break;
      case DType::Float16: *static_cast<uint16_t*>(out) = half_from_float(static_cast<float>(to_double())); break;
      case DType::BFloat16: *static_cast<uint16_t*>(out) = brain_from_float(static_cast<float>(to_double())); break;
      case DType::Complex32: {
        uint16_t parts[2] = {half_from_float(static_cast<float>(to_double())),
                             half_from_float(static_cast<float>(imaginary()))};
        std::memcpy(out, parts, sizeof parts);
        break;
      }
      case DType::Complex64: {
        float parts[2] = {static_cast<float>(to_double()), static_cast<float>(imaginary())};
        std::memcpy(out, parts, sizeof parts);
        break;
      }
      case DType::Complex128: {
        double parts[2] = {to_double(), imaginary()};
        std::memcpy(out, parts, sizeof parts);
        break;
      }
    }
  }
};

}  // namespace rl
