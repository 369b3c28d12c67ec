// Copies, conversions, and the gradients of views: zeros with the gradient written into the view's place.
#include <algorithm>
#include <cstring>

#include "autograd/history.h"
#include "autograd/pieces.h"
#include "cpu/rows/by_dtype.h"
#include "cpu/rows/memory_format.h"
#include "device/create.h"
#include "gen/ops/clamp.h"
#include "gen/ops/pointwise.h"
#include "gen/ops/shape.h"
#include "iterate/pointwise.h"

namespace rl {

namespace {
template <class F>
Ref zeros_with(In g, DimSpan sizes, F view) {
  Ref x = full(sizes, Scalar(0), g->dtype, g->device);
  Ref part = alias(x.get(), view(x->layout()));
  copy_into(part.get(), g);
  return x;
}

// The same where places of the view may coincide: every element is added.
Ref zeros_with_added(In g, Ref x, const Layout& view) {
  Ref part = alias(x.get(), view);
  int64_t n = g->numel;
  if (!n || !has_memory(x.get())) return x;
  if (has_no_overlap(view.sizes, view.strides)) {
    copy_into(part.get(), g);
    return x;
  }
  Ref source = as_contiguous(g);
  by_inexact("backward of an overlapping view", g->dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = part->data_as<T>();
    const T* from = source->data_as<T>();
    Dims index(part->ndim);
    for (int64_t i = 0; i < n; ++i) {
      int64_t at = 0;
      for (int d = 0; d < part->ndim; ++d) at += index[d] * part->strides()[d];
      to[at] += from[i];
      for (int d = part->ndim - 1; d >= 0 && ++index[d] == part->dims[d]; --d) index[d] = 0;
    }
  });
  return x;
}
}  // namespace

namespace kernels {

Ref select_backward(In g, DimSpan input, int64_t dim, int64_t index) {
  return zeros_with(g, input, [&](const Layout& x) { return layout::select(x, dim, index); });
}
Ref slice_backward(In g, DimSpan input, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
                   int64_t step) {
  return zeros_with(g, input, [&](const Layout& x) { return layout::slice(x, dim, start, end, step); });
}
Ref narrow_backward(In g, DimSpan input, int64_t dim, int64_t start, int64_t length) {
  return zeros_with(g, input, [&](const Layout& x) { return layout::narrow(x, dim, start, length); });
}
Ref diagonal_backward(In g, DimSpan input, int64_t offset, int64_t dim1, int64_t dim2) {
  return zeros_with(g, input, [&](const Layout& x) { return layout::diagonal(x, offset, dim1, dim2); });
}
Ref unfold_backward(In g, DimSpan input, int64_t dimension, int64_t size, int64_t step) {
  Ref x = full(input, Scalar(0), g->dtype, g->device);
  return zeros_with_added(g, x, layout::unfold(x->layout(), dimension, size, step));
}
// The gradient by way of memory: what the places of `from` hold is read at those of `to`. Where places of the input
// coincide, each has its part of their sum.
static Ref through_memory(In g, Layout from, Layout to, Layout input) {
  if (!product(from.sizes) || !product(to.sizes)) return full(to.sizes, Scalar(0), g->dtype, g->device);
  int64_t first = std::min(from.offset, to.offset);
  for (Layout* x : {&from, &to, &input}) x->offset -= first;
  auto reached = [](const Layout& x) { return static_cast<int64_t>(*bytes_reached(x.sizes, x.strides, x.offset, 1)); };
  Ref memory = full({std::max({reached(from), reached(to), reached(input)})}, Scalar(0), g->dtype, g->device);
  memory = zeros_with_added(g, memory, from);
  if (!has_no_overlap(input.sizes, input.strides)) {
    Ref one = full(input.sizes, Scalar(1), g->dtype, g->device);
    Ref count = zeros_with_added(In(one.get()), full(memory->sizes(), Scalar(0), g->dtype, g->device), input);
    memory = ops::div(memory, ops::clamp_min(count, Scalar(1)));
  }
  Ref seen = alias(memory.get(), to);
  return convert(In(seen.get()), g->dtype);
}

Ref _as_strided_backward(In g, DimSpan size, DimSpan stride, int64_t storage_offset, DimSpan input_size,
                         DimSpan input_stride, int64_t input_offset) {
  Layout view{size, stride, storage_offset}, input{input_size, input_stride, input_offset};
  return through_memory(g, view, input, input);
}
Ref _as_strided_again(In t, DimSpan size, DimSpan stride, int64_t storage_offset, DimSpan input_size,
                      DimSpan input_stride, int64_t input_offset) {
  Layout view{size, stride, storage_offset}, input{input_size, input_stride, input_offset};
  return through_memory(t, input, view, input);
}

Ref clone(In input, MemoryFormat format) {
  if (format == MemoryFormat::Preserve) return convert(input, input->dtype);
  if (format == MemoryFormat::Contiguous) return contiguous_copy(input);
  Ref y = empty_in_format(input->sizes(), format, input->dtype, input->device);
  copy_into(y.get(), input);
  return y;
}
Ref to_copy(In input, DType dtype) { return convert(input, dtype); }
Ref unsafe_view(In input, DimSpan size) { return alias(input, layout::view(input->layout(), size)); }

void copy(In self, const Arg& from, bool) {
  Tensor* y = self.mutable_tensor();
  // A number is cut as a tensor's elements are, where fill_ wants it to fit.
  const Ref number = from.tensor ? Ref() : full({}, from.number, dtype_of_number(from.number));
  const In src(from.tensor ? from.tensor : number.get());
  if (y == src.tensor()) return;
  RL_CHECK(src->ndim <= y->ndim, Runtime, "copy_: shape %s does not broadcast to shape %s",
           to_string(src->sizes()).c_str(), to_string(y->sizes()).c_str());
  check_no_internal_overlap(y, "copy_");
  check_no_partial_overlap(y, src, "copy_");
  if (y->numel && may_share_memory(y, src) && y->storage->data) {
    Ref apart = contiguous_copy(src);
    return copy_into(y, apart.get());
  }
  copy_into(y, src);
}

void fill(In self, const Arg& value) {
  if (!value.tensor) return rl::fill(self.mutable_tensor(), value.number);
  RL_CHECK(value.tensor->ndim == 0, Runtime, "fill_: expected a number or a 0-d tensor, got a tensor of shape %s",
           to_string(value.tensor->sizes()).c_str());
  check_no_internal_overlap(self, "fill_");
  copy_into(self.mutable_tensor(), value.tensor);
}

Ref filled(In input, const Arg& value) {
  Ref y = empty_like(input, input->dtype);
  fill(y, value);
  return y;
}

void zero(In self) {
  if (self->contiguous() && has_memory(self)) {
    std::memset(self->data(), 0, static_cast<size_t>(self->numel) * size_of(self->dtype));
  } else {
    rl::fill(self.mutable_tensor(), Scalar(0));
  }
}

}  // namespace kernels

