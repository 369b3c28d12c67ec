// Dropout of elements and of whole channels, scaled or in the form that keeps mean and variance.
#include <algorithm>
#include <cmath>

#include "cpu/rows/random_fill.h"
#include "device/create.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/random.h"

namespace rl {
namespace kernels {

// The mask is drawn in the order of memory, and holds what each element is multiplied by.
std::array<Ref, 2> dropout(In input, double p) {
  const char* op = "dropout";
  RL_CHECK(p >= 0 && p <= 1, Runtime, "%s: the probability must be from 0 to 1, got %g", op, p);
  RL_CHECK(is_differentiable(input->dtype), Runtime,
           "%s: expected a floating-point tensor, got %s: its elements are scaled", op, name_of(input->dtype));
  Ref mask = rl::empty_like(input, input->dtype);
  if (!has_memory(input)) return {rl::empty_like(input, input->dtype), mask};
  Ref output = convert(input, input->dtype);
  Generator& source = default_generator();
  by_floating(op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    T *y = output->data_as<T>(), *m = mask->data_as<T>();
    const int64_t n = input->numel;
    Unlocked unlocked(n);
    if (p == 0 || p == 1) {  // nothing is left to chance
      std::fill(m, m + n, T(1 - p));
    } else {
      const std::lock_guard<std::mutex> lock(source.mutex);
      fill_bernoulli(Run<T>{m, n}, 1 - p, source);
    }
    const T scale = p == 1 ? T(1) : T(1) / T(1 - p);
    for (int64_t i = 0; i < n; ++i) {
      m[i] *= scale;
      y[i] *= m[i];
    }
  });
  return {output, mask};
}

}  // namespace kernels

namespace compose {
namespace {

struct Form {
  const char* op;
  bool channels;  // whole channels are zeroed
  bool alpha;     // zeroed elements become the low value of a SELU, and the rest is moved: G. Klambauer et al. (2017)
  bool inplace;
};

Ref mul(const Form& form, In input, In factor) {
  return form.inplace ? ops::mul_(input, Arg(factor)) : ops::mul(Arg(input), Arg(factor));
}

// 1 with probability 1 - p, else 0: for each element, or for each channel of (N, C, ...).
Ref draw_kept(const Form& form, In input, double p) {
  Dims sizes(input->sizes());
  if (form.channels) {
    RL_CHECK(input->ndim >= 2, Runtime, "%s: expected an input of shape (N, C, ...), got %s", form.op,
             shape_of(input).c_str());
    for (int d = 2; d < sizes.size(); ++d) sizes[d] = 1;
  }
  Ref kept = form.channels ? rl::empty(sizes, input->dtype, input->device) : rl::empty_like(input, input->dtype);
  return ops::bernoulli_(kept, 1 - p, nullptr);
}

Ref drop(const Form& form, In input, double p, bool train) {
  RL_CHECK(p >= 0 && p <= 1, Runtime, "%s: the probability must be from 0 to 1, got %g", form.op, p);
  if (p == 0 || !train || input->numel == 0) return Ref::retain(input.mutable_tensor());
  if (p == 1) return mul(form, input, rl::full({}, Scalar(0), input->dtype, input->device));
  const bool fused = input->dtype == DType::Float32 || input->dtype == DType::Float64;
  if (fused && !form.channels && !form.alpha && !form.inplace) return ops::_dropout(input, p)[0];
  Ref kept = draw_kept(form, input, p);
  if (!form.alpha) return mul(form, input, ops::div_(kept, Arg(Scalar(1 - p))));
  const double low = 1.7580993408473766;  // SELU's alpha * scale
  const double a = 1 / std::sqrt((low * low * p + 1) * (1 - p));
  Ref moved = ops::add(Arg(kept), Arg(Scalar(-1)), Scalar(1));
  moved = ops::add_(ops::mul_(moved, Arg(Scalar(low * a))), Arg(Scalar(low * a * p)), Scalar(1));
  Ref scaled = mul(form, input, ops::mul_(kept, Arg(Scalar(a))));
  return ops::add_(scaled, Arg(moved), Scalar(1));
}

}  // namespace

Ref dropout(In input, double p, bool train) { return drop({"dropout", false, false, false}, input, p, train); }
Ref dropout_(In self, double p, bool train) { return drop({"dropout_", false, false, true}, self, p, train); }
Ref feature_dropout(In input, double p, bool train) {
  return drop({"feature_dropout", true, false, false}, input, p, train);
}
Ref feature_dropout_(In self, double p, bool train) {
  return drop({"feature_dropout_", true, false, true}, self, p, train);
}
Ref alpha_dropout(In input, double p, bool train) {
  return drop({"alpha_dropout", false, true, false}, input, p, train);
}
Ref alpha_dropout_(In self, double p, bool train) {
  return drop({"alpha_dropout_", false, true, true}, self, p, train);
}
Ref feature_alpha_dropout(In input, double p, bool train) {
  return drop({"feature_alpha_dropout", true, true, false}, input, p, train);
}
Ref feature_alpha_dropout_(In self, double p, bool train) {
  return drop({"feature_alpha_dropout_", true, true, true}, self, p, train);
}

}  // namespace compose
}  // namespace rl
