// Attention: the rows around cpu/attention.h, and the form made of other rows for what the kernel does not do.
#include "cpu/attention.h"

#include <cmath>
#include <limits>

#include "autograd/forward.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/creation.h"
#include "gen/ops/linalg.h"
#include "gen/ops/nn.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/random.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

// Rows of contiguous values in the arithmetic type.
Ref rows_of(In x) {
  const Ref wide = as_dtype(x, wide_of(x->dtype));
  return wide->strides()[3] == 1 || wide->size(3) == 1 ? wide : contiguous_copy(wide.get());
}

template <class T, class X = std::remove_const_t<T>>
cpu::Heads<T> heads_of(const Ref& x) {
  if (!x) return {};
  return {x->data_as<X>(), x->strides()[0], x->strides()[1], x->strides()[2]};
}

void check_sizes(const char* op, In query, In key, In value) {
  RL_CHECK(query->ndim == 4 && key->ndim == 4 && value->ndim == 4, Runtime,
           "%s: expected (N, heads, length, size), got shapes %s, %s and %s", op, shape_of(query).c_str(),
           shape_of(key).c_str(), shape_of(value).c_str());
  const bool fits = query->size(0) == key->size(0) && query->size(0) == value->size(0) &&
                    key->size(1) == value->size(1) && key->size(1) > 0 && query->size(1) % key->size(1) == 0 &&
                    key->size(2) == value->size(2) && query->size(3) == key->size(3);
  RL_CHECK(fits && query->numel > 0 && key->numel > 0 && value->numel > 0, Runtime,
           "%s: a query of shape %s, a key of shape %s and a value of shape %s do not fit", op, shape_of(query).c_str(),
           shape_of(key).c_str(), shape_of(value).c_str());
  check_same(op, "the query", query, "the key", key);
  check_same(op, "the query", query, "the value", value);
  if (!is_floating(query->dtype)) no_kernel(op, query->dtype);
}

cpu::AttentionShape shape_of_call(In query, In key, In value, bool causal, double scale) {
  return {query->size(0), query->size(1), key->size(1), query->size(2), key->size(2),
          query->size(3), value->size(3), causal,       scale};
}

// The mask over all scores, its last dimension contiguous, as a view of what is kept here.
struct Mask {
  Ref own, all;

  Mask(const char* op, In mask, In query, In key) {
    if (!mask.tensor()) return;
    RL_CHECK(mask->ndim <= 4 && (mask->dtype == DType::Bool || is_floating(mask->dtype)), Runtime,
             "%s: expected a bool or floating mask of 4 or fewer dimensions, got %s of shape %s", op,
             name_of(mask->dtype), shape_of(mask).c_str());
    own = mask->dtype == DType::Bool ? Ref::retain(mask.mutable_tensor()) : as_dtype(mask, wide_of(query->dtype));
    const int64_t keys = key->size(2);
    if (own->ndim == 0 || own->size(own->ndim - 1) != keys || own->strides()[own->ndim - 1] != 1) {
      Dims sizes = own->ndim ? Dims(own->sizes()) : Dims{1};
      sizes[sizes.size() - 1] = keys;
      own = contiguous_copy(alias(own.get(), layout::expand(own->layout(), sizes)).get());
    }
    all = alias(own.get(), layout::expand(own->layout(), Dims{query->size(0), query->size(1), query->size(2), keys}));
  }

  template <class T>
  cpu::AttentionMask<T> heads() const {
    if (!all) return {};
    if (all->dtype == DType::Bool) return {{}, heads_of<const bool>(all)};
    return {heads_of<const T>(all), {}};
  }
};

}  // namespace

