// The normalisations: the rows around cpu/norm.h.
#include "cpu/norm.h"

#include <algorithm>
#include <cmath>

#include "autograd/history.h"
#include "cpu/rows/memory_format.h"
#include "cpu/rows/norm_shapes.h"
#include "cpu/scratch.h"
#include "gen/ops/norm.h"

namespace rl {
namespace {

enum Need : int64_t { need_input = 1, need_weight = 2, need_bias = 4 };

// The dtype of parameters and statistics: the input's, or float32 where it is of 16 bits.
DType check_parameters(const char* op, In input, std::initializer_list<std::pair<const char*, In>> parameters) {
  DType found = input->dtype;
  bool first = true;
  for (const auto& [role, p] : parameters) {
    if (!p.tensor()) continue;
    RL_CHECK(p->device.type == input->device.type, Runtime,
             "%s: the input is on %s but %s is on %s; move one of them with .to(device)", op, name_of(input->device),
             role, name_of(p->device));
    const bool fits = p->dtype == input->dtype || (is_narrow(input->dtype) && p->dtype == DType::Float32);
    RL_CHECK(fits && (first || p->dtype == found), Runtime,
             "%s: the input is %s but %s is %s; parameters and statistics must have one dtype, the input's%s: convert "
             "with .to(dtype)",
             op, name_of(input->dtype), role, name_of(p->dtype), is_narrow(input->dtype) ? " or float32" : "");
    found = p->dtype;
    first = false;
  }
  return found;
}

void check_floating(const char* op, In input) {
  if (!is_floating(input->dtype)) no_kernel(op, input->dtype);
}

void check_size(const char* op, const char* role, In x, DimSpan wanted) {
  RL_CHECK(!x.tensor() || x->sizes() == wanted, Runtime, "%s: expected %s of shape %s, got %s", op, role,
           to_string(wanted).c_str(), shape_of(x).c_str());
}

MemoryFormat format_of(In x) {
  if (x->ndim != 4 && x->ndim != 5) return MemoryFormat::Contiguous;
  const MemoryFormat last = x->ndim == 4 ? MemoryFormat::ChannelsLast : MemoryFormat::ChannelsLast3d;
  return !x->contiguous() && has_format(x, last) ? last : MemoryFormat::Contiguous;
}

Ref in_format(In x, MemoryFormat format) {
  if (has_format(x, format)) return Ref::retain(x.mutable_tensor());
  Ref copy = empty_in_format(x->sizes(), format, x->dtype, x->device);
  copy_into(copy.get(), x);
  return copy;
}

// Per channel values that stay in the arithmetic type.
template <class T>
void fill_from(const Ref& parameter, T otherwise, int64_t channels, T* to) {
  for (int64_t c = 0; c < channels; ++c) to[c] = parameter ? parameter->data_as<T>()[c] : otherwise;
}

Ref stored(const Ref& x, DType dtype) { return x ? as_dtype(x.get(), dtype) : x; }

// A gradient has the dtype of what it belongs to; statistics have that of the parameters.
std::array<Ref, 3> stored_gradients(const std::array<Ref, 3>& found, In input, In statistics) {
  return {stored(found[0], input->dtype), stored(found[1], statistics->dtype), stored(found[2], statistics->dtype)};
}
void fill_zeros(const std::array<Ref, 3>& found) {
  for (const Ref& x : found)
    if (x) fill(x.get(), Scalar(0));
}

}  // namespace

// ------------------------------------------------------------------ over the last dimensions

namespace {

struct RowNorm {
  Ref y, mean, rstd;
};

RowNorm row_norm(const char* op, bool centered, In input, DimSpan normalized_shape, In weight, In bias, double eps) {
  const int64_t rows = rows_before(op, input->sizes(), normalized_shape);
  check_size(op, "a weight", weight, normalized_shape);
  check_size(op, "a bias", bias, normalized_shape);
  const DType statistics = check_parameters(op, input, {{"the weight", weight}, {"the bias", bias}});
  check_floating(op, input);
  const DType type = wide_of(input->dtype);
  Dims kept(input->sizes());
  for (int d = input->ndim - normalized_shape.n; d < input->ndim; ++d) kept[d] = 1;
  Ref y = rl::empty(input->sizes(), type, input->device), rstd = rl::empty(kept, type, input->device);
  Ref mean = centered ? rl::empty(kept, type, input->device) : Ref();
  if (has_memory(input) && rows > 0) {
    const Ref x = norm_operand(input, type), w = norm_operand_or_none(weight, type),
              b = norm_operand_or_none(bias, type);
    by_floating(op, type, [&](auto zero) {
      using T = decltype(zero);
      Unlocked unlocked(x->numel);
      cpu::norm_rows<T>(rows, product(normalized_shape), x->data_as<T>(), values_or_null<T>(w), values_or_null<T>(b),
                        eps, y->data_as<T>(), values_or_null<T>(mean), rstd->data_as<T>());
    });
  }
  y = stored(y, input->dtype);
  return {centered ? y : in_format(y, format_of(input)), stored(mean, statistics), stored(rstd, statistics)};
}

std::array<Ref, 3> row_norm_grad(const char* op, In g, In input, DimSpan normalized_shape, In mean, In rstd, In weight,
                                 int64_t need) {
  const int64_t rows = rows_before(op, input->sizes(), normalized_shape), n = product(normalized_shape);
  RL_CHECK(g->sizes() == input->sizes(), Runtime, "%s: a gradient of shape %s does not fit an input of shape %s", op,
           shape_of(g).c_str(), shape_of(input).c_str());
  RL_CHECK(rstd->numel == rows && (!mean.tensor() || mean->numel == rows), Runtime,
           "%s: expected statistics of %lld rows, got %lld", op, (long long)rows, (long long)rstd->numel);
  check_size(op, "a weight", weight, normalized_shape);
  check_floating(op, input);
  const DType type = wide_of(input->dtype);
  const auto made = [&](int64_t which, DimSpan sizes) {
    return need & which ? rl::empty(sizes, type, input->device) : Ref();
  };
  Ref dx = made(need_input, input->sizes()), dw = made(need_weight, normalized_shape),
      db = made(need_bias, normalized_shape);
  if (!has_memory(input) || n == 0) return stored_gradients({dx, dw, db}, input, rstd);
  const Ref dy = norm_operand(g, type), x = norm_operand(input, type), m = norm_operand_or_none(mean, type),
            s = norm_operand(rstd, type), w = norm_operand_or_none(weight, type);
  by_floating(op, type, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(x->numel);
    cpu::norm_rows_backward<T>(rows, n, dy->data_as<T>(), x->data_as<T>(), values_or_null<T>(w), values_or_null<T>(m),
                               s->data_as<T>(), values_or_null<T>(dx), values_or_null<T>(dw), values_or_null<T>(db));
  });
  return stored_gradients({dx, dw, db}, input, rstd);
}

}  // namespace

