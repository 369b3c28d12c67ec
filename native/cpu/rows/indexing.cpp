// Picking and placing by index tensors, and joining tensors.
#include <algorithm>
#include <cstring>

#include "autograd/history.h"
#include "cpu/rows/elements.h"
#include "cpu/rows/widen.h"
#include "device/create.h"
#include "gen/ops/creation.h"
#include "gen/ops/gather.h"
#include "gen/ops/indexing.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

// What several index tensors select: each place of the broadcast index names one block of `x`.
struct Places {
  std::vector<Ref> indices;      // one a dimension of x, or null
  Dims result;                   // sizes of x[indices]
  std::vector<int64_t> offsets;  // element offsets into x, one for each place, in the order of `index_sizes`
  Dims index_sizes;
  Dims rest_sizes, rest_strides;  // the dimensions without an index
  int at = 0;                     // where index_sizes stand in the result
};

// A shape with the sizes marked that differ from the other's, but for dimension `dim`.
std::string marked_apart(DimSpan sizes, DimSpan other, int dim) {
  Dims same(other);
  if (dim < same.size() && dim < sizes.n) same[dim] = sizes[dim];
  return marked_against(sizes, same);
}

Ref long_index(const Ref& index, DimSpan sizes, int dim) {
  RL_CHECK(index->dtype == DType::Int64, Index,
           "index: index tensors must be int64 or bool (a mask), got %s for dimension %d", name_of(index->dtype), dim);
  Ref i = as_contiguous(index.get());
  const int64_t* p = i->data_as<int64_t>();
  for (int64_t k = 0; k < i->numel; ++k)
    if (p[k] < -sizes[dim] || p[k] >= sizes[dim]) [[unlikely]]
      fail_index("index", p[k], sizes, dim);
  return i;
}

Dims common_sizes(DimSpan a, DimSpan b) {
  try {
    return broadcast_sizes(a, b, "index");
  } catch (const Error& e) {
    fail(ErrorType::Index, "%s", e.what());
  }
}

bool is_mask(const Ref& index) {
  return index && index->ndim > 0 && (index->dtype == DType::Bool || index->dtype == DType::UInt8);
}

void check_mask(const Tensor* mask, const Tensor* x, int first) {
  for (int d = 0; d < mask->ndim; ++d) {
    const int at = first + d;
    RL_CHECK(at < x->ndim && mask->dims[d] == x->dims[at], Index,
             "index: a mask of shape %s does not fit a tensor of shape %s: the marked sizes must be equal",
             marked(mask->sizes(), d).c_str(), (at < x->ndim ? marked(x->sizes(), at) : to_string(x->sizes())).c_str());
  }
}

// Each mask as the index tensors of the places where it holds, one for each of its dimensions.
std::vector<Ref> without_masks(const Tensor* x, const Tensors& indices) {
  std::vector<Ref> plain;
  for (const Ref& i : indices) {
    if (!is_mask(i)) {
      plain.push_back(i);
      continue;
    }
    check_mask(i.get(), x, static_cast<int>(plain.size()));
    Ref places = ops::nonzero(i);
    for (int d = 0; d < i->ndim; ++d) plain.push_back(alias(places.get(), layout::select(places->layout(), 1, d)));
  }
  return plain;
}

// Their shape; `locate` adds the offsets.
Places shape_of_places(const Tensor* x, const Tensors& given) {
  Places p;
  p.indices = without_masks(x, given);
  const int n = static_cast<int>(p.indices.size());
  RL_CHECK(n <= x->ndim, Index, "index: %d indices for a tensor of %d dimensions (shape %s)", n, x->ndim,
           to_string(x->sizes()).c_str());
  int first = -1, last = -1, count = 0;
  bool none = false;
  for (int d = 0; d < n; ++d) {
    const Ref& i = p.indices[static_cast<size_t>(d)];
    if (!i) continue;
    p.index_sizes = count++ ? common_sizes(p.index_sizes, i->sizes()) : Dims(i->sizes());
    none |= x->dims[d] == 0;
    if (first < 0) first = d;
    last = d;
  }
  RL_CHECK(!none || !product(p.index_sizes), Index, "index: an indexed dimension of shape %s has size 0",
           to_string(x->sizes()).c_str());
  bool adjacent = count == last - first + 1;
  p.at = adjacent ? std::max(first, 0) : 0;
  for (int d = 0; d < x->ndim; ++d)
    if (d >= n || !p.indices[static_cast<size_t>(d)]) {
      p.rest_sizes.push_back(x->dims[d]);
      p.rest_strides.push_back(x->strides()[d]);
    }
  for (int i = 0; i < p.rest_sizes.size() + 1; ++i) {
    if (i == p.at)
      for (int64_t s : p.index_sizes) p.result.push_back(s);
    if (i < p.rest_sizes.size()) p.result.push_back(p.rest_sizes[i]);
  }
  return p;
}

