// The normalisations made of rows: their gradients for second derivatives, and the public forms.
#include "autograd/forward.h"
#include "cpu/rows/norm_shapes.h"
#include "gen/ops/arrange.h"
#include "gen/ops/norm.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"

namespace rl {
namespace {

Ref held(In x) { return Ref::retain(x.mutable_tensor()); }
Ref widened(In x) { return x.tensor() && is_narrow(x->dtype) ? ops::_to_copy(x, wide_of(x->dtype)) : held(x); }

Ref narrowed(const Ref& x, DType dtype) { return x->dtype == dtype ? x : ops::_to_copy(x, dtype); }

Dims numbered(int first, int last) {
  Dims dims;
  for (int d = first; d < last; ++d) dims.push_back(d);
  return dims;
}

struct Standard {
  Ref normal, rstd;  // (x - mean) * rstd, over some dimensions
};

Standard standardised(In x, const Dims& dims, double eps, bool centered) {
  const Ref apart = centered ? ops::sub(Arg(x), ops::mean(x, dims, true)) : held(x);
  const Ref variance = ops::mean(ops::mul(apart, apart), dims, true);
  const Ref rstd = ops::rsqrt(ops::add(variance, Scalar(eps)));
  return {ops::mul(apart, rstd), rstd};
}

// g: the gradient of the normalised values.
Ref through(const Standard& s, In g, const Dims& dims, bool centered) {
  Ref rest = ops::sub(Arg(g), ops::mul(s.normal, ops::mean(ops::mul(Arg(g), s.normal), dims, true)));
  if (centered) rest = ops::sub(rest, ops::mean(g, dims, true));
  return ops::mul(s.rstd, rest);
}

// What follows from normal values that are scaled and shifted: x seen as `sizes`, normalised over `dims`; weight seen
// as `scale_sizes`, which are 1 over `summed`.
struct Affine {
  Dims sizes, dims, scale_sizes, summed;
};

Ref seen(In x, const Dims& sizes) { return x.tensor() ? ops::reshape(widened(x), sizes) : Ref(); }

std::array<Ref, 3> affine_gradients(const Affine& a, In g, In weight, DimSpan weight_sizes, DimSpan input_sizes,
                                    const Standard& s, bool constant, bool centered, int64_t need) {
  const Ref dy = seen(g, a.sizes), w = seen(weight, a.scale_sizes);
  const auto collected = [&](const Ref& x) {
    return ops::reshape(a.summed.empty() ? x : ops::sum(x, a.summed, true), weight_sizes);
  };
  std::array<Ref, 3> found;
  if (need & 1) {
    const Ref scaled = w ? ops::mul(dy, w) : dy;
    // With constants it does not depend on the input, whose second derivative is 0, not missing.
    const Ref dx = constant ? ops::_linked(ops::mul(scaled, s.rstd), s.normal) : through(s, scaled, a.dims, centered);
    found[0] = ops::reshape(dx, input_sizes);
  }
  if (need & 2) found[1] = collected(ops::mul(dy, s.normal));
  if (need & 4) found[2] = collected(dy);
  const DType parameters = weight.tensor() ? weight->dtype : g->dtype;
  for (int k = 0; k < 3; ++k)
    if (found[k]) found[k] = narrowed(found[k], k == 0 ? g->dtype : parameters);
  return found;
}

std::array<Ref, 3> row_gradients(const char* op, In g, In input, DimSpan normalized_shape, In weight, double eps,
                                 bool centered, int64_t need) {
  const int before = input->ndim - normalized_shape.n;
  rows_before(op, input->sizes(), normalized_shape);
  const Affine a = {Dims(input->sizes()), numbered(before, input->ndim), Dims(normalized_shape), numbered(0, before)};
  const Standard s = standardised(seen(input, a.sizes), a.dims, eps, centered);
  return affine_gradients(a, g, weight, normalized_shape, input->sizes(), s, false, centered, need);
}

// The running statistics are followed, or taken as constants.
std::array<Ref, 3> batch_normalised(In input, In weight, In bias, In running_mean, In running_var, bool training,
                                    double momentum, double eps) {
  for (In running : {running_mean, running_var})
    RL_CHECK(!running.tensor() || !wants_grad(running), Runtime,
             "batch_norm: running_mean and running_var have no gradients, but one of them requires one; give it "
             ".detach()ed");
  if (!training && any_dual(running_mean, running_var)) no_forward_formula("batch_norm");
  return ops::_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps);
}

}  // namespace

