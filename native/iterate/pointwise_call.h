// One call of a pointwise row, between its arguments and its loop: operands, conversions, the short way.
#pragma once
#include <algorithm>

#include "base/parallel.h"
#include "iterate/pointwise.h"

namespace rl {

struct alignas(16) Cell {
  char bytes[16];
};

inline Loop loop_of(const PointwiseRow& row, DType d) { return (*row.loops)[static_cast<int>(d)]; }

inline bool takes_part(const PointwiseRow& row, int k) { return !(row.bool_inputs >> k & 1); }

inline DType output_dtype(const PointwiseRow& row, DType d) {
  switch (row.output) {
    case Output::Bool: return DType::Bool;
    case Output::Real: return real_of(d);
    case Output::Complex: return complex_of(d);
    default: return d;
  }
}

// What the loop computes in for a result of dtype d: 16-bit parts compute as float and are rounded once, at the store.
inline DType compute_dtype(const PointwiseRow& row, DType d) {
  if (!is_narrow(d) || loop_of(row, d)) return d;
  const bool half_complex = d == DType::Complex32 || output_dtype(row, d) == DType::Complex32;
  const bool computed = half_complex ? row.half_complex : row.output != Output::Complex;  // no dtype has bfloat16 parts
  return computed ? wide_of(d) : d;
}

// Whether number k goes into the loop as it is, not rounded to the narrow dtype d first: no factor does.
inline bool stays_exact(const PointwiseRow& row, int k, DType d) {
  return d != DType::Complex32 && (k == row.exact_number || (k >= row.inputs && !row.checks_scalars));
}

// Operands of other dtypes pass through buffers that stay in the first-level cache: no converted copy of a tensor is
// made.
struct Converting {
  static constexpr int64_t kTile = 256;
  Loop loop;
  int n;
  Loop casts[kMaxOperands] = {};  // to the loop's dtype; [0]: from it, into the output
  int64_t itemsize[kMaxOperands] = {};
  Loop narrow = nullptr, widen = nullptr;  // to the narrow dtype and back, for operands that are wider than the result
  int64_t narrow_size = 0;
  bool rounds[kMaxOperands] = {};

  static void call(const void* self, char* const* data, const int64_t* strides, int64_t n) {
    static_cast<const Converting*>(self)->run(data, strides, n);
  }
  void round(char* wide, int64_t n) const {
    alignas(64) char rounded[kTile * 4];
    char *down[2] = {rounded, wide}, *up[2] = {wide, rounded};
    const int64_t down_steps[2] = {narrow_size, 2 * narrow_size}, up_steps[2] = {2 * narrow_size, narrow_size};
    narrow(down, down_steps, n);
    widen(up, up_steps, n);
  }
  void run(char* const* data, const int64_t* strides, int64_t total) const {
    alignas(64) char buffers[kMaxOperands][kTile * sizeof(Cell)];
    for (int64_t from = 0; from < total; from += kTile) {
      int64_t count = std::min(kTile, total - from);
      char* at[kMaxOperands];
      int64_t step[kMaxOperands];
      for (int k = 0; k < n; ++k) {
        at[k] = data[k] + from * strides[k];
        step[k] = strides[k];
        if (!casts[k]) continue;
        if (k) {
          char* pair[2] = {buffers[k], at[k]};
          int64_t steps[2] = {itemsize[k], strides[k]};
          casts[k](pair, steps, strides[k] ? count : 1);
          if (rounds[k]) round(buffers[k], strides[k] ? count : 1);
        }
        at[k] = buffers[k];
        step[k] = strides[k] || !k ? itemsize[k] : 0;
      }
      loop(at, step, count);
      if (!casts[0]) continue;
      char* pair[2] = {data[0] + from * strides[0], buffers[0]};
      int64_t steps[2] = {strides[0], itemsize[0]};
      casts[0](pair, steps, count);
    }
  }
};

inline Loop cast_loop(DType to, DType from) {
  return picked_level_tables().cast[static_cast<int>(to)][static_cast<int>(from)];
}

// Everything of the operands of one call once shapes and dtypes are settled.
struct PointwiseCall {
  Dims sizes;
  Operand operands[kMaxOperands];
  Cell cells[kMaxOperands];
  Converting converting;
  DType computed;  // dtype of what the loop writes
  bool converts = false;
  int n = 1;

