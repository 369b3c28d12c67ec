// The losses of margins between classes, and their gradients. No derivative of the gradients is known to PyTorch.
#include <algorithm>
#include <limits>
#include <vector>

#include "base/parallel.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/losses.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

// (N, C); a vector and a number are one sample of classes.
struct Samples {
  int64_t n = 1, classes = 1;
  int64_t reduction;

  Samples(const char* op, DimSpan sizes, int64_t reduction) : reduction(reduction) {
    RL_CHECK(sizes.n <= 2 && (sizes.n == 0 || sizes[sizes.n - 1] > 0), Runtime,
             "%s: expected an input (N, C) or (C) with at least one class, got shape %s", op, to_string(sizes).c_str());
    RL_CHECK(reduction >= 0 && reduction <= 2, Value, "%s: reduction must be 0 (none), 1 (mean) or 2 (sum), got %lld",
             op, (long long)reduction);
    if (sizes.n) classes = sizes[sizes.n - 1];
    if (sizes.n == 2) n = sizes[0];
  }
  // What one margin counts for in the loss.
  double share() const { return 1 / static_cast<double>(reduction == 1 ? n * classes : classes); }
  int64_t grain() const { return std::max<int64_t>(1, kGrain / classes); }

  // vector: a loss for each sample has a dimension.
  Ref empty_loss(const Tensor* x, bool vector) const {
    return empty(reduction == 0 && vector ? Dims{n} : Dims(), x->dtype, x->device);
  }
  // loss_of(i) is what the margins of sample i sum up to.
  template <class T, class F>
  void fill_loss(const Tensor* loss, int64_t work, F&& loss_of) const {
    std::vector<double> sums(n);
    Unlocked unlocked(work);
    parallel_for(0, n, grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) sums[i] = loss_of(i);
    });
    double total = 0;
    T* y = loss->data_as<T>();
    if (reduction == 0) {
      for (int64_t i = 0; i < n; ++i) y[i] = T(sums[i] * share());
    } else {
      for (double sum : sums) total += sum;
      *y = T(total * share());
    }
  }

  // fill(i, slope, row) writes the gradient by one sample, slope being that of each of its margins.
  template <class T, class F>
  void fill_gradient(const Tensor* out, In g, F&& fill) const {
    const Ref slopes = as_contiguous(g);
    T* dx = out->data_as<T>();
    const T* dy = slopes->data_as<T>();
    const int64_t step = reduction == 0 ? 1 : 0;
    Unlocked unlocked(out->numel);
    parallel_for(0, n, grain(), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) fill(i, T(dy[i * step] * share()), dx + i * classes);
    });
  }
};

// f(0) + ... + f(n - 1), in independent sums.
template <class F>
double sum_of(int64_t n, F&& f) {
  constexpr int kLanes = 8;
  double sums[kLanes] = {}, sum = 0;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    for (int k = 0; k < kLanes; ++k) sums[k] += f(i + k);
  for (; i < n; ++i) sum += f(i);
  for (double s : sums) sum += s;
  return sum;
}

// By how much each of n values comes within the margin, summed; square: of the squares.
template <class T>
double shortfall(const T* x, int64_t n, T margin, bool square = false) {
  if (square) return sum_of(n, [=](int64_t i) { return margin + x[i] > 0 ? (margin + x[i]) * (margin + x[i]) : T(0); });
  return sum_of(n, [=](int64_t i) { return margin + x[i] > 0 ? margin + x[i] : T(0); });
}

// ------------------------------------------------------------------ one right class

struct OneClass : Samples {
  static constexpr const char* op = "multi_margin_loss";
  double margin;
  bool square;
  Ref x, target, weight;

  OneClass(In input, In targets, int64_t p, double margin, In weights, int64_t reduction)
      : Samples(op, input->sizes(), reduction), margin(margin), square(p == 2) {
    RL_CHECK(p == 1 || p == 2, Value, "%s: p must be 1 or 2, got %lld", op, (long long)p);
    RL_CHECK(targets->ndim <= 1 && targets->numel == n, Runtime,
             "%s: an input of shape %s needs %lld classes as target, got shape %s", op, shape_of(input).c_str(),
             (long long)n, shape_of(targets).c_str());
    if (weights.tensor()) {
      RL_CHECK(weights->ndim <= 1 && weights->numel == classes, Runtime,
               "%s: the weight must have one value for each of the %lld classes, got shape %s", op, (long long)classes,
               shape_of(weights).c_str());
    }
    if (input->dtype != DType::Float32 && input->dtype != DType::Float64) no_kernel(op, input->dtype);
    RL_CHECK(targets->dtype == DType::Int64, Runtime, "%s: the target must hold classes as int64, got %s; use .long()",
             op, name_of(targets->dtype));
    if (weights.tensor()) check_same(op, "the weight", weights, "the input", input);
    if (!has_memory(input)) return;
    x = as_contiguous(input);
    target = as_contiguous(targets);
    if (weights.tensor()) weight = as_contiguous(weights);
    for (int64_t i = 0; i < n; ++i)
      RL_CHECK(right(i) >= 0 && right(i) < classes, Runtime, "%s: target %lld is no class: expected 0 to %lld", op,
               (long long)right(i), (long long)(classes - 1));
  }
  int64_t right(int64_t i) const { return target->data_as<int64_t>()[i]; }
  template <class T>
  const T* row(int64_t i) const {
    return x->data_as<T>() + i * classes;
  }
  template <class T>
  T factor(int64_t i) const {
    return weight ? weight->data_as<T>()[right(i)] : T(1);
  }
};

