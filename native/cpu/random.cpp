#include "cpu/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>

#include "base/cpu_level.h"
#include "cpu/box_muller.h"

namespace rl {

void MT19937::reseed(uint64_t seed) {
  words[0] = uint32_t(seed);
  for (int i = 1; i < size; i++) words[i] = 1812433253u * (words[i - 1] ^ (words[i - 1] >> 30)) + i;
  left = 1;
  next = 0;
}

namespace {

// Four words at once, which every x86-64 processor can.
typedef uint32_t Words __attribute__((vector_size(16), aligned(4), may_alias));

template <class V>
V twist(V high, V low) {
  V y = (high & 0x80000000) | (low & 0x7fffffff);
  return (y >> 1) ^ (-(low & 1) & 0x9908b0df);
}
// words[i] for `first` <= i < `end` from its successor and the word `distance` further.
void twist_range(uint32_t* words, int first, int end, int distance) {
  auto at = [words](int i) -> Words& { return *reinterpret_cast<Words*>(words + i); };
  int i = first;
  for (; i + 4 <= end; i += 4) at(i) = at(i + distance) ^ twist<Words>(at(i), at(i + 1));
  for (; i < end; i++) words[i] = words[i + distance] ^ twist(words[i], words[i + 1]);
}

}  // namespace

void MT19937::next_block() {
  constexpr int middle = 397;
  twist_range(words, 0, size - middle, middle);
  twist_range(words, size - middle, size - 1, middle - size);
  words[size - 1] = words[middle - 1] ^ twist(words[size - 1], words[0]);
  left = size;
  next = 0;
}

void MT19937::fill(uint32_t* out, int64_t count) {
  while (count > 0) {
    if (left == 1) {
      next_block();
      left = size + 1;
    }
    const int n = int(std::min<int64_t>(count, left - 1));
    int i = 0;
    for (; i + 4 <= n; i += 4)
      *reinterpret_cast<Words*>(out + i) = temper(*reinterpret_cast<const Words*>(words + next + i));
    for (; i < n; i++) out[i] = temper(words[next + i]);
    next += n;
    left -= n;
    out += n;
    count -= n;
  }
}

double Generator::normal(double mean, double deviation) {
  if (has_next_normal_) {
    has_next_normal_ = false;
    return std::fma(next_normal_, deviation, mean);
  }
  double angle = 2 * M_PI * uniform();
  double radius = std::sqrt(-2 * std::log1p(-uniform()));
  next_normal_ = radius * std::sin(angle);
  has_next_normal_ = true;
  return std::fma(radius * std::cos(angle), deviation, mean);
}

void Generator::manual_seed(uint64_t seed) {
  engine_.reseed(seed);
  seed_ = seed;
  has_next_normal_ = false;
}

uint64_t Generator::seed() {
  std::random_device entropy;
  uint64_t high = entropy();
  manual_seed((high << 32 | entropy()) & ((uint64_t(1) << 53) - 1));
  return seed_;
}

namespace {

struct StateLayout {
  uint64_t seed;
  int32_t left;
  int32_t seeded;
  uint64_t next;
  uint64_t words[MT19937::size];
  double unused;
  double next_normal;
  double unused_too;
  int32_t has_next_normal;
  float next_float_normal;
  bool has_next_float_normal;
};
static_assert(sizeof(StateLayout) == Generator::state_size);

}  // namespace

void Generator::get_state(uint8_t out[state_size]) const {
  StateLayout s;
  std::memset(&s, 0, sizeof s);
  s.seed = seed_;
  s.left = engine_.left;
  s.seeded = 1;
  s.next = engine_.next;
  for (int i = 0; i < MT19937::size; i++) s.words[i] = engine_.words[i];
  s.next_normal = has_next_normal_ ? next_normal_ : 0;
  s.has_next_normal = has_next_normal_;
  std::memcpy(out, &s, sizeof s);
}

bool Generator::set_state(const uint8_t* bytes, size_t count) {
  StateLayout s;
  if (count != sizeof s) return false;
  std::memcpy(&s, bytes, sizeof s);
  if (!s.seeded || s.left <= 0 || s.left > MT19937::size || s.next > MT19937::size) return false;
  seed_ = s.seed;
  engine_.left = s.left;
  engine_.next = uint32_t(s.next);
  for (int i = 0; i < MT19937::size; i++) engine_.words[i] = uint32_t(s.words[i]);
  next_normal_ = s.next_normal;
  has_next_normal_ = s.has_next_normal;
  return true;
}

namespace {

// Rounds to nearest even, in the 16-bit formats.
Float16Bits to_float16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return {uint16_t(sign | 0x7e00)};
  if (size >= 0x477ff000) return {uint16_t(sign | 0x7c00)};
  if (size < 0x38800000) {  // denormal: the unit of the last place is 2^-24
    float whole = std::fabs(x) * 0x1p24f;
    return {uint16_t(sign | uint32_t(std::nearbyint(whole)))};
  }
  uint32_t rounded = size - 0x38000000 + 0xfff + (size >> 13 & 1);
  return {uint16_t(sign | rounded >> 13)};
}
BFloat16Bits to_bfloat16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if ((bits & 0x7fffffff) > 0x7f800000) return {0x7fc0};
  return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// A computed value as an element.
template <class T, class V>
T element(V value) {
  if constexpr (std::is_same_v<T, Float16Bits>)
    return to_float16(float(value));
  else if constexpr (std::is_same_v<T, BFloat16Bits>)
    return to_bfloat16(float(value));
  else
    return T(value);
}
template <class T>
bool same(T a, T b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

template <class T, class F>
void fill_each(Run<T> out, F value) {
  for (int64_t i = 0; i < out.count; i++) out[i] = element<T>(value());
}

template <class T>
constexpr bool is_16_bit_float = std::is_same_v<T, Float16Bits> || std::is_same_v<T, BFloat16Bits>;
template <class T>
constexpr bool is_float = is_16_bit_float<T> || std::is_floating_point_v<T>;

// Bits of a float's significand, the leading one included.
template <class T>
constexpr int digits = std::is_same_v<T, Float16Bits>    ? 11
                       : std::is_same_v<T, BFloat16Bits> ? 8
                                                         : std::numeric_limits<T>::digits;

}  // namespace

namespace {

// Calls f(i, uniform number i) for i below count.
template <class F>
void each_uniform_float(int64_t count, Generator& generator, F f) {
  constexpr int chunk = 256;
  uint32_t words[chunk];
  for (int64_t start = 0; start < count; start += chunk) {
    const int n = int(std::min<int64_t>(chunk, count - start));
    generator.fill_random(words, n);
    for (int k = 0; k < n; k++) f(start + k, float(words[k] & ((1 << 24) - 1)) * 0x1p-24f);
  }
}

}  // namespace

template <class T>
void fill_uniform(Run<T> out, double from, double to, Generator& generator) {
  using Real = std::conditional_t<std::is_same_v<T, double>, double, float>;
  const Real low = Real(from), width = Real(to) - Real(from);
  const T first = element<T>(low), end = element<T>(Real(to));
  const bool unit = low == 0 && width == 1;  // spares a call of the C library's fma
  auto put = [&](int64_t i, Real u) {
    T value = element<T>(unit ? u : std::fma(u, width, low));
    out[i] = same(value, end) ? first : value;  // the upper end is excluded, also where rounding reaches it
  };
  if constexpr (std::is_same_v<T, double>) {
    for (int64_t i = 0; i < out.count; i++) put(i, generator.uniform());
  } else {
    each_uniform_float(out.count, generator, put);
  }
}

namespace {

#if defined(__x86_64__)
#define RL_WITH_FMA __attribute__((target("avx2,fma")))
#else
#define RL_WITH_FMA
#endif

using Transform = void (*)(float*, int64_t, float, float);
RL_WITH_FMA void transform_fma(float* v, int64_t blocks, float mean, float deviation) {
  for (int64_t i = 0; i < blocks; i++) box_muller::transform_16(v + 16 * i, mean, deviation);
}
void transform_portable(float* v, int64_t blocks, float mean, float deviation) {
  for (int64_t i = 0; i < blocks; i++) box_muller::transform_16(v + 16 * i, mean, deviation);
}

// Uniform numbers into normal ones, in blocks of 16.
void transform(float* v, int64_t blocks, double mean, double deviation) {
  static const Transform run = cpu_level() == CpuLevel::base ? transform_portable : transform_fma;
  run(v, blocks, float(mean), float(deviation));
}
void transform(double* v, int64_t blocks, double mean, double deviation) {
  for (int64_t k = 0; k < blocks; k++, v += 16) {
    for (int i = 0; i < 8; i++) {
      double radius = std::sqrt(-2 * std::log(1 - v[i]));
      double angle = 2 * M_PI * v[i + 8];
      v[i] = std::fma(radius * std::cos(angle), deviation, mean);
      v[i + 8] = std::fma(radius * std::sin(angle), deviation, mean);
    }
  }
}

// Where the count is no multiple of 16, the last 16 elements are drawn anew.
template <class Real>
void fill_normal_blocks(Real* out, int64_t count, double mean, double deviation, Generator& generator) {
  fill_uniform(Run<Real>{out, count}, 0, 1, generator);
  transform(out, count / 16, mean, deviation);
  if (count % 16 == 0) return;
  Real* last = out + count - 16;
  fill_uniform(Run<Real>{last, 16}, 0, 1, generator);
  transform(last, 1, mean, deviation);
}
// The 16-bit floats are computed in float and draw nothing in vain.
template <class T>
void fill_16_bit_normal_blocks(T* out, int64_t count, double mean, double deviation, Generator& generator) {
  float block[16];
  for (int64_t i = 0; i < count; i += 16) {
    fill_normal_blocks(block, 16, mean, deviation, generator);
    T* place = out + std::min(i, count - 16);
    for (int k = 0; k < 16; k++) place[k] = element<T>(block[k]);
  }
}

}  // namespace

template <class T>
void fill_normal(Run<T> out, double mean, double deviation, bool contiguous, Generator& generator) {
  if (!contiguous || out.count < 16)
    fill_each(out, [&] { return generator.normal(mean, deviation); });
  else if constexpr (is_16_bit_float<T>)
    fill_16_bit_normal_blocks(out.data, out.count, mean, deviation, generator);
  else
    fill_normal_blocks(out.data, out.count, mean, deviation, generator);
}

template <class T>
void fill_log_normal(Run<T> out, double mean, double deviation, Generator& generator) {
  fill_each(out, [&] { return std::exp(generator.normal(mean, deviation)); });
}
template <class T>
void fill_exponential(Run<T> out, double rate, Generator& generator) {
  fill_each(out, [&] { return -1 / rate * std::log1p(-generator.uniform()); });
}
template <class T>
void fill_cauchy(Run<T> out, double median, double scale, Generator& generator) {
  fill_each(out, [&] { return std::fma(scale, std::tan(M_PI * (generator.uniform() - 0.5)), median); });
}
template <class T>
void fill_geometric(Run<T> out, double p, Generator& generator) {
  fill_each(out, [&] { return std::ceil(std::log(generator.uniform()) / std::log1p(-p)); });
}

template <class T>
void fill_bernoulli(Run<T> out, double p, Generator& generator) {
  fill_each(out, [&] { return generator.uniform() < p; });
}
template <class T, class P>
void fill_bernoulli(Run<T> out, Run<const P> p, Generator& generator) {
  for (int64_t i = 0; i < out.count; i++) {
    if constexpr (std::is_same_v<P, double>)
      out[i] = element<T>(generator.uniform() < p[i]);
    else
      out[i] = element<T>(generator.uniform_float() < p[i]);
  }
}

namespace {

// `range` numbers from `from` on; a range of 0 stands for 2^64.
template <class T>
void fill_range(Run<T> out, uint64_t range, int64_t from, Generator& generator) {
  constexpr uint64_t needs_64_bits = uint64_t(1) << 28;
  auto number = [from](uint64_t x) { return int64_t(x + uint64_t(from)); };
  if (range == 0)
    fill_each(out, [&] { return int64_t(generator.random64()); });
  else if (range >= needs_64_bits)
    fill_each(out, [&] { return number(generator.random64() % range); });
  else
    fill_each(out, [&] { return number(generator.random() % uint32_t(range)); });
}

template <class T>
constexpr int64_t largest_whole() {
  if constexpr (is_float<T>)
    return int64_t(1) << digits<T>;
  else
    return int64_t(std::numeric_limits<T>::max());
}

}  // namespace

template <class T>
void fill_random(Run<T> out, Generator& generator) {
  constexpr uint64_t range = uint64_t(largest_whole<T>()) + 1;
  if constexpr (sizeof(T) == 8)
    fill_each(out, [&] { return int64_t(generator.random64() % range); });
  else
    fill_each(out, [&] { return int64_t(generator.random() % range); });
}
template <class T>
void fill_random_from(Run<T> out, int64_t from, Generator& generator) {
  fill_range(out, uint64_t(largest_whole<T>()) - uint64_t(from) + 1, from, generator);
}

namespace {

// The float nearest to a whole number, as a whole number.
template <class T>
int64_t rounded_to(int64_t x) {
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, float>) {
    return int64_t(T(x));
  } else {
    double scale = std::ldexp(1.0, std::max(0, std::ilogb(double(x)) - digits<T> + 1));
    return x == 0 ? 0 : int64_t(std::nearbyint(double(x) / scale) * scale);
  }
}
// The distance of neighbouring floats at a whole number.
template <class T>
int64_t spacing_at(int64_t x) {
  return int64_t(1) << (63 - __builtin_clzll(uint64_t(x < 0 ? -x : x)) - digits<T> + 1);
}

}  // namespace

