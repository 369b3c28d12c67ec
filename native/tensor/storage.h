// A block of memory that tensors share, with the version that in-place writes raise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/device.h"

namespace rl {

// Counted without atomics: created, retained and released under the GIL only.
struct Storage {
  uint32_t refs;
  uint32_t version;
  char* data;
  size_t nbytes;
  DeviceId device;
  bool resizable;
  bool whole;                 // `release` frees the Storage too: header and memory are one block
  bool noted;                 // somebody's writes are noted
  void (*release)(Storage*);  // frees what `data` points to
  void* context;              // whatever `release` needs: the owner of borrowed memory
  Storage *next = nullptr,
          *previous = nullptr;  // from the owner of the memory through those made of it by with_own_version
};

Storage* new_storage(char* data, size_t nbytes, DeviceId device, void (*release)(Storage*), void* context);
void free_storage(Storage* s);
inline void retain(Storage* s) { ++s->refs; }
inline void drop(Storage* s) {
  if (--s->refs == 0) free_storage(s);
}
// The same memory with a version of its own, as `.data` wants.
Storage* with_own_version(Storage* s);
// The storage that owns the memory: `s`, or what `s` was made from by with_own_version.
Storage* root(Storage* s);
// The memory of `s` has moved: all who share it follow.
void set_memory(Storage* s, char* data, size_t nbytes);
// Notes where the present version was written, for as long as `s` lives; "" where nothing was noted.
void note_writer(Storage* s, std::string where);
std::string writer_of(const Storage* s, uint32_t version);
// From now on the memory stays where it is: somebody outside holds its address.
void pin(Storage* s);

}  // namespace rl
