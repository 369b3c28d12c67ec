#include "tensor/storage.h"

#include <cstdlib>
#include <map>
#include <new>

namespace rl {

namespace {
// Storages come and go with every operation: a list of freed ones saves malloc's share of a tiny call.
constexpr int kMaxFree = 512;
Storage* free_list[kMaxFree];
int free_count = 0;

std::map<std::pair<const Storage*, uint32_t>, std::string> writers;

void release_root(Storage* s) {
  s->previous->next = s->next;
  if (s->next) s->next->previous = s->previous;
  drop(static_cast<Storage*>(s->context));
}
}  // namespace

Storage* new_storage(char* data, size_t nbytes, DeviceId device, void (*release)(Storage*), void* context) {
  void* memory = free_count ? free_list[--free_count] : std::malloc(sizeof(Storage));
  if (!memory) throw std::bad_alloc();
  return new (memory) Storage{1, 0, data, nbytes, device, true, false, false, release, context};
}

void free_storage(Storage* s) {
  if (s->noted) writers.erase(writers.lower_bound({s, 0}), writers.upper_bound({s, UINT32_MAX}));
  if (s->whole) return s->release(s);
  if (s->release) s->release(s);
  if (free_count < kMaxFree) {
    free_list[free_count++] = s;
  } else {
    std::free(s);
  }
}

Storage* root(Storage* s) {
  while (s->release == release_root) s = static_cast<Storage*>(s->context);
  return s;
}

Storage* with_own_version(Storage* s) {
  s = root(s);
  retain(s);
  Storage* own = new_storage(s->data, s->nbytes, s->device, release_root, s);
  own->next = s->next;
  own->previous = s;
  if (s->next) s->next->previous = own;
  s->next = own;
  return own;
}

void set_memory(Storage* s, char* data, size_t nbytes) {
  for (s = root(s); s; s = s->next) {
    s->data = data;
    s->nbytes = nbytes;
  }
}

void note_writer(Storage* s, std::string where) {
  s->noted = true;
  writers[{s, s->version}] = std::move(where);
}

std::string writer_of(const Storage* s, uint32_t version) {
  auto found = writers.find({s, version});
  return found == writers.end() ? "" : found->second;
}

void pin(Storage* s) { root(s)->resizable = false; }

}  // namespace rl
