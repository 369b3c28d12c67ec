// Views by other names, lists of views, and methods that change a tensor's own sizes and strides.
#include <algorithm>

#include "autograd/forward.h"
#include "autograd/history.h"
#include "autograd/pieces.h"
#include "gen/ops/complex.h"
#include "gen/ops/layout.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl::compose {
namespace {

Ref itself(In x) { return Ref::retain(x.mutable_tensor()); }

int split_dim(In x, int64_t dim, const char* op) {
  RL_CHECK(x->ndim > 0, Runtime, "%s: a 0-d tensor has no dimension to take apart", op);
  return wrap_dim(dim, x->ndim, op);
}

void check_count(int64_t pieces, const char* op) {
  RL_CHECK(pieces <= INT32_MAX, Runtime, "%s: %lld pieces are more than a list can hold", op, (long long)pieces);
}

std::vector<Ref> pieces_of(Pieces kind, In x, int d, const std::vector<int64_t>& lengths) {
  std::vector<Ref> pieces;
  int64_t at = 0;
  {
    ModeGuard unrecorded(0, kGradOff);
    for (int64_t length : lengths) {
      pieces.push_back(ops::narrow(x, d, at, length));
      at += length;
    }
  }
  record_pieces(kind, x, pieces, d);
  return pieces;
}

// The pieces that start at each of `starts` and end where the next one starts; the last ends at `end`.
std::vector<Ref> pieces_between(In x, int d, DimSpan starts, int64_t end) {
  std::vector<Ref> pieces;
  for (int i = 0; i < starts.n; ++i)
    pieces.push_back(ops::slice(x, d, starts[i], i + 1 < starts.n ? starts[i + 1] : end, 1));
  return pieces;
}

}  // namespace

std::vector<Ref> split(In x, int64_t size, int64_t dim) {
  RL_CHECK(x->ndim > 0, Runtime, "split: a 0-d tensor has no dimension to take apart");
  RL_CHECK(size >= 0, Runtime, "split: split_size must not be negative, got %lld", (long long)size);
  int d = wrap_dim(dim, x->ndim, "split");
  int64_t n = x->dims[d];
  RL_CHECK(size > 0 || n == 0, Runtime, "split: split_size 0 fits a dimension of size 0 only, got size %lld",
           (long long)n);
  std::vector<int64_t> lengths;
  int64_t at = 0;
  do {
    lengths.push_back(std::min(size, n - at));
    at += lengths.back();
  } while (at < n);
  return pieces_of(Pieces::Split, x, d, lengths);
}

std::vector<Ref> split_with_sizes(In x, DimSpan sizes, int64_t dim) {
  int d = split_dim(x, dim, "split_with_sizes");
  int64_t total = 0;
  for (int64_t s : sizes) {
    RL_CHECK(s >= 0, Runtime, "split_with_sizes: sizes must not be negative, got %s", to_string(sizes).c_str());
    total += s;
  }
  RL_CHECK(total == x->dims[d], Runtime,
           "split_with_sizes: the sizes %s add up to %lld, but the marked size of shape %s is to be split",
           to_string(sizes).c_str(), (long long)total, marked(x->sizes(), d).c_str());
  return pieces_of(Pieces::SplitWithSizes, x, d, {sizes.begin(), sizes.end()});
}

std::vector<Ref> chunk(In x, int64_t chunks, int64_t dim) {
  RL_CHECK(x->ndim > 0, Runtime, "chunk: a 0-d tensor has no dimension to take apart");
  RL_CHECK(chunks > 0, Runtime, "chunk: chunks must be positive, got %lld", (long long)chunks);
  int d = wrap_dim(dim, x->ndim, "chunk");
  int64_t size = x->dims[d] / chunks + (x->dims[d] % chunks != 0);
  if (size) return split(x, size, d);
  check_count(chunks, "chunk");
  return split_with_sizes(x, Dims(static_cast<int>(chunks), 0), d);
}

