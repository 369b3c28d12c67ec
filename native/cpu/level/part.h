// Vectors of which only the first lanes are used.
#pragma once

#include "cpu/level/vec.h"

namespace rl::RL_LEVEL {

template <class T>
RL_INLINE Vec<T> load(const T* p, int count) {
  return count == Vec<T>::size ? Vec<T>::load(p) : Vec<T>::load(p, count);
}
template <class T>
RL_INLINE void store(T* p, int count, Vec<T> v) {
  count == Vec<T>::size ? v.store(p) : v.store(p, count);
}
// Zero in the others.
template <class T>
RL_INLINE Vec<T> first(Vec<T> v, int count) {
  return count == Vec<T>::size ? v : where(Mask<T>::first(count), v, T(0));
}
// f(offset, lanes in use) along n values.
template <class T, class F>
RL_INLINE void for_each_vector(int64_t n, F f) {
  int64_t i = 0;
  for (; i + Vec<T>::size <= n; i += Vec<T>::size) f(i, Vec<T>::size);
  if (i < n) f(i, int(n - i));
}

}  // namespace rl::RL_LEVEL