namespace kernels {

std::array<Ref, 3> layer_norm(In input, DimSpan normalized_shape, In weight, In bias, double eps) {
  RowNorm found = row_norm("layer_norm", true, input, normalized_shape, weight, bias, eps);
  return {found.y, found.mean, found.rstd};
}
std::array<Ref, 3> layer_norm_grad(In g, In input, DimSpan normalized_shape, In mean, In rstd, In weight,
                                   int64_t need) {
  return row_norm_grad("layer_norm_grad", g, input, normalized_shape, mean, rstd, weight, need);
}
std::array<Ref, 2> rms_norm(In input, DimSpan normalized_shape, In weight, double eps) {
  RowNorm found = row_norm("rms_norm", false, input, normalized_shape, weight, nullptr, eps);
  return {found.y, found.rstd};
}
std::array<Ref, 2> rms_norm_grad(In g, In input, DimSpan normalized_shape, In rstd, In weight, int64_t need) {
  std::array<Ref, 3> found = row_norm_grad("rms_norm_grad", g, input, normalized_shape, nullptr, rstd, weight, need);
  return {found[0], found[1]};
}

}  // namespace kernels

// ------------------------------------------------------------------ over channels

namespace {

// Working memory: `count` arrays of one value for each channel.
template <class T>
class PerChannel {
 public:
  PerChannel(int count, int64_t channels) : room_(count * channels), channels_(channels) {}
  T* operator[](int i) const { return room_.get() + i * channels_; }

 private:
  cpu::Scratch<T> room_;
  int64_t channels_;
};

// y = (x - mean) * rstd * weight + bias, everything per channel.
template <class T>
void normalise(const cpu::ChannelShape& shape, const T* x, const T* mean, const T* rstd, const T* weight, const T* bias,
               T* y) {
  const PerChannel<T> scale(1, shape.channels);
  for (int64_t c = 0; c < shape.channels; ++c) scale[0][c] = rstd[c] * weight[c];
  cpu::channel_scale<T>(shape, x, mean, scale[0], bias, y);
}

}  // namespace

// ------------------------------------------------------------------ over groups of channels

