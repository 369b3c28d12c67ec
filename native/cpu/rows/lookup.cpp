// Unique elements, counts in bins, and look-up in sorted rows and in sets.
#include <cmath>
#include <numeric>

#include "autograd/arguments.h"
#include "cpu/rows/order.h"
#include "cpu/rows/widen.h"
#include "device/create.h"
#include "gen/ops/sort.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

void check_values(const char* op, In x) {
  RL_CHECK(has_memory(x), NotImplemented, "%s: the shape of the result depends on values, which %s tensors lack", op,
           name_of(x->device));
}

Ref numbers_of(const std::vector<int64_t>& values, DeviceId device) {
  Ref out = empty(Dims{static_cast<int64_t>(values.size())}, DType::Int64, device);
  std::copy(values.begin(), values.end(), out->data_as<int64_t>());
  return out;
}

// `order`: the elements' places, equals beside each other; starts(i): order[i] differs from order[i - 1]. Gives the
// places of the first of each group, the group of each element, and the groups' lengths.
struct Groups {
  std::vector<int64_t> firsts, inverse, counts;
  template <class Order, class F>
  Groups(int64_t n, Order order, F starts) : inverse(static_cast<size_t>(n)) {
    for (int64_t i = 0; i < n; ++i) {
      if (i == 0 || starts(i)) {
        firsts.push_back(order(i));
        counts.push_back(0);
      }
      ++counts.back();
      inverse[static_cast<size_t>(order(i))] = static_cast<int64_t>(firsts.size()) - 1;
    }
  }
  std::array<Ref, 3> results(Ref output, DimSpan shape, DeviceId device) const {
    Ref places = numbers_of(inverse, device);
    set_layout(places.get(), {Dims(shape), contiguous_strides(shape), 0});
    return {std::move(output), places, numbers_of(counts, device)};
  }
};

template <class T>
Ref picked(const T* x, const std::vector<int64_t>& places, In like) {
  Ref out = empty(Dims{static_cast<int64_t>(places.size())}, like->dtype, like->device);
  for (size_t i = 0; i < places.size(); ++i) out->data_as<T>()[i] = x[places[i]];
  return out;
}

// The different slices along dim, in the order of their elements, or the first of each run of equal ones. In memory
// that dimension is the outermost, as in PyTorch.
std::array<Ref, 3> unique_slices(In input, int64_t dim, bool consecutive) {
  RL_CHECK(input->ndim > 0, Index, "unique: a 0-d tensor has no dimension %lld", (long long)dim);
  const int d = wrap_dim(dim, input->ndim, "unique");
  check_values("unique", input);
  const DimSpan sizes = input->sizes();
  const auto empty_dims = std::count(sizes.begin(), sizes.end(), 0);
  RL_CHECK(empty_dims == 0 || (empty_dims == 1 && sizes[d] == 0), Runtime,
           "unique: the slices along dimension %d of shape %s have no elements", d, shape_of(input).c_str());
  Dims outer{d}, home(input->ndim);
  for (int i = 0; i < input->ndim; ++i)
    if (i != d) outer.push_back(i);
  for (int i = 0; i < input->ndim; ++i) home[static_cast<int>(outer[i])] = i;
  const Ref x = contiguous_copy(alias(input, layout::permute(input->layout(), outer)).get());
  const int64_t n = sizes[d], width = n ? x->numel / n : 0;
  std::array<Ref, 3> results;
  by_real("unique", x->dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x->data_as<T>();
    std::vector<int64_t> places(static_cast<size_t>(n));
    std::iota(places.begin(), places.end(), 0);
    auto row = [&](int64_t at) { return in + at * width; };
    auto less = [&](int64_t a, int64_t b) {
      return std::lexicographical_compare(row(a), row(a) + width, row(b), row(b) + width);
    };
    if (!consecutive) std::stable_sort(places.begin(), places.end(), less);
    auto order = [&](int64_t i) { return places[static_cast<size_t>(i)]; };
    const Groups groups(
        n, order, [&](int64_t i) { return !std::equal(row(order(i)), row(order(i)) + width, row(order(i - 1))); });
    Dims kept(x->sizes());
    kept[0] = static_cast<int64_t>(groups.firsts.size());
    const Ref out = empty(kept, x->dtype, x->device);
    for (int64_t i = 0; i < kept[0]; ++i)
      std::copy_n(row(groups.firsts[static_cast<size_t>(i)]), width, out->data_as<T>() + i * width);
    results = groups.results(alias(out.get(), layout::permute(out->layout(), home)), Dims{n}, input->device);
  });
  return results;
}

}  // namespace

