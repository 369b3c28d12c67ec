// The order of a tensor's dimensions in memory: row-major, or channels last.
#pragma once
#include "autograd/arguments.h"

namespace rl {

// is_contiguous(memory_format=): whether the elements stand in memory as that format orders them.
bool has_format(const Tensor* x, MemoryFormat format);
// Dense strides of the format; an error where it wants another number of dimensions.
Dims format_strides(DimSpan sizes, MemoryFormat format);
// Uninitialised; Preserve has nothing to preserve here, and is row-major.
Ref empty_in_format(DimSpan sizes, MemoryFormat format, DType dtype, DeviceId device);

}  // namespace rl
