// Checks cpu/level/vec_math.h and scalar_math.h at one level against the C library in higher precision.
// Prints what is wrong and exits with 1; prints the errors in units of the last place with the argument "-v".
#include <cmath>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <string>
#include <type_traits>

#include "cpu/level/scalar_math.h"
#include "cpu/level/vec_math.h"

namespace level = rl::RL_LEVEL;
using level::Mask;
using level::Vec;

static int failures = 0;
static bool verbose = false;

#define CHECK(condition, ...)     \
  do {                            \
    if (!(condition)) {           \
      if (failures++ < 40) {      \
        std::printf(__VA_ARGS__); \
        std::printf("\n");        \
      }                           \
    }                             \
  } while (0)

template <class T>
const char* type_name() {
  return std::is_same_v<T, float> ? "float" : std::is_same_v<T, double> ? "double" : "integer";
}
template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

// The distance of y from the exact value, in units of the last place of the exact value; 0 for agreeing NaNs,
// infinities.
template <class T>
double ulps(T y, long double exact) {
  T rounded = T(exact);
  if (y != y || rounded != rounded) return (y != y) == (rounded != rounded) ? 0 : HUGE_VAL;
  if (std::isinf(y) || std::isinf(rounded))
    return y == rounded || std::nextafter(y, T(0)) == rounded || std::nextafter(rounded, T(0)) == y ? 0 : HUGE_VAL;
  T size = std::fabs(rounded);
  return double(std::fabs(y - exact) / (std::nextafter(size, T(HUGE_VAL)) - size));
}

template <class T>
inline constexpr T special_values[] = {
    T(0),      -T(0),    T(INFINITY),  -T(INFINITY),  T(NAN),      T(1),         T(-1),   T(0.5),   T(-0.5),
    T(2),      T(-2),    T(3),         T(-3),         T(1.5),      T(-1.5),      T(2.5),  T(-2.5),  T(1e-30),
    T(-1e-30), T(1e30),  T(-1e30),     T(89),         T(-104),     T(710),       T(-746), T(1e-40), T(-1e-40),
    T(1e10),   T(-1e10), T(4194304.5), T(-8388607.5), T(16777216), T(-16777217), T(1e16), T(33),    T(-0.99999)};

struct Range {
  double low, high;
  bool powers = false;  // from 2^low to 2^high
};

// f on vectors against the exact function and against f on scalars, over a range, then at the special values.
template <class T, class F, class G>
void check_unary(const char* name, F f, G exact, double limit, Range range) {
  constexpr int n = 60000, width = Vec<T>::size;
  double worst = 0;
  T worst_at = 0, in[width], out[width];
  auto compare = [&](bool count_worst) {
    f(Vec<T>::load(in)).store(out);
    for (int k = 0; k < width; k++) {
      double error = ulps(out[k], exact((long double)in[k]));
      CHECK(error <= limit, "%s<%s>(%a): %a, wrong by %g", name, type_name<T>(), double(in[k]), double(out[k]), error);
      CHECK(same_bits(out[k], f(in[k])), "%s<%s>(%a): scalar differs", name, type_name<T>(), double(in[k]));
      if (count_worst && error > worst) worst = error, worst_at = in[k];
    }
  };
  for (int i = 0; i < n; i += width) {
    for (int k = 0; k < width; k++) {
      double x = range.low + (range.high - range.low) * (i + k + 0.37) / n;
      in[k] = T(range.powers ? std::exp2(x) * ((i / width + k) % 2 ? -1 : 1) : x);
    }
    compare(true);
  }
  for (T x : special_values<T>) {
    for (int k = 0; k < width; k++) in[k] = k % 2 ? x : T(0.25);
    compare(false);
    T y = out[1], expected = T(exact((long double)x));
    CHECK(y != 0 || expected != 0 || std::signbit(y) == std::signbit(expected), "%s<%s>(%a): wrong sign of zero", name,
          type_name<T>(), double(x));
  }
  if (verbose)
    std::printf("%-10s %-6s [%g, %g] %.3f at %a\n", name, type_name<T>(), range.low, range.high, worst,
                double(worst_at));
}

