// Special functions made of other rows.
#include <cmath>

#include "base/error.h"
#include "cpu/rows/write_back.h"
#include "gen/ops/clamp.h"
#include "gen/ops/elementary.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "gen/ops/special.h"
#include "iterate/pointwise.h"

namespace rl::compose {

Ref no_derivative(In) {
  fail(
      ErrorType::Runtime,
      "backward: the derivative of floor_divide (//) is not implemented (it is zero wherever it exists); .detach() the "
      "quotient, or use div(..., rounding_mode='floor'), whose gradient is zero");
}

Ref positive(In input) {
  RL_CHECK(input->dtype != DType::Bool, Runtime, "positive: a bool tensor has no sign; convert it first");
  return Ref::retain(input.mutable_tensor());
}

Ref ldexp(In input, In other) { return ops::mul(input.tensor(), ops::pow(Scalar(2.0), other.tensor())); }
Ref ldexp_(In self, In other) { return ops::mul_(self, ops::pow(Scalar(2.0), other.tensor())); }

namespace {

Arg in_float64(const Arg& a, Ref* kept) {
  if (!a.tensor) return Scalar(a.number.to_double());
  *kept = a.tensor->dtype == DType::Float64 ? Ref::retain(const_cast<Tensor*>(a.tensor))
                                            : ops::_to_copy(a.tensor, DType::Float64);
  return Arg(*kept);
}

}  // namespace

Ref float_power(const Arg& input, const Arg& exponent) {
  Ref base, power;
  return ops::pow(in_float64(input, &base), in_float64(exponent, &power));
}
Ref float_power_(In self, const Arg& exponent) {
  RL_CHECK(self->dtype == DType::Float64, Runtime,
           "float_power_: the result has dtype float64, which cannot be written into a tensor of dtype %s",
           name_of(self->dtype));
  Ref power;
  return ops::pow_(self, in_float64(exponent, &power));
}

Ref logit(In input, const std::optional<Scalar>& eps) {
  if (!eps) return ops::_logit(input);
  const double low = eps->to_double();
  return ops::_logit(ops::_clamp(input, Scalar(low), Scalar(1 - low)));
}
Ref logit_(In self, const std::optional<Scalar>& eps) {
  if (eps) ops::_clamp_(self, Scalar(eps->to_double()), Scalar(1 - eps->to_double()));
  return ops::_logit_(self);
}

Ref polygamma(int64_t n, In input) {
  RL_CHECK(n >= 0, Runtime, "polygamma: n must not be negative, got %lld", (long long)n);
  return ops::_polygamma(input, Scalar(n));
}

Ref mvlgamma(In input, int64_t p) {
  RL_CHECK(p >= 1, Runtime, "mvlgamma: p must be at least 1, got %lld", (long long)p);
  RL_CHECK(input->dtype != DType::Bool, Runtime, "mvlgamma: bools have no gamma function; convert them first");
  Ref sum = ops::lgamma(input);
  for (int64_t i = 1; i < p; ++i) {
    const Scalar half(0.5 * static_cast<double>(i));
    sum = ops::add(sum, ops::lgamma(ops::sub(input.tensor(), half)));
  }
  return ops::add(sum, Scalar(static_cast<double>(p * (p - 1)) / 4 * 1.1447298858494002));
}
Ref mvlgamma_(In self, int64_t p) { return write_back("mvlgamma_", self, mvlgamma(ops::clone(self), p)); }

}  // namespace rl::compose