template <class T>
void fill_random_between(Run<T> out, int64_t from, int64_t to, Generator& generator) {
  if constexpr (is_float<T>) {
    int64_t after_from = rounded_to<T>(from + 1), before_to = rounded_to<T>(to - 1);
    if (after_from < from) from = after_from + spacing_at<T>(from + 1);
    if (before_to >= to) to = before_to - spacing_at<T>(to - 1);
  }
  fill_range(out, uint64_t(to) - uint64_t(from), from, generator);
}

template <class T>
void fill_permutation(Run<T> out, Generator& generator) {
  const int64_t n = out.count;
  const bool wide = n >= std::numeric_limits<uint32_t>::max() / 20;
  for (int64_t i = 0; i < n; i++) out[i] = element<T>(i);
  for (int64_t i = 0; i < n - 1; i++) {
    uint64_t x = wide ? generator.random64() : generator.random();
    std::swap(out[i], out[i + int64_t(x % uint64_t(n - i))]);
  }
}

template <class P>
void fill_categories(Run<int64_t> out, Run<const P> weights, P* cumulative, Generator& generator) {
  P sum = 0;
  for (int64_t i = 0; i < weights.count; i++) cumulative[i] = sum += weights[i];
  for (int64_t i = 0; i < weights.count; i++) cumulative[i] /= sum;
  for (int64_t k = 0; k < out.count; k++) {
    double u = generator.uniform();
    int64_t first = 0, end = weights.count;
    while (first < end) {
      int64_t middle = first + (end - first) / 2;
      if (cumulative[middle] < u)
        first = middle + 1;
      else
        end = middle;
    }
    out[k] = first;
  }
}