// ------------------------------------------------------------------ several right classes

struct SeveralClasses : Samples {
  static constexpr const char* op = "multilabel_margin_loss";
  Ref x, target;

  SeveralClasses(In input, In targets, int64_t reduction) : Samples(op, input->sizes(), reduction) {
    RL_CHECK(targets->sizes() == input->sizes(), Runtime, "%s: input and target must have one shape, got %s and %s", op,
             shape_of(input).c_str(), shape_of(targets).c_str());
    if (input->dtype != DType::Float32 && input->dtype != DType::Float64) no_kernel(op, input->dtype);
    RL_CHECK(targets->dtype == DType::Int64, Runtime, "%s: the target must hold classes as int64, got %s; use .long()",
             op, name_of(targets->dtype));
    if (!has_memory(input)) return;
    x = as_contiguous(input);
    target = as_contiguous(targets);
    for (int64_t i = 0; i < n * classes; ++i)
      RL_CHECK(rights(0)[i] >= -1 && rights(0)[i] < classes, Runtime,
               "%s: target %lld is no class: expected 0 to %lld, and -1 after the last", op, (long long)rights(0)[i],
               (long long)(classes - 1));
  }
  const int64_t* rights(int64_t i) const { return target->data_as<int64_t>() + i * classes; }
  // The right classes of a sample: how many are listed.
  int64_t listed(int64_t i) const { return std::find(rights(i), rights(i) + classes, -1) - rights(i); }
  // The values of the wrong classes; the right ones are as far away as can be.
  template <class T>
  std::vector<T> wrong(int64_t i) const {
    const T* row = x->data_as<T>() + i * classes;
    std::vector<T> values(row, row + classes);
    for (int64_t k = 0; k < listed(i); ++k) values[rights(i)[k]] = -std::numeric_limits<T>::infinity();
    return values;
  }
  template <class T>
  T margin(int64_t i, int64_t k) const {
    return 1 - x->data_as<T>()[i * classes + rights(i)[k]];
  }
};

}  // namespace

namespace kernels {

Ref multi_margin_loss(In input, In target, int64_t p, double margin, In weight, int64_t reduction) {
  const OneClass a(input, target, p, margin, weight, reduction);
  Ref loss = a.empty_loss(input, target->ndim > 0);
  if (!a.x) return loss;
  by_floating(a.op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    a.fill_loss<T>(loss.get(), input->numel, [&](int64_t i) {
      const T* row = a.row<T>(i);
      const int64_t right = a.right(i);
      const T m = T(margin) - row[right];
      const double below = shortfall(row, right, m, a.square);
      return (below + shortfall(row + right + 1, a.classes - right - 1, m, a.square)) * a.factor<T>(i);
    });
  });
  return loss;
}

Ref multi_margin_loss_grad(In g, In input, In target, int64_t p, double margin, In weight, int64_t reduction) {
  const OneClass a(input, target, p, margin, weight, reduction);
  Ref dx = empty(input->sizes(), input->dtype, input->device);
  if (!a.x) return dx;
  by_floating(a.op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    a.fill_gradient<T>(dx.get(), g, [&](int64_t i, T slope, T* out) {
      const T* row = a.row<T>(i);
      const int64_t right = a.right(i);
      const T m = T(margin) - row[right], s = slope * a.factor<T>(i);
      if (a.square) {
        for (int64_t c = 0; c < a.classes; ++c) out[c] = m + row[c] > 0 ? 2 * s * (m + row[c]) : T(0);
      } else {
        for (int64_t c = 0; c < a.classes; ++c) out[c] = m + row[c] > 0 ? s : T(0);
      }
      out[right] = 0;
      out[right] = -T(sum_of(a.classes, [=](int64_t c) { return out[c]; }));
    });
  });
  return dx;
}

Ref multilabel_margin_loss(In input, In target, int64_t reduction) {
  const SeveralClasses a(input, target, reduction);
  Ref loss = a.empty_loss(input, input->ndim == 2);
  if (!a.x) return loss;
  by_floating(a.op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    a.fill_loss<T>(loss.get(), input->numel, [&](int64_t i) {
      const std::vector<T> wrong = a.wrong<T>(i);
      double sum = 0;
      for (int64_t k = 0; k < a.listed(i); ++k) sum += shortfall(wrong.data(), a.classes, a.margin<T>(i, k));
      return sum;
    });
  });
  return loss;
}

Ref multilabel_margin_loss_grad(In g, In input, In target, int64_t reduction) {
  const SeveralClasses a(input, target, reduction);
  Ref dx = empty(input->sizes(), input->dtype, input->device);
  if (!a.x) return dx;
  by_floating(a.op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    a.fill_gradient<T>(dx.get(), g, [&](int64_t i, T slope, T* out) {
      const std::vector<T> wrong = a.wrong<T>(i);
      std::fill(out, out + a.classes, T(0));
      for (int64_t k = 0; k < a.listed(i); ++k) {
        const T m = a.margin<T>(i, k);
        const auto within = [&](int64_t c) { return m + wrong[c] > 0 ? slope : T(0); };
        for (int64_t c = 0; c < a.classes; ++c) out[c] += within(c);
        out[a.rights(i)[k]] -= T(sum_of(a.classes, within));
      }
    });
  });
  return dx;
}

}  // namespace kernels
}  // namespace rl
