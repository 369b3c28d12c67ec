// Softmax and the losses for class indices, over contiguous arrays. T: float, double.
#pragma once

#include <cstdint>

namespace rl::cpu {

// x, y: (outer, n, inner), along n; `log` gives the logarithm. y may be x.
template <class T>
void softmax(bool log, int64_t outer, int64_t n, int64_t inner, const T* x, T* y);

// From y, the result of softmax, and dy: softmax dx = (dy - sum(dy * y)) * y; log_softmax dx = dy - exp(y) * sum(dy).
template <class T>
void softmax_backward(bool log, int64_t outer, int64_t n, int64_t inner, const T* dy, const T* y, T* dx);

enum class Reduction { none, mean, sum };

// x: (n, classes, space), target: (n, space); `weight` has `classes` values or is null.
// Targets equal to ignore_index count for nothing. `mean` divides by the sum of the weights of the targets that count.
struct LossShape {
  int64_t n = 0, classes = 0, space = 1;
  int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
};

// The forward functions return -1, or the flat position of the first target outside [0, classes) (nothing useful is
// written then). loss: one value, or (n, space) for Reduction::none. total_weight: one value.
// The backward functions take the gradient of what `loss` is, and write all of dx.

// x: log-probabilities. loss = -weight[t] * x[t].
template <class T>
int64_t nll_loss(const LossShape& shape, const T* x, const int64_t* target, const T* weight, T* loss, T* total_weight);
template <class T>
void nll_loss_backward(const LossShape& shape, const T* dloss, const int64_t* target, const T* weight, T total_weight,
                       T* dx);

// x: logits, in one pass: log_softmax, then nll_loss mixed with `smoothing` of the mean over classes.
// `saved` (2, n, space) receives each row's maximum and log of summed exponentials, for the backward pass.
template <class T>
int64_t cross_entropy(const LossShape& shape, T smoothing, const T* x, const int64_t* target, const T* weight, T* loss,
                      T* total_weight, T* saved);
template <class T>
void cross_entropy_backward(const LossShape& shape, T smoothing, const T* dloss, const T* x, const int64_t* target,
                            const T* weight, T total_weight, const T* saved, T* dx);

}  // namespace rl::cpu