namespace kernels {

std::array<Ref, 2> attention(In query, In key, In value, In attn_mask, bool is_causal, double scale) {
  const char* op = "scaled_dot_product_attention";
  check_sizes(op, query, key, value);
  const DType type = wide_of(query->dtype);
  Dims sizes(query->sizes());
  sizes[3] = value->size(3);
  const bool as_query = value->size(3) == query->size(3) && query->strides()[3] == 1;
  Ref out = as_query ? rl::empty_like(query, type) : rl::empty(sizes, type, query->device);
  Ref log_sum = rl::empty({sizes[0], sizes[1], sizes[2]}, type, query->device);
  if (has_memory(query)) {
    const Ref q = rows_of(query), k = rows_of(key), v = rows_of(value);
    const Mask mask(op, attn_mask, query, key);
    const cpu::AttentionShape shape = shape_of_call(query, key, value, is_causal, scale);
    by_floating(op, type, [&](auto zero) {
      using T = decltype(zero);
      Unlocked unlocked(shape.batch * shape.heads * shape.queries * shape.keys);
      cpu::attention<T>(shape, heads_of<const T>(q), heads_of<const T>(k), heads_of<const T>(v), mask.heads<T>(),
                        heads_of<T>(out), log_sum->data_as<T>());
    });
  }
  return {as_dtype(out.get(), query->dtype), log_sum};
}

std::array<Ref, 3> attention_grad(In g, In query, In key, In value, In attn_mask, bool is_causal, double scale,
                                  In output, In logsumexp, int64_t need) {
  const char* op = "attention_grad";
  check_sizes(op, query, key, value);
  const DType type = wide_of(query->dtype);
  Dims sizes(query->sizes());
  sizes[3] = value->size(3);
  RL_CHECK(g->sizes() == DimSpan(sizes) && output->sizes() == DimSpan(sizes) &&
               logsumexp->numel == sizes[0] * sizes[1] * sizes[2] && logsumexp->dtype == type,
           Runtime, "%s: a gradient of shape %s and saved values of shapes %s and %s do not fit a result of shape %s",
           op, shape_of(g).c_str(), shape_of(output).c_str(), shape_of(logsumexp).c_str(), to_string(sizes).c_str());
  const auto made = [&](int64_t which, In like) {
    return need & which ? rl::empty(like->sizes(), type, like->device) : Ref();
  };
  const Ref dq = made(1, query), dk = made(2, key), dv = made(4, value);
  if (has_memory(query)) {
    const Ref q = rows_of(query), k = rows_of(key), v = rows_of(value), y = rows_of(output), dy = rows_of(g),
              log_sum = as_contiguous(logsumexp);
    const Mask mask(op, attn_mask, query, key);
    const cpu::AttentionShape shape = shape_of_call(query, key, value, is_causal, scale);
    by_floating(op, type, [&](auto zero) {
      using T = decltype(zero);
      Unlocked unlocked(shape.batch * shape.heads * shape.queries * shape.keys);
      cpu::attention_backward<T>(shape, heads_of<const T>(dy), heads_of<const T>(q), heads_of<const T>(k),
                                 heads_of<const T>(v), mask.heads<T>(), heads_of<const T>(y), log_sum->data_as<T>(),
                                 heads_of<T>(dq), heads_of<T>(dk), heads_of<T>(dv));
    });
  }
  const auto stored = [&](const Ref& x) { return x ? as_dtype(x.get(), query->dtype) : x; };
  return {stored(dq), stored(dk), stored(dv)};
}

}  // namespace kernels

// ------------------------------------------------------------------ made of other rows

namespace {

Ref held(In x) { return Ref::retain(x.mutable_tensor()); }
Ref in_dtype(const Ref& x, DType dtype) { return x->dtype == dtype ? x : ops::_to_copy(x, dtype); }
Ref turned(const Ref& x) { return ops::transpose(x, -2, -1); }

// Keys or values with as many heads as the query has: each of theirs several times over.
Ref for_heads(In x, int64_t heads) {
  const int dim = x->ndim - 3;
  if (dim < 0 || x->size(dim) == heads) return held(x);
  Dims sizes(x->sizes()), joined = sizes;
  sizes.insert(dim + 1, heads / x->size(dim));
  joined[dim] = heads;
  return ops::reshape(ops::expand(ops::unsqueeze(x, dim + 1), sizes), joined);
}

// softmax(query @ key.T * scale + mask); 0 in rows that see no key.
Ref weights_of(const Ref& query, const Ref& key, In mask, bool is_causal, double scale) {
  const Scalar none(-std::numeric_limits<double>::infinity());
  Ref scores = ops::matmul(ops::mul(query, Scalar(scale)), turned(key));
  if (mask.tensor())
    scores = mask->dtype == DType::Bool ? ops::where(mask, scores, none)
                                        : ops::add(scores, in_dtype(held(mask), scores->dtype));
  if (is_causal) {
    const Options options{DType::Int64, query->device};
    const Ref row = ops::unsqueeze(ops::arange(Scalar(query->size(query->ndim - 2)), options), 1);
    scores = ops::where(ops::ge(row, ops::arange(Scalar(key->size(key->ndim - 2)), options)), scores, none);
  }
  if (!mask.tensor() || is_complex(scores->dtype)) return ops::softmax(scores, -1);
  const Ref unseen = ops::all(ops::eq(scores, none), Dims{-1}, true);
  return ops::where(unseen, Scalar(0), ops::softmax(ops::where(unseen, Scalar(0), scores), -1));
}

struct Call {
  const char* op = "scaled_dot_product_attention";
  In query, key, value, mask;

  void check(double dropout_p, bool enable_gqa) const {
    RL_CHECK(query->ndim >= 2 && key->ndim >= 2 && value->ndim >= 2, Runtime,
             "%s: expected a query, key and value of 2 or more dimensions, got shapes %s, %s and %s", op,
             shape_of(query).c_str(), shape_of(key).c_str(), shape_of(value).c_str());
    check_same(op, "the query", query, "the key", key);
    check_same(op, "the query", query, "the value", value);
    RL_CHECK(is_differentiable(query->dtype), Runtime, "%s: expected floating-point tensors, got %s; use .float()", op,
             name_of(query->dtype));
    RL_CHECK(dropout_p >= 0 && dropout_p <= 1, Runtime, "%s: the probability must be from 0 to 1, got %g", op,
             dropout_p);
    RL_CHECK(
        !mask.tensor() || mask->dtype == DType::Bool || mask->dtype == DType::Float32 || mask->dtype == query->dtype,
        Runtime, "%s: expected a mask of dtype bool, float32 or the query's %s, got %s", op, name_of(query->dtype),
        name_of(mask->dtype));
    if (!enable_gqa) return;
    RL_CHECK(query->ndim >= 3 && key->ndim >= 3 && value->ndim >= 3 && divides(key) && divides(value), Runtime,
             "%s: the heads of key %s and value %s (dimension -3) must divide those of the query %s", op,
             shape_of(key).c_str(), shape_of(value).c_str(), shape_of(query).c_str());
  }

