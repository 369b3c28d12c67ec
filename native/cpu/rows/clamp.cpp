// clamp, quotients with a rounding mode, and nan_to_num: which row each call means.
#include <cmath>
#include <cstring>
#include <limits>

#include "autograd/history.h"
#include "base/error.h"
#include "gen/ops/clamp.h"
#include "gen/ops/complex.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"

namespace rl::compose {
namespace {

void check_bounds_given(bool given) {
  RL_CHECK(given, Runtime, "clamp: neither min nor max was given; give at least one bound");
}

enum class Rounding { None, Trunc, Floor };

Rounding rounding_of(const char* mode) {
  if (!mode) return Rounding::None;
  if (!std::strcmp(mode, "trunc")) return Rounding::Trunc;
  RL_CHECK(!std::strcmp(mode, "floor"), Runtime, "div: rounding_mode must be None, 'trunc' or 'floor', got '%s'", mode);
  return Rounding::Floor;
}

}  // namespace

Ref clamp_number(In input, const std::optional<Scalar>& min, const std::optional<Scalar>& max) {
  check_bounds_given(min || max);
  if (!max) return ops::_clamp_by_min(input, *min);
  return min ? ops::_clamp(input, *min, *max) : ops::_clamp_by_max(input, *max);
}
Ref clamp_number_(In self, const std::optional<Scalar>& min, const std::optional<Scalar>& max) {
  check_bounds_given(min || max);
  if (!max) return ops::_clamp_by_min_(self, *min);
  return min ? ops::_clamp_(self, *min, *max) : ops::_clamp_by_max_(self, *max);
}

Ref clamp_tensor(In input, In min, In max) {
  check_bounds_given(min.tensor() || max.tensor());
  if (!max.tensor()) return ops::_clamp_by_min(input, min.tensor());
  return min.tensor() ? ops::_clamp(input, min.tensor(), max.tensor()) : ops::_clamp_by_max(input, max.tensor());
}
Ref clamp_tensor_(In self, In min, In max) {
  check_bounds_given(min.tensor() || max.tensor());
  if (!max.tensor()) return ops::_clamp_by_min_(self, min.tensor());
  return min.tensor() ? ops::_clamp_(self, min.tensor(), max.tensor()) : ops::_clamp_by_max_(self, max.tensor());
}

Ref div_mode(const Arg& input, const Arg& other, const char* mode) {
  const Rounding rounding = rounding_of(mode);
  if (rounding == Rounding::None) return ops::div(input, other);
  return rounding == Rounding::Trunc ? ops::_div_trunc(input, other) : ops::_div_floor(input, other);
}
Ref div_mode_(In self, const Arg& other, const char* mode) {
  const Rounding rounding = rounding_of(mode);
  if (rounding == Rounding::None) return ops::div_(self, other);
  return rounding == Rounding::Trunc ? ops::_div_trunc_(self, other) : ops::_div_floor_(self, other);
}

// A number that the dtype cannot hold is infinite.
static Scalar held_by(DType dtype, double value) {
  return Scalar(Scalar(value).fits(dtype) ? value : std::copysign(HUGE_VAL, value));
}

Ref nan_to_num(In input, std::optional<double> nan, std::optional<double> posinf, std::optional<double> neginf) {
  if (category_of(input->dtype) < Category::Floating) return ops::clone(input);
  if (is_complex(input->dtype)) {
    if (grad_enabled() && wants_grad(input)) refuse_complex_gradient(input, "nan_to_num");
    return ops::view_as_complex(nan_to_num(ops::view_as_real(ops::contiguous(input)), nan, posinf, neginf));
  }
  const DType to = input->dtype;
  return ops::_nan_to_num(input, held_by(to, nan.value_or(0)), held_by(to, posinf.value_or(largest_of(to))),
                          held_by(to, neginf.value_or(-largest_of(to))));
}
Ref nan_to_num_(In self, std::optional<double> nan, std::optional<double> posinf, std::optional<double> neginf) {
  if (category_of(self->dtype) < Category::Floating) {
    bump_version(self.mutable_tensor());
    return Ref::retain(self.mutable_tensor());
  }
  if (is_complex(self->dtype)) {
    nan_to_num_(ops::view_as_real(self), nan, posinf, neginf);
    return Ref::retain(self.mutable_tensor());
  }
  const DType to = self->dtype;
  return ops::_nan_to_num_(self, held_by(to, nan.value_or(0)), held_by(to, posinf.value_or(largest_of(to))),
                           held_by(to, neginf.value_or(-largest_of(to))));
}

}  // namespace rl::compose
