// The in-place form of an operation that is made of others: its result, written into the tensor.
#pragma once
#include "base/error.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {

inline Ref write_back(const char* op, In self, const Ref& result) {
  RL_CHECK(can_cast(result->dtype, self->dtype), Runtime,
           "%s: the result has dtype %s, which cannot be written into a tensor of dtype %s; convert it first", op,
           name_of(result->dtype), name_of(self->dtype));
  RL_CHECK(result->sizes() == self->sizes(), Runtime,
           "%s: the result has shape %s, which does not fit the written tensor's shape %s; in-place operations cannot "
           "change a shape",
           op, to_string(result->sizes()).c_str(), to_string(self->sizes()).c_str());
  return ops::copy_(self, result);
}

}  // namespace rl
