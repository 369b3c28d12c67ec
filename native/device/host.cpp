// The devices `cpu` and `meta`: memory from the caching allocator, and none at all.
#include <cstring>

#include "base/error.h"
#include "device/allocator.h"
#include "device/device.h"

namespace rl {
namespace {

struct HostDevice : Device {
  void copy(char* to, const char* from, size_t nbytes, DeviceId) override {
    if (nbytes) std::memcpy(to, from, nbytes);
  }
  // Kernels are compiled in and run in the caller's thread: nothing to build, launch or wait for.
  Kernel* build(const char*, const char*) override { return nullptr; }
  void launch(Kernel*, void**, const size_t*) override {}
  void record(Event*) override {}
  void wait(Event*) override {}
  void synchronize() override {}
};

struct Cpu : HostDevice {
  char* allocate(size_t nbytes) override { return allocator::allocate(nbytes); }
  void free(char* data, size_t nbytes) override { allocator::free(data, nbytes); }
  DeviceStats properties() const override { return allocator::stats(); }
};

struct Meta : HostDevice {
  Meta() { has_memory = false; }
  char* allocate(size_t) override { return nullptr; }
  void free(char*, size_t) override {}
  void copy(char*, const char*, size_t, DeviceId) override {}
  DeviceStats properties() const override { return {}; }
};

Cpu cpu;
Meta meta;
[[maybe_unused]] const bool registered =
    (register_device(DeviceType::Cpu, &cpu), register_device(DeviceType::Meta, &meta), true);

}  // namespace
}  // namespace rl
