// Average and adaptive pooling: the rows around cpu/pool.h.
#include "cpu/pool.h"
#include "cpu/rows/by_dtype.h"
#include "cpu/rows/spatial.h"
#include "device/create.h"
#include "gen/ops/pooling.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

struct Pooling {
  cpu::PoolShape shape;
  Dims out;
};

void check_input(const char* op, DimSpan input) {
  RL_CHECK(input.n >= 3 && input.n <= 5, Runtime,
           "%s: expected a tensor (N, C, ...) with 1 to 3 spatial dimensions, got shape %s", op,
           to_string(input).c_str());
  for (int i = 1; i < input.n; ++i)
    RL_CHECK(input[i] > 0, Runtime, "%s: only the batch may be empty, got an input of shape %s", op,
             to_string(input).c_str());
}

Pooling describe(const char* op, DimSpan input, DimSpan kernel, DimSpan stride, DimSpan padding, bool ceil_mode) {
  check_input(op, input);
  const int spatial = input.n - 2;
  check_each(op, "kernel_size", kernel, spatial, 1);
  check_each(op, "stride", stride, spatial, 1);
  check_each(op, "padding", padding, spatial, 0);
  Pooling p{{.planes = input[0] * input[1]}, {input[0], input[1]}};
  for (int i = 0; i < spatial; ++i) {
    RL_CHECK(padding[i] <= kernel[i] / 2, Runtime, "%s: padding %s must be at most half of kernel_size %s", op,
             to_string(padding).c_str(), to_string(kernel).c_str());
    p.out.push_back(cpu::pool_out(input[2 + i], kernel[i], stride[i], padding[i], 1, ceil_mode));
    RL_CHECK(p.out.back() > 0, Runtime,
             "%s: a window of kernel_size %s with padding %s does not fit into an input of shape %s", op,
             to_string(kernel).c_str(), to_string(padding).c_str(), to_string(input).c_str());
  }
  fill_from_back(spatial_sizes(input), p.shape.in);
  fill_from_back(kernel, p.shape.kernel);
  fill_from_back(spatial_sizes(p.out), p.shape.out);
  fill_from_back(stride, p.shape.stride);
  fill_from_back(padding, p.shape.padding);
  return p;
}

Pooling describe_adaptive(const char* op, DimSpan input, DimSpan output) {
  check_input(op, input);
  check_each(op, "output_size", output, input.n - 2, 0);
  Pooling p{{.planes = input[0] * input[1]}, {input[0], input[1]}};
  for (int64_t size : output) p.out.push_back(size);
  fill_from_back(spatial_sizes(input), p.shape.in);
  fill_from_back(output, p.shape.out);
  return p;
}

void check_gradient(const char* op, In g, const Dims& out) {
  RL_CHECK(g->sizes() == DimSpan(out), Runtime, "%s: the gradient has shape %s, but the pooled result has shape %s", op,
           shape_of(g).c_str(), to_string(out).c_str());
}

}  // namespace

namespace kernels {

Ref avg_pool(In input, DimSpan kernel, DimSpan stride, DimSpan padding, bool ceil_mode, bool count_include_pad,
             int64_t divisor_override) {
  const Pooling p = describe("avg_pool", input->sizes(), kernel, stride, padding, ceil_mode);
  Ref y = rl::empty(p.out, input->dtype, input->device);
  if (!has_memory(y.get())) return y;
  const Ref x = as_contiguous(input);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(y->numel * product(kernel));
    cpu::avg_pool<T>(p.shape, count_include_pad, divisor_override, x->data_as<T>(), y->data_as<T>());
  };
  if (y->dtype == DType::Int64)
    run(int64_t());
  else
    by_floating("avg_pool", y->dtype, run);
  return y;
}

Ref avg_pool_grad(In g, DimSpan input, DimSpan kernel, DimSpan stride, DimSpan padding, bool ceil_mode,
                  bool count_include_pad, int64_t divisor_override) {
  const Pooling p = describe("avg_pool_grad", input, kernel, stride, padding, ceil_mode);
  check_gradient("avg_pool_grad", g, p.out);
  Ref dx = rl::empty(input, g->dtype, g->device);
  if (!has_memory(dx.get())) return dx;
  const Ref dy = as_contiguous(g);
  by_floating("avg_pool_grad", dx->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(dx->numel);
    cpu::avg_pool_backward<T>(p.shape, count_include_pad, divisor_override, dy->data_as<T>(), dx->data_as<T>());
  });
  return dx;
}

Ref adaptive_avg_pool(In input, DimSpan output_size) {
  const Pooling p = describe_adaptive("adaptive_avg_pool", input->sizes(), output_size);
  Ref y = rl::empty(p.out, input->dtype, input->device);
  if (!has_memory(y.get())) return y;
  const Ref x = as_contiguous(input);
  by_floating("adaptive_avg_pool", y->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(x->numel);
    cpu::adaptive_avg_pool<T>(p.shape, x->data_as<T>(), y->data_as<T>());
  });
  return y;
}

Ref adaptive_avg_pool_grad(In g, DimSpan input, DimSpan output_size) {
  const Pooling p = describe_adaptive("adaptive_avg_pool_grad", input, output_size);
  check_gradient("adaptive_avg_pool_grad", g, p.out);
  Ref dx = rl::empty(input, g->dtype, g->device);
  if (!has_memory(dx.get())) return dx;
  const Ref dy = as_contiguous(g);
  by_floating("adaptive_avg_pool_grad", dx->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(dx->numel);
    cpu::adaptive_avg_pool_backward<T>(p.shape, dy->data_as<T>(), dx->data_as<T>());
  });
  return dx;
}

std::array<Ref, 2> adaptive_max_pool(In input, DimSpan output_size) {
  const Pooling p = describe_adaptive("adaptive_max_pool", input->sizes(), output_size);
  Ref y = rl::empty(p.out, input->dtype, input->device), at = rl::empty(p.out, DType::Int64, input->device);
  if (!has_memory(y.get())) return {y, at};
  const Ref x = as_contiguous(input);
  by_floating("adaptive_max_pool", y->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(x->numel);
    cpu::adaptive_max_pool<T>(p.shape, x->data_as<T>(), y->data_as<T>(), at->data_as<int64_t>());
  });
  return {y, at};
}

}  // namespace kernels
}  // namespace rl