std::vector<Ref> tensor_split(In x, int64_t sections, int64_t dim) {
  int d = split_dim(x, dim, "tensor_split");
  RL_CHECK(sections > 0, Runtime, "tensor_split: sections must be positive, got %lld", (long long)sections);
  check_count(sections, "tensor_split");
  int64_t n = x->dims[d], base = n / sections, longer = n % sections;
  Dims starts;
  for (int64_t i = 0; i < sections; ++i) starts.push_back(i * base + std::min(i, longer));
  return pieces_between(x, d, starts, n);
}

std::vector<Ref> tensor_split_at(In x, DimSpan indices, int64_t dim) {
  int d = split_dim(x, dim, "tensor_split");
  Dims starts{0};
  for (int64_t i : indices) starts.push_back(i);
  return pieces_between(x, d, starts, x->dims[d]);
}

std::vector<Ref> tensor_split_by_tensor(In x, In where, int64_t dim) {
  RL_CHECK(where->dtype == DType::Int64 && where->ndim <= 1, Runtime,
           "tensor_split: expected an int64 tensor of at most one dimension, got %s of shape %s", name_of(where->dtype),
           to_string(where->sizes()).c_str());
  RL_CHECK(where->storage->data || !where->numel, NotImplemented,
           "tensor_split: the indices are on the meta device, which has no numbers");
  Ref flat = as_contiguous(where);
  const int64_t* at = flat->data_as<int64_t>();
  if (where->ndim == 0) return tensor_split(x, *at, dim);
  Dims indices;
  for (int64_t i = 0; i < flat->numel; ++i) indices.push_back(at[i]);
  return tensor_split_at(x, indices, dim);
}

namespace {
int stacked_dim(In x, int dim, int least, const char* op) {
  RL_CHECK(x->ndim >= least, Runtime, "%s: expected a tensor of at least %d dimensions, got shape %s", op, least,
           to_string(x->sizes()).c_str());
  return x->ndim == 1 ? 0 : dim;
}
std::vector<Ref> equal_pieces(In x, int64_t sections, int d, const char* op) {
  RL_CHECK(sections > 0 && x->dims[d] % sections == 0, Runtime,
           "%s: dimension %d of size %lld cannot be taken apart into %lld equal pieces", op, d, (long long)x->dims[d],
           (long long)sections);
  return tensor_split(x, sections, d);
}
}  // namespace

std::vector<Ref> hsplit(In x, int64_t sections) {
  return equal_pieces(x, sections, stacked_dim(x, 1, 1, "hsplit"), "hsplit");
}
std::vector<Ref> vsplit(In x, int64_t sections) {
  return equal_pieces(x, sections, stacked_dim(x, 0, 2, "vsplit"), "vsplit");
}
std::vector<Ref> dsplit(In x, int64_t sections) {
  return equal_pieces(x, sections, stacked_dim(x, 2, 3, "dsplit"), "dsplit");
}
std::vector<Ref> hsplit_at(In x, DimSpan indices) {
  return tensor_split_at(x, indices, stacked_dim(x, 1, 1, "hsplit"));
}
std::vector<Ref> vsplit_at(In x, DimSpan indices) {
  return tensor_split_at(x, indices, stacked_dim(x, 0, 2, "vsplit"));
}
std::vector<Ref> dsplit_at(In x, DimSpan indices) {
  return tensor_split_at(x, indices, stacked_dim(x, 2, 3, "dsplit"));
}

// ------------------------------------------------------------------ other names, other shapes

Ref swap_dims(In x, int64_t dim0, int64_t dim1) { return ops::transpose(x, dim0, dim1); }
Ref moveaxis(In x, DimSpan source, DimSpan destination) { return ops::movedim(x, source, destination); }

Ref adjoint(In x) {
  RL_CHECK(x->ndim != 1, Runtime, "adjoint: expected a matrix or a batch of matrices, got a vector of shape %s",
           to_string(x->sizes()).c_str());
  return ops::conj(x->ndim == 0 ? itself(x) : ops::transpose(x, -2, -1));
}

