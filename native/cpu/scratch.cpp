#include "cpu/scratch.h"

#include <cstdlib>
#include <new>
#include <utility>

namespace rl::cpu {
namespace {

constexpr size_t alignment = 64;
constexpr size_t kept_bytes = size_t(32) << 20;

struct ThreadBlocks {
  ScratchBlock kept[4];
  ~ThreadBlocks() {
    for (ScratchBlock& block : kept) std::free(block.data);
  }
};
thread_local ThreadBlocks blocks;

}  // namespace

ScratchBlock take_scratch(size_t bytes) {
  for (ScratchBlock& block : blocks.kept) {
    if (block.data && block.bytes >= bytes) return std::exchange(block, {});
  }
  bytes = (bytes + alignment) / alignment * alignment;
  void* data = std::aligned_alloc(alignment, bytes);
  if (!data) throw std::bad_alloc();
  return {data, bytes};
}

void give_scratch(ScratchBlock block) {
  // The smallest kept block makes room.
  ScratchBlock* least = &blocks.kept[0];
  for (ScratchBlock& kept : blocks.kept) {
    if (kept.bytes < least->bytes) least = &kept;
  }
  if (block.bytes <= kept_bytes && block.bytes > least->bytes) std::swap(block, *least);
  std::free(block.data);
}

}  // namespace rl::cpu
