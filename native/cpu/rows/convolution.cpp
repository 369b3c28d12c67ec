// Convolution: the rows around cpu/conv.h, and conv1d to conv3d made of them.
#include "cpu/conv.h"
#include "cpu/rows/by_dtype.h"
#include "cpu/rows/spatial.h"
#include "device/create.h"
#include "gen/ops/creation.h"
#include "gen/ops/indexing.h"
#include "gen/ops/nn.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

struct Steps {
  DimSpan stride, padding, dilation;
  int64_t groups;
};

struct Convolution {
  cpu::ConvShape shape;
  Dims out;  // sizes of the result
};

void check_channels(const char* op, DimSpan input, DimSpan weight, int64_t groups) {
  RL_CHECK(groups > 0, Runtime, "%s: groups must be at least 1, got %lld", op, (long long)groups);
  RL_CHECK(weight[0] >= groups && weight[0] % groups == 0, Runtime,
           "%s: a weight of shape %s has %lld output channels, which do not divide into %lld groups", op,
           to_string(weight).c_str(), (long long)weight[0], (long long)groups);
  RL_CHECK(
      input[1] == weight[1] * groups, Runtime,
      "%s: input %s does not fit weight %s with groups=%lld, which takes %lld channels in dimension 1 of (N, C, ...)",
      op, marked(input, 1).c_str(), marked(weight, 1).c_str(), (long long)groups, (long long)(weight[1] * groups));
}

Convolution describe(const char* op, DimSpan input, DimSpan weight, const Steps& steps) {
  const int spatial = input.n - 2;
  RL_CHECK(spatial >= 1 && spatial <= 3 && weight.n == input.n, Runtime,
           "%s: expected an input (N, C, ...) and a weight (K, C / groups, ...) with as many spatial dimensions, 1 to "
           "3; got shapes %s and %s",
           op, to_string(input).c_str(), to_string(weight).c_str());
  check_each(op, "stride", steps.stride, spatial, 1);
  check_each(op, "padding", steps.padding, spatial, 0);
  check_each(op, "dilation", steps.dilation, spatial, 1);
  check_each(op, "the kernel's size", spatial_sizes(weight), spatial, 1);
  check_channels(op, input, weight, steps.groups);

  Convolution c;
  c.shape = {.n = input[0], .c = input[1], .k = weight[0], .groups = steps.groups};
  c.out = {input[0], weight[0]};
  for (int i = 0; i < spatial; ++i) {
    const int64_t in = input[2 + i], kernel = weight[2 + i], reach = steps.dilation[i] * (kernel - 1) + 1;
    RL_CHECK(
        in > 0 && in + 2 * steps.padding[i] >= reach, Runtime,
        "%s: a kernel of size %s with dilation %s reaches over %lld elements, more than there are in input %s with "
        "padding %s; give more padding, or a larger input",
        op, marked(spatial_sizes(weight), i).c_str(), to_string(steps.dilation).c_str(), (long long)reach,
        marked(input, 2 + i).c_str(), to_string(steps.padding).c_str());
    c.out.push_back(cpu::conv_out(in, kernel, steps.stride[i], steps.padding[i], steps.dilation[i]));
  }
  fill_from_back(spatial_sizes(input), c.shape.in);
  fill_from_back(spatial_sizes(weight), c.shape.kernel);
  fill_from_back(spatial_sizes(c.out), c.shape.out);
  fill_from_back(steps.stride, c.shape.stride);
  fill_from_back(steps.padding, c.shape.padding);
  fill_from_back(steps.dilation, c.shape.dilation);
  return c;
}

void check_gradient(const char* op, In g, const Dims& out) {
  RL_CHECK(g->sizes() == DimSpan(out), Runtime,
           "%s: the gradient has shape %s, but the convolution's result has shape %s", op, shape_of(g).c_str(),
           to_string(out).c_str());
}

int64_t work_of(const cpu::ConvShape& s) {
  int64_t work = s.n * s.k * (s.c / s.groups);
  for (int i = 0; i < 3; ++i) work *= s.out[i] * s.kernel[i];
  return work;
}

}  // namespace

namespace kernels {

Ref convolution(In input, In weight, In bias, DimSpan stride, DimSpan padding, DimSpan dilation, int64_t groups) {
  const char* op = "convolution";
  const Convolution c = describe(op, input->sizes(), weight->sizes(), {stride, padding, dilation, groups});
  check_same(op, "input", input, "weight", weight);
  if (bias.tensor()) {
    check_same(op, "input", input, "bias", bias);
    RL_CHECK(
        bias->ndim == 1 && bias->size(0) == weight->size(0), Runtime,
        "%s: the bias must have one value for each of the %lld output channels of a weight of shape %s, got shape %s",
        op, (long long)weight->size(0), shape_of(weight).c_str(), shape_of(bias).c_str());
  }
  bool apart = false;
  for (int64_t d : dilation) apart |= d != 1;
  if (input->dtype == DType::Bool || (apart && category_of(input->dtype) == Category::Integral))
    no_kernel(op, input->dtype);  // as PyTorch, which spreads windows over floats alone
  Ref y = rl::empty(c.out, input->dtype, input->device);
  if (!has_memory(y.get())) return y;
  const Ref x = as_contiguous(input), w = as_contiguous(weight), b = bias.tensor() ? as_contiguous(bias) : Ref();
  by_arithmetic(op, y->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(work_of(c.shape));
    cpu::conv_forward<T>(c.shape, x->data_as<T>(), w->data_as<T>(), b ? b->data_as<T>() : nullptr, y->data_as<T>());
  });
  return y;
}

