#include "iterate/reduce.h"

#include <algorithm>

#include "base/parallel.h"
#include "device/create.h"
#include "iterate/pointwise.h"

namespace rl {

namespace {

constexpr int64_t kPart = 1 << 16;  // elements of one part of a split reduction: fixed, so that threads change nothing

struct Split {
  Dims kept_sizes, kept_in, kept_out;  // innermost first; strides in bytes
  Dims sizes, strides;                 // reduced
};

void append(Dims& sizes, Dims& strides, int64_t size, int64_t stride) {
  int last = sizes.size() - 1;
  if (last >= 0 && stride == sizes[last] * strides[last]) {
    sizes[last] *= size;
  } else {
    sizes.push_back(size);
    strides.push_back(stride);
  }
}

Split split_dimensions(const Tensor* x, uint64_t mask, const Tensor* out) {
  Operand in = Operand::of(x);
  int order[kMaxDims];
  memory_order(x->sizes(), Span<const Operand>(&in, 1), order);
  Split s;
  Dims out_strides(x->ndim);
  for (int i = 0, o = 0; i < x->ndim; ++i)
    if (!(mask >> i & 1)) out_strides[i] = out->strides()[o++] * static_cast<int64_t>(size_of(out->dtype));
  for (int i = 0; i < x->ndim; ++i) {
    int d = order[i];
    int64_t size = x->dims[d], stride = x->strides()[d] * in.itemsize;
    if (size == 1) continue;
    if (mask >> d & 1) {
      append(s.sizes, s.strides, size, stride);
      continue;
    }
    int last = s.kept_sizes.size() - 1;
    if (last >= 0 && stride == s.kept_sizes[last] * s.kept_in[last] &&
        out_strides[d] == s.kept_sizes[last] * s.kept_out[last]) {
      s.kept_sizes[last] *= size;
    } else {
      s.kept_sizes.push_back(size);
      s.kept_in.push_back(stride);
      s.kept_out.push_back(out_strides[d]);
    }
  }
  if (s.sizes.empty()) {
    s.sizes.push_back(1);
    s.strides.push_back(in.itemsize);
  }
  if (s.kept_sizes.empty()) {
    s.kept_sizes.push_back(1);
    s.kept_in.push_back(0);
    s.kept_out.push_back(0);
  }
  return s;
}

// One result out of many elements: parts of fixed size, each on whichever thread, combined in order.
void reduce_in_parts(const ReduceKernel& kernel, const ReduceTask& whole) {
  int outer = whole.reduced - 1;
  int64_t below = 1;
  for (int i = 0; i < outer; ++i) below *= whole.sizes[i];
  int64_t chunk = std::max<int64_t>(1, kPart / below), n = whole.sizes[outer], parts = (n + chunk - 1) / chunk;
  char* accumulators = new char[parts * 16];
  parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      Dims sizes(whole.sizes, whole.reduced);
      sizes[outer] = std::min(chunk, n - p * chunk);
      ReduceTask t = whole;
      t.sizes = sizes.data();
      t.in += p * chunk * whole.strides[outer];
      t.out = accumulators + p * 16;
      kernel.run(t, true);
    }
  });
  kernel.finish(accumulators, parts, whole.out, whole.count);
  delete[] accumulators;
}

