// Which device a tensor lives on: a type and an index.
#pragma once
#include <cstdint>

namespace rl {

enum class DeviceType : uint8_t { Cpu, Meta, Cuda };
constexpr int kDeviceTypes = 3;
constexpr const char* kDeviceNames[kDeviceTypes] = {"cpu", "meta", "cuda"};

struct DeviceId {
  DeviceType type = DeviceType::Cpu;
  int8_t index = -1;  // -1: not given
  bool operator==(const DeviceId&) const = default;
};
constexpr const char* name_of(DeviceId d) { return kDeviceNames[static_cast<int>(d.type)]; }

}  // namespace rl
