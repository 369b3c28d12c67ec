#include "cpu/matmul.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "base/complex.h"
#include "base/parallel.h"
#include "cpu/level/matmul_table.h"
#include "cpu/onednn/onednn.h"
#include "cpu/scratch.h"

namespace rl::cpu {
namespace {

// Multiply-adds below which a second thread costs more than it brings.
constexpr int64_t parallel_work = int64_t(1) << 18;
// Steps of k per pass: a panel of B this long stays in the first-level cache, a block of A in the second.
constexpr int64_t pass_steps = 256;
constexpr int64_t block_rows = 112;
// Columns of B packed at a time (third-level cache).
constexpr int64_t pass_columns = 4096;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }
int64_t grain_for(int64_t work_per_item) {
  return std::max<int64_t>(1, parallel_work / std::max<int64_t>(1, work_per_item));
}

template <class T>
const MatmulKernels<T>& kernels() {
  const MatmulTable& table = picked_matmul_table();
  if constexpr (sizeof(T) == sizeof(float))
    return table.f32;
  else
    return table.f64;
}

// One product; what both the batched form and every path below work on.
template <class T>
struct Product {
  int64_t m, n, k;
  MatrixView<T> a, b;
  T* c;
  int64_t c_row;
  MatmulEnd<T> end;

