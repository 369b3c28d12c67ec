// What the table's pointwise rows share: promotion, broadcasting, outputs, and the call of a compiled loop.
#pragma once
#include "iterate/plan.h"
#include "tensor/promote.h"

namespace rl {

// What a row asks of its operands' dtypes beyond a loop for the promoted one.
enum class DtypeRule : uint8_t {
  Promote,
  NoBool,
  NoBoolNumber,  // bools with tensors alone
  BoolsAsInt64,
  Elements,  // numbers stand for elements: they fit the dtype, unless it has 16 bits
  OneDtype,
  Divides,
  Powers,
  NoIntegerQuotient
};

// What dtypes out= may have: any that the result converts to, the result's own (ExactWeight: unless the last operand is
// a number or 0-d), or bool and uint8 alone.
enum class OutRule : uint8_t { Castable, CastableOrTypeError, Exact, ExactWeight, Truth };

// The result's dtype: the operands' common one, bool, that of a complex number's parts, or of a number of such parts.
enum class Output : uint8_t { Same, Bool, Real, Complex };

// The constant part of a pointwise row, generated.
struct PointwiseRow {
  const char* name;
  int index;             // of its loops in the family's table
  uint8_t inputs;        // operands that broadcast and promote
  uint8_t scalars;       // trailing numbers, of the arithmetic type
  uint32_t bool_inputs;  // bit k: operand k is a bool mask and takes no part in promotion
  OutRule out_rule;
  Output output;
  bool checks_scalars;     // the numbers are factors (alpha) that must fit the result's dtype
  int8_t exact_number;     // the operand whose number or 0-d tensor is not rounded to a 16-bit dtype first, or -1
  uint32_t fitting;        // bit k: a number as operand k must fit the dtype
  bool integers_to_float;  // integer operands compute in the default dtype
  bool half_complex;       // complex32 is computed too, in operands and results
  int8_t like;             // the operand whose shape, strides and dtype the result has, or -1: what all of them come to
  DtypeRule dtypes;
  const Loop (*loops)[kDTypes];  // set at load, for the instruction level
};

// The operands' common dtype under the row's rules; an error where the row has no loop for it.
DType arithmetic_dtype(const PointwiseRow& row, Span<const Arg> args);
Ref pointwise(const PointwiseRow& row, Span<const Arg> args);
// The elements combined into one number, in one pass: `reductions` are the kernels, by dtype.
Ref pointwise_reduced(const PointwiseRow& row, Span<const Arg> args, const ReduceKernel* reductions);
// Writes into `out`; `resize_out` lets it take another shape first (out=, not in-place).
void pointwise_into(const PointwiseRow& row, Span<const Arg> args, Tensor* out, bool resize_out);

// dst[...] = src[...], with broadcasting and conversion.
void copy_into(Tensor* dst, const Tensor* src);
Ref convert(const Tensor* x, DType to);  // always a new tensor, strides kept where dense
Ref contiguous_copy(const Tensor* x);
Ref as_dtype(const Tensor* x, DType to);  // x itself where it has that dtype
Ref as_contiguous(const Tensor* x);       // x itself where it is contiguous
void fill(Tensor* x, const Scalar& value);
Ref full(DimSpan sizes, const Scalar& value, DType dtype, DeviceId device = {});

// Raises where writing `out` while reading `in` would read what was written, or writes one element twice.
void check_no_internal_overlap(const Tensor* out, const char* op);
void check_no_partial_overlap(const Tensor* out, const Tensor* in, const char* op);
// Prepares `out` for a result of that shape and dtype: rule of dtypes, resize (with a warning where it had elements).
void prepare_out(Tensor* out, DimSpan sizes, DType dtype, const char* op, OutRule rule);
bool can_cast(DType from, DType to);
void check_same_device(const char* op, Span<const Arg> args);

}  // namespace rl
