#include <algorithm>
#include <vector>

#include "base/parallel.h"
#include "cpu/nn_rows.h"
#include "cpu/row_layout.h"
#include "cpu/scratch.h"

namespace rl::cpu {
namespace {

// What a run of targets sums up to; `bad` is the first that names no class, or -1.
struct Total {
  double loss = 0, weight = 0;
  int64_t bad = -1;

  void add(const Total& next) {
    loss += next.loss;
    weight += next.weight;
    if (bad < 0) bad = next.bad;
  }
};

// Sums f(position, total) over all targets, in runs of fixed length.
template <class F>
Total total_of(int64_t count, F&& f) {
  constexpr int64_t run = 4096;
  const int64_t runs = (count + run - 1) / run;
  const auto one_run = [&](int64_t i) {
    Total total;
    for (int64_t p = i * run; p < std::min(count, (i + 1) * run) && total.bad < 0; ++p) f(p, total);
    return total;
  };
  if (runs == 1) return one_run(0);
  std::vector<Total> parts(runs);
  parallel_for(0, runs, 4, [&](int64_t i, int64_t last) {
    for (; i < last; ++i) parts[i] = one_run(i);
  });
  Total total;
  for (const Total& part : parts) total.add(part);
  return total;
}

template <class T>
T reduced(const Total& total, Reduction reduction) {
  return T(reduction == Reduction::mean ? total.loss / total.weight : total.loss);
}

// The value of class `c` for target position p of an (n, classes, space) array.
int64_t offset(const LossShape& s, int64_t p, int64_t c) {
  return s.space == 1 ? p * s.classes + c : (p / s.space * s.classes + c) * s.space + p % s.space;
}

// Both losses: `loss_of(p, class, its weight)` for the targets that count.
template <class T, class F>
int64_t class_loss(const LossShape& s, const int64_t* target, const T* weight, T* loss, T* total_weight, F&& loss_of) {
  const Total total = total_of(s.n * s.space, [&](int64_t p, Total& sum) {
    const int64_t c = target[p];
    T value = 0;
    if (c != s.ignore_index) {
      if (c < 0 || c >= s.classes) {
        sum.bad = p;
        return;
      }
      const T w = weight ? weight[c] : T(1);
      value = loss_of(p, c, w);
      sum.loss += double(value);
      sum.weight += double(w);
    }
    if (s.reduction == Reduction::none) loss[p] = value;
  });
  if (total.bad >= 0) return total.bad;
  if (s.reduction != Reduction::none) *loss = reduced<T>(total, s.reduction);
  *total_weight = T(total.weight);
  return -1;
}

// The gradient that reaches the loss of position p before reduction.
template <class T>
T gradient_at(const LossShape& s, const T* dloss, T total_weight, int64_t p) {
  if (s.reduction == Reduction::none) return dloss[p];
  return s.reduction == Reduction::mean ? *dloss / total_weight : *dloss;
}

}  // namespace

template <class T>
int64_t nll_loss(const LossShape& s, const T* x, const int64_t* target, const T* weight, T* loss, T* total_weight) {
  return class_loss(s, target, weight, loss, total_weight,
                    [&](int64_t p, int64_t c, T w) { return -w * x[offset(s, p, c)]; });
}

template <class T>
void nll_loss_backward(const LossShape& s, const T* dloss, const int64_t* target, const T* weight, T total_weight,
                       T* dx) {
  const int64_t sample = s.classes * s.space;
  parallel_for(0, s.n, std::max<int64_t>(1, 16384 / std::max<int64_t>(1, sample)), [&](int64_t i, int64_t last) {
    std::fill(dx + i * sample, dx + last * sample, T(0));
    for (int64_t p = i * s.space; p < last * s.space; ++p) {
      const int64_t c = target[p];
      if (c == s.ignore_index) continue;
      dx[offset(s, p, c)] = -(weight ? weight[c] : T(1)) * gradient_at(s, dloss, total_weight, p);
    }
  });
}

template <class T>
int64_t cross_entropy(const LossShape& s, T smoothing, const T* x, const int64_t* target, const T* weight, T* loss,
                      T* total_weight, T* saved) {
  const int64_t count = s.n * s.space;
  T *maximum = saved, *log_sum = saved + count;
  const Scratch<T> room(smoothing != 0 ? count : 0);
  T* smooth = smoothing != 0 ? room.get() : nullptr;
  for_each_row_block(s.n, s.classes, s.space, [&](const RowLayout& layout, int64_t at, int64_t line) {
    row_kernels<T>().log_sum_exp(layout, x + at, weight, maximum + line, log_sum + line,
                                 smooth ? smooth + line : nullptr);
  });
  return class_loss(s, target, weight, loss, total_weight, [&](int64_t p, int64_t c, T w) {
    const T likelihood = w * ((maximum[p] - x[offset(s, p, c)]) + log_sum[p]);
    return smooth ? (1 - smoothing) * likelihood + smoothing / T(s.classes) * smooth[p] : likelihood;
  });
}

// With p = softmax(x) and g the gradient of a position's loss:
//   dx = g * ((1 - smoothing) * w[t] * (p - [t]) + smoothing / classes * (sum(w) * p - w))
template <class T>
void cross_entropy_backward(const LossShape& s, T smoothing, const T* dloss, const T* x, const int64_t* target,
                            const T* weight, T total_weight, const T* saved, T* dx) {
  const int64_t count = s.n * s.space;
  const T share = smoothing / T(s.classes);
  T weight_sum = T(s.classes);
  if (weight && smoothing != 0) {
    double sum = 0;
    for (int64_t c = 0; c < s.classes; ++c) sum += double(weight[c]);
    weight_sum = T(sum);
  }
  const Scratch<T> scale(count), smooth(smoothing != 0 ? count : 0);
  for_each_row_block(s.n, s.classes, s.space, [&](const RowLayout& layout, int64_t at, int64_t line) {
    const auto hit_of = [&](int64_t p) {
      const T w = weight ? weight[target[p]] : T(1);
      return (1 - smoothing) * w * gradient_at(s, dloss, total_weight, p);
    };
    for (int64_t p = line; p < line + layout.lines; ++p) {
      const bool counts = target[p] != s.ignore_index;
      const T soft = counts ? share * gradient_at(s, dloss, total_weight, p) : T(0);
      scale.get()[p] = counts ? hit_of(p) + soft * weight_sum : T(0);
      if (smoothing != 0) smooth.get()[p] = soft;
    }
    row_kernels<T>().scaled_softmax(layout, x + at, saved + line, saved + count + line, scale.get() + line,
                                    smoothing != 0 ? smooth.get() + line : nullptr, weight, dx + at);
    for (int64_t p = line; p < line + layout.lines; ++p) {
      if (target[p] != s.ignore_index) dx[offset(s, p, target[p])] -= hit_of(p);
    }
  });
}

#define RL_LOSSES(T)                                                                                            \
  template int64_t nll_loss<T>(const LossShape&, const T*, const int64_t*, const T*, T*, T*);                   \
  template void nll_loss_backward<T>(const LossShape&, const T*, const int64_t*, const T*, T, T*);              \
  template int64_t cross_entropy<T>(const LossShape&, T, const T*, const int64_t*, const T*, T*, T*, T*);       \
  template void cross_entropy_backward<T>(const LossShape&, T, const T*, const T*, const int64_t*, const T*, T, \
                                          const T*, T*);
RL_LOSSES(float)
RL_LOSSES(double)
#undef RL_LOSSES

}  // namespace rl::cpu