void locate(Places& p, const Tensor* x) {
  if (product(p.result) == 0) return;  // nothing is read, so no index is out of range
  int64_t n = product(p.index_sizes);
  p.offsets.assign(static_cast<size_t>(n), 0);
  for (int d = 0; d < static_cast<int>(p.indices.size()); ++d) {
    const Ref& index = p.indices[static_cast<size_t>(d)];
    if (!index) continue;
    Ref i = long_index(index, x->sizes(), d);
    Layout wide = layout::expand(i->layout(), p.index_sizes);
    const int64_t* values = i->data_as<int64_t>();
    Dims at(p.index_sizes.size());
    int64_t where = 0;
    for (int64_t k = 0; k < n; ++k) {
      int64_t v = values[where];
      p.offsets[static_cast<size_t>(k)] += (v < 0 ? v + x->dims[d] : v) * x->strides()[d];
      for (int e = at.size() - 1; e >= 0; --e) {
        where += wide.strides[e];
        if (++at[e] < p.index_sizes[e]) break;
        where -= p.index_sizes[e] * wide.strides[e];
        at[e] = 0;
      }
    }
  }
}

Places find_places(const Tensor* x, const Tensors& indices) {
  Places p = shape_of_places(x, indices);
  locate(p, x);
  return p;
}

// What is read while x is written must not be in x itself.
void check_apart(const Tensor* x, const Tensor* read) {
  if (x != read && (!x->numel || !read->numel || !x->storage->data || !may_share_memory(x, read))) return;
  RL_CHECK(!is_non_overlapping_and_dense(x->sizes(), x->strides()) ||
               !is_non_overlapping_and_dense(read->sizes(), read->strides()),
           Runtime, "index_put_: the values or an index share memory with the written tensor; .clone() them first");
}

// The mask, spread over the dimensions behind it, where the indices are one mask and nothing else; null otherwise.
Ref only_mask(const Tensor* x, const Tensors& indices) {
  int before = 0;
  const Tensor* mask = nullptr;
  for (const Ref& i : indices) {
    if (!i) {
      before += !mask;
      continue;
    }
    if (mask || !is_mask(i)) return {};
    mask = i.get();
  }
  if (!mask) return {};
  check_mask(mask, x, before);
  Dims sizes(mask->sizes()), strides(mask->strides());
  while (before + sizes.size() < x->ndim) sizes.push_back(1), strides.push_back(0);
  Ref wide = alias(mask, {sizes, strides, mask->offset});
  return as_dtype(wide.get(), DType::Bool);
}

// Calls f(element offset in x, element offset in the row-major result) for every selected element.
template <class F>
void each_place(const Places& p, F f) {
  int64_t n = static_cast<int64_t>(p.offsets.size()), inner = 1, outer = 1;
  for (int i = 0; i < p.rest_sizes.size(); ++i) (i < p.at ? outer : inner) *= p.rest_sizes[i];
  Dims at(p.rest_sizes.size());
  int64_t where = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t i = 0; i < inner; ++i) {
      for (int64_t k = 0; k < n; ++k) f(where + p.offsets[static_cast<size_t>(k)], (o * n + k) * inner + i);
      for (int e = at.size() - 1; e >= 0; --e) {
        where += p.rest_strides[e];
        if (++at[e] < p.rest_sizes[e]) break;
        where -= p.rest_sizes[e] * p.rest_strides[e];
        at[e] = 0;
      }
    }
}

