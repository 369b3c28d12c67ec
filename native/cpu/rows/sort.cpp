// Sorting along a dimension, and single elements of the order: the k largest, the k-th, the middle, the most frequent.
#include <limits>

#include "autograd/arguments.h"
#include "cpu/rows/elements.h"
#include "cpu/rows/order.h"
#include "device/create.h"
#include "gen/ops/clamp.h"
#include "gen/ops/gather.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "gen/ops/sort.h"
#include "iterate/pointwise.h"
#include "tensor/error_text.h"

namespace rl {
namespace {

Dims with_size(In input, int dim, std::optional<int64_t> size) {
  Dims sizes(input->sizes());
  if (input->ndim == 0) return sizes;
  if (size) {
    sizes[dim] = *size;
  } else {
    sizes.erase(dim);
  }
  return sizes;
}

Arg of(In x) { return Arg(x.tensor()); }

// choose(entries of a row) -> the place of the one chosen.
template <class F>
std::array<Ref, 2> choose_along(const char* op, In input, int64_t dim, bool keepdim, bool bools, F choose) {
  const int d = wrap_dim(dim, input->ndim, op);
  const Dims sizes = with_size(input, d, keepdim ? std::optional<int64_t>(1) : std::nullopt);
  RL_CHECK(input->ndim == 0 || input->dims[d] > 0, Index,
           "%s: dimension %d has size 0, so there is no element to choose", op, d);
  if (!bools && input->dtype == DType::Bool) no_kernel(op, input->dtype);
  Ref values = empty(sizes, input->dtype, input->device), places = empty(sizes, DType::Int64, input->device);
  if (!has_memory(input) || !values->numel) return {values, places};
  const RowsAlong rows(input, d);
  check_row(op, rows.n);
  by_real(op, input->dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* in = input->data_as<T>();
    T* out = values->data_as<T>();
    int64_t* at = places->data_as<int64_t>();
    for_rows(rows.count, rows.n, [&](int64_t begin, int64_t end) {
      Entries<T> entries, scratch;
      for (int64_t r = begin; r < end; ++r) {
        const T* x = in + rows.offset(r);
        read_entries(x, rows.n, rows.step, false, entries);
        at[r] = choose(entries, scratch);
        out[r] = x[at[r] * rows.step];
      }
    });
  });
  return {values, places};
}

template <class K>
int64_t nth(std::vector<Entry<K>>& entries, size_t k) {
  std::nth_element(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(k), entries.end());
  return entries[k].at;
}

template <class K>
size_t count_nans(const std::vector<Entry<K>>& entries, bool floating) {
  return !floating ? 0 : static_cast<size_t>(std::count_if(entries.begin(), entries.end(), [](const Entry<K>& e) {
    return e.key == K(~K(0));
  }));
}

std::array<Ref, 2> median_along(const char* op, In input, int64_t dim, bool keepdim, bool skip_nans) {
  return choose_along(op, input, dim, keepdim, false,
                      [floating = is_floating(input->dtype), skip_nans](auto& entries, auto&) {
                        const size_t n = entries.size(), nans = count_nans(entries, floating);
                        if (nans == n || (nans && !skip_nans)) return nth(entries, n - nans);
                        return nth(entries, (n - nans - 1) / 2);
                      });
}

// What x86 makes of NaN in a whole number: the least of the wide ones, 0 else.
Scalar nan_as(DType dtype) {
  if (is_floating(dtype) || dtype == DType::Bool) return Scalar(std::numeric_limits<double>::quiet_NaN());
  return dtype == DType::Int64 ? Scalar(INT64_MIN) : Scalar(dtype == DType::Int32 ? int64_t(INT32_MIN) : int64_t(0));
}

Ref median_of_all(const char* op, In input, bool skip_nans) {
  if (input->numel == 0) return full({}, nan_as(input->dtype), input->dtype, input->device);
  if (input->dtype == DType::Bool) no_kernel(op, input->dtype);
  if (!has_memory(input)) return empty(Dims(), input->dtype, input->device);
  const Ref x = as_contiguous(input);
  const Dims flat{x->numel}, one{1};
  return median_along(op, alias(x.get(), {flat, one, x->offset}), 0, false, skip_nans)[0];
}

}  // namespace

