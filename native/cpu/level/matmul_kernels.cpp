// Register-blocked matrix product: a tile of C stays in registers while k runs; B is packed in panels one tile wide.
#include "cpu/level/matmul_table.h"
#include "cpu/level/vec_arch.h"

namespace rl::RL_LEVEL {
namespace {

template <class T>
using Vector = typename VecTraits<T>::native;
template <class T>
constexpr int lanes = vector_bytes / int(sizeof(T));

// A tile is tile_rows x (2 vectors); accumulators, two vectors of B and one of A fill the register file.
#if defined(__AVX512F__)
constexpr int tile_rows = 14;
#elif defined(__AVX2__)
constexpr int tile_rows = 6;
#else
constexpr int tile_rows = 4;
#endif
template <class T>
constexpr int tile_columns = 2 * lanes<T>;

template <class T>
RL_INLINE Vector<T> load(const T* p) {
  return *reinterpret_cast<const typename VecTraits<T>::unaligned*>(p);
}
template <class T>
RL_INLINE void store(T* p, Vector<T> v) {
  *reinterpret_cast<typename VecTraits<T>::unaligned*>(p) = v;
}
template <class T>
RL_INLINE Vector<T> load_first(const T* p, int count) {
  return (Vector<T>)arch_load(p, count * int(sizeof(T)));
}
template <class T>
RL_INLINE void store_first(T* p, int count, Vector<T> v) {
  arch_store(p, count * int(sizeof(T)), (NativeB)v);
}
template <class T>
RL_INLINE Vector<T> spread(T value) {
  return value - Vector<T>{};  // (0 + value would be an instruction: it changes -0)
}
RL_INLINE int smaller(int64_t a, int64_t b) { return int(a < b ? a : b); }

template <class T>
RL_INLINE T sum_lanes(Vector<T> v) {
  T lane[lanes<T>];
  store(lane, v);
  for (int width = lanes<T> / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  }
  return lane[0];
}

template <class T>
RL_INLINE void finish(T* c, int count, Vector<T> value, const MatmulEnd<T>& end, const T* bias) {
  value = spread(end.alpha) * value;
  if (count == lanes<T>) {
    if (bias) value += load(bias);
    if (end.beta != 0) value = arch_fma(spread(end.beta), load(c), value);
    store(c, value);
  } else {
    if (bias) value += load_first(bias, count);
    if (end.beta != 0) value = arch_fma(spread(end.beta), load_first(c, count), value);
    store_first(c, count, value);
  }
}

// One tile: `rows` x `columns` of C. A's element (i, p) is a[i * a_step + p] where by_rows, else a[i + p * a_step].
template <class T, int rows, int vectors, bool by_rows>
void tile(int64_t k, const T* a, int64_t a_step, const T* b, T* c, int64_t c_row, int columns, const MatmulEnd<T>& end,
          const T* bias) {
  Vector<T> sum[rows][vectors] = {};
  for (int64_t p = 0; p < k; ++p) {
    Vector<T> right[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) right[v] = load(b + p * tile_columns<T> + v * lanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const Vector<T> left = spread(by_rows ? a[i * a_step + p] : a[i + p * a_step]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sum[i][v] = arch_fma(left, right[v], sum[i][v]);
    }
  }
  T result[rows][vectors * lanes<T>];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) store(&result[i][v * lanes<T>], sum[i][v]);
  }
  for (int i = 0; i < rows; ++i, c += c_row) {
    for (int j = 0; j < columns; j += lanes<T>) {
      finish<T>(c + j, smaller(columns - j, lanes<T>), load(&result[i][j]), end, bias ? bias + j : nullptr);
    }
  }
}

template <class T>
using Tile = void (*)(int64_t, const T*, int64_t, const T*, T*, int64_t, int, const MatmulEnd<T>&, const T*);

// The tiles of every height from 1 to tile_rows.
template <class T, int vectors, bool by_rows>
struct Tiles {
  Tile<T> of[tile_rows + 1];
  template <int rows>
  constexpr void fill() {
    of[rows] = tile<T, rows, vectors, by_rows>;
    if constexpr (rows < tile_rows) fill<rows + 1>();
  }
  constexpr Tiles() : of{} { fill<1>(); }
};
template <class T, int vectors, bool by_rows>
constexpr Tiles<T, vectors, by_rows> tiles;

template <class T>
RL_INLINE Tile<T> tile_of(int rows, int columns, bool by_rows) {
  if (columns > lanes<T>) return by_rows ? tiles<T, 2, true>.of[rows] : tiles<T, 2, false>.of[rows];
  return by_rows ? tiles<T, 1, true>.of[rows] : tiles<T, 1, false>.of[rows];
}

// The matrix of lanes x lanes values in `row`, turned: each step swaps the halves, quarters, ... off the diagonal.
template <class T, int half, int... lane>
RL_INLINE void swap_off_diagonal(Vector<T>& low, Vector<T>& high) {
  constexpr int all = lanes<T>;
  const Vector<T> a = low, b = high;
  low = __builtin_shufflevector(a, b, (lane & half ? all + (lane ^ half) : lane)...);
  high = __builtin_shufflevector(a, b, (lane & half ? all + lane : lane ^ half)...);
}
template <class T, int half, int... lane>
RL_INLINE void turn_by(Vector<T> (&row)[lanes<T>]) {
  if constexpr (half > 0) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes<T>; ++i) {
      if (!(i & half)) swap_off_diagonal<T, half, lane...>(row[i], row[i + half]);
    }
    turn_by<T, half / 2, lane...>(row);
  }
}
template <class T, int... lane>
struct Lanes {
  static RL_INLINE void turn(Vector<T> (&row)[lanes<T>]) { turn_by<T, lanes<T> / 2, lane...>(row); }
};
template <class T>
using AllLanes = Lanes<T, __integer_pack(lanes<T>)...>;

