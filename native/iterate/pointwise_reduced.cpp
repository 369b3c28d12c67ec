// A pointwise row whose elements are combined as they come: no tensor of them is made.
#include <memory>

#include "device/create.h"
#include "iterate/pointwise_call.h"

namespace rl {
namespace {

constexpr int64_t kTileBytes = 8192;  // of elements that stay in the first-level cache until they are combined

// How the elements of one call are computed and combined.
struct Steps {
  Inner compute;
  int operands;
  const ReduceKernel& kernel;
  int64_t itemsize;

  Steps(const Inner& compute, int operands, const ReduceKernel* reductions, DType d)
      : compute(compute),
        operands(operands),
        kernel(reductions[static_cast<int>(d)]),
        itemsize(static_cast<int64_t>(size_of(d))) {}
  int64_t room() const { return kTileBytes / itemsize; }
};

// Takes elements in order, computes them into a tile, and combines each full tile into an accumulator.
class Tile {
 public:
  Tile(const Steps& steps, Cell* accumulators) : steps_(steps), accumulators_(accumulators) {}

  static void call(const void* self, char* const* data, const int64_t* strides, int64_t n) {
    static_cast<Tile*>(const_cast<void*>(self))->take(data, strides, n);
  }
  void take(char* const* data, const int64_t* strides, int64_t n) {
    for (int64_t from = 0, count; from < n; from += count) {
      count = std::min(n - from, steps_.room() - held_);
      char* at[kMaxOperands] = {bytes_ + held_ * steps_.itemsize};
      int64_t step[kMaxOperands] = {steps_.itemsize};
      for (int k = 1; k < steps_.operands; ++k) {
        at[k] = data[k] + from * strides[k];
        step[k] = strides[k];
      }
      steps_.compute.call(steps_.compute.self, at, step, count);
      held_ += count;
      if (held_ == steps_.room()) combine();
    }
  }
  void combine() {
    if (!held_) return;
    steps_.kernel.run({bytes_, accumulators_++->bytes, 1, 0, 0, 1, &held_, &steps_.itemsize, held_}, true);
    held_ = 0;
  }

 private:
  const Steps& steps_;
  Cell* accumulators_;
  int64_t held_ = 0;
  alignas(64) char bytes_[kTileBytes];
};

void run_loop(const void* loop, char* const* data, const int64_t* strides, int64_t n) {
  (*static_cast<const Loop*>(loop))(data, strides, n);
}

// Combines n elements into `out`; send(tile, begin, end) sends some of them there. Tiles begin at fixed places, so that
// the number of threads changes nothing.
template <class F>
void combine_all(const Steps& steps, int64_t n, char* out, F&& send) {
  const int64_t room = steps.room(), tiles = (n + room - 1) / room;
  Cell one;
  const std::unique_ptr<Cell[]> many(tiles > 1 ? new Cell[tiles] : nullptr);
  Cell* accumulators = many ? many.get() : &one;
  Unlocked unlocked(n);
  parallel_for(0, tiles, kGrain / room, [&](int64_t first, int64_t last) {
    Tile tile(steps, accumulators + first);
    send(tile, first * room, std::min(n, last * room));
    tile.combine();
  });
  steps.kernel.finish(accumulators->bytes, tiles, out, n);
}

}  // namespace

Ref pointwise_reduced(const PointwiseRow& row, Span<const Arg> args, const ReduceKernel* reductions) {
  if (SameLayout same; same.fits(row, args)) [[likely]] {
    const DType d = same.lead->dtype;
    if (Loop loop = loop_of(row, d)) {
      Ref out = empty(DimSpan(), d, same.lead->device);
      const Steps steps({run_loop, &loop}, same.n, reductions, d);
      combine_all(steps, same.lead->numel, out->data(), [&](Tile& tile, int64_t begin, int64_t end) {
        char* at[kMaxOperands];
        for (int k = 1; k < same.n; ++k) at[k] = same.data[k] + begin * same.strides[k];
        tile.take(at, same.strides, end - begin);
      });
      return out;
    }
  }
  check_same_device(row.name, args);
  const DType d = arithmetic_dtype(row, args);
  PointwiseCall call(row, args, d);
  check_like(row, args, call);
  Ref out = empty(DimSpan(), dtype_of_result(row, args, d), call_device(args));
  if (!has_memory(out.get())) return out;
  call.operands[0] = Operand::cell(nullptr);
  call.converting.n = call.n;
  const Plan plan(call.sizes, Span<const Operand>(call.operands, call.n));
  const Inner compute =
      call.converts ? Inner{Converting::call, &call.converting} : Inner{run_loop, &call.converting.loop};
  Cell result;
  combine_all(Steps(compute, call.n, reductions, call.computed), plan.numel, result.bytes,
              [&](Tile& tile, int64_t begin, int64_t end) { plan.run_part(Inner{Tile::call, &tile}, begin, end); });
  char* const ends[2] = {out->data(), result.bytes};
  const int64_t steps[2] = {};
  cast_loop(out->dtype, call.computed)(ends, steps, 1);
  return out;
}

}  // namespace rl
