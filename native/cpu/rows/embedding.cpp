// Look-ups in a table of rows, and their gradient: each row's is the sum over the positions that looked it up.
#include <algorithm>
#include <vector>

#include "base/parallel.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/gather.h"
#include "gen/ops/indexing.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {
namespace kernels {

Ref embedding(In weight, In indices, int64_t, bool) {
  RL_CHECK(weight->ndim == 2, Runtime, "embedding: expected a table of shape (V, D), got shape %s",
           shape_of(weight).c_str());
  const Ref whole = as_contiguous(indices);
  Ref found = index_select(weight, 0, alias(whole.get(), {{whole->numel}, {1}, whole->offset}));
  Dims sizes(indices->sizes());
  sizes.push_back(weight->size(1));
  set_layout(found.get(), {sizes, contiguous_strides(sizes), 0});
  return found;
}

Ref embedding_grad(In g, DimSpan weight, In indices, int64_t padding_idx, bool scale_grad_by_freq) {
  Ref out = full(weight, Scalar(0), g->dtype, g->device);
  if (!has_memory(g)) return out;
  const Ref whole = as_contiguous(as_dtype(indices, DType::Int64).get()), values = as_contiguous(g);
  const int64_t* at = whole->data_as<int64_t>();
  const int64_t count = whole->numel, width = weight[1];
  std::vector<int64_t> uses(scale_grad_by_freq ? weight[0] : 0);
  for (int64_t p = 0; scale_grad_by_freq && p < count; ++p) ++uses[at[p]];
  by_floating("embedding", g->dtype, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(values->numel);
    // Each thread has rows of its own and adds what belongs to them in the order of the positions.
    const int64_t grain = values->numel > kGrain ? weight[0] / num_threads() + 1 : weight[0];
    parallel_for(0, weight[0], std::max<int64_t>(grain, 1), [&](int64_t first, int64_t last) {
      for (int64_t p = 0; p < count; ++p) {
        if (at[p] < first || at[p] >= last || at[p] == padding_idx) continue;
        const T share = uses.empty() ? T(1) : T(1) / T(uses[at[p]]);
        const T* from = values->data_as<T>() + p * width;
        T* to = out->data_as<T>() + at[p] * width;
        for (int64_t k = 0; k < width; ++k) to[k] = to[k] + from[k] * share;
      }
    });
  });
  return out;
}

}  // namespace kernels

// As in PyTorch, without the shares of scale_grad_by_freq.
Ref compose::embedding_of_grad(In g, In indices, int64_t padding_idx) {
  const Ref found = ops::_embedding(g, indices, padding_idx, false);
  if (padding_idx < 0) return found;
  return ops::where(ops::eq(ops::unsqueeze(indices, -1), padding_idx), Scalar(0), found);
}

}  // namespace rl
