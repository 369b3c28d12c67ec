// Running sums, products and extremes along a dimension: one pass, many columns at a time.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "autograd/history.h"
#include "base/parallel.h"
#include "cpu/rows/by_dtype.h"
#include "device/create.h"
#include "gen/ops/clamp.h"
#include "gen/ops/complex.h"
#include "gen/ops/creation.h"
#include "gen/ops/indexing.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/reduction.h"
#include "gen/ops/scan.h"
#include "gen/ops/shape.h"
#include "gen/ops/statistics.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

constexpr int64_t kColumns = 256;  // inner elements that one task carries side by side

// f(offset of the first element, columns side by side) for every group of rows of a contiguous tensor along one
// dimension; `n` elements a row, `inner` apart.
struct Rows {
  int64_t outer = 1, n = 1, inner = 1;
  Rows(DimSpan sizes, int dim) {
    for (int i = 0; i < sizes.n; ++i) (i < dim ? outer : i == dim ? n : inner) *= sizes[i];
  }
  template <class F>
  void each(F f) const {
    const int64_t groups = (inner + kColumns - 1) / kColumns, columns = std::min(inner, kColumns);
    Unlocked unlocked(outer * n * inner);
    parallel_for(0, outer * groups, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, n * columns)),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t at = begin; at < end; ++at) {
                     const int64_t first = at % groups * kColumns;
                     f(at / groups * n * inner + first, std::min(kColumns, inner - first));
                   }
                 });
  }
};

// Where sums of T are kept.
template <class T>
using Sum = std::conditional_t<is_complex_number<T>, Complex<double>,
                               std::conditional_t<std::is_floating_point_v<T>, double, uint64_t>>;  // unsigned wraps

DType scan_dtype(In input, std::optional<DType> dtype) {
  return dtype ? *dtype : category_of(input->dtype) <= Category::Integral ? DType::Int64 : input->dtype;
}

// Four rows of neighbours at a time: one sum waits for itself.
template <bool product, class T>
void scan_rows(const T* in, T* out, int64_t count, int64_t n) {
  for (int64_t r = 0; r < count; r += 4, in += 4 * n, out += 4 * n) {
    const int64_t left = std::min<int64_t>(4, count - r);
    const int64_t step1 = left > 1 ? n : 0, step2 = left > 2 ? 2 * n : 0, step3 = left > 3 ? 3 * n : 0;
    const int64_t starts[4] = {0, step1, step2, step3};  // a missing row repeats the first
    Sum<T> sums[4] = {product, product, product, product};
    for (int64_t k = 0; k < n; ++k)
      for (int j = 0; j < 4; ++j) {
        const Sum<T> v = static_cast<Sum<T>>(in[starts[j] + k]);
        sums[j] = product ? sums[j] * v : sums[j] + v;
        out[starts[j] + k] = static_cast<T>(sums[j]);
      }
  }
}

template <bool product>
Ref scan(const char* op, In input, int64_t dim, std::optional<DType> dtype) {
  const int d = wrap_dim(dim, input->ndim, op);
  const DType to = scan_dtype(input, dtype);
  if (input->ndim == 0 || !input->numel) return convert(input, to);
  if (to == DType::Bool) no_kernel(op, to);
  Ref out = empty(input->sizes(), to, input->device);
  if (!has_memory(input)) return out;
  const Ref x = as_contiguous(as_dtype(input, to).get());
  const Rows rows(x->sizes(), d);
  by_arithmetic(op, to, [&](auto zero) {
    using T = decltype(zero);
    using A = Sum<T>;
    const T* in = x->data_as<T>();
    T* result = out->data_as<T>();
    if (rows.inner == 1) {
      Unlocked unlocked(x->numel);
      parallel_for(0, rows.outer, std::max<int64_t>(4, kGrain / rows.n), [&](int64_t begin, int64_t end) {
        scan_rows<product>(in + begin * rows.n, result + begin * rows.n, end - begin, rows.n);
      });
      return;
    }
    rows.each([&](int64_t first, int64_t columns) {
      A sums[kColumns];
      for (int64_t i = 0; i < columns; ++i) sums[i] = A(product ? 1 : 0);
      for (int64_t k = 0; k < rows.n; ++k, first += rows.inner)
        for (int64_t i = 0; i < columns; ++i) {
          const A v = static_cast<A>(in[first + i]);
          sums[i] = product ? sums[i] * v : sums[i] + v;
          result[first + i] = static_cast<T>(sums[i]);
        }
    });
  });
  return out;
}

