// What may change how an operation runs, in one thread-local word. Zero is the fast path.
#pragma once
#include <cstdint>

namespace rl {

enum Mode : uint32_t {
  kGradOff = 1,
  kInferenceMode = 2,
  kHooked = 4,        // somebody watches or replaces operations
  kFunctionMode = 8,  // a __torch_function__ mode is active
  kFunctionOff = 16,  // __torch_function__ of subclasses is switched off
  kForwardOff = 32,   // no tangents are computed
  kPackSaved = 64,    // saved-tensor hooks are active
};

// Initial-exec and constinit: one load relative to the thread pointer, with no call and no test of an initialiser.
extern constinit thread_local uint32_t modes __attribute__((tls_model("initial-exec")));

// Forward mode: a level is open, in whatever thread, so that some tensors carry tangents.
extern bool forward_level_open;
inline bool forward_enabled() { return forward_level_open && !(modes & (kForwardOff | kInferenceMode)); }

inline bool grad_enabled() { return !(modes & (kGradOff | kInferenceMode)); }

// Sets some bits while alive.
class ModeGuard {
 public:
  ModeGuard(uint32_t clear, uint32_t set) : before_(modes) { modes = (modes & ~clear) | set; }
  ~ModeGuard() { modes = before_; }
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 private:
  uint32_t before_;
};

}  // namespace rl