  PointwiseCall(const PointwiseRow& row, Span<const Arg> args, DType arithmetic) {
    DType compute = compute_dtype(row, arithmetic);
    converting.loop = loop_of(row, compute);
    computed = output_dtype(row, compute);
    if (compute != arithmetic) {
      converting.narrow = cast_loop(arithmetic, compute);
      converting.widen = cast_loop(compute, arithmetic);
      converting.narrow_size = static_cast<int64_t>(size_of(arithmetic));
    }
    for (int k = 0; k < args.n; ++k) {
      const Arg& a = args[k];
      DType want = takes_part(row, k) || k >= row.inputs ? compute : DType::Bool;
      const bool number = !a.tensor || a.tensor->ndim == 0;
      const bool rounds = compute != arithmetic && want == compute && !(number && stays_exact(row, k, arithmetic));
      if (!a.tensor) {
        a.number.store(want, cells[k].bytes);
        if (rounds) converting.round(cells[k].bytes, 1);
        operands[n++] = Operand::cell(cells[k].bytes);
        continue;
      }
      const Tensor* x = a.tensor;
      converting.rounds[n] = rounds && x->dtype != arithmetic;
      if (x->dtype != want || converting.rounds[n]) convert_operand(n, want, x->dtype, size_of(want));
      sizes = first ? Dims(x->sizes()) : broadcast_sizes(sizes, x->sizes(), row.name);
      first = false;
      operands[n++] = Operand::of(x);
    }
  }
  void convert_operand(int k, DType to, DType from, size_t itemsize) {
    converting.casts[k] = cast_loop(to, from);
    converting.itemsize[k] = static_cast<int64_t>(itemsize);
    converts = true;
  }
  void run(Tensor* out) {
    operands[0] = Operand::of(out);
    if (out->dtype != computed) convert_operand(0, out->dtype, computed, size_of(computed));
    converting.n = n;
    const Plan plan(sizes, Span<const Operand>(operands, n));
    if (converts) {
      plan.run(Inner{Converting::call, &converting});
    } else {
      plan.run(converting.loop);
    }
  }

 private:
  bool first = true;
};

// Raises where the row's result looks like one of its operands, and the call's has another shape.
void check_like(const PointwiseRow& row, Span<const Arg> args, const PointwiseCall& call);
// Where the result is: on the CPU unless an operand lives elsewhere.
DeviceId call_device(Span<const Arg> args);
DType dtype_of_result(const PointwiseRow& row, Span<const Arg> args, DType arithmetic);

// The commonest call: contiguous tensors of one dtype and shape, with numbers and 0-d tensors that do not change the
// dtype. Checked and laid out for the loop in one pass.
struct SameLayout {
  const Tensor* lead = nullptr;  // whose shape the result has, and whose dtype the loop
  int n = 1;
  char* data[kMaxOperands];
  int64_t strides[kMaxOperands];
  Cell cells[kMaxOperands];

  bool fits(const PointwiseRow& row, Span<const Arg> args) {
    if (row.bool_inputs) return false;
    lead = args[0].tensor;
    if (!lead || lead->ndim == 0)
      for (int k = 1; k < row.inputs; ++k)
        if (const Tensor* x = args[k].tensor; x && (!lead || lead->ndim == 0)) lead = x;
    if (!lead || !lead->contiguous() || lead->device.type != DeviceType::Cpu) return false;
    if (row.like >= 0 && args[row.like].tensor->ndim != lead->ndim) return false;
    const Category category = category_of(lead->dtype);
    if (row.integers_to_float && category < Category::Floating) return false;
    const int64_t itemsize = static_cast<int64_t>(size_of(lead->dtype));
    for (const Arg& a : args) {
      if (const Tensor* x = a.tensor) {
        if (x != lead && !like_lead(x)) return false;
        data[n] = x->storage->data + x->offset * itemsize;
        strides[n] = x->ndim == 0 && lead->ndim ? 0 : itemsize;
      } else {
        if (!takes_number(row, a.number, n > row.inputs, category)) return false;
        a.number.store(lead->dtype, cells[n].bytes);
        data[n] = cells[n].bytes;
        strides[n] = 0;
      }
      ++n;
    }
    return true;
  }

  void run(Tensor* out, Loop loop) {
    data[0] = out->data();
    strides[0] = static_cast<int64_t>(size_of(out->dtype));
    const int64_t total = lead->numel;
    if (total > kGrain) return run_in_parallel(loop);
    if (total) loop(data, strides, total);
  }

 private:
  bool like_lead(const Tensor* x) const {
    if (x->dtype != lead->dtype || x->device != lead->device) return false;
    return x->ndim == 0 || (x->contiguous() && x->sizes() == lead->sizes());
  }
  bool takes_number(const PointwiseRow& row, const Scalar& number, bool factor, Category category) const {
    if (number.category > category || (row.fitting && lead->dtype == DType::Bool)) return false;
    const bool certain = (factor ? number.is_byte() : number.is_small()) ||
                         (number.category == Category::Floating && number.fits(lead->dtype));
    if ((factor || row.fitting) && !certain) return false;
    return number.category != Category::Bool || !(factor ? row.checks_scalars : row.dtypes == DtypeRule::NoBool);
  }
  void run_in_parallel(Loop loop) const {
    Unlocked unlocked(lead->numel);
    parallel_for(0, lead->numel, kGrain, [&](int64_t begin, int64_t end) {
      char* at[kMaxOperands];
      for (int k = 0; k < n; ++k) at[k] = data[k] + begin * strides[k];
      loop(at, strides, end - begin);
    });
  }
};

}  // namespace rl
