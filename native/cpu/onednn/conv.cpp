// Convolutions by oneDNN: it chooses the layouts, and reorders lie between them and the plain arrays of the caller.
#include "cpu/onednn/library.h"
#include "cpu/onednn/onednn.h"

#if defined(RL_ONEDNN)

#include <array>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/parallel.h"
#include "cpu/scratch.h"

namespace rl::cpu::onednn {
namespace {

// An object of oneDNN with the function that destroys it.
template <class Handle, auto Library::* destroy>
class Owned {
 public:
  Owned() = default;
  Owned(Owned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Owned() {
    if (handle_) (library()->*destroy)(handle_);
  }
  operator Handle() const { return handle_; }
  Handle* out() { return &handle_; }

 private:
  Handle handle_ = nullptr;
};
using Primitive = Owned<dnnl_primitive_t, &Library::primitive_destroy>;
using PrimitiveDesc = Owned<dnnl_primitive_desc_t, &Library::primitive_desc_destroy>;
using Memory = Owned<dnnl_memory_t, &Library::memory_destroy>;
using MemoryDesc = Owned<dnnl_memory_desc_t, &Library::memory_desc_destroy>;
using Stream = Owned<dnnl_stream_t, &Library::stream_destroy>;

void check(dnnl_status_t status) {
  if (status != dnnl_success) throw status;
}

Primitive make_primitive(const PrimitiveDesc& desc) {
  Primitive primitive;
  check(library()->primitive_create(primitive.out(), desc));
  return primitive;
}

Memory make_memory(const_dnnl_memory_desc_t desc) {
  Memory memory;
  check(library()->memory_create(memory.out(), desc, library()->engine, DNNL_MEMORY_NONE));
  return memory;
}

enum class Kind { forward, forward_bias, backward_input, backward_weight };

// The dimensions of one convolution as oneDNN takes them: two or three spatial ones.
struct Dims {
  explicit Dims(const ConvShape& s) {
    const bool volume = s.in[0] != 1 || s.kernel[0] != 1 || s.out[0] != 1;
    const int first = volume ? 0 : 1;
    spatial = 3 - first;
    dnnl_dim_t* weight = w;
    if (s.groups > 1) *weight++ = s.groups;
    *weight++ = s.k / s.groups;
    *weight++ = s.c / s.groups;
    x[0] = y[0] = s.n, x[1] = s.c, y[1] = s.k, bias[0] = s.k;
    for (int i = 0; i < spatial; ++i) {
      x[2 + i] = s.in[first + i], y[2 + i] = s.out[first + i], *weight++ = s.kernel[first + i];
      stride[i] = s.stride[first + i], padding[i] = s.padding[first + i], dilation[i] = s.dilation[first + i] - 1;
    }
    weight_dims = int(weight - w);
  }
  int spatial, weight_dims;
  dnnl_dims_t x, w, y, bias, stride, padding, dilation;
};

constexpr dnnl_format_tag_t plain_tags[] = {
    dnnl_format_tag_undef, dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd, dnnl_abcde, dnnl_abcdef};

MemoryDesc make_desc(int dims, const dnnl_dims_t sizes, dnnl_format_tag_t tag) {
  MemoryDesc desc;
  check(library()->memory_desc_create_with_tag(desc.out(), dims, sizes, dnnl_f32, tag));
  return desc;
}

// One array of a convolution: the caller's plain memory, and the layout oneDNN asked for with the reorder between them.
class Array {
 public:
  Array(int argument, bool is_result, int dims, const dnnl_dims_t sizes, const_dnnl_memory_desc_t wanted)
      : argument_(argument), is_result_(is_result) {
    MemoryDesc plain = make_desc(dims, sizes, plain_tags[dims]);
    plain_ = make_memory(plain);
    if (library()->memory_desc_equal(plain, wanted)) return;
    inner_ = make_memory(wanted);
    inner_bytes_ = library()->memory_desc_get_size(wanted);
    PrimitiveDesc desc;
    const_dnnl_memory_desc_t from = is_result ? wanted : plain,
                             to = is_result ? const_dnnl_memory_desc_t(plain) : wanted;
    check(
        library()->reorder_primitive_desc_create(desc.out(), from, library()->engine, to, library()->engine, nullptr));
    reorder_ = make_primitive(desc);
  }

  bool reordered() const { return inner_bytes_ > 0; }
  size_t inner_bytes() const { return inner_bytes_; }
  dnnl_exec_arg_t argument() const { return {argument_, reordered() ? inner_ : plain_}; }

