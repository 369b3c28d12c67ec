#include "device/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "base/error.h"

namespace rl::allocator {

DeviceStats totals;
void (*trim_later)() = [] {};

namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallLimit = 4096;                     // up to here a class per 64 bytes
constexpr int kSmallClasses = kSmallLimit / kAlignment;  // then four classes per power of two
constexpr int kClasses = kSmallClasses + 4 * 40;
constexpr size_t kCacheCap = size_t(1) << 30;
constexpr size_t kLarge = size_t(1) << 20;
constexpr double kIdleSeconds = 1.0;

// A cached block holds the link to the next one in its own memory.
struct Block {
  Block* next;
  double freed_at;
};
Block* free_lists[kClasses];

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

int class_of(size_t nbytes, size_t* rounded) {
  if (nbytes <= kSmallLimit) {
    size_t n = nbytes ? (nbytes + kAlignment - 1) / kAlignment : 1;
    *rounded = n * kAlignment;
    return static_cast<int>(n) - 1;
  }
  int power = 63 - __builtin_clzll(nbytes - 1);  // 2^power < nbytes <= 2^(power + 1), power >= 12
  size_t step = size_t(1) << (power - 2);
  size_t quarter = (nbytes - (size_t(1) << power) + step - 1) / step;  // 1..4
  *rounded = (size_t(1) << power) + quarter * step;
  return kSmallClasses + 4 * (power - 12) + static_cast<int>(quarter) - 1;
}

// Large blocks are the system's own mappings: given back, they leave the resident set at once.
void* system_allocate(size_t rounded) {
  if (rounded < kLarge) return std::aligned_alloc(kAlignment, rounded);
  void* p = mmap(nullptr, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}
void system_free(void* p, size_t rounded) {
  if (rounded < kLarge) {
    std::free(p);
  } else {
    munmap(p, rounded);
  }
}

void release_list(int c, size_t rounded, double older_than) {
  Block** link = &free_lists[c];
  while (Block* b = *link) {
    if (b->freed_at > older_than) {
      link = &b->next;
      continue;
    }
    *link = b->next;
    totals.cached_bytes -= rounded;
    system_free(b, rounded);
  }
}

size_t rounded_size(int c) {
  if (c < kSmallClasses) return (c + 1) * kAlignment;
  int power = 12 + (c - kSmallClasses) / 4, quarter = (c - kSmallClasses) % 4 + 1;
  return (size_t(1) << power) + quarter * (size_t(1) << (power - 2));
}

}  // namespace

bool trim_idle() {
  bool left = false;
  for (int c = kSmallClasses; c < kClasses; ++c)
    if (free_lists[c] && rounded_size(c) >= kLarge) {
      release_list(c, rounded_size(c), now() - kIdleSeconds);
      left |= free_lists[c] != nullptr;
    }
  return left;
}

char* allocate(size_t nbytes) {
  RL_CHECK(nbytes < (size_t(1) << 48), OutOfMemory, "not enough memory: %zu bytes were asked for on the CPU", nbytes);
  size_t rounded;
  int c = class_of(nbytes, &rounded);
  count(static_cast<int64_t>(rounded));
  if (Block* b = free_lists[c]) {
    free_lists[c] = b->next;
    totals.cached_bytes -= rounded;
    return reinterpret_cast<char*>(b);
  }
  void* p = system_allocate(rounded);
  if (!p) {
    empty_cache();
    p = system_allocate(rounded);
  }
  if (!p) {
    totals.live_bytes -= rounded;
    fail(ErrorType::OutOfMemory,
         "not enough memory: %zu bytes were asked for on the CPU; %zu bytes are in use by tensors", nbytes,
         totals.live_bytes);
  }
  return static_cast<char*>(p);
}

void free(char* data, size_t nbytes) {
  size_t rounded;
  int c = class_of(nbytes, &rounded);
  totals.live_bytes -= rounded;
  if (totals.cached_bytes + rounded > kCacheCap) {
    system_free(data, rounded);
    return;
  }
  Block* b = reinterpret_cast<Block*>(data);
  b->next = free_lists[c];
  free_lists[c] = b;
  totals.cached_bytes += rounded;
  if (rounded >= kLarge) {
    b->freed_at = now();
    trim_later();
  } else {
    b->freed_at = 0;
  }
}

void empty_cache() {
  for (int c = 0; c < kClasses; ++c) release_list(c, rounded_size(c), 1e300);
}

DeviceStats stats() { return totals; }
void reset_peak() { totals.peak_bytes = totals.live_bytes; }

}  // namespace rl::allocator