namespace kernels {

std::array<Ref, 2> sort(In input, int64_t dim, bool descending, bool) {
  const int d = wrap_dim(dim, input->ndim, "sort");
  Ref values = empty_like(input, input->dtype), places = empty_like(input, DType::Int64);
  if (!has_memory(input) || !input->numel) return {values, places};
  const RowsAlong rows(input, d), to(values.get(), d);
  check_row("sort", rows.n);
  by_real("sort", input->dtype, [&](auto zero) {
    using T = decltype(zero);
    for_rows(rows.count, rows.n, [&](int64_t begin, int64_t end) {
      Entries<T> entries, scratch;
      for (int64_t r = begin; r < end; ++r) {
        const T* x = input->data_as<T>() + rows.offset(r);
        const int64_t out = to.offset(r);
        read_entries(x, rows.n, rows.step, descending, entries);
        sort_entries(entries, scratch);
        for (int64_t i = 0; i < rows.n; ++i) {
          const int64_t from = entries[static_cast<size_t>(i)].at;
          values->data_as<T>()[out + i * to.step] = x[from * rows.step];
          places->data_as<int64_t>()[out + i * to.step] = from;
        }
      }
    });
  });
  return {values, places};
}

std::array<Ref, 2> topk(In input, int64_t k, int64_t dim, bool largest, bool) {
  const int d = wrap_dim(dim, input->ndim, "topk");
  const int64_t n = input->ndim ? input->dims[d] : 1;
  if (!input->ndim && k == 0) k = 1;  // a 0-d tensor has no dimension to be empty
  RL_CHECK(k >= 0 && k <= n, Runtime, "topk: k=%lld is more than dimension %d of shape %s has; expected 0 to %lld",
           (long long)k, d, input->ndim ? marked(input->sizes(), d).c_str() : "[]", (long long)n);
  RL_CHECK(input->dtype != DType::Bool, Runtime, "topk: not defined for bools; convert them first, with .long()");
  const Dims sizes = with_size(input, d, k);
  Ref values = empty(sizes, input->dtype, input->device), places = empty(sizes, DType::Int64, input->device);
  if (!has_memory(input) || !values->numel) return {values, places};
  const RowsAlong rows(input, d), to(values.get(), d);
  check_row("topk", n);
  by_number("topk", input->dtype, [&](auto zero) {
    using T = decltype(zero);
    for_rows(rows.count, n, [&](int64_t begin, int64_t end) {
      Entries<T> entries;
      for (int64_t r = begin; r < end; ++r) {
        const T* x = input->data_as<T>() + rows.offset(r);
        const int64_t out = to.offset(r);
        read_entries(x, n, rows.step, largest, entries);
        const auto middle = entries.begin() + k;
        if (k * 64 <= n) {
          std::partial_sort(entries.begin(), middle, entries.end());
        } else {
          std::nth_element(entries.begin(), middle - 1, entries.end());
          std::sort(entries.begin(), middle);
        }
        for (int64_t i = 0; i < k; ++i) {
          const int64_t from = entries[static_cast<size_t>(i)].at;
          values->data_as<T>()[out + i * to.step] = x[from * rows.step];
          places->data_as<int64_t>()[out + i * to.step] = from;
        }
      }
    });
  });
  return {values, places};
}

std::array<Ref, 2> kthvalue(In input, int64_t k, int64_t dim, bool keepdim) {
  const int d = wrap_dim(dim, input->ndim, "kthvalue");
  const int64_t n = input->ndim ? input->dims[d] : 1;
  RL_CHECK(n > 0, Index, "kthvalue: dimension %d has size 0, so there is no element to choose", d);
  RL_CHECK(k >= 1 && k <= n, Runtime, "kthvalue: k must be from 1 to %lld, the size of dimension %d, got %lld",
           (long long)n, d, (long long)k);
  if (input->ndim == 0) return {convert(input, input->dtype), full({}, Scalar(0), DType::Int64, input->device)};
  return choose_along("kthvalue", input, dim, keepdim, false,
                      [k](auto& entries, auto&) { return nth(entries, static_cast<size_t>(k - 1)); });
}

std::array<Ref, 2> mode(In input, int64_t dim, bool keepdim) {
  return choose_along("mode", input, dim, keepdim, true, [](auto& entries, auto& scratch) {
    sort_entries(entries, scratch);
    size_t best = 0, longest = 0, run = 0;
    for (size_t i = 0; i < entries.size(); ++i) {
      run = i && entries[i].key == entries[i - 1].key ? run + 1 : 1;
      if (run > longest) {
        longest = run;
        best = i;
      }
    }
    return static_cast<int64_t>(entries[best].at);
  });
}

std::array<Ref, 2> median_dim(In input, int64_t dim, bool keepdim) {
  return median_along("median", input, dim, keepdim, false);
}
std::array<Ref, 2> nanmedian_dim(In input, int64_t dim, bool keepdim) {
  return median_along("nanmedian", input, dim, keepdim, true);
}
Ref median_all(In input) { return median_of_all("median", input, false); }
Ref nanmedian_all(In input) { return median_of_all("nanmedian", input, true); }

Ref put_along(In g, DimSpan input, int64_t dim, In indices) {
  Ref out = full(input, Scalar(0), g->dtype, g->device);
  if (!has_memory(g) || !g->numel) return out;
  const int d = wrap_dim(dim, input.n, "backward");
  const RowsAlong from(g, d), places(indices, d), to(out.get(), d);
  by_real("backward", g->dtype, [&](auto zero) {
    using T = decltype(zero);
    for_rows(from.count, from.n, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* values = g->data_as<T>() + from.offset(r);
        const int64_t* at = indices->data_as<int64_t>() + places.offset(r);
        T* row = out->data_as<T>() + to.offset(r);
        for (int64_t i = 0; i < from.n; ++i) {
          T& place = row[at[i * places.step] * to.step];
          place = static_cast<T>(place + values[i * from.step]);
        }
      }
    });
  });
  return out;
}

