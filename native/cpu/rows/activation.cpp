// Activations that are other rows with constants, and those that take shapes apart.
#include "gen/ops/activation.h"
#include "base/error.h"
#include "cpu/rows/by_dtype.h"
#include "gen/ops/shape.h"

namespace rl::compose {
namespace {

// Constants of G. Klambauer et al., Self-Normalizing Neural Networks (2017).
constexpr double selu_alpha = 1.6732632423543772848170429916717, selu_scale = 1.0507009873554804934193349852946;

Scalar reciprocal_of(const Scalar& alpha) {
  RL_CHECK(alpha.to_double() != 0, Runtime, "celu: alpha must not be 0");
  return Scalar(1 / alpha.to_double());
}

}  // namespace

Ref celu(In input, const Scalar& alpha) { return ops::_celu(input, alpha, Scalar(1.0), reciprocal_of(alpha)); }
Ref celu_(In self, const Scalar& alpha) { return ops::_celu_(self, alpha, Scalar(1.0), reciprocal_of(alpha)); }
Ref selu(In input) { return ops::_elu(input, Scalar(selu_alpha), Scalar(selu_scale), Scalar(1.0)); }
Ref selu_(In self) { return ops::_elu_(self, Scalar(selu_alpha), Scalar(selu_scale), Scalar(1.0)); }

Ref prelu(In input, In weight) {
  check_same("prelu", "input", input, "weight", weight);
  RL_CHECK(weight->ndim <= 1, Runtime, "prelu: expected a weight of 0 or 1 dimensions, got shape %s",
           shape_of(weight).c_str());
  if (weight->numel == 1)
    return ops::_prelu(input, input->ndim ? Ref::retain(weight.mutable_tensor()) : ops::view(weight, Dims{}));
  RL_CHECK(input->ndim > 0, Runtime, "prelu: an input without dimensions takes one slope, got %lld",
           (long long)weight->numel);
  const int64_t channels = input->ndim > 1 ? input->size(1) : 1;
  RL_CHECK(weight->numel == channels, Runtime, "prelu: expected 1 or %lld slopes for an input of shape %s, got %lld",
           (long long)channels, shape_of(input).c_str(), (long long)weight->numel);
  Dims sizes(input->ndim - 1, 1);
  sizes[0] = channels;
  return ops::_prelu(input, ops::view(weight, sizes));
}

Ref glu(In input, int64_t dim) {
  RL_CHECK(input->ndim > 0, Runtime, "glu: expected an input of 1 or more dimensions, got none");
  const int64_t size = input->size(wrap_dim(dim, input->ndim, "glu"));
  RL_CHECK(size % 2 == 0, Runtime, "glu: dimension %lld must have an even size, got shape %s", (long long)dim,
           shape_of(input).c_str());
  return ops::_glu(ops::narrow(input, dim, 0, size / 2), ops::narrow(input, dim, size / 2, size / 2));
}

}  // namespace rl::compose