#define UNARY(name, limit, ...)                                                             \
  for (Range range : std::initializer_list<Range>{__VA_ARGS__}) {                           \
    auto exact = [](long double x) { return std::name(x); };                                \
    check_unary<float>(#name, [](auto x) { return level::name(x); }, exact, limit, range);  \
    check_unary<double>(#name, [](auto x) { return level::name(x); }, exact, limit, range); \
  }
#define UNARY_AS(name, formula, limit, ...)                                                 \
  for (Range range : std::initializer_list<Range>{__VA_ARGS__}) {                           \
    auto exact = [](long double x) -> long double { return formula; };                      \
    check_unary<float>(#name, [](auto x) { return level::name(x); }, exact, limit, range);  \
    check_unary<double>(#name, [](auto x) { return level::name(x); }, exact, limit, range); \
  }

static void check_functions() {
  const Range tiny{-160, 0, true}, wide{-149, 127, true};
  UNARY(exp, 1.2, {-110, 92}, {-1, 1}, {-750, 712}, tiny)
  UNARY(exp2, 1.2, {-151, 130}, {-1080, 1026})
  UNARY(expm1, 1.5, {-20, 92}, {-1, 1}, tiny)
  UNARY(tanh, 1.6, {-12, 12}, {-1, 1}, tiny)
  UNARY_AS(sigmoid, 1 / (1 + std::exp(-x)), 2.3, {-20, 20}, {-110, 0}, {-1, 1})
  UNARY(log, 1, {0, 20}, {0.5, 2}, wide)
  UNARY(log2, 1.5, {0, 20}, {0.5, 2}, wide)
  UNARY(log10, 1.8, {0, 20}, {0.5, 2}, wide)
  UNARY(log1p, 1, {-0.99999, 4}, {-0.1, 0.1}, wide)
  UNARY(sin, 1.6, {-4, 4}, {-2e4, 2e4}, tiny)
  UNARY(cos, 1.6, {-4, 4}, {-2e4, 2e4}, tiny)
  UNARY(tan, 3, {-4, 4}, {-2e4, 2e4}, tiny)
  UNARY(atan, 2, {-3, 3}, wide)
  UNARY(erf, 1.5, {-1.1, 1.1}, {-7, 7}, tiny)
  UNARY(erfc, 4, {-5, 28}, {-1, 1})
  UNARY(asin, 2, {-1, 1}, tiny)
  UNARY(acos, 2, {-1, 1})
  UNARY(sinh, 2.5, {-5, 5}, {-100, 100}, tiny)
  UNARY(cosh, 2.5, {-5, 5}, {-100, 100})
  UNARY(asinh, 2.5, {-5, 5}, wide)
  UNARY(acosh, 2.5, {1, 10}, {0, 100, true})
  UNARY(atanh, 2.5, {-1, 1}, tiny)
  UNARY(sqrt, 0.5, {0, 10}, wide)
  UNARY_AS(rsqrt, 1 / std::sqrt(x), 1.5, {0, 10})
  UNARY_AS(reciprocal, 1 / x, 0.5, {-10, 10}, wide)
  UNARY_AS(square, x * x, 0.5, {-10, 10})
  UNARY_AS(frac, x - std::trunc(x), 0, {-10, 10})
  UNARY(floor, 0, {-10, 10}, wide)
  UNARY(ceil, 0, {-10, 10}, wide)
  UNARY(trunc, 0, {-10, 10}, wide)
  UNARY_AS(round, std::nearbyint(x), 0, {-10, 10}, wide)
  UNARY_AS(abs, std::fabs(x), 0, {-10, 10})
  UNARY_AS(neg, -x, 0, {-10, 10})
  UNARY_AS(sign, (x > 0) - (x < 0), 0, {-10, 10})
}

// Functions that the C library does not have, by their defining properties.
static void check_inverses() {
  for (int i = 1; i < 4000; i++) {
    double x = -1 + i / 2000.0, y = level::erfinv(x);
    double slope = 1.1283791670955126 * std::exp(-y * y);
    CHECK(std::fabs(double(std::erf((long double)y) - x)) <= 1e-15 * std::fabs(y) * slope + 1e-18, "erfinv(%g)", x);
    CHECK(same_bits(level::erfinv(Vec<double>(x))[0], y), "erfinv(%g): lanes differ", x);
    double g = 20 * x + 0.123;
    double recurrence = level::digamma(g + 1) - 1 / g;
    CHECK(std::fabs(level::digamma(g) - recurrence) <= 1e-12 * (1 + std::fabs(recurrence)), "digamma(%g)", g);
  }
  for (double end : {1.0, -1.0}) CHECK(level::erfinv(end) == end * HUGE_VAL, "erfinv(%g)", end);
  CHECK(std::isnan(level::erfinv(1.5)) && std::isnan(level::erfinv(float(NAN))), "erfinv outside");
  CHECK(std::fabs(level::digamma(1.0) + 0.57721566490153286) < 1e-15, "digamma(1)");
  CHECK(std::fabs(level::digamma(10.0) - 2.2517525890667211) < 1e-15, "digamma(10)");
  CHECK(level::digamma(0.0) == -HUGE_VAL && level::digamma(-0.0) == HUGE_VAL && std::isnan(level::digamma(-3.0)),
        "poles");
  CHECK(ulps(level::lgamma(0.3f), std::lgamma(0.3L)) < 1, "lgamma");
}

template <class T, class F, class G>
void check_binary(const char* name, F f, G exact, double limit) {
  for (T a : special_values<T>) {
    for (T b : special_values<T>) {
      T expected = exact(a, b), y = f(a, b);
      Vec<T> mixed_a(T(0.75)), mixed_b(T(1.25));
      mixed_a.set(1, a);
      mixed_b.set(1, b);
      T in_vector = f(mixed_a, mixed_b)[1];
      bool good = ulps(in_vector, (long double)expected) <= limit &&
                  (in_vector != 0 || std::signbit(in_vector) == std::signbit(expected));
      CHECK(good, "%s<%s>(%a, %a): %a instead of %a", name, type_name<T>(), double(a), double(b), double(in_vector),
            double(expected));
      CHECK(ulps(y, (long double)expected) <= limit, "%s<%s>(%a, %a): scalar %a", name, type_name<T>(), double(a),
            double(b), double(y));
    }
  }
}
#define BINARY(name, limit, formula)                                                                                 \
  check_binary<float>(                                                                                               \
      #name, [](auto a, auto b) { return level::name(a, b); }, [](float a, float b) -> float { return formula; },    \
      limit);                                                                                                        \
  check_binary<double>(                                                                                              \
      #name, [](auto a, auto b) { return level::name(a, b); }, [](double a, double b) -> double { return formula; }, \
      limit);

template <class T>
T python_remainder(T a, T b) {
  T r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static void check_binary_functions() {
  BINARY(pow, 1, std::pow(a, b))
  BINARY(atan2, 1, std::atan2(a, b))
  BINARY(hypot, 1, std::hypot(a, b))
  BINARY(fmod, 0, std::fmod(a, b))
  BINARY(remainder, 0, python_remainder(a, b))
  BINARY(copysign, 0, std::copysign(a, b))
  BINARY(nextafter, 0, std::nextafter(a, b))
  BINARY(minimum, 0, a != a ? a : b != b ? b : a < b ? a : b)
  BINARY(maximum, 0, a != a ? a : b != b ? b : a > b ? a : b)
  BINARY(fmin, 0, a != a ? b : b != b ? a : b < a ? b : a)
  BINARY(fmax, 0, a != a ? b : b != b ? a : b > a ? b : a)
  BINARY(div_trunc, 0, std::trunc(a / b))
  for (int i = 0; i < 100000; i++) {
    float a = std::exp2((i % 977) / 40.0f - 12), b = (i / 977) / 3.0f - 17;
    float y = level::pow(Vec<float>(a), Vec<float>(b))[0];
    CHECK(ulps(y, std::pow((long double)a, (long double)b)) <= 0.51, "pow(%a, %a): %a", double(a), double(b),
          double(y));
    CHECK(same_bits(y, level::pow(a, b)), "pow(%a, %a): scalar differs", double(a), double(b));
  }
  for (double e : {2.0, 3.0, 0.5, -0.5, -1.0, -2.0}) {
    for (float a : special_values<float>) {
      float y = level::pow(Vec<float>(a), Vec<float>(float(e)))[0], expected = std::pow(a, float(e));
      CHECK(ulps(y, (long double)expected) <= 1 && (y != 0 || std::signbit(y) == std::signbit(expected)), "pow(%g, %g)",
            double(a), e);
    }
  }
  CHECK(level::_div_floor(-7.0, 2.0) == -4 && level::_div_floor(7.0f, -0.5f) == -14 && level::_div_floor(1.0, 0.1) == 9,
        "_div_floor");
}

// Arithmetic, comparisons and masks of one lane type, lane by lane against plain C++.
template <class T>
class Lanes {
 public:
  explicit Lanes(T step) {
    for (int k = 0; k < width; k++) {
      a[k] = T(step * T(k % 11 - 4));
      b[k] = T(step * T(k % 7 - 3));
      truths[k] = k % 3 == 0;
    }
    va = Vec<T>::load(a);
    vb = Vec<T>::load(b);
    m = level::load_mask<T>(truths);
  }

  void check() {
    arithmetic();
    comparisons();
    parts();
    reductions();
    if constexpr (Vec<T>::is_float)
      floats();
    else
      integers();
  }

 private:
  static constexpr int width = Vec<T>::size;
  T a[width], b[width], out[width];
  bool truths[width], wanted[width];
  Vec<T> va, vb;
  Mask<T> m;

#define LANES(formula, expected)  \
  (formula).store(out);           \
  for (int k = 0; k < width; k++) \
    CHECK(same_bits(out[k], T(expected)), "%s, %d lanes: lane %d of %s", type_name<T>(), width, k, #formula);
#define TRUTHS(formula, expected)     \
  level::store_mask(wanted, formula); \
  for (int k = 0; k < width; k++)     \
    CHECK(wanted[k] == (expected), "%s, %d lanes: lane %d of %s", type_name<T>(), width, k, #formula);

  void arithmetic() {
    LANES(va + vb, a[k] + b[k])
    LANES(va - vb, a[k] - b[k])
    LANES(va * vb, a[k] * b[k])
    LANES(-va, -a[k])
    LANES(va / Vec<T>(T(2)), a[k] / T(2))
    LANES(level::where(m, va, vb), truths[k] ? a[k] : b[k])
    LANES(level::where(va > vb, va, T(1)), a[k] > b[k] ? a[k] : T(1))
    LANES(level::mask_to_vec(m), truths[k] ? 1 : 0)
    LANES(level::abs(va), a[k] < T(0) ? -a[k] : a[k])
    LANES(level::sign(va), (a[k] > T(0)) - (a[k] < T(0)))
    LANES(level::minimum(va, vb), a[k] < b[k] ? a[k] : b[k])
    LANES(level::maximum(va, vb), a[k] > b[k] ? a[k] : b[k])
    LANES(level::fma(va, vb, va), a[k] * b[k] + a[k])
    LANES(Vec<T>::lane_numbers(), k)
    LANES(Vec<T>::load(a, width / 2), k < width / 2 ? a[k] : T(0))
  }

  void comparisons() {
    TRUTHS(va < vb, a[k] < b[k])
    TRUTHS(va <= vb, a[k] <= b[k])
    TRUTHS(va == vb, a[k] == b[k])
    TRUTHS(va != vb, a[k] != b[k])
    TRUTHS(va >= vb, a[k] >= b[k])
    TRUTHS(va > vb, a[k] > b[k])
    TRUTHS(m & (va > vb), truths[k] && a[k] > b[k])
    TRUTHS(m | (va > vb), truths[k] || a[k] > b[k])
    TRUTHS(~m, !truths[k])
    TRUTHS(m == (va > vb), truths[k] == (a[k] > b[k]))
    TRUTHS(Mask<T>::first(width / 2), k < width / 2)
    TRUTHS(level::load_mask<T>(truths, 2), k < 2 && truths[k])
  }

  void parts() {
    for (int count = 0; count <= width; count++) {
      for (int k = 0; k < width; k++) out[k] = T(9), wanted[k] = false;
      va.store(out, count);
      level::store_mask(wanted, Mask<T>(true), count);
      for (int k = 0; k < width; k++)
        CHECK(out[k] == (k < count ? a[k] : T(9)) && wanted[k] == (k < count), "part of %d", count);
      CHECK(level::any(Mask<T>::first(count)) == (count > 0) && level::all(Mask<T>::first(count)) == (count == width),
            "any, all");
    }
    T spread[3 * width];
    for (T& x : spread) x = T(5);
    va.store_strided(spread, 3);
    LANES(Vec<T>::load_strided(spread, 3), a[k])
    CHECK(spread[1] == T(5), "store_strided wrote between");
  }

  void reductions() {
    T sum = 0, least = a[0], most = a[0];
    for (int k = 0; k < width; k++)
      sum = T(sum + a[k]), least = a[k] < least ? a[k] : least, most = a[k] > most ? a[k] : most;
    CHECK(level::reduce_add(va) == sum && level::reduce_min(va) == least && level::reduce_max(va) == most,
          "reductions");
  }

  void integers() {
    LANES(va & vb, a[k] & b[k])
    LANES(va | vb, a[k] | b[k])
    LANES(va ^ vb, a[k] ^ b[k])
    LANES(~va, ~a[k])
    LANES(va << Vec<T>(T(1)), a[k] << 1)
    LANES(va >> Vec<T>(T(1)), a[k] >> 1)
    T divisor = T(-1);
    LANES(level::div_trunc(va, Vec<T>(divisor)), T(a[k] / divisor))
    LANES(level::remainder(va, Vec<T>(T(3))), T((a[k] % 3 + 3) % 3))
    LANES(level::_div_floor(va, Vec<T>(T(3))), T((a[k] - (a[k] % 3 + 3) % 3) / 3))
    LANES(level::pow(va, Vec<T>(T(3))), T(a[k] * a[k] * a[k]))
    LANES(level::floor(va), a[k])
    using U = std::make_unsigned_t<T>;
    Vec<T> largest(std::numeric_limits<T>::max()), smallest(std::numeric_limits<T>::min());
    LANES(largest + Vec<T>(T(1)), std::numeric_limits<T>::min())
    LANES(-smallest, T(U(0) - U(std::numeric_limits<T>::min())))
    LANES(largest * largest, 1)
    for (int k = 0; k < width; k++) CHECK(level::remainder(a[k], T(3)) == T((a[k] % 3 + 3) % 3), "remainder");
  }

  void floats() {
    Vec<T> with_nan = va;
    with_nan.set(width - 1, T(NAN));
    CHECK(std::isnan(level::reduce_max(with_nan)) && std::isnan(level::reduce_min(with_nan)), "reductions with NaN");
    with_nan.set(0, T(INFINITY));
    TRUTHS(level::isnan(with_nan), k == width - 1)
    TRUTHS(level::isinf(with_nan), k == 0)
    TRUTHS(level::isfinite(with_nan), k != 0 && k != width - 1)
    TRUTHS(level::signbit(Vec<T>(T(-0.0))), true)
  }
#undef LANES
#undef TRUTHS
};

// One formula serves scalars and vectors.
namespace rl::RL_LEVEL {
template <class T>
T formula(T x) {
  return where(x > T(0), x * exp(x), T(0));
}
}  // namespace rl::RL_LEVEL

static void check_integers() {
  CHECK(level::pow(int64_t(3), int64_t(-1)) == 0 && level::pow(int64_t(-1), int64_t(-3)) == -1, "negative exponents");
  CHECK(level::_div_floor(int64_t(-7), int64_t(2)) == -4 && level::div_trunc(int64_t(-7), int64_t(2)) == -3,
        "quotients");
  CHECK(level::div_trunc(INT64_MIN, int64_t(-1)) == INT64_MIN && level::remainder(INT64_MIN, int64_t(-1)) == 0,
        "overflow");
  CHECK(level::abs(int64_t(-3)) == 3 && level::neg(int8_t(-128)) == -128 && level::sign(uint8_t(200)) == 1, "signs");
  CHECK(level::maximum(true, false) && !level::minimum(true, false) && !level::isnan(3) && level::isfinite(3),
        "others");
  CHECK(level::formula(2.0f) == level::formula(Vec<float>(2.0f))[0] && level::formula(-2.0) == 0, "one formula");
  for (int i = 0; i <= 15; i++) CHECK(level::log10(std::pow(10.0, i)) == i, "log10(1e%d)", i);
  for (int i = -1000; i <= 1000; i++)
    CHECK(level::log2(std::ldexp(1.0, i)) == i && level::exp2(double(i)) == std::ldexp(1.0, i), "2^%d", i);
}

int main(int argc, char** argv) {
  verbose = argc > 1 && std::string(argv[1]) == "-v";
  check_functions();
  check_inverses();
  check_binary_functions();
  Lanes<float>(0.75f).check();
  Lanes<double>(0.75).check();
  Lanes<int64_t>(3).check();
  Lanes<int32_t>(3).check();
  Lanes<int16_t>(3).check();
  Lanes<int8_t>(3).check();
  Lanes<uint8_t>(1).check();
  check_integers();
  if (failures) std::printf("%d failures\n", failures);
  return failures != 0;
}