Ref convolution_input_grad(In g, DimSpan input, In weight, DimSpan stride, DimSpan padding, DimSpan dilation,
                           int64_t groups) {
  const char* op = "convolution_input_grad";
  const Convolution c = describe(op, input, weight->sizes(), {stride, padding, dilation, groups});
  check_gradient(op, g, c.out);
  check_same(op, "the gradient", g, "weight", weight);
  Ref dx = rl::empty(input, g->dtype, g->device);
  if (!has_memory(dx.get())) return dx;
  const Ref dy = as_contiguous(g), w = as_contiguous(weight);
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(work_of(c.shape));
    cpu::conv_backward_input<T>(c.shape, dy->data_as<T>(), w->data_as<T>(), dx->data_as<T>());
  };
  if (dx->dtype == DType::Int64)  // as a transposed convolution
    run(int64_t());
  else
    by_inexact(op, dx->dtype, run);
  return dx;
}

Ref convolution_weight_grad(In g, In input, DimSpan weight, DimSpan stride, DimSpan padding, DimSpan dilation,
                            int64_t groups) {
  const char* op = "convolution_weight_grad";
  const Convolution c = describe(op, input->sizes(), weight, {stride, padding, dilation, groups});
  check_gradient(op, g, c.out);
  check_same(op, "the gradient", g, "input", input);
  Ref dw = rl::empty(weight, g->dtype, g->device);
  if (!has_memory(dw.get())) return dw;
  const Ref dy = as_contiguous(g), x = as_contiguous(input);
  by_inexact(op, dw->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(work_of(c.shape));
    cpu::conv_backward_weight<T>(c.shape, x->data_as<T>(), dy->data_as<T>(), dw->data_as<T>());
  });
  return dw;
}

}  // namespace kernels

namespace compose {
namespace {

// Zeros behind the input along one dimension.
Ref padded_behind(Ref x, int dim, int64_t count) {
  Dims sizes(x->sizes());
  sizes[dim] = count;
  const std::vector<Ref> parts = {x, ops::zeros(sizes, Options{x->dtype, x->device})};
  return ops::cat(Tensors(parts), dim);
}

// What a kernel covers besides the middle is split to both sides; an odd one goes behind.
Dims same_padding(const char* op, Ref& x, DimSpan kernel, DimSpan stride, DimSpan dilation) {
  Dims padding;
  for (int i = 0; i < kernel.n; ++i) {
    RL_CHECK(stride[i] == 1, Runtime, "%s: padding='same' needs a stride of 1, got %s; give the padding in numbers", op,
             to_string(stride).c_str());
    const int64_t total = dilation[i] * (kernel[i] - 1);
    if (total % 2) x = padded_behind(x, 2 + i, 1);
    padding.push_back(total / 2);
  }
  return padding;
}

Ref conv(const char* op, int spatial, In input, In weight, In bias, DimSpan stride_given, const Padding& padding_given,
         DimSpan dilation_given, int64_t groups) {
  const bool batched = input->ndim == spatial + 2;
  RL_CHECK(batched || input->ndim == spatial + 1, Runtime,
           "%s: expected an input of %d dimensions (N, C, ...) or %d (C, ...), got shape %s; .unsqueeze(0) adds a "
           "missing batch or channel dimension",
           op, spatial + 2, spatial + 1, shape_of(input).c_str());
  RL_CHECK(weight->ndim == spatial + 2, Runtime,
           "%s: expected a weight of %d dimensions (K, C / groups, ...), got shape %s", op, spatial + 2,
           shape_of(weight).c_str());
  const Dims stride = for_each_dimension(op, "stride", stride_given, spatial),
             dilation = for_each_dimension(op, "dilation", dilation_given, spatial);
  Ref x = batched ? Ref::retain(input.mutable_tensor()) : ops::unsqueeze(input, 0);
  Dims padding(spatial);
  if (padding_given.rule == Padding::Rule::Same)
    padding = same_padding(op, x, spatial_sizes(weight->sizes()), stride, dilation);
  else if (padding_given.rule == Padding::Rule::Numbers)
    padding = for_each_dimension(op, "padding", padding_given.sizes, spatial);
  Ref y = ops::_convolution(x, weight, bias, stride, padding, dilation, groups);
  return batched ? y : ops::squeeze(y, Dims{0});
}

}  // namespace

Ref conv1d(In input, In weight, In bias, DimSpan stride, const Padding& padding, DimSpan dilation, int64_t groups) {
  return conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups);
}
Ref conv2d(In input, In weight, In bias, DimSpan stride, const Padding& padding, DimSpan dilation, int64_t groups) {
  return conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups);
}
Ref conv3d(In input, In weight, In bias, DimSpan stride, const Padding& padding, DimSpan dilation, int64_t groups) {
  return conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups);
}

Ref convolution_bias_grad(In g) {
  Dims dims;
  for (int i = 0; i < g->ndim; ++i)
    if (i != 1) dims.push_back(i);
  return ops::sum(g, dims);
}

}  // namespace compose
}  // namespace rl