  MatmulEnd<T> end_at(int64_t column) const { return {end.alpha, end.beta, end.bias ? end.bias + column : nullptr}; }
};

// What a sum of products is computed in; integers wrap around, so unsigned and at least as wide as int.
template <class T, class = void>
struct Arithmetic {
  using type = T;
};
template <class T>
struct Arithmetic<T, std::enable_if_t<std::is_integral_v<T>>> {
  using type = std::conditional_t<sizeof(T) < sizeof(unsigned), unsigned, std::make_unsigned_t<T>>;
};

// beta * C + bias.
template <class T>
void fill_end(const Product<T>& p) {
  using U = typename Arithmetic<T>::type;
  for (int64_t i = 0; i < p.m; ++i) {
    T* row = p.c + i * p.c_row;
    for (int64_t j = 0; j < p.n; ++j) {
      const U start = p.end.beta == 0 ? U(0) : U(p.end.beta) * U(row[j]);
      row[j] = T(p.end.bias ? start + U(p.end.bias[j]) : start);
    }
  }
}

// A vector with step 1: itself, or copied to `room`.
template <class T>
const T* contiguous(const T* x, int64_t count, int64_t step, T* room) {
  if (step == 1) return x;
  for (int64_t i = 0; i < count; ++i) room[i] = x[i * step];
  return room;
}

// A few rows of C: B is read where it lies, once per row of A, in parts that stay in the cache.
template <class T>
void few_rows(const Product<T>& p) {
  const MatmulKernels<T>& kernel = kernels<T>();
  if (p.b.col == 1) {
    const int64_t part = 4 * kernel.tile_columns;
    parallel_for(0, divide_up(p.n, part), grain_for(part * p.k * p.m), [&](int64_t first, int64_t last) {
      for (int64_t j = first * part; j < std::min(p.n, last * part); j += part) {
        for (int64_t i = 0; i < p.m; ++i) {
          kernel.combine(std::min(part, p.n - j), p.k, p.a.data + i * p.a.row, p.a.col, p.b.data + j, p.b.row,
                         p.c + i * p.c_row + j, p.end_at(j));
        }
      }
    });
    return;
  }
  constexpr int64_t part = 16;
  Scratch<T> room(p.a.col == 1 ? 0 : p.m * p.k);
  for (int64_t i = 0; i < p.m && p.a.col != 1; ++i) {
    contiguous(p.a.data + i * p.a.row, p.k, p.a.col, room.get() + i * p.k);
  }
  const T* a = p.a.col == 1 ? p.a.data : room.get();
  const int64_t a_row = p.a.col == 1 ? p.a.row : p.k;
  parallel_for(0, divide_up(p.n, part), grain_for(part * p.k * p.m), [&](int64_t first, int64_t last) {
    for (int64_t j = first * part; j < std::min(p.n, last * part); j += part) {
      for (int64_t i = 0; i < p.m; ++i) {
        kernel.dots(std::min(part, p.n - j), p.k, p.b.data + j * p.b.col, p.b.col, a + i * a_row, p.c + i * p.c_row + j,
                    1, p.end_at(j), 1);
      }
    }
  });
}

// C is one column, rows of A contiguous.
template <class T>
void one_column(const Product<T>& p) {
  Scratch<T> room(p.b.row == 1 ? 0 : p.k);
  const T* x = contiguous(p.b.data, p.k, p.b.row, room.get());
  parallel_for(0, p.m, grain_for(p.k), [&](int64_t i, int64_t last) {
    kernels<T>().dots(last - i, p.k, p.a.data + i * p.a.row, p.a.row, x, p.c + i * p.c_row, p.c_row, p.end, 0);
  });
}

// B fits a buffer on the stack.
template <class T>
void small(const Product<T>& p) {
  parallel_for(0, p.m, grain_for(p.n * p.k), [&](int64_t i, int64_t last) {
    kernels<T>().small(last - i, p.n, p.k, {p.a.data + i * p.a.row, p.a.row, p.a.col}, p.b, p.c + i * p.c_row, p.c_row,
                       p.end);
  });
}

// One pass over k: packed columns [j, j + n) of B against all rows of A, split into blocks of rows times groups of
// panels.
template <class T>
void multiply_pass(const Product<T>& p, const T* packed_b) {
  const MatmulKernels<T>& kernel = kernels<T>();
  const int64_t blocks = divide_up(p.m, block_rows);
  const int64_t rows = round_up(divide_up(p.m, blocks), kernel.tile_rows);
  const int64_t panels = divide_up(p.n, kernel.tile_columns);
  const int64_t group = divide_up(panels, std::min(panels, divide_up(8 * num_threads(), blocks)));
  const int64_t groups = divide_up(panels, group), columns = group * kernel.tile_columns;
  const bool pack = (p.a.row != 1 && p.a.col != 1) || panels > 4;
  parallel_for(0, blocks * groups, grain_for(rows * columns * p.k), [&](int64_t task, int64_t last) {
    Scratch<T> packed_a(pack ? rows * p.k + 16 : 0);
    for (int64_t packed_block = -1; task < last; ++task) {
      const int64_t i = task / groups * rows, j = task % groups * columns;
      const int64_t height = std::min(rows, p.m - i), width = std::min(columns, p.n - j);
      if (height <= 0) continue;
      MatrixView<T> a = {p.a.data + i * p.a.row, p.a.row, p.a.col};
      if (pack) {
        if (packed_block != i) kernel.pack_a(height, p.k, a, packed_a.get());
        packed_block = i;
        a = {packed_a.get(), kernel.tile_rows * p.k, 1};
      }
      kernel.block(height, width, p.k, a, pack, packed_b + j * p.k, p.c + i * p.c_row + j, p.c_row, p.end_at(j));
    }
  });
}

// No more rows than one block has: each group of columns packs its part of B and uses it at once.
template <class T>
void one_block(const Product<T>& p) {
  const MatmulKernels<T>& kernel = kernels<T>();
  const int64_t panels = divide_up(p.n, kernel.tile_columns);
  const int64_t columns = std::clamp<int64_t>(panels / (4 * num_threads()), 1, 4) * kernel.tile_columns;
  const int64_t steps = divide_up(p.k, divide_up(p.k, pass_steps));
  const bool pack = (p.a.row != 1 && p.a.col != 1) || panels > 4;
  const int64_t a_panel = kernel.tile_rows * p.k;
  Scratch<T> packed_a(pack ? divide_up(p.m, kernel.tile_rows) * a_panel + 16 : 0);
  if (pack) kernel.pack_a(p.m, p.k, p.a, packed_a.get());
  parallel_for(0, divide_up(p.n, columns), grain_for(p.m * columns * p.k), [&](int64_t group, int64_t last) {
    const Scratch<T> packed_b(columns * steps);
    for (; group < last; ++group) {
      const int64_t j = group * columns, width = std::min(columns, p.n - j);
      for (int64_t k = 0; k < p.k; k += steps) {
        const int64_t depth = std::min(steps, p.k - k);
        const MatrixView<T> a = pack ? MatrixView<T>{packed_a.get() + k * kernel.tile_rows, a_panel, 1}
                                     : MatrixView<T>{p.a.data + k * p.a.col, p.a.row, p.a.col};
        kernel.pack_b(depth, width, {p.b.data + k * p.b.row + j * p.b.col, p.b.row, p.b.col}, packed_b.get());
        kernel.block(p.m, width, depth, a, pack, packed_b.get(), p.c + j, p.c_row,
                     k == 0 ? p.end_at(j) : MatmulEnd<T>{p.end.alpha, T(1), nullptr});
      }
    }
  });
}

template <class T>
void blocked(const Product<T>& p) {
  const MatmulKernels<T>& kernel = kernels<T>();
  const int64_t steps = divide_up(p.k, divide_up(p.k, pass_steps));
  Scratch<T> packed(round_up(std::min(p.n, pass_columns), kernel.tile_columns) * steps);
  for (int64_t k = 0; k < p.k; k += steps) {
    for (int64_t j = 0; j < p.n; j += pass_columns) {
      Product<T> pass = p;
      pass.k = std::min(steps, p.k - k);
      pass.n = std::min(pass_columns, p.n - j);
      pass.a.data += k * p.a.col;
      pass.b.data += k * p.b.row + j * p.b.col;
      pass.c += j;
      pass.end = k == 0 ? p.end_at(j) : MatmulEnd<T>{p.end.alpha, T(1), nullptr};
      const int64_t width = kernel.tile_columns, panels = divide_up(pass.n, width);
      parallel_for(0, panels, grain_for(width * pass.k * 16), [&](int64_t first, int64_t last) {
        kernel.pack_b(pass.k, std::min(pass.n, last * width) - first * width,
                      {pass.b.data + first * width * p.b.col, p.b.row, p.b.col}, packed.get() + first * width * pass.k);
      });
      multiply_pass(pass, packed.get());
    }
  }
}

bool with_onednn(const Product<double>&) { return false; }

bool with_onednn(const Product<float>& p) {
  constexpr int64_t onednn_work = int64_t(1) << 21;
  const auto plain = [](const MatrixView<float>& x, int64_t columns) { return x.col == 1 && x.row >= columns; };
  const auto turned = [](const MatrixView<float>& x, int64_t rows) { return x.row == 1 && x.col >= rows; };
  if (p.m * p.n * p.k < onednn_work || !onednn::available()) return false;
  const bool turn_a = !plain(p.a, p.k), turn_b = !plain(p.b, p.n);
  if ((turn_a && !turned(p.a, p.m)) || (turn_b && !turned(p.b, p.k))) return false;
  if (!onednn::sgemm(turn_a, turn_b, p.m, p.n, p.k, p.end.alpha, p.a.data, turn_a ? p.a.col : p.a.row, p.b.data,
                     turn_b ? p.b.col : p.b.row, p.end.beta, p.c, p.c_row)) {
    return false;
  }
  if (p.end.bias) {
    parallel_for(0, p.m, grain_for(p.n), [&](int64_t i, int64_t last) {
      Product<float> rows = p;
      rows.c += i * p.c_row;
      rows.m = last - i;
      rows.end.beta = 1;
      fill_end(rows);
    });
  }
  return true;
}

template <class T>
void multiply(const Product<T>& p) {
  if (p.n == 1 && p.a.col == 1) return one_column(p);
  if (p.n == 1 && p.a.row == 1 && p.c_row == 1 && !p.end.bias) {
    return few_rows<T>({1, p.m, p.k, {p.b.data, 0, p.b.row}, {p.a.data, p.a.col, 1}, p.c, p.m, p.end});
  }
  if (p.m <= 4 && (p.b.col == 1 || p.b.row == 1) && p.n * p.k > matmul_small_b / 4) return few_rows(p);
  if (round_up(p.n, kernels<T>().tile_columns) * p.k <= matmul_small_b) return small(p);
  if (with_onednn(p)) return;
  p.m <= block_rows ? one_block(p) : blocked(p);
}

// Integers: plain loops, B's rows innermost.
template <class T>
void multiply_integers(const Product<T>& p) {
  using U = typename Arithmetic<T>::type;
  fill_end(p);
  parallel_for(0, p.m, grain_for(p.n * p.k * 4), [&](int64_t i, int64_t last) {
    for (; i < last; ++i) {
      for (int64_t s = 0; s < p.k; ++s) {
        const U left = U(p.end.alpha) * U(p.a.data[i * p.a.row + s * p.a.col]);
        const T* right = p.b.data + s * p.b.row;
        T* row = p.c + i * p.c_row;
        for (int64_t j = 0; j < p.n; ++j) row[j] = T(U(row[j]) + left * U(right[j * p.b.col]));
      }
    }
  });
}

// The real and the imaginary parts of a complex matrix.
template <class R>
std::array<MatrixView<R>, 2> parts(const MatrixView<Complex<R>>& x) {
  const R* data = reinterpret_cast<const R*>(x.data);
  return {{{data, 2 * x.row, 2 * x.col}, {data + 1, 2 * x.row, 2 * x.col}}};
}

// Four real products: re = A.re B.re - A.im B.im, im = A.re B.im + A.im B.re.
template <class R>
void multiply(const Product<Complex<R>>& p) {
  const Scratch<R> room(2 * p.m * p.n);
  R *const re = room.get(), *const im = re + p.m * p.n;
  const auto a = parts(p.a), b = parts(p.b);
  const auto add = [&](int left, int right, R* to, R alpha, R beta) {
    multiply(Product<R>{p.m, p.n, p.k, a[left], b[right], to, p.n, {alpha, beta, nullptr}});
  };
  add(0, 0, re, 1, 0);
  add(1, 1, re, -1, 1);
  add(0, 1, im, 1, 0);
  add(1, 0, im, 1, 1);
  fill_end(p);
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t j = 0; j < p.n; ++j)
      p.c[i * p.c_row + j] += p.end.alpha * Complex<R>(re[i * p.n + j], im[i * p.n + j]);
}

}  // namespace