namespace kernels {

std::array<Ref, 3> unique(In input) {
  check_values("unique", input);
  check_row("unique", input->numel);
  const Ref x = as_contiguous(input);
  std::array<Ref, 3> results;
  by_real("unique", x->dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x->data_as<T>();
    Entries<T> e, scratch;
    read_entries(in, x->numel, 1, false, e);
    sort_entries(e, scratch);
    auto order = [&](int64_t i) { return static_cast<int64_t>(e[static_cast<size_t>(i)].at); };
    const Groups groups(x->numel, order, [&](int64_t i) { return in[order(i)] != in[order(i - 1)]; });
    results = groups.results(picked(in, groups.firsts, input), input->sizes(), input->device);
  });
  return results;
}

std::array<Ref, 3> unique_consecutive(In input) {
  check_values("unique_consecutive", input);
  const Ref x = as_contiguous(input);
  std::array<Ref, 3> results;
  by_real("unique_consecutive", x->dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* in = x->data_as<T>();
    const Groups groups(x->numel, [](int64_t i) { return i; }, [&](int64_t i) { return in[i] != in[i - 1]; });
    results = groups.results(picked(in, groups.firsts, input), input->sizes(), input->device);
  });
  return results;
}

std::array<Ref, 3> unique_dim(In input, int64_t dim) { return unique_slices(input, dim, false); }
std::array<Ref, 3> unique_dim_consecutive(In input, int64_t dim) { return unique_slices(input, dim, true); }

Ref bincount(In input, In weights, int64_t minlength) {
  if (!is_integral(input->dtype)) no_kernel("bincount", input->dtype);
  RL_CHECK(input->ndim == 1, Runtime, "bincount: expected a vector of whole numbers, got shape %s",
           shape_of(input).c_str());
  RL_CHECK(minlength >= 0, Runtime, "bincount: minlength must not be negative, got %lld", (long long)minlength);
  RL_CHECK(!weights.tensor() || weights->sizes() == input->sizes(), Runtime,
           "bincount: the weights have shape %s, but the input has %s",
           weights.tensor() ? shape_of(weights).c_str() : "", shape_of(input).c_str());
  check_values("bincount", input);
  const Ref x = as_contiguous(as_dtype(input, DType::Int64).get());
  const int64_t* at = x->data_as<int64_t>();
  int64_t size = minlength;
  for (int64_t i = 0; i < x->numel; ++i) {
    RL_CHECK(at[i] >= 0 && at[i] < INT64_MAX, Runtime, "bincount: the number %lld is no bin; expected 0 to 2^63 - 2",
             (long long)at[i]);
    size = std::max(size, at[i] + 1);
  }
  const DType dtype = !weights.tensor()                  ? DType::Int64
                      : weights->dtype == DType::Float32 ? DType::Float32
                                                         : DType::Float64;
  Ref out = full(Dims{size}, Scalar(0), dtype, input->device);
  if (!weights.tensor()) {
    for (int64_t i = 0; i < x->numel; ++i) ++out->data_as<int64_t>()[at[i]];
    return out;
  }
  const Ref w = as_contiguous(as_dtype(weights, dtype).get());
  by_floating("bincount", dtype, [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < x->numel; ++i) out->data_as<T>()[at[i]] += w->data_as<T>()[i];
  });
  return out;
}

// As PyTorch does, 16-bit floats round at every step.
Ref histc(In input, int64_t bins, const Scalar& least, const Scalar& largest) {
  RL_CHECK(bins > 0, Runtime, "histc: bins must be positive, got %lld", (long long)bins);
  if (!is_floating(input->dtype)) no_kernel("histc", input->dtype);
  double low = least.to_double(), high = largest.to_double();
  RL_CHECK(low <= high, Runtime, "histc: max must not be below min, got min=%g and max=%g", low, high);
  const DType computed = wide_of(input->dtype);
  Ref out = full(Dims{bins}, Scalar(0), computed, input->device);
  if (!has_memory(input)) return as_dtype(out.get(), input->dtype);
  const Ref x = as_contiguous(as_dtype(input, computed).get());
  by_floating("histc", computed, [&](auto zero) {
    using T = decltype(zero);
    const T *begin = x->data_as<T>(), *end = begin + x->numel;
    if (low == high && x->numel) {
      low = high = *begin;
      for (const T* p = begin; p < end; ++p) {  // a NaN stays
        low = *p < low || *p != *p ? *p : low;
        high = *p > high ? *p : high;
      }
    }
    if (low == high) {
      low -= 1;
      high += 1;
    }
    RL_CHECK(std::isfinite(low) && std::isfinite(high), Runtime, "histc: the range [%g, %g] is not finite", low, high);
    const T from = static_cast<T>(low), to = static_cast<T>(high);
    const auto rounded = [&](T v) { return computed == input->dtype ? v : as_stored(input->dtype, v); };
    const T width = rounded(to - from), factor = rounded(static_cast<T>(bins));
    for (const T* p = begin; p < end; ++p) {
      if (!(*p >= from && *p <= to)) continue;
      const int64_t bin = static_cast<int64_t>(rounded(rounded(rounded(*p - from) * factor) / width));
      out->data_as<T>()[std::min(bin, bins - 1)] += 1;
    }
  });
  return as_dtype(out.get(), input->dtype);
}