namespace compose {

std::array<Ref, 3> layer_norm_grad_composed(In g, In input, DimSpan normalized_shape, In weight, double eps,
                                            int64_t need) {
  return row_gradients("layer_norm", g, input, normalized_shape, weight, eps, true, need);
}

std::array<Ref, 2> rms_norm_grad_composed(In g, In input, DimSpan normalized_shape, In weight, double eps,
                                          int64_t need) {
  std::array<Ref, 3> found = row_gradients("rms_norm", g, input, normalized_shape, weight, eps, false, need);
  return {found[0], found[1]};
}

std::array<Ref, 3> group_norm_grad_composed(In g, In input, In weight, int64_t N, int64_t C, int64_t HxW, int64_t group,
                                            double eps, int64_t need) {
  const Affine a = {{N, group, C / group, HxW}, {2, 3}, {1, group, C / group, 1}, {0, 3}};
  const Standard s = standardised(seen(input, a.sizes), a.dims, eps, true);
  return affine_gradients(a, g, weight, Dims{C}, input->sizes(), s, false, true, need);
}

std::array<Ref, 3> batch_norm_grad_composed(In g, In input, In mean, In rstd, In weight, bool training, double eps,
                                            int64_t need) {
  const int64_t N = input->size(0), C = input->size(1);
  const Affine a = {{N, C, product(DimSpan(input->sizes().ptr + 2, input->ndim - 2))}, {0, 2}, {1, C, 1}, {0, 2}};
  const Ref x = seen(input, a.sizes);
  Standard s;
  if (training) {
    s = standardised(x, a.dims, eps, true);
  } else {
    s.rstd = seen(rstd, a.scale_sizes);
    s.normal = ops::mul(ops::sub(x, seen(mean, a.scale_sizes)), s.rstd);
  }
  return affine_gradients(a, g, weight, Dims{C}, input->sizes(), s, !training, true, need);
}

Ref layer_norm(In input, DimSpan normalized_shape, In weight, In bias, double eps, bool) {
  return ops::native_layer_norm(input, normalized_shape, weight, bias, eps)[0];
}

Ref rms_norm(In input, DimSpan normalized_shape, In weight, std::optional<double> eps) {
  const DType parts = real_of(input->dtype);
  const double e = eps.value_or(parts == DType::Float64 ? 0x1p-52 : 0x1p-23);
  if (!is_complex(input->dtype)) {
    const Ref fitting = weight.tensor() && weight->dtype != input->dtype && is_floating(weight->dtype)
                            ? ops::_to_copy(weight, input->dtype)
                            : held(weight);
    return ops::_rms_norm(input, normalized_shape, fitting, e)[0];
  }
  rows_before("rms_norm", input->sizes(), normalized_shape);
  const Ref normal = standardised(input, numbered(input->ndim - normalized_shape.n, input->ndim), e, false).normal;
  return weight.tensor() ? ops::mul(normal, Arg(weight)) : normal;
}

Ref group_norm(In input, int64_t num_groups, In weight, In bias, double eps, bool) {
  const char* op = "group_norm";
  RL_CHECK(input->ndim >= 2, Runtime, "%s: expected an input (N, C, ...), got shape %s", op, shape_of(input).c_str());
  const int64_t space = product(DimSpan(input->sizes().ptr + 2, input->ndim - 2));
  return ops::_group_norm(input, weight, bias, input->size(0), input->size(1), space, num_groups, eps)[0];
}

std::array<Ref, 3> native_group_norm(In input, In weight, In bias, int64_t N, int64_t C, int64_t HxW, int64_t group,
                                     double eps) {
  std::array<Ref, 3> found = ops::_group_norm(input, weight, bias, N, C, HxW, group, eps);
  if (!wants_grad(input) && !is_dual(input)) return found;
  const Ref x = seen(input, {N, group, C / group * HxW}), mean = ops::mean(x, Dims{2}, true);
  const Ref apart = ops::sub(x, mean), variance = ops::mean(ops::mul(apart, apart), Dims{2});
  const DType statistics = found[1]->dtype;
  return {found[0], narrowed(ops::view(mean, Dims{N, group}), statistics),
          narrowed(ops::rsqrt(ops::add(variance, Scalar(eps))), statistics)};
}

Ref batch_norm(In input, In weight, In bias, In running_mean, In running_var, bool training, double momentum,
               double eps, bool) {
  if (input->ndim == 1 && input->numel == 0) return ops::clone(input);
  return batch_normalised(input, weight, bias, running_mean, running_var, training, momentum, eps)[0];
}

std::array<Ref, 3> native_batch_norm(In input, In weight, In bias, In running_mean, In running_var, bool training,
                                     double momentum, double eps) {
  std::array<Ref, 3> found = ops::_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps);
  if (!training) {
    for (Ref* statistic : {&found[1], &found[2]}) *statistic = rl::empty(Dims{0}, (*statistic)->dtype, input->device);
  }
  return found;
}

// Batch norm of one sample that has the channels of all.
Ref instance_norm(In input, In weight, In bias, In running_mean, In running_var, bool use_input_stats, double momentum,
                  double eps, bool) {
  const char* op = "instance_norm";
  RL_CHECK(input->ndim >= 2, Runtime, "%s: expected an input (N, C, ...), got shape %s", op, shape_of(input).c_str());
  RL_CHECK(use_input_stats || (running_mean.tensor() && running_var.tensor()), Runtime,
           "%s: without use_input_stats it needs running_mean and running_var", op);
  const int64_t N = input->size(0), C = input->size(1);
  Dims joined(input->sizes());
  joined[0] = 1;
  joined[1] = N * C;
  const auto repeated = [&](In x) { return x.tensor() ? ops::repeat(x, Dims{N}) : Ref(); };
  const Ref mean = repeated(running_mean), variance = repeated(running_var);
  const Ref y = batch_normalised(ops::reshape(input, joined), repeated(weight), repeated(bias), mean, variance,
                                 use_input_stats, momentum, eps)[0];
  if (use_input_stats && N > 0) {
    const auto keep = [&](In running, const Ref& all) {
      if (!all) return;
      ModeGuard plain(kGradOff, 0);
      ops::copy_(running, ops::mean(ops::view(all, Dims{N, C}), Dims{0}));
    };
    keep(running_mean, mean);
    keep(running_var, variance);
  }
  return ops::view(y, input->sizes());
}

}  // namespace compose
}  // namespace rl