namespace {

struct Groups {
  cpu::ChannelShape channels;  // of all samples side by side
  int64_t each;                // channels of a group

  Groups(const char* op, int64_t N, int64_t C, int64_t HxW, int64_t group, In input) {
    RL_CHECK(group > 0 && C % group == 0, Runtime, "%s: %lld channels do not divide into %lld groups", op, (long long)C,
             (long long)group);
    RL_CHECK(N >= 0 && C >= 0 && HxW >= 0 && N * C * HxW == input->numel, Runtime,
             "%s: an input of shape %s does not have the %lld x %lld x %lld elements of N, C and HxW", op,
             shape_of(input).c_str(), (long long)N, (long long)C, (long long)HxW);
    each = C / group;
    channels = {1, N * C, HxW};
  }
};

}  // namespace

namespace kernels {

std::array<Ref, 3> group_norm(In input, In weight, In bias, int64_t N, int64_t C, int64_t HxW, int64_t group,
                              double eps) {
  const char* op = "group_norm";
  const Groups a(op, N, C, HxW, group, input);
  check_size(op, "a weight", weight, Dims{C});
  check_size(op, "a bias", bias, Dims{C});
  const DType statistics = check_parameters(op, input, {{"the weight", weight}, {"the bias", bias}});
  check_floating(op, input);
  const DType type = wide_of(input->dtype);
  const MemoryFormat format = format_of(input);
  Ref y = rl::empty(input->sizes(), type, input->device), mean = rl::empty({N, group}, type, input->device),
      rstd = rl::empty({N, group}, type, input->device);
  if (has_memory(input)) {
    const Ref x = norm_operand(input, type), w = norm_operand_or_none(weight, type),
              b = norm_operand_or_none(bias, type);
    by_floating(op, type, [&](auto zero) {
      using T = decltype(zero);
      Unlocked unlocked(x->numel);
      cpu::norm_groups<T>(N * group, a.each, HxW, C, x->data_as<T>(), values_or_null<T>(w), values_or_null<T>(b), eps,
                          y->data_as<T>(), mean->data_as<T>(), rstd->data_as<T>());
    });
  }
  return {in_format(stored(y, input->dtype), format), stored(mean, statistics), stored(rstd, statistics)};
}

// With w the weight, h = (x - mean) * rstd and n the values of a group:
//   dx = rstd * (dy * w - (sum of dy * w + h * sum of dy * w * h) / n), dweight = sum of dy * h, dbias = sum of dy.
std::array<Ref, 3> group_norm_grad(In g, In input, In mean, In rstd, In weight, int64_t N, int64_t C, int64_t HxW,
                                   int64_t group, int64_t need) {
  const char* op = "group_norm_grad";
  const Groups a(op, N, C, HxW, group, input);
  RL_CHECK(g->sizes() == input->sizes(), Runtime, "%s: a gradient of shape %s does not fit an input of shape %s", op,
           shape_of(g).c_str(), shape_of(input).c_str());
  check_size(op, "means", mean, Dims{N, group});
  check_size(op, "deviations", rstd, Dims{N, group});
  check_size(op, "a weight", weight, Dims{C});
  check_floating(op, input);
  const DType type = wide_of(input->dtype);
  const auto made = [&](int64_t which, DimSpan sizes) {
    return need & which ? rl::empty(sizes, type, input->device) : Ref();
  };
  Ref dx = made(need_input, input->sizes()), dw = made(need_weight, Dims{C}), db = made(need_bias, Dims{C});
  if (input->numel == 0) fill_zeros({dx, dw, db});
  if (!has_memory(input) || input->numel == 0) return stored_gradients({dx, dw, db}, input, rstd);
  const Ref dy = norm_operand(g, type), x = norm_operand(input, type), w = norm_operand_or_none(weight, type),
            means = norm_operand(mean, type), rstds = norm_operand(rstd, type);
  by_floating(op, type, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(x->numel);
    const int64_t channels = a.channels.channels;
    const PerChannel<double> sums(2, channels);
    const PerChannel<T> of(4, channels);
    const T* s = rstds->data_as<T>();
    for (int64_t i = 0; i < channels; ++i) of[0][i] = means->data_as<T>()[i / a.each];
    cpu::channel_sums<T>(a.channels, dy->data_as<T>(), x->data_as<T>(), of[0], sums[0], sums[1]);
    for (int64_t c = 0; c < C; ++c) {
      double sum = 0, dot = 0;
      for (int64_t i = c; i < channels; i += C) {
        sum += sums[0][i];
        dot += sums[1][i] * double(s[i / a.each]);
      }
      if (dw) dw->data_as<T>()[c] = T(dot);
      if (db) db->data_as<T>()[c] = T(sum);
    }
    if (!dx) return;
    for (int64_t i = 0; i < N * group; ++i) {
      double sum = 0, dot = 0;
      const int64_t first = i * a.each;
      const auto weight_of = [&](int64_t c) { return w ? double(w->data_as<T>()[c % C]) : 1.0; };
      for (int64_t c = first; c < first + a.each; ++c) {
        sum += sums[0][c] * weight_of(c);
        dot += sums[1][c] * weight_of(c);
      }
      const double r = double(s[i]), n = double(a.each * HxW);
      for (int64_t c = first; c < first + a.each; ++c) {
        of[1][c] = T(r * weight_of(c));
        of[2][c] = T(-r * r * r * dot / n);
        of[3][c] = T(-r * sum / n);
      }
    }
    cpu::channel_combine<T>(a.channels, dy->data_as<T>(), x->data_as<T>(), of[0], of[1], of[2], of[3],
                            dx->data_as<T>());
  });
  return stored_gradients({dx, dw, db}, input, rstd);
}

}  // namespace kernels

