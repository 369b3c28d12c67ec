// How errors show what they met: [2, >3<] marks the sizes that do not fit.
#pragma once
#include <string>

#include "base/error.h"
#include "tensor/layout.h"

namespace rl {

// The sizes whose bit is set in `dims` are marked.
[[gnu::cold]] std::string marked_all(DimSpan sizes, uint64_t dims);
// One size is marked; `dim` may count from the end.
[[gnu::cold]] inline std::string marked(DimSpan sizes, int dim) {
  return marked_all(sizes, uint64_t(1) << (dim < 0 ? dim + sizes.n : dim));
}
// The sizes that differ, compared from the first, are marked in `a`; so are those that `b` has not.
[[gnu::cold]] std::string marked_against(DimSpan a, DimSpan b);
// RuntimeError: the shapes do not broadcast. The last `apart` dimensions of both are not compared.
[[noreturn, gnu::cold]] void fail_broadcast(const char* op, DimSpan a, DimSpan b, int apart = 0);
// RuntimeError where `value` does not expand to the sizes of the place that it is written to.
void check_expands(const char* op, DimSpan value, DimSpan place);
// IndexError (or `type`): an index outside of [-size, size), or of [0, size) where only `positive` ones are taken.
[[noreturn, gnu::cold]] void fail_index(const char* op, int64_t index, DimSpan sizes, int dim, bool positive = false,
                                        ErrorType type = ErrorType::Index);

}  // namespace rl
