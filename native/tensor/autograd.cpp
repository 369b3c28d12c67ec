#include "tensor/autograd.h"

#include <cstdlib>
#include <new>

namespace rl {

namespace {
// Every view and every leaf's gradient takes one of these: freed ones are kept, as tensors are.
template <class T>
struct Pool {
  static constexpr int kMax = 512;
  T* items[kMax];
  int count = 0;
  T* take() {
    if (count) return items[--count];
    void* memory = std::malloc(sizeof(T));
    if (!memory) throw std::bad_alloc();
    return static_cast<T*>(memory);
  }
  void give(T* item) {
    if (count < kMax) {
      items[count++] = item;
    } else {
      std::free(item);
    }
  }
};
Pool<Autograd> autograd_pool;
Pool<ViewStep> step_pool;
Tangent* newest_tangent = nullptr;
}  // namespace

bool Tensor::base_requires_grad() const { return autograd->base && autograd->base->requires_grad(); }

Autograd* new_autograd() { return new (autograd_pool.take()) Autograd{}; }

void free_autograd(Autograd* a) {
  Py_XDECREF(reinterpret_cast<PyObject*>(a->grad));
  Py_XDECREF(a->hooks);
  Py_XDECREF(a->accumulator);
  Py_XDECREF(a->post_accumulate_hooks);
  Py_XDECREF(reinterpret_cast<PyObject*>(a->base));
  if (a->step) drop(a->step);
  drop_tangent(a);
  autograd_pool.give(a);
}

void hold_tangent(Tensor* x, Ref value) {
  Autograd* a = autograd_of(x);
  if (a->tangent) {
    Ref old = Ref::steal(a->tangent->value);
    a->tangent->value = value.release();
    return;
  }
  a->tangent = new Tangent{value.release(), a, nullptr, newest_tangent};
  if (newest_tangent) newest_tangent->before = a->tangent;
  newest_tangent = a->tangent;
  track(x);
}

void drop_tangent(Autograd* a) {
  Tangent* t = a->tangent;
  if (!t) return;
  a->tangent = nullptr;
  (t->before ? t->before->after : newest_tangent) = t->after;
  if (t->after) t->after->before = t->before;
  Ref value = Ref::steal(t->value);
  delete t;
}

void drop_all_tangents() {
  while (newest_tangent) drop_tangent(newest_tangent->owner);
}

ViewStep* new_view_step(ViewStep::Replay replay, Span<const int64_t> args, ViewStep* previous, ViewOrigin origin) {
  ViewStep* step = step_pool.take();
  step->refs = 1;
  step->origin = origin;
  step->replay = replay;
  step->previous = previous;
  if (previous) ++previous->refs;
  step->many_args = args.n > 6;
  if (step->many_args) step->many = static_cast<int64_t*>(std::malloc(sizeof(int64_t) * args.n));
  int64_t* kept = step->many_args ? step->many : step->few;
  for (int i = 0; i < args.n; ++i) kept[i] = args[i];
  return step;
}

void drop(ViewStep* step) {
  while (step && --step->refs == 0) {  // a long chain of views must not recurse
    ViewStep* previous = step->previous;
    if (step->many_args) std::free(step->many);
    step_pool.give(step);
    step = previous;
  }
}

void forget_base(Tensor* x) {
  Autograd* a = x->autograd;
  Ref base = Ref::steal(a->base);
  a->base = nullptr;
  drop(a->step);
  a->step = nullptr;
}

void set_view(Tensor* view, Tensor* of, ViewStep::Replay replay, Span<const int64_t> args, ViewOrigin origin) {
  Autograd* a = autograd_of(view);
  Autograd* from = of->autograd;
  bool chained = from && from->base;
  if (chained && origin == ViewOrigin::Plain && from->step->origin != ViewOrigin::Plain) origin = from->step->origin;
  a->base = chained ? from->base : of;
  Py_INCREF(reinterpret_cast<PyObject*>(a->base));
  a->step = new_view_step(replay, args, chained ? from->step : nullptr, origin);
  a->seen_version = view->storage->version;
}

}  // namespace rl
