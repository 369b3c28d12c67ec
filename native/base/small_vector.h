// A vector of plain values that lives on the stack up to N elements.
#pragma once
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <type_traits>

namespace rl {

template <class T>
struct Span {
  T* ptr = nullptr;
  int n = 0;
  constexpr Span() = default;
  constexpr Span(T* ptr, int n) : ptr(ptr), n(n) {}
  template <int N>
  constexpr Span(T (&array)[N]) : ptr(array), n(N) {}
  template <class C>
    requires requires(C& c) { c.data(), c.size(); }
  constexpr Span(C& c) : ptr(c.data()), n(static_cast<int>(c.size())) {}
  constexpr Span(std::initializer_list<std::remove_const_t<T>> list)
      : ptr(list.begin()), n(static_cast<int>(list.size())) {}
  T* data() const { return ptr; }
  int size() const { return n; }
  T& operator[](int i) const { return ptr[i]; }
  T* begin() const { return ptr; }
  T* end() const { return ptr + n; }
};

template <class T, int N>
class SmallVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SmallVector() = default;
  explicit SmallVector(int n, T value = T()) {
    reserve(n);
    for (int i = 0; i < n; ++i) data_[i] = value;
    size_ = n;
  }
  SmallVector(std::initializer_list<T> list) { assign(list.begin(), static_cast<int>(list.size())); }
  explicit SmallVector(Span<const T> span) { assign(span.ptr, span.n); }
  SmallVector(const T* from, int n) { assign(from, n); }
  SmallVector(const SmallVector& o) {
    if (o.data_ == o.inline_) [[likely]] {  // all of it, in a few moves of known size
      std::memcpy(inline_, o.inline_, sizeof(inline_));
      size_ = o.size_;
    } else {
      assign(o.data_, o.size_);
    }
  }
  SmallVector(SmallVector&& o) noexcept : size_(o.size_) {
    if (o.data_ == o.inline_) [[likely]] {
      std::memcpy(inline_, o.inline_, sizeof(inline_));
    } else {
      data_ = o.data_;
      capacity_ = o.capacity_;
      o.data_ = o.inline_;
      o.size_ = 0;
      o.capacity_ = N;
    }
  }
  SmallVector& operator=(const SmallVector& o) {
    if (this != &o) assign(o.data_, o.size_);
    return *this;
  }
  ~SmallVector() {
    if (data_ != inline_) delete[] data_;
  }

  void assign(const T* from, int n) {
    reserve(n);
    for (int i = 0; i < n; ++i) data_[i] = from[i];
    size_ = n;
  }
  void assign(Span<const T> span) { assign(span.ptr, span.n); }
  void reserve(int n) {
    if (n <= capacity_) return;
    T* grown = new T[n];
    if (size_) std::memcpy(grown, data_, sizeof(T) * size_);
    if (data_ != inline_) delete[] data_;
    data_ = grown;
    capacity_ = n;
  }
  void resize(int n, T value = T()) {
    reserve(n);
    for (int i = size_; i < n; ++i) data_[i] = value;
    size_ = n;
  }
  void push_back(T value) {
    if (size_ == capacity_) reserve(2 * capacity_);
    data_[size_++] = value;
  }
  void insert(int at, T value) {
    push_back(value);
    for (int i = size_ - 1; i > at; --i) data_[i] = data_[i - 1];
    data_[at] = value;
  }
  void erase(int at) {
    for (int i = at; i + 1 < size_; ++i) data_[i] = data_[i + 1];
    --size_;
  }
  int size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](int i) { return data_[i]; }
  const T& operator[](int i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  bool operator==(const SmallVector& o) const {
    return size_ == o.size_ && (!size_ || !std::memcmp(data_, o.data_, sizeof(T) * size_));
  }
  operator Span<const T>() const { return {data_, size_}; }

 private:
  T* data_ = inline_;
  int size_ = 0, capacity_ = N;
  T inline_[N];
};

using Dims = SmallVector<int64_t, 6>;
using DimSpan = Span<const int64_t>;

inline bool operator==(DimSpan a, DimSpan b) {
  if (a.n != b.n) return false;
  for (int i = 0; i < a.n; ++i)
    if (a[i] != b[i]) return false;
  return true;
}

}  // namespace rl
