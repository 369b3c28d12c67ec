// Pooling a line of outputs at a time: for each place of the window one pass over the line, without branches on values.
#include "cpu/level/part.h"
#include "cpu/level/pool_table.h"
#include "cpu/level/vec_basic.h"

namespace rl::RL_LEVEL {
namespace {

using cpu::PoolShape;

// Every second lane of two vectors.
template <class T, int... lane>
struct Even {
  static RL_INLINE Vec<T> of(Vec<T> low, Vec<T> high) {
    return Vec<T>(__builtin_shufflevector(low.v, high.v, (2 * lane)...));
  }
};
template <class T>
using AllEven = Even<T, __integer_pack(Vec<T>::size)...>;

// x[0], x[step], ...: `count` lanes. Reads nothing between or behind them that is not inside their span.
template <class T>
RL_INLINE Vec<T> load_steps(const T* x, int64_t step, int count) {
  constexpr int size = Vec<T>::size;
  if (step == 1) return count == size ? Vec<T>::load(x) : Vec<T>::load(x, count);
  if (step != 2) return Vec<T>::load_strided(x, step, count);
  const int span = 2 * count - 1;
  const Vec<T> low = span >= size ? Vec<T>::load(x) : Vec<T>::load(x, span);
  const Vec<T> high = span > size ? Vec<T>::load(x + size, span - size) : Vec<T>(T(0));
  return AllEven<T>::of(low, high);
}

// For each line of outputs: begin(offset of its first output, d, h), each(offset of an input line) for every input line
// that its windows see, end(offset of its first output).
template <class Begin, class Each, class End>
RL_INLINE void for_each_line(const PoolShape& s, Begin begin, Each each, End end) {
  for (int64_t d = 0; d < s.out[0]; ++d) {
    for (int64_t h = 0; h < s.out[1]; ++h) {
      const int64_t out = (d * s.out[1] + h) * s.out[2];
      begin(out, d, h);
      for (int64_t kd = 0; kd < s.kernel[0]; ++kd) {
        const int64_t i = d * s.stride[0] - s.padding[0] + kd * s.dilation[0];
        if (i < 0 || i >= s.in[0]) continue;
        for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
          const int64_t j = h * s.stride[1] - s.padding[1] + kh * s.dilation[1];
          if (j >= 0 && j < s.in[1]) each((i * s.in[1] + j) * s.in[2]);
        }
      }
      end(out);
    }
  }
}

template <class T>
constexpr T least = T(0.5) != T(0) ? T(-__builtin_inf()) : T(INT64_MIN);

template <class T>
void max(const PoolShape& s, const PoolPart* parts, const int64_t* start, const T* x, T* y, int64_t* indices, T* room) {
  using Place = typename VecTraits<T>::lane_int;
  T* best = room;
  Place* places = reinterpret_cast<Place*>(room + (s.out[2] + pool_line_slack));
  bool fresh = true;
  const auto begin = [&](int64_t, int64_t, int64_t) {
    fresh = true;
    for_each_vector<T>(s.out[2], [&](int64_t j, int) { Vec<T>(least<T>).store(best + j); });
  };
  const auto each = [&](int64_t line) {
    // Where nothing is greater than -inf, the first input of the window is the place.
    for (int64_t j = 0; fresh && j < s.out[2]; ++j) places[j] = Place(line + start[j]);
    fresh = false;
    for (int64_t k = 0; k < s.kernel[2]; ++k) {
      const PoolPart& part = parts[k];
      const int64_t from = line + part.column, step = s.stride[2];
      for_each_vector<T>(part.last - part.first, [&](int64_t j, int count) {
        const int64_t at = part.first + j;
        const Vec<T> value = load_steps(x + from + j * step, step, count), old = Vec<T>::load(best + at);
        Mask<T> better = (value > old) | (value != value);
        if (count < Vec<T>::size) better = better & Mask<T>::first(count);
        where(better, value, old).store(best + at);
        const Vec<Place> here =
            Vec<Place>(Place(from + j * step)) + Vec<Place>::lane_numbers() * Vec<Place>(Place(step));
        where(Mask<Place>(better.v), here, Vec<Place>::load(places + at)).store(places + at);
      });
    }
  };
  const auto end = [&](int64_t out) {
    for_each_vector<T>(s.out[2], [&](int64_t j, int count) { store(y + out + j, count, Vec<T>::load(best + j)); });
    for (int64_t j = 0; indices && j < s.out[2]; ++j) indices[out + j] = places[j];
  };
  for_each_line(s, begin, each, end);
}

// The divisors of a line; 1 for a window without input, whose sum is 0.
template <class T>
RL_INLINE Vec<T> divisors(T line, const T* width, int64_t j, int count) {
  const Vec<T> by = Vec<T>(line) * load(width + j, count);
  return where(by == Vec<T>(T(0)), Vec<T>(T(1)), by);
}

template <class T>
void mean(const PoolShape& s, const PoolPart* parts, const PoolDivisor<T>& divisor, const T* x, T* y, T* room) {
  T line_divisor = 1;
  const auto begin = [&](int64_t, int64_t d, int64_t h) {
    line_divisor = divisor.depth[d] * divisor.height[h];
    for_each_vector<T>(s.out[2], [&](int64_t j, int) { Vec<T>(T(0)).store(room + j); });
  };
  const auto each = [&](int64_t line) {
    for (int64_t k = 0; k < s.kernel[2]; ++k) {
      const PoolPart& part = parts[k];
      const T* from = x + line + part.column;
      for_each_vector<T>(part.last - part.first, [&](int64_t j, int count) {
        // Lanes behind the end are loaded as zero.
        T* sum = room + part.first + j;
        (Vec<T>::load(sum) + load_steps(from + j * s.stride[2], s.stride[2], count)).store(sum);
      });
    }
  };
  const auto end = [&](int64_t out) {
    for_each_vector<T>(s.out[2], [&](int64_t j, int count) {
      store(y + out + j, count, Vec<T>::load(room + j) / divisors(line_divisor, divisor.width, j, count));
    });
  };
  for_each_line(s, begin, each, end);
}

template <class T>
void mean_backward(const PoolShape& s, const PoolPart* parts, const PoolDivisor<T>& divisor, const T* dy, T* dx,
                   T* room) {
  const auto begin = [&](int64_t out, int64_t d, int64_t h) {
    const T line_divisor = divisor.depth[d] * divisor.height[h];
    for_each_vector<T>(s.out[2], [&](int64_t j, int count) {
      store(room + j, count, load(dy + out + j, count) / divisors(line_divisor, divisor.width, j, count));
    });
  };
  const auto each = [&](int64_t line) {
    for (int64_t k = 0; k < s.kernel[2]; ++k) {
      const PoolPart& part = parts[k];
      T* to = dx + line + part.column;
      const T* from = room + part.first;
      const int64_t length = part.last - part.first, step = s.stride[2];
      if (step == 1) {
        for_each_vector<T>(
            length, [&](int64_t j, int count) { store(to + j, count, load(to + j, count) + load(from + j, count)); });
      } else {
        for (int64_t j = 0; j < length; ++j) to[j * step] += from[j];
      }
    }
  };
  for_each_line(s, begin, each, [](int64_t) {});
}

template <class T>
T sum(int64_t count, const T* x) {
  constexpr int size = Vec<T>::size;
  Vec<T> sums[4] = {Vec<T>(T(0)), Vec<T>(T(0)), Vec<T>(T(0)), Vec<T>(T(0))};
  int64_t i = 0;
  for (; i + 4 * size <= count; i += 4 * size) {
    for (int part = 0; part < 4; ++part) sums[part] += Vec<T>::load(x + i + part * size);
  }
  for (; i < count; i += size) sums[0] += load(x + i, int(count - i < size ? count - i : size));
  return reduce_add((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

template <class T>
constexpr PoolKernels<T> kernels = {max<T>, mean<T>, mean_backward<T>, sum<T>};

}  // namespace

const PoolTable& pool_table() {
  static constexpr PoolTable table = {kernels<float>, kernels<double>, kernels<int64_t>};
  return table;
}

}  // namespace rl::RL_LEVEL
