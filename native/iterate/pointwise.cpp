#include "iterate/pointwise.h"

#include <cstring>

#include "device/create.h"
#include "iterate/pointwise_call.h"
#include "tensor/error_text.h"

namespace rl {

namespace {

[[gnu::cold, gnu::noinline]] void no_loop(const PointwiseRow& row, DType d) {
  std::string known;
  for (int k = 0; k < kDTypes; ++k)
    if ((*row.loops)[k]) known += std::string(known.empty() ? "" : ", ") + name_of(static_cast<DType>(k));
  fail(ErrorType::NotImplemented, "%s: not implemented for tensors of dtype %s; convert first, to one of %s", row.name,
       name_of(d), known.c_str());
}

// Numbers that are cast to the dtype must fit it; a factor must not even carry more than the result's category:
// alpha=1.5 with integers would be lost silently.
void check_scalars(const PointwiseRow& row, Span<const Arg> args, DType d) {
  for (int k = 0; k < args.n; ++k) {
    const bool element = row.dtypes == DtypeRule::Elements && takes_part(row, k) && !is_narrow(d);
    if (args[k].tensor || !(k >= row.inputs || row.fitting >> k & 1 || element)) continue;
    const DType held = stays_exact(row, k, d) ? compute_dtype(row, d) : d;
    RL_CHECK(args[k].number.fits(held), Runtime, "%s: the number %g does not fit dtype %s; convert the tensors first",
             row.name, args[k].number.to_double(), name_of(held));
    if (!row.checks_scalars || k < row.inputs) continue;
    Category c = args[k].number.category;
    RL_CHECK(c != Category::Bool || d == DType::Bool, Runtime,
             "%s: a bool parameter fits bool operands only, not dtype %s; give a number", row.name, name_of(d));
    RL_CHECK(c <= category_of(d) || (c == Category::Integral && d == DType::Bool), Runtime,
             "%s: a %s parameter does not fit operands of dtype %s; give an integer, or make the operands floating",
             row.name, c == Category::Complex ? "complex" : "floating-point", name_of(d));
  }
}

// `out` looks like `lead`, and every tensor either is the very same elements or does not touch them.
bool writes_apart(const Tensor* out, const Tensor* lead, Span<const Arg> args, DType dtype) {
  if (!out->contiguous() || out->device != lead->device || out->dtype != dtype || !(out->sizes() == lead->sizes()))
    return false;
  const char *first = out->data(), *last = first + out->numel * static_cast<int64_t>(size_of(out->dtype));
  for (const Arg& a : args) {
    const Tensor* x = a.tensor;
    if (!x || (x->data() == first && x->dtype == out->dtype && x->ndim == out->ndim)) continue;
    if (x->data() < last && first < x->data() + x->numel * static_cast<int64_t>(size_of(x->dtype))) return false;
  }
  return true;
}

}  // namespace

void check_same_device(const char* op, Span<const Arg> args) {
  const Tensor* lead = nullptr;
  for (const Arg& a : args) {
    const Tensor* x = a.tensor;
    if (!x) continue;
    if (!lead) {
      lead = x;
    } else if (x->device.type != lead->device.type) {
      if (x->ndim == 0 && x->device.type == DeviceType::Cpu) continue;  // a 0-d CPU tensor acts as a number
      if (lead->ndim == 0 && lead->device.type == DeviceType::Cpu) {
        lead = x;
        continue;
      }
      fail(ErrorType::Runtime, "%s: the operands live on two devices, %s and %s; move one with .to(device)", op,
           name_of(lead->device), name_of(x->device));
    }
  }
}

DeviceId call_device(Span<const Arg> args) {
  DeviceId device{};
  for (const Arg& a : args)
    if (a.tensor && a.tensor->device.type != DeviceType::Cpu) device = a.tensor->device;
  return device;
}

static void check_rule(const PointwiseRow& row, Span<const Arg> args) {
  if (row.dtypes == DtypeRule::NoIntegerQuotient) {
    RL_CHECK(category_of(args[1].tensor->dtype) > Category::Integral ||
                 category_of(args[2].tensor->dtype) > Category::Integral,
             Runtime,
             "%s: %s is not divided by %s here; convert one of them to a floating dtype, or use div with a "
             "rounding_mode",
             row.name, name_of(args[1].tensor->dtype), name_of(args[2].tensor->dtype));
    return;
  }
  if (row.dtypes == DtypeRule::Powers) {
    const bool whole = args[0].tensor && category_of(args[0].tensor->dtype) <= Category::Integral;
    RL_CHECK(
        !whole || args[1].tensor || args[1].number.category > Category::Integral || args[1].number.to_double() >= 0,
        Runtime, "%s: an integer has no integer power of the negative exponent %lld; convert the tensor first",
        row.name, (long long)args[1].number.i);
    return;
  }
  for (int k = 0; k < row.inputs; ++k) {
    DType d = args[k].tensor ? args[k].tensor->dtype : dtype_of_number(args[k].number);
    RL_CHECK(row.dtypes != DtypeRule::NoBool || d != DType::Bool, Runtime,
             "%s: bools are no numbers; use ~, ^ or logical_xor, or convert them first, with .int()", row.name);
    bool free = !args[k].tensor || (k > 1 && args[k].tensor->ndim == 0);  // a 0-d weight acts as a number
    RL_CHECK(row.dtypes != DtypeRule::OneDtype || free || d == args[0].tensor->dtype, Runtime,
             "%s: all tensors must have one dtype, got %s and %s; convert one of them first", row.name,
             name_of(args[0].tensor->dtype), name_of(d));
  }
}

DType arithmetic_dtype(const PointwiseRow& row, Span<const Arg> args) {
  Arg promoted[kMaxOperands];
  int n = 0;
  if (row.dtypes != DtypeRule::Promote) check_rule(row, args);
  for (int k = 0; k < row.inputs; ++k) {
    if (takes_part(row, k)) {
      if (row.dtypes != DtypeRule::OneDtype || args[k].tensor) promoted[n++] = args[k];
    } else {
      RL_CHECK(!args[k].tensor || args[k].tensor->dtype == DType::Bool || args[k].tensor->dtype == DType::UInt8,
               Runtime, "%s: expected a condition of dtype bool, got %s; compare first, or use .bool()", row.name,
               name_of(args[k].tensor->dtype));
    }
  }
  DType d = result_dtype(Span<const Arg>(promoted, n));
  bool numbers_only = true;  // and a mask that numbers made
  for (int k = 0; k < row.inputs; ++k) {
    const Tensor* x = args[k].tensor;
    numbers_only &= !x || (!takes_part(row, k) && x->ndim == 0);
  }
  if (numbers_only && category_of(d) == Category::Floating)
    d = DType::Float64;  // inside a gradient: no digit of a number is lost
  if (row.integers_to_float && category_of(d) < Category::Floating) d = default_dtype;
  if (row.dtypes == DtypeRule::BoolsAsInt64 && d == DType::Bool) d = DType::Int64;
  if (row.like >= 0) {
    const DType own = args[row.like].tensor->dtype;
    RL_CHECK(
        can_cast(d, own), Runtime,
        "%s: the operands compute in dtype %s, which does not fit the result's, %s; convert them to one dtype first",
        row.name, name_of(d), name_of(own));
  }
  if (!loop_of(row, compute_dtype(row, d))) no_loop(row, d);
  if (row.dtypes == DtypeRule::NoBoolNumber && d == DType::Bool)
    for (const Arg& a : args)
      if (!a.tensor) no_loop(row, d);
  check_scalars(row, args, d);
  return d;
}

// Integers divide by anything but 0 (after a wide divisor has wrapped); floats divide by 0 too. A refused division
// writes nothing, where PyTorch has written what comes before the first zero.
[[gnu::noinline]] static void check_divisor(const PointwiseRow& row, Span<const Arg> args) {
  const DType d = result_dtype(Span<const Arg>(args.ptr, 2));
  if (category_of(d) != Category::Integral) return;
  for (int k = 0; k < 2; ++k)
    if (const Tensor* x = args[k].tensor; x && (!has_memory(x) || !x->numel)) return;
  bool zero;
  if (const Tensor* by = args[1].tensor) {
    const Ref nonzero = convert(as_dtype(by, d).get(), DType::Bool);
    zero = std::memchr(nonzero->data(), 0, static_cast<size_t>(nonzero->numel)) != nullptr;
  } else {
    int64_t wrapped = 0;
    args[1].number.store(d, &wrapped);
    zero = wrapped == 0;
  }
  RL_CHECK(!zero, Runtime, "%s: division of integers by zero; convert the operands to a floating dtype for infinities",
           row.name);
}

void check_like(const PointwiseRow& row, Span<const Arg> args, const PointwiseCall& call) {
  RL_CHECK(
      row.like < 0 || args[row.like].tensor->sizes() == DimSpan(call.sizes), Runtime,
      "%s: the operands broadcast to shape %s, but the result has the shape %s of one of them; expand that one first",
      row.name, to_string(call.sizes).c_str(), to_string(args[row.like].tensor->sizes()).c_str());
}

DType dtype_of_result(const PointwiseRow& row, Span<const Arg> args, DType arithmetic) {
  return row.like >= 0 ? args[row.like].tensor->dtype : output_dtype(row, arithmetic);
}

Ref pointwise(const PointwiseRow& row, Span<const Arg> args) {
  if (row.dtypes == DtypeRule::Divides) [[unlikely]]
    check_divisor(row, args);
  if (SameLayout same; same.fits(row, args)) [[likely]] {
    if (Loop loop = loop_of(row, same.lead->dtype)) {
      Ref out = empty_alike(same.lead, output_dtype(row, same.lead->dtype));
      same.run(out.get(), loop);
      return out;
    }
  }
  check_same_device(row.name, args);
  DType d = arithmetic_dtype(row, args);
  PointwiseCall call(row, args, d);
  check_like(row, args, call);
  const Span<const Operand> models = row.like >= 0 ? Span<const Operand>(call.operands + 1 + row.like, 1)
                                                   : Span<const Operand>(call.operands + 1, call.n - 1);
  Ref out =
      empty_strided(call.sizes, output_strides(call.sizes, models), dtype_of_result(row, args, d), call_device(args));
  if (has_memory(out.get())) call.run(out.get());
  return out;
}

// The row's rule of out= for one call. The size of a complex number may be written to any real dtype, and to its own.
static OutRule out_rule(const PointwiseRow& row, Span<const Arg> args, DType d, DType out) {
  if (row.out_rule == OutRule::ExactWeight) {
    const Tensor* weight = args[row.inputs - 1].tensor;
    return weight && weight->ndim ? OutRule::Exact : OutRule::Castable;
  }
  const bool free = row.out_rule == OutRule::Exact && row.output == Output::Real && is_complex(d);
  return free && (out == d || !is_complex(out)) ? OutRule::Castable : row.out_rule;
}

void pointwise_into(const PointwiseRow& row, Span<const Arg> args, Tensor* out, bool resize_out) {
  if (row.dtypes == DtypeRule::Divides) [[unlikely]]
    check_divisor(row, args);
  if (SameLayout same; same.fits(row, args) && writes_apart(out, same.lead, args, output_dtype(row, same.lead->dtype)))
      [[likely]] {
    if (Loop loop = loop_of(row, same.lead->dtype)) return same.run(out, loop);
  }
  check_same_device(row.name, args);
  DType d = arithmetic_dtype(row, args);
  DType result = output_dtype(row, d);
  RL_CHECK(resize_out || can_cast(result, out->dtype), Runtime,
           "%s: the result has dtype %s, which does not fit into the tensor to be written, of dtype %s; use the "
           "out-of-place form, or convert first with .to(dtype)",
           row.name, name_of(result), name_of(out->dtype));
  check_no_internal_overlap(out, row.name);
  RL_CHECK(call_device(args).type == out->device.type, Runtime,
           "%s: the operands live on %s, the tensor to be written on %s", row.name, name_of(call_device(args)),
           name_of(out->device));
  for (const Arg& a : args)
    if (a.tensor) check_no_partial_overlap(out, a.tensor, row.name);
  if (resize_out && compute_dtype(row, d) != d && result == d && out->dtype != d) {
    const Ref rounded = pointwise(row, args);  // to 16 bits, before it is widened again
    prepare_out(out, rounded->sizes(), d, row.name, out_rule(row, args, d, out->dtype));
    return copy_into(out, rounded.get());
  }
  PointwiseCall call(row, args, d);
  RL_CHECK(resize_out || row.output != Output::Real || !is_complex(d), Runtime,
           "%s_: the result is real and cannot take the place of a tensor of dtype %s; use the out-of-place form",
           row.name, name_of(d));
  if (resize_out) {
    const bool resizes = !(out->sizes() == DimSpan(call.sizes));
    prepare_out(out, call.sizes, result, row.name, out_rule(row, args, d, out->dtype));
    if (resizes) {
      Span<const Operand> inputs(call.operands + 1, call.n - 1);
      set_layout(out, {call.sizes, output_strides(call.sizes, inputs), out->offset});
    }
  } else {
    RL_CHECK(
        DimSpan(call.sizes) == out->sizes(), Runtime,
        "%s: the operands broadcast to shape %s, but the tensor to be written has shape %s, which writing in place "
        "cannot change; use the out-of-place form",
        row.name, to_string(call.sizes).c_str(), to_string(out->sizes()).c_str());
  }
  if (has_memory(out)) call.run(out);
}

// ------------------------------------------------------------------ copies

void copy_into(Tensor* dst, const Tensor* src) {
  if (src->ndim <= dst->ndim || src->numel != 1) check_expands("copy_", src->sizes(), dst->sizes());
  Layout expanded = src->ndim <= dst->ndim ? layout::expand(src->layout(), dst->sizes())
                                           : layout::expand(layout::squeeze(src->layout()), dst->sizes());
  if (!has_memory(dst) || !has_memory(src)) return;
  Loop loop = picked_level_tables().cast[static_cast<int>(dst->dtype)][static_cast<int>(src->dtype)];
  RL_CHECK(loop, NotImplemented, "copy: no conversion from dtype %s to %s yet", name_of(src->dtype),
           name_of(dst->dtype));
  Operand operands[2] = {Operand::of(dst),
                         {src->data(), static_cast<int64_t>(size_of(src->dtype)), expanded.sizes, expanded.strides}};
  Plan(dst->sizes(), Span<const Operand>(operands, 2)).run(loop);
}

Ref convert(const Tensor* x, DType to) {
  Ref y = empty_like(x, to);
  copy_into(y.get(), x);
  return y;
}

Ref contiguous_copy(const Tensor* x) {
  Ref y = empty(x->sizes(), x->dtype, x->device);
  copy_into(y.get(), x);
  return y;
}

Ref as_dtype(const Tensor* x, DType to) {
  return x->dtype == to ? Ref::retain(const_cast<Tensor*>(x)) : convert(x, to);
}
Ref as_contiguous(const Tensor* x) {
  return x->contiguous() ? Ref::retain(const_cast<Tensor*>(x)) : contiguous_copy(x);
}

void fill(Tensor* x, const Scalar& value) {
  // One element of 16 bits may overflow, as in PyTorch, and any number of complex32.
  const DType bounds = x->dtype == DType::Complex32           ? DType::Complex128
                       : x->numel == 1 && is_narrow(x->dtype) ? DType::Float64
                                                              : x->dtype;
  RL_CHECK(value.fits(bounds), Runtime, "fill: %g does not fit dtype %s", value.to_double(), name_of(x->dtype));
  if (!has_memory(x)) return;
  Cell cell;
  value.store(x->dtype, cell.bytes);
  Loop loop = picked_level_tables().cast[static_cast<int>(x->dtype)][static_cast<int>(x->dtype)];
  RL_CHECK(loop, NotImplemented, "fill: not implemented for tensors of dtype %s yet", name_of(x->dtype));
  Operand operands[2] = {Operand::of(x), Operand::cell(cell.bytes)};
  Plan(x->sizes(), Span<const Operand>(operands, 2)).run(loop);
}

Ref full(DimSpan sizes, const Scalar& value, DType dtype, DeviceId device) {
  Ref x = empty(sizes, dtype, device);
  fill(x.get(), value);
  return x;
}

// ------------------------------------------------------------------ checks

bool can_cast(DType from, DType to) {
  if (category_of(from) > Category::Integral) return category_of(to) >= category_of(from);
  return to != DType::Bool || from == DType::Bool;
}

void check_no_internal_overlap(const Tensor* out, const char* op) {
  RL_CHECK(!out->numel || !has_internal_overlap(out->sizes(), out->strides()), Runtime,
           "%s: the tensor to be written (shape %s, strides %s) is expanded: several of its elements share one place "
           "in memory; .clone() it first",
           op, to_string(out->sizes()).c_str(), to_string(out->strides()).c_str());
}

void check_no_partial_overlap(const Tensor* out, const Tensor* in, const char* op) {
  if (out == in || out->storage->data == nullptr || !out->numel || !in->numel) return;
  if (!may_share_memory(out, in)) return;
  if (!is_non_overlapping_and_dense(out->sizes(), out->strides()) ||
      !is_non_overlapping_and_dense(in->sizes(), in->strides()))
    return;
  Extent a = extent(out), b = extent(in);
  if (a.first == b.first && a.last == b.last && out->strides() == in->strides()) return;
  fail(ErrorType::Runtime,
       "%s: an input and the tensor to be written share part of their memory; .clone() one of them first", op);
}

static bool can_hold(DType out, DType result, OutRule rule) {
  if (rule == OutRule::Exact) return out == result;
  if (rule == OutRule::Truth) return out == DType::Bool || out == DType::UInt8;
  return can_cast(result, out);
}

void prepare_out(Tensor* out, DimSpan sizes, DType dtype, const char* op, OutRule rule) {
  if (!can_hold(out->dtype, dtype, rule)) [[unlikely]]
    fail(rule == OutRule::CastableOrTypeError ? ErrorType::Type : ErrorType::Runtime,
         "%s: the result has dtype %s, which cannot be written to out= of dtype %s; give an out of that dtype", op,
         name_of(dtype), name_of(out->dtype));
  if (out->sizes() == sizes) return;
  if (out->numel) {
    std::string text = format_text(
        "%s: out= had shape %s and was resized to %s; give an out of the right shape, or an empty one (out.resize_(0))",
        op, to_string(out->sizes()).c_str(), to_string(sizes).c_str());
    if (PyErr_WarnEx(PyExc_UserWarning, text.c_str(), 1) < 0) throw PythonError();
  }
  resize(out, sizes);
}

}  // namespace rl