  // Whether the kernel does it: no broadcasting but of the mask, which is a constant.
  bool plain(double dropout_p, bool enable_gqa) const {
    const int n = query->ndim;
    if (!is_floating(query->dtype) || dropout_p > 0 || (n != 3 && n != 4) || key->ndim != n || value->ndim != n)
      return false;
    if (query->numel == 0 || key->numel == 0 || value->numel == 0) return false;
    for (int d = 0; d < n - 2; ++d) {
      const bool heads = d == n - 3 && enable_gqa;
      if (key->size(d) != value->size(d) || (!heads && key->size(d) != query->size(d))) return false;
    }
    if (query->size(n - 1) != key->size(n - 1) || key->size(n - 2) != value->size(n - 2)) return false;
    return !mask.tensor() || (!wants_grad(mask) && !any_dual(mask) && mask_fits());
  }

 private:
  int64_t heads(In x) const { return x->size(x->ndim - 3); }
  bool divides(In x) const { return heads(x) > 0 && heads(query) % heads(x) == 0; }
  bool mask_fits() const {
    const int n = query->ndim;
    for (int d = 1; d <= mask->ndim; ++d) {
      const int64_t wanted = d == 1 ? key->size(n - 2) : d <= n ? query->size(n - d) : 1;
      if (d > n || (mask->size(mask->ndim - d) != 1 && mask->size(mask->ndim - d) != wanted)) return false;
    }
    return true;
  }
};

}  // namespace

namespace compose {

std::array<Ref, 3> attention_grad_composed(In g, In query, In key, In value, In attn_mask, bool is_causal, double scale,
                                           int64_t need) {
  const DType type = wide_of(query->dtype);
  const int64_t heads = query->size(1), kv_heads = key->size(1);
  const Ref q = in_dtype(held(query), type), k = for_heads(in_dtype(held(key), type), heads),
            v = for_heads(in_dtype(held(value), type), heads), dy = in_dtype(held(g), type);
  const Ref weights = weights_of(q, k, attn_mask, is_causal, scale);
  const Ref dweights = ops::matmul(dy, turned(v)), dot = ops::sum(ops::mul(weights, dweights), Dims{-1}, true);
  const Ref dscores = ops::mul(ops::mul(weights, ops::sub(dweights, dot)), Scalar(scale));
  // Heads of the query that share one of the keys add up.
  const auto collected = [&](const Ref& x) {
    const Ref grouped = ops::reshape(x, {x->size(0), kv_heads, heads / kv_heads, x->size(2), x->size(3)});
    return in_dtype(ops::sum(grouped, Dims{2}), query->dtype);
  };
  std::array<Ref, 3> found;
  if (need & 1) found[0] = in_dtype(ops::matmul(dscores, k), query->dtype);
  if (need & 2) found[1] = collected(ops::matmul(turned(dscores), q));
  if (need & 4) found[2] = collected(ops::matmul(turned(weights), dy));
  return found;
}

Ref scaled_dot_product_attention(In query, In key, In value, In attn_mask, double dropout_p, bool is_causal,
                                 std::optional<double> scale, bool enable_gqa) {
  const Call call{.query = query, .key = key, .value = value, .mask = attn_mask};
  call.check(dropout_p, enable_gqa);
  const double factor = scale.value_or(1 / std::sqrt(double(query->size(query->ndim - 1))));
  const bool batched = query->ndim != 3;
  if (call.plain(dropout_p, enable_gqa) && !(is_causal && attn_mask.tensor() && !batched)) {
    if (batched) return ops::_attention(query, key, value, attn_mask, is_causal, factor)[0];
    const Ref seen = ops::_attention(ops::unsqueeze(query, 0), ops::unsqueeze(key, 0), ops::unsqueeze(value, 0),
                                     attn_mask, is_causal, factor)[0];
    return ops::squeeze(seen, Dims{0});
  }
  RL_CHECK(!(is_causal && attn_mask.tensor()), Runtime, "%s: give attn_mask or is_causal, not both", call.op);
  const DType type = wide_of(query->dtype);
  Ref k = in_dtype(held(key), type), v = in_dtype(held(value), type);
  if (enable_gqa) {
    k = for_heads(k, query->size(query->ndim - 3));
    v = for_heads(v, query->size(query->ndim - 3));
  }
  const Ref weights = weights_of(in_dtype(held(query), type), k, attn_mask, is_causal, factor);
  return in_dtype(ops::matmul(ops::dropout(weights, dropout_p, true), v), query->dtype);
}

}  // namespace compose
}  // namespace rl