template <class T>
void add_places(const Places& p, T* x, const T* values) {
  each_place(p, [&](int64_t to, int64_t from) { x[to] = static_cast<T>(x[to] + values[from]); });
}
void add_any(const Places& p, Tensor* x, const Tensor* values) {
  switch (x->dtype) {
#define RL_CASE(T, NAME) \
  case DType::NAME: return add_places(p, x->data_as<T>(), values->data_as<T>());
    RL_FOR_DTYPES(RL_CASE)
#undef RL_CASE
    default: fail(ErrorType::NotImplemented, "index: adding is not implemented for dtype %s", name_of(x->dtype));
  }
}

DType common_dtype(const Tensors& tensors) {
  DType dtype = tensors[0]->dtype;
  bool same = true;
  for (const Ref& t : tensors) same = same && t->dtype == dtype;
  if (same) return dtype;
  std::vector<Arg> args;
  for (const Ref& t : tensors) args.push_back(Arg(t));
  return result_dtype(Span<const Arg>(args.data(), static_cast<int>(args.size())));
}

// Contiguous tensors of one dtype, side by side along dimension d of `out`.
void join_rows(const Tensors& tensors, Tensor* out, int d) {
  int64_t outer = 1, inner = static_cast<int64_t>(size_of(out->dtype));
  for (int i = 0; i < out->ndim; ++i)
    if (i != d) (i < d ? outer : inner) *= out->dims[i];
  int64_t width = out->dims[d] * inner, at = 0;
  for (const Ref& t : tensors) {
    if (t->numel == 0) continue;
    int64_t bytes = t->dims[d] * inner;
    for (int64_t o = 0; o < outer; ++o)
      std::memcpy(out->data() + o * width + at, t->data() + o * bytes, static_cast<size_t>(bytes));
    at += bytes;
  }
}

Ref vector_index(In index, const char* op) {
  RL_CHECK(index->ndim <= 1, Index, "%s: the index must have at most one dimension, got shape %s", op,
           to_string(index->sizes()).c_str());
  RL_CHECK(index->dtype == DType::Int64 || index->dtype == DType::Int32, Runtime,
           "%s: the index must be int64 or int32, got %s", op, name_of(index->dtype));
  Ref whole = as_dtype(index, DType::Int64);
  return as_contiguous(whole.get());
}

}  // namespace

namespace kernels {

Ref index_select(In input, int64_t dim, In index) {
  int d = wrap_dim(dim, input->ndim, "index_select");
  Ref i = vector_index(index, "index_select");
  RL_CHECK(input->ndim || i->numel == 1, Runtime, "index_select: a 0-d tensor is selected from by one index, got %lld",
           (long long)i->numel);
  Dims sizes(input->sizes());
  if (input->ndim) sizes[d] = i->numel;
  Ref out = empty(sizes, input->dtype, input->device);
  if (!has_memory(input)) return out;
  Ref x = as_contiguous(input);
  int64_t outer = 1, n = input->ndim ? input->dims[d] : 1, inner = static_cast<int64_t>(size_of(input->dtype));
  for (int k = 0; k < input->ndim; ++k)
    if (k != d) (k < d ? outer : inner) *= input->dims[k];
  const int64_t* at = i->data_as<int64_t>();
  const ErrorType error = d == 1 ? ErrorType::Runtime : ErrorType::Index;
  for (int64_t k = 0; k < i->numel; ++k)
    if (at[k] < 0 || at[k] >= n) [[unlikely]]
      fail_index("index_select", at[k], input->sizes(), d, true, error);
  int64_t picked = i->numel;
  const char* from = x->data();
  char* to = out->data();
  Unlocked unlocked(out->numel);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t k = 0; k < picked; ++k)
      std::memcpy(to + (o * picked + k) * inner, from + (o * n + at[k]) * inner, static_cast<size_t>(inner));
  return out;
}