// Packs the vectors x[i * across], i < count, of k steps `along`, into a panel: out[p * width + i], zeros from count
// on. Whole vectors are stored, so where `width` is no multiple of them a few values behind the panel are overwritten.
template <class T, int width>
void pack_panel(int count, int64_t k, const T* x, int64_t across, int64_t along, T* out) {
  constexpr int64_t few = 64;  // values that are copied singly
  constexpr bool masked_loads = vector_bytes == 64;
  if (across == 1 && (masked_loads || count * k > few)) {
    for (int64_t p = 0; p < k; ++p, x += along, out += width) {
      for (int i = 0; i < width; i += lanes<T>) {
        store<T>(out + i, count >= i + lanes<T> ? load(x + i) : count > i ? load_first(x + i, count - i) : Vector<T>{});
      }
    }
    return;
  }
  if (along != 1 || count * k <= few) {
    for (int64_t p = 0; p < k; ++p, x += along, out += width) {
      for (int i = 0; i < width; i += lanes<T>) store(out + i, Vector<T>{});
      for (int i = 0; i < count; ++i) out[i] = x[i * across];
    }
    return;
  }
  // The last group of lanes first: what it stores beyond the width belongs to the first group.
  for (int first = (width - 1) / lanes<T> * lanes<T>; first >= 0; first -= lanes<T>) {
    for (int64_t p = 0; p < k; p += lanes<T>) {
      const int steps = smaller(k - p, lanes<T>);
      Vector<T> row[lanes<T>] = {};
      for (int i = 0; i < smaller(count - first, lanes<T>); ++i) {
        const T* from = x + (first + i) * across + p;
        row[i] = steps == lanes<T> ? load(from) : load_first(from, steps);
      }
      AllLanes<T>::turn(row);
      for (int i = 0; i < steps; ++i) store(out + (p + i) * width + first, row[i]);
    }
  }
}

template <class T, int width>
RL_INLINE void pack(int64_t count, int64_t k, const T* x, int64_t across, int64_t along, T* out) {
  for (int64_t i = 0; i < count; i += width, out += width * k) {
    pack_panel<T, width>(smaller(count - i, width), k, x + i * across, across, along, out);
  }
}

template <class T>
void pack_a(int64_t m, int64_t k, MatrixView<T> a, T* out) {
  pack<T, tile_rows>(m, k, a.data, a.row, a.col, out);
}

template <class T>
void pack_b(int64_t k, int64_t n, MatrixView<T> b, T* out) {
  pack<T, tile_columns<T>>(n, k, b.data, b.col, b.row, out);
}

// Panels of B outside: one stays in the first-level cache while the rows of A pass by.
template <class T>
void block(int64_t m, int64_t n, int64_t k, MatrixView<T> a, bool a_packed, const T* b, T* c, int64_t c_row,
           const MatmulEnd<T>& end) {
  const bool by_rows = !a_packed && a.row != 1;
  const int64_t a_step = a_packed ? tile_rows : by_rows ? a.row : a.col;
  const int64_t next_rows = a_packed ? a.row : tile_rows * a.row;
  for (int64_t j = 0; j < n; j += tile_columns<T>, b += tile_columns<T> * k) {
    const int columns = smaller(n - j, tile_columns<T>);
    const T* left = a.data;
    for (int64_t i = 0; i < m; i += tile_rows, left += next_rows) {
      const int rows = smaller(m - i, tile_rows);
      tile_of<T>(rows, columns, by_rows)(k, left, a_step, b, c + i * c_row + j, c_row, columns, end,
                                         end.bias ? end.bias + j : nullptr);
    }
  }
}