// ------------------------------------------------------------------ over the batch

namespace {

// The channels stand in dimension 1; of channels-last memory they are the innermost.
cpu::ChannelShape batch_shape(DimSpan sizes, MemoryFormat format) {
  const int64_t space = product(DimSpan(sizes.ptr + 2, sizes.n - 2));
  if (format == MemoryFormat::Contiguous) return {sizes[0], sizes[1], space};
  return {sizes[0] * space, sizes[1], 1};
}

void check_channels(const char* op, In input, const char* role, In x) {
  if (!x.tensor() || x->sizes() == Dims{input->size(1)}) return;
  fail(ErrorType::Runtime, "%s: input %s has %lld channels, but %s has %s; channels stand in dimension 1", op,
       marked(input->sizes(), 1).c_str(), (long long)input->size(1), role,
       x->ndim == 1 ? std::to_string(x->size(0)).c_str() : ("the shape " + shape_of(x)).c_str());
}

void check_batch(const char* op, In input) {
  RL_CHECK(input->ndim >= 2, Runtime, "%s: expected an input (N, C, ...), got shape %s", op, shape_of(input).c_str());
}

// running = (1 - momentum) * running + momentum * the new values.
template <class T>
void follow(const char* op, In running, double momentum, const double* values, double factor, DType type) {
  if (!running.tensor()) return;
  check_writable(running, op);
  Ref now = norm_operand(running, type);
  T* r = now->data_as<T>();
  for (int64_t c = 0; c < now->numel; ++c) r[c] = T((1 - momentum) * double(r[c]) + momentum * factor * values[c]);
  if (now.get() != running.tensor()) copy_into(running.mutable_tensor(), now.get());
  bump_version(running.mutable_tensor());
}

}  // namespace

