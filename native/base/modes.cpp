#include "base/modes.h"

namespace rl {

constinit thread_local uint32_t modes __attribute__((tls_model("initial-exec"))) = 0;
bool forward_level_open = false;

}  // namespace rl
