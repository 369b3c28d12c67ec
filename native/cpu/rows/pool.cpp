// Max pooling: the rows around cpu/pool.h, and max_pool2d made of them.
#include <algorithm>

#include "cpu/pool.h"
#include "cpu/rows/by_dtype.h"
#include "cpu/rows/elements.h"
#include "cpu/rows/spatial.h"
#include "device/create.h"
#include "gen/ops/nn.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

void check_planes(const char* op, DimSpan sizes) {
  RL_CHECK(sizes.n >= 3 && sizes.n <= 5, Runtime,
           "%s: expected a tensor (N, C, ...) with 1 to 3 spatial dimensions, got shape %s", op,
           to_string(sizes).c_str());
}

// An index is a place in the input's plane; one outside would read or write foreign memory.
void check_indices(const char* op, const Tensor* indices, int64_t plane) {
  const int64_t* at = indices->data_as<int64_t>();
  uint64_t highest = 0;
  for (int64_t i = 0; i < indices->numel; ++i) highest = std::max(highest, static_cast<uint64_t>(at[i]));
  RL_CHECK(indices->numel == 0 || highest < static_cast<uint64_t>(plane), Runtime,
           "%s: index %lld lies outside the input's plane of %lld elements", op, (long long)highest, (long long)plane);
}

void check_pair(const char* op, In x, In indices) {
  RL_CHECK(indices->dtype == DType::Int64, Runtime, "%s: expected indices of dtype int64, got %s", op,
           name_of(indices->dtype));
  RL_CHECK(x->device.type == indices->device.type, Runtime, "%s: the tensor is on %s but the indices are on %s", op,
           name_of(x->device), name_of(indices->device));
}

}  // namespace

namespace kernels {

std::array<Ref, 2> max_pool(In input, DimSpan kernel, DimSpan stride, DimSpan padding, DimSpan dilation,
                            bool ceil_mode) {
  const char* op = "max_pool";
  const DimSpan sizes = input->sizes();
  check_planes(op, sizes);
  const int spatial = sizes.n - 2;
  for (int i = 1; i < sizes.n; ++i)
    RL_CHECK(sizes[i] > 0, Runtime, "%s: only the batch may be empty, got an input of shape %s", op,
             shape_of(input).c_str());
  check_each(op, "kernel_size", kernel, spatial, 1);
  check_each(op, "stride", stride, spatial, 1);
  check_each(op, "padding", padding, spatial, 0);
  check_each(op, "dilation", dilation, spatial, 1);

  cpu::PoolShape s{.planes = sizes[0] * sizes[1]};
  Dims out = {sizes[0], sizes[1]};
  for (int i = 0; i < spatial; ++i) {
    RL_CHECK(padding[i] <= kernel[i] / 2, Runtime, "%s: padding %s must be at most half of kernel_size %s", op,
             to_string(padding).c_str(), to_string(kernel).c_str());
    out.push_back(cpu::pool_out(sizes[2 + i], kernel[i], stride[i], padding[i], dilation[i], ceil_mode));
    RL_CHECK(out.back() > 0, Runtime,
             "%s: a window of kernel_size %s with dilation %s and padding %s does not fit into an input of shape %s",
             op, to_string(kernel).c_str(), to_string(dilation).c_str(), to_string(padding).c_str(),
             shape_of(input).c_str());
  }
  fill_from_back(spatial_sizes(sizes), s.in);
  fill_from_back(kernel, s.kernel);
  fill_from_back(spatial_sizes(out), s.out);
  fill_from_back(stride, s.stride);
  fill_from_back(padding, s.padding);
  fill_from_back(dilation, s.dilation);

  const DType computed = is_integral(input->dtype) ? DType::Int64 : input->dtype;
  Ref values = rl::empty(out, computed, input->device), indices = rl::empty(out, DType::Int64, input->device);
  if (!has_memory(input)) return {as_dtype(values.get(), input->dtype), indices};
  const Ref x = as_contiguous(as_dtype(input, computed).get());
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(values->numel * product(kernel));
    cpu::max_pool<T>(s, x->data_as<T>(), values->data_as<T>(), indices->data_as<int64_t>());
  };
  if (computed == DType::Int64)
    run(int64_t());
  else
    by_floating(op, computed, run);
  return {as_dtype(values.get(), input->dtype), indices};
}

Ref max_pool_grad(In g, DimSpan input, In indices) {
  const char* op = "max_pool_grad";
  check_planes(op, input);
  check_pair(op, g, indices);
  RL_CHECK(g->sizes() == indices->sizes() && g->ndim == input.n && g->size(0) == input[0] && g->size(1) == input[1],
           Runtime, "%s: a gradient of shape %s with indices of shape %s does not fit an input of shape %s", op,
           shape_of(g).c_str(), shape_of(indices).c_str(), to_string(input).c_str());
  Ref dx = rl::empty(input, g->dtype, g->device);
  if (!has_memory(dx.get())) return dx;
  const Ref dy = as_contiguous(g), at = as_contiguous(indices);
  const int64_t plane = product(spatial_sizes(input));
  check_indices(op, at.get(), plane);
  by_floating(op, dx->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(dx->numel);
    cpu::max_pool_backward<T>(input[0] * input[1], plane, product(spatial_sizes(g->sizes())), dy->data_as<T>(),
                              at->data_as<int64_t>(), dx->data_as<T>());
  });
  return dx;
}

Ref max_pool_take(In input, In indices) {
  const char* op = "max_pool_take";
  check_planes(op, input->sizes());
  check_pair(op, input, indices);
  RL_CHECK(indices->ndim == input->ndim && indices->size(0) == input->size(0) && indices->size(1) == input->size(1),
           Runtime, "%s: indices of shape %s do not fit an input of shape %s", op, shape_of(indices).c_str(),
           shape_of(input).c_str());
  Ref y = rl::empty(indices->sizes(), input->dtype, input->device);
  if (!has_memory(y.get())) return y;
  const Ref x = as_contiguous(input), index = as_contiguous(indices);
  const int64_t in = product(spatial_sizes(input->sizes())), out = product(spatial_sizes(y->sizes()));
  check_indices(op, index.get(), in);
  with_bytes_of(y->dtype, [&](auto bytes) {
    using T = decltype(bytes);
    const T* from = reinterpret_cast<const T*>(x->data());
    T* to = reinterpret_cast<T*>(y->data());
    const int64_t* at = index->data_as<int64_t>();
    Unlocked unlocked(y->numel);
    for (int64_t i = 0; i < y->numel; ++i) to[i] = from[i / out * in + at[i]];
  });
  return y;
}

}  // namespace kernels

namespace compose {

Ref max_pool2d(In input, DimSpan kernel_size, DimSpan stride, DimSpan padding, DimSpan dilation, bool ceil_mode) {
  const char* op = "max_pool2d";
  RL_CHECK(input->ndim == 3 || input->ndim == 4, Runtime,
           "%s: expected an input (N, C, H, W) or (C, H, W), got shape %s", op, shape_of(input).c_str());
  const Dims kernel = for_each_dimension(op, "kernel_size", kernel_size, 2);
  const Dims step = stride.n ? for_each_dimension(op, "stride", stride, 2) : kernel;
  Ref x = input->ndim == 4 ? Ref::retain(input.mutable_tensor()) : ops::unsqueeze(input, 0);
  Ref y = ops::_max_pool(x, kernel, step, for_each_dimension(op, "padding", padding, 2),
                         for_each_dimension(op, "dilation", dilation, 2), ceil_mode)[0];
  return input->ndim == 4 ? y : ops::squeeze(y, Dims{0});
}

}  // namespace compose
}  // namespace rl