namespace kernels {

std::array<Ref, 3> batch_norm(In input, In weight, In bias, In running_mean, In running_var, bool training,
                              double momentum, double eps) {
  const char* op = "batch_norm";
  check_batch(op, input);
  const Dims channels{input->size(1)};
  check_channels(op, input, "running_mean", running_mean);
  check_channels(op, input, "running_var", running_var);
  check_channels(op, input, "weight", weight);
  check_channels(op, input, "bias", bias);
  RL_CHECK(training || (running_mean.tensor() && running_var.tensor()), Runtime,
           "%s: without training it needs running_mean and running_var", op);
  check_floating(op, input);
  const DType statistics = check_parameters(
      op, input,
      {{"the weight", weight}, {"the bias", bias}, {"running_mean", running_mean}, {"running_var", running_var}});
  const DType type = wide_of(input->dtype);
  const MemoryFormat format = format_of(input);
  const cpu::ChannelShape shape = batch_shape(input->sizes(), format);
  Ref y = empty_in_format(input->sizes(), format, type, input->device), mean = rl::empty(channels, type, input->device),
      rstd = rl::empty(channels, type, input->device);
  if (has_memory(input)) {
    const Ref x = in_format(as_dtype(input, type), format), w = norm_operand_or_none(weight, type),
              b = norm_operand_or_none(bias, type);
    by_floating(op, type, [&](auto zero) {
      using T = decltype(zero);
      const PerChannel<double> moments(2, shape.channels);
      double *m = moments[0], *variance = moments[1];
      if (training) {
        {
          Unlocked unlocked(x->numel);
          cpu::channel_moments<T>(shape, x->data_as<T>(), m, variance);
        }
        if (x->numel) {
          const double count = double(shape.count());
          follow<T>(op, running_mean, momentum, m, 1, type);
          follow<T>(op, running_var, momentum, variance, count / (count - 1), type);
        }
      } else {
        const Ref means = norm_operand(running_mean, type), variances = norm_operand(running_var, type);
        std::copy_n(means->data_as<T>(), shape.channels, m);
        std::copy_n(variances->data_as<T>(), shape.channels, variance);
      }
      const PerChannel<T> of(2, shape.channels);
      fill_from<T>(w, T(1), shape.channels, of[0]);
      fill_from<T>(b, T(0), shape.channels, of[1]);
      for (int64_t c = 0; c < shape.channels; ++c) {
        mean->data_as<T>()[c] = T(m[c]);
        rstd->data_as<T>()[c] = T(1 / std::sqrt(variance[c] + eps));
      }
      Unlocked unlocked(x->numel);
      normalise<T>(shape, x->data_as<T>(), mean->data_as<T>(), rstd->data_as<T>(), of[0], of[1], y->data_as<T>());
    });
  }
  return {stored(y, input->dtype), stored(mean, statistics), stored(rstd, statistics)};
}

// As of group_norm_grad, with the batch's values of a channel as the group; without training mean and rstd are
// constants, and dx = dy * w * rstd.
std::array<Ref, 3> batch_norm_grad(In g, In input, In mean, In rstd, In weight, bool training, int64_t need) {
  const char* op = "batch_norm_grad";
  check_batch(op, input);
  const Dims channels{input->size(1)};
  RL_CHECK(g->sizes() == input->sizes(), Runtime, "%s: a gradient of shape %s does not fit an input of shape %s", op,
           shape_of(g).c_str(), shape_of(input).c_str());
  check_size(op, "means", mean, channels);
  check_size(op, "deviations", rstd, channels);
  check_size(op, "a weight", weight, channels);
  check_floating(op, input);
  const DType type = wide_of(input->dtype);
  const MemoryFormat format = format_of(input);
  const cpu::ChannelShape shape = batch_shape(input->sizes(), format);
  Ref dx = need & need_input ? empty_in_format(input->sizes(), format, type, input->device) : Ref(),
      dw = need & need_weight ? rl::empty(channels, type, input->device) : Ref(),
      db = need & need_bias ? rl::empty(channels, type, input->device) : Ref();
  if (input->numel == 0) fill_zeros({dx, dw, db});
  if (!has_memory(input) || input->numel == 0) return stored_gradients({dx, dw, db}, input, rstd);
  const Ref dy = in_format(as_dtype(g, type), format), x = in_format(as_dtype(input, type), format),
            w = norm_operand_or_none(weight, type), means = norm_operand(mean, type), rstds = norm_operand(rstd, type);
  by_floating(op, type, [&](auto zero) {
    using T = decltype(zero);
    Unlocked unlocked(x->numel);
    const PerChannel<double> sums(2, shape.channels);
    const PerChannel<T> of(4, shape.channels);
    const T *m = means->data_as<T>(), *s = rstds->data_as<T>();
    if (training || dw || db) cpu::channel_sums<T>(shape, dy->data_as<T>(), x->data_as<T>(), m, sums[0], sums[1]);
    fill_from<T>(w, T(1), shape.channels, of[3]);
    for (int64_t c = 0; c < shape.channels; ++c) {
      const double r = double(s[c]), n = double(shape.count());
      if (dw) dw->data_as<T>()[c] = T(sums[1][c] * r);
      if (db) db->data_as<T>()[c] = T(sums[0][c]);
      const double scale = r * double(of[3][c]);
      of[0][c] = T(scale);
      of[1][c] = training ? T(-scale * r * r * sums[1][c] / n) : T(0);
      of[2][c] = training ? T(-scale * sums[0][c] / n) : T(0);
    }
    if (!dx) return;
    if (training) {
      cpu::channel_combine<T>(shape, dy->data_as<T>(), x->data_as<T>(), m, of[0], of[1], of[2], dx->data_as<T>());
    } else {
      fill_from<T>(Ref(), T(0), shape.channels, of[3]);
      cpu::channel_scale<T>(shape, dy->data_as<T>(), of[3], of[0], of[3], dx->data_as<T>());
    }
  });
  return stored_gradients({dx, dw, db}, input, rstd);
}

}  // namespace kernels
}  // namespace rl
