// The losses for class indices: the rows around cpu/nn_rows.h, and their gradients made of rows.
#include <algorithm>

#include "cpu/nn_rows.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/clamp.h"
#include "gen/ops/creation.h"
#include "gen/ops/gather.h"
#include "gen/ops/nn.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

// (C) and (N, C, d...) put their classes here.
int class_dim(int ndim) { return ndim == 1 ? 0 : 1; }

void check_target(const char* op, DimSpan input, In target) {
  const DimSpan t = target->sizes();
  RL_CHECK(target->dtype == DType::Int64 || target->dtype == DType::UInt8, Runtime,
           "%s: the target must hold class indices as int64, got %s; use .long()", op, name_of(target->dtype));
  RL_CHECK(input.n > 0, Value, "%s: expected an input (C,) or (N, C, ...), got a 0-d tensor", op);
  if (input.n == 1) {
    RL_CHECK(t.n == 0 || (t.n == 1 && t[0] == 1), Value,
             "%s: an input of shape %s needs one class index as target, got shape %s", op, to_string(input).c_str(),
             to_string(t).c_str());
    return;
  }
  const int64_t batch = t.n ? t[0] : 0;
  RL_CHECK(batch == input[0], Value, "%s: an input of shape %s and a target of shape %s differ in batch size", op,
           marked(input, 0).c_str(), t.n ? marked(t, 0).c_str() : "[]");
  RL_CHECK(t.n == input.n - 1 && DimSpan(t.ptr + 1, t.n - 1) == DimSpan(input.ptr + 2, input.n - 2), Runtime,
           "%s: an input of shape %s needs a target of its shape without the marked classes, got shape %s; .squeeze(1) "
           "drops a dimension of size 1",
           op, marked(input, 1).c_str(), to_string(t).c_str());
}

// The arguments of a loss, checked and row-major.
struct Loss {
  const char* op;
  cpu::LossShape shape;
  Dims positions;  // the target's shape as the result has it
  Ref target, weight;

  Loss(const char* op, DimSpan input, DType dtype, In target_given, In weight_given, int64_t reduction,
       int64_t ignore_index)
      : op(op) {
    check_target(op, input, target_given);
    RL_CHECK(reduction >= 0 && reduction <= 2, Value, "%s: reduction must be 0 (none), 1 (mean) or 2 (sum), got %lld",
             op, (long long)reduction);
    const int at = class_dim(input.n);
    shape.classes = input[at];
    for (int i = 0; i < at; ++i) shape.n = input[i];
    if (input.n == 1) shape.n = 1;
    for (int i = at + 1; i < input.n; ++i) shape.space *= input[i];
    shape.ignore_index = ignore_index;
    shape.reduction = static_cast<cpu::Reduction>(reduction);
    if (input.n > 1) positions = Dims(target_given->sizes());
    if (weight_given.tensor()) {
      RL_CHECK(weight_given->ndim == 1 && weight_given->size(0) == shape.classes, Runtime,
               "%s: the weight must have one value for each of the %lld classes, got shape %s", op,
               (long long)shape.classes, shape_of(weight_given).c_str());
      RL_CHECK(weight_given->dtype == dtype, Runtime,
               "%s: the weight is %s but the input is %s; convert it with .to(dtype)", op, name_of(weight_given->dtype),
               name_of(dtype));
    }
    if (!has_memory(target_given)) return;
    target = as_contiguous(as_dtype(target_given, DType::Int64).get());
    if (weight_given.tensor()) weight = as_contiguous(weight_given);
  }

  const int64_t* targets() const { return target->data_as<int64_t>(); }
  template <class T>
  const T* weights() const {
    return weight ? weight->data_as<T>() : nullptr;
  }
  bool reduces() const { return shape.reduction != cpu::Reduction::none; }
  int64_t count() const { return shape.n * shape.space; }

