// Random numbers: one generator with PyTorch's CPU stream, and fills of memory that give PyTorch's CPU values bit for
// bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace rl {

// M. Matsumoto and T. Nishimura's Mersenne Twister (1998), seeded by the 2002 recurrence from the low half of the seed.
class MT19937 {
 public:
  static constexpr int size = 624;

  explicit MT19937(uint64_t seed) { reseed(seed); }
  void reseed(uint64_t seed);
  uint32_t operator()() {
    if (--left == 0) next_block();
    return temper(words[next++]);
  }
  // The next `count` numbers, as many calls would give them.
  void fill(uint32_t* out, int64_t count);

  int32_t left;   // numbers until the next block, plus one
  uint32_t next;  // index of the next number
  uint32_t words[size];

 private:
  void next_block();
  // For words and for vectors of words.
  template <class V>
  static V temper(V y) {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >> 18);
  }
};

class Generator {
 public:
  static constexpr uint64_t default_seed = 67280421310721;
  static constexpr size_t state_size = 5056;

  explicit Generator(uint64_t seed = default_seed) : engine_(seed), seed_(seed) {}

  uint32_t random() { return engine_(); }
  uint64_t random64() {
    uint64_t high = engine_();
    return high << 32 | engine_();
  }
  void fill_random(uint32_t* out, int64_t count) { engine_.fill(out, count); }
  double uniform() { return double(random64() & ((uint64_t(1) << 53) - 1)) * 0x1p-53; }
  float uniform_float() { return float(random() & ((1 << 24) - 1)) * 0x1p-24f; }
  double normal(double mean, double deviation);

  uint64_t initial_seed() const { return seed_; }
  void manual_seed(uint64_t seed);
  // Seeds from the operating system's entropy; returns the seed, below 2^53.
  uint64_t seed();

  // PyTorch's layout of a CPU generator's state. set_state gives false, and changes nothing, if it is no such state.
  void get_state(uint8_t out[state_size]) const;
  bool set_state(const uint8_t* bytes, size_t count);

  std::mutex mutex;  // held by the caller of a fill

 private:
  MT19937 engine_;
  uint64_t seed_;
  double next_normal_ = 0;  // the second value of a pair, kept for the next call
  bool has_next_normal_ = false;
};

// Elements at data[0], data[step], data[2 step] ...
template <class T>
struct Run {
  T* data;
  int64_t count;
  int64_t step = 1;
  T& operator[](int64_t i) const { return data[i * step]; }
};

// 16-bit floats as they lie in memory.
struct Float16Bits {
  uint16_t bits;
};
struct BFloat16Bits {
  uint16_t bits;
};

// For float, double and the 16-bit floats.
template <class T>
void fill_uniform(Run<T> out, double from, double to, Generator& generator);
// A whole contiguous tensor of 16 or more elements takes another path than one that is strided or smaller, as in
// PyTorch: a strided tensor is filled run by run with `contiguous` false.
template <class T>
void fill_normal(Run<T> out, double mean, double deviation, bool contiguous, Generator& generator);
template <class T>
void fill_log_normal(Run<T> out, double mean, double deviation, Generator& generator);
template <class T>
void fill_exponential(Run<T> out, double rate, Generator& generator);
template <class T>
void fill_cauchy(Run<T> out, double median, double scale, Generator& generator);

// For every dtype but complex.
template <class T>
void fill_geometric(Run<T> out, double p, Generator& generator);
template <class T>
void fill_bernoulli(Run<T> out, double p, Generator& generator);
// Each element with its own probability, a float or double.
template <class T, class P>
void fill_bernoulli(Run<T> out, Run<const P> p, Generator& generator);

// Whole numbers: over the whole range of T (floats: as far as every whole number has a value); from `from` to that
// range's end; from `from` to below `to`. A float's bounds move inwards to numbers it can hold.
template <class T>
void fill_random(Run<T> out, Generator& generator);
template <class T>
void fill_random_from(Run<T> out, int64_t from, Generator& generator);
template <class T>
void fill_random_between(Run<T> out, int64_t from, int64_t to, Generator& generator);

// 0 to count - 1 in random order.
template <class T>
void fill_permutation(Run<T> out, Generator& generator);

// Categories drawn with replacement, each with a probability in proportion to its weight; `cumulative` is scratch
// memory for as many values as there are weights.
template <class P>
void fill_categories(Run<int64_t> out, Run<const P> weights, P* cumulative, Generator& generator);

}  // namespace rl
