#include "cpu/rows/memory_format.h"

#include "device/create.h"

namespace rl {

namespace {

bool row_major(MemoryFormat format) { return format == MemoryFormat::Contiguous || format == MemoryFormat::Preserve; }
int rank_of(MemoryFormat format) { return format == MemoryFormat::ChannelsLast ? 4 : 5; }

// The dimensions from the innermost in memory: channels, the spatial ones from the last, the batch.
SmallVector<int, 5> channels_last_order(int ndim) {
  SmallVector<int, 5> order{1};
  for (int i = ndim - 1; i >= 2; --i) order.push_back(i);
  order.push_back(0);
  return order;
}

}  // namespace

bool has_format(const Tensor* x, MemoryFormat format) {
  if (row_major(format)) return x->contiguous();
  if (x->ndim != rank_of(format)) return false;
  int64_t step = 1;
  for (int d : channels_last_order(x->ndim)) {
    if (x->dims[d] != 1 && x->strides()[d] != step) return false;
    step *= x->dims[d];
  }
  return true;
}

Dims format_strides(DimSpan sizes, MemoryFormat format) {
  if (row_major(format)) return contiguous_strides(sizes);
  int rank = rank_of(format);
  RL_CHECK(sizes.n == rank, Runtime, "memory_format: %s orders tensors of %d dimensions, got sizes %s",
           rank == 4 ? "channels_last" : "channels_last_3d", rank, to_string(sizes).c_str());
  Dims strides(sizes.n);
  int64_t step = 1;
  for (int d : channels_last_order(sizes.n)) {
    strides[d] = step;
    step *= sizes[d] > 1 ? sizes[d] : 1;
  }
  return strides;
}

Ref empty_in_format(DimSpan sizes, MemoryFormat format, DType dtype, DeviceId device) {
  if (row_major(format)) return empty(sizes, dtype, device);
  return empty_strided(sizes, format_strides(sizes, format), dtype, device);
}

}  // namespace rl