template <class T>
void matmul(const MatmulShape& shape, const T* a, const T* b, T* c, const T* bias, T alpha, T beta) {
  if constexpr (std::is_floating_point_v<T>) {
    // Tiny: straight to the kernel.
    constexpr int64_t tiny = 16;
    if (shape.batch == 1 && uint64_t(shape.m - 1) < tiny && uint64_t(shape.n - 1) < tiny &&
        uint64_t(shape.k - 1) < tiny) {
      return kernels<T>().small(shape.m, shape.n, shape.k, {a, shape.a_row, shape.a_col}, {b, shape.b_row, shape.b_col},
                                c, shape.c_row, {alpha, beta, bias});
    }
  }
  MatmulShape s = shape;
  if (s.batch <= 0 || s.m <= 0 || s.n <= 0) return;
  // Batches that share B are one tall product where A and C run on.
  if (s.batch > 1 && s.b_batch == 0 && s.a_batch == s.m * s.a_row && s.c_batch == s.m * s.c_row) {
    s.m *= s.batch;
    s.batch = 1;
  }
  const auto product = [&](int64_t i) {
    return Product<T>{s.m,
                      s.n,
                      s.k,
                      {a + i * s.a_batch, s.a_row, s.a_col},
                      {b + i * s.b_batch, s.b_row, s.b_col},
                      c + i * s.c_batch,
                      s.c_row,
                      {alpha, beta, bias}};
  };
  const auto run = [](const Product<T>& p) {
    if (p.k == 0)
      fill_end(p);
    else if constexpr (std::is_integral_v<T>)
      multiply_integers(p);
    else
      multiply(p);
  };
  const int64_t work = s.m * s.n * std::max<int64_t>(s.k, 1);
  if (s.batch == 1 || (work >= 4 * parallel_work && s.batch < 4 * num_threads())) {
    for (int64_t i = 0; i < s.batch; ++i) run(product(i));
    return;
  }
  parallel_for(0, s.batch, grain_for(work), [&](int64_t i, int64_t last) {
    for (; i < last; ++i) run(product(i));
  });
}