Ref index_select_grad(In g, DimSpan input, int64_t dim, In index) {
  int d = wrap_dim(dim, input.n, "index_select");
  Ref out = full(input, Scalar(0), g->dtype, g->device);
  if (!has_memory(g)) return out;
  if (input.n == 0) {
    copy_into(out.get(), g);
    return out;
  }
  std::vector<Ref> indices(static_cast<size_t>(d) + 1);
  indices[static_cast<size_t>(d)] = vector_index(index, "index_select");
  Ref values = as_contiguous(g);
  add_any(find_places(out.get(), indices), out.get(), values.get());
  return out;
}

Ref index(In input, Tensors indices) {
  Places p = find_places(input, indices);
  Ref out = empty(p.result, input->dtype, input->device);
  if (!has_memory(input) || !out->numel) return out;
  with_bytes_of(input->dtype, [&](auto element) {
    using T = decltype(element);
    const T* from = reinterpret_cast<const T*>(input->data());
    T* to = reinterpret_cast<T*>(out->data());
    each_place(p, [&](int64_t a, int64_t b) { to[b] = from[a]; });
  });
  return out;
}

Ref index_put_grad(In g, DimSpan input, Tensors indices) {
  Ref out = full(input, Scalar(0), g->dtype, g->device), values = as_contiguous(g);
  if (has_memory(g)) add_any(find_places(out.get(), indices), out.get(), values.get());
  return out;
}

void index_put(In self, Tensors indices, In values, bool accumulate) {
  Tensor* x = self.mutable_tensor();
  check_no_internal_overlap(x, "index_put_");
  if (Ref mask = accumulate || values->numel != 1 ? Ref() : only_mask(x, indices)) {
    Ref value = alias(values, {{}, {}, values->offset});
    return masked_fill_in_place(self, mask, Arg(value));
  }
  check_apart(x, values);
  for (const Ref& index : indices)
    if (index) check_apart(x, index.get());
  Places p = shape_of_places(x, indices);
  check_expands("index_put_", values->sizes(), p.result);
  RL_CHECK(values->dtype == x->dtype, Runtime,
           "index_put_: the values have dtype %s, the written tensor %s; convert the values first",
           name_of(values->dtype), name_of(x->dtype));
  if (accumulate && is_narrow(self)) return widened(nullptr, index_put, self, indices, values, accumulate);
  Ref v = alias(values, layout::expand(values->layout(), p.result));
  v = contiguous_copy(v.get());
  locate(p, x);
  if (!has_memory(x) || !v->numel) return;
  if (accumulate) return add_any(p, x, v.get());
  with_bytes_of(x->dtype, [&](auto element) {
    using T = decltype(element);
    const T* from = reinterpret_cast<const T*>(v->data());
    T* to = reinterpret_cast<T*>(x->data());
    each_place(p, [&](int64_t a, int64_t b) { to[a] = from[b]; });
  });
}

Ref nonzero(In input) {
  RL_CHECK(has_memory(input), NotImplemented, "nonzero: the number of nonzero elements of a meta tensor is not known");
  Ref mask = input->dtype == DType::Bool ? as_contiguous(input) : ops::ne(Arg(input.tensor()), Arg(Scalar(0)));
  mask = as_contiguous(mask.get());
  const bool* m = mask->data_as<bool>();
  int64_t n = 0;
  for (int64_t i = 0; i < mask->numel; ++i) n += m[i];
  Ref out = empty(Dims{n, input->ndim}, DType::Int64, input->device);
  set_layout(out.get(), {Dims{n, input->ndim}, Dims{1, n}, 0});  // one column of memory for each dimension
  int64_t* to = out->data_as<int64_t>();
  for (int64_t i = 0; i < mask->numel; ++i) {
    if (!m[i]) continue;
    int64_t rest = i;
    for (int d = input->ndim - 1; d >= 0; --d) {
      to[d * n] = rest % input->dims[d];
      rest /= input->dims[d];
    }
    ++to;
  }
  return out;
}