#define RL_FLOATS(T)                                                   \
  template void fill_uniform(Run<T>, double, double, Generator&);      \
  template void fill_normal(Run<T>, double, double, bool, Generator&); \
  template void fill_log_normal(Run<T>, double, double, Generator&);   \
  template void fill_exponential(Run<T>, double, Generator&);          \
  template void fill_cauchy(Run<T>, double, double, Generator&);
#define RL_NUMBERS(T)                                                      \
  template void fill_geometric(Run<T>, double, Generator&);                \
  template void fill_bernoulli(Run<T>, double, Generator&);                \
  template void fill_bernoulli(Run<T>, Run<const float>, Generator&);      \
  template void fill_bernoulli(Run<T>, Run<const double>, Generator&);     \
  template void fill_random(Run<T>, Generator&);                           \
  template void fill_random_from(Run<T>, int64_t, Generator&);             \
  template void fill_random_between(Run<T>, int64_t, int64_t, Generator&); \
  template void fill_permutation(Run<T>, Generator&);
#define RL_ALL(T) RL_FLOATS(T) RL_NUMBERS(T)
RL_ALL(float)
RL_ALL(double)
RL_ALL(Float16Bits)
RL_ALL(BFloat16Bits)
RL_NUMBERS(int64_t)
RL_NUMBERS(int32_t)
RL_NUMBERS(int16_t)
RL_NUMBERS(int8_t)
RL_NUMBERS(uint8_t)
RL_NUMBERS(bool)
template void fill_categories(Run<int64_t>, Run<const float>, float*, Generator&);
template void fill_categories(Run<int64_t>, Run<const double>, double*, Generator&);

}  // namespace rl
