// Pure metadata: sizes, strides and offset, and what views do to them. No Python, no memory.
#pragma once
#include <optional>
#include <string>

#include "base/small_vector.h"

namespace rl {

constexpr int kMaxDims = 64;
[[noreturn, gnu::cold]] void too_many_dims(int n);

// The sizes or strides of one layout: always on the stack, and a copy copies only what is used. Views are made through
// these: with vectors that may grow, tiny views took 1.15x the time.
class LayoutDims {
 public:
  LayoutDims() = default;
  LayoutDims(DimSpan span) { assign(span.ptr, span.n); }
  LayoutDims(const Dims& dims) { assign(dims.data(), dims.size()); }
  explicit LayoutDims(int n, int64_t value = 0) { resize(n, value); }
  LayoutDims(const LayoutDims& o) { assign(o.data_, o.size_); }
  LayoutDims& operator=(const LayoutDims& o) {
    if (this != &o) assign(o.data_, o.size_);
    return *this;
  }

  void resize(int n, int64_t value = 0) {
    if (n > kMaxDims) too_many_dims(n);
    for (int i = size_; i < n; ++i) data_[i] = value;
    size_ = n;
  }
  void push_back(int64_t value) { resize(size_ + 1, value); }
  void insert(int at, int64_t value) {
    push_back(value);
    for (int i = size_ - 1; i > at; --i) data_[i] = data_[i - 1];
    data_[at] = value;
  }
  void erase(int at) {
    --size_;
    for (int i = at; i < size_; ++i) data_[i] = data_[i + 1];
  }
  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  int64_t* data() { return data_; }
  const int64_t* data() const { return data_; }
  int64_t& operator[](int i) { return data_[i]; }
  const int64_t& operator[](int i) const { return data_[i]; }
  int64_t& back() { return data_[size_ - 1]; }
  const int64_t* begin() const { return data_; }
  const int64_t* end() const { return data_ + size_; }
  operator DimSpan() const { return {data_, size_}; }

 private:
  void assign(const int64_t* from, int n) {
    if (n > kMaxDims) too_many_dims(n);
    for (int i = 0; i < n; ++i) data_[i] = from[i];
    size_ = n;
  }
  int size_ = 0;
  int64_t data_[kMaxDims];
};

// How a tensor lies in memory, not copied. Strides and offset count elements.
struct LayoutSpan {
  DimSpan sizes, strides;
  int64_t offset = 0;
  int ndim() const { return sizes.n; }
};

struct Layout {
  Layout() = default;
  Layout(DimSpan sizes, DimSpan strides, int64_t offset) : sizes(sizes), strides(strides), offset(offset) {}
  Layout(const LayoutSpan& x) : Layout(x.sizes, x.strides, x.offset) {}
  operator LayoutSpan() const { return {sizes, strides, offset}; }
  int ndim() const { return sizes.size(); }

  LayoutDims sizes, strides;
  int64_t offset = 0;
};

int64_t product(DimSpan sizes);
Dims contiguous_strides(DimSpan sizes);
bool is_contiguous(DimSpan sizes, DimSpan strides);
// No two elements share memory (sizes of 1 and broadcast strides considered).
bool is_non_overlapping_and_dense(DimSpan sizes, DimSpan strides);
// Some element is written twice for certain: a stride of 0 over more than one element.
bool has_internal_overlap(DimSpan sizes, DimSpan strides);
// No element is written twice for certain: each stride steps over all that the smaller ones reach.
bool has_no_overlap(DimSpan sizes, DimSpan strides);
std::string to_string(DimSpan sizes);

// `dim` counted from the end where negative; IndexError outside [-ndim, ndim). A 0-d tensor takes 0 and -1.
int wrap_dim(int64_t dim, int ndim, const char* op);

Dims broadcast_sizes(DimSpan a, DimSpan b, const char* op);
// One entry of `sizes` may be -1 and is inferred.
Dims infer_sizes(DimSpan sizes, int64_t numel, DimSpan from, const char* op);
// Strides that give `sizes` over the same memory, or none.
std::optional<Dims> view_strides(DimSpan old_sizes, DimSpan old_strides, DimSpan sizes);

// Each view row's `layout` names one of these.
namespace layout {
Layout view(const LayoutSpan& x, DimSpan size);
Layout transpose(const LayoutSpan& x, int64_t dim0, int64_t dim1);
Layout t(const LayoutSpan& x);
Layout permute(const LayoutSpan& x, DimSpan dims);
Layout unpermute(const LayoutSpan& x, DimSpan dims);  // undoes permute(dims)
Layout expand(const LayoutSpan& x, DimSpan size);
Layout select(const LayoutSpan& x, int64_t dim, int64_t index);
Layout slice(const LayoutSpan& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end, int64_t step);
Layout narrow(const LayoutSpan& x, int64_t dim, int64_t start, int64_t length);
Layout unsqueeze(const LayoutSpan& x, int64_t dim);
Layout squeeze(const LayoutSpan& x);
Layout squeeze_dims(const LayoutSpan& x, DimSpan dims);
Layout as_strided(const LayoutSpan& x, DimSpan size, DimSpan stride, std::optional<int64_t> storage_offset);
// The same of an `x` whose layout is said too.
Layout restrided(const LayoutSpan& x, DimSpan size, DimSpan stride, int64_t storage_offset, DimSpan, DimSpan, int64_t);
Layout diagonal(const LayoutSpan& x, int64_t offset, int64_t dim1, int64_t dim2);
Layout unfold(const LayoutSpan& x, int64_t dimension, int64_t size, int64_t step);
Layout movedim(const LayoutSpan& x, DimSpan source, DimSpan destination);
Layout detach(const LayoutSpan& x);
// Complex numbers as pairs along a new last dimension, and back.
Layout parts(const LayoutSpan& x);
Layout pairs(const LayoutSpan& x);
}  // namespace layout

}  // namespace rl
