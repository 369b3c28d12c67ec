#include "tensor/autograd.h"

#include <cstdlib>
#include <new>

namespace rl {

namespace {
// Every view and every leaf takes one of these: freed ones are kept, as tensors are.
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

bool Tensor::base_requires_grad() const { return view->base->requires_grad(); }

Autograd* new_autograd() { return new (autograd_pool.take()) Autograd{}; }

void free_autograd(Autograd* a) {
  Py_XDECREF(reinterpret_cast<PyObject*>(a->grad));
  Py_XDECREF(a->hooks);
  Py_XDECREF(a->accumulator);
  Py_XDECREF(a->post_accumulate_hooks);
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

void drop(ViewStep* step) {
  while (step && --step->refs == 0) {  // a long chain of views must not recurse
    ViewStep* previous = step->previous;
    if (step->many_args) std::free(step->many);
    step_pool.give(step);
    step = previous;
  }
}

void forget_base(Tensor* x) {
  ViewStep* step = x->view;
  Ref base = Ref::steal(step->base);
  x->view = nullptr;
  step->base = nullptr;
  drop(step);
}

void set_view(Tensor* view, Tensor* of, ViewStep::Replay replay, Span<const int64_t> args, ViewOrigin origin) {
  ViewStep* previous = of->view;
  if (previous && origin == ViewOrigin::Plain) origin = previous->origin;
  ViewStep* step = step_pool.take();
  step->refs = 1;
  step->seen_version = view->storage->version;
  step->base = previous ? previous->base : of;
  Py_INCREF(reinterpret_cast<PyObject*>(step->base));
  step->replay = replay;
  step->previous = previous;
  if (previous) ++previous->refs;
  step->origin = origin;
  step->many_args = args.n > 6;
  if (step->many_args) step->many = static_cast<int64_t*>(std::malloc(sizeof(int64_t) * args.n));
  int64_t* kept = step->many_args ? step->many : step->few;
  for (int i = 0; i < args.n; ++i) kept[i] = args[i];
  view->view = step;
}

}  // namespace rl