template <bool largest>
std::array<Ref, 2> extremes(const char* op, In input, int64_t dim) {
  Ref values = empty(input->sizes(), input->dtype, input->device),
      places = empty(input->sizes(), DType::Int64, input->device);
  if (!input->numel) return {values, places};  // of no elements no dimension is looked for, as in PyTorch
  const int d = wrap_dim(dim, input->ndim, op);
  if (!has_memory(input)) return {values, places};
  const Ref x = as_contiguous(input);
  const Rows rows(x->sizes(), d);
  auto run = [&](auto zero) {
    using T = decltype(zero);
    const T* in = x->data_as<T>();
    T* out = values->data_as<T>();
    int64_t* at = places->data_as<int64_t>();
    rows.each([&](int64_t first, int64_t columns) {
      for (int64_t k = 0; k < rows.n; ++k, first += rows.inner)
        for (int64_t i = first; i < first + columns; ++i) {
          const T v = in[i], best = k ? out[i - rows.inner] : v;
          const bool wins =
              k == 0 || v != v || (largest ? v >= best : v <= best);  // a NaN stays: nothing compares to it
          out[i] = wins ? v : best;
          at[i] = wins ? k : at[i - rows.inner];
        }
    });
  };
  if (x->dtype == DType::Bool) {
    run(bool());
  } else {
    by_number(op, x->dtype, run);
  }
  return {values, places};
}

Arg of(In x) { return Arg(x.tensor()); }

// log(e^a + e^b), with infinities as they are.
double log_add(double a, double b) {
  const double low = std::min(a, b), high = std::max(a, b);
  if (a != a || b != b) return std::numeric_limits<double>::quiet_NaN();
  return low == high && std::isinf(low) ? low : high + std::log1p(std::exp(low - high));
}

}  // namespace

namespace kernels {

Ref cumsum(In input, int64_t dim, std::optional<DType> dtype) { return scan<false>("cumsum", input, dim, dtype); }
Ref cumprod(In input, int64_t dim, std::optional<DType> dtype) { return scan<true>("cumprod", input, dim, dtype); }

template <bool product>
static void scan_in_place(const char* op, In self, int64_t dim, std::optional<DType> dtype) {
  RL_CHECK(!dtype || *dtype == self->dtype, Runtime,
           "%s: dtype=%s was asked for, but the tensor written in place is %s", op, name_of(*dtype),
           name_of(self->dtype));
  wrap_dim(dim, self->ndim, op);
  if (self->numel == 0) return;
  if (self->dtype == DType::Bool) no_kernel(op, self->dtype);
  check_no_internal_overlap(self, op);
  copy_into(self.mutable_tensor(), scan<product>(op, self, dim, self->dtype).get());
}
void cumsum_in_place(In self, int64_t dim, std::optional<DType> dtype) {
  scan_in_place<false>("cumsum_", self, dim, dtype);
}
void cumprod_in_place(In self, int64_t dim, std::optional<DType> dtype) {
  scan_in_place<true>("cumprod_", self, dim, dtype);
}

std::array<Ref, 2> cummax(In input, int64_t dim) { return extremes<true>("cummax", input, dim); }
std::array<Ref, 2> cummin(In input, int64_t dim) { return extremes<false>("cummin", input, dim); }

Ref logcumsumexp(In input, int64_t dim) {
  const int d = wrap_dim(dim, input->ndim, "logcumsumexp");
  if (!is_differentiable(input->dtype)) no_kernel("logcumsumexp", input->dtype);
  Ref out = empty(input->sizes(), input->dtype, input->device);
  if (!has_memory(input) || !input->numel) return out;
  const Ref x = as_contiguous(input);
  const Rows rows(x->sizes(), d);
  by_inexact("logcumsumexp", x->dtype, [&](auto zero) {
    using T = decltype(zero);
    using A = Sum<T>;
    const T* in = x->data_as<T>();
    T* result = out->data_as<T>();
    rows.each([&](int64_t first, int64_t columns) {
      A sums[kColumns];
      for (int64_t i = 0; i < columns; ++i) sums[i] = A(-std::numeric_limits<double>::infinity());
      for (int64_t k = 0; k < rows.n; ++k, first += rows.inner)
        for (int64_t i = 0; i < columns; ++i) {
          sums[i] = log_add(static_cast<A>(in[first + i]), sums[i]);
          result[first + i] = static_cast<T>(sums[i]);
        }
    });
  });
  return out;
}

double exp_of(double x) { return std::exp(x); }
Complex<double> exp_of(Complex<double> z) { return from_c(__builtin_cexp(to_c(z))); }
bool vanishes(double x) { return std::isinf(x) && x < 0; }  // under exp
bool vanishes(Complex<double> z) { return vanishes(z.re); }

// From the last place back: t[k] = g[k] + t[k + 1] * exp(y[k] - y[k + 1]), the gradient t[k] * exp(x[k] - y[k]). As a
// real y rises, no exponent is above 0.
Ref logcumsumexp_grad(In g, In input, In y, int64_t dim) {
  const Ref x = as_contiguous(input), dy = as_contiguous(g), sum = as_contiguous(y);
  Ref dx = empty(input->sizes(), input->dtype, input->device);
  if (!has_memory(input) || !input->numel) return dx;
  const Rows rows(x->sizes(), wrap_dim(dim, input->ndim, "logcumsumexp backward"));
  by_inexact("logcumsumexp backward", x->dtype, [&](auto zero) {
    using T = decltype(zero);
    using A = Sum<T>;
    const T *xs = x->data_as<T>(), *gs = dy->data_as<T>(), *ys = sum->data_as<T>();
    T* out = dx->data_as<T>();
    auto factor = [](T t, T u) {
      const A a = static_cast<A>(t), b = static_cast<A>(u);
      return vanishes(a) ? A(0) : a == b ? A(1) : exp_of(a - b);
    };
    rows.each([&](int64_t first, int64_t columns) {
      A carried[kColumns] = {};
      for (int64_t k = rows.n - 1; k >= 0; --k)
        for (int64_t i = 0; i < columns; ++i) {
          const int64_t at = first + k * rows.inner + i;
          const A step = k + 1 < rows.n ? factor(ys[at], ys[at + rows.inner]) : A(0);
          carried[i] = static_cast<A>(gs[at]) + carried[i] * step;
          out[at] = static_cast<T>(carried[i] * factor(xs[at], ys[at]));
        }
    });
  });
  return dx;
}

}  // namespace kernels