void run_kernel(const ReduceKernel& kernel, const Tensor* x, uint64_t mask, Tensor* out) {
  Split s = split_dimensions(x, mask, out);
  int64_t count = product(s.sizes), outer = 1;
  for (int i = 1; i < s.kept_sizes.size(); ++i) outer *= s.kept_sizes[i];
  ReduceTask task{x->data(),      out->data(),    s.kept_sizes[0],  s.kept_in[0], s.kept_out[0],
                  s.sizes.size(), s.sizes.data(), s.strides.data(), count};
  if (x->numel <= kGrain && outer == 1) return kernel.run(task, false);
  Unlocked unlocked(x->numel);
  if (out->numel == 1 && count > kPart) return reduce_in_parts(kernel, task);
  int64_t total = outer * task.kept;
  // A multiple of what columns() takes at once, so that every split computes the same sums.
  int64_t grain = std::max<int64_t>(64, (kGrain / std::max<int64_t>(count, 1) + 63) / 64 * 64);
  parallel_for(0, total, grain, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end;) {
      int64_t row = at / task.kept, within = at % task.kept;
      ReduceTask t = task;
      t.kept = std::min(task.kept - within, end - at);
      at += t.kept;
      t.in += within * task.in_stride;
      t.out += within * task.out_stride;
      for (int i = 1; i < s.kept_sizes.size(); ++i) {
        t.in += row % s.kept_sizes[i] * s.kept_in[i];
        t.out += row % s.kept_sizes[i] * s.kept_out[i];
        row /= s.kept_sizes[i];
      }
      kernel.run(t, false);
    }
  });
}

}  // namespace

uint64_t reduced_mask(const Tensor* x, DimSpan dims, const char* op) {
  if (dims.n == 0) return x->ndim == 64 ? ~uint64_t(0) : (uint64_t(1) << x->ndim) - 1;
  uint64_t mask = 0;
  for (int64_t dim : dims) {
    int d = wrap_dim(dim, x->ndim, op);
    RL_CHECK(!(mask >> d & 1), Runtime, "%s: dimension %d stands twice in dim=%s", op, d, to_string(dims).c_str());
    mask |= uint64_t(1) << d;
  }
  return x->ndim ? mask : 0;
}

Dims reduced_sizes(const Tensor* x, uint64_t mask, bool keepdim) {
  Dims sizes;
  for (int i = 0; i < x->ndim; ++i) {
    if (!(mask >> i & 1)) {
      sizes.push_back(x->dims[i]);
    } else if (keepdim) {
      sizes.push_back(1);
    }
  }
  return sizes;
}

Dims kept_sizes(DimSpan input_sizes, uint64_t mask) {
  Dims sizes(input_sizes);
  for (int i = 0; i < sizes.size(); ++i)
    if (mask >> i & 1) sizes[i] = 1;
  return sizes;
}

int64_t reduced_count(DimSpan input_sizes, uint64_t mask) {
  int64_t count = 1;
  for (int i = 0; i < input_sizes.n; ++i)
    if (mask >> i & 1) count *= input_sizes[i];
  return count;
}

static DType reduction_dtype(const ReductionRow& row, const Tensor* x, std::optional<DType> dtype) {
  if (dtype) {
    RL_CHECK(!row.floating_only || is_differentiable(*dtype), Runtime,
             "%s: dtype=%s was asked for, but the result needs a floating or complex dtype", row.name, name_of(*dtype));
    return *dtype;
  }
  RL_CHECK(!row.floating_only || is_differentiable(x->dtype), Runtime,
           "%s: expected a floating or complex tensor, got dtype %s; convert it first, with .float(), or give dtype=",
           row.name, name_of(x->dtype));
  if (row.integers_to_int64 && category_of(x->dtype) <= Category::Integral) return DType::Int64;
  return x->dtype;
}

// Without a neutral value, every reduced dimension needs an element.
static void check_reducible(const Tensor* x, uint64_t mask, bool dims_given, const char* op) {
  RL_CHECK(dims_given, Runtime,
           "%s: a tensor of shape %s has no elements, and no dim says what to reduce; give dim=", op,
           to_string(x->sizes()).c_str());
  for (int d = 0; d < x->ndim; ++d)
    RL_CHECK(!(mask >> d & 1) || x->dims[d] > 0, Index,
             "%s: dimension %d of shape %s has no elements to reduce, and the operation has no neutral value", op, d,
             to_string(x->sizes()).c_str());
}

