// The CPU's caching allocator: size-class free lists, 64-byte aligned; large blocks stay warm for a while, so
// that a big output costs no page faults.
#pragma once
#include <cstddef>

#include "device/device.h"

namespace rl::allocator {

char* allocate(size_t nbytes);
void free(char* data, size_t nbytes);
// Gives every cached block back to the system.
void empty_cache();
// Gives back the large blocks that nobody took for a second; whether any are left.
bool trim_idle();
// Called after a large block was freed: has trim_idle called in a second. Set by the floor that can.
extern void (*trim_later)();
DeviceStats stats();
extern DeviceStats totals;
// Memory that tensors use beside the blocks from here.
inline void count(int64_t nbytes) {
  totals.live_bytes += static_cast<size_t>(nbytes);
  if (totals.live_bytes > totals.peak_bytes) totals.peak_bytes = totals.live_bytes;
}
void reset_peak();

}  // namespace rl::allocator
