// A device is eight functions. Nothing above the kernels names one.
#pragma once
#include <cstddef>
#include <string>

#include "base/device.h"

namespace rl {

struct Kernel;  // what a device builds from a row; compiled-in on the CPU
struct Event;

struct DeviceStats {
  size_t live_bytes, peak_bytes, cached_bytes;
};

struct Device {
  virtual ~Device() = default;
  virtual char* allocate(size_t nbytes) = 0;
  virtual void free(char* data, size_t nbytes) = 0;
  virtual void copy(char* to, const char* from, size_t nbytes, DeviceId from_device) = 0;
  virtual Kernel* build(const char* row, const char* source) = 0;
  virtual void launch(Kernel* kernel, void** args, const size_t grid[3]) = 0;
  virtual void record(Event* event) = 0;
  virtual void wait(Event* event) = 0;
  virtual void synchronize() = 0;
  virtual DeviceStats properties() const = 0;
  bool has_memory = true;  // false: shapes only
};

// The device of that type; RuntimeError where this build or machine has none.
Device& device(DeviceId id);
bool is_available(DeviceType type);
void register_device(DeviceType type, Device* device);

}  // namespace rl