static void check_kernel(const ReductionRow& row, DType d) {
  RL_CHECK((*row.kernels)[static_cast<int>(d)].run, NotImplemented, "%s: not implemented for tensors of dtype %s",
           row.name, name_of(d));
}

// The commonest call: all of a few contiguous elements, in their own dtype.
static bool is_small_whole(const ReductionRow& row, const Tensor* x, DimSpan dims, bool keepdim, DType d) {
  return dims.n == 0 && !keepdim && x->dtype == d && !row.bool_output && x->contiguous() && has_memory(x) &&
         x->numel > 0 && x->numel <= kGrain && (*row.kernels)[static_cast<int>(d)].run;
}

static Ref reduce_small_whole(const ReductionRow& row, const Tensor* x) {
  Ref out = empty(DimSpan(), x->dtype, x->device);
  int64_t size = x->numel, stride = static_cast<int64_t>(size_of(x->dtype));
  (*row.kernels)[static_cast<int>(x->dtype)].run({x->data(), out->data(), 1, 0, 0, 1, &size, &stride, size}, false);
  return out;
}

Ref reduce(const ReductionRow& row, const Tensor* x, DimSpan dims, bool keepdim, std::optional<DType> dtype) {
  DType d = reduction_dtype(row, x, dtype), given = x->dtype;
  if (is_small_whole(row, x, dims, keepdim, d)) return reduce_small_whole(row, x);
  const uint64_t mask = reduced_mask(x, dims, row.name);
  if (x->numel == 0 && !row.has_start) check_reducible(x, mask, dims.n > 0, row.name);
  if (is_complex(given) && !row.bool_output) check_kernel(row, wide_of(given));
  if (is_narrow(d) && is_floating(d) && !(*row.kernels)[static_cast<int>(d)].run) {
    // 16-bit floats are combined as float and rounded once.
    Ref wide = as_dtype(x, d),
        computed = reduce(row, as_dtype(wide.get(), DType::Float32).get(), dims, keepdim, std::nullopt);
    return row.bool_output ? computed : convert(computed.get(), d);
  }
  if (d == DType::Bool && !(*row.kernels)[static_cast<int>(d)].run)  // whether the whole number is not 0
    return convert(reduce(row, as_dtype(x, d).get(), dims, keepdim, DType::Int64).get(), d);
  if (is_complex(d) && category_of(given) <= Category::Integral && !(*row.kernels)[static_cast<int>(d)].run)
    return convert(reduce(row, x, dims, keepdim, real_of(d)).get(), d);
  if (row.bool_output && dims.ptr && !dims.n) {  // dim=() is no dimension here, and all of them elsewhere
    Ref truth = empty(x->sizes(), DType::Bool, x->device);
    copy_into(truth.get(), x);
    return given == DType::UInt8 ? convert(truth.get(), given) : truth;
  }
  const ReduceKernel& kernel = (*row.kernels)[static_cast<int>(d)];
  check_kernel(row, d);
  Ref converted = as_dtype(x, d);
  x = converted.get();
  Ref out = empty(reduced_sizes(x, mask, false), row.bool_output ? DType::Bool : d, x->device);
  if (!has_memory(x)) {
    if (keepdim) return empty(reduced_sizes(x, mask, true), out->dtype, x->device);
    return out;
  }
  if (x->numel == 0) {
    for (int64_t i = 0; i < out->numel; ++i) kernel.finish(nullptr, 0, out->data() + i * size_of(out->dtype), 0);
  } else {
    run_kernel(kernel, x, mask, out.get());
  }
  if (keepdim) {
    Dims sizes = reduced_sizes(x, mask, true);
    set_layout(out.get(), {sizes, contiguous_strides(sizes), 0});
  }
  // PyTorch's any and all keep uint8, which once stood for bool.
  if (row.bool_output && given == DType::UInt8) return convert(out.get(), DType::UInt8);
  return out;
}

}  // namespace rl