  void bind(const float* plain, void* inner) const {
    check(library()->memory_set_data_handle(plain_, const_cast<float*>(plain)));
    if (reordered()) check(library()->memory_set_data_handle(inner_, inner));
  }
  void before(dnnl_stream_t stream) const {
    if (reordered() && !is_result_) reorder(stream, plain_, inner_);
  }
  void after(dnnl_stream_t stream) const {
    if (reordered() && is_result_) reorder(stream, inner_, plain_);
  }

 private:
  void reorder(dnnl_stream_t stream, dnnl_memory_t from, dnnl_memory_t to) const {
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    check(library()->primitive_execute(reorder_, stream, 2, arguments));
  }

  int argument_;
  bool is_result_;
  size_t inner_bytes_ = 0;
  Memory plain_, inner_;
  Primitive reorder_;
};

PrimitiveDesc forward_desc(const Dims& d, bool with_bias, dnnl_prop_kind_t kind) {
  MemoryDesc x = make_desc(d.spatial + 2, d.x, dnnl_format_tag_any),
             w = make_desc(d.weight_dims, d.w, dnnl_format_tag_any),
             y = make_desc(d.spatial + 2, d.y, dnnl_format_tag_any), bias;
  if (with_bias) bias = make_desc(1, d.bias, dnnl_a);
  PrimitiveDesc desc;
  check(library()->convolution_forward_primitive_desc_create(desc.out(), library()->engine, kind,
                                                             dnnl_convolution_direct, x, w, bias, y, d.stride,
                                                             d.dilation, d.padding, d.padding, nullptr));
  return desc;
}

PrimitiveDesc make_conv_desc(Kind kind, const Dims& d) {
  if (kind == Kind::forward || kind == Kind::forward_bias) {
    return forward_desc(d, kind == Kind::forward_bias, dnnl_forward_inference);
  }
  PrimitiveDesc hint = forward_desc(d, false, dnnl_forward_training), desc;
  MemoryDesc x = make_desc(d.spatial + 2, d.x, dnnl_format_tag_any),
             w = make_desc(d.weight_dims, d.w, dnnl_format_tag_any),
             y = make_desc(d.spatial + 2, d.y, dnnl_format_tag_any);
  if (kind == Kind::backward_input) {
    check(library()->convolution_backward_data_primitive_desc_create(desc.out(), library()->engine,
                                                                     dnnl_convolution_direct, x, w, y, d.stride,
                                                                     d.dilation, d.padding, d.padding, hint, nullptr));
  } else {
    check(library()->convolution_backward_weights_primitive_desc_create(
        desc.out(), library()->engine, dnnl_convolution_direct, x, w, nullptr, y, d.stride, d.dilation, d.padding,
        d.padding, hint, nullptr));
  }
  return desc;
}

// A convolution ready to run: its primitive, and its three or four arrays in the order of the arguments of `run`.
class Conv {
 public:
  Conv(Kind kind, const ConvShape& shape) {
    const Dims d(shape);
    const PrimitiveDesc desc = make_conv_desc(kind, d);
    const int all = d.spatial + 2;
    const auto wanted = [&](dnnl_query_t what) { return library()->primitive_desc_query_md(desc, what, 0); };
    if (kind == Kind::backward_input) {
      arrays_[0].emplace(DNNL_ARG_DIFF_DST, false, all, d.y, wanted(dnnl_query_diff_dst_md));
      arrays_[1].emplace(DNNL_ARG_WEIGHTS, false, d.weight_dims, d.w, wanted(dnnl_query_weights_md));
      arrays_[2].emplace(DNNL_ARG_DIFF_SRC, true, all, d.x, wanted(dnnl_query_diff_src_md));
    } else if (kind == Kind::backward_weight) {
      arrays_[0].emplace(DNNL_ARG_SRC, false, all, d.x, wanted(dnnl_query_src_md));
      arrays_[1].emplace(DNNL_ARG_DIFF_DST, false, all, d.y, wanted(dnnl_query_diff_dst_md));
      arrays_[2].emplace(DNNL_ARG_DIFF_WEIGHTS, true, d.weight_dims, d.w, wanted(dnnl_query_diff_weights_md));
    } else {
      arrays_[0].emplace(DNNL_ARG_SRC, false, all, d.x, wanted(dnnl_query_src_md));
      arrays_[1].emplace(DNNL_ARG_WEIGHTS, false, d.weight_dims, d.w, wanted(dnnl_query_weights_md));
      arrays_[2].emplace(DNNL_ARG_DST, true, all, d.y, wanted(dnnl_query_dst_md));
      if (kind == Kind::forward_bias) {
        arrays_[3].emplace(DNNL_ARG_BIAS, false, 1, d.bias,
                           library()->primitive_desc_query_md(desc, dnnl_query_weights_md, 1));
      }
    }
    primitive_ = make_primitive(desc);
  }

