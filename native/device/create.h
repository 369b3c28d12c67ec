// New tensors with memory of their own.
#pragma once
#include "device/device.h"
#include "tensor/tensor.h"

namespace rl {

Storage* allocate_storage(size_t nbytes, DeviceId device);
// Uninitialised, row-major.
Ref empty(DimSpan sizes, DType dtype, DeviceId device = {});
// Uninitialised, with the sizes of `like`, which is contiguous and has memory.
Ref empty_alike(const Tensor* like, DType dtype);
// Uninitialised, dense, with the order of dimensions in memory that `like` has where that is dense.
Ref empty_like(const Tensor* like, DType dtype);
Ref empty_strided(DimSpan sizes, DimSpan strides, DType dtype, DeviceId device = {});
inline bool has_memory(const Tensor* x) { return x->device.type != DeviceType::Meta; }
// Other memory for all who share the storage: what both sizes hold stays. An error where the memory is not ours.
void resize_storage(Storage* s, size_t nbytes, const char* op);
// Gives `x` the shape, row-major; grows its storage where it is too small (old elements stay).
void resize(Tensor* x, DimSpan sizes);

}  // namespace rl
