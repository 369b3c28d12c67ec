// Copies that rearrange, repeat or join elements.
#include <algorithm>
#include <cstring>

#include "autograd/history.h"
#include "device/create.h"
#include "gen/ops/arrange.h"
#include "gen/ops/creation.h"
#include "gen/ops/indexing.h"
#include "gen/ops/layout.h"
#include "gen/ops/reduction.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {
namespace {

// The bytes of a tensor around one dimension: `outer` blocks of `n` rows of `inner` bytes.
struct Rows {
  int64_t outer = 1, n = 1, inner;
  Rows(const Tensor* x, int d) : inner(static_cast<int64_t>(size_of(x->dtype))) {
    for (int i = 0; i < x->ndim; ++i) (i < d ? outer : i == d ? n : inner) *= x->dims[i];
  }
};

Ref flip_dim(const Ref& x, int d) {
  Ref y = empty(x->sizes(), x->dtype, x->device);
  Rows r(x.get(), d);
  for (int64_t o = 0; o < r.outer; ++o)
    for (int64_t k = 0; k < r.n; ++k)
      std::memcpy(y->data() + (o * r.n + k) * r.inner, x->data() + ((o + 1) * r.n - 1 - k) * r.inner,
                  static_cast<size_t>(r.inner));
  return y;
}

Ref roll_dim(const Ref& x, int64_t shift, int d) {
  Ref y = empty(x->sizes(), x->dtype, x->device);
  Rows r(x.get(), d);
  int64_t wrapped = ((shift % r.n + r.n) % r.n) * r.inner, block = r.n * r.inner;
  for (int64_t o = 0; o < r.outer; ++o) {
    std::memcpy(y->data() + o * block + wrapped, x->data() + o * block, static_cast<size_t>(block - wrapped));
    std::memcpy(y->data() + o * block, x->data() + (o + 1) * block - wrapped, static_cast<size_t>(wrapped));
  }
  return y;
}

// Which columns of row i a triangle keeps: [first, last).
struct Kept {
  int64_t first, last;
};
Kept kept_columns(bool lower, int64_t i, int64_t columns, int64_t diagonal) {
  int64_t edge = std::clamp(i + diagonal + lower, int64_t(0), columns);
  return lower ? Kept{0, edge} : Kept{edge, columns};
}

Ref triangle(In input, int64_t diagonal, bool lower, const char* op) {
  RL_CHECK(input->ndim >= 2, Runtime, "%s: expected a tensor of at least 2 dimensions, got shape %s", op,
           to_string(input->sizes()).c_str());
  Ref y = contiguous_copy(input);
  if (!y->numel || !has_memory(input)) return y;
  int64_t rows = y->dims[y->ndim - 2], columns = y->dims[y->ndim - 1], bytes = static_cast<int64_t>(size_of(y->dtype));
  diagonal = std::clamp(diagonal, -rows - 1, columns + 1);
  for (int64_t k = 0; k < y->numel / columns; ++k) {
    Kept kept = kept_columns(lower, k % rows, columns, diagonal);
    char* row = y->data() + k * columns * bytes;
    std::memset(row, 0, static_cast<size_t>(kept.first * bytes));
    std::memset(row + kept.last * bytes, 0, static_cast<size_t>((columns - kept.last) * bytes));
  }
  return y;
}

// Matrices one behind the other in memory are written where they are, even if they share elements.
bool batch_is_regular(In x) {
  if (x->contiguous() || x->ndim <= 3) return true;
  int64_t step = x->dims[x->ndim - 1] * x->dims[x->ndim - 2];
  for (int d = x->ndim - 3; d >= 0; --d) {
    if (d == 0 && (x->strides()[d] == 0 || x->dims[d] == 1)) continue;
    if (x->strides()[d] != step) return false;
    step *= x->dims[d];
  }
  return true;
}

void triangle_in_place(In self, int64_t diagonal, bool lower, const char* op) {
  if (!batch_is_regular(self)) check_no_internal_overlap(self, op);
  copy_into(self.mutable_tensor(), triangle(self, diagonal, lower, op).get());
}

// How many places (i, j) of a rows x columns matrix have j <= i + diagonal, which lies in [-rows, columns]; the numbers
// of rows and columns may be as large as an int64.
__int128 places_below(__int128 rows, __int128 columns, __int128 diagonal) {
  const __int128 first = std::min(std::max<__int128>(0, -diagonal), rows);           // above it nothing is kept
  const __int128 whole = std::clamp<__int128>(columns - 1 - diagonal, first, rows);  // from here on all is
  return (whole - first) * (first + whole + 2 * diagonal + 1) / 2 + (rows - whole) * columns;
}

Ref triangle_indices(int64_t rows, int64_t columns, int64_t diagonal, bool lower, const Options& o, const char* op) {
  RL_CHECK(rows >= 0 && columns >= 0, Runtime, "%s: row and col must not be negative, got %lld and %lld", op,
           (long long)rows, (long long)columns);
  DType dtype = o.dtype.value_or(DType::Int64);
  RL_CHECK(dtype == DType::Int64 || dtype == DType::Int32, Runtime, "%s: the indices are int64 or int32, not %s", op,
           name_of(dtype));
  diagonal = std::clamp(diagonal, -rows, columns);
  const bool none = !lower && diagonal == -rows;
  const __int128 below = none ? 0 : places_below(rows, columns, lower ? diagonal : diagonal - 1);
  const __int128 count = lower ? below : static_cast<__int128>(rows) * columns - below;
  RL_CHECK(count <= INT64_MAX / 16, Runtime, "%s: a triangle of %lld x %lld has more places than fit into memory", op,
           (long long)rows, (long long)columns);
  const int64_t n = static_cast<int64_t>(count);
  Ref y = empty(Dims{2, n}, DType::Int64);
  int64_t* at = y->data_as<int64_t>();
  for (int64_t i = lower ? std::max<int64_t>(0, -diagonal) : 0, k = 0; k < n; ++i) {
    const Kept kept = kept_columns(lower, i, columns, diagonal);
    for (int64_t j = kept.first; j < kept.last; ++j, ++k) {
      at[k] = i;
      at[n + k] = j;
    }
  }
  return as_dtype(y.get(), dtype);
}

}  // namespace