template <class T>
void gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const T* a, const T* b, T* c,
          bool accumulate) {
  MatmulShape shape;
  shape.m = m, shape.n = n, shape.k = k, shape.c_row = n;
  shape.a_row = transpose_a ? 1 : k, shape.a_col = transpose_a ? m : 1;
  shape.b_row = transpose_b ? 1 : n, shape.b_col = transpose_b ? k : 1;
  matmul<T>(shape, a, b, c, nullptr, T(1), T(accumulate));
}

template <class T>
int64_t packed_values(int64_t k, int64_t n) {
  return round_up(n, kernels<T>().tile_columns) * k;
}

template <class T>
void pack(int64_t k, int64_t n, const T* b, int64_t b_row, int64_t b_col, T* packed) {
  for (int64_t p = 0; p < k; p += pass_steps) {
    const int64_t depth = std::min(pass_steps, k - p);
    kernels<T>().pack_b(depth, n, {b + p * b_row, b_row, b_col}, packed + packed_values<T>(p, n));
  }
}

template <class T>
void matmul_packed(int64_t m, int64_t n, int64_t k, const T* a, int64_t a_row, int64_t a_col, const T* packed, T* c,
                   int64_t c_row, T alpha, T beta) {
  for (int64_t p = 0; p < k; p += pass_steps) {
    const int64_t depth = std::min(pass_steps, k - p);
    kernels<T>().block(m, n, depth, {a + p * a_col, a_row, a_col}, false, packed + packed_values<T>(p, n), c, c_row,
                       {alpha, p == 0 ? beta : T(1), nullptr});
  }
}

