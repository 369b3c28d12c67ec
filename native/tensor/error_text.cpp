#include "tensor/error_text.h"

namespace rl {

std::string marked_all(DimSpan sizes, uint64_t dims) {
  std::string text = "[";
  for (int i = 0; i < sizes.n; ++i) {
    const std::string size = std::to_string(sizes[i]);
    text += (i ? ", " : "") + (dims >> i & 1 ? ">" + size + "<" : size);
  }
  return text + "]";
}

std::string marked_against(DimSpan a, DimSpan b) {
  uint64_t dims = 0;
  for (int i = 0; i < a.n; ++i)
    if (i >= b.n || a[i] != b[i]) dims |= uint64_t(1) << i;
  return marked_all(a, dims);
}

void fail_broadcast(const char* op, DimSpan a, DimSpan b, int apart) {
  uint64_t in_a = 0, in_b = 0;
  for (int i = a.n - 1 - apart, j = b.n - 1 - apart; i >= 0 && j >= 0; --i, --j)
    if (a[i] != b[j] && a[i] != 1 && b[j] != 1) in_a |= uint64_t(1) << i, in_b |= uint64_t(1) << j;
  fail(ErrorType::Runtime,
       "%s: shapes %s and %s do not broadcast: the marked sizes, at one place from the end, must be equal, or one of "
       "them 1%s",
       op, marked_all(a, in_a).c_str(), marked_all(b, in_b).c_str(),
       a.n == b.n ? "" : "; .unsqueeze(dim) adds a size of 1 where one is missing");
}

void check_expands(const char* op, DimSpan value, DimSpan place) {
  uint64_t in_value = 0, in_place = 0;
  for (int i = value.n - 1, j = place.n - 1; i >= 0; --i, --j) {
    if (j >= 0 && (value[i] == place[j] || value[i] == 1)) continue;
    in_value |= uint64_t(1) << i;
    if (j >= 0) in_place |= uint64_t(1) << j;
  }
  RL_CHECK(!in_value, Runtime,
           "%s: a value of shape %s does not fit into a place of shape %s: the marked sizes must be equal, or that of "
           "the value 1",
           op, marked_all(value, in_value).c_str(), marked_all(place, in_place).c_str());
}

void fail_index(const char* op, int64_t index, DimSpan sizes, int dim, bool positive, ErrorType type) {
  const int64_t n = sizes.n ? sizes[dim] : 1;
  if (n == 0)
    fail(type, "%s: index %lld: dimension %d of shape %s has no elements", op, (long long)index, dim,
         marked(sizes, dim).c_str());
  fail(type, "%s: index %lld is out of range for dimension %d of shape %s; expected %lld to %lld", op, (long long)index,
       dim, sizes.n ? marked(sizes, dim).c_str() : "[]", positive ? 0LL : (long long)-n, (long long)n - 1);
}

}  // namespace rl