Ref take_along(In input, int64_t dim, In indices) {
  Ref out = empty(indices->sizes(), input->dtype, input->device);
  if (!has_memory(input) || !out->numel) return out;
  const int d = wrap_dim(dim, input->ndim, "backward");
  const RowsAlong from(input, d), places(indices, d), to(out.get(), d);
  with_bytes_of(input->dtype, [&](auto bytes) {
    using T = decltype(bytes);
    for_rows(to.count, to.n, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const T* row = reinterpret_cast<const T*>(input->data()) + from.offset(r);
        const int64_t* at = indices->data_as<int64_t>() + places.offset(r);
        T* values = reinterpret_cast<T*>(out->data()) + to.offset(r);
        for (int64_t i = 0; i < to.n; ++i) values[i * to.step] = row[at[i * places.step] * from.step];
      }
    });
  });
  return out;
}

}  // namespace kernels

namespace compose {

std::array<Ref, 2> sort_plain(In input, int64_t dim, bool descending) {
  return ops::_sort(input, dim, descending, false);
}
std::array<Ref, 2> sort_stable(In input, bool, int64_t dim, bool descending) {
  return ops::_sort(input, dim, descending, true);
}
Ref argsort_plain(In input, int64_t dim, bool descending) {
  wrap_dim(dim, input->ndim, "argsort");
  return ops::_sort(input, dim, descending, false)[1];
}
Ref argsort_stable(In input, bool, int64_t dim, bool descending) { return argsort_plain(input, dim, descending); }
Ref msort(In input) { return ops::_sort(input, 0, false, false)[0]; }

Ref median_grad(In g, In input, In y) {
  const Ref hit = ops::logical_or(ops::eq(of(input), of(y)), ops::logical_and(ops::isnan(input), ops::isnan(y)));
  return ops::where(hit, ops::div(of(g), ops::sum(hit)), 0);
}

}  // namespace compose
}  // namespace rl
