#include "device/create.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "device/allocator.h"
#include "tensor/error_text.h"

namespace rl {

namespace {
void release_cpu(Storage* s) { allocator::free(s->data, s->nbytes); }

// Small memory lies behind its header: a tiny operation's output takes one block from one list and gives it back there.
constexpr size_t kSmall = 256;
struct alignas(64) SmallBlock {
  Storage header;
  alignas(64) char memory[kSmall];
};
constexpr int kMaxFree = 512;
SmallBlock* free_blocks[kMaxFree];
int free_count = 0;

char* memory_of(Storage* s) { return reinterpret_cast<SmallBlock*>(s)->memory; }

// The memory of a storage, not its header.
void free_memory(Storage* s) {
  if (s->whole && s->data == memory_of(s)) {
    allocator::count(-static_cast<int64_t>(kSmall));
  } else if (s->data) {
    device(s->device).free(s->data, s->nbytes);
  }
}

void release_small(Storage* s) {
  free_memory(s);
  if (free_count < kMaxFree) {
    free_blocks[free_count++] = reinterpret_cast<SmallBlock*>(s);
  } else {
    std::free(s);
  }
}

Storage* small_storage(size_t nbytes, DeviceId id) {
  void* block = free_count ? free_blocks[--free_count] : std::aligned_alloc(64, sizeof(SmallBlock));
  if (!block) throw std::bad_alloc();
  allocator::count(kSmall);
  Storage* s = static_cast<Storage*>(block);
  return new (s) Storage{1, 0, memory_of(s), nbytes, id, true, true, false, release_small, nullptr};
}

void check_sizes(DimSpan sizes) {
  for (int i = 0; i < sizes.n; ++i)
    RL_CHECK(sizes[i] >= 0, Runtime, "a tensor of negative size was asked for: %s; a size is at least 0",
             marked(sizes, i).c_str());
}

size_t bytes_of(DimSpan sizes, DType dtype, int64_t offset = 0) {
  check_sizes(sizes);
  int64_t n = product(sizes), bytes;
  RL_CHECK(!__builtin_add_overflow(n, offset, &n) &&
               !__builtin_mul_overflow(n, static_cast<int64_t>(size_of(dtype)), &bytes),
           Runtime, "a tensor of sizes %s has more than 2^63 bytes", to_string(sizes).c_str());
  return static_cast<size_t>(bytes);
}
}  // namespace

Storage* allocate_storage(size_t nbytes, DeviceId id) {
  if (id.type == DeviceType::Cpu && nbytes <= kSmall) [[likely]]
    return small_storage(nbytes, id);
  if (id.type == DeviceType::Cpu) return new_storage(allocator::allocate(nbytes), nbytes, id, release_cpu, nullptr);
  return new_storage(device(id).allocate(nbytes), nbytes, id, free_memory, nullptr);
}

Ref empty(DimSpan sizes, DType dtype, DeviceId id) {
  return new_contiguous(allocate_storage(bytes_of(sizes, dtype), id), dtype, sizes);
}

Ref empty_alike(const Tensor* like, DType dtype) {
  return new_alike(allocate_storage(static_cast<size_t>(like->numel) * size_of(dtype), like->device), dtype, like);
}

Ref empty_strided(DimSpan sizes, DimSpan strides, DType dtype, DeviceId id) {
  check_sizes(sizes);
  const std::optional<size_t> nbytes = bytes_reached(sizes, strides, 0, size_of(dtype));
  RL_CHECK(nbytes, Runtime, "a tensor of sizes %s and strides %s has more than 2^63 bytes", to_string(sizes).c_str(),
           to_string(strides).c_str());
  return new_tensor(allocate_storage(*nbytes, id), dtype, sizes, strides, 0);
}

Ref empty_like(const Tensor* like, DType dtype) {
  if (like->contiguous()) return empty(like->sizes(), dtype, like->device);
  if (is_non_overlapping_and_dense(like->sizes(), like->strides()))
    return empty_strided(like->sizes(), like->strides(), dtype, like->device);
  // Keep the order of the dimensions in memory, densely.
  int n = like->ndim;
  SmallVector<int, 8> order;
  for (int i = 0; i < n; ++i) order.push_back(i);
  DimSpan sizes = like->sizes(), strides = like->strides();
  // As PyTorch orders them: a later dimension stays inside an earlier one of equal stride; a stride of 0 decides
  // nothing.
  auto inside = [&](int a, int b) {
    if (strides[a] == 0 || strides[b] == 0) return 0;
    if (strides[a] != strides[b]) return strides[a] < strides[b] ? -1 : 1;
    return sizes[a] > sizes[b] ? 1 : 0;
  };
  std::reverse(order.begin(), order.end());  // innermost first
  for (int i = 1; i < n; ++i) {
    int at = i;
    for (int j = i - 1; j >= 0; --j) {
      int c = inside(order[j], order[at]);
      if (c > 0) {
        std::swap(order[j], order[at]);
        at = j;
      } else if (c < 0) {
        break;
      }
    }
  }
  Dims dense(n);
  int64_t step = 1;
  for (int i : order) {
    dense[i] = step;
    step *= sizes[i] > 1 ? sizes[i] : 1;
  }
  return empty_strided(sizes, dense, dtype, like->device);
}

void resize_storage(Storage* storage, size_t nbytes, const char* op) {
  Storage* s = root(storage);
  RL_CHECK(
      s->resizable, Runtime,
      "%s: the tensor's memory belongs to somebody else (a NumPy array or a buffer) and cannot grow from %zu to %zu "
      "bytes",
      op, s->nbytes, nbytes);
  Device& d = device(s->device);
  char* moved = d.allocate(nbytes);
  if (d.has_memory) {
    d.copy(moved, s->data, std::min(s->nbytes, nbytes), s->device);
    free_memory(s);
  }
  set_memory(s, moved, nbytes);
}

void resize(Tensor* x, DimSpan sizes) {
  if (x->sizes() == sizes) return;
  const size_t needed = bytes_of(sizes, x->dtype, x->offset);
  if (needed > x->storage->nbytes) resize_storage(x->storage, needed, "resize_");
  Layout layout{Dims(sizes), contiguous_strides(sizes), x->offset};
  set_layout(x, layout);
}

}  // namespace rl
