// Loops over threads: one OpenMP pool, shared with oneDNN.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace rl {

// Threads a loop may use. At load: OMP_NUM_THREADS, else the least of affinity and the container's CPU quota.
int num_threads();
void set_num_threads(int count);

// True inside a loop body (loops started there run on the calling thread), in either library's parallel region.
bool in_parallel();

// A borrowed callable f(begin, end); nothing is copied or allocated.
class RangeFunction {
 public:
  template <class F>
  RangeFunction(F& f)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, int64_t begin, int64_t end) { (*static_cast<F*>(object))(begin, end); }) {}
  void operator()(int64_t begin, int64_t end) const { call_(object_, begin, end); }

 private:
  void* object_;
  void (*call_)(void*, int64_t, int64_t);
};

void parallel_for_threads(int64_t begin, int64_t end, int64_t grain, RangeFunction f);

// Calls f(b, e) over disjoint ranges that cover [begin, end), each starting at begin plus a multiple of `grain`. A call
// may cover several grains, and which ones depends on the number of threads: what f computes for an element, or for a
// grain, must not. One grain or less runs on the caller's thread. The first exception is thrown on to the caller.
template <class F>
void parallel_for(int64_t begin, int64_t end, int64_t grain, F&& f) {
  if (begin >= end) return;
  if (end - begin <= grain || num_threads() == 1 || in_parallel()) {
    f(begin, end);
    return;
  }
  auto& callable = f;
  parallel_for_threads(begin, end, grain < 1 ? 1 : grain, RangeFunction(callable));
}

// While it lives, OpenMP regions that others (oneDNN) start from this thread use our number of threads, at most
// `limit`.
class OpenMPThreads {
 public:
  explicit OpenMPThreads(int limit);
  ~OpenMPThreads();
  OpenMPThreads(const OpenMPThreads&) = delete;
  OpenMPThreads& operator=(const OpenMPThreads&) = delete;

 private:
  int before_;
};

}  // namespace rl