namespace compose {

Ref as_strided(In input, DimSpan size, DimSpan stride, std::optional<int64_t> storage_offset) {
  return ops::_as_strided(input, size, stride, storage_offset.value_or(input->offset), input->sizes(), input->strides(),
                          input->offset);
}

Ref sum_to(In input, DimSpan size) {
  return finish_gradient(Ref::retain(input.mutable_tensor()), Expected{input->dtype, Dims(size)});
}

Ref contiguous(In input, MemoryFormat format) {
  if (format == MemoryFormat::Preserve) format = MemoryFormat::Contiguous;
  return has_format(input, format) ? Ref::retain(input.mutable_tensor()) : ops::clone(input, format);
}

Ref reshape(In input, DimSpan shape) {
  Dims sizes = infer_sizes(shape, input->numel, input->sizes(), "reshape");
  if (input->contiguous()) return ops::view(input, sizes);
  if (view_strides(input->sizes(), input->strides(), sizes)) return ops::_reshape_alias(input, sizes);
  return ops::_unsafe_view(ops::clone(input, MemoryFormat::Contiguous), sizes);
}

Ref flatten(In input, int64_t start_dim, int64_t end_dim) {
  if (input->ndim == 0) {
    wrap_dim(start_dim, 0, "flatten");
    wrap_dim(end_dim, 0, "flatten");
    return ops::reshape(input, Dims{1});
  }
  int a = wrap_dim(start_dim, input->ndim, "flatten"), b = wrap_dim(end_dim, input->ndim, "flatten");
  RL_CHECK(a <= b, Runtime, "flatten: start_dim (%d) comes after end_dim (%d)", a, b);
  if (a == b) return Ref::retain(input.mutable_tensor());
  Dims sizes;
  int64_t merged = 1;
  for (int i = 0; i < input->ndim; ++i) {
    if (i < a || i > b) {
      sizes.push_back(input->dims[i]);
    } else {
      merged *= input->dims[i];
      if (i == b) sizes.push_back(merged);
    }
  }
  return ops::reshape(input, sizes);
}

// Bytes keep their place: with elements `ratio` times as wide, the last dimension must be dense and divide.
Ref view_dtype(In input, DType dtype) {
  Layout layout = input->layout();
  int64_t from = static_cast<int64_t>(size_of(input->dtype)), to = static_cast<int64_t>(size_of(dtype));
  if (from != to) {
    int last = input->ndim - 1;
    RL_CHECK(last >= 0, Runtime,
             "view: a 0-d tensor of dtype %s cannot be seen as %s, whose elements have another size",
             name_of(input->dtype), name_of(dtype));
    RL_CHECK(layout.strides[last] == 1, Runtime,
             "view: to be seen as %s, the last dimension must have stride 1, got strides %s", name_of(dtype),
             to_string(layout.strides).c_str());
    auto rescale = [&](int64_t n, const char* what) {
      RL_CHECK(n * from % to == 0, Runtime, "view: to be seen as %s, %s must be divisible by %lld, got %lld",
               name_of(dtype), what, (long long)(to / from), (long long)n);
      return n * from / to;
    };
    layout.sizes[last] = rescale(layout.sizes[last], "the last size");
    layout.offset = rescale(layout.offset, "the storage offset");
    for (int d = 0; d < last; ++d) layout.strides[d] = rescale(layout.strides[d], "every other stride");
  }
  retain(input->storage);
  return new_tensor(input->storage, dtype, layout.sizes, layout.strides, layout.offset);
}

Ref view_as(In input, In other) { return ops::view(input, other->sizes()); }
Ref expand_as(In input, In other) { return ops::expand(input, other->sizes()); }
Ref reshape_as(In input, In other) { return ops::reshape(input, other->sizes()); }

std::vector<Ref> unbind(In input, int64_t dim) {
  RL_CHECK(input->ndim > 0, Index, "unbind: a 0-d tensor has no dimension to take apart");
  int d = wrap_dim(dim, input->ndim, "unbind");
  std::vector<Ref> slices;
  {
    ModeGuard unrecorded(0, kGradOff);
    for (int64_t i = 0; i < input->dims[d]; ++i) slices.push_back(ops::select(input, d, i));
  }
  record_pieces(Pieces::Unbind, input, slices, d);
  return slices;
}

}  // namespace compose
}  // namespace rl
