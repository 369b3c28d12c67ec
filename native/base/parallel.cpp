#include "base/parallel.h"

#include <omp.h>
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>

namespace rl {
namespace {

constexpr int no_limit = 1 << 16;

int affinity_limit() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return no_limit;
  return std::max(1, CPU_COUNT(&set));
}

int whole_cpus(double quota, double period) {
  if (quota <= 0 || period <= 0) return no_limit;
  return std::max(1, int(std::ceil(quota / period)));
}

// cgroup v2: "<quota> <period>", or "max <period>".
int read_cpu_max(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max") return no_limit;
  return whole_cpus(std::atof(quota.c_str()), period);
}

// cgroup v1: a quota of -1 is none.
int read_cfs_quota(const std::string& folder) {
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (!(quota_file >> quota) || !(period_file >> period)) return no_limit;
  return whole_cpus(quota, period);
}

// The least limit of a group and the groups around it.
template <class Read>
int least_upwards(const std::string& mount, std::string group, Read read) {
  int least = no_limit;
  while (true) {
    least = std::min(least, read(mount + group));
    const size_t slash = group.find_last_of('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

// A line of /proc/self/cgroup is "<id>:<controllers>:<group>"; controllers are empty in version 2.
int quota_limit() {
  int least = no_limit;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, least_upwards("/sys/fs/cgroup", group, read_cpu_max));
      continue;
    }
    std::istringstream names(controllers);
    for (std::string name; std::getline(names, name, ',');) {
      if (name == "cpu") least = std::min(least, least_upwards("/sys/fs/cgroup/" + controllers, group, read_cfs_quota));
    }
  }
  return least;
}

int initial_threads() {
  if (const char* asked = std::getenv("OMP_NUM_THREADS")) {
    const int count = std::atoi(asked);
    if (count > 0) return count;
  }
  return std::min(affinity_limit(), quota_limit());
}

std::atomic<int> thread_count{1};
// The OpenMP runtime keeps a team of threads per calling thread. A child of fork has none of them, and waits for them
// for ever, so there the thread that had a team stays alone.
thread_local bool has_team = false;
thread_local bool lost_team = false;

void after_fork_in_child() {
  if (!has_team) return;
  lost_team = true;
  omp_set_num_threads(1);
}

struct AtLoad {
  AtLoad() {
    thread_count = initial_threads();
    pthread_atfork(nullptr, nullptr, after_fork_in_child);
  }
} at_load;

// First exception of a loop, kept for the caller.
struct FirstError {
  std::atomic<bool> taken{false};
  std::exception_ptr error;

  void take() {
    if (!taken.exchange(true)) error = std::current_exception();
  }
};

}  // namespace

int num_threads() { return lost_team ? 1 : thread_count.load(std::memory_order_relaxed); }

void set_num_threads(int count) { thread_count = std::max(1, count); }

bool in_parallel() { return omp_in_parallel() != 0; }

void parallel_for_threads(int64_t begin, int64_t end, int64_t grain, RangeFunction f) {
  const int64_t grains = (end - begin + grain - 1) / grain;
  const int count = int(std::min<int64_t>(grains, num_threads()));
  has_team = true;
  FirstError first;
#pragma omp parallel num_threads(count)
  {
    // The runtime may give fewer threads than asked for.
    const int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
    const int64_t from = begin + grains * me / team * grain;
    const int64_t to = std::min(end, begin + grains * (me + 1) / team * grain);
    try {
      if (from < to) f(from, to);
    } catch (...) {
      first.take();
    }
  }
  if (first.error) std::rethrow_exception(first.error);
}

OpenMPThreads::OpenMPThreads(int limit) : before_(omp_get_max_threads()) {
  const int count = std::min(limit, num_threads());
  if (count != before_) omp_set_num_threads(count);
  if (count > 1) has_team = true;
}

OpenMPThreads::~OpenMPThreads() {
  if (omp_get_max_threads() != before_) omp_set_num_threads(before_);
}

}  // namespace rl