Ref searchsorted(In sorted_sequence, In input, bool out_int32, bool right, In sorter) {
  const char* op = "searchsorted";
  check_same(op, "sorted_sequence", sorted_sequence, "the input", input);
  RL_CHECK(sorted_sequence->ndim > 0, Runtime, "%s: sorted_sequence is a 0-d tensor; expected at least one dimension",
           op);
  const int64_t n = sorted_sequence->dims[sorted_sequence->ndim - 1];
  const bool shared = sorted_sequence->ndim == 1;
  const DimSpan a = sorted_sequence->sizes(), b = input->sizes();
  RL_CHECK(shared || (a.n == b.n && DimSpan(a.ptr, a.n - 1) == DimSpan(b.ptr, b.n - 1)), Runtime,
           "%s: sorted_sequence has shape %s and the input %s; all but the last sizes must be the same, unless "
           "sorted_sequence is a vector",
           op, to_string(a).c_str(), to_string(b).c_str());
  if (sorter.tensor()) {
    RL_CHECK(sorter->sizes() == a, Runtime, "%s: the sorter has shape %s, but sorted_sequence has %s", op,
             shape_of(sorter).c_str(), to_string(a).c_str());
    RL_CHECK(sorter->dtype == DType::Int64, Runtime, "%s: the sorter must be int64, got %s", op,
             name_of(sorter->dtype));
  }
  RL_CHECK(!out_int32 || n <= INT32_MAX, Runtime, "%s: places up to %lld do not fit int32", op, (long long)n);
  Ref out = empty(b, DType::Int64, input->device);
  if (has_memory(input) && input->numel) {
    const Ref keys = as_contiguous(sorted_sequence), x = as_contiguous(input);
    const Ref order = sorter.tensor() ? as_contiguous(sorter) : Ref();
    const int64_t m = shared ? input->numel : b[b.n - 1];
    if (order)
      for (int64_t i = 0; i < order->numel; ++i)
        RL_CHECK(order->data_as<int64_t>()[i] >= 0 && order->data_as<int64_t>()[i] < n, Runtime,
                 "%s: the sorter holds %lld, expected 0 to %lld", op, (long long)order->data_as<int64_t>()[i],
                 (long long)(n - 1));
    by_number(op, x->dtype, [&](auto zero) {
      using T = decltype(zero);
      Unlocked unlocked(x->numel * 16);
      parallel_for(0, x->numel, kGrain / 16, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t row = shared ? 0 : i / m * n;
          const T v = x->data_as<T>()[i];
          int64_t low = 0, high = n;
          while (low < high) {
            const int64_t middle = (low + high) / 2;
            const T key = keys->data_as<T>()[row + (order ? order->data_as<int64_t>()[row + middle] : middle)];
            if (right ? !(key > v) : !(key >= v)) {
              low = middle + 1;
            } else {
              high = middle;
            }
          }
          out->data_as<int64_t>()[i] = low;
        }
      });
    });
  }
  return out_int32 ? convert(out.get(), DType::Int32) : out;
}

Ref isin(In elements, In test_elements, bool invert) {
  check_same("isin", "elements", elements, "test_elements", test_elements);
  Ref out = empty(elements->sizes(), DType::Bool, elements->device);
  if (!has_memory(elements)) return out;
  const Ref x = as_contiguous(elements), set = as_contiguous(test_elements);
  by_real("isin", x->dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<Key<T>> keys;
    for (int64_t i = 0; i < set->numel; ++i)
      if (const T v = set->data_as<T>()[i]; v == v) keys.push_back(key_of(v));
    Unlocked unlocked(x->numel);
    std::sort(keys.begin(), keys.end());
    for (int64_t i = 0; i < x->numel; ++i) {
      const T v = x->data_as<T>()[i];
      out->data_as<bool>()[i] = (v == v && std::binary_search(keys.begin(), keys.end(), key_of(v))) != invert;
    }
  });
  return out;
}

}  // namespace kernels
}  // namespace rl
