// Complex numbers in kernels. Forced inline, as in half.h: every instruction level compiles its own, and no template of
// the C++ library comes in.
#pragma once

namespace rl {

#define RL_COMPLEX_INLINE __attribute__((always_inline)) constexpr inline

// Keeps a product out of a fused multiply-add, which GCC 12 makes of the pair of sums in spite of -ffp-contract=off:
// the imaginary part of z * conj(z) is exactly 0.
template <class R>
RL_COMPLEX_INLINE R rounded(R product) {
#if defined(__GNUC__) && !defined(__clang__)
  return __builtin_assoc_barrier(product);
#else
  return product;
#endif
}

template <class R>
struct Complex {
  R re, im;

  Complex() = default;
  RL_COMPLEX_INLINE Complex(R re, R im = 0) : re(re), im(im) {}
  template <class S>
  RL_COMPLEX_INLINE explicit Complex(Complex<S> z) : re(static_cast<R>(z.re)), im(static_cast<R>(z.im)) {}

  RL_COMPLEX_INLINE explicit operator bool() const { return re != 0 || im != 0; }

  friend RL_COMPLEX_INLINE Complex operator-(Complex a) { return {-a.re, -a.im}; }
  friend RL_COMPLEX_INLINE Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
  friend RL_COMPLEX_INLINE Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
  friend RL_COMPLEX_INLINE Complex operator*(Complex a, Complex b) {
    return {rounded(a.re * b.re) - rounded(a.im * b.im), rounded(a.re * b.im) + rounded(a.im * b.re)};
  }
  // R. L. Smith, Algorithm 116 (1962): by the ratio of the divisor's parts, so that no square overflows.
  friend RL_COMPLEX_INLINE Complex operator/(Complex a, Complex b) {
    const bool wide = (b.re < 0 ? -b.re : b.re) >= (b.im < 0 ? -b.im : b.im);
    if (wide && b.re == 0) return {a.re / R(0), a.im / R(0)};  // whatever the signs of the zeros
    if (wide) {
      const R ratio = b.im / b.re, scale = 1 / (b.re + b.im * ratio);
      return {(a.re + a.im * ratio) * scale, (a.im - a.re * ratio) * scale};
    }
    const R ratio = b.re / b.im, scale = 1 / (b.re * ratio + b.im);
    return {(a.re * ratio + a.im) * scale, (a.im * ratio - a.re) * scale};
  }
  RL_COMPLEX_INLINE Complex& operator+=(Complex b) { return *this = *this + b; }
  RL_COMPLEX_INLINE Complex& operator-=(Complex b) { return *this = *this - b; }
  RL_COMPLEX_INLINE Complex& operator*=(Complex b) { return *this = *this * b; }
  RL_COMPLEX_INLINE Complex& operator/=(Complex b) { return *this = *this / b; }
  friend RL_COMPLEX_INLINE bool operator==(Complex a, Complex b) { return a.re == b.re && a.im == b.im; }
  friend RL_COMPLEX_INLINE bool operator!=(Complex a, Complex b) { return !(a == b); }
};

// Whether T is one of them, and the type of its parts (T itself for a real number).
template <class T>
inline constexpr bool is_complex_number = false;
template <class R>
inline constexpr bool is_complex_number<Complex<R>> = true;
template <class T>
struct RealOf {
  using type = T;
};
template <class R>
struct RealOf<Complex<R>> {
  using type = R;
};
template <class T>
using RealPart = typename RealOf<T>::type;

// As the C library takes and gives them.
RL_COMPLEX_INLINE _Complex double to_c(Complex<double> z) {
  _Complex double c = z.re;
  __imag__ c = z.im;
  return c;
}
RL_COMPLEX_INLINE Complex<double> from_c(_Complex double c) { return {__real__ c, __imag__ c}; }

// log |1 + z| from |1 + z|^2 - 1 = x (x + 2) + y^2, exact near 0.
RL_COMPLEX_INLINE Complex<double> log1p(Complex<double> z) {
  if (__builtin_fabs(z.re) > 0.5 || __builtin_fabs(z.im) > 0.5)
    return from_c(__builtin_clog(to_c(Complex<double>(1 + z.re, z.im))));
  return {__builtin_log1p(z.re * (z.re + 2) + z.im * z.im) / 2, __builtin_atan2(z.im, 1 + z.re)};
}
// log(e^a + e^b), the larger real part taken out so that nothing overflows; of two infinities there is no larger.
RL_COMPLEX_INLINE Complex<double> log_add(Complex<double> a, Complex<double> b) {
  if (a != a || b != b) return {__builtin_nan(""), __builtin_nan("")};
  const Complex<double> low = a.re < b.re ? a : b, high = a.re < b.re ? b : a;
  if (low.re == high.re && __builtin_isinf(low.re))
    return low.re < 0 ? low : from_c(__builtin_clog(__builtin_cexp(to_c(a)) + __builtin_cexp(to_c(b))));
  return high + log1p(from_c(__builtin_cexp(to_c(low - high))));
}

#undef RL_COMPLEX_INLINE

}  // namespace rl
