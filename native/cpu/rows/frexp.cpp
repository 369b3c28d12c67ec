// Numbers taken apart into mantissa and exponent.
#include <cmath>

#include "base/parallel.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/elementary.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {

namespace kernels {

std::array<Ref, 2> frexp(In input) {
  RL_CHECK(category_of(input->dtype) == Category::Floating, Runtime,
           "frexp: only floating numbers have a mantissa, got dtype %s; convert the tensor first, with .float()",
           name_of(input->dtype));
  // A copy in the strides of the results, which is overwritten by the mantissas.
  Ref mantissa = convert(input, input->dtype), exponent = empty_like(mantissa.get(), DType::Int32);
  if (!has_memory(input)) return {mantissa, exponent};
  by_floating("frexp", input->dtype, [&](auto zero) {
    using T = decltype(zero);
    T* x = mantissa->data_as<T>();
    int32_t* e = exponent->data_as<int32_t>();
    Unlocked unlocked(input->numel);
    parallel_for(0, input->numel, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        int power = 0;
        x[i] = std::frexp(x[i], &power);
        e[i] = std::isfinite(x[i]) ? power : 0;
      }
    });
  });
  return {mantissa, exponent};
}

}  // namespace kernels

namespace compose {

Ref frexp_grad(In g, In exponent) {
  return ops::mul(g.tensor(), ops::exp2(ops::neg(ops::_to_copy(exponent, g->dtype))));
}

}  // namespace compose
}  // namespace rl
