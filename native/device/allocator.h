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
DeviceStats stats();
void reset_peak();

}  // namespace rl::allocator
