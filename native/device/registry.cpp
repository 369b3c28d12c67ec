#include "base/error.h"
#include "device/device.h"

namespace rl {

static Device* devices[kDeviceTypes];

void register_device(DeviceType type, Device* d) { devices[static_cast<int>(type)] = d; }
bool is_available(DeviceType type) { return devices[static_cast<int>(type)]; }

Device& device(DeviceId id) {
  Device* d = devices[static_cast<int>(id.type)];
  RL_CHECK(d, Assertion,
           "the device '%s' is not available here: this build of Rushlight has no driver for it; use device='cpu'",
           name_of(id));
  return *d;
}

}  // namespace rl