template <class T>
int64_t matmul_rows() {
  return kernels<T>().tile_rows;
}

#define RL_PACKED(T)                                                                                                  \
  template int64_t packed_values<T>(int64_t, int64_t);                                                                \
  template void pack<T>(int64_t, int64_t, const T*, int64_t, int64_t, T*);                                            \
  template void matmul_packed<T>(int64_t, int64_t, int64_t, const T*, int64_t, int64_t, const T*, T*, int64_t, T, T); \
  template int64_t matmul_rows<T>();
RL_PACKED(float)
RL_PACKED(double)
#undef RL_PACKED

#define RL_MATMUL(T) template void matmul<T>(const MatmulShape&, const T*, const T*, T*, const T*, T, T);
RL_MATMUL(float)
RL_MATMUL(double)
RL_MATMUL(int8_t)
RL_MATMUL(uint8_t)
RL_MATMUL(int16_t)
RL_MATMUL(int32_t)
RL_MATMUL(int64_t)
RL_MATMUL(Complex<float>)
RL_MATMUL(Complex<double>)
#undef RL_MATMUL

template void gemm<float>(bool, bool, int64_t, int64_t, int64_t, const float*, const float*, float*, bool);
template void gemm<double>(bool, bool, int64_t, int64_t, int64_t, const double*, const double*, double*, bool);

}  // namespace rl::cpu