  [[noreturn]] void outside(int64_t position) const {
    fail(ErrorType::Index,
         "%s: the target at position %lld is %lld, which is no class: expected 0 to %lld, or ignore_index %lld", op,
         (long long)position, (long long)targets()[position], (long long)(shape.classes - 1),
         (long long)shape.ignore_index);
  }
  void check_targets() const {
    for (int64_t i = 0; i < count(); ++i) {
      const int64_t c = targets()[i];
      if (c != shape.ignore_index && (c < 0 || c >= shape.classes)) outside(i);
    }
  }
  void check_gradient(In g) const {
    const Dims expected = reduces() ? Dims() : positions;
    RL_CHECK(g->sizes() == DimSpan(expected), Runtime, "%s: the gradient has shape %s, but the loss has shape %s", op,
             shape_of(g).c_str(), to_string(expected).c_str());
  }
};

void check_one_device(const char* op, In input, In target, In weight) {
  RL_CHECK(target->device.type == input->device.type && (!weight.tensor() || weight->device.type == input->device.type),
           Runtime, "%s: the input is on %s, the target on %s%s%s; move them with .to(device)", op,
           name_of(input->device), name_of(target->device), weight.tensor() ? ", the weight on " : "",
           weight.tensor() ? name_of(weight->device) : "");
}

template <class T>
T only_value(In x) {
  return *x->data_as<T>();
}

}  // namespace

namespace kernels {

std::array<Ref, 2> nll_loss(In input, In target, In weight, int64_t reduction, int64_t ignore_index) {
  const char* op = "nll_loss";
  check_one_device(op, input, target, weight);
  const Loss a(op, input->sizes(), input->dtype, target, weight, reduction, ignore_index);
  if (!is_floating(input->dtype)) no_kernel(op, input->dtype);
  Ref loss = rl::empty(a.reduces() ? Dims() : a.positions, input->dtype, input->device),
      total = rl::empty(Dims(), input->dtype, input->device);
  if (!has_memory(input)) return {loss, total};
  const Ref x = as_contiguous(input);
  int64_t bad = -1;
  by_floating(op, x->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(a.count());
    bad = cpu::nll_loss<T>(a.shape, x->data_as<T>(), a.targets(), a.weights<T>(), loss->data_as<T>(),
                           total->data_as<T>());
  });
  if (bad >= 0) a.outside(bad);
  return {loss, total};
}

Ref nll_loss_grad(In g, DimSpan input, In target, In weight, int64_t reduction, int64_t ignore_index, In total_weight) {
  const char* op = "nll_loss_grad";
  check_one_device(op, g, target, weight);
  const Loss a(op, input, g->dtype, target, weight, reduction, ignore_index);
  a.check_gradient(g);
  check_same(op, "the gradient", g, "total_weight", total_weight);
  Ref dx = rl::empty(input, g->dtype, g->device);
  if (!has_memory(dx.get())) return dx;
  a.check_targets();
  const Ref dy = as_contiguous(g);
  by_floating(op, dx->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(dx->numel);
    cpu::nll_loss_backward<T>(a.shape, dy->data_as<T>(), a.targets(), a.weights<T>(), only_value<T>(total_weight),
                              dx->data_as<T>());
  });
  return dx;
}

std::array<Ref, 3> cross_entropy(In input, In target, In weight, int64_t reduction, int64_t ignore_index,
                                 double label_smoothing) {
  const char* op = "cross_entropy";
  check_one_device(op, input, target, weight);
  RL_CHECK(label_smoothing <= 1, Runtime, "%s: label_smoothing must be from 0 to 1, got %g", op, label_smoothing);
  const Loss a(op, input->sizes(), input->dtype, target, weight, reduction, ignore_index);
  if (!is_floating(input->dtype)) no_kernel(op, input->dtype);
  Ref loss = rl::empty(a.reduces() ? Dims() : a.positions, input->dtype, input->device),
      total = rl::empty(Dims(), input->dtype, input->device);
  Ref saved = rl::empty({2, a.shape.n, a.shape.space}, input->dtype, input->device);
  if (!has_memory(input)) return {loss, total, saved};
  if (a.shape.classes == 0) a.check_targets();
  const Ref x = as_contiguous(input);
  int64_t bad = -1;
  by_floating(op, x->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(x->numel);
    bad = cpu::cross_entropy<T>(a.shape, T(std::max(0.0, label_smoothing)), x->data_as<T>(), a.targets(),
                                a.weights<T>(), loss->data_as<T>(), total->data_as<T>(), saved->data_as<T>());
  });
  if (bad >= 0) a.outside(bad);
  return {loss, total, saved};
}