namespace kernels {

Ref diag_embed(In input, int64_t offset, int64_t dim1, int64_t dim2) {
  int n = input->ndim + 1, a = wrap_dim(dim1, n, "diag_embed"), b = wrap_dim(dim2, n, "diag_embed");
  RL_CHECK(a != b, Runtime, "diag_embed: dim1 and dim2 must differ, both are %d", a);
  RL_CHECK(input->ndim > 0, Index, "diag_embed: a 0-d tensor has no last dimension to put on a diagonal");
  int64_t side;
  RL_CHECK(offset != INT64_MIN && !__builtin_add_overflow(input->dims[input->ndim - 1], std::abs(offset), &side),
           Runtime, "diag_embed: a matrix with a diagonal at %lld has more than 2^63 elements", (long long)offset);
  Dims sizes;
  for (int i = 0, from = 0; i < n; ++i) sizes.push_back(i == a || i == b ? side : input->dims[from++]);
  Ref y = rl::full(sizes, Scalar(0), input->dtype, input->device);
  Ref part = alias(y.get(), layout::diagonal(y->layout(), offset, a, b));
  copy_into(part.get(), input);
  return y;
}

Ref diagonal_copy(In input, int64_t offset, int64_t dim1, int64_t dim2) {
  return contiguous_copy(alias(input, layout::diagonal(input->layout(), offset, dim1, dim2)).get());
}

Ref tril(In input, int64_t diagonal) { return triangle(input, diagonal, true, "tril"); }
Ref triu(In input, int64_t diagonal) { return triangle(input, diagonal, false, "triu"); }
void tril_in_place(In self, int64_t diagonal) { triangle_in_place(self, diagonal, true, "tril_"); }
void triu_in_place(In self, int64_t diagonal) { triangle_in_place(self, diagonal, false, "triu_"); }
Ref tril_indices(int64_t row, int64_t col, int64_t offset, const Options& o) {
  return triangle_indices(row, col, offset, true, o, "tril_indices");
}
Ref triu_indices(int64_t row, int64_t col, int64_t offset, const Options& o) {
  return triangle_indices(row, col, offset, false, o, "triu_indices");
}

Ref flip(In input, DimSpan dims) {
  uint64_t seen = 0;
  for (int64_t dim : dims) {
    int d = wrap_dim(dim, input->ndim, "flip");
    RL_CHECK(!(seen >> d & 1), Runtime, "flip: dimension %d stands twice in dims %s", d, to_string(dims).c_str());
    seen |= uint64_t(1) << d;
  }
  if (!input->numel || !has_memory(input)) return empty_like(input, input->dtype);
  const int last = input->ndim - 1;
  const bool whole_rows = last < 0 || !(seen >> last & 1) || input->dims[last] == 1;
  if (!whole_rows) refuse_half_complex(input->dtype, "flip");  // as PyTorch
  Ref y = contiguous_copy(input);
  for (int d = 0; d < input->ndim; ++d)
    if (seen >> d & 1) y = flip_dim(y, d);
  if (input->contiguous()) return y;
  Ref alike = empty_like(input, input->dtype);
  copy_into(alike.get(), y.get());
  return alike;
}

Ref roll(In input, DimSpan shifts, DimSpan dims) {
  RL_CHECK(shifts.n > 0, Runtime, "roll: shifts must not be empty");
  const bool flattened = dims.n == 0 && shifts.n == 1;
  RL_CHECK(flattened || shifts.n == dims.n, Runtime, "roll: shifts %s and dims %s differ in length",
           to_string(shifts).c_str(), to_string(dims).c_str());
  if (!input->numel) return contiguous_copy(input);
  if (flattened) {
    Ref flat = contiguous_copy(input);
    if (!has_memory(input)) return flat;
    Ref line = alias(flat.get(), layout::view(flat->layout(), Dims{-1}));
    Ref rolled = roll_dim(line, shifts[0], 0);
    return alias(rolled.get(), layout::view(rolled->layout(), input->sizes()));
  }
  Ref y = contiguous_copy(input);
  for (int i = 0; i < dims.n; ++i) {
    RL_CHECK(input->ndim > 0, Index, "roll: a 0-d tensor has no dimension %lld to move elements along",
             (long long)dims[i]);
    int d = wrap_dim(dims[i], input->ndim, "roll");
    if (has_memory(input)) y = roll_dim(y, shifts[i], d);
  }
  return y;
}

Ref rot90(In input, int64_t k, DimSpan dims) {
  RL_CHECK(dims.n == 2, Runtime, "rot90: expected two dims, got %s", to_string(dims).c_str());
  RL_CHECK(input->ndim >= 2, Runtime, "rot90: expected a tensor of at least 2 dimensions, got shape %s",
           to_string(input->sizes()).c_str());
  const int a = wrap_dim(dims[0], input->ndim, "rot90"), b = wrap_dim(dims[1], input->ndim, "rot90");
  RL_CHECK(a != b, Runtime, "rot90: the dims must differ, got %s", to_string(dims).c_str());
  auto transposed = [&](const Ref& x) { return alias(x.get(), layout::transpose(x->layout(), a, b)); };
  switch ((k % 4 + 4) % 4) {
    case 1: return transposed(flip(input, Dims{b}));
    case 2: return flip(input, Dims{a, b});
    case 3: return transposed(flip(input, Dims{a}));
    default: return contiguous_copy(input);
  }
}

Ref repeat(In input, DimSpan repeats) {
  int lead = repeats.n - input->ndim;
  RL_CHECK(lead >= 0, Runtime, "repeat: %s gives fewer numbers than the tensor has dimensions (shape %s)",
           to_string(repeats).c_str(), to_string(input->sizes()).c_str());
  Dims sizes, apart;
  Layout from;
  from.offset = input->offset;
  for (int i = 0; i < repeats.n; ++i) {
    RL_CHECK(repeats[i] >= 0, Runtime, "repeat: the numbers must not be negative, got %s", to_string(repeats).c_str());
    int64_t n = i < lead ? 1 : input->dims[i - lead];
    sizes.push_back(repeats[i] * n);
    for (int64_t s : {repeats[i], n}) from.sizes.push_back(s);
    for (int64_t s : {int64_t(0), i < lead ? int64_t(0) : input->strides()[i - lead]}) from.strides.push_back(s);
  }
  Ref y = empty(sizes, input->dtype, input->device);
  if (!y->numel || !has_memory(input)) return y;
  Ref to = alias(y.get(), layout::view(y->layout(), from.sizes)), source = alias(input, from);
  copy_into(to.get(), source.get());
  return y;
}

Ref constant_pad_nd(In input, DimSpan pad, const Scalar& value) {
  int n = input->ndim;
  RL_CHECK(pad.n % 2 == 0 && pad.n <= 2 * n, Runtime,
           "pad: expected two widths for each of at most %d dimensions, got %s", n, to_string(pad).c_str());
  if (pad.n == 0) return convert(input, input->dtype);
  Dims sizes(input->sizes());
  Layout from = input->layout();
  for (int k = 0; k < pad.n / 2; ++k) {
    int d = n - 1 - k;
    int64_t before = pad[2 * k], after = pad[2 * k + 1];
    sizes[d] += before + after;
    RL_CHECK(input->dims[d] + std::min(before, int64_t(0)) + std::min(after, int64_t(0)) >= 0, Runtime,
             "pad: the widths %lld and %lld take more than there is of dimension %d of size %lld", (long long)before,
             (long long)after, d, (long long)input->dims[d]);
    from = layout::slice(from, d, std::max(-before, int64_t(0)), input->dims[d] - std::max(-after, int64_t(0)), 1);
  }
  const bool widens = std::any_of(pad.begin(), pad.end(), [](int64_t width) { return width > 0; });
  Ref y = widens ? rl::full(sizes, value, input->dtype, input->device) : empty(sizes, input->dtype, input->device);
  if (product(from.sizes) == 0 || !has_memory(input)) return y;
  Layout to = y->layout();
  for (int k = 0; k < pad.n / 2; ++k) {
    int d = n - 1 - k;
    to = layout::narrow(to, d, std::max(pad[2 * k], int64_t(0)), from.sizes[d]);
  }
  Ref part = alias(y.get(), to), source = alias(input, from);
  copy_into(part.get(), source.get());
  return y;
}

}  // namespace kernels

