#include "tensor/layout.h"

#include "tensor/error_text.h"

#include <algorithm>

#include "base/error.h"

namespace rl {

void too_many_dims(int n) {
  fail(ErrorType::Runtime, "a tensor of %d dimensions was asked for; at most %d are supported", n, kMaxDims);
}

int64_t product(DimSpan sizes) {
  int64_t n = 1;
  for (int64_t s : sizes) {
    if (__builtin_mul_overflow(n, s, &n))
      fail(ErrorType::Runtime, "a tensor of sizes %s has more than 2^63 elements", to_string(sizes).c_str());
  }
  return n;
}

static void contiguous_strides(DimSpan sizes, int64_t* strides) {
  int64_t step = 1;
  for (int i = sizes.n - 1; i >= 0; --i) {
    strides[i] = step;
    step *= sizes[i] > 1 ? sizes[i] : 1;
  }
}

Dims contiguous_strides(DimSpan sizes) {
  Dims strides(sizes.n);
  contiguous_strides(sizes, strides.data());
  return strides;
}

bool is_contiguous(DimSpan sizes, DimSpan strides) {
  int64_t step = 1;
  for (int64_t s : sizes)
    if (s == 0) return true;
  for (int i = sizes.n - 1; i >= 0; --i) {
    if (sizes[i] == 1) continue;
    if (strides[i] != step) return false;
    step *= sizes[i];
  }
  return true;
}

// The dimensions of more than one element by their strides, the smallest first; none where the tensor is empty.
static SmallVector<int, 8> by_stride(DimSpan sizes, DimSpan strides) {
  SmallVector<int, 8> order;
  for (int i = 0; i < sizes.n; ++i) {
    if (sizes[i] == 0) return {};
    if (sizes[i] > 1) order.push_back(i);
  }
  for (int i = 1; i < order.size(); ++i)
    for (int j = i; j > 0 && strides[order[j]] < strides[order[j - 1]]; --j) std::swap(order[j], order[j - 1]);
  return order;
}

bool is_non_overlapping_and_dense(DimSpan sizes, DimSpan strides) {
  int64_t step = 1;
  for (int i : by_stride(sizes, strides)) {
    if (strides[i] != step) return false;
    step *= sizes[i];
  }
  return true;
}

bool has_no_overlap(DimSpan sizes, DimSpan strides) {
  int64_t reach = 0;
  for (int i : by_stride(sizes, strides)) {
    if (strides[i] <= reach) return false;
    reach += (sizes[i] - 1) * strides[i];
  }
  return true;
}

bool has_internal_overlap(DimSpan sizes, DimSpan strides) {
  for (int i = 0; i < sizes.n; ++i)
    if (sizes[i] > 1 && strides[i] == 0) return true;
  return false;
}

std::string to_string(DimSpan sizes) {
  std::string text = "[";
  for (int i = 0; i < sizes.n; ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

int wrap_dim(int64_t dim, int ndim, const char* op) {
  int64_t n = ndim ? ndim : 1;
  RL_CHECK(dim >= -n && dim < n, Index,
           "%s: dim %lld is out of range for %d dimension%s; expected a dim from %lld to %lld", op, (long long)dim,
           ndim, ndim == 1 ? "" : "s", (long long)-n, (long long)n - 1);
  return static_cast<int>(dim < 0 ? dim + n : dim);
}

Dims broadcast_sizes(DimSpan a, DimSpan b, const char* op) {
  int n = a.n > b.n ? a.n : b.n;
  Dims out(n);
  for (int i = 0; i < n; ++i) {
    int64_t x = i < n - a.n ? 1 : a[i - (n - a.n)], y = i < n - b.n ? 1 : b[i - (n - b.n)];
    if (x != y && x != 1 && y != 1) [[unlikely]]
      fail_broadcast(op, a, b);
    out[i] = x == 1 ? y : x;
  }
  return out;
}

Dims infer_sizes(DimSpan sizes, int64_t numel, DimSpan from, const char* op) {
  Dims out(sizes);
  int inferred = -1;
  int64_t known = 1;
  for (int i = 0; i < out.size(); ++i) {
    if (out[i] == -1) {
      RL_CHECK(inferred < 0, Runtime, "%s: only one size may be -1 (to be inferred); got %s", op,
               to_string(sizes).c_str());
      inferred = i;
    } else {
      RL_CHECK(out[i] >= 0, Runtime, "%s: a size may not be negative (but one may be -1, to be inferred); got %s", op,
               to_string(sizes).c_str());
      known *= out[i];
    }
  }
  if (inferred >= 0 && known > 0 && numel % known == 0) {
    out[inferred] = numel / known;
  } else {
    RL_CHECK(!(inferred >= 0 && known == 0 && numel == 0), Runtime,
             "%s: the -1 in %s cannot be inferred for a tensor without elements", op, to_string(sizes).c_str());
    RL_CHECK(inferred < 0, Runtime,
             "%s: shape %s has %lld elements, which do not divide into %s: the marked size would be no whole number",
             op, to_string(from).c_str(), (long long)numel, marked(sizes, inferred).c_str());
    RL_CHECK(
        known == numel, Runtime,
        "%s: shape %s has %lld elements, shape %s has %lld; the sizes must multiply to the same number, and one of "
        "them may be -1, to be inferred",
        op, to_string(from).c_str(), (long long)numel, to_string(sizes).c_str(), (long long)known);
  }
  return out;
}

std::optional<Dims> view_strides(DimSpan old_sizes, DimSpan old_strides, DimSpan sizes) {
  if (product(old_sizes) == 0) {
    if (old_sizes == sizes) return Dims(old_strides);
    return contiguous_strides(sizes);
  }
  Dims strides(sizes.n, 1);
  if (old_sizes.n == 0) return strides;
  // Walk groups of old dimensions that form one block, from the last; each must be used up by whole new dimensions.
  int at = sizes.n - 1;
  int64_t block_stride = old_strides.n ? old_strides[old_strides.n - 1] : 1, block = 1, used = 1;
  for (int i = old_sizes.n - 1; i >= 0; --i) {
    block *= old_sizes[i];
    bool ends = i == 0 || (old_sizes[i - 1] != 1 && old_strides[i - 1] != block * block_stride);
    if (!ends) continue;
    while (at >= 0 && (used < block || sizes[at] == 1)) {
      strides[at] = used * block_stride;
      used *= sizes[at--];
    }
    if (used != block) return std::nullopt;
    if (i > 0) {
      block_stride = old_strides[i - 1];
      block = used = 1;
    }
  }
  if (at != -1) return std::nullopt;
  return strides;
}

// Sizes that fit as they are, none of them to be inferred: the way of most calls.
static bool plain_sizes(DimSpan size, int64_t numel, Layout& y) {
  int64_t known = 1;
  for (int64_t s : size)
    if (s < 0 || __builtin_mul_overflow(known, s, &known)) return false;
  if (known != numel) return false;
  y.sizes = size;
  return true;
}

namespace layout {

Layout view(const LayoutSpan& x, DimSpan size) {
  Layout y;
  y.offset = x.offset;
  int64_t numel = 1;
  bool contiguous = true;
  for (int i = x.ndim() - 1; i >= 0; --i) {
    contiguous &= x.sizes[i] == 1 || x.strides[i] == numel;
    numel *= x.sizes[i];
  }
  if (!plain_sizes(size, numel, y)) y.sizes = infer_sizes(size, numel, x.sizes, "view");
  if (contiguous || !numel) {
    y.strides.resize(size.n);
    contiguous_strides(y.sizes, y.strides.data());
    return y;
  }
  auto strides = view_strides(x.sizes, x.strides, y.sizes);
  RL_CHECK(strides, Runtime,
           "view: shape %s with strides %s cannot be seen as %s without a copy: a new dimension would span two blocks "
           "of memory that do not touch; use .reshape(...), or call .contiguous() first",
           to_string(x.sizes).c_str(), to_string(x.strides).c_str(), to_string(y.sizes).c_str());
  y.strides = *strides;
  return y;
}

Layout transpose(const LayoutSpan& x, int64_t dim0, int64_t dim1) {
  Layout y = x;
  int i = wrap_dim(dim0, x.ndim(), "transpose"), j = wrap_dim(dim1, x.ndim(), "transpose");
  if (x.ndim() == 0) return y;
  std::swap(y.sizes[i], y.sizes[j]);
  std::swap(y.strides[i], y.strides[j]);
  return y;
}

Layout t(const LayoutSpan& x) {
  RL_CHECK(x.ndim() <= 2, Runtime,
           "t: expected a tensor of at most 2 dimensions, got shape %s; use transpose(dim0, dim1) or .mT",
           to_string(x.sizes).c_str());
  return x.ndim() < 2 ? Layout(x) : transpose(x, 0, 1);
}

Layout permute(const LayoutSpan& x, DimSpan dims) {
  RL_CHECK(dims.n == x.ndim(), Runtime, "permute: dims %s must name each of the %d dimensions of shape %s once",
           to_string(dims).c_str(), x.ndim(), to_string(x.sizes).c_str());
  Layout y = x;
  uint64_t seen = 0;
  for (int i = 0; i < dims.n; ++i) {
    int d = wrap_dim(dims[i], x.ndim(), "permute");
    RL_CHECK(!(seen >> d & 1), Runtime, "permute: dimension %d stands twice in dims %s", d, to_string(dims).c_str());
    seen |= uint64_t(1) << d;
    y.sizes[i] = x.sizes[d];
    y.strides[i] = x.strides[d];
  }
  return y;
}

Layout unpermute(const LayoutSpan& x, DimSpan dims) {
  Dims inverse(dims.n);
  for (int i = 0; i < dims.n; ++i) inverse[wrap_dim(dims[i], dims.n, "permute")] = i;
  return permute(x, inverse);
}

Layout expand(const LayoutSpan& x, DimSpan size) {
  int n = size.n, lead = n - x.ndim();
  RL_CHECK(lead >= 0, Runtime, "expand: size %s has fewer dimensions than the tensor's shape %s",
           to_string(size).c_str(), to_string(x.sizes).c_str());
  Layout y;
  y.offset = x.offset;
  y.sizes.resize(n);
  y.strides.resize(n);
  for (int i = n - 1; i >= 0; --i) {
    int64_t want = size[i], have = i < lead ? 1 : x.sizes[i - lead];
    int64_t stride = i < lead ? (i + 1 < n ? y.sizes[i + 1] * y.strides[i + 1] : 0) : x.strides[i - lead];
    if (want == -1) {
      RL_CHECK(i >= lead, Runtime, "expand: size %s: -1 is not allowed for a new leading dimension",
               to_string(size).c_str());
      want = have;
    }
    RL_CHECK(want >= 0, Runtime, "expand: negative size in %s", to_string(size).c_str());
    RL_CHECK(want == have || have == 1, Runtime,
             "expand: shape %s does not expand to %s: only a size of 1 can; .repeat(...) copies the elements",
             marked(x.sizes, i - lead).c_str(), marked(size, i).c_str());
    y.sizes[i] = want;
    y.strides[i] = want == have ? stride : 0;
  }
  return y;
}

Layout select(const LayoutSpan& x, int64_t dim, int64_t index) {
  RL_CHECK(x.ndim() > 0, Index, "select: a 0-d tensor has no dimension to select from; use .item() for its value");
  int d = wrap_dim(dim, x.ndim(), "select");
  int64_t n = x.sizes[d];
  if (index < -n || index >= n) [[unlikely]]
    fail_index("select", index, x.sizes, d);
  Layout y = x;
  y.offset += (index < 0 ? index + n : index) * x.strides[d];
  y.sizes.erase(d);
  y.strides.erase(d);
  return y;
}

Layout slice(const LayoutSpan& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end, int64_t step) {
  RL_CHECK(x.ndim() > 0, Runtime, "slice: a 0-d tensor has no dimension to slice");
  RL_CHECK(step > 0, Value, "slice: the step must be at least 1, got %lld; use .flip(dim) to reverse", (long long)step);
  int d = wrap_dim(dim, x.ndim(), "slice");
  int64_t n = x.sizes[d], a = start.value_or(0), b = end.value_or(n);
  if (a < 0) a += n;
  if (b < 0) b += n;
  a = a < 0 ? 0 : a > n ? n : a;
  b = b < a ? a : b > n ? n : b;
  Layout y = x;
  y.offset += a * x.strides[d];
  y.sizes[d] = step == 1 ? b - a : (b - a) / step + ((b - a) % step != 0);
  y.strides[d] = x.strides[d] * step;
  return y;
}

Layout narrow(const LayoutSpan& x, int64_t dim, int64_t start, int64_t length) {
  RL_CHECK(x.ndim() > 0, Runtime, "narrow: a 0-d tensor has no dimension to narrow");
  RL_CHECK(length >= 0, Runtime, "narrow: length must not be negative, got %lld", (long long)length);
  int d = wrap_dim(dim, x.ndim(), "narrow");
  int64_t n = x.sizes[d];
  RL_CHECK(start >= -n && start <= n, Index, "narrow: start %lld is out of range for dimension %d of size %lld",
           (long long)start, d, (long long)n);
  int64_t a = start < 0 ? start + n : start;
  RL_CHECK(length <= n - a, Runtime,
           "narrow: start %lld and length %lld reach over the end of dimension %d of shape %s", (long long)a,
           (long long)length, d, marked(x.sizes, d).c_str());
  return slice(x, d, a, a + length, 1);
}

Layout unsqueeze(const LayoutSpan& x, int64_t dim) {
  int d = wrap_dim(dim, x.ndim() + 1, "unsqueeze");
  Layout y = x;
  int64_t stride = d < x.ndim() ? x.sizes[d] * x.strides[d] : 1;
  y.sizes.insert(d, 1);
  y.strides.insert(d, stride);
  return y;
}

Layout squeeze(const LayoutSpan& x) {
  Layout y = x;
  for (int i = y.ndim() - 1; i >= 0; --i)
    if (y.sizes[i] == 1) {
      y.sizes.erase(i);
      y.strides.erase(i);
    }
  return y;
}

Layout squeeze_dims(const LayoutSpan& x, DimSpan dims) {
  uint64_t drop = 0;
  for (int64_t dim : dims) {
    int d = wrap_dim(dim, x.ndim(), "squeeze");
    RL_CHECK(!(drop >> d & 1), Runtime, "squeeze: dimension %d stands twice in dim=%s", d, to_string(dims).c_str());
    drop |= uint64_t(1) << d;
  }
  Layout y = x;
  for (int i = y.ndim() - 1; i >= 0; --i)
    if (y.sizes[i] == 1 && (drop >> i & 1)) {
      y.sizes.erase(i);
      y.strides.erase(i);
    }
  return y;
}

Layout as_strided(const LayoutSpan& x, DimSpan size, DimSpan stride, std::optional<int64_t> storage_offset) {
  RL_CHECK(size.n == stride.n, Runtime, "as_strided: size %s and stride %s differ in length", to_string(size).c_str(),
           to_string(stride).c_str());
  for (int64_t s : size) RL_CHECK(s >= 0, Runtime, "as_strided: negative size in %s", to_string(size).c_str());
  for (int64_t s : stride)
    RL_CHECK(s >= 0, Runtime, "as_strided: negative strides are not supported, got %s", to_string(stride).c_str());
  Layout y{size, stride, storage_offset.value_or(x.offset)};
  RL_CHECK(y.offset >= 0, Runtime, "as_strided: storage_offset must not be negative, got %lld", (long long)y.offset);
  return y;
}

Layout restrided(const LayoutSpan& x, DimSpan size, DimSpan stride, int64_t storage_offset, DimSpan, DimSpan, int64_t) {
  return as_strided(x, size, stride, storage_offset);
}

Layout diagonal(const LayoutSpan& x, int64_t offset, int64_t dim1, int64_t dim2) {
  int i = wrap_dim(dim1, x.ndim(), "diagonal"), j = wrap_dim(dim2, x.ndim(), "diagonal");
  RL_CHECK(i != j, Runtime, "diagonal: dim1 and dim2 are the same dimension (%d)", i);
  int64_t rows = x.sizes[i], columns = x.sizes[j];
  int64_t n = offset >= 0 ? std::min(rows, columns - offset) : std::min(rows + offset, columns);
  if (n < 0) n = 0;
  Layout y = x;
  if (n > 0) y.offset += offset >= 0 ? offset * x.strides[j] : -offset * x.strides[i];
  int64_t stride = x.strides[i] + x.strides[j];
  y.sizes.erase(i > j ? i : j);
  y.strides.erase(i > j ? i : j);
  y.sizes.erase(i > j ? j : i);
  y.strides.erase(i > j ? j : i);
  y.sizes.push_back(n);
  y.strides.push_back(stride);
  return y;
}

Layout unfold(const LayoutSpan& x, int64_t dimension, int64_t size, int64_t step) {
  int d = wrap_dim(dimension, x.ndim(), "unfold");
  int64_t n = x.ndim() ? x.sizes[d] : 1;
  RL_CHECK(size >= 0 && size <= n, Runtime, "unfold: size %lld must lie between 0 and the dimension's size %lld",
           (long long)size, (long long)n);
  RL_CHECK(step > 0, Runtime, "unfold: step must be positive, got %lld", (long long)step);
  Layout y = x;
  int64_t stride = x.ndim() ? x.strides[d] : 1;
  if (x.ndim()) {
    y.sizes[d] = (n - size) / step + 1;
    y.strides[d] = stride * step;
  }
  y.sizes.push_back(size);
  y.strides.push_back(stride);
  return y;
}

Layout movedim(const LayoutSpan& x, DimSpan source, DimSpan destination) {
  RL_CHECK(source.n == destination.n, Runtime, "movedim: source %s and destination %s differ in length",
           to_string(source).c_str(), to_string(destination).c_str());
  int n = x.ndim();
  SmallVector<int64_t, 8> order(n, -1);
  uint64_t moved = 0, filled = 0;
  for (int i = 0; i < source.n; ++i) {
    int s = wrap_dim(source[i], n, "movedim"), d = wrap_dim(destination[i], n, "movedim");
    RL_CHECK(!(moved >> s & 1), Runtime, "movedim: a dimension stands twice in source %s", to_string(source).c_str());
    RL_CHECK(!(filled >> d & 1), Runtime, "movedim: a dimension stands twice in destination %s",
             to_string(destination).c_str());
    moved |= uint64_t(1) << s;
    filled |= uint64_t(1) << d;
    if (n) order[d] = s;
  }
  int next = 0;
  for (int i = 0; i < n; ++i) {
    if (order[i] >= 0) continue;
    while (moved >> next & 1) ++next;
    order[i] = next++;
  }
  return permute(x, {order.data(), n});
}

Layout detach(const LayoutSpan& x) { return x; }

Layout parts(const LayoutSpan& x) {
  Layout y = x;
  for (int d = 0; d < y.ndim(); ++d) y.strides[d] *= 2;
  y.offset *= 2;
  y.sizes.push_back(2);
  y.strides.push_back(1);
  return y;
}

Layout pairs(const LayoutSpan& x) {
  const int last = x.ndim() - 1;
  RL_CHECK(last >= 0 && x.sizes[last] == 2, Runtime,
           "view_as_complex: the last dimension holds the real and the imaginary part, so its size must be 2; got "
           "shape %s",
           to_string(x.sizes).c_str());
  Layout y{DimSpan(x.sizes.data(), last), DimSpan(x.strides.data(), last), x.offset / 2};
  bool even = x.strides[last] == 1 && x.offset % 2 == 0;
  for (int d = 0; d < last; ++d) {
    even &= x.sizes[d] == 1 || x.strides[d] % 2 == 0;
    y.strides[d] /= 2;
  }
  RL_CHECK(even, Runtime,
           "view_as_complex: both parts of a number must lie side by side, at even offsets; got strides %s and offset "
           "%lld; use .contiguous()",
           to_string(x.strides).c_str(), (long long)x.offset);
  return y;
}

}  // namespace layout
}  // namespace rl
