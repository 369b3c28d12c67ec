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

Ref no_derivative(In, const std::string& operation, bool own_node) {
  fail(own_node ? ErrorType::NotImplemented : ErrorType::Runtime,
       "backward: %s has no derivative; use .detach() on its result", operation.c_str());
}

Ref acosh_slope(In x) {
  const Arg one(Scalar(1));
  if (!is_complex(x->dtype)) return ops::rsqrt(ops::sub(ops::mul(x.tensor(), x.tensor()), one, Scalar(1)));
  return ops::mul(ops::rsqrt(ops::sub(x.tensor(), one, Scalar(1))), ops::rsqrt(ops::add(x.tensor(), one, Scalar(1))));
}

Ref positive(In input) {
  RL_CHECK(input->dtype != DType::Bool, Runtime, "positive: a bool tensor has no sign; convert it first");
  return Ref::retain(input.mutable_tensor());
}

Ref subtract(const Arg& input, const Arg& other, const Scalar& alpha) { return ops::sub(input, other, alpha); }
Ref subtract_(In self, const Arg& other, const Scalar& alpha) { return ops::sub_(self, other, alpha); }
Ref subtract_number(const Arg& input, const Scalar& other, const Scalar& alpha) {
  return ops::sub(input, other, alpha);
}
Ref subtract_number_(In self, const Scalar& other, const Scalar& alpha) { return ops::sub_(self, other, alpha); }

Ref ldexp(In input, In other) { return ops::mul(input.tensor(), ops::pow(Scalar(2.0), other.tensor())); }
Ref ldexp_(In self, In other) { return ops::mul_(self, ops::pow(Scalar(2.0), other.tensor())); }

namespace {

// float64, or complex128 where a number is complex.
DType power_dtype(const Arg& base, const Arg& exponent) {
  auto complex = [](const Arg& a) {
    return a.tensor ? is_complex(a.tensor->dtype) : a.number.category == Category::Complex;
  };
  return complex(base) || complex(exponent) ? DType::Complex128 : DType::Float64;
}

Arg in_dtype(const Arg& a, DType to, Ref* kept) {
  if (!a.tensor) return to == DType::Float64 ? Scalar(a.number.to_double()) : a.number;
  *kept = a.tensor->dtype == to ? Ref::retain(const_cast<Tensor*>(a.tensor)) : ops::_to_copy(a.tensor, to);
  return Arg(*kept);
}

}  // namespace

Ref float_power(const Arg& input, const Arg& exponent) {
  const DType to = power_dtype(input, exponent);
  Ref base, power;
  return ops::pow(in_dtype(input, to, &base), in_dtype(exponent, to, &power));
}
Ref float_power_(In self, const Arg& exponent) {
  const DType to = power_dtype(self.tensor(), exponent);
  RL_CHECK(self->dtype == to, Runtime,
           "float_power_: the result has dtype %s, which cannot be written into a tensor of dtype %s", name_of(to),
           name_of(self->dtype));
  Ref power;
  return ops::pow_(self, in_dtype(exponent, to, &power));
}

Ref logit(In input, std::optional<double> eps) {
  if (!eps) return ops::_logit(input);
  return ops::_logit(ops::_clamp(input, Scalar(*eps), Scalar(1 - *eps)));
}
Ref logit_(In self, std::optional<double> eps) {
  if (eps) ops::_clamp_(self, Scalar(*eps), Scalar(1 - *eps));
  return ops::_logit_(self);
}

namespace {

// 10 to the power of so many decimals as the two factors of _round_scaled: what does not fit the dtype is infinite.
std::array<Scalar, 2> scale_of(int64_t decimals, DType dtype) {
  const Scalar power(std::pow(10.0, static_cast<double>(std::abs(decimals))));
  const Scalar scale = power.fits(dtype) ? power : Scalar(HUGE_VAL), one(1.0);
  return decimals < 0 ? std::array{one, scale} : std::array{scale, one};
}

}  // namespace

Ref round_decimals(In input, int64_t decimals) {
  const auto [up, down] = scale_of(decimals, input->dtype);
  return ops::_round_scaled(input, up, down);
}
Ref round_decimals_(In self, int64_t decimals) {
  const auto [up, down] = scale_of(decimals, self->dtype);
  return ops::_round_scaled_(self, up, down);
}

Ref polygamma(int64_t n, In input) {
  RL_CHECK(n >= 0, Runtime, "polygamma: n must not be negative, got %lld", (long long)n);
  return ops::_polygamma(input, Scalar(n));
}

Ref mvlgamma(In input, int64_t p) {
  RL_CHECK(p >= 1 && p < (1 << 24), Runtime, "mvlgamma: p must be from 1 to 2 ** 24 - 1, got %lld", (long long)p);
  RL_CHECK(input->dtype != DType::Bool, Runtime, "mvlgamma: bools have no gamma function; convert them first");
  const Ref x = ops::contiguous(input);
  Ref sum = ops::lgamma(x);
  for (int64_t i = 1; i < p; ++i) {
    const Scalar half(0.5 * static_cast<double>(i));
    sum = ops::add(sum, ops::lgamma(ops::sub(x, half)));
  }
  return ops::add(sum, Scalar(static_cast<double>(p * (p - 1)) / 4 * 1.1447298858494002));
}
Ref mvlgamma_(In self, int64_t p) { return write_back("mvlgamma_", self, mvlgamma(ops::clone(self), p)); }

}  // namespace rl::compose