namespace compose {

Ref reverse(In input, int64_t dim) {
  const int d = wrap_dim(dim, input->ndim, "reverse");
  if (input->ndim == 0) return Ref::retain(input.mutable_tensor());
  const Options places{DType::Int64, input->device};
  return ops::index_select(input, d, ops::arange(Scalar(input->dims[d] - 1), Scalar(int64_t(-1)), Scalar(-1), places));
}

// Without a 0, dy[j] / dx[k] is y[j] / x[k]. With one, it is the product of all up to j but k, made for each k: those
// before k times the running product of those behind.
Ref cumprod_grad(In g, In input, In y, int64_t dim) {
  if (input->numel == 0) return ops::zeros_like(input);
  if (input->ndim == 0) return Ref::retain(g.mutable_tensor());
  const int d = wrap_dim(dim, input->ndim, "cumprod backward");
  auto summed = [&](In x) { return ops::_reverse(ops::cumsum(ops::_reverse(x, d), d), d); };
  if (!has_memory(input) || !*ops::any(ops::eq(of(input), 0), DimSpan(), false)->data_as<bool>())
    return ops::div(summed(ops::mul(of(g), of(y))), of(input));
  const int64_t n = input->dims[d];
  const Ref one = ops::ones_like(ops::narrow(input, d, 0, 1));
  std::vector<Ref> pieces;
  for (int64_t k = 0; k < n; ++k) {
    const std::vector<Ref> behind{one, ops::cumprod(ops::narrow(input, d, k + 1, n - k - 1), d)};
    const Ref sum = ops::sum(ops::mul(ops::narrow(g, d, k, n - k), ops::cat(behind, d)), Dims{d}, true);
    pieces.push_back(ops::mul(sum, ops::prod(ops::narrow(input, d, 0, k), d, true)));
  }
  return ops::cat(pieces, d);
}

Ref logcumsumexp_grad_composed(In g, In input, In y, int64_t dim) {
  if (input->ndim == 0 || input->numel == 0) return ops::mul(of(g), ops::exp(ops::sub(of(input), of(y))));
  const int d = wrap_dim(dim, input->ndim, "logcumsumexp backward");
  const Ref base = ops::detach(ops::amax(ops::real(y), Dims{d}, true));
  const Ref later =
      ops::_reverse(ops::cumsum(ops::_reverse(ops::mul(of(g), ops::exp(ops::sub(base, of(y)))), d), d), d);
  return ops::mul(ops::exp(ops::sub(of(input), base)), later);
}

Ref diff(In input, int64_t n, int64_t dim, In prepend, In append) {
  RL_CHECK(input->ndim > 0, Runtime, "diff: a 0-d tensor has no neighbours; expected at least one dimension");
  RL_CHECK(n >= 0, Runtime, "diff: n must not be negative, got %lld", (long long)n);
  if (n == 0) return ops::copy_(ops::zeros_like(input), input.tensor(), false);
  const int d = wrap_dim(dim, input->ndim, "diff");
  Ref x = Ref::retain(input.mutable_tensor());
  if (prepend.tensor() || append.tensor()) {
    std::vector<Ref> pieces;
    if (prepend.tensor()) pieces.push_back(Ref::retain(prepend.mutable_tensor()));
    pieces.push_back(x);
    if (append.tensor()) pieces.push_back(Ref::retain(append.mutable_tensor()));
    for (const Ref& piece : pieces)
      RL_CHECK(piece->ndim == input->ndim, Runtime,
               "diff: the tensors to prepend and append need the %d dimensions of the input, got shape %s", input->ndim,
               shape_of(piece.get()).c_str());
    x = ops::cat(pieces, d);
  }
  if (x->dims[d] == 0) return x;
  for (n = std::min(n, x->dims[d] + 1); n > 0; --n) {  // nothing is left after that many
    const int64_t left = std::max<int64_t>(0, x->dims[d] - 1);
    const Ref later = ops::narrow(x, d, x->dims[d] - left, left), earlier = ops::narrow(x, d, 0, left);
    x = x->dtype == DType::Bool ? ops::ne(later, earlier) : ops::sub(later, earlier);
  }
  return x;
}

}  // namespace compose
}  // namespace rl
