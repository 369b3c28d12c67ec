// The parts of complex numbers, conjugates and directions.
#include "gen/ops/complex.h"

#include <algorithm>
#include <cmath>

#include "autograd/forward.h"
#include "autograd/history.h"
#include "gen/ops/creation.h"
#include "gen/ops/elementary.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"

namespace rl {
namespace {

Arg of(In x) { return Arg(x.tensor()); }

}  // namespace

namespace compose {

Ref resolved(In x) { return Ref::retain(x.mutable_tensor()); }

Ref real(In x) { return is_complex(x->dtype) ? ops::select(ops::view_as_real(x), -1, 0) : resolved(x); }
Ref imag(In x) {
  RL_CHECK(is_complex(x->dtype), Runtime, "imag: a tensor of dtype %s has no imaginary part; zeros_like() makes one",
           name_of(x->dtype));
  return ops::select(ops::view_as_real(x), -1, 1);
}
Ref conj_physical(In x) { return is_complex(x->dtype) ? ops::_conj(x) : resolved(x); }

// Elements that an expanded tensor shows many times are computed once, and shown as often.
Ref conj(In x) {
  Layout once = x->layout();
  for (int d = 0; d < x->ndim; ++d)
    if (once.strides[d] == 0) once.sizes[d] = std::min<int64_t>(once.sizes[d], 1);
  const bool recorded = (grad_enabled() && wants_grad(x)) || any_dual(x) || modes & kHooked;
  if (recorded || !is_complex(x->dtype) || once.sizes == Dims(x->sizes())) return conj_physical(x);
  const Ref few = ops::_conj(alias(x, once));
  return alias(few.get(), layout::expand(few->layout(), x->sizes()));
}

Ref conj_physical_(In x) {
  if (is_complex(x->dtype)) return ops::_conj_(x);
  bump_version(x.mutable_tensor());
  return resolved(x);
}

Ref pair_up(In x) {
  bool pairs = x->strides()[x->ndim - 1] == 1 && x->offset % 2 == 0;
  for (int d = 0; d + 1 < x->ndim; ++d) pairs &= x->strides()[d] % 2 == 0;
  return ops::view_as_complex(pairs ? resolved(x) : ops::clone(x, MemoryFormat::Contiguous));
}

// d sgn(z) = (dz - y Re(conj(y) dz)) / |z|
Ref sgn_grad(In g, In input, In y) {
  if (!is_complex(input->dtype)) return ops::zeros_like(g);
  const Ref size = ops::abs(input), zero = ops::eq(size, 0);
  const Ref along = ops::mul(ops::real(ops::mul(ops::conj(g), of(y))), of(y));
  return ops::where(zero, 0, ops::div(ops::sub(of(g), along), ops::where(zero, 1, size)));
}

// d arg(z) = Im(dz / z)
Ref angle_grad(In g, In input) {
  if (!is_complex(input->dtype)) return ops::zeros_like(g);
  const Ref zero = ops::eq(of(input), 0);
  const Ref turned = ops::mul(ops::mul(of(g), Scalar(std::complex<double>(0, 1))), of(input));
  return ops::where(zero, 0, ops::div(turned, ops::square(ops::abs(ops::where(zero, 1, of(input))))));
}

}  // namespace compose
}  // namespace rl