Ref cat(Tensors tensors, int64_t dim) {
  RL_CHECK(tensors.size() > 0, Value, "cat: expected at least one tensor, got an empty list");
  const Tensor* first = nullptr;
  for (const Ref& t : tensors) {
    RL_CHECK(t->ndim > 0, Runtime, "cat: 0-d tensors cannot be joined; use stack");
    bool skipped = t->ndim == 1 && t->numel == 0;  // the old empty tensor joins anything
    if (!skipped && !first) first = t.get();
  }
  const bool any = first;
  if (!any) first = tensors[0].get();
  int d = any ? wrap_dim(dim, first->ndim, "cat") : 0;
  Dims sizes(first->sizes());
  sizes[d] = 0;
  for (int i = 0; i < tensors.size(); ++i) {
    const Tensor* t = tensors[i].get();
    if (t->ndim == 1 && t->numel == 0 && first->ndim != 1) continue;
    bool fits = t->ndim == first->ndim;
    for (int k = 0; fits && k < t->ndim; ++k) fits = k == d || t->dims[k] == first->dims[k];
    RL_CHECK(fits, Runtime,
             "cat: tensor %d has shape %s, the first %s: all sizes but that of dimension %d, which is joined, must be "
             "equal; give dim= the one that differs",
             i, marked_apart(t->sizes(), first->sizes(), d).c_str(),
             marked_apart(first->sizes(), t->sizes(), d).c_str(), d);
    sizes[d] += t->dims[d];
  }
  DType dtype = common_dtype(tensors);
  Ref out = empty(sizes, dtype, first->device);
  if (!has_memory(out.get())) return out;
  bool rows = true;  // whole rows of memory can be copied
  for (const Ref& t : tensors) rows = rows && t->contiguous() && t->dtype == dtype;
  if (rows) {
    join_rows(tensors, out.get(), d);
    return out;
  }
  int64_t at = 0;
  for (const Ref& t : tensors) {
    if (t->numel == 0) continue;
    Ref part = alias(out.get(), layout::slice(out->layout(), d, at, at + t->dims[d], 1));
    copy_into(part.get(), t.get());
    at += t->dims[d];
  }
  return out;
}

Ref stack(Tensors tensors, int64_t dim) {
  RL_CHECK(tensors.size() > 0, Runtime, "stack: expected at least one tensor, got an empty list");
  int d = wrap_dim(dim, tensors[0]->ndim + 1, "stack");
  std::vector<Ref> lifted;
  for (int i = 0; i < tensors.size(); ++i) {
    RL_CHECK(
        tensors[i]->sizes() == tensors[0]->sizes(), Runtime,
        "stack: all tensors must have one shape, but the first has %s and tensor %d has %s; cat joins tensors that "
        "differ in one dimension",
        marked_against(tensors[0]->sizes(), tensors[i]->sizes()).c_str(), i,
        marked_against(tensors[i]->sizes(), tensors[0]->sizes()).c_str());
    lifted.push_back(alias(tensors[i].get(), layout::unsqueeze(tensors[i]->layout(), d)));
  }
  return cat(lifted, d);
}

}  // namespace kernels

namespace compose {

Ref index_clear(In g, Tensors indices, bool accumulate) {
  if (accumulate) return Ref::retain(g.mutable_tensor());
  Ref out = ops::clone(g);
  ops::index_put_(out, indices, ops::zeros(DimSpan(), Options{g->dtype, g->device}), false);
  return out;
}

std::vector<Ref> cat_grad(In g, Tensors tensors, int64_t dim) {
  std::vector<Ref> pieces;
  int64_t at = 0;
  for (const Ref& t : tensors) {
    if (t->ndim == 1 && t->numel == 0 && g->ndim != 1) {
      pieces.push_back(ops::zeros_like(t));
      continue;
    }
    int d = wrap_dim(dim, g->ndim, "cat");
    pieces.push_back(ops::narrow(g, d, at, t->dims[d]));
    if (pieces.back()->dtype != t->dtype) pieces.back() = ops::_to_copy(pieces.back(), t->dtype);
    at += t->dims[d];
  }
  return pieces;
}

std::vector<Ref> stack_grad(In g, Tensors tensors, int64_t dim) {
  std::vector<Ref> pieces;
  for (int i = 0; i < tensors.size(); ++i) {
    pieces.push_back(ops::select(g, dim, i));
    if (pieces.back()->dtype != tensors[i]->dtype) pieces.back() = ops::_to_copy(pieces.back(), tensors[i]->dtype);
  }
  return pieces;
}

}  // namespace compose
}  // namespace rl
