// Working memory of a kernel: each thread keeps a few blocks for its next call.
#pragma once

#include <cstddef>

namespace rl::cpu {

struct ScratchBlock {
  void* data = nullptr;
  size_t bytes = 0;
};

ScratchBlock take_scratch(size_t bytes);
void give_scratch(ScratchBlock block);

// Uninitialised room for `count` values, aligned to 64 bytes. Throws std::bad_alloc.
template <class T>
class Scratch {
 public:
  explicit Scratch(size_t count) : block_(take_scratch(count * sizeof(T))) {}
  ~Scratch() { give_scratch(block_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* get() const { return static_cast<T*>(block_.data); }

 private:
  ScratchBlock block_;
};

}  // namespace rl::cpu
