// The normalisations over dense arrays. T: float, double. No result depends on the number of threads.
#pragma once

#include <cstdint>

namespace rl::cpu {

// Layer norm of `rows` rows of n values, where there is no `mean` the root mean square alone; see level/norm_table.h.
template <class T>
void norm_rows(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, T* y, T* mean, T* rstd);
// dx, dweight and dbias (n values each) are written, where not null.
template <class T>
void norm_rows_backward(int64_t rows, int64_t n, const T* dy, const T* x, const T* weight, const T* mean, const T* rstd,
                        T* dx, T* dweight, T* dbias);

// An array (outer, channels, inner); what is said of a channel has `channels` values.
struct ChannelShape {
  int64_t outer = 1, channels = 1, inner = 1;
  int64_t count() const { return outer * inner; }  // values of a channel
  int64_t numel() const { return outer * channels * inner; }
};

// The mean, and the mean squared distance from it; NaN of no values.
template <class T>
void channel_moments(const ChannelShape& shape, const T* x, double* mean, double* variance);
// The sums of dy and of dy * (x - mean).
template <class T>
void channel_sums(const ChannelShape& shape, const T* dy, const T* x, const T* mean, double* sum, double* dot);
// Groups of `each` channels of `inner` values, normalised by their own mean and variance; weight and bias, which may be
// null, have a value for each of `channels`, over and over.
template <class T>
void norm_groups(int64_t groups, int64_t each, int64_t inner, int64_t channels, const T* x, const T* weight,
                 const T* bias, double eps, T* y, T* mean, T* rstd);
// y = (x - mean) * scale + shift.
template <class T>
void channel_scale(const ChannelShape& shape, const T* x, const T* mean, const T* scale, const T* shift, T* y);
// dx = dy * scale + (x - mean) * slope + shift.
template <class T>
void channel_combine(const ChannelShape& shape, const T* dy, const T* x, const T* mean, const T* scale, const T* slope,
                     const T* shift, T* dx);

}  // namespace rl::cpu