Ref unflatten(In x, int64_t dim, DimSpan sizes) {
  int d = wrap_dim(dim, x->ndim, "unflatten");
  RL_CHECK(sizes.n > 0, Runtime, "unflatten: sizes must not be empty");
  RL_CHECK(x->ndim > 0, Runtime, "unflatten: a 0-d tensor has no dimension to take apart");
  DimSpan whole = x->sizes();
  int64_t n = whole[d];
  Dims inner = infer_sizes(sizes, n, Dims{n}, "unflatten"), out;
  for (int i = 0; i < whole.n; ++i) {
    if (i != d) {
      out.push_back(whole[i]);
      continue;
    }
    for (int64_t s : inner) out.push_back(s);
  }
  return ops::view(x, out);
}

Ref ravel(In x) { return ops::view(ops::contiguous(x, MemoryFormat::Contiguous), Dims{-1}); }
Ref broadcast_to(In x, DimSpan size) { return ops::expand(x, size); }

std::vector<Ref> broadcast_tensors(Tensors tensors) {
  Dims sizes;
  for (const Ref& x : tensors) sizes = broadcast_sizes(sizes, x->sizes(), "broadcast_tensors");
  std::vector<Ref> wide;
  for (const Ref& x : tensors) wide.push_back(x->sizes() == DimSpan(sizes) ? itself(x) : ops::expand(x, sizes));
  return wide;
}

Ref atleast_1d(In x) { return x->ndim ? itself(x) : ops::reshape(x, Dims{1}); }
Ref atleast_2d(In x) { return x->ndim >= 2 ? itself(x) : x->ndim ? ops::unsqueeze(x, 0) : ops::reshape(x, Dims{1, 1}); }
Ref atleast_3d(In x) {
  if (x->ndim >= 3) return itself(x);
  if (x->ndim == 0) return ops::reshape(x, Dims{1, 1, 1});
  return ops::unsqueeze(x->ndim == 2 ? itself(x) : ops::unsqueeze(x, 0), -1);
}

namespace {
template <class F>
std::vector<Ref> each(Tensors tensors, F change) {
  std::vector<Ref> results;
  for (const Ref& x : tensors) results.push_back(change(x));
  return results;
}
}  // namespace
std::vector<Ref> atleast_1d_each(Tensors tensors) { return each(tensors, atleast_1d); }
std::vector<Ref> atleast_2d_each(Tensors tensors) { return each(tensors, atleast_2d); }
std::vector<Ref> atleast_3d_each(Tensors tensors) { return each(tensors, atleast_3d); }

// ------------------------------------------------------------------ a tensor's own sizes and strides

namespace {
// x takes the layout of the view that `make` gives of it, and the view's history.
template <class F>
Ref relayout(In self, const char* op, F make) {
  Tensor* x = self.mutable_tensor();
  check_inplace(x, op, grad_enabled() && wants_grad(self));
  Ref y = make(self);
  set_layout(x, y->layout());
  if (any_dual(y)) hold_tangent(x, tangent_of(y.get()));
  bump_version(x);
  if (x->base) {
    std::swap(x->grad_fn, y->grad_fn);
    std::swap(x->output_nr, y->output_nr);
    x->seen_version = x->storage->version;
  } else if (y->grad_fn) {
    rebase_history(x, NodeRef::retain(y->grad_fn));
  }
  return itself(self);
}
}  // namespace

Ref transpose_self(In self, int64_t dim0, int64_t dim1) {
  return relayout(self, "transpose_", [&](In x) { return ops::_own_transpose(x, dim0, dim1); });
}
Ref t_self(In self) {
  return relayout(self, "t_", [](In x) { return ops::_own_t(x); });
}
Ref unsqueeze_self(In self, int64_t dim) {
  return relayout(self, "unsqueeze_", [&](In x) { return ops::_own_unsqueeze(x, dim); });
}
Ref squeeze_self(In self) {
  return relayout(self, "squeeze_", [](In x) { return ops::_own_squeeze(x); });
}
Ref squeeze_dims_self(In self, DimSpan dim) {
  return relayout(self, "squeeze_", [&](In x) { return ops::_own_squeeze_dims(x, dim); });
}
Ref as_strided_self(In self, DimSpan size, DimSpan stride, std::optional<int64_t> storage_offset) {
  return relayout(self, "as_strided_", [&](In x) {
    return ops::_own_as_strided(x, size, stride, storage_offset.value_or(x->offset), x->sizes(), x->strides(),
                                x->offset);
  });
}

}  // namespace rl::compose
