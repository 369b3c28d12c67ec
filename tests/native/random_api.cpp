// The fills of cpu/random.h behind plain C names, for ctypes.
#include "cpu/random.h"

using namespace rl;

#define API extern "C" __attribute__((visibility("default")))

API void* generator_new(uint64_t seed) { return new Generator(seed); }
API void generator_free(Generator* g) { delete g; }
API uint64_t generator_initial_seed(Generator* g) { return g->initial_seed(); }
API uint64_t generator_seed(Generator* g) { return g->seed(); }
API void generator_get_state(Generator* g, uint8_t* out) { g->get_state(out); }
API bool generator_set_state(Generator* g, const uint8_t* bytes, size_t count) { return g->set_state(bytes, count); }

#define FLOATS(T, name)                                                                         \
  API void uniform_##name(T* p, int64_t n, int64_t step, double a, double b, Generator* g) {    \
    fill_uniform(Run<T>{p, n, step}, a, b, *g);                                                 \
  }                                                                                             \
  API void normal_##name(T* p, int64_t n, int64_t step, double a, double b, Generator* g) {     \
    fill_normal(Run<T>{p, n, step}, a, b, step == 1, *g);                                       \
  }                                                                                             \
  API void log_normal_##name(T* p, int64_t n, int64_t step, double a, double b, Generator* g) { \
    fill_log_normal(Run<T>{p, n, step}, a, b, *g);                                              \
  }                                                                                             \
  API void exponential_##name(T* p, int64_t n, int64_t step, double a, double, Generator* g) {  \
    fill_exponential(Run<T>{p, n, step}, a, *g);                                                \
  }                                                                                             \
  API void cauchy_##name(T* p, int64_t n, int64_t step, double a, double b, Generator* g) {     \
    fill_cauchy(Run<T>{p, n, step}, a, b, *g);                                                  \
  }
#define NUMBERS(T, name)                                                                     \
  API void geometric_##name(T* p, int64_t n, int64_t step, double a, double, Generator* g) { \
    fill_geometric(Run<T>{p, n, step}, a, *g);                                               \
  }                                                                                          \
  API void bernoulli_##name(T* p, int64_t n, int64_t step, double a, double, Generator* g) { \
    fill_bernoulli(Run<T>{p, n, step}, a, *g);                                               \
  }                                                                                          \
  API void bernoulli_float32_##name(T* p, int64_t n, const float* q, Generator* g) {         \
    fill_bernoulli(Run<T>{p, n}, Run<const float>{q, n}, *g);                                \
  }                                                                                          \
  API void bernoulli_float64_##name(T* p, int64_t n, const double* q, Generator* g) {        \
    fill_bernoulli(Run<T>{p, n}, Run<const double>{q, n}, *g);                               \
  }                                                                                          \
  API void random_##name(T* p, int64_t n, Generator* g) { fill_random(Run<T>{p, n}, *g); }   \
  API void random_from_##name(T* p, int64_t n, int64_t from, Generator* g) {                 \
    fill_random_from(Run<T>{p, n}, from, *g);                                                \
  }                                                                                          \
  API void random_between_##name(T* p, int64_t n, int64_t from, int64_t to, Generator* g) {  \
    fill_random_between(Run<T>{p, n}, from, to, *g);                                         \
  }                                                                                          \
  API void permutation_##name(T* p, int64_t n, Generator* g) { fill_permutation(Run<T>{p, n}, *g); }
#define ALL(T, name) FLOATS(T, name) NUMBERS(T, name)

ALL(float, float32)
ALL(double, float64)
ALL(Float16Bits, float16)
ALL(BFloat16Bits, bfloat16)
NUMBERS(int64_t, int64)
NUMBERS(int32_t, int32)
NUMBERS(int16_t, int16)
NUMBERS(int8_t, int8)
NUMBERS(uint8_t, uint8)
NUMBERS(bool, bool)

API void categories_float32(int64_t* p, int64_t n, const float* w, int64_t k, float* scratch, Generator* g) {
  fill_categories(Run<int64_t>{p, n}, Run<const float>{w, k}, scratch, *g);
}
API void categories_float64(int64_t* p, int64_t n, const double* w, int64_t k, double* scratch, Generator* g) {
  fill_categories(Run<int64_t>{p, n}, Run<const double>{w, k}, scratch, *g);
}