  void run(dnnl_stream_t stream, const std::array<const float*, 4>& data) const {
    const int count = arrays_[3] ? 4 : 3;
    size_t bytes = 0;
    for (int i = 0; i < count; ++i) bytes += padded(arrays_[i]->inner_bytes());
    const Scratch<char> inner(bytes);
    char* next = inner.get();
    dnnl_exec_arg_t arguments[4];
    for (int i = 0; i < count; ++i) {
      arrays_[i]->bind(data[i], next);
      next += padded(arrays_[i]->inner_bytes());
      arrays_[i]->before(stream);
      arguments[i] = arrays_[i]->argument();
    }
    check(library()->primitive_execute(primitive_, stream, count, arguments));
    arrays_[2]->after(stream);
  }

 private:
  static size_t padded(size_t bytes) { return (bytes + 63) / 64 * 64; }

  std::array<std::optional<Array>, 4> arrays_;
  Primitive primitive_;
};

struct Key {
  Kind kind;
  int threads;
  ConvShape shape;
  bool operator==(const Key& other) const = default;
};

struct KeyHash {
  size_t operator()(const Key& key) const {
    size_t hash = size_t(key.kind) * 31 + size_t(key.threads);
    const auto mix = [&](int64_t value) { hash = (hash ^ size_t(value)) * 0x9e3779b97f4a7c15u; };
    const ConvShape& s = key.shape;
    for (int64_t value : {s.n, s.c, s.k, s.groups}) mix(value);
    for (const auto& dims : {s.in, s.kernel, s.out, s.stride, s.padding, s.dilation}) {
      for (int i = 0; i < 3; ++i) mix(dims[i]);
    }
    return hash ^ (hash >> 32);
  }
};

// The convolutions of this thread that were used last. A null entry remembers that oneDNN cannot do a shape.
class ConvCache {
 public:
  const Conv* find(const Key& key) {
    if (const auto known = places_.find(key); known != places_.end()) {
      entries_.splice(entries_.begin(), entries_, known->second);
      return known->second->second.get();
    }
    if (entries_.size() == capacity) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, make(key));
    places_[key] = entries_.begin();
    return entries_.front().second.get();
  }

  dnnl_stream_t stream() {
    if (!stream_) check(library()->stream_create(stream_.out(), library()->engine, dnnl_stream_default_flags));
    return stream_;
  }

 private:
  static constexpr size_t capacity = 512;
  using Entry = std::pair<Key, std::unique_ptr<Conv>>;

  static std::unique_ptr<Conv> make(const Key& key) {
    try {
      return std::make_unique<Conv>(key.kind, key.shape);
    } catch (dnnl_status_t) {
      return nullptr;
    }
  }

  std::list<Entry> entries_;
  std::unordered_map<Key, std::list<Entry>::iterator, KeyHash> places_;
  Stream stream_;
};

// Multiply-adds below which a second thread costs more than it brings.
constexpr double parallel_work = 1 << 18;

double multiply_adds(const ConvShape& s) {
  double count = double(s.n) * double(s.k) * double(s.c / s.groups);
  for (int i = 0; i < 3; ++i) count *= double(s.out[i]) * double(s.kernel[i]);
  return count;
}

bool run(Kind kind, const ConvShape& s, const std::array<const float*, 4>& data) {
  if (!available()) return false;
  for (int i = 0; i < 3; ++i) {
    if (s.out[i] != conv_out(s.in[i], s.kernel[i], s.stride[i], s.padding[i], s.dilation[i])) return false;
  }
  const int threads = in_parallel() || multiply_adds(s) < parallel_work ? 1 : num_threads();
  OpenMPThreads limit(threads);
  thread_local ConvCache cache;
  const Conv* conv = cache.find({kind, threads, s});
  if (!conv) return false;
  try {
    conv->run(cache.stream(), data);
    return true;
  } catch (dnnl_status_t) {
    return false;
  }
}

}  // namespace

bool conv_forward(const ConvShape& shape, const float* x, const float* w, const float* bias, float* y) {
  return run(bias ? Kind::forward_bias : Kind::forward, shape, {x, w, y, bias});
}

bool conv_backward_input(const ConvShape& shape, const float* dy, const float* w, float* dx) {
  return run(Kind::backward_input, shape, {dy, w, dx, nullptr});
}

bool conv_backward_weight(const ConvShape& shape, const float* x, const float* dy, float* dw) {
  return run(Kind::backward_weight, shape, {x, dy, dw, nullptr});
}

}  // namespace rl::cpu::onednn

#endif
