#include "iterate/plan.h"

#include "base/parallel.h"

namespace rl {

namespace {
// The stride, in bytes, of operand `o` along dimension `d` of a shape of n dimensions; 0 where it broadcasts.
int64_t stride_along(const Operand& o, int d, int n) {
  int own = d - (n - o.sizes.n);
  return own < 0 || o.sizes[own] == 1 ? 0 : o.strides[own] * o.itemsize;
}
}  // namespace

void memory_order(DimSpan sizes, Span<const Operand> operands, int* order) {
  int n = sizes.n;
  for (int i = 0; i < n; ++i) order[i] = n - 1 - i;
  // A dimension of one element has a say too, as long as it is not broadcast.
  auto stride = [&](const Operand& o, int d) {
    int own = d - (n - o.sizes.n);
    return sizes[d] == 1 && own >= 0 ? o.strides[own] * o.itemsize : stride_along(o, d, n);
  };
  // > 0: dimension a lies outside b; < 0: inside; 0: nobody says.
  auto compare = [&](int a, int b) {
    for (const Operand& o : operands) {
      int64_t x = stride(o, a), y = stride(o, b);
      if (x == 0 || y == 0) continue;
      if (x != y) return x < y ? -1 : 1;
      if (sizes[a] > sizes[b]) return 1;
    }
    return 0;
  };
  for (int i = 1; i < n; ++i) {
    int at = i;
    for (int j = i - 1; j >= 0; --j) {
      int c = compare(order[j], order[at]);
      if (c > 0) {
        std::swap(order[j], order[at]);
        at = j;
      } else if (c < 0) {
        break;
      }
    }
  }
}

Dims output_strides(DimSpan sizes, Span<const Operand> operands) {
  int order[kMaxDims];
  memory_order(sizes, operands, order);
  Dims strides(sizes.n);
  int64_t step = 1;
  for (int i = 0; i < sizes.n; ++i) {
    strides[order[i]] = step;
    step *= sizes[order[i]] > 1 ? sizes[order[i]] : 1;
  }
  return strides;
}

Plan::Plan(DimSpan shape, Span<const Operand> ops) : operands(ops.n) {
  int n = shape.n, order[kMaxDims];
  memory_order(shape, ops, order);
  for (int k = 0; k < operands; ++k) data[k] = ops[k].data;
  for (int i = 0; i < n; ++i) {
    int d = order[i];
    numel *= shape[d];
    if (shape[d] == 1) continue;
    int last = sizes.size() - 1;
    bool merges = last >= 0;
    for (int k = 0; merges && k < operands; ++k) merges = stride_along(ops[k], d, n) == strides[k][last] * sizes[last];
    if (merges) {
      sizes[last] *= shape[d];
      continue;
    }
    sizes.push_back(shape[d]);
    for (int k = 0; k < operands; ++k) strides[k].push_back(stride_along(ops[k], d, n));
  }
  if (sizes.empty()) {
    sizes.push_back(1);
    for (int k = 0; k < operands; ++k) strides[k].push_back(0);
  }
}

template <class F>
static void run_range(const Plan& plan, const F& loop, int64_t begin, int64_t end) {
  int ndim = plan.sizes.size();
  int64_t step[kMaxOperands];
  char* at[kMaxOperands];
  for (int k = 0; k < plan.operands; ++k) {
    step[k] = plan.strides[k][0];
    at[k] = plan.data[k];
  }
  int64_t index[kMaxDims];
  int64_t rest = begin;
  for (int i = 0; i < ndim; ++i) {
    index[i] = rest % plan.sizes[i];
    rest /= plan.sizes[i];
    for (int k = 0; k < plan.operands; ++k) at[k] += index[i] * plan.strides[k][i];
  }
  int64_t left = end - begin;
  while (left > 0) {
    int64_t n = plan.sizes[0] - index[0];
    if (n > left) n = left;
    loop(at, step, n);
    left -= n;
    if (left == 0) break;
    for (int k = 0; k < plan.operands; ++k) at[k] -= index[0] * step[k];
    index[0] = 0;
    for (int i = 1; i < ndim; ++i) {
      for (int k = 0; k < plan.operands; ++k) at[k] += plan.strides[k][i];
      if (++index[i] < plan.sizes[i]) break;
      for (int k = 0; k < plan.operands; ++k) at[k] -= plan.sizes[i] * plan.strides[k][i];
      index[i] = 0;
    }
  }
}

template <class F>
static void run_plan(const Plan& plan, const F& loop) {
  if (plan.numel == 0) return;
  if (plan.sizes.size() == 1 && plan.numel <= kGrain) {
    int64_t step[kMaxOperands];
    for (int k = 0; k < plan.operands; ++k) step[k] = plan.strides[k][0];
    loop(plan.data, step, plan.numel);
    return;
  }
  Unlocked unlocked(plan.numel);
  parallel_for(0, plan.numel, kGrain, [&](int64_t begin, int64_t end) { run_range(plan, loop, begin, end); });
}

void Plan::run(Loop loop) const { run_plan(*this, loop); }

static auto calling(const Inner& inner) {
  return [&](char* const* data, const int64_t* strides, int64_t n) { inner.call(inner.self, data, strides, n); };
}

void Plan::run(const Inner& inner) const { run_plan(*this, calling(inner)); }

void Plan::run_part(const Inner& inner, int64_t begin, int64_t end) const {
  run_range(*this, calling(inner), begin, end);
}

}  // namespace rl
