#include "tensor/promote.h"

namespace rl {

DType default_dtype = DType::Float32;

namespace {
DType promote_integers(DType a, DType b) {
  if (a == b) return a;
  DType wide = size_of(a) >= size_of(b) ? a : b, narrow = wide == a ? b : a;
  if (narrow == DType::UInt8 && size_of(wide) == 1) return DType::Int16;  // uint8 with int8
  if (wide == DType::UInt8 && size_of(narrow) == 1) return DType::Int16;
  return wide;
}
}  // namespace

DType promote(DType a, DType b) {
  if (a == b) return a;
  Category ca = category_of(a), cb = category_of(b);
  if (ca != cb && ca < Category::Complex && cb < Category::Complex) return ca > cb ? a : b;
  if (ca == Category::Complex || cb == Category::Complex) {
    if (ca < Category::Floating) return b;
    if (cb < Category::Floating) return a;
    const DType x = complex_of(a), y = complex_of(b);
    return size_of(x) > size_of(y) ? x : y;
  }
  if (ca == Category::Integral) return promote_integers(a, b);
  if (size_of(a) == 2 && size_of(b) == 2) return DType::Float32;  // float16 with bfloat16
  return size_of(a) > size_of(b) ? a : b;
}

DType as_real(DType d, const char* op) {
  RL_CHECK(is_complex(d), Runtime, "%s: expected a complex tensor, got dtype %s", op, name_of(d));
  return real_of(d);
}
DType as_complex(DType d, const char* op) {
  RL_CHECK(is_floating(d) && real_of(complex_of(d)) == d, NotImplemented,
           "%s: expected a tensor of dtype float16, float32 or float64, got %s", op, name_of(d));
  return complex_of(d);
}

DType dtype_of_number(const Scalar& s) {
  switch (s.category) {
    case Category::Bool: return DType::Bool;
    case Category::Integral: return DType::Int64;
    case Category::Floating: return default_dtype;
    default: return complex_of(default_dtype);
  }
}

DType result_dtype(Span<const Arg> args) {
  // Ranks: 0 tensors with dimensions, 1 zero-dimensional tensors, 2 Python numbers. A lower rank decides unless
  // a higher one is of a higher category.
  DType best[3];
  bool has[3] = {false, false, false}, wide = false;
  for (const Arg& a : args) {
    int rank = !a.tensor ? 2 : a.tensor->ndim == 0 ? 1 : 0;
    DType d = a.tensor ? a.tensor->dtype : dtype_of_number(a.number);
    wide |= !a.tensor && a.number.is_unsigned;
    best[rank] = has[rank] ? promote(best[rank], d) : d;
    has[rank] = true;
  }
  bool found = false;
  DType result = DType::Float32;
  for (int rank = 0; rank < 3; ++rank) {
    if (!has[rank]) continue;
    if (!found) {
      result = best[rank];
      found = true;
    } else if (category_of(best[rank]) > category_of(result)) {
      // A number or 0-d tensor lifts the category; a floating dtype keeps its width.
      RL_CHECK(rank < 2 || best[rank] != DType::Int64 || !wide, Runtime,
               "a number from 2^63 on takes bools to uint64, which is no dtype of the result; convert them first, with "
               ".long()");
      result = is_floating(result) ? complex_of(result) : best[rank];
    }
  }
  return result;
}

}  // namespace rl