namespace compose {
namespace {
Dims negated(DimSpan numbers) {
  Dims out;
  for (int64_t n : numbers) out.push_back(-n);
  return out;
}
}  // namespace

Ref diag(In input, int64_t diagonal) {
  RL_CHECK(input->ndim == 1 || input->ndim == 2, Runtime, "diag: expected a vector or a matrix, got shape %s",
           to_string(input->sizes()).c_str());
  if (input->ndim == 1) return ops::diag_embed(input, diagonal, 0, 1);
  return ops::_diagonal_copy(input, diagonal, 0, 1);
}
Ref diagflat(In input, int64_t offset) { return diag(ops::reshape(input, Dims{-1}), offset); }

Ref fliplr(In input) {
  RL_CHECK(input->ndim >= 2, Runtime, "fliplr: expected a tensor of at least 2 dimensions, got shape %s",
           to_string(input->sizes()).c_str());
  return ops::flip(input, Dims{1});
}
Ref flipud(In input) {
  RL_CHECK(input->ndim >= 1, Runtime, "flipud: expected a tensor of at least 1 dimension, got a 0-d tensor");
  return ops::flip(input, Dims{0});
}

Ref unroll(In input, DimSpan shifts, DimSpan dims) { return ops::roll(input, negated(shifts), dims); }

Ref repeat_grad(In g, DimSpan input, DimSpan repeats) {
  for (int64_t r : repeats)
    if (r == 0) return ops::zeros(input, Options{g->dtype, g->device});
  int lead = repeats.n - input.n;
  Dims apart, copies;
  for (int i = 0; i < repeats.n; ++i) {
    copies.push_back(apart.size());
    apart.push_back(repeats[i]);
    apart.push_back(i < lead ? 1 : input[i - lead]);
  }
  if (!repeats.n) return Ref::retain(g.mutable_tensor());
  return ops::view(ops::sum(ops::reshape(g, apart), copies, false, std::nullopt), input);
}

Ref tile(In input, DimSpan dims) {
  Dims repeats;
  for (int i = dims.n; i < input->ndim; ++i) repeats.push_back(1);
  for (int64_t r : dims) repeats.push_back(r);
  return ops::repeat(input, repeats);
}

Ref repeat_interleave_index(In repeats, std::optional<int64_t> output_size) {
  RL_CHECK(repeats->dtype == DType::Int64 || repeats->dtype == DType::Int32, NotImplemented,
           "repeat_interleave: repeats must be int64 or int32, got %s", name_of(repeats->dtype));
  RL_CHECK(repeats->ndim == 1, Runtime, "repeat_interleave: repeats must be a vector, got shape %s",
           to_string(repeats->sizes()).c_str());
  RL_CHECK(has_memory(repeats), NotImplemented,
           "repeat_interleave: the size of the result is not known for repeats on the meta device");
  Ref wide = as_dtype(repeats, DType::Int64);
  wide = as_contiguous(wide.get());
  const int64_t* times = wide->data_as<int64_t>();
  int64_t total = 0;
  for (int64_t i = 0; i < wide->numel; ++i) {
    RL_CHECK(times[i] >= 0, Runtime, "repeat_interleave: repeats must not be negative, got %lld", (long long)times[i]);
    RL_CHECK(!__builtin_add_overflow(total, times[i], &total), Runtime,
             "repeat_interleave: the repeats add up to more than 2^63");
  }
  RL_CHECK(!output_size || *output_size == total, Runtime,
           "repeat_interleave: output_size is %lld, but the repeats add up to %lld", (long long)output_size.value_or(0),
           (long long)total);
  Ref index = empty(Dims{total}, DType::Int64, repeats->device);
  int64_t* at = index->data_as<int64_t>();
  for (int64_t i = 0; i < wide->numel; ++i) at = std::fill_n(at, times[i], i);
  return as_dtype(index.get(), repeats->dtype);
}

static int interleaved_dim(const Ref& x, std::optional<int64_t> dim) {
  RL_CHECK(x->ndim > 0, Index, "repeat_interleave: a 0-d tensor has no dimension %lld", (long long)dim.value_or(0));
  return wrap_dim(dim.value_or(0), x->ndim, "repeat_interleave");
}

Ref repeat_interleave_each(In input, In repeats, std::optional<int64_t> dim, std::optional<int64_t> output_size) {
  Ref x = dim ? Ref::retain(input.mutable_tensor()) : ops::flatten(input, 0, -1);
  int d = interleaved_dim(x, dim);
  int64_t n = x->dims[d];
  RL_CHECK(repeats->ndim <= 1 && (repeats->numel == n || repeats->numel == 1), Runtime,
           "repeat_interleave: repeats of shape %s fit neither one number nor the %lld elements of dimension %d",
           to_string(repeats->sizes()).c_str(), (long long)n, d);
  Ref each = repeats->ndim == 1 && repeats->numel == n ? Ref::retain(repeats.mutable_tensor())
                                                       : ops::expand(ops::reshape(repeats, Dims{1}), Dims{n});
  return ops::index_select(x, d, repeat_interleave_index(each, output_size));
}

Ref repeat_interleave(In input, int64_t repeats, std::optional<int64_t> dim, std::optional<int64_t> output_size) {
  Ref x = dim ? Ref::retain(input.mutable_tensor()) : ops::flatten(input, 0, -1);
  if (dim) wrap_dim(*dim, x->ndim, "repeat_interleave");  // looked at first
  RL_CHECK(repeats >= 0, Runtime, "repeat_interleave: repeats must not be negative, got %lld", (long long)repeats);
  int d = interleaved_dim(x, dim);
  Dims sizes(x->sizes()), wide;
  for (int i = 0; i < sizes.size(); ++i) {
    wide.push_back(sizes[i]);
    if (i == d) wide.push_back(repeats);
  }
  sizes[d] *= repeats;
  RL_CHECK(!output_size || *output_size == sizes[d], Runtime,
           "repeat_interleave: output_size is %lld, but the result has %lld elements along dimension %d",
           (long long)output_size.value_or(0), (long long)sizes[d], d);
  return ops::view(ops::clone(ops::expand(ops::unsqueeze(x, d + 1), wide), MemoryFormat::Contiguous), sizes);
}

// ------------------------------------------------------------------ grids and joins

std::vector<Ref> meshgrid(Tensors tensors, const char* indexing) {
  RL_CHECK(tensors.size() > 0, Runtime, "meshgrid: expected at least one tensor");
  if (!indexing &&
      PyErr_WarnEx(PyExc_UserWarning, "meshgrid: give indexing='ij' (as now) or 'xy'; a later version will ask for it",
                   1) < 0)
    throw PythonError();
  bool columns_first = indexing && !std::strcmp(indexing, "xy");
  RL_CHECK(!indexing || columns_first || !std::strcmp(indexing, "ij"), Runtime,
           "meshgrid: indexing must be 'ij' or 'xy', got '%s'", indexing);
  std::vector<Ref> lines(tensors.begin(), tensors.end());
  Dims sizes;
  for (const Ref& x : lines) {
    RL_CHECK(x->ndim <= 1, Runtime, "meshgrid: expected vectors, got shape %s", to_string(x->sizes()).c_str());
    RL_CHECK(x->dtype == lines[0]->dtype, Runtime, "meshgrid: all tensors must have one dtype, got %s and %s",
             name_of(lines[0]->dtype), name_of(x->dtype));
    sizes.push_back(x->numel);
  }
  std::vector<Ref> grids;
  for (int i = 0; i < sizes.size(); ++i) {
    Dims along(sizes.size(), 1);
    along[i] = sizes[i];
    grids.push_back(ops::expand(ops::view(lines[static_cast<size_t>(i)], along), sizes));
  }
  if (columns_first && grids.size() > 1)
    for (Ref& g : grids) g = ops::transpose(g, 0, 1);
  return grids;
}

Ref cartesian_prod(Tensors tensors) {
  RL_CHECK(tensors.size() > 0, Runtime, "cartesian_prod: expected at least one vector");
  for (const Ref& x : tensors)
    RL_CHECK(x->ndim == 1, Runtime, "cartesian_prod: expected vectors, got shape %s", to_string(x->sizes()).c_str());
  if (tensors.size() == 1) return tensors[0];
  std::vector<Ref> columns = meshgrid(tensors, "ij");
  for (Ref& c : columns) c = ops::flatten(c, 0, -1);
  return ops::stack(columns, 1);
}

Ref combinations(In input, int64_t r, bool with_replacement) {
  RL_CHECK(input->ndim == 1, Runtime, "combinations: expected a vector, got shape %s",
           to_string(input->sizes()).c_str());
  RL_CHECK(r >= 0, Runtime, "combinations: r must not be negative, got %lld", (long long)r);
  if (r == 0) return ops::empty(Dims{0}, MemoryFormat::Contiguous, Options{input->dtype, input->device});
  int64_t n = input->numel;
  std::vector<int64_t> chosen(static_cast<size_t>(r)), all;
  for (int64_t k = 0; !with_replacement && k < r; ++k) chosen[static_cast<size_t>(k)] = k;
  auto last = [&](int64_t k) { return with_replacement ? n - 1 : n - r + k; };
  for (bool more = n > 0 && chosen.back() < n; more;) {
    all.insert(all.end(), chosen.begin(), chosen.end());
    int64_t k = r - 1;
    while (k >= 0 && chosen[static_cast<size_t>(k)] == last(k)) --k;
    more = k >= 0;
    if (!more) break;
    int64_t next = ++chosen[static_cast<size_t>(k)];
    while (++k < r) chosen[static_cast<size_t>(k)] = with_replacement ? next : ++next;
  }
  int64_t rows = static_cast<int64_t>(all.size()) / r;
  std::vector<Ref> columns;
  for (int64_t k = 0; k < r; ++k) {
    Ref index = empty(Dims{rows}, DType::Int64, input->device);
    for (int64_t i = 0; i < rows && has_memory(input); ++i)
      index->data_as<int64_t>()[i] = all[static_cast<size_t>(i * r + k)];
    columns.push_back(ops::index_select(input, 0, index));
  }
  return ops::stack(columns, 1);
}

Ref block_diag(Tensors tensors) {
  std::vector<Ref> blocks;
  int64_t columns = 0, before = 0;
  for (const Ref& x : tensors) {
    RL_CHECK(x->ndim <= 2, Runtime, "block_diag: expected tensors of at most 2 dimensions, got shape %s",
             to_string(x->sizes()).c_str());
    blocks.push_back(ops::atleast_2d(x));
    columns += blocks.back()->dims[1];
  }
  if (blocks.empty()) return ops::empty(Dims{1, 0});
  for (Ref& b : blocks) {
    int64_t width = b->dims[1];
    b = ops::constant_pad_nd(b, Dims{before, columns - before - width}, Scalar(0));
    before += width;
  }
  return ops::cat(blocks, 0);
}

namespace {
template <class F>
Ref joined(Tensors tensors, const char* op, F lift, int dim) {
  RL_CHECK(tensors.size() > 0, Runtime, "%s: expected at least one tensor, got an empty list", op);
  std::vector<Ref> lifted;
  for (const Ref& x : tensors) lifted.push_back(lift(x));
  return ops::cat(lifted, lifted[0]->ndim == 1 ? 0 : dim);
}
}  // namespace
Ref hstack(Tensors tensors) {
  return joined(tensors, "hstack", [](In x) { return ops::atleast_1d(x); }, 1);
}
Ref vstack(Tensors tensors) {
  return joined(tensors, "vstack", [](In x) { return ops::atleast_2d(x); }, 0);
}
Ref row_stack(Tensors tensors) { return vstack(tensors); }
Ref dstack(Tensors tensors) {
  return joined(tensors, "dstack", [](In x) { return ops::atleast_3d(x); }, 2);
}
Ref column_stack(Tensors tensors) {
  return joined(
      tensors, "column_stack",
      [](In x) { return x->ndim >= 2 ? Ref::retain(x.mutable_tensor()) : ops::reshape(x, Dims{x->numel, 1}); }, 1);
}
Ref concat(Tensors tensors, int64_t dim) { return ops::cat(tensors, dim); }

// ------------------------------------------------------------------ padding

Ref pad_grad(In g, DimSpan pad) { return ops::constant_pad_nd(g, negated(pad), Scalar(0)); }

namespace {
// Which element of a dimension of size n stands at each place after padding.
Ref padded_places(int64_t n, int64_t before, int64_t after, const std::string& mode, DeviceId device) {
  int64_t total = n + before + after;
  RL_CHECK(total >= 0, Runtime, "pad: the widths %lld and %lld leave nothing of a dimension of size %lld",
           (long long)before, (long long)after, (long long)n);
  int64_t limit = mode == "reflect" ? n - 1 : mode == "circular" ? n : std::max(before, after);
  if (mode == "circular") limit += std::min(before, int64_t(0)) + std::min(after, int64_t(0));
  RL_CHECK(before <= limit && after <= limit && (n > 0 || total == 0), Runtime,
           "pad: mode '%s' can pad a dimension of size %lld by at most %lld, got %lld and %lld", mode.c_str(),
           (long long)n, (long long)limit, (long long)before, (long long)after);
  int64_t first = std::max(-before, int64_t(0)),
          kept = n - first - std::max(-after, int64_t(0));  // negative widths cut off
  Ref index = empty(Dims{total}, DType::Int64, device);
  for (int64_t i = 0; i < total && has_memory(index.get()); ++i) {
    int64_t at = i - before;
    if (mode == "circular") at = first + ((i - std::max(before, int64_t(0))) % kept + kept) % kept;
    if (mode == "reflect") at = at < 0 ? -at : at >= n ? 2 * (n - 1) - at : at;
    index->data_as<int64_t>()[i] = std::clamp(at, int64_t(0), n - 1);
  }
  return index;
}
}  // namespace

Ref pad(In input, DimSpan pad, const std::string& mode, double value) {
  RL_CHECK(pad.n % 2 == 0, Runtime, "pad: expected two widths a dimension, got %s", to_string(pad).c_str());
  RL_CHECK(pad.n <= 2 * input->ndim, Runtime, "pad: %s has widths for more dimensions than shape %s",
           to_string(pad).c_str(), to_string(input->sizes()).c_str());
  if (mode == "constant") return ops::constant_pad_nd(input, pad, Scalar(value));
  RL_CHECK(value == 0, Runtime, "pad: mode '%s' takes no value", mode.c_str());
  bool known = mode == "reflect" || mode == "replicate" || mode == "circular";
  RL_CHECK(known, NotImplemented,
           "pad: mode '%s' is unknown; expected 'constant', 'reflect', 'replicate' or 'circular'", mode.c_str());
  int padded = pad.n / 2;
  RL_CHECK(padded >= 1 && padded <= 3 && (input->ndim == padded + 1 || input->ndim == padded + 2), NotImplemented,
           "pad: mode '%s' pads the last 1 to 3 dimensions of a tensor with one or two dimensions before them; got %s "
           "for shape %s",
           mode.c_str(), to_string(pad).c_str(), to_string(input->sizes()).c_str());
  Ref y = Ref::retain(input.mutable_tensor());
  for (int k = 0; k < padded; ++k) {
    int d = input->ndim - 1 - k;
    y = ops::index_select(y, d, padded_places(input->dims[d], pad[2 * k], pad[2 * k + 1], mode, input->device));
  }
  return y;
}

}  // namespace compose
}  // namespace rl