template <class T>
void small(int64_t m, int64_t n, int64_t k, MatrixView<T> a, MatrixView<T> b, T* c, int64_t c_row,
           const MatmulEnd<T>& end) {
  alignas(64) T packed[matmul_small_b];
  pack_b(k, n, b, packed);
  if (a.row == 1 || a.col == 1) return block(m, n, k, a, false, packed, c, c_row, end);
  alignas(64) T rows[tile_rows * matmul_small_b / tile_columns<T> + lanes<T>];
  for (int64_t i = 0; i < m; i += tile_rows) {
    const int count = smaller(m - i, tile_rows);
    pack_a(count, k, {a.data + i * a.row, a.row, a.col}, rows);
    block(count, n, k, {rows, tile_rows * k, 1}, true, packed, c + i * c_row, c_row, end);
  }
}

template <class T>
RL_INLINE void finish_one(T* y, T value, const MatmulEnd<T>& end, const T* bias) {
  value *= end.alpha;
  if (bias) value += *bias;
  if (end.beta != 0) value += end.beta * *y;
  *y = value;
}

// `rows` dot products at once, each in two partial vectors.
template <class T, int rows>
RL_INLINE void dot_rows(int64_t k, const T* a, int64_t a_row, const T* x, T* y, int64_t y_step, const MatmulEnd<T>& end,
                        const T* bias, int64_t bias_step) {
  Vector<T> sum[rows][2] = {};
  int64_t p = 0;
  for (; p + 2 * lanes<T> <= k; p += 2 * lanes<T>) {
    const Vector<T> x0 = load(x + p), x1 = load(x + p + lanes<T>);
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      sum[i][0] = arch_fma(load(a + i * a_row + p), x0, sum[i][0]);
      sum[i][1] = arch_fma(load(a + i * a_row + p + lanes<T>), x1, sum[i][1]);
    }
  }
  for (; p < k; p += lanes<T>) {
    const int count = smaller(k - p, lanes<T>);
    const Vector<T> x0 = load_first(x + p, count);
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) sum[i][0] = arch_fma(load_first(a + i * a_row + p, count), x0, sum[i][0]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i) {
    finish_one(y + i * y_step, sum_lanes<T>(sum[i][0] + sum[i][1]), end, bias ? bias + i * bias_step : nullptr);
  }
}

template <class T>
void dots(int64_t m, int64_t k, const T* a, int64_t a_row, const T* x, T* y, int64_t y_step, const MatmulEnd<T>& end,
          int64_t bias_step) {
  int64_t i = 0;
  const auto bias = [&] { return end.bias ? end.bias + i * bias_step : nullptr; };
  for (; i + 4 <= m; i += 4) dot_rows<T, 4>(k, a + i * a_row, a_row, x, y + i * y_step, y_step, end, bias(), bias_step);
  for (; i < m; ++i) dot_rows<T, 1>(k, a + i * a_row, a_row, x, y + i * y_step, y_step, end, bias(), bias_step);
}

// `vectors` x lanes columns of y at once.
template <class T, int vectors>
RL_INLINE void combine_columns(int count, int64_t k, const T* x, int64_t x_step, const T* b, int64_t b_row, T* y,
                               const MatmulEnd<T>& end, const T* bias) {
  Vector<T> sum[vectors] = {};
  for (int64_t p = 0; p < k; ++p) {
    const Vector<T> factor = spread(x[p * x_step]);
    const T* row = b + p * b_row;
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      const Vector<T> right = vectors > 1 || count == lanes<T> ? load(row + v * lanes<T>) : load_first(row, count);
      sum[v] = arch_fma(factor, right, sum[v]);
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < vectors; ++v) {
    finish<T>(y + v * lanes<T>, vectors > 1 ? lanes<T> : count, sum[v], end, bias ? bias + v * lanes<T> : nullptr);
  }
}

template <class T>
void combine(int64_t n, int64_t k, const T* x, int64_t x_step, const T* b, int64_t b_row, T* y,
             const MatmulEnd<T>& end) {
  int64_t j = 0;
  const auto bias = [&] { return end.bias ? end.bias + j : nullptr; };
  for (; j + 8 * lanes<T> <= n; j += 8 * lanes<T>) {
    combine_columns<T, 8>(lanes<T>, k, x, x_step, b + j, b_row, y + j, end, bias());
  }
  for (; j < n; j += lanes<T>) {
    combine_columns<T, 1>(smaller(n - j, lanes<T>), k, x, x_step, b + j, b_row, y + j, end, bias());
  }
}

template <class T>
constexpr MatmulKernels<T> kernels = {tile_rows, tile_columns<T>, pack_a<T>, pack_b<T>,
                                      block<T>,  small<T>,        dots<T>,   combine<T>};

}  // namespace

const MatmulTable& matmul_table() {
  static constexpr MatmulTable table = {kernels<float>, kernels<double>};
  return table;
}

}  // namespace rl::RL_LEVEL
