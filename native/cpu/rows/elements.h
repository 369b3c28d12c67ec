// Calls with the element type of a dtype.
#pragma once
#include <array>
#include <cstdint>

#include "base/error.h"
#include "tensor/tensor.h"

namespace rl {

// Moves elements of any dtype as bytes of its size.
template <class F>
void with_bytes_of(DType d, F f) {
  switch (size_of(d)) {
    case 1: return f(uint8_t());
    case 2: return f(uint16_t());
    case 4: return f(uint32_t());
    case 8: return f(uint64_t());
    default: return f(std::array<uint64_t, 2>());
  }
}

// Numbers of any dtype that is computed in; with_numbers_of those that have an order.
template <class F>
void with_values_of(DType d, const char* op, F f) {
  switch (d) {
#define RL_CASE(T, NAME) \
  case DType::NAME: return f(T());
    RL_FOR_DTYPES(RL_CASE)
#undef RL_CASE
    default: fail(ErrorType::NotImplemented, "%s: not implemented for tensors of dtype %s", op, name_of(d));
  }
}

template <class F>
void with_numbers_of(DType d, const char* op, F f) {
  switch (d) {
#define RL_CASE(T, NAME) \
  case DType::NAME: return f(T());
    RL_FOR_REAL_DTYPES(RL_CASE)
#undef RL_CASE
    default: fail(ErrorType::NotImplemented, "%s: not implemented for tensors of dtype %s", op, name_of(d));
  }
}

}  // namespace rl