Ref cross_entropy_grad(In g, In input, In target, In weight, int64_t reduction, int64_t ignore_index,
                       double label_smoothing, In total_weight, In saved) {
  const char* op = "cross_entropy_grad";
  check_one_device(op, input, target, weight);
  const Loss a(op, input->sizes(), input->dtype, target, weight, reduction, ignore_index);
  a.check_gradient(g);
  check_same(op, "the gradient", g, "the input", input);
  check_same(op, "the gradient", g, "total_weight", total_weight);
  check_same(op, "the gradient", g, "saved", saved);
  RL_CHECK(saved->contiguous() && saved->numel == 2 * a.count(), Runtime,
           "%s: the saved values have shape %s, expected [2, %lld, %lld]", op, shape_of(saved).c_str(),
           (long long)a.shape.n, (long long)a.shape.space);
  Ref dx = rl::empty(input->sizes(), input->dtype, input->device);
  if (!has_memory(dx.get())) return dx;
  a.check_targets();
  const Ref dy = as_contiguous(g), x = as_contiguous(input);
  by_floating(op, dx->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(dx->numel);
    cpu::cross_entropy_backward<T>(a.shape, T(std::max(0.0, label_smoothing)), dy->data_as<T>(), x->data_as<T>(),
                                   a.targets(), a.weights<T>(), only_value<T>(total_weight), saved->data_as<T>(),
                                   dx->data_as<T>());
  });
  return dx;
}

}  // namespace kernels

namespace compose {

Ref nll_loss_of(In input, In target, In weight, int64_t reduction, int64_t ignore_index) {
  return ops::_nll_loss(input, target, weight, reduction, ignore_index)[0];
}

// With p = softmax(x), w the class weights, t the target, s the smoothing and g the gradient of a position's loss:
//   g * ((1 - s) * w[t] * (p - [t]) + s / C * (sum(w) * p - w)), and 0 where the target is ignored.
Ref cross_entropy_grad_composed(In g, In input, In target, In weight, int64_t reduction, int64_t ignore_index,
                                double label_smoothing) {
  const int at = class_dim(input->ndim);
  const int64_t classes = input->size(at);
  const double smoothing = std::max(0.0, label_smoothing);
  const Options same{input->dtype, input->device};
  Dims column(input->ndim, 1);  // the classes' shape that broadcasts against the input
  column[at] = classes;

  const Ref t = input->ndim == 1 ? ops::reshape(target, {1}) : ops::unsqueeze(target, at);
  const Ref w = weight.tensor() ? ops::view(weight, column) : ops::ones(column, same);
  const Ref counts = ops::ne(t, ignore_index);
  const Ref number = ops::view(ops::arange(Scalar(classes), Options{DType::Int64, input->device}), column);
  const Ref hit = ops::where(ops::logical_and(ops::eq(t, number), counts), w, Scalar(0));  // w[t] at the target's class
  const Ref hit_weight = ops::sum(hit, Dims{at}, true);
  Ref scale = reduction == 0 ? ops::unsqueeze(g, at) : Ref::retain(g.mutable_tensor());
  if (reduction == 1) scale = ops::div(scale, ops::sum(hit));
  scale = ops::where(counts, scale, Scalar(0));

  const Ref p = ops::softmax(input, at);
  Ref slope = ops::sub(ops::mul(hit_weight, p), hit);
  if (smoothing > 0) {
    const Ref even = ops::sub(ops::mul(p, ops::sum(w)), w);
    slope = ops::add(ops::mul(slope, 1 - smoothing), ops::mul(even, smoothing / static_cast<double>(classes)));
  }
  return ops::mul(scale, slope);
}

}  // namespace compose
}  // namespace rl
